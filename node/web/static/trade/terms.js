// What the ticket says, as actions of the chain, and in words.
import { $ } from "../lib/dom.js";
import { DIRECTION, PEG, SIDE, SOURCE, TIME_IN_FORCE } from "../wire/schemas.js";
import { decimal } from "../wire/units.js";
import { base } from "./markets.js";
import { state } from "./state.js";

const WORST_PERCENT = 1n; // of a market order
const MINUTE_NS = 60000000000n;
export const TRIGGERS = ["trigger", "trailing", "bracket"];
const RESTS = { // what becomes of an order that does not fill at once
  gtc: "what does not fill at once rests until it is cancelled", post_only: "it only rests, or is refused", ioc: "what does not fill at once goes", fok: "it fills whole and at once, or not at all",
};
const REDUCES = ["Only reduces", "it never opens or turns a position"];

const text = (name) => $("ticket-form").elements[name].value.trim();

/** {actions, title, pairs} as the chain takes them, or {error}. */
export function written() {
  const fields = $("ticket-form").elements, kind = fields.kind.value;
  const size = state.unit.lots(fields.size.value);
  if (size.error) return size;
  const common = { market: state.market, side: SIDE[fields.side.value], size_lots: size.value, reduce_only: fields.reduce_only.checked };
  return TRIGGERS.includes(kind) ? triggers(kind, common) : order(kind, common);
}

function order(kind, common) {
  const units = state.unit, buying = common.side === SIDE.buy, pegged = resting(kind) ? PEG[text("peg")] : 0;
  let price, time = kind;
  if (kind === "market") {
    const best = (buying ? state.book.asks : state.book.bids)[0];
    if (!best) return { error: "Nobody is on the other side of the book now: use a limit order." };
    const quanta = BigInt(best[0]);
    price = { value: units.onTick(quanta + (buying ? 1n : -1n) * quanta * WORST_PERCENT / 100n, !buying) };
    time = "ioc";
  } else {
    price = pegged && !text("price") ? { value: 0n } : units.quanta(text("price"));
  }
  if (price.error) return price;
  const placed = { ...common, price_quanta: price.value, time_in_force: TIME_IN_FORCE[pegged ? "post_only" : time] };
  const more = resting(kind) ? terms(placed, pegged) : null;
  if (more?.error) return more;
  const said = [["Then", RESTS[pegged ? "post_only" : time]], ...(placed.reduce_only ? [REDUCES] : []), ...(more?.pairs ?? [])];
  const limit = price.value ? `at ${units.price(price.value)} or better` : "at any price";
  return { actions: [{ place_order: placed }], title: `${buying ? "Buy" : "Sell"} ${units.size(size(placed))} ${base(state.summary)} ${limit}`, pairs: said };
}

const size = (placed) => placed.size_lots;
const resting = (kind) => kind === "gtc" || kind === "post_only";

/** What an order may ask for beyond price and size, put into it: {pairs} or {error}. */
function terms(placed, pegged) {
  const units = state.unit, pairs = [];
  if (text("display")) {
    const shown = units.lots(text("display"));
    if (shown.error) return { error: shown.error.replace("Size", "Show at a time") };
    placed.display_lots = shown.value;
    pairs.push(["Shown at a time", units.size(shown.value)]);
  }
  for (const [name, label] of [["minutes", "Minutes"], ["oco", "Group"]]) {
    if (text(name) && !/^[1-9]\d{0,8}$/.test(text(name))) return { error: `${label}: write a whole number above 0.` };
  }
  if (text("minutes")) {
    placed.expiry_time_ns = state.timeNs + BigInt(text("minutes")) * MINUTE_NS;
    pairs.push(["Goes after", `${text("minutes")} min`]);
  }
  if (text("oco")) {
    placed.oco_id = BigInt(text("oco"));
    pairs.push(["Group", `${text("oco")}: when it fills, what shares the number goes`]);
  }
  if (pegged) {
    if (!/^([+-]?\d{1,6})?$/.test(text("offset"))) return { error: "Offset: write whole ticks, as in -20." };
    placed.peg_reference = pegged;
    placed.peg_offset_ticks = BigInt(text("offset") || 0);
    pairs.push(["Follows", `the ${text("peg") === "mid" ? "middle of the book" : "index"}, ${placed.peg_offset_ticks} ticks from it; it only rests`]);
  }
  return { pairs };
}

/** The price that a trigger watches, now. */
const watched = (source) => (source === "last" ? BigInt(state.summary.last_price_quanta) : source === "index" ? BigInt(state.marks.get(state.market)?.index_quanta ?? state.summary.index_price_quanta) : state.mark(state.market));

function triggers(kind, common) {
  const units = state.unit, source = text("source"), now = watched(source), worse = decimal(text("worse"));
  if (!worse || worse[0] < 0n || worse[0] > 50n * 10n ** BigInt(worse[1])) return { error: "% worse: write a number from 0 to 50." };
  if (!now) return { error: "There is no such price yet: watch the mark." };
  const levels = kind === "trailing" ? [["trail", units.quanta(text("trail"))]] : ["trigger", ...(kind === "bracket" ? ["profit"] : [])].map((name) => [name, units.quanta(text(name))]);
  const wrong = levels.find(([, level]) => level.error);
  if (wrong) return { error: wrong[1].error.replace("Price", { trail: "Distance", trigger: "Trigger price", profit: "Take profit" }[wrong[0]]) };
  const buying = common.side === SIDE.buy, group = kind === "bracket" ? state.timeNs / 1000000n : 0n;
  const made = levels.map(([name, { value }]) => one(name === "trail", value));
  if (kind === "bracket" && made[0].trigger.direction === made[1].trigger.direction) return { error: `Both prices lie on one side of ${units.price(now)}: one belongs below it and one above.` };

  function one(trailing, level) {
    const above = trailing ? buying : level >= now, start = trailing ? now + (buying ? level : -level) : level;
    const limit = units.onTick(start + (buying ? 1n : -1n) * start * worse[0] / (100n * 10n ** BigInt(worse[1])), !buying);
    const trigger = { ...common, source: SOURCE[source], direction: above ? DIRECTION.above : DIRECTION.below, price_quanta: limit, time_in_force: TIME_IN_FORCE.ioc, oco_id: group,
      ...(trailing ? { trail_quanta: level } : { trigger_quanta: level }) };
    const watch = source === "last" ? "last trade" : source;
    const when = trailing ? `the ${watch} ${above ? "rises" : "falls"} by ${units.price(level)} from its best, now ${units.price(start)}` : `the ${watch} ${above ? "rises" : "falls"} to ${units.price(level)}`;
    return { trigger, when, limit, at: start };
  }

  return {
    actions: made.map(({ trigger }) => ({ place_trigger: trigger })), buying, fires: made,
    title: `${buying ? "Buy" : "Sell"} ${units.size(common.size_lots)} ${base(state.summary)} when ${made.map(({ when }) => when).join(", or ")}`,
    pairs: [
      ...(common.reduce_only ? [REDUCES] : []),
      ...made.map(({ limit }, place) => [made.length > 1 ? ["Stop fills at", "Profit is taken at"][place] : "Fills at", `${units.price(limit)} or better${levels[0][0] === "trail" ? ", which follows too" : ""}; what does not fill at once goes`]),
      ...(made.length > 1 ? [["When one fires", "the other goes"]] : []), ["Margin", "none while it waits; asked for when it fires"],
    ],
  };
}
