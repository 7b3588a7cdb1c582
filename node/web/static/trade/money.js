// Money out of the account in use: off the chain, or to another account. Written, reviewed by the chain's own rules, signed here.
import { $, h } from "../lib/dom.js";
import { get, post } from "../lib/api.js";
import { unhex } from "../lib/format.js";
import { problemText } from "../lib/problems.js";
import { account, send, session } from "../lib/session.js";
import { decimal, ratio, usd } from "../wire/units.js";
import * as review from "./review.js";
import { state } from "./state.js";

const USD = { asset: 0, symbol: "USD", decimals: 6 };
const NUMBER_MOST = 2n ** 32n - 1n;

/** The button, once. */
export function setUp() {
  $("money-button").addEventListener("click", open);
}

/** Whether there is an account that money could leave. */
export const drawButton = () => { $("money-button").disabled = !state.account?.exists; };

function open() {
  const field = (label, attributes, value = "") => h("label", {}, label, h("input", { autocomplete: "off", spellcheck: "false", value, ...attributes }));
  const assets = [USD, ...(state.account.assets ?? [])];
  const form = h("form", { id: "money-form", autocomplete: "off", novalidate: true },
    h("div", { class: "choices", role: "radiogroup", "aria-label": "What to do" }, [["transfer", "To another account"], ["withdraw", "Off the chain"]].map(([value, label]) =>
      h("label", { class: "check" }, h("input", { type: "radio", name: "kind", value, checked: value === "transfer" }), label))),
    h("div", { class: "pair" }, field("Amount", { name: "amount", inputmode: "decimal" }),
      h("label", {}, "Asset", h("select", { name: "asset" }, assets.map(({ asset, symbol }) => h("option", { value: String(asset) }, symbol))))),
    h("div", { class: "pair", "data-for": "transfer" }, field("To account number", { name: "number", inputmode: "numeric" }, session.number ? "0" : "1"),
      field("Of owner (40 hexadecimal digits)", { name: "owner", maxlength: 40, placeholder: "empty: yours" })),
    h("div", { "data-for": "withdraw", hidden: true }, field("Pay out to (an address that the custodian knows)", { name: "destination" })),
    h("p", { class: "error", role: "alert", id: "money-error" }), h("button", { class: "primary", id: "review-money" }, "Review"));
  const preview = h("div", { class: "preview", id: "money-preview", hidden: true }), said = h("p", { class: "outcome", role: "status", id: "money-said" });
  const window = h("dialog", { class: "window", "aria-labelledby": "money-title" },
    h("h2", { id: "money-title" }, "Transfer or withdraw"),
    h("p", { class: "quiet" }, `From account number ${session.number} of ${session.owner ? `${session.owner.slice(0, 12)}…` : session.key.name}.`),
    session.owner ? h("p", { class: "error" }, "An agent's key moves no money: choose the owner's key for that.") : form,
    preview, said, h("button", { onclick: () => window.close() }, "Close"));
  const back = () => {
    form.hidden = false;
    preview.hidden = true;
    form.elements.amount.focus();
  };
  form.addEventListener("input", () => {
    for (const part of form.querySelectorAll("[data-for]")) part.hidden = part.dataset.for !== form.elements.kind.value;
    $("money-error").textContent = said.textContent = "";
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    said.textContent = "";
    $("review-money").disabled = true;
    try {
      show(preview, said, await asked(form.elements, assets), back);
      form.hidden = true;
      preview.hidden = false;
      (preview.querySelector(".primary") ?? preview.querySelector("button")).focus();
    } catch (problem) {
      $("money-error").textContent = problemText(problem);
    }
    $("review-money").disabled = false;
  });
  window.addEventListener("close", () => window.remove());
  document.body.append(window);
  window.showModal();
}

/** What the form says as an action, and what the chain says of it. Throws RangeError, ApiError. */
async function asked(fields, assets) {
  const asset = assets.find((one) => String(one.asset) === fields.asset.value), found = decimal(fields.amount.value);
  if (!found || found[0] <= 0n || found[1] > asset.decimals) throw new RangeError(`Amount: write a number above 0 with at most ${asset.decimals} places`);
  const amount = { amount_quanta: found[0] * 10n ** BigInt(asset.decimals - found[1]), asset: asset.asset };
  const said = `${ratio(amount.amount_quanta, 10n ** BigInt(asset.decimals), asset.asset ? asset.decimals : 2)} ${asset.symbol}`;
  const [made, limiter] = fields.kind.value === "transfer" ? [transfer(fields, amount, said), []] : [withdrawal(fields, amount, said), await room()];
  const answer = await post("risk", { account: account(), actions: [made.action] });
  return { ...made, limiter, answer, refused: answer.results[0].code ? answer.results[0] : null };
}

function transfer(fields, amount, said) {
  const owner = fields.owner.value.trim().toLowerCase(), number = fields.number.value.trim();
  if (owner && !/^[0-9a-f]{40}$/.test(owner)) throw new RangeError("Of owner: write 40 hexadecimal digits, or nothing for your own account");
  if (!/^\d{1,10}$/.test(number) || BigInt(number) > NUMBER_MOST) throw new RangeError("To account number: write a whole number, as in 1");
  const to = { owner: owner ? unhex(owner) : session.key.owner, number: Number(number) };
  return { action: { transfer: { to, ...amount } }, title: `Transfer ${said}`, to: `account number ${number} of ${owner || `${session.key.name}, your own`}`, done: `${said} moved` };
}

function withdrawal(fields, amount, said) {
  const text = fields.destination.value.trim(), destination = new TextEncoder().encode(text);
  if (!destination.length || destination.length > 64) throw new RangeError("Pay out to: write 1 to 64 characters");
  return { action: { withdraw: { destination, ...amount } }, title: `Withdraw ${said}`, to: text, done: `${said} left the chain` };
}

/** What may still leave the chain, of everybody, in an hour and a day: [name, text] pairs. */
async function room() {
  const { breakers } = await get("breakers");
  return breakers.filter(({ breaker }) => breaker.kind === "withdrawals").map(({ breaker: { reason, value, limit } }) => {
    const left = BigInt(limit) - BigInt(value);
    return [`All accounts may still withdraw, ${reason === "hour" ? "an hour" : "a day"}`, `${usd(left > 0n ? left : 0n)} of ${usd(limit)} USD`];
  });
}

function show(preview, said, { action, title, to, done, answer: { before, after }, limiter, refused }, back) {
  const pairs = [
    ["From", `account number ${session.number}`], ["To", to], ["Gas", review.gasText([action])],
    ["May leave the account", refused ? `${usd(before.free_quanta)} USD` : `${usd(before.free_quanta)} → ${usd(after.free_quanta)} USD`],
    ...(refused ? [] : [["Margin, initial", `${usd(after.initial_quanta)} USD`]]), ...limiter,
  ];
  const confirm = refused ? null : h("button", { class: "primary", id: "confirm-money", onclick: async () => {
    confirm.disabled = true;
    confirm.textContent = "Sending …";
    await sign(action, done, said);
    back();
  } }, "Sign and send");
  preview.replaceChildren(h("h3", {}, title), refused ? h("p", { class: "error", role: "alert" }, problemText(refused)) : "",
    h("dl", { class: "pairs" }, pairs.flatMap(([name, text]) => [h("dt", {}, name), h("dd", {}, text)])),
    h("div", { class: "row" }, confirm ?? "", h("button", { onclick: back }, "Back")));
}

async function sign(action, done, said) {
  try {
    const { result, state: where, height } = await send([action], { chainTimeNs: state.timeNs });
    const failed = result.code ? result : result.actions.find((one) => one.code);
    said.dataset.good = String(!failed && where === "committed");
    said.textContent = failed ? problemText(failed) : where === "committed" ? `Block ${height}: ${done}.` : "No block has taken it yet. It counts for ten minutes; look at your account before you send it again.";
  } catch (problem) {
    said.dataset.good = "false";
    said.textContent = `${problemText(problem)} It may still take effect: look at your account first.`;
  }
}
