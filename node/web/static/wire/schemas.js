// The messages of tx.proto that this page sends. Only what a person does here; the numbers are those of the .proto file.

export const ACCOUNT = { owner: [1, "bytes"], number: [2, "uint"] };

const PLACE = {
  market: [1, "uint"], side: [2, "uint"], price_quanta: [3, "uint"], size_lots: [4, "uint"], time_in_force: [5, "uint"],
  reduce_only: [6, "bool"], client_id: [7, "uint"], self_trade_prevention: [8, "uint"], expiry_time_ns: [9, "uint"],
  display_lots: [10, "uint"], oco_id: [11, "uint"], peg_reference: [12, "uint"], peg_offset_ticks: [13, "sint"],
};
const TRIGGER = {
  market: [1, "uint"], source: [2, "uint"], direction: [3, "uint"], trigger_quanta: [4, "uint"],
  trail_quanta: [5, "uint"], side: [6, "uint"], price_quanta: [7, "uint"], size_lots: [8, "uint"],
  time_in_force: [9, "uint"], reduce_only: [10, "bool"], client_id: [11, "uint"], oco_id: [12, "uint"],
  expiry_time_ns: [13, "uint"],
};

const LEG = { market: [1, "uint"], side: [2, "uint"], size_lots: [3, "uint"], price_quanta: [4, "uint"], reduce_only: [5, "bool"] };

export const ACTION = {
  place_order: [1, PLACE],
  cancel_order: [2, { order_id: [1, "uint"], client_id: [2, "uint"] }],
  replace_order: [3, {
    order_id: [1, "uint"], client_id: [2, "uint"], price_quanta: [3, "uint"], size_lots: [4, "uint"],
    time_in_force: [5, "uint"],
  }],
  cancel_all: [4, { market: [1, "uint"] }],
  transfer: [5, { to: [1, ACCOUNT], amount_quanta: [2, "uint"], asset: [3, "uint"] }],
  withdraw: [6, { amount_quanta: [1, "uint"], destination: [2, "bytes"], asset: [3, "uint"] }],
  faucet_deposit: [7, { to: [1, ACCOUNT], amount_quanta: [2, "uint"], asset: [3, "uint"] }],
  place_trigger: [25, TRIGGER],
  set_margin_mode: [50, { mode: [1, "uint"] }],
  place_combo: [51, { legs: [1, [LEG]], net_limit_quanta: [2, "sint"], client_id: [3, "uint"], self_trade_prevention: [4, "uint"] }],
  set_agent: [53, { public_key: [1, "bytes"], expiry_time_ns: [2, "uint"] }],
  cancel_trigger: [26, { trigger_id: [1, "uint"], client_id: [2, "uint"], all: [3, "bool"] }],
};

export const BODY = {
  account: [1, ACCOUNT], actions: [2, [ACTION]], gas_limit: [3, "uint"], fee_limit_quanta: [4, "uint"],
  nonce: [5, "uint"], expiry_height: [6, "uint"], expiry_time_ns: [7, "uint"], all_or_nothing: [8, "bool"],
};

export const ENVELOPE = {
  body: [1, "bytes"],
  authorization: [2, { key_type: [1, "uint"], public_key: [2, "bytes"], signature: [3, "bytes"] }],
};

export const SIDE = { buy: 1, sell: 2 };
export const TIME_IN_FORCE = { gtc: 1, ioc: 2, fok: 3, post_only: 4 };
export const SOURCE = { mark: 1, index: 2, last: 3 };
export const PEG = { none: 0, index: 1, mid: 2 };
export const MODE = { standard: 1, portfolio: 2 };
export const DIRECTION = { above: 1, below: 2 };
