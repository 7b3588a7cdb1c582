// Any record of the state, with its proof, and what of it this browser checked itself.
import { get } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { day, hex, unhex } from "../lib/format.js";
import { problemText } from "../lib/problems.js";
import { account, session } from "../lib/session.js";
import { checkBlock } from "../wire/headers.js";
import { provenAppHash } from "../wire/proofs.js";
import { allMarkets, folded, hexNumber, pairs } from "./values.js";

const textKey = (text) => hex(new TextEncoder().encode(text));
const market = { hint: "a market", read: (text) => hexNumber(allMarkets().find((one) => one.symbol === text.toUpperCase())?.market ?? text) };
const number = { hint: "a number", read: (text) => hexNumber(text) };
const owned = { hint: "OWNER/NUMBER", read: accountKey };
const raw = { hint: "hexadecimal", read: (text) => hex(unhex(text)) };
const only = (key) => ({ key: textKey(key) });
/** What each table's keys are: one that is always the same, or how to read what one writes. */
const TABLES = {
  accounts: owned, agents: owned, anchors: raw, assets: number, auctions: owned, backlog: only("triggers"), books: market, breakers: market, clock: only("clock"), feeds: number, fee_terms: only("terms"),
  fixings: raw, flows: { hint: "hour or day", read: textKey }, funding: market, funds: { hint: "fees, treasury, stakers, or hexadecimal", read: (text) => (/^(fees|treasury|stakers)$/.test(text) ? textKey(text) : raw.read(text)) },
  listing: only("listing"), losses: market, marks: market, markets: market, option_classes: number, orders: owned, params: only("params"), portfolios: number, protections: raw, reporters: only("reporters"),
  settlements: market, surfaces: number, sweeps: only("sweep"), switches: owned, totals: market, traders: { hint: "an owner", read: (text) => raw.read(text.split("/")[0]) }, triggers: owned,
  validators: only("sets"), vault: { hint: "usd, or asset/NUMBER", read: (text) => (text.startsWith("asset/") ? textKey("asset/") + hexNumber(text.slice(6)) : textKey(text)) },
};

function accountKey(text) {
  const [owner, given] = text.trim().split("/");
  if (!/^[0-9a-f]{40}$/i.test(owner)) throw new RangeError("an owner has 40 hexadecimal digits");
  return owner.toLowerCase() + hexNumber(given || 0);
}

/** `argument` is TABLE/KEY, the key in hexadecimal; empty: only the choice. */
export async function proofView(argument) {
  const [table, key] = argument.split("/");
  const made = [h("h2", {}, "Proof of a record"), h("p", { class: "quiet" }, "Every record of the chain can be proven to be in its state, and so can be that there is none. Choose one."), choice(table, key)];
  if (!table || !key) return made;
  try {
    return [...made, ...await shown(await get("proof", { table, key }))];
  } catch (problem) {
    return [...made, h("p", { class: "error", role: "alert" }, problemText(problem))];
  }
}

function choice(table, key) {
  const select = h("select", { name: "table" }, Object.keys(TABLES).map((name) => h("option", { value: name, selected: name === (table || "markets") }, name.replaceAll("_", " "))));
  const input = h("input", { name: "key", autocomplete: "off", spellcheck: "false" }), said = h("p", { class: "error", role: "alert" });
  const hint = h("span", {}, "");
  const fit = () => {
    const kind = TABLES[select.value];
    input.disabled = Boolean(kind.key);
    input.value = kind.key ? "" : select.value === table ? readable(kind, key) : kind === owned ? account() : kind === market ? "BTC-PERP" : kind === number ? "1" : "";
    hint.textContent = kind.key ? "there is only one" : kind.hint;
  };
  const form = h("form", { class: "row", id: "proof-form", onsubmit: (event) => {
    event.preventDefault();
    const kind = TABLES[select.value];
    try {
      location.hash = `#/proof/${select.value}/${kind.key ?? kind.read(input.value.trim())}`;
      said.textContent = "";
    } catch (problem) {
      said.textContent = `Key: ${kind.hint}. ${problem.message}.`;
    }
  } }, h("label", {}, "Table ", select), h("label", { class: "grow" }, h("span", {}, "Key: ", hint), input), h("button", { class: "primary" }, "Prove"));
  select.addEventListener("change", fit);
  fit();
  return h("div", {}, form, said);
}

function readable(kind, key) {
  if (!key || kind === raw) return key ?? "";
  if (kind === market) return allMarkets().find((one) => one.market === parseInt(key, 16))?.symbol ?? String(parseInt(key, 16));
  if (kind === number) return String(parseInt(key, 16));
  if (kind === owned) return `${key.slice(0, 40)}/${parseInt(key.slice(40), 16)}`;
  return key;
}

const line = (good, ...text) => h("li", { class: good === null ? "quiet" : good ? "good" : "bad" }, good === null ? "○ " : good ? "✓ " : "✗ ", ...text);
const outcome = (work) => work.then((found) => ({ found }), (problem) => ({ problem }));

async function shown({ table, key, height, value, record, app_hash: appHash, operators, block }) {
  const proof = await outcome(provenAppHash(table, key, value, operators));
  const holds = proof.found === appHash, what = value ? `The record's ${value.length / 2} bytes lead` : "That there is no such record leads";
  const checks = [line(holds, holds ? `${what} by the ICS-23 proof to this app hash: ` : `The proof does not hold: ${proof.problem?.message ?? "it leads to another app hash"}. `, h("span", { class: "hash" }, appHash))];
  if (block) {
    const header = await outcome(checkBlock(block, session.params.chain_id));
    const { hash, signed, total, signers, validators } = header.found ?? {};
    checks.push(
      line(block.header.app_hash === appHash, `The header of block ${block.header.height} states this app hash, of the state after block ${height}.`),
      header.found
        ? line(true, `All fields of that header hash to ${hash}, and ${signers} of ${validators} validators with ${signed} of ${total} power signed that hash: each signature was verified.`)
        : line(false, `The header cannot be believed: ${header.problem.message}.`),
      line(null, `Not checked: that these are the chain's validators. This node names them. Compare the hash of block ${block.header.height} with one from a node of somebody else, or let the SDK follow the validators from a header that you trust: novation query risk --offline --trust HEIGHT:HASH.`));
  } else {
    checks.push(line(null, "A devchain has no headers and no validators: the app hash is what its one process says."));
  }
  checks.push(line(null, "Not checked: the fields below, which the node decoded from the bytes that were proven."));
  return [
    h("h2", {}, "Checked in this browser"), h("ul", { class: "checks", id: "checks" }, checks),
    h("h2", {}, value ? "Record" : "No such record"), ...(record ? [pairs(record)] : []),
    ...(value ? [folded("Its bytes", () => h("p", { class: "hash" }, value))] : []),
    folded("Proof (ICS-23)", () => h("div", {}, operators.map((one, place) => h("div", { class: "card" }, h("h3", {}, place ? "From the table's root to the app hash" : operators.length > 1 ? "From the record to the table's root" : "The table is empty"), pairs(one))))),
    ...(block ? [folded("Header", () => pairs({ ...block.header, time_ns: block.header.time_ns })), folded("Signatures", () => h("div", {}, block.commit.signatures.map((one, place) => h("div", { class: "card" }, pairs({
      address: one.validator, power: block.validators[place].power, signed_ns: one.time_ns, signature: one.signature, key: block.validators[place].public_key })))))] : []),
    h("p", { class: "quiet" }, block ? `State after block ${height}; the header is of ${day(block.header.time_ns)}.` : `State after block ${height}.`),
  ];
}
