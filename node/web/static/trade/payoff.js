// What legs make at their expiry, whatever the price then: straight between strikes, so strikes and both ends say all.
import { usd } from "../wire/units.js";

/** [name, text] pairs: most loss and most profit at expiry of `legs` [{lots, kind, right, strike_quanta, feed, expiry_ns}]
 * that cost `cost` quanta together, fees apart; nothing unless all are options of one underlying and expiry. */
export function payoff(legs, cost) {
  const [first] = legs;
  if (!legs.every((leg) => leg.kind === "option" && leg.feed === first.feed && leg.expiry_ns === first.expiry_ns)) {
    return [["At expiry", "the legs have none in common: see the risk page"]];
  }
  const worth = (leg, price) => {
    const apart = leg.right === "call" ? price - BigInt(leg.strike_quanta) : BigInt(leg.strike_quanta) - price;
    return apart > 0n ? leg.lots * apart : 0n;
  };
  const made = (price) => legs.reduce((sum, leg) => sum + worth(leg, price), -cost);
  const slope = legs.reduce((sum, leg) => sum + (leg.right === "call" ? leg.lots : 0n), 0n); // beyond the last strike
  const ends = [0n, ...legs.map((leg) => BigInt(leg.strike_quanta))].map(made);
  const least = ends.reduce((a, b) => (a < b ? a : b)), most = ends.reduce((a, b) => (a > b ? a : b));
  return [
    ["Most loss at expiry", slope < 0n ? "without bound as the price rises" : least < 0n ? `${usd(-least)} USD, and fees` : "none but fees"],
    ["Most profit at expiry", slope > 0n ? "without bound as the price rises" : most > 0n ? `${usd(most)} USD, less fees` : "none"],
  ];
}
