// The chain itself: validators, prices and votes, breakers, parameters.
import { get } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { day, percent, short } from "../lib/format.js";
import { ratio } from "../wire/units.js";
import { proofLink, symbol, table, unitsOf, value } from "./values.js";

const share = (part, all) => (Number(all) ? percent(Math.round((Number(part) / Number(all)) * 1e6)) : "–");
const decimals = (units, places) => ratio(BigInt(units), 10n ** BigInt(places), Math.min(places, 6));

/** Who votes, with how much power, how they took part, and what they voted last. */
export async function validatorsView() {
  const [{ reporters, total_power: total }, votes, { validators }] = await Promise.all([get("reporters"), get("votes"), get("terms")]);
  const last = new Map(votes.voters.map((one) => [one.address, one]));
  const sets = validators.flatMap((record) => record.sets);
  return [
    h("h2", {}, "Validators"),
    h("p", { class: "quiet" }, `Last vote: of block ${votes.block_height}. A price is far when it lies farther from the median than the chain allows.`),
    table("Validators", ["Address", "Power", "Share", "Voted prices in", "Prices counted", "Far from the median", "Last vote", "Farthest"], reporters.map((one) => [
      h("span", { class: "hash", title: one.address }, short(one.address, 16)), one.power, share(one.power, total), `${one.votes} of ${one.blocks} blocks (${share(one.votes, one.blocks)})`, one.prices,
      `${one.deviations} (${share(one.deviations, one.prices)})`, ...lastVote(last.get(one.address))])),
    h("h2", {}, "Sets of validators"),
    table("Sets of validators", ["In force from block", "Validators", "Power"], sets.map((set) => [set.height, set.validators.length, set.validators.reduce((sum, one) => sum + BigInt(one.power), 0n).toString()])),
    h("p", {}, proofLink("validators", "73657473", "Prove the sets"), " · ", proofLink("reporters", "7265706f7274657273", "Prove the reports")),
  ];
}

function lastVote(vote) {
  if (!vote) return ["–", "–"];
  const farthest = vote.deviations_ppm.reduce((most, one) => (Math.abs(Number(one)) > Math.abs(most) ? Number(one) : most), 0);
  return vote.kind === "prices" ? [`${vote.prices.length} prices, ${vote.pillars} volatilities`, percent(farthest, 3)] : [vote.kind, "–"];
}

/** Feeds and the votes of the last block. */
export async function oracleView() {
  const [{ feeds }, votes] = await Promise.all([get("feeds"), get("votes")]);
  const turnout = votes.turnout;
  return [
    h("h2", {}, "Feeds"),
    table("Feeds", ["Feed", "Price", "State", "Age", "Last median", "Votes", "Forbids now"], feeds.map(({ feed, age_ns: age, bars, votes: cast }) => [
      feed.symbol, `${decimals(feed.price, feed.decimals)} USD`, feed.validity.replaceAll("_", " "), `${Number(age) / 1e9} s`, decimals(feed.median, feed.decimals), cast ? `${cast.votes}${cast.counted ? "" : ", no quorum"}` : "–", bars.join(", ") || "nothing"])),
    h("h2", {}, `Votes of block ${votes.block_height}`),
    votes.has_record ? h("p", {}, `${turnout.voters} of ${turnout.validators} validators with ${share(turnout.voted_power, turnout.total_power)} of the power voted; more than two thirds are needed.`) : h("p", { class: "quiet" }, "This block carries no votes."),
    table("Votes", ["Validator", "Power", "Vote", "Prices, and how far from the median"], votes.voters.map((one) => [
      h("span", { class: "hash", title: one.address }, short(one.address, 16)), one.power, one.kind, h("div", {}, one.feeds.map((number, place) => {
        const feed = feeds.find(({ feed: known }) => known.feed === number)?.feed;
        return h("div", {}, feed ? `${feed.symbol} ${decimals(one.prices[place], feed.decimals)} (${percent(one.deviations_ppm[place], 3)})` : one.prices[place]);
      }))])),
  ];
}

/** What has tripped, and how near the rest is. */
export async function breakersView() {
  const { breakers, bands, swept_ns: swept, insured_quanta: insured, stress } = await get("breakers");
  const price = (market, quanta) => (BigInt(quanta) ? unitsOf(market)?.price(quanta) ?? quanta : "no bound");
  return [
    h("h2", {}, "Breakers"),
    table("Breakers", ["Where", "Kind", "State", "Value", "Limit", "Until"], breakers.map(({ market, breaker }) => [
      market ? symbol(market) : "whole chain", `${breaker.kind}, ${breaker.reason}`.replaceAll("_", " "), breaker.tripped ? h("span", { class: "bad" }, "tripped") : "quiet",
      breaker.value, breaker.limit, breaker.tripped && BigInt(breaker.ends_ns) ? day(breaker.ends_ns) : "–"])),
    h("h2", {}, "Price bands"),
    table("Price bands", ["Market", "Mark", "Sell orders from", "Buy orders to", "Fills from", "Fills to"], bands.map((band) => [symbol(band.market), price(band.market, band.mark_quanta),
      price(band.market, band.order_low_quanta), price(band.market, band.order_high_quanta), price(band.market, band.fill_low_quanta), price(band.market, band.fill_high_quanta)])),
    h("h2", {}, "The chain's own stress test"),
    h("p", {}, `Done ${day(swept)}; insured: `, value("insured_quanta", insured)),
    table("Stress", ["All marks move by", "Shortfall"], stress.map((row) => [percent(row.shock_ppm), value("shortfall_quanta", row.shortfall_quanta)])),
  ];
}
