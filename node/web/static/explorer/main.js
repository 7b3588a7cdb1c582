// The explorer: what the address says after # is what is shown.
import { $, h } from "../lib/dom.js";
import { drawBar, showState } from "../lib/bar.js";
import { problemText } from "../lib/problems.js";
import { begin } from "../lib/session.js";
import { follow } from "../lib/stream.js";
import { accountView } from "./account.js";
import { blockView, blocksView, newBlock } from "./blocks.js";
import { breakersView, oracleView, validatorsView } from "./chain.js";
import { governanceView } from "./governance.js";
import { paramsView } from "./params.js";
import { proofView } from "./proof.js";
import { txView } from "./tx.js";
import { loadNames } from "./values.js";

const VIEWS = {
  blocks: blocksView, block: blockView, tx: txView, account: accountView, validators: validatorsView, oracle: oracleView,
  breakers: breakersView, params: paramsView, governance: governanceView, proof: proofView,
};

let shown = 0;

const place = () => {
  const [name, ...rest] = decodeURIComponent(location.hash.replace(/^#\/?/, "")).split("/");
  return [name in VIEWS ? name : "blocks", rest.join("/")];
};

async function show() {
  const [name, argument] = place(), number = ++shown;
  document.title = `${name} ${argument.slice(0, 12)} · Novation`;
  const part = { block: "blocks", tx: "blocks", account: "" }[name] ?? name;
  for (const tab of $("tabs").children) {
    if (tab.hash === `#/${part}`) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
  let found;
  try {
    found = await VIEWS[name](argument);
  } catch (problem) {
    found = [h("p", { class: "error", role: "alert" }, problemText(problem))];
  }
  if (number === shown) $("view").replaceChildren(...found);
}

function find(event) {
  event.preventDefault();
  const what = event.target.elements.what.value.trim().toLowerCase();
  if (/^\d+$/.test(what)) location.hash = `#/block/${what}`;
  else if (/^[0-9a-f]{64}$/.test(what)) location.hash = `#/tx/${what}`;
  else if (/^[0-9a-f]{40}(\/\d+)?$/.test(what)) location.hash = `#/account/${what}`;
  else $("view").replaceChildren(h("p", { class: "error", role: "alert" }, "That is no height, hash (64 digits) or owner (40 digits). Copy one from a list here."));
}

async function main() {
  await begin();
  drawBar(() => {});
  await loadNames();
  $("find").addEventListener("submit", find);
  addEventListener("hashchange", show);
  await show();
  follow({}, (event, data) => {
    if (event === "block" && place()[0] === "blocks") newBlock(data);
  }, showState);
}

main().catch((error) => $("view").replaceChildren(h("p", { class: "error", role: "alert" }, problemText(error))));
