// The order ticket: write, review what it would do, then sign. Nothing is signed that was not shown first.
import { $, h } from "../lib/dom.js";
import { post } from "../lib/api.js";
import { problemText } from "../lib/problems.js";
import { account, send, session } from "../lib/session.js";
import { SIDE, TIME_IN_FORCE } from "../wire/schemas.js";
import { ratio, usd } from "../wire/units.js";
import { base, typing } from "./markets.js";
import { state } from "./state.js";

const WORST_PERCENT = 1n; // of a market order
const form = () => $("ticket-form");

/** Listeners, once. */
export function setUp() {
  form().addEventListener("submit", (event) => { event.preventDefault(); review(); });
  form().addEventListener("input", back);
  form().elements.kind.addEventListener("change", () => {
    form().elements.price.disabled = form().elements.kind.value === "market";
  });
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.key === "Escape" && !$("preview").hidden) {
      back();
      form().elements.size.focus();
    }
    if (typing(event.target)) return;
    const side = { b: "buy", s: "sell" }[event.key];
    if (side) {
      event.preventDefault();
      form().elements.side.value = side;
      back();
      form().elements[form().elements.price.disabled ? "size" : "price"].focus();
    }
  });
}

/** Another market, or another key. */
export function reset() {
  form().elements.price.value = "";
  say("");
  back();
}

/** A price that was picked in the book. */
export function setPrice(quanta) {
  if (form().elements.price.disabled) return;
  form().elements.price.value = state.unit.price(quanta, false);
  back();
}

/** Fill the ticket so that it closes a position. */
export function closing(market, lots, show) {
  if (market !== state.market) show(market);
  const fields = form().elements;
  fields.side.value = lots > 0n ? "sell" : "buy";
  fields.kind.value = "market";
  fields.price.disabled = true;
  fields.reduce_only.checked = true;
  fields.size.value = state.unit.size(lots < 0n ? -lots : lots, false);
  back();
  $("review").focus();
}

function back() {
  $("preview").hidden = true;
  $("preview").replaceChildren();
  form().hidden = false;
  $("ticket-error").textContent = "";
}

const say = (text, good = true) => {
  $("outcome").textContent = text;
  $("outcome").dataset.good = String(good);
};

/** {order} as the chain takes it, or {error}. */
function written() {
  const fields = form().elements, units = state.unit, buying = fields.side.value === "buy";
  const size = units.lots(fields.size.value);
  if (size.error) return size;
  let price, kind = fields.kind.value;
  if (kind === "market") {
    const best = (buying ? state.book.asks : state.book.bids)[0];
    if (!best) return { error: "Nobody is on the other side of the book now: use a limit order." };
    const quanta = BigInt(best[0]);
    price = { value: units.onTick(quanta + (buying ? 1n : -1n) * quanta * WORST_PERCENT / 100n, !buying) };
    kind = "ioc";
  } else {
    price = units.quanta(fields.price.value);
  }
  if (price.error) return price;
  return { order: {
    market: state.market, side: SIDE[fields.side.value], price_quanta: price.value, size_lots: size.value,
    time_in_force: TIME_IN_FORCE[kind], reduce_only: fields.reduce_only.checked,
  } };
}

async function review() {
  say("");
  const { order, error } = written();
  if (error || !session.key) {
    $("ticket-error").textContent = error || "Choose a key first: the button at the top right.";
    return;
  }
  $("review").disabled = true;
  try {
    const answer = await post("risk", { account: account(), actions: [{ place_order: order }] });
    preview(order, answer);
  } catch (problem) {
    $("ticket-error").textContent = problemText(problem);
  } finally {
    $("review").disabled = false;
  }
}

function preview(order, { before, after, results, fills, trading_fees_quanta: fees }) {
  const units = state.unit, [result] = results, buying = order.side === SIDE.buy;
  const held = after.positions.find((one) => one.market === order.market);
  const what = `${buying ? "Buy" : "Sell"} ${units.size(order.size_lots)} ${base(state.summary)} at ${units.price(order.price_quanta)} or better`;
  const filled = BigInt(result.filled_lots);
  const pairs = result.code ? [] : [
    ["Fills now", filled ? `${units.size(filled)} at ${units.price(BigInt(result.filled_quote_quanta) / filled)} on average, in ${fills.length}` : "nothing"],
    ["Rests on the book", BigInt(result.open_lots) ? units.size(result.open_lots) : "nothing"],
    ["Fee", `${usd(fees, 4)} USD, and gas`],
    ["Margin, initial", `${usd(before.initial_quanta)} → ${usd(after.initial_quanta)} USD`],
    ["Free collateral", `${usd(before.free_quanta)} → ${usd(after.free_quanta)} USD`],
    ["Liquidation price", liquidation(held, units)],
    ...(after.underlyings.length ? [["Liquidated if", spans(after.underlyings)]] : []),
  ];
  const problem = result.code ? h("p", { class: "error", role: "alert" }, problemText(result)) : null;
  const confirm = h("button", { class: `primary ${buying ? "buy" : "sell"}`, id: "confirm", onclick: () => place(order, confirm) }, "Sign and send");
  form().hidden = true;
  $("preview").replaceChildren(
    h("h3", {}, what), problem || "",
    h("dl", { class: "pairs" }, pairs.flatMap(([name, text]) => [h("dt", {}, name), h("dd", {}, text)])),
    h("div", { class: "row" }, result.code ? null : confirm, h("button", { id: "back", onclick: () => { back(); form().elements.size.focus(); } }, "Back")),
  );
  $("preview").hidden = false;
  (result.code ? $("back") : confirm).focus();
}

/** The prices at which a position would be liquidated, in words. */
export function liquidation(held, units) {
  if (!held || !BigInt(held.lots)) return "no position";
  const { lower_quanta: lower, upper_quanta: upper } = held.safe || { lower_quanta: "0", upper_quanta: "0" };
  const texts = [BigInt(lower) ? `at ${units.price(lower)} and below` : null, BigInt(upper) ? `at ${units.price(upper)} and above` : null];
  return texts.filter(Boolean).join(", ") || "at no price of this market";
}

/** With options or several markets: the prices of underlyings at which the account is short. */
function spans(underlyings) {
  const texts = underlyings.flatMap(({ name, short, decimals }) => short.map(({ lower, upper }) => {
    const text = (price) => ratio(BigInt(price), 10n ** BigInt(decimals), 2);
    return `${name} ${BigInt(lower) ? `from ${text(lower)}` : "from 0"} ${BigInt(upper) ? `to ${text(upper)}` : "and above"}`;
  }));
  return texts.join(", ") || "no price that was tried";
}

async function place(order, button) {
  button.disabled = true;
  button.textContent = "Sending …";
  try {
    const { result, state: where, height } = await send([{ place_order: order }], { chainTimeNs: state.timeNs });
    const failed = result.code ? result : result.actions.find((action) => action.code);
    if (failed) say(problemText(failed), false);
    else if (where === "pending") say("No block has taken it yet. It counts for ten minutes; look at your orders before you send it again.", false);
    else say(done(result.actions[0], height));
    back();
    $("review").focus();
  } catch (problem) {
    say(`${problemText(problem)} It may still take effect: look at your orders first.`, false);
    back();
  }
}

function done(result, height) {
  const units = state.unit, filled = BigInt(result.filled_lots), open = BigInt(result.open_lots);
  const parts = [filled ? `filled ${units.size(filled)} at ${units.price(BigInt(result.filled_quote_quanta) / filled)}` : null, open ? `${units.size(open)} rests on the book` : null];
  const text = parts.filter(Boolean).join(", ") || "nothing filled, and the rest was cancelled";
  return `Block ${height}: ${text}.`;
}
