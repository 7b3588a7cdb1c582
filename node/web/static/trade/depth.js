// How much lies within which price: the book, summed from its middle outwards.
import { $ } from "../lib/dom.js";
import { axis, colour, fit } from "../lib/colours.js";
import { state } from "./state.js";

let chart = null;

export function setUp() {
  const box = $("depth");
  const stepped = (align) => window.uPlot.paths.stepped({ align });
  const side = (name, align) => ({
    stroke: () => colour(name), fill: () => `${colour(name)}33`, width: 2, paths: stepped(align), points: { show: false },
  });
  chart = new window.uPlot({
    width: box.clientWidth, height: box.clientHeight, legend: { show: false },
    cursor: { drag: { x: false, y: false } },
    scales: { x: { time: false }, y: { range: (_, low, high) => [0, (high || 1) * 1.1] } },
    axes: [axis({ space: 80, size: 28, values: (_, prices) => prices.map((price) => price.toLocaleString("en-US", { maximumFractionDigits: 2 })) }), axis({ side: 1, size: 48 })],
    series: [{}, side("up", -1), side("down", 1)],
  }, [[], [], []], box);
  fit(chart, box);
}

export function reset() {
  draw();
}

/** Draw the book in view. */
export function draw() {
  if (!chart) return;
  const { bids, asks } = state.book, units = state.unit;
  const summed = (levels) => {
    let total = 0;
    return levels.map(([price, lots]) => [units.priceNumber(price), total += units.sizeNumber(lots)]);
  };
  const [below, above] = [summed(bids).reverse(), summed(asks)];
  chart.setData([
    [...below, ...above].map(([price]) => price),
    [...below.map(([, size]) => size), ...above.map(() => null)],
    [...below.map(() => null), ...above.map(([, size]) => size)],
  ]);
  const total = (rows) => (rows.length ? rows.at(-1)[1].toFixed(3) : "0");
  $("depth").setAttribute("aria-label", `Depth: ${total([...below].reverse())} to buy, ${total(above)} to sell within view`);
}
