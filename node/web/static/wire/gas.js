// A gas limit for an envelope, as client/envelopes.py reckons it. Only gas that was used is paid.
import { encode } from "./proto.js";
import { ACTION, TIME_IN_FORCE } from "./schemas.js";

const ENVELOPE = 120000, BYTE = 20, ONE_ACTION = 2000, FILL = 20000, POSITION = 1000, CANCEL = 8000, ORDER_IN_RECORD = 120;
const KIND = {
  place_order: 15000, cancel_order: 8000, replace_order: 20000, cancel_all: 8000, transfer: 14000, withdraw: 24000,
  faucet_deposit: 14000, place_trigger: 80000, cancel_trigger: 8000, place_combo: 20000, set_margin_mode: 20000, set_agent: 14000,
};
const PEG = 20000, TRAILING = 240000, TRIGGER_IN_RECORD = 200, TRIGGERS_MAX = 50, OPEN_ORDERS_MAX = 200;
const TOGETHER = 12000, POSITIONS_TOGETHER = 20, FIRST_OPTION = 10000n;
const POSITIONS = 3, SPARE_FILLS = 10, MAKER_ORDERS = 50, SIGNATURE_BYTES = 110, OPEN_ORDERS = 100;

/** The limit for these actions, each {kind: {...}}, of an account with so many positions in portfolio margin. */
export function gasFor(actions, portfolio = 0) {
  let bytes = SIGNATURE_BYTES + 60, gas = ENVELOPE, taking = 0, cancelling = 0;
  for (const action of actions) {
    const [kind, terms] = Object.entries(action)[0];
    bytes += encode(ACTION, action).length + 4;
    gas += ONE_ACTION + KIND[kind] + TOGETHER * portfolio;
    if (kind === "place_order" || kind === "replace_order") {
      gas += ORDER_IN_RECORD * OPEN_ORDERS + POSITION * POSITIONS;
      if (kind === "place_order") {
        gas += CANCEL * (Number(Boolean(terms.expiry_time_ns)) + Number(Boolean(terms.oco_id)));
        gas += terms.peg_reference ? PEG : 0;
      }
      const market = BigInt(terms.market || 0) || BigInt(terms.order_id || 0) >> 40n;
      const takes = terms.time_in_force === TIME_IN_FORCE.post_only ? 0 : 1;
      gas += market >= FIRST_OPTION ? TOGETHER * POSITIONS_TOGETHER * (1 + takes) : 0;
      taking += takes;
    } else if (kind === "place_combo") {
      const legs = terms.legs.length;
      gas += legs * (KIND.place_order + ORDER_IN_RECORD * OPEN_ORDERS) + (legs + 2) * POSITION * (POSITIONS + legs);
      const options = terms.legs.filter(leg => BigInt(leg.market) >= FIRST_OPTION).length;
      gas += TOGETHER * POSITIONS_TOGETHER * (options + (options ? 2 : 0));
      taking += legs;
    } else if (kind === "set_margin_mode") {
      gas += 2 * TOGETHER * POSITIONS_TOGETHER;
    } else if (kind === "place_trigger") {
      gas += TRIGGER_IN_RECORD * TRIGGERS_MAX + (terms.trail_quanta ? TRAILING : 0);
    } else if (kind === "cancel_trigger") {
      gas += terms.all ? CANCEL * TRIGGERS_MAX : 0;
    } else if (kind === "cancel_all") {
      cancelling = OPEN_ORDERS_MAX;
    } else if (kind === "transfer" || kind === "withdraw") {
      gas += POSITION * POSITIONS * 2 + TOGETHER * POSITIONS_TOGETHER;
    }
  }
  const fills = taking ? SPARE_FILLS + taking : 0;
  return gas + BYTE * bytes + CANCEL * cancelling + (FILL + POSITION * POSITIONS + ORDER_IN_RECORD * MAKER_ORDERS) * fills;
}
