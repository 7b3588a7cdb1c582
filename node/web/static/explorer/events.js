// What happened, as cards.
import { h } from "../lib/dom.js";
import { words } from "../lib/format.js";
import { pairs } from "./values.js";

const SHOWN = 200;

export const eventName = (event) => Object.keys(event)[0];
const card = (event) => h("div", { class: "card" }, h("h3", {}, words(eventName(event))), pairs(event[eventName(event)]));

/** A heading and the events. */
export function events(found, title) {
  if (!found.length) return [h("p", { class: "quiet" }, `${title}: none.`)];
  const more = found.length > SHOWN ? [h("p", { class: "quiet" }, `The first ${SHOWN} are shown.`)] : [];
  return [h("h2", {}, `${title} (${found.length})`), ...found.slice(0, SHOWN).map(card), ...more];
}
