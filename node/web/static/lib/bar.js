// What stands at the top of every page: where one is, whether it is live, with which key.
import { $, h, setText } from "./dom.js";
import { openKeys } from "./keywindow.js";
import { session } from "./session.js";

const PAGES = [["/", "Trade"], ["/options.html", "Options"], ["/explorer.html", "Explorer"], ["/risk.html", "Risk"]];

/** Draw it. `onKey()` is called when another key was chosen. */
export function drawBar(onKey) {
  const here = location.pathname === "/index.html" ? "/" : location.pathname;
  $("bar").replaceChildren(
    h("a", { class: "brand", href: "/" }, "Novation"),
    h("nav", { "aria-label": "Pages" }, PAGES.map(([path, name]) =>
      h("a", { href: path, "aria-current": path === here ? "page" : null }, name))),
    h("span", { class: "chain quiet", id: "chain" }, session.params.chain_id),
    h("span", { class: "state", id: "state", role: "status" }, "connecting"),
    h("button", { id: "key-button", "aria-haspopup": "dialog", onclick: () => openKeys(() => { keyName(); onKey(); }) }),
  );
  keyName();
}

function keyName() {
  const { key, number, owner } = session;
  setText($("key-button"), key ? `${key.name}${owner ? ` for ${owner.slice(0, 8)}` : ""}${number ? ` / ${number}` : ""}` : "Choose a key");
}

/** Live with a height, or waiting for the gateway. */
export function showState(live, height) {
  const state = $("state");
  state.dataset.live = String(live);
  setText(state, live ? `block ${height}` : "no connection, trying again");
}
