// Who may change the chain, what they did, what changed, and what is set to change.
import { get } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { day, short, words } from "../lib/format.js";
import { eventName } from "./events.js";
import { accountLink, blockLink, brief, symbol, table, txLink } from "./values.js";

/** The authority, its actions, what changed, what lies ahead. */
export async function governanceView() {
  const [terms, { actions, events }, { markets }, breakers, status] = await Promise.all(["terms", "changes", "markets", "breakers", "status"].map((path) => get(path)));
  const [params] = terms.params;
  return [
    h("h2", {}, "Who decides"),
    h("p", {}, "This chain is governed by one key, its authority, and by no vote: ", accountLink({ owner: params.authority, number: 0 }), ". It may set the status of a market and the power of a validator, on test networks only. All else follows from rules."),
    h("h2", {}, "Ahead"),
    table("What is set to change", ["When", "What"], ahead(terms, markets, breakers, BigInt(status.height), BigInt(status.time_ns)), true),
    h("h2", {}, "What the authority did, or others tried"),
    table("Actions of the authority", ["Block", "Time", "Action", "Asked for", "Outcome", "Transaction"], actions.map((one) => [
      blockLink(one.height), day(one.time_ns), words(eventName(one.action)), brief(one.action[eventName(one.action)]), one.result.code ? h("span", { class: "bad" }, one.result.reason) : "done", txLink(one.tx_hash)]), true),
    h("h2", {}, "What changed"),
    h("p", { class: "quiet" }, "Of the blocks that this node's gateway has seen: the last 300 changes."),
    table("Changes", ["Block", "Time", "What", "Details", "By"], together(events).map((ones) => [
      blockLink(ones[0].height), day(ones[0].time_ns), words(eventName(ones[0].event)), details(ones), ones[0].tx_hash ? txLink(ones[0].tx_hash) : "the chain's own rules"]), true),
  ];
}

/** Series that one block listed or removed are one change. */
function together(events) {
  const groups = [];
  for (const one of events) {
    const last = groups.at(-1)?.[0], name = eventName(one.event);
    if (name.startsWith("series_") && last && last.height === one.height && eventName(last.event) === name) groups.at(-1).push(one);
    else groups.push([one]);
  }
  return groups;
}

function details(ones) {
  const [first] = ones, found = first.event[eventName(first.event)];
  if (ones.length === 1) return brief(found);
  return `${ones.length} series: ${ones.map((one) => one.event[eventName(one.event)]).map((one) => one.symbol ?? symbol(one.market)).reverse().join(", ")}`;
}

/** [when, what] in the order of time. */
function ahead({ validators, params: [params] }, markets, { breakers }, height, now) {
  const rows = [], at = (ns, what) => { if (BigInt(ns || 0) > now) rows.push([BigInt(ns), day(ns), what]); };
  for (const { sets } of validators) {
    for (const set of sets) {
      if (BigInt(set.height) > height) rows.push([0n, `block ${set.height}`, `Validators: ${set.validators.map((one) => `${short(one.public_key, 8)} power ${one.power}`).join(", ")}`]);
    }
  }
  const expiring = new Map();
  for (const { market, losses } of markets) {
    at(market.opens_ns, `${market.symbol} takes orders`);
    at(market.fee_charge_until_ns, `${market.symbol}: fees are charged in full again`);
    at(market.quarantine_ends_ns, `${market.symbol} settles after its quarantine`);
    at(losses?.wind_down_ends_ns, `${market.symbol} settles: it winds down`);
    if (BigInt(market.expiry_ns) > now) expiring.set(market.expiry_ns, [...(expiring.get(market.expiry_ns) || []), market.symbol]);
  }
  for (const [ns, names] of expiring) at(ns, names.length > 3 ? `${names.length} markets expire, from ${names[0]} to ${names.at(-1)}` : `${names.join(", ")} ${names.length > 1 ? "expire" : "expires"}`);
  for (const { market, breaker } of breakers) {
    if (breaker.tripped) at(breaker.ends_ns, `${market ? symbol(market) : "whole chain"}: breaker ${breaker.kind.replaceAll("_", " ")} ends at the earliest`);
  }
  return rows.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, when, what]) => [when, what]);
}
