// Values of the chain, written so that a person can read them: by the name of their field.
import { h } from "../lib/dom.js";
import { get } from "../lib/api.js";
import { day, percent, short, words } from "../lib/format.js";
import { Units, usd } from "../wire/units.js";

const markets = new Map();

/** Symbols and units of all markets. */
export async function loadNames() {
  for (const { market } of (await get("markets")).markets) markets.set(market.market, { ...market, units: new Units(market) });
}

export const symbol = (number) => markets.get(number)?.symbol ?? (number ? `market ${number}` : "all markets");
export const unitsOf = (number) => markets.get(number)?.units;
export const blockLink = (height) => h("a", { href: `#/block/${height}` }, height);
export const txLink = (hash) => h("a", { class: "hash", href: `#/tx/${hash}`, title: hash }, short(hash, 16));
export const accountLink = ({ owner, number }) => h("a", { class: "hash", href: `#/account/${owner}/${number}`, title: owner }, `${short(owner, 12)}/${number}`);

/** One field; `market` is the market that the message is about. */
export function value(name, found, market) {
  if (found === null || found === undefined) return "–";
  if (typeof found === "boolean") return found ? "yes" : "no";
  if (typeof found === "object" && !Array.isArray(found)) return "owner" in found ? accountLink(found) : pairs(found, market);
  if (Array.isArray(found)) return found.length ? h("div", {}, found.map((one) => h("div", {}, value(name, one, market)))) : "none";
  const units = unitsOf(market);
  if (name === "market" || name === "fund_market" || name === "price_market") return symbol(found);
  if (name.endsWith("_ns")) return /window|age|cool|freeze|auction|warm_up|wind_down|halt|gap/.test(name) ? seconds(found) : day(found);
  if (name.endsWith("_ppm")) return percent(found, 4);
  if (name.endsWith("_lots") || name === "lots") return units ? units.size(found) : found;
  if (/price_quanta|mark_quanta|index_quanta|strike_quanta|trigger_quanta|_low_quanta|_high_quanta|before_quanta|reached_quanta/.test(name) && units) return units.price(found);
  if (name.endsWith("_quanta")) return `${usd(found, 6)} USD`;
  if (name === "tx_hash" || name === "hash") return found ? txLink(found) : "–";
  if (/owner|referrer|authority/.test(name) && typeof found === "string" && found.length === 40) return accountLink({ owner: found, number: 0 });
  if (typeof found === "string" && /^[a-z_]+$/.test(found)) return found.replaceAll("_", " ");
  return h("span", { class: /hash|key|address/.test(name) ? "hash" : null }, String(found));
}

const seconds = (ns) => `${Number(ns) / 1e9} s`;

/** A message as a list of its fields, without what is empty. */
export function pairs(message, market = message.market) {
  const told = Object.entries(message).filter(([, found]) => found !== "" && !(Array.isArray(found) && !found.length));
  return h("dl", { class: "details" }, told.flatMap(([name, found]) =>
    [h("dt", {}, words(name.replace(/_(quanta|lots|ns|ppm)$/, ""))), h("dd", {}, value(name, found, market))]));
}

/** A table: headings, then rows of cells. */
export function table(label, headings, rows) {
  return h("div", { class: "scroll tall", tabindex: 0, "aria-label": label }, h("table", {},
    h("thead", {}, h("tr", {}, headings.map((text) => h("th", { scope: "col" }, text)))),
    h("tbody", {}, rows.length ? rows.map((cells) => h("tr", {}, cells.map((cell) => h("td", {}, cell)))) : h("tr", { class: "empty" }, h("td", { colspan: headings.length }, "None.")))));
}
