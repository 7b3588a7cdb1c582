// The account in use: figures, positions with liquidation prices, open orders, fills.
import { $, empty, h, setRows, setText } from "../lib/dom.js";
import { post } from "../lib/api.js";
import { clock, percent } from "../lib/format.js";
import { problemText } from "../lib/problems.js";
import { account, send, session } from "../lib/session.js";
import { ratio, usd } from "../wire/units.js";
import { fundingRate } from "./markets.js";
import * as mode from "./mode.js";
import * as money from "./money.js";
import { liquidation } from "./review.js";
import { closing } from "./ticket.js";
import { state } from "./state.js";

const RISK_MS = 2000, FILLS = 50; // figures and their order are those of the page

let showMarket = () => {};
let fills = [];
let risk = new Map(); // market -> position of RiskService
let asked = 0;
let waiting = 0;

/** Cells and listeners, once; `show(market)` brings a market into view. */
export function setUp(show) {
  showMarket = show;
  $("cancel-all").addEventListener("click", () => {
    const { orders, triggers } = state.orders;
    act([...(orders.length ? [{ cancel_all: {} }] : []), ...(triggers.length ? [{ cancel_trigger: { all: true } }] : [])], "All orders");
  });
  reset();
}

/** Another key: nothing of the last one stays. */
export function reset() {
  state.account = state.orders = null;
  fills = [];
  risk = new Map();
  mode.take(null);
  setText($("account-name"), session.key ? account().slice(0, 14) : "no key chosen");
  draw();
  drawOrders();
  drawFills();
}

/** The account as it is now. */
export function take({ account: now, orders }) {
  const id = `${now.account.owner}/${now.account.number}`;
  if (id !== account()) return;
  state.account = now;
  state.orders = orders;
  draw();
  drawOrders();
  askRisk();
}

/** New fills, oldest first; those of before a drop may come twice. */
export function addFills(more) {
  const id = (fill) => `${fill.market} ${fill.trade_id} ${fill.order_id}`;
  const known = new Set(fills.map(id));
  fills = [...more.filter((fill) => !known.has(id(fill))).reverse(), ...fills].slice(0, FILLS);
  drawFills();
}

function askRisk() {
  clearTimeout(waiting);
  waiting = setTimeout(async () => {
    asked = Date.now();
    const who = account();
    if (!who || !state.account?.exists) return;
    const found = await post("risk", { account: who }).catch(() => null);
    if (!found || who !== account()) return;
    mode.take(found.before);
    risk = new Map(found.before.positions.map((one) => [one.market, one]));
    draw();
  }, Math.max(0, asked + RISK_MS - Date.now()));
}

/** Figures and positions, at the marks of now. */
export function draw() {
  const now = state.account, figures = [...$("account").querySelectorAll("dd")];
  const positions = (now?.positions || []).filter(({ position }) => BigInt(position.lots));
  const moved = positions.reduce((sum, one) => sum + BigInt(one.position.lots) * (state.mark(one.position.market) - BigInt(one.mark_price_quanta)), 0n);
  const texts = now ? [
    `${usd(BigInt(now.equity_quanta) + moved)} USD`, `${usd(BigInt(now.unrealised_pnl_quanta) + moved)} USD`, `${usd(now.initial_margin_quanta)} USD`,
    `${usd(now.maintenance_margin_quanta)} USD`, `${usd(BigInt(now.free_collateral_quanta) + moved)} USD`,
    BigInt(now.equity_quanta) > 0n ? percent(BigInt(now.maintenance_margin_quanta) * 1000000n / BigInt(now.equity_quanta)) : "–",
  ] : figures.map(() => "–");
  texts.forEach((text, place) => setText(figures[place], text));
  if (now?.liquidatable) setText(figures[5], "below maintenance: being liquidated");
  money.drawButton();
  drawFunding(positions);
  setRows($("positions"), positions.length ? positions.map(positionRow) : [empty(8, session.key ? "No positions." : "Choose a key to see its account.")]);
}

function positionRow({ position, maintenance_margin_quanta: margin }) {
  const { market, lots: text, entry_quanta: entry } = position, lots = BigInt(text), units = state.units.get(market);
  const profit = lots * state.mark(market) - BigInt(entry);
  return h("tr", {},
    h("th", { scope: "row" }, state.symbol(market)), h("td", { class: lots > 0n ? "buy" : "sell" }, `${lots > 0n ? "long" : "short"} ${units.size(lots < 0n ? -lots : lots)}`),
    h("td", { class: "wide-only" }, units.price(BigInt(entry) / lots)), h("td", { class: "wide-only" }, units.price(state.mark(market))),
    h("td", { class: profit < 0n ? "sell" : "buy" }, `${profit > 0n ? "+" : ""}${usd(profit)}`),
    h("td", {}, risk.has(market) ? liquidation(risk.get(market), units) : "…"), h("td", { class: "wide-only" }, usd(margin)),
    h("td", {}, h("button", { "data-key": `close ${market}`, onclick: () => closing(market, lots, showMarket), "aria-label": `Close ${state.symbol(market)}` }, "Close")));
}

function drawFunding(positions) {
  const cells = $("funding").querySelectorAll("dd"), one = state.summary, rates = one?.market.kind === "perpetual" ? one.funding : null;
  if (!one) return;
  const held = positions.find(({ position }) => position.market === state.market);
  const paid = held && rates ? BigInt(held.position.lots) * state.mark(state.market) * BigInt(rates.rate_e9) / 1000000000n : 0n;
  [fundingRate(one), rates ? `${ratio(BigInt(rates.premium_e9), 10000000n, 4)} %` : "–", rates ? `${usd(paid)} USD` : "–",
    held ? `${usd(held.unsettled_funding_quanta, 4)} USD` : "–"].forEach((text, place) => setText(cells[place], text));
}

function drawOrders() {
  const orders = state.orders?.orders || [], triggers = state.orders?.triggers || [];
  $("cancel-all").disabled = !(orders.length || triggers.length);
  const rows = [...orders.map((order) => orderRow(order)), ...triggers.map((trigger) => triggerRow(trigger))];
  setRows($("orders"), rows.length ? rows : [empty(6, "No open orders.")]);
}

const marketOf = (id) => Number(BigInt(id) >> 40n);

function orderRow(order) {
  const market = marketOf(order.order_id), units = state.units.get(market);
  const terms = [order.reduce_only ? "reduces only" : null, BigInt(order.display_lots) ? `iceberg, ${units.size(order.display_lots)} shown` : null, BigInt(order.oco_id) ? `group ${order.oco_id}` : null, order.peg_reference !== "unspecified" ? `pegged to ${order.peg_reference}` : null, BigInt(order.expiry_time_ns) ? `until ${clock(order.expiry_time_ns)}` : null];
  return h("tr", {}, h("th", { scope: "row" }, state.symbol(market)), h("td", { class: order.side }, order.side), h("td", {}, units.price(order.price_quanta)),
    h("td", {}, units.size(order.open_lots)), h("td", {}, terms.filter(Boolean).join(", ") || "limit"),
    h("td", {}, h("button", { "data-key": order.order_id, onclick: () => act([{ cancel_order: { order_id: BigInt(order.order_id) } }], "The order"), "aria-label": `Cancel ${order.side} ${units.size(order.open_lots)} ${state.symbol(market)}` }, "Cancel")));
}

function triggerRow(trigger) {
  const market = marketOf(trigger.trigger_id), units = state.units.get(market);
  const way = trigger.direction === "at_or_above" ? "rises to" : "falls to";
  const terms = [`when the ${trigger.source} ${way} ${units.price(trigger.trigger_quanta)}`, BigInt(trigger.trail_quanta) ? `trailing by ${units.price(trigger.trail_quanta)}` : null,
    trigger.reduce_only ? "reduces only" : null, BigInt(trigger.oco_id) ? "one cancels the other" : null];
  return h("tr", {}, h("th", { scope: "row" }, state.symbol(market)), h("td", { class: trigger.side }, trigger.side), h("td", {}, units.price(trigger.price_quanta)),
    h("td", {}, units.size(trigger.size_lots)), h("td", {}, terms.filter(Boolean).join(", ")),
    h("td", {}, h("button", { "data-key": trigger.trigger_id, onclick: () => act([{ cancel_trigger: { trigger_id: BigInt(trigger.trigger_id) } }], "The trigger"), "aria-label": `Cancel the trigger of ${state.symbol(market)} at ${units.price(trigger.trigger_quanta)}` }, "Cancel")));
}

function drawFills() {
  setRows($("fills"), fills.length ? fills.map((fill) => {
    const units = state.units.get(fill.market);
    return h("tr", {}, h("td", { class: "quiet" }, clock(fill.time_ns)), h("th", { scope: "row" }, state.symbol(fill.market)), h("td", { class: fill.side }, `${fill.side}${fill.is_taker ? "" : ", as maker"}`),
      h("td", {}, units.price(fill.price_quanta)), h("td", {}, units.size(fill.size_lots)), h("td", {}, usd(fill.fee_quanta, 4)));
  }) : [empty(6, "Fills appear here from now on.")]);
}

async function act(actions, what) {
  const said = $("outcome");
  try {
    const { result, state: where } = await send(actions, { chainTimeNs: state.timeNs });
    const failed = result.code ? result : result.actions.find((action) => action.code);
    said.dataset.good = String(!failed);
    said.textContent = failed ? problemText(failed) : where === "committed" ? `${what}: cancelled.` : `${what}: no block has taken the cancellation yet.`;
  } catch (problem) {
    said.dataset.good = "false";
    said.textContent = problemText(problem);
  }
}
