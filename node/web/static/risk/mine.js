// The account in use: equity over prices as a line, and over prices and volatilities as a table with tinted cells.
import { $, empty, h, setRows, setText } from "../lib/dom.js";
import { post } from "../lib/api.js";
import { axis, colour, fit } from "../lib/colours.js";
import { percent } from "../lib/format.js";
import { problemText } from "../lib/problems.js";
import { account } from "../lib/session.js";
import { usd } from "../wire/units.js";

const LINE = Array.from({ length: 61 }, (_, place) => -300000 + 10000 * place);
const PRICES = [-300000, -200000, -150000, -100000, -50000, 0, 50000, 100000, 150000, 200000, 300000];
const VOLATILITIES = [-500000, -250000, 0, 250000, 500000];

let chart = null;
let moving = new Set();

/** The choice of underlyings (symbol by feed) and the chart, once; `surfaces`: feeds whose volatility is known. */
export function setUp(feeds, surfaces) {
  moving = surfaces;
  $("underlying").replaceChildren(...[...feeds].filter(([feed]) => feed).map(([feed, symbol]) => h("option", { value: String(feed) }, symbol)));
  $("underlying").addEventListener("change", draw);
  const box = $("payoff");
  const series = (name, dash) => ({ stroke: () => colour(name), width: 2, dash, points: { show: false } });
  chart = new window.uPlot({
    width: box.clientWidth, height: box.clientHeight, legend: { show: false }, cursor: { drag: { x: false, y: false } },
    scales: { x: { time: false } },
    axes: [axis({ size: 28, space: 70, values: (_, moves) => moves.map((move) => percent(move, 0)) }), axis({ size: 90, values: (_, all) => all.map((one) => one.toLocaleString("en-US", { maximumFractionDigits: 0 })) })],
    series: [{}, series("accent"), series("warn", [6, 4])],
  }, [LINE, LINE.map(() => null), LINE.map(() => null)], box);
  fit(chart, box);
}

/** Ask for the account as it would be, and show it. */
export async function draw() {
  const who = account(), feed = Number($("underlying").value);
  if (!who || !feed) {
    say("Choose a key at the top right to see its account here.");
    return;
  }
  try {
    const ask = (prices, volatilities) => post("risk", { account: who, grid: { feed, prices_ppm: prices, volatilities_ppm: volatilities } });
    const now = await post("risk", { account: who });
    if (!now.before.positions.length) {
      say("This account holds no positions.");
      return;
    }
    const line = await ask(LINE, [0]);
    const grid = await ask(PRICES, moving.has(feed) ? VOLATILITIES : [0]);
    show(now.before, line.scenarios, grid.scenarios);
  } catch (problem) {
    say(problemText(problem));
  }
}

function say(text) {
  setText($("mine-said"), text);
  chart.setData([LINE, LINE.map(() => null), LINE.map(() => null)]);
  $("heat-head").replaceChildren();
  setRows($("heat"), [empty(1, "Nothing to show.")]);
}

const dollars = (quanta) => Number(quanta) / 1e6;

function show(now, line, grid) {
  setText($("mine-said"), `Equity ${usd(now.equity_quanta)} USD, maintenance margin ${usd(now.maintenance_quanta)} USD. Liquidation begins when equity falls below maintenance margin.`);
  const today = line.rows[0].cells.map((cell) => dollars(cell.equity_quanta));
  const expired = line.expiry_equity_quanta.map(dollars);
  chart.setData([LINE, today, expired.length ? expired : LINE.map(() => null)]);
  $("payoff").setAttribute("aria-label", `Equity from ${Math.round(today[0])} USD at −30 % to ${Math.round(today.at(-1))} USD at +30 % of the price`);
  $("heat-head").replaceChildren(h("tr", {}, h("th", { scope: "col" }, "Volatility"), PRICES.map((move) => h("th", { scope: "col" }, percent(move, 0)))));
  const equity = BigInt(now.equity_quanta);
  const changes = grid.rows.map((row) => row.cells.map((cell) => BigInt(cell.equity_quanta) - equity));
  const most = Math.max(1, ...changes.flat().map((change) => Math.abs(dollars(change))));
  setRows($("heat"), grid.rows.map((row, at) => h("tr", {}, h("th", { scope: "row" }, percent(row.volatility_ppm, 0)), row.cells.map((cell, place) => {
    const change = dollars(changes[at][place]), short = BigInt(cell.excess_quanta) < 0n;
    const made = h("td", { class: [PRICES[place] === 0 && row.volatility_ppm === 0 ? "now" : "", short ? "bad" : ""].join(" ").trim() || null, title: short ? "below maintenance margin" : null },
      `${change > 0 ? "+" : ""}${usd(changes[at][place], 0)}${short ? " !" : ""}`);
    made.style.background = `color-mix(in srgb, ${colour(change < 0 ? "down" : "up")} ${Math.round((Math.abs(change) / most) * 45)}%, transparent)`;
    return made;
  }))));
}
