// Which market: the line of figures, and the window to choose another one from.
import { $, empty, h, setRows, setText } from "../lib/dom.js";
import { day, words } from "../lib/format.js";
import { ratio, usd } from "../wire/units.js";
import { state } from "./state.js";

const STATS = [mark, index, last, timely, interest, status]; // in the order of the page
let choose = () => {};

const price = (quanta) => (BigInt(quanta || 0) ? state.unit.price(quanta) : "–");
function mark(one) { return price(state.marks.get(one.market.market)?.mark_quanta ?? one.mark_price_quanta); }
function index(one) { return price(state.marks.get(one.market.market)?.index_quanta ?? one.index_price_quanta); }
function last(one) { return price(one.last_price_quanta); }
function interest(one) { return `${state.unit.size(one.open_interest_lots)} ${base(one)}`; }
function status(one) {
  const validity = state.marks.get(one.market.market)?.validity ?? one.validity;
  return words(one.market.status) + (validity === "fresh" ? "" : `, price ${validity.replaceAll("_", " ")}`);
}
/** The rate in force, per eight hours. */
export function fundingRate(one) {
  return one.funding?.rate_e9 === undefined || one.market.kind !== "perpetual" ? "–" : `${ratio(BigInt(one.funding.rate_e9), 10000000n, 4)} %`;
}
/** Of a perpetual its funding; of what expires, when. */
function timely(one) {
  return one.market.kind === "perpetual" ? fundingRate(one) : day(one.market.expiry_ns);
}
export const base = (one) => one.market.symbol.split("-")[0];

/** Once: the cells and the button. */
export function setUp(show) {
  choose = show;
  $("market-button").addEventListener("click", open);
  addEventListener("keydown", (event) => {
    if (event.key === "m" && !event.ctrlKey && !event.metaKey && !event.altKey && !typing(event.target) && !document.querySelector("dialog[open]")) {
      event.preventDefault();
      open();
    }
  });
}

export const typing = (element) => ["INPUT", "SELECT", "TEXTAREA"].includes(element.tagName);

/** The line of figures of the market in view. */
export function drawStats() {
  const one = state.summary;
  if (!one) return;
  const list = $("stats");
  STATS.forEach((read, place) => setText(list.children[place].lastChild, read(one)));
  setText(list.children[3].querySelector("dt"), one.market.kind === "perpetual" ? "Funding, 8 hours" : "Expires");
  setText($("market-button"), `${one.market.symbol} ▾`);
  setText($("base"), base(one));
}

/** [heading, markets] in the order of reading: perpetuals, futures, options by expiry. */
export function grouped(summaries) {
  const groups = new Map();
  const rank = { perpetual: 0, future: 1, option: 2 };
  const ordered = [...summaries].sort((a, b) => rank[a.market.kind] - rank[b.market.kind]
    || Number(BigInt(a.market.expiry_ns) - BigInt(b.market.expiry_ns)) || Number(BigInt(a.market.strike_quanta) - BigInt(b.market.strike_quanta))
    || a.market.market - b.market.market);
  for (const one of ordered) {
    const { kind, expiry_ns: expiry } = one.market;
    const name = kind === "option" ? `Options, expire ${day(expiry)}` : kind === "future" ? "Futures" : "Perpetuals";
    groups.set(name, [...(groups.get(name) || []), one]);
  }
  return [...groups];
}

function open() {
  const search = h("input", { type: "search", placeholder: "search, as in BTC", "aria-label": "Search markets" });
  const body = h("tbody");
  const window = h("dialog", { class: "window", "aria-labelledby": "markets-title" },
    h("h2", { id: "markets-title" }, "Markets"), search,
    h("div", { class: "scroll tall" }, h("table", { class: "fits" }, h("thead", {}, h("tr", {}, ["Market", "Mark", "Funding", "Open interest", "State"].map((name) => h("th", { scope: "col" }, name)))), body)),
    h("button", { onclick: () => window.close() }, "Close"));
  const rowOf = (one) => {
    const units = state.units.get(one.market.market);
    return h("tr", {},
      h("th", { scope: "row" }, h("button", { class: "link", onclick: () => { window.close(); choose(one.market.market); } }, one.market.symbol)),
      h("td", {}, BigInt(one.mark_price_quanta) ? units.price(one.mark_price_quanta) : "–"), h("td", {}, fundingRate(one)),
      h("td", {}, `${usd(BigInt(one.open_interest_lots) * BigInt(one.mark_price_quanta), 0)} USD`), h("td", {}, words(one.market.status)));
  };
  const draw = () => {
    const asked = search.value.trim().toLowerCase();
    const found = grouped(state.markets.values()).flatMap(([name, ones]) => {
      const kept = ones.filter(({ market }) => market.symbol.toLowerCase().includes(asked) && market.status !== "settled");
      return kept.length ? [h("tr", { class: "group" }, h("th", { colspan: 5, scope: "colgroup" }, name)), ...kept.map(rowOf)] : [];
    });
    setRows(body, found.length ? found : [empty(5, "No market is called so.")]);
  };
  search.addEventListener("input", draw);
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === "ArrowDown") {
      event.preventDefault();
      const first = body.querySelector("button");
      if (event.key === "Enter") first?.click();
      else first?.focus();
    }
  });
  window.addEventListener("close", () => window.remove());
  document.body.append(window);
  draw();
  window.showModal();
}

