// The risk page: the whole system under shocks, and the account in use under many cases.
import { $, empty, h, setRows, setText } from "../lib/dom.js";
import { get } from "../lib/api.js";
import { drawBar, showState } from "../lib/bar.js";
import { day, percent, words } from "../lib/format.js";
import { problemText } from "../lib/problems.js";
import { begin } from "../lib/session.js";
import { follow } from "../lib/stream.js";
import { Units, usd } from "../wire/units.js";
import * as mine from "./mine.js";

const REFRESH_MS = 12000;
const symbols = new Map(); // of markets
const feeds = new Map([[0, "everything at once"]]);

async function drawMarkets() {
  const { markets } = await get("markets");
  for (const { market } of markets) symbols.set(market.market, market.symbol);
  const open = markets.filter((one) => BigInt(one.open_interest_lots)).sort((a, b) => Number(worth(b) - worth(a)));
  setRows($("interest"), open.length ? open.map((one) => h("tr", {}, h("th", { scope: "row" }, one.market.symbol), h("td", {}, new Units(one.market).size(one.open_interest_lots)),
    h("td", {}, `${usd(worth(one), 0)} USD`), h("td", {}, words(one.market.status)))) : [empty(4, "Nobody holds anything.")]);
}

const worth = (one) => BigInt(one.open_interest_lots) * BigInt(one.mark_price_quanta);

async function drawStress() {
  const found = await get("stress");
  setText($("stress-when"), `${found.accounts} accounts, block ${found.height}, ${day(found.time_ns)}`);
  const rows = found.rows.filter((row) => row.feed === 0 || row.short || BigInt(row.shortfall_quanta));
  setRows($("stress"), rows.map((row) => h("tr", {},
    h("th", { scope: "row" }, feeds.get(row.feed) ?? `feed ${row.feed}`), h("td", {}, percent(row.shock_ppm, 0)), h("td", {}, row.short), h("td", { class: "wide-only" }, row.below_zero),
    h("td", { class: BigInt(row.shortfall_quanta) ? "bad" : null }, `${usd(row.shortfall_quanta, 0)} USD`), h("td", {}, `${usd(row.fund_pays_quanta, 0)} USD`),
    h("td", { class: BigInt(row.left_quanta) ? "bad" : null }, `${usd(row.left_quanta, 0)} USD`))));
  setRows($("funds"), found.funds.map((fund) => h("tr", {}, h("th", { scope: "row" }, symbols.get(fund.market) ?? fund.market), h("td", {}, `${usd(fund.balance_quanta, 0)} USD`))));
}

async function refresh() {
  await drawMarkets();
  await drawStress();
  await mine.draw();
}

async function main() {
  await begin();
  drawBar(() => mine.draw());
  for (const { feed } of (await get("feeds")).feeds) feeds.set(feed.feed, feed.symbol);
  const { surfaces } = await get("surface");
  mine.setUp(feeds, new Set(surfaces.map((surface) => surface.feed)));
  await refresh();
  follow({}, () => {}, showState);
  setInterval(() => refresh().catch((problem) => setText($("stress-when"), problemText(problem))), REFRESH_MS);
}

main().catch((error) => $("bar").append(h("p", { class: "error", role: "alert" }, problemText(error))));
