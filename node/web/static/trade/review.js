// What would happen, shown before it is signed; then signing and sending. Nothing is signed that was not shown first.
import { $, h } from "../lib/dom.js";
import { post } from "../lib/api.js";
import { ResultError, problemText } from "../lib/problems.js";
import { account, gasFee, send, session } from "../lib/session.js";
import { ratio, usd } from "../wire/units.js";
import { state } from "./state.js";

/** A line below the ticket. */
export const say = (text, good = true) => {
  $("outcome").textContent = text;
  $("outcome").dataset.good = String(good);
};

let asked = 0; // grows with each question, and with all that makes its answer pointless

/** The ticket turns to something else: an answer that comes now is not shown. */
export const turn = () => { asked += 1; };

/** What the account in use would be under each of several suppositions; null when the ticket has turned to something
 * else since. Throws ApiError. */
export async function suppose(suppositions) {
  const mine = ++asked, answers = await Promise.all(suppositions.map((one) => post("risk", { account: account(), ...one })));
  return mine === asked ? answers : null;
}

/** The same of actions. */
export const whatIf = async (actions) => (await suppose([{ actions }]))?.[0] ?? null;

/** As the account shows it: what new orders may rest on. */
const free = ({ equity_quanta: equity, initial_quanta: initial }) => usd(BigInt(equity) - BigInt(initial));

/** What gas costs, in words. */
export const gasText = (actions) => `at most ${usd(gasFee(actions), 4)} USD`;

/** What the answer says of margin, fees and liquidation; with `market`, of its position too. */
export const marginPairs = ({ before, after, trading_fees_quanta: fees }, market) => [
  ["Trading fee", `${usd(fees, 4)} USD`],
  ["Margin, initial", `${usd(before.initial_quanta)} → ${usd(after.initial_quanta)} USD`],
  ["Free collateral", `${free(before)} → ${free(after)} USD`],
  ...(market ? [["Liquidation price", liquidation(after.positions.find((one) => one.market === market), state.units.get(market))]] : []),
  ...(after.underlyings.length ? [["Liquidated if", spans(after.underlyings)]] : []),
];

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

/** Show it in the ticket's place. `problem`: a result that refuses it; `onSign` is called to send it, `onBack` to write on. */
export function show({ title, problem, pairs, tone, onSign, onBack }) {
  const confirm = h("button", { class: `primary ${tone || ""}`, id: "confirm", onclick: async () => {
    confirm.disabled = true;
    confirm.textContent = "Sending …";
    await onSign();
  } }, "Sign and send");
  for (const form of ["ticket-form", "combo-form"]) $(form).hidden = true;
  $("preview").replaceChildren(
    h("h3", {}, title), problem ? h("p", { class: "error", role: "alert" }, problemText(problem)) : "",
    h("dl", { class: "pairs" }, pairs.flatMap(([name, text]) => [h("dt", {}, name), h("dd", {}, text)])),
    h("div", { class: "row" }, problem ? null : confirm, h("button", { id: "back", onclick: onBack }, "Back")),
  );
  $("preview").hidden = false;
  (problem ? $("back") : confirm).focus();
}

/** Sign and send; `done(result, height)` says in words what it did. Whether a block took it and all of it succeeded. */
export async function place(actions, done) {
  try {
    const { result, state: where, height } = await send(actions, { chainTimeNs: state.timeNs });
    const failed = result.code ? result : result.actions.find((action) => action.code);
    if (failed) say(problemText(failed), false);
    else if (where === "pending") say("No block has taken it yet. It counts for ten minutes; look at your orders before you send it again.", false);
    else say(`Block ${height}: ${done(result)}.`);
    return !failed;
  } catch (problem) {
    say(problem instanceof ResultError ? problemText(problem) : `${problemText(problem)} It may still take effect: look at your orders first.`, false);
    return false;
  }
}

/** Whether somebody can sign; says so below a form if not. */
export function hasKey(errorId) {
  if (!session.key) $(errorId).textContent = "Choose a key first: the button at the top right.";
  return Boolean(session.key);
}
