// Several orders that all fill in full at once, or none does: legs, what they cost and ask for together, most loss at expiry.
import { $, h } from "../lib/dom.js";
import { problemText } from "../lib/problems.js";
import { SIDE } from "../wire/schemas.js";
import { decimal, usd } from "../wire/units.js";
import { payoff } from "./payoff.js";
import * as review from "./review.js";
import { state } from "./state.js";
import * as ticket from "./ticket.js";

const LEGS_MAX = 8, LEGS_MIN = 2, KEPT = "novation-combo";
const form = () => $("combo-form");
let next = 0;

/** Listeners, once; the legs that the option chain left, or two empty ones. */
export function setUp() {
  form().addEventListener("submit", (event) => { event.preventDefault(); ask(); });
  form().addEventListener("input", () => { $("combo-error").textContent = ""; });
  $("add-leg").addEventListener("click", () => add({}).querySelector("input").focus());
  $("symbols").replaceChildren(...[...state.markets.values()].map(({ market }) => h("option", { value: market.symbol })));
  const kept = JSON.parse(sessionStorage.getItem(KEPT) || "[]");
  sessionStorage.removeItem(KEPT);
  for (const leg of kept) add(leg);
  while ($("legs").children.length < LEGS_MIN) add({});
  if (kept.length) ticket.choose("combo-form");
}

function add({ symbol = "", side = "buy", size = "", price = "" }) {
  const place = ++next;
  const made = h("fieldset", { class: "leg" }, h("legend", { class: "hidden" }, `Leg ${place}`),
    h("input", { name: "symbol", list: "symbols", value: symbol, placeholder: "market", "aria-label": "Market", spellcheck: "false" }),
    h("select", { name: "side", "aria-label": "Side" }, ["buy", "sell"].map((one) => h("option", { value: one, selected: one === side }, one))),
    h("input", { name: "size", inputmode: "decimal", value: size, placeholder: "size", "aria-label": "Size" }),
    h("input", { name: "price", inputmode: "decimal", value: price, placeholder: "worst price", "aria-label": "Worst price" }),
    h("label", { class: "check", title: "only reduce a position" }, h("input", { type: "checkbox", name: "reduce" }), "only reduce a position"),
    h("button", { type: "button", "aria-label": "Remove this leg", onclick: () => { if ($("legs").children.length > 1) made.remove(); fit(); } }, "×"));
  $("legs").append(made);
  fit();
  return made;
}

const fit = () => { $("add-leg").disabled = $("legs").children.length >= LEGS_MAX; };

/** {legs, net} or {error}. */
function written() {
  const legs = [];
  for (const [place, row] of [...$("legs").children].entries()) {
    const field = (name) => row.querySelector(`[name=${name}]`), at = `Leg ${place + 1}`, wanted = field("symbol").value.trim().toUpperCase();
    const summary = [...state.markets.values()].find(({ market }) => market.symbol === wanted);
    if (!summary) return { error: `${at}: there is no market ${wanted || "chosen"}.` };
    const { market } = summary.market, units = state.units.get(market);
    const size = units.lots(field("size").value), price = units.quanta(field("price").value);
    if (size.error || price.error) return { error: `${at}: ${size.error || price.error}` };
    if (legs.some((leg) => leg.market === market)) return { error: `${at}: every leg is in a market of its own.` };
    legs.push({ market, side: SIDE[field("side").value], size_lots: size.value, price_quanta: price.value, reduce_only: field("reduce").checked });
  }
  if (legs.length < LEGS_MIN) return { error: "A combo has two legs at least." };
  const text = form().elements.net.value.trim();
  const most = legs.reduce((sum, leg) => sum + signed(leg) * leg.price_quanta, 0n);
  if (!text) return { legs, net: most };
  const found = decimal(text);
  if (!found || found[1] > 6) return { error: "Together at most: write an amount in USD, as in 1000 or -50.5." };
  return { legs, net: found[0] * 10n ** BigInt(6 - found[1]) };
}

const signed = (leg) => (leg.side === SIDE.buy ? leg.size_lots : -leg.size_lots);

async function ask() {
  review.say("");
  const { legs, net, error } = written();
  if (error) {
    $("combo-error").textContent = error;
    return;
  }
  if (!review.hasKey("combo-error")) return;
  $("review-combo").disabled = true;
  try {
    const actions = [{ place_combo: { legs, net_limit_quanta: net } }];
    const answer = await review.whatIf(actions);
    if (answer) show(actions, legs, answer);
  } catch (problem) {
    $("combo-error").textContent = problemText(problem);
  } finally {
    $("review-combo").disabled = false;
  }
}

function show(actions, legs, answer) {
  const [result] = answer.results;
  const cost = legs.reduce((sum, leg, place) => sum + (leg.side === SIDE.buy ? 1n : -1n) * BigInt(result.legs[place]?.filled_quote_quanta ?? 0), 0n);
  review.show({
    title: legs.map((leg) => `${leg.side === SIDE.buy ? "Buy" : "Sell"} ${state.units.get(leg.market).size(leg.size_lots)} ${state.symbol(leg.market)}`).join(", "),
    problem: result.code ? result : null,
    pairs: result.code ? [] : [
      ...legs.map((leg, place) => [state.symbol(leg.market), `at ${state.units.get(leg.market).price(BigInt(result.legs[place].filled_quote_quanta) / BigInt(result.legs[place].filled_lots))} on average`]),
      [cost < 0n ? "Brings together" : "Costs together", `${usd(cost < 0n ? -cost : cost)} USD`],
      ...payoff(legs.map((leg) => ({ lots: signed(leg), ...state.markets.get(leg.market).market })), cost),
      ...review.marginPairs(answer), ["Gas", review.gasText(actions)],
    ],
    onBack: back,
    onSign: async () => {
      await review.place(actions, (sent) => `all ${sent.actions[0].legs.length} legs filled`);
      back();
    },
  });
}

function back() {
  ticket.back();
  $("review-combo").focus();
}
