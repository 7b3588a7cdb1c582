// One transaction: what was asked for, action by action, beside what each did.
import { get } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { day, words } from "../lib/format.js";
import { problemText } from "../lib/problems.js";
import { events } from "./events.js";
import { accountLink, blockLink, marketOf, pairs, unitsOf, value } from "./values.js";

/** `argument` is its hash. */
export async function txView(argument) {
  const { tx, tx_height: height, time_ns: time, index } = await get("tx", { hash: argument });
  const { actions: results, ...result } = tx.result, body = tx.body;
  const asked = body?.actions ?? [];
  return [
    h("h2", {}, "Transaction"), h("p", { class: "hash" }, tx.hash),
    h("dl", { class: "details" }, ...[
      ["Block", h("span", {}, blockLink(height), ` · place ${index}`)], ["Time", day(time)], ["Account", tx.account ? accountLink(tx.account) : "–"], ["Nonce", tx.nonce],
      ...(body ? [["Signed by", signer(tx)], ["Gas limit", value("gas_limit", body.gas_limit)], ["Fee limit", value("fee_limit_quanta", body.fee_limit_quanta)], ["Counts until", until(body)],
        ["If one action fails", body.all_or_nothing ? "none takes effect" : "the others stand"]] : []),
    ].flatMap(([name, text]) => [h("dt", {}, name), h("dd", {}, text)])),
    h("h2", {}, "Outcome"), result.code ? h("p", { class: "error" }, problemText(result)) : pairs(result),
    ...(asked.length ? [h("h2", {}, `Actions (${asked.length})`), h("p", { class: "quiet" }, "Fields that are not named were left at 0.")] : []),
    ...asked.map((action, place) => actionCard(action, place, results[place])),
    ...events(tx.events, "Events"),
  ];
}

const signer = (tx) => h("span", {}, tx.by_agent ? "an agent of the account, key " : "the owner's key ", h("span", { class: "hash" }, tx.public_key));

function until(body) {
  const texts = [BigInt(body.expiry_height) ? `block ${body.expiry_height}` : null, BigInt(body.expiry_time_ns) ? day(body.expiry_time_ns) : null];
  return texts.filter(Boolean).join(", ") || "any time";
}

/** One action as it was asked for and, once it ran, what it did. */
export function actionCard(action, place, result) {
  const [kind, fields] = Object.entries(action)[0];
  const state = !result ? "not reached" : result.code ? "failed" : "done";
  const number = fields.market || marketOf(fields.order_id ?? fields.trigger_id ?? 0) || marketOf(result?.order_id ?? 0);
  return h("div", { class: "card" },
    h("h3", {}, `${place + 1}. ${words(kind)}: `, h("span", { class: result?.code ? "bad" : null }, state)),
    result?.code ? h("p", { class: "error" }, `${problemText(result)} (code ${result.code} of ${result.codespace})`) : null,
    h("div", { class: "sides-by-side" },
      h("div", {}, h("h4", {}, "Asked for"), Object.keys(fields).length ? pairs(fields, unitsOf(number), true) : "no fields"),
      h("div", {}, h("h4", {}, "Did"), result ? pairs(result, unitsOf(number), true) : h("p", { class: "quiet" }, "Nothing: the envelope ended before it."))));
}
