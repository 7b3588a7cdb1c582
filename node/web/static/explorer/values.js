// Values of the chain, written so that a person can read them: by the name of their field.
import { h } from "../lib/dom.js";
import { get } from "../lib/api.js";
import { day, percent, short, words } from "../lib/format.js";
import { Units, ratio, usd } from "../wire/units.js";

const markets = new Map();

/** Symbols and units of all markets. */
export async function loadNames() {
  for (const { market } of (await get("markets")).markets) markets.set(market.market, { ...market, units: new Units(market) });
}

export const symbol = (number) => markets.get(number)?.symbol ?? (number ? `market ${number}` : "all markets");
export const unitsOf = (number) => markets.get(number)?.units;
export const marketOf = (orderId) => Number(BigInt(orderId) >> 40n);
export const allMarkets = () => [...markets.values()];
export const blockLink = (height) => h("a", { href: `#/block/${height}` }, height);
export const txLink = (hash) => h("a", { class: "hash", href: `#/tx/${hash}`, title: hash }, short(hash, 16));
export const accountLink = ({ owner, number }) => h("a", { class: "hash", href: `#/account/${owner}/${number}`, title: owner }, `${short(owner, 12)}/${number}`);
export const proofLink = (table, key, text) => h("a", { href: `#/proof/${table}/${key}` }, text);
export const hexNumber = (number, bytes = 4) => BigInt(number).toString(16).padStart(2 * bytes, "0");

const LENGTHS = /window_ns|age_ns|cool_down_ns|freeze_ns|^auction_ns|halt_auction_ns|warm_up_ns|^wind_down_ns|gap_ns|covered_ns|shortest_ns|left_ns|resumes_in/;
const PRICES = /price_quanta|mark_quanta|index_quanta|strike_quanta|trigger_quanta|trail_quanta|peg_limit_quanta|_low_quanta|_high_quanta|before_quanta|reached_quanta|tick_quanta|impact_price/;
const STATUSES = ["unspecified", "active", "reduce_only", "halted", "announced", "auction", "settling", "settled", "quarantined"];
const PER_8_HOURS = /interest_e9|rate_e9|premium_e9|funding_band_e9|funding_cap_e9/;

/** One field; `units` are those of the market that the message is about. */
export function value(name, found, units) {
  if (found === null || found === undefined) return "–";
  if (typeof found === "boolean") return found ? "yes" : "no";
  if (typeof found === "object" && !Array.isArray(found)) return "owner" in found && "number" in found ? accountLink(found) : pairs(found, unitsIn(found) ?? units);
  if (Array.isArray(found)) return found.length ? h("div", {}, found.map((one) => h("div", {}, value(name, one, units)))) : "none";
  if (name === "market") return symbol(found);
  if (name === "fund_market" || name === "price_market") return found ? symbol(found) : name === "fund_market" ? "its own" : "none";
  if (name === "order_id" || name === "trigger_id") return BigInt(found) ? found : "none";
  return quantity(name, found, units) ?? plain(name, found);
}

function quantity(name, found, units) {
  if (name.endsWith("_ns")) return LENGTHS.test(name) ? seconds(found) : day(found);
  if (name === "expiry_s") return day(BigInt(found) * 1000000000n);
  if (name === "hour_s") return `${seconds(BigInt(found) * 1000000000n)} after midnight UTC`;
  if (name.endsWith("_s")) return `${found} s`;
  if (name.endsWith("_ppm")) return percent(found, 4);
  if (PER_8_HOURS.test(name)) return `${ratio(BigInt(found), 10000000n, 4)} % in 8 hours`;
  if (name === "gas_price_e6") return `${usd(found, 6)} USD a million gas`;
  if (/gas/.test(name)) return `${ratio(BigInt(found), 1n, 0)} gas`;
  if (name === "lots" || name.endsWith("_lots")) return units ? units.size(found) : found;
  if (units && PRICES.test(name)) return `${units.price(found)} USD`;
  if (name.endsWith("_quanta")) return `${usd(found, 6)} USD`;
  return null;
}

function plain(name, found) {
  if (name === "tx_hash" || name === "hash") return found ? txLink(found) : "–";
  if (/owner|referrer|authority/.test(name) && typeof found === "string" && found.length === 40) return accountLink({ owner: found, number: 0 });
  if (name === "status" && typeof found === "number") return (STATUSES[found] ?? String(found)).replaceAll("_", " ");
  if (typeof found === "string" && /^[a-z_]+$/.test(found)) return found.replaceAll("_", " ");
  return h("span", { class: /hash|key|address|signature/.test(name) ? "hash" : null }, String(found));
}

function seconds(ns) {
  const whole = BigInt(ns) / 1000000000n;
  return whole && whole % 86400n === 0n ? `${whole / 86400n} ${whole === 86400n ? "day" : "days"}` : whole && whole % 3600n === 0n ? `${whole / 3600n} h` : `${Number(ns) / 1e9} s`;
}

/** The units that a message itself gives: of its market, of its order, or of what is listed. */
function unitsIn(message) {
  if (message.lot_size && message.tick_quanta) return new Units(message);
  const number = message.market || (message.order_id ? marketOf(message.order_id) : 0) || (message.trigger_id ? marketOf(message.trigger_id) : 0);
  return number ? unitsOf(number) : undefined;
}

const isUnset = (found) => found === "" || found === 0 || found === "0" || found === false || found === "unspecified" || (Array.isArray(found) && !found.length);

/** A message as a list of its fields. Texts and lists that are empty are left out; with `set` all that is unset. */
export function pairs(message, units = unitsIn(message), set = false) {
  const told = Object.entries(message).filter(([, found]) => (set ? !isUnset(found) : found !== "" && !(Array.isArray(found) && !found.length)));
  return h("dl", { class: "details" }, told.flatMap(([name, found]) =>
    [h("dt", {}, words(name.replace(/_(quanta|lots|ns|ppm|e9|e6|s)$/, ""))), h("dd", {}, value(name, found, units))]));
}

/** The same in one line. */
export function brief(message, units = unitsIn(message)) {
  const told = Object.entries(message).filter(([, found]) => !isUnset(found));
  return h("span", {}, told.flatMap(([name, found], place) => [place ? ", " : "", `${words(name.replace(/_(quanta|lots|ns|ppm|e9|e6|s)$/, "")).toLowerCase()} `, value(name, found, units)]));
}

/** A table: headings, then rows of cells; of `prose` the cells stand left and their text may break. */
export function table(label, headings, rows, prose = false) {
  return h("div", { class: "scroll tall", tabindex: 0, "aria-label": label }, h("table", { class: prose ? "prose" : null },
    h("thead", {}, h("tr", {}, headings.map((text) => h("th", { scope: "col" }, text)))),
    h("tbody", {}, rows.length ? rows.map((cells) => h("tr", {}, cells.map((cell) => h("td", {}, cell)))) : h("tr", { class: "empty" }, h("td", { colspan: headings.length }, "None.")))));
}

/** What is drawn only when somebody opens it. */
export function folded(title, draw) {
  const made = h("details", {}, h("summary", {}, title));
  made.addEventListener("toggle", () => made.append(draw()), { once: true });
  return made;
}
