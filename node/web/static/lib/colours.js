// The page's colours for canvases; charts are drawn anew when the scheme changes.

/** A colour of style.css by name, as in colour("up"). */
export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** The look of an axis. */
export const axis = (more = {}) => ({
  stroke: () => colour("quiet"), font: "11px system-ui, sans-serif",
  grid: { stroke: () => colour("line"), width: 1 }, ticks: { show: false }, ...more,
});

/** Keep a chart as large as its box, and redraw it in the colours of the scheme. */
export function fit(chart, box) {
  new ResizeObserver(() => {
    const { clientWidth: width, clientHeight: height } = box;
    if (width && height && (width !== chart.width || height !== chart.height)) chart.setSize({ width, height });
  }).observe(box);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => chart.redraw(false, true));
}
