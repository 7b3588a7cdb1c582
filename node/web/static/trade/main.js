// The trading page: one stream, one state, and the parts that show it.
import { $, h } from "../lib/dom.js";
import { drawBar, showState } from "../lib/bar.js";
import { get } from "../lib/api.js";
import { problemText } from "../lib/problems.js";
import { account, begin } from "../lib/session.js";
import { follow } from "../lib/stream.js";
import { Units } from "../wire/units.js";
import * as accountView from "./account.js";
import * as book from "./book.js";
import * as candles from "./candles.js";
import * as combo from "./combo.js";
import * as depth from "./depth.js";
import * as markets from "./markets.js";
import * as mode from "./mode.js";
import * as money from "./money.js";
import * as ticket from "./ticket.js";
import * as trades from "./trades.js";
import { state } from "./state.js";

let stream = null, turn = Promise.resolve();
const MARKETS_MS = 5000;

async function loadMarkets() {
  const { markets: summaries } = await get("markets");
  state.markets = new Map(summaries.map((summary) => [summary.market.market, summary]));
  for (const [number, { market }] of state.markets) {
    if (!state.units.has(number)) state.units.set(number, new Units(market));
  }
  markets.drawStats();
}

/** Show a market. */
export function show(number) {
  if (!state.markets.has(number)) return;
  state.market = number;
  history.replaceState(null, "", `#${state.summary.market.symbol}`);
  document.title = `${state.summary.market.symbol} · Novation`;
  for (const part of [book, trades, candles, depth, ticket]) part.reset();
  markets.drawStats();
  connect();
}

function connect() {
  stream?.close();
  const wanted = { market: state.market };
  if (account()) wanted.account = account();
  stream = follow(wanted, heard, showState);
}

/** One event after the other: what follows a listing waits until its markets are known. */
function heard(...event) {
  turn = turn.then(() => take(...event)).catch(reportError);
}

async function take(event, data, height) {
  if (event === "begin" || event === "block" || event === "beat") {
    state.height = Math.max(state.height, height);
    state.timeNs = BigInt(data.time_ns);
  }
  if (event === "markets" || event === "gap") await loadMarkets();
  if (event === "begin" || event === "gap") {
    trades.load();
    candles.load();
  } else if (event === "prices") {
    for (const price of data.prices) state.marks.set(price.market, price);
    markets.drawStats();
    book.draw();
    accountView.draw();
  } else if (event === "book" && data.market === state.market) {
    state.book = data;
    book.draw();
    depth.draw();
  } else if (event === "trades") {
    trades.add(data.trades);
    candles.add(data.trades);
  } else if (event === "account") {
    accountView.take(data);
  } else if (event === "fills") {
    accountView.addFills(data.fills);
  }
}

function wanted() {
  const symbol = decodeURIComponent(location.hash.slice(1));
  const named = [...state.markets.values()].find(({ market }) => market.symbol === symbol);
  return named?.market.market ?? Math.min(...state.markets.keys());
}

function keyChosen() {
  accountView.reset();
  ticket.reset();
  connect();
}

async function main() {
  await begin();
  drawBar(keyChosen);
  await loadMarkets();
  markets.setUp(show);
  candles.setUp();
  ticket.setUp();
  combo.setUp();
  mode.setUp();
  money.setUp();
  accountView.setUp(show);
  book.setUp((quanta) => ticket.setPrice(quanta));
  depth.setUp();
  show(wanted());
  addEventListener("hashchange", () => { if (wanted() !== state.market) show(wanted()); });
  setInterval(() => loadMarkets().catch(() => showState(false, state.height)), MARKETS_MS);
}

main().catch((error) => {
  $("bar").append(h("p", { class: "error", role: "alert" }, `${problemText(error)} `,
    h("button", { onclick: () => location.reload() }, "Reload")));
});
