// The last trades, newest first.
import { $, empty, h, setRows } from "../lib/dom.js";
import { get } from "../lib/api.js";
import { clock } from "../lib/format.js";
import { state } from "./state.js";

const SHOWN = 40;
let rows = [];

export function reset() {
  rows = [];
  draw();
}

/** From the gateway: at the start, and after a gap. */
export async function load() {
  const market = state.market;
  const found = await get("trades", { market, limit: SHOWN }).catch(() => null);
  if (found && market === state.market) {
    const known = new Set(found.trades.map((trade) => trade.trade_id));
    rows = [...rows.filter((trade) => !known.has(trade.trade_id)), ...found.trades];
    rows.sort((a, b) => Number(BigInt(b.trade_id) - BigInt(a.trade_id)));
    draw();
  }
}

/** New ones, oldest first. After a resume some may be known. */
export function add(trades) {
  const known = new Set(rows.map((trade) => trade.trade_id));
  rows = [...trades.filter((trade) => trade.market === state.market && !known.has(trade.trade_id)).reverse(), ...rows];
  draw();
}

function draw() {
  rows.length = Math.min(rows.length, SHOWN);
  const units = state.unit;
  setRows($("trades"), rows.length ? rows.map((trade) => h("tr", { class: trade.taker_side },
    h("td", { class: "price" }, `${trade.taker_side === "buy" ? "▲" : "▼"} ${units.price(trade.price_quanta)}`),
    h("td", {}, units.size(trade.size_lots)), h("td", { class: "quiet" }, clock(trade.time_ns)))) : [empty(3, "No trades yet.")]);
}
