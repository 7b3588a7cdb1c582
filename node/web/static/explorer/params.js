// Every number that the chain's rules are run with, each with its unit.
import { get } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { percent } from "../lib/format.js";
import { usd } from "../wire/units.js";
import { folded, pairs, proofLink, hexNumber, symbol, table } from "./values.js";

const VOLATILITY = ["as it is", "up", "down"];

/** Parameters of the chain, fees, collateral, options, portfolios, feeds and markets. */
export async function paramsView() {
  const [terms, { markets }, { feeds }] = await Promise.all(["terms", "markets", "feeds"].map((path) => get(path)));
  const [fees] = terms.fee_terms, feedName = (number) => feeds.find(({ feed }) => feed.feed === number)?.feed.symbol ?? `feed ${number}`;
  const { tiers, ...shares } = fees ?? { tiers: [] };
  return [
    h("h2", {}, "Chain"), pairs(terms.params[0]),
    h("p", {}, proofLink("params", "706172616d73", "Prove it")),
    h("h2", {}, "Fees"), pairs(shares),
    table("Tiers of fees", ["Volume in 30 days, from", "Share of the maker's rate", "Share of the taker's rate"], tiers.map((tier) => [`${usd(tier.volume_quanta, 0)} USD`, percent(tier.maker_ppm), percent(tier.taker_ppm)])),
    h("h2", {}, "Collateral besides USD"),
    table("Assets", ["Asset", "Decimals", "Haircut", "Counts in an account", "Chain holds at most", "Price"], terms.assets.map((asset) => [asset.symbol, asset.decimals, percent(asset.haircut_ppm),
      `${amount(asset.account_cap_units, asset.decimals)} ${asset.symbol}`, `${amount(asset.deposit_cap_units, asset.decimals)} ${asset.symbol}`, asset.price_market ? `index of ${symbol(asset.price_market)}` : `${usd(asset.price_quanta)} USD`])),
    h("h2", {}, "Options"),
    ...terms.option_classes.map((one) => folded(one.symbol, () => pairs(one))),
    h("h2", {}, "Portfolio margin"),
    ...terms.portfolios.map(({ rows, ...one }) => folded(feedName(one.feed), () => h("div", {}, pairs(one),
      table("Rows", ["Price moves", "Volatility", "Weight"], rows.map((row) => [percent(row.spot_ppm), VOLATILITY[row.volatility], percent(row.weight_ppm)]))))),
    h("h2", {}, "Feeds"),
    ...feeds.map(({ feed, markets: used }) => folded(feed.symbol, () => h("div", {}, pairs(feed), h("p", {}, `Markets on it: ${used.map((one) => one.symbol).join(", ") || "none"}. `, proofLink("feeds", hexNumber(feed.feed), "Prove it"))))),
    h("h2", {}, "Markets"), h("p", { class: "quiet" }, "Limits and breakers of 0 are off."),
    ...markets.filter(({ market }) => market.kind !== "option").map(marketTerms),
    folded(`Options (${markets.filter(({ market }) => market.kind === "option").length})`, () => h("div", { class: "inset" }, markets.filter(({ market }) => market.kind === "option").map(marketTerms))),
  ];
}

const marketTerms = ({ market }) => folded(market.symbol, () => h("div", {}, pairs(market), h("p", {}, proofLink("markets", hexNumber(market.market), "Prove it"))));

const amount = (units, decimals) => (Number(units) / 10 ** decimals).toLocaleString("en-US");
