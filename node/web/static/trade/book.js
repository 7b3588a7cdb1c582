// The book: so many rows a side, always, so that nothing jumps.
import { $, h, setText } from "../lib/dom.js";
import { state } from "./state.js";

const ROWS = 11;

let pick = () => {};

function rowOf() {
  const cells = [h("td"), h("td"), h("td")];
  const made = h("tr", { class: "level" }, cells);
  made.addEventListener("click", () => { if (made.dataset.quanta) pick(BigInt(made.dataset.quanta)); });
  return made;
}

/** Rows once; `onPick(quanta)` when one clicks a price. */
export function setUp(onPick) {
  pick = onPick;
  for (const side of ["asks", "bids"]) $(side).replaceChildren(...Array.from({ length: ROWS }, rowOf));
}

export function reset() {
  state.book = { bids: [], asks: [] };
  draw();
}

/** Show the best levels. */
export function draw() {
  const { bids, asks } = state.book, units = state.unit;
  const shown = { bids: bids.slice(0, ROWS), asks: asks.slice(0, ROWS) };
  const sum = (levels) => levels.reduce((total, [, lots]) => total + BigInt(lots), 0n);
  const most = [sum(shown.bids), sum(shown.asks), 1n].reduce((a, b) => (a > b ? a : b));
  for (const side of ["bids", "asks"]) {
    const rows = [...$(side).children];
    if (side === "asks") rows.reverse();
    let total = 0n;
    rows.forEach((row, place) => {
      const level = shown[side][place];
      row.dataset.quanta = level ? level[0] : "";
      total += level ? BigInt(level[1]) : 0n;
      const texts = level ? [units.price(level[0]), units.size(level[1]), units.size(total)] : ["", "", ""];
      texts.forEach((text, cell) => setText(row.children[cell], text));
      row.style.setProperty("--filled", level ? `${Number((total * 100n) / most)}%` : "0%");
    });
  }
  const [bid, ask] = [bids[0], asks[0]];
  const mark = state.mark(state.market);
  setText($("mid"), mark ? `Mark ${units.price(mark)}` : "no mark price yet");
  setText($("spread"), bid && ask ? `spread ${units.price(BigInt(ask[0]) - BigInt(bid[0]))}` : "");
}
