// What went wrong, in words: REASON, what it means, what it is about, and what to do next.
import { ApiError } from "./api.js";
import { day } from "./format.js";
import { session } from "./session.js";
import { usd } from "../wire/units.js";

const NEXT = {
  ACCOUNT_NOT_FOUND: "Fund it first: on a test network, “Get test money” in the key window.",
  BREAKER_WITHDRAWALS: "Take out less now, or wait.",
  COLLATERAL_INSUFFICIENT: "Move less, or close positions first.",
  COLLATERAL_NEW_ACCOUNT: "Move more: a new account begins with at least that.",
  COLLATERAL_SAME_ACCOUNT: "Choose another account number.",
  MARGIN_INSUFFICIENT: "Order less, or add collateral.",
  TX_CANNOT_PAY_FEE: "Add collateral.",
  ORDER_WOULD_CROSS: "Move the price away from the other side, or choose another kind.",
  ORDER_NOT_FILLABLE: "Order less, or at a worse price.",
  ORDER_REDUCES_NOTHING: "Untick “Only reduce a position”.",
  BREAKER_ORDER_BAND: "Choose a price nearer to the mark.",
  MARKET_NOT_TRADING: "Wait until the market trades again.",
  TX_AGENT_ACTION: "An agent may only trade: the owner's key must sign this.",
  TX_BAD_SIGNATURE: "Reload the page: it may have been made for another chain.",
  TX_OUT_OF_GAS: "Order less at once: this order would meet too many others.",
  ORDER_SELF_TRADE: "Cancel your own order on the other side first.",
};

const YEAR_NS = 31536000000000000n;

/** What the chain refused, thrown. */
export class ResultError extends Error {
  constructor(result) {
    super(result.reason);
    this.result = result;
  }
}

/** {reason, text, next} of a result with a code, or of an error. */
export function problemOf(found) {
  if (found instanceof ApiError) return { reason: found.reason, text: found.message, next: found.next };
  if (found instanceof ResultError) return problemOf(found.result);
  if (found instanceof RangeError) return { reason: "WRITTEN", text: found.message, next: "Correct it and try again." };
  if (found instanceof Error) return { reason: "PAGE", text: found.message, next: "Reload the page." };
  const details = (found.metadata || []).map(({ key, value }) => detail(key, value)).join(", ");
  const meaning = session.meanings[found.reason] || "the chain refused it";
  return { reason: found.reason, text: details ? `${meaning} (${details})` : meaning, next: NEXT[found.reason] || "Change the order and review it again." };
}

const AMOUNTS = ["amount", "equity", "fee_limit", "fee", "free", "held", "initial", "insured", "limit", "maintenance", "net", "notional", "room", "shortfall", "usable", "value", "worth"];

/** What a result says about itself in people's units: amounts in USD, times as such. Prices and sizes are a market's, and stay. */
function detail(key, value) {
  const name = key.replace(/_(quanta|ns)$/, ""), label = name.replaceAll("_", " ");
  if (key.endsWith("_quanta") && AMOUNTS.includes(name)) return `${label} ${usd(value)} USD`;
  if (key.endsWith("_ns") && BigInt(value) > YEAR_NS) return `${label} ${day(value)}`;
  return `${label} ${value}`;
}

/** One line of it. */
export function problemText(found) {
  const { reason, text, next } = problemOf(found);
  return `${reason}: ${text}. ${next}`.replace("..", ".");
}
