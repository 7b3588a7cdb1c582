// The option chain: one underlying and expiry, calls on the left, puts on the right; a click on a mark trades the
// series, on a bid or an offer adds a leg that sells or buys it to a combo.
import { $, empty, h, setRows, setText } from "../lib/dom.js";
import { get } from "../lib/api.js";
import { drawBar, showState } from "../lib/bar.js";
import { day } from "../lib/format.js";
import { problemText } from "../lib/problems.js";
import { begin } from "../lib/session.js";
import { follow } from "../lib/stream.js";
import { Units, ratio } from "../wire/units.js";

const REFRESH_MS = 3000, LEGS_MAX = 8, KEPT = "novation-combo", DAY_NS = 86400000000000n;
const COLUMNS = ["Open interest", "Delta", "Volatility", "Bid vol.", "Mark", "Bid", "Offer"]; // of calls; of puts the other way round
const E7 = 10000000n, E9 = 1000000000n;

let expiries = [], feed = 0, expiry = "";
const legs = new Map(); // symbol -> {symbol, side, size, price}

const percent = (e9) => (BigInt(e9) ? `${ratio(BigInt(e9), E7, 1)} %` : "–");

function cells(quote, isCall) {
  if (!quote) return COLUMNS.map(() => h("td", {}, "–"));
  const { market, mark_price_quanta: mark, best_bid_quanta: bid, best_ask_quanta: ask, open_interest_lots: lots } = quote.summary, units = new Units(market);
  const price = (quanta) => (BigInt(quanta) ? units.price(quanta) : "–");
  const leg = (side, quanta) => h("button", { class: `link ${side}`, "data-key": `${market.symbol} ${side}`, "aria-label": `${side} ${market.symbol} ${price(quanta)}: add to the combo`,
    onclick: () => add(market.symbol, side, BigInt(quanta) || BigInt(mark), units) }, price(quanta));
  const made = [
    units.size(lots), quote.greeks ? ratio(BigInt(quote.greeks.delta_e9), E9, 2) : "–", percent(quote.mark_volatility_e9), percent(quote.bid_volatility_e9),
    h("a", { href: `/#${market.symbol}`, "data-key": market.symbol, title: `Trade ${market.symbol}` }, price(mark)), leg("sell", bid), leg("buy", ask),
  ].map((cell) => h("td", {}, cell));
  return isCall ? made : [made[5], made[6], made[4], made[2], made[3], made[1], made[0]];
}

/** How many series of an expiry somebody bids for or offers. */
const quoted = ({ options }) => options.filter(({ summary }) => BigInt(summary.best_bid_quanta) || BigInt(summary.best_ask_quanta)).length;

function draw() {
  const ones = expiries.filter((one) => one.feed === feed);
  const one = ones.find(({ expiry_ns: ns }) => ns === expiry) ?? ones.reduce((best, other) => (!best || quoted(other) > quoted(best) ? other : best), undefined);
  expiry = one?.expiry_ns ?? "";
  $("expiries").replaceChildren(...ones.map(({ expiry_ns: ns }) => h("button", { "aria-pressed": String(ns === expiry), onclick: () => { expiry = ns; draw(); $("expiries").querySelector("[aria-pressed=true]")?.focus(); } }, shortDay(ns))));
  if (!one) {
    setRows($("series"), [empty(15, "No options are listed on it.")]);
    return;
  }
  const strikes = new Map();
  for (const quote of one.options) {
    const { strike_quanta: strike, right } = quote.summary.market;
    strikes.set(strike, { ...strikes.get(strike), [right]: quote });
  }
  const [first] = one.options, units = new Units(first.summary.market), forward = BigInt(one.forward_quanta);
  setText($("forward"), forward ? `Forward ${units.price(forward)} USD, expires ${day(expiry)}` : `Expires ${day(expiry)}`);
  const rows = [...strikes].sort(([a], [b]) => (BigInt(a) < BigInt(b) ? -1 : 1));
  setRows($("series"), rows.map(([strike, { call, put }]) => h("tr", { class: BigInt(strike) < forward ? "below" : "above" },
    cells(call, true), h("th", { scope: "row" }, units.price(strike)), cells(put, false))));
}

const shortDay = (ns) => new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "2-digit", timeZone: "UTC", ...(BigInt(ns) % DAY_NS === 8n * 3600n * E9 ? {} : { hour: "2-digit", minute: "2-digit" }) }).format(Number(BigInt(ns) / 1000000n));

function add(symbol, side, quanta, units) {
  if (legs.size >= LEGS_MAX && !legs.has(symbol)) {
    setText($("chain-said"), `A combo has at most ${LEGS_MAX} legs.`);
    return;
  }
  legs.set(symbol, { symbol, side, size: "", price: units.price(units.onTick(quanta, side === "buy"), false) });
  drawLegs();
}

function drawLegs() {
  $("chosen").replaceChildren(...(legs.size ? [...legs.values()].map((leg) => h("li", {}, h("span", { class: leg.side }, `${leg.side} ${leg.symbol} at ${leg.price} `),
    h("button", { "aria-label": `Remove ${leg.symbol}`, onclick: () => { legs.delete(leg.symbol); drawLegs(); } }, "×"))) : [h("li", { class: "quiet" }, "Click bids to sell and offers to buy: each becomes a leg.")]));
  $("to-ticket").disabled = !legs.size;
}

async function refresh() {
  const found = await get("options");
  expiries = found.expiries;
  const names = new Map(expiries.map((one) => [one.feed, one.underlying]));
  if ($("underlying").children.length !== names.size) {
    $("underlying").replaceChildren(...[...names].map(([number, name]) => h("option", { value: String(number) }, name)));
    feed = Number($("underlying").value);
  }
  draw();
}

async function main() {
  await begin();
  drawBar(() => {});
  $("chain-head").replaceChildren(...[...COLUMNS, "Strike", "Bid", "Offer", "Mark", "Volatility", "Bid vol.", "Delta", "Open interest"].map((name) => h("th", { scope: "col" }, name)));
  $("underlying").addEventListener("change", () => { feed = Number($("underlying").value); expiry = ""; draw(); });
  $("to-ticket").addEventListener("click", () => {
    sessionStorage.setItem(KEPT, JSON.stringify([...legs.values()]));
    location.href = `/#${legs.keys().next().value}`;
  });
  for (const button of $("rights").children) button.addEventListener("click", () => { // a narrow screen shows one of them
    $("both").dataset.right = button.dataset.right;
    for (const one of $("rights").children) one.setAttribute("aria-pressed", String(one === button));
  });
  drawLegs();
  await refresh();
  const again = () => refresh().then(() => setText($("chain-said"), ""), (problem) => setText($("chain-said"), problemText(problem)));
  follow({}, (event) => { if (event === "markets" || event === "gap") again(); }, showState);
  setInterval(again, REFRESH_MS);
}

main().catch((error) => $("bar").append(h("p", { class: "error", role: "alert" }, problemText(error))));
