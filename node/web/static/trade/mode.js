// How the account is margined: both modes side by side, and the switch between them.
import { $, h, setText } from "../lib/dom.js";
import { post } from "../lib/api.js";
import { problemText } from "../lib/problems.js";
import { account, send, session } from "../lib/session.js";
import { MODE } from "../wire/schemas.js";
import { usd } from "../wire/units.js";
import { state } from "./state.js";

const WHAT = {
  standard: "Each market by itself, options by underlying and expiry.",
  portfolio: "All positions on an underlying together, by what they would make when price and volatility move. Hedges count.",
};

/** The button, once. */
export function setUp() {
  $("mode-button").addEventListener("click", open);
}

/** What RiskService says of the account; null: nothing is known. */
export function take(risk) {
  session.portfolio = risk?.portfolio ? risk.positions.length : 0;
  setText($("mode"), risk ? name(risk) : "–");
  $("mode-button").disabled = !risk;
}

const name = (risk) => (risk.portfolio ? "portfolio" : "standard");

async function open() {
  const said = h("p", { class: "outcome", role: "status" });
  const window = h("dialog", { class: "window", "aria-labelledby": "mode-title" });
  const body = h("div", {}, "Asking …");
  window.append(h("h2", { id: "mode-title" }, "Margin mode"), body, said, h("button", { onclick: () => window.close() }, "Close"));
  window.addEventListener("close", () => window.remove());
  document.body.append(window);
  window.showModal();
  await draw(body, said);
}

async function draw(body, said) {
  try {
    const { before } = await post("risk", { account: account() });
    const now = name(before), other = now === "standard" ? "portfolio" : "standard";
    const { results: [result] } = await post("risk", { account: account(), actions: [{ set_margin_mode: { mode: MODE[other] } }] });
    take(before);
    body.replaceChildren(comparison(before, now), result.code
      ? h("p", { class: "error", role: "alert" }, problemText(result))
      : h("button", { class: "primary", id: "switch-mode", onclick: (event) => change(event.target, other, body, said) }, `Sign: switch to ${other}`));
  } catch (problem) {
    body.replaceChildren(h("p", { class: "error", role: "alert" }, problemText(problem)));
  }
}

function comparison(risk, now) {
  const modes = { standard: risk.standard_margin, portfolio: risk.portfolio_margin };
  const cell = (margin, field) => (margin ? `${usd(margin[field])} USD` : "no terms for it");
  const rows = [["Initial margin", "initial_quanta"], ["Maintenance margin", "maintenance_quanta"], ["New risk may rest on", "usable_quanta"]];
  return h("div", {}, h("div", { class: "scroll" }, h("table", { class: "fits" },
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Now, with open orders"), Object.keys(modes).map((mode) => h("th", { scope: "col" }, mode === now ? `${mode}, in force` : mode)))),
    h("tbody", {}, rows.map(([label, field]) => h("tr", {}, h("th", { scope: "row" }, label), Object.values(modes).map((margin) => h("td", {}, cell(margin, field)))))))),
    Object.entries(WHAT).map(([mode, text]) => h("p", {}, h("b", {}, `${mode}: `), text)),
    h("p", { class: "quiet" }, `Equity ${usd(risk.equity_quanta)} USD. An account may switch when it has its initial margin in both modes.`));
}

async function change(button, mode, body, said) {
  button.disabled = true;
  try {
    const { result, state: where } = await send([{ set_margin_mode: { mode: MODE[mode] } }], { chainTimeNs: state.timeNs });
    const failed = result.code ? result : result.actions.find((action) => action.code);
    said.dataset.good = String(!failed);
    setText(said, failed ? problemText(failed) : where === "committed" ? `The account is margined by ${mode} now.` : "No block has taken it yet.");
  } catch (problem) {
    said.dataset.good = "false";
    setText(said, problemText(problem));
  }
  await draw(body, said);
}
