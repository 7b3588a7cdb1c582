// The order ticket: write, review what it would do, then sign.
import { $ } from "../lib/dom.js";
import { problemText } from "../lib/problems.js";
import * as fired from "./fired.js";
import { typing } from "./markets.js";
import * as review from "./review.js";
import { state } from "./state.js";
import { written } from "./terms.js";

const form = () => $("ticket-form");
let shown = "ticket-form"; // or combo-form

/** Listeners, once. */
export function setUp() {
  form().addEventListener("submit", (event) => { event.preventDefault(); ask(); });
  form().addEventListener("input", back);
  form().elements.kind.addEventListener("change", fitKind);
  for (const button of $("ticket-forms").children) button.addEventListener("click", () => choose(button.dataset.form));
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.key === "Escape" && !$("preview").hidden) {
      back();
      $(shown).querySelector("[name=size], [name=net]").focus();
    }
    if (typing(event.target)) return;
    const side = { b: "buy", s: "sell" }[event.key];
    if (side) {
      event.preventDefault();
      choose("ticket-form");
      form().elements.side.value = side;
      back();
      [...form().querySelectorAll("input[inputmode]")].find((field) => !field.disabled && field.offsetParent).focus();
    } else if (event.key === "c") {
      event.preventDefault();
      choose("combo-form");
      $("legs").querySelector("input")?.focus();
    }
  });
}

/** Fields that the kind of order has, and no others. */
function fitKind() {
  const kind = form().elements.kind.value;
  for (const part of form().querySelectorAll("[data-kinds]")) part.hidden = !part.dataset.kinds.split(" ").includes(kind);
  form().elements.price.disabled = kind === "market";
}

/** Which of the two forms is in view. */
export function choose(name) {
  shown = name;
  for (const button of $("ticket-forms").children) button.setAttribute("aria-pressed", String(button.dataset.form === name));
  back();
}

/** Another market, or another key. */
export function reset() {
  for (const name of ["price", "trigger", "profit", "trail"]) form().elements[name].value = "";
  review.say("");
  back();
}

/** A price that was picked in the book. */
export function setPrice(quanta) {
  const kind = form().elements.kind.value, name = kind === "trigger" || kind === "bracket" ? "trigger" : "price";
  if (form().elements[name].disabled || kind === "trailing") return;
  form().elements[name].value = state.unit.price(quanta, false);
  back();
}

/** Fill the ticket so that it closes a position. */
export function closing(market, lots, show) {
  if (market !== state.market) show(market);
  choose("ticket-form");
  const fields = form().elements;
  fields.side.value = lots > 0n ? "sell" : "buy";
  fields.kind.value = "market";
  fitKind();
  fields.reduce_only.checked = true;
  fields.size.value = state.unit.size(lots < 0n ? -lots : lots, false);
  back();
  $("review").focus();
}

/** From the preview to what was written. */
export function back() {
  review.turn();
  $("preview").hidden = true;
  $("preview").replaceChildren();
  for (const name of ["ticket-form", "combo-form"]) $(name).hidden = name !== shown;
  $("ticket-error").textContent = "";
}

async function ask() {
  review.say("");
  const found = written();
  if (found.error) {
    $("ticket-error").textContent = found.error;
    return;
  }
  if (!review.hasKey("ticket-error")) return;
  $("review").disabled = true;
  try {
    const answer = await (found.fires ? fired.marginPairs(found.fires) : review.whatIf(found.actions));
    if (answer) show(found, answer);
  } catch (problem) {
    $("ticket-error").textContent = problemText(problem);
  } finally {
    $("review").disabled = false;
  }
}

function show(found, answer) {
  const side = form().elements.side.value, result = answer.results?.[0], units = state.unit;
  const said = found.fires ? answer : result.code ? [] : [...outcome(result, answer.fills.length), ...review.marginPairs(answer, state.market)];
  review.show({
    title: found.title, problem: result?.code ? result : null, tone: side,
    pairs: result?.code ? [] : [...(found.fires ? [...found.pairs, ...said] : [...said, ...found.pairs]), ["Gas", review.gasText(found.actions)]],
    onBack: () => { back(); form().elements.size.focus(); },
    onSign: async () => {
      await review.place(found.actions, (sent) => (found.fires ? `waits: ${sent.actions.length > 1 ? "two triggers" : "a trigger"}` : done(sent.actions[0], units)));
      back();
      $("review").focus();
    },
  });
}

function outcome(result, fills) {
  const units = state.unit, filled = BigInt(result.filled_lots);
  return [
    ["Fills now", filled ? `${units.size(filled)} at ${units.price(BigInt(result.filled_quote_quanta) / filled)} on average, in ${fills}` : "nothing"],
    ["Rests on the book", BigInt(result.open_lots) ? units.size(result.open_lots) : "nothing"],
  ];
}

function done(result, units) {
  const filled = BigInt(result.filled_lots), open = BigInt(result.open_lots);
  const parts = [filled ? `filled ${units.size(filled)} at ${units.price(BigInt(result.filled_quote_quanta) / filled)}` : null, open ? `${units.size(open)} rests on the book` : null];
  return parts.filter(Boolean).join(", ") || "nothing filled, and the rest was cancelled";
}
