// What a trigger does to margin: nothing while it waits; when it fires, what its order does if it fills whole at the trigger's
// price, with the market's mark there and everything else as it is now.
import { usd } from "../wire/units.js";
import { SIDE } from "../wire/schemas.js";
import * as review from "./review.js";
import { state } from "./state.js";

/** Of a trigger: how many lots would fill. One that only reduces fills no more than the position has on the other side. */
function lots({ market, side, size_lots: size, reduce_only: reduces }) {
  if (!reduces) return size;
  const held = BigInt(state.account?.positions?.find(({ position }) => position.market === market)?.position.lots ?? 0);
  const most = side === SIDE.buy ? -held : held;
  return most <= 0n ? 0n : most < size ? most : size;
}

/** [name, text] pairs about triggers [{trigger, at}], or null as review.suppose says. Throws ApiError. */
export async function marginPairs(fires) {
  const filled = fires.map(({ trigger, at }) => ({ market: trigger.market, side: trigger.side, price_quanta: at, size_lots: lots(trigger) }));
  const answers = await review.suppose(filled.map((trade) => ({
    prices: [{ market: trade.market, price_quanta: trade.price_quanta }], trades: trade.size_lots ? [trade] : [],
  })));
  return answers?.flatMap((answer, place) => pairsOf(answer, filled[place])) ?? null;
}

function pairsOf({ before, after, trading_fees_quanta: fees }, { market, price_quanta: at, size_lots: size }) {
  const units = state.units.get(market), name = `If it fires at ${units.price(at)}`;
  if (!size) return [[name, "no margin: there is no position that it would reduce now, and its order would be refused"]];
  const [initial, now] = [BigInt(after.initial_quanta), BigInt(before.initial_quanta)], left = BigInt(after.usable_quanta) - initial;
  const refused = left < 0n && initial > now;
  return [
    [name, `margin ${usd(now)} → ${usd(initial)} USD; fee ${usd(fees, 4)} USD`],
    ["Then free", refused ? `${usd(left)} USD: too little, its order would be refused` : `${usd(left)} USD`],
    ["Then liquidated", review.liquidation(after.positions.find((one) => one.market === market), units)],
  ];
}
