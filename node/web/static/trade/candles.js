// Candles with volume, from the trades that the gateway saw, and those that come.
import { $, h } from "../lib/dom.js";
import { get } from "../lib/api.js";
import { axis, colour, fit } from "../lib/colours.js";
import { state } from "./state.js";

const INTERVALS = { "10s": 10, "1m": 60, "15m": 900, "1h": 3600 };
const SHOWN = 90, LEAST = 24, VOLUME_SHARE = 0.18, BODY = 0.64;

let interval = "1m";
let rows = []; // [begin in seconds, open, high, low, close, lots], quanta as numbers: for the picture only
let chart = null;

/** The chart and the choice of intervals, once. */
export function setUp() {
  $("intervals").replaceChildren(...Object.keys(INTERVALS).map((name) => h("button", {
    "aria-pressed": String(name === interval), onclick: () => {
      interval = name;
      for (const button of $("intervals").children) button.setAttribute("aria-pressed", String(button.textContent === name));
      load();
    } }, name)));
  const box = $("candles");
  chart = new window.uPlot({
    width: box.clientWidth, height: box.clientHeight, legend: { show: false },
    cursor: { drag: { x: false, y: false }, y: false },
    scales: { x: { time: false, range: (_, low, high) => [Math.min(low ?? 0, (high ?? 0) - LEAST) - 0.7, (high ?? 0) + 0.7] }, y: { range } },
    axes: [axis({ values: (_, places) => places.map(timeOf), space: 70, size: 28 }), axis({ side: 1, size: 74, values: (_, prices) => prices.map(label) })],
    series: [{}, { show: true, paths: () => null, points: { show: false } }, { paths: () => null, points: { show: false } }],
    hooks: { draw: [paint], setCursor: [describe] },
  }, [[], [], []], box);
  fit(chart, box);
}

export function reset() {
  rows = [];
  draw();
}

/** All candles of the market and interval. */
export async function load() {
  const asked = [state.market, interval];
  const found = await get("candles", { market: asked[0], interval: asked[1] }).catch(() => null);
  if (found && asked[0] === state.market && asked[1] === interval) {
    rows = found.candles;
    draw();
  }
}

/** New trades, oldest first; those of before the last candle are in it already. */
export function add(trades) {
  for (const trade of trades) {
    if (trade.market !== state.market) continue;
    const length = INTERVALS[interval];
    const begin = Math.floor(Number(BigInt(trade.time_ns) / 1000000000n) / length) * length;
    const [price, lots, last] = [Number(trade.price_quanta), Number(trade.size_lots), rows.at(-1)];
    if (!last || last[0] < begin) rows.push([begin, price, price, price, price, lots]);
    else if (last[0] === begin) {
      last[2] = Math.max(last[2], price);
      last[3] = Math.min(last[3], price);
      last[4] = price;
      last[5] += lots;
    }
  }
  draw();
}

const shown = () => rows.slice(-SHOWN);

function draw() {
  if (!chart) return;
  const kept = shown(), units = state.unit;
  const column = (place) => kept.map((row) => units.priceNumber(row[place]));
  chart.setData([kept.map((_, place) => place), column(2), column(3)]);
  const last = kept.at(-1);
  $("candles").setAttribute("aria-label", last
    ? `Candles of ${interval}: last ${units.price(last[4])}, between ${label(Math.min(...column(3)))} and ${label(Math.max(...column(2)))}`
    : "Candles: no trades yet");
}

/** Prices from the lowest to the highest, with room for the volume below. */
function range(_, low, high) {
  if (low === null || high === null || low === undefined) {
    const mark = state.unit ? state.unit.priceNumber(state.mark(state.market)) || 1 : 1;
    return [mark * 0.99, mark * 1.01];
  }
  const room = Math.max(high - low, high * 0.0005);
  return [low - room * (0.1 + VOLUME_SHARE), high + room * 0.1];
}

const label = (price) => price.toLocaleString("en-US", { maximumFractionDigits: Math.abs(price) < 10 ? 4 : Math.abs(price) < 1000 ? 2 : 1 });

function timeOf(place) {
  const row = shown()[place];
  if (!row) return "";
  const time = new Date(row[0] * 1000);
  const text = time.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", ...(interval === "10s" ? { second: "2-digit" } : {}) });
  return text;
}

function paint(plot) {
  const kept = shown(), { ctx, bbox } = plot, units = state.unit;
  if (!kept.length) {
    ctx.save();
    ctx.fillStyle = colour("quiet");
    ctx.font = `${13 * devicePixelRatio}px system-ui, sans-serif`;
    ctx.textAlign = "center";
    ctx.fillText("No trades yet: the first one makes the first candle.", bbox.left + bbox.width / 2, bbox.top + bbox.height / 2);
    ctx.restore();
    return;
  }
  const width = Math.max(1, Math.min(14 * devicePixelRatio, (bbox.width / (kept.length + 1)) * BODY));
  const most = Math.max(...kept.map((row) => row[5]), 1);
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  kept.forEach(([, open, high, low, close, lots], place) => {
    const x = plot.valToPos(place, "x", true);
    const at = (quanta) => plot.valToPos(units.priceNumber(quanta), "y", true);
    const tint = colour(close >= open ? "up" : "down");
    ctx.fillStyle = tint;
    ctx.fillRect(Math.round(x) - 0.5 * devicePixelRatio, at(high), devicePixelRatio, Math.max(1, at(low) - at(high)));
    const top = at(Math.max(open, close));
    ctx.fillRect(Math.round(x - width / 2), top, width, Math.max(devicePixelRatio, at(Math.min(open, close)) - top));
    ctx.globalAlpha = 0.3;
    const tall = bbox.height * VOLUME_SHARE * (lots / most);
    ctx.fillRect(Math.round(x - width / 2), bbox.top + bbox.height - tall, width, tall);
    ctx.globalAlpha = 1;
  });
  ctx.restore();
}

/** What is under the pointer, in the heading. */
function describe(plot) {
  const row = shown()[plot.cursor.idx], units = state.unit;
  $("chart-title").textContent = row && plot.cursor.left >= 0
    ? `Price: opened ${units.price(row[1])}, high ${units.price(row[2])}, low ${units.price(row[3])}, closed ${units.price(row[4])}, ${units.size(row[5])} traded`
    : "Price";
}
