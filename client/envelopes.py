"""Actions, and the signed envelopes that carry them, in the chain's own integers.

    actions = [place(market=1, side="buy", price_quanta=46_000_000, size_lots=10, time_in_force="post_only")]
    body = make_body(key.account(), actions, nonce=nonces.next(), gas_price_e6=params.gas_price_e6)
    raw = sign_envelope(key, chain_id, body)
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TypeVar

from client.keys import Key, block_bytes, sign_bytes
from novation.v1 import state_pb2, tx_pb2

Chosen = TypeVar("Chosen")

ENVELOPE_BYTES_MAX = 65_536
ACTIONS_MAX = 256

SIDES = {"buy": tx_pb2.SIDE_BUY, "sell": tx_pb2.SIDE_SELL}
TIMES_IN_FORCE = {
    "gtc": tx_pb2.TIME_IN_FORCE_GOOD_TIL_CANCEL,
    "ioc": tx_pb2.TIME_IN_FORCE_IMMEDIATE_OR_CANCEL,
    "fok": tx_pb2.TIME_IN_FORCE_FILL_OR_KILL,
    "post_only": tx_pb2.TIME_IN_FORCE_POST_ONLY,
}
SOURCES = {
    "mark": tx_pb2.PRICE_SOURCE_MARK,
    "index": tx_pb2.PRICE_SOURCE_INDEX,
    "last": tx_pb2.PRICE_SOURCE_LAST,
}
DIRECTIONS = {
    "above": tx_pb2.TRIGGER_DIRECTION_AT_OR_ABOVE,
    "below": tx_pb2.TRIGGER_DIRECTION_AT_OR_BELOW,
}
PEGS = {
    "none": tx_pb2.PEG_REFERENCE_UNSPECIFIED,
    "index": tx_pb2.PEG_REFERENCE_INDEX,
    "mid": tx_pb2.PEG_REFERENCE_MID,
}
MARGIN_MODES = {"standard": tx_pb2.MARGIN_MODE_STANDARD, "portfolio": tx_pb2.MARGIN_MODE_PORTFOLIO}
SELF_TRADE_PREVENTIONS = {
    "cancel_maker": tx_pb2.SELF_TRADE_PREVENTION_CANCEL_MAKER,
    "cancel_taker": tx_pb2.SELF_TRADE_PREVENTION_CANCEL_TAKER,
    "cancel_both": tx_pb2.SELF_TRADE_PREVENTION_CANCEL_BOTH,
}

MARKET_STATUSES = {  # that the authority of a test network may set
    "active": state_pb2.MARKET_STATUS_ACTIVE,
    "reduce_only": state_pb2.MARKET_STATUS_REDUCE_ONLY,
    "halted": state_pb2.MARKET_STATUS_HALTED,
    "auction": state_pb2.MARKET_STATUS_AUCTION,
}

# What the chain charges for each kind of action; app/gas.py is the original. Only gas that was used is paid, but at
# least a quarter of the limit, and the limit takes up room in the block.
GAS_ENVELOPE = 120_000
GAS_BYTE = 20
GAS_ACTION = 2_000
GAS_BY_KIND = {"place_order": 15_000, "place_combo": 20_000, "block_trade": 130_000,
               "cancel_order": 8_000, "replace_order": 20_000, "cancel_all": 8_000,
               "transfer": 14_000, "withdraw": 24_000, "faucet_deposit": 14_000, "set_validator": 100_000,
               "set_market_status": 4_000,
               "place_trigger": 80_000, "cancel_trigger": 8_000, "set_dead_man": 20_000, "set_protection": 20_000,
               "set_referrer": 14_000, "bid_auction": 50_000, "isolate": 14_000,
               "set_margin_mode": 20_000, "set_agent": 14_000}
GAS_PEG = 20_000
GAS_TRAILING = 240_000
GAS_TRIGGER_IN_RECORD = 200
TRIGGERS_MAX = 50
GAS_FILL = 20_000
GAS_POSITION = 1_000
GAS_TOGETHER = 12_000
GAS_CANCEL = 8_000
GAS_ORDER_IN_RECORD = 120
OPEN_ORDERS_MAX = 200
OPEN_ORDERS = 100  # open orders of an account that trades a lot
POSITIONS = 3
POSITIONS_TOGETHER = 20  # of an account with options, or in portfolio margin
FIRST_OPTION = 10_000  # the number of the first market that is an option
SPARE_FILLS = 10
MAKER_ORDERS = 50  # open orders that a maker usually has at most
SIGNATURE_BYTES = 110  # what the authorisation and framing add to a body


def place(*, market: int, side: str, price_quanta: int, size_lots: int, time_in_force: str = "gtc",
          reduce_only: bool = False, client_id: int = 0, self_trade_prevention: str = "cancel_maker",
          expiry_time_ns: int = 0, display_lots: int = 0, oco_id: int = 0, peg: str = "none",
          peg_offset_ticks: int = 0) -> tx_pb2.Action:
    """Place an order. Pegged to "index" or "mid", `price_quanta` is the worst price, 0 for none.

    Raises ValueError for an unknown side, time in force, self-trade prevention or peg.
    """
    return tx_pb2.Action(place_order=tx_pb2.PlaceOrder(
        market=market, side=_choice("side", side, SIDES), price_quanta=price_quanta, size_lots=size_lots,
        time_in_force=_choice("time_in_force", time_in_force, TIMES_IN_FORCE), reduce_only=reduce_only,
        client_id=client_id,
        self_trade_prevention=_choice("self_trade_prevention", self_trade_prevention, SELF_TRADE_PREVENTIONS),
        expiry_time_ns=expiry_time_ns, display_lots=display_lots, oco_id=oco_id,
        peg_reference=_choice("peg", peg, PEGS), peg_offset_ticks=peg_offset_ticks))


def combo_leg(*, market: int, side: str, size_lots: int, price_quanta: int,
              reduce_only: bool = False) -> tx_pb2.ComboLeg:
    """A leg of a combo; the price is the worst it may fill at. Raises ValueError for an unknown side."""
    return tx_pb2.ComboLeg(market=market, side=_choice("side", side, SIDES), size_lots=size_lots,
                           price_quanta=price_quanta, reduce_only=reduce_only)


def place_combo(legs: Sequence[tx_pb2.ComboLeg], *, net_limit_quanta: int | None = None, client_id: int = 0,
                self_trade_prevention: str = "cancel_maker") -> tx_pb2.Action:
    """Two to eight orders in as many markets that all fill in full at once, or nothing happens. Without a net limit
    only the legs' own prices limit what they cost together.
    """
    if net_limit_quanta is None:
        net_limit_quanta = sum(leg.price_quanta * leg.size_lots * (1 if leg.side == tx_pb2.SIDE_BUY else -1)
                               for leg in legs)
    return tx_pb2.Action(place_combo=tx_pb2.PlaceCombo(
        legs=legs, net_limit_quanta=net_limit_quanta, client_id=client_id,
        self_trade_prevention=_choice("self_trade_prevention", self_trade_prevention, SELF_TRADE_PREVENTIONS)))


def block_leg(*, market: int, side: str, size_lots: int, price_quanta: int) -> tx_pb2.BlockLeg:
    """A leg of a block trade; the side is the sender's. Raises ValueError for an unknown side."""
    return tx_pb2.BlockLeg(market=market, side=_choice("side", side, SIDES), size_lots=size_lots,
                           price_quanta=price_quanta)


def block_trade(terms: tx_pb2.BlockTerms, key: Key, chain_id: str) -> tx_pb2.BlockTrade:
    """Terms with the consent of their counterparty, whose key this is: for the sender to send."""
    return tx_pb2.BlockTrade(terms=terms, consent=tx_pb2.Authorization(
        key_type=tx_pb2.KEY_TYPE_ED25519, public_key=key.public_key,
        signature=key.sign(block_bytes(chain_id, terms))))


def send_block(block: tx_pb2.BlockTrade) -> tx_pb2.Action:
    """Settle a block trade that the counterparty has signed."""
    return tx_pb2.Action(block_trade=block)


def cancel(*, order_id: int = 0, client_id: int = 0) -> tx_pb2.Action:
    """Cancel an open order by exactly one of its ids."""
    _one_id(order_id, client_id)
    return tx_pb2.Action(cancel_order=tx_pb2.CancelOrder(order_id=order_id, client_id=client_id))


def replace(*, price_quanta: int, size_lots: int, order_id: int = 0, client_id: int = 0,
            time_in_force: str = "gtc") -> tx_pb2.Action:
    """Change an open order's price and open size; it keeps its rank only if just the size shrinks."""
    _one_id(order_id, client_id)
    return tx_pb2.Action(replace_order=tx_pb2.ReplaceOrder(
        order_id=order_id, client_id=client_id, price_quanta=price_quanta, size_lots=size_lots,
        time_in_force=_choice("time_in_force", time_in_force, TIMES_IN_FORCE)))


def set_dead_man(time_ns: int) -> tx_pb2.Action:
    """Unless set again, cancel everything but reducing triggers once block time passes `time_ns`; 0 turns it off."""
    return tx_pb2.Action(set_dead_man=tx_pb2.SetDeadMan(time_ns=time_ns))


def set_protection(market: int, *, limit_lots: int, window_ns: int = 0, freeze_ns: int = 0) -> tx_pb2.Action:
    """Market-maker protection: `limit_lots` filled as maker within about `window_ns` freeze the account's quotes for
    `freeze_ns` (0: until set anew); `limit_lots` 0 turns it off.
    """
    return tx_pb2.Action(set_protection=tx_pb2.SetProtection(
        market=market, limit_lots=limit_lots, window_ns=window_ns, freeze_ns=freeze_ns))


def place_trigger(*, market: int, direction: str, side: str, price_quanta: int, size_lots: int,
                  trigger_quanta: int = 0, trail_quanta: int = 0, source: str = "mark", time_in_force: str = "ioc",
                  reduce_only: bool = False, client_id: int = 0, oco_id: int = 0,
                  expiry_time_ns: int = 0) -> tx_pb2.Action:
    """An order that waits until `source` stands at or "above", at or "below" a level: fixed, or trailing the price.

    Raises ValueError for unknown words, and unless exactly one of `trigger_quanta` and `trail_quanta` is given.
    """
    if bool(trigger_quanta) == bool(trail_quanta):
        raise ValueError("give exactly one of trigger_quanta and trail_quanta")
    return tx_pb2.Action(place_trigger=tx_pb2.PlaceTrigger(
        market=market, source=_choice("source", source, SOURCES),
        direction=_choice("direction", direction, DIRECTIONS), trigger_quanta=trigger_quanta, trail_quanta=trail_quanta,
        side=_choice("side", side, SIDES), price_quanta=price_quanta, size_lots=size_lots,
        time_in_force=_choice("time_in_force", time_in_force, TIMES_IN_FORCE), reduce_only=reduce_only,
        client_id=client_id, oco_id=oco_id, expiry_time_ns=expiry_time_ns))


def cancel_trigger(*, trigger_id: int = 0, client_id: int = 0) -> tx_pb2.Action:
    """Cancel a trigger by one of its ids; without any, all of the account."""
    if trigger_id or client_id:
        _one_id(trigger_id, client_id)
    return tx_pb2.Action(cancel_trigger=tx_pb2.CancelTrigger(
        trigger_id=trigger_id, client_id=client_id, all=not (trigger_id or client_id)))


def cancel_all(market: int = 0) -> tx_pb2.Action:
    """Cancel every open order, of one market or (0) of all."""
    return tx_pb2.Action(cancel_all=tx_pb2.CancelAll(market=market))


def transfer(to: tx_pb2.AccountId, amount_quanta: int, asset: int = 0) -> tx_pb2.Action:
    """Move collateral to another account. With `asset`, the amount is in that asset's units."""
    return tx_pb2.Action(transfer=tx_pb2.Transfer(to=to, amount_quanta=amount_quanta, asset=asset))


def withdraw(amount_quanta: int, destination: bytes, asset: int = 0) -> tx_pb2.Action:
    """Take collateral off the chain."""
    return tx_pb2.Action(withdraw=tx_pb2.Withdraw(amount_quanta=amount_quanta, destination=destination, asset=asset))


def bid_auction(account: tx_pb2.AccountId, *, most_fraction_ppm: int = 1_000_000, least_discount_ppm: int = 0,
                expected_bids: int = 0) -> tx_pb2.Action:
    """Take a fraction of an account in auction at the marks, for a discount out of its equity."""
    return tx_pb2.Action(bid_auction=tx_pb2.BidAuction(
        account=account, most_fraction_ppm=most_fraction_ppm, least_discount_ppm=least_discount_ppm,
        expected_bids=expected_bids))


def faucet(to: tx_pb2.AccountId, amount_quanta: int, asset: int = 0) -> tx_pb2.Action:
    """Mint collateral, on test networks."""
    return tx_pb2.Action(faucet_deposit=tx_pb2.FaucetDeposit(to=to, amount_quanta=amount_quanta, asset=asset))


def isolate(market: int, to_number: int, lots: int = 0, cash_quanta: int = 0) -> tx_pb2.Action:
    """Move lots (0: all) of a position, what they cost, and cash to another account of the same owner."""
    return tx_pb2.Action(
        isolate=tx_pb2.Isolate(market=market, to_number=to_number, lots=lots, cash_quanta=cash_quanta))


def set_validator(public_key: bytes, power: int) -> tx_pb2.Action:
    """Give an Ed25519 key a voting power; only a test network's authority may. REMOVE with staking."""
    return tx_pb2.Action(set_validator=tx_pb2.SetValidator(public_key=public_key, power=power))


def set_market_status(market: int, status: str) -> tx_pb2.Action:
    """Move a market; only a test network's authority may. REMOVE with governance. Raises ValueError for other words."""
    return tx_pb2.Action(set_market_status=tx_pb2.SetMarketStatus(
        market=market, status=_choice("status", status, MARKET_STATUSES)))


def set_referrer(owner: bytes) -> tx_pb2.Action:
    """Name the owner who gets a share of the taker fees; once and for ever."""
    return tx_pb2.Action(set_referrer=tx_pb2.SetReferrer(referrer=owner))


def set_margin_mode(mode: str) -> tx_pb2.Action:
    """Choose "standard" or "portfolio" margin. Raises ValueError for any other."""
    return tx_pb2.Action(set_margin_mode=tx_pb2.SetMarginMode(mode=_choice("mode", mode, MARGIN_MODES)))


def gas_for(actions: Sequence[tx_pb2.Action], *, fills: int | None = None, open_orders: int = OPEN_ORDERS) -> int:
    """A gas limit for these actions of an account with `open_orders` open orders.

    An account in portfolio margin needs GAS_TOGETHER more for each position whenever its margin is asked.
    `fills` is how many fills all of them may make together: 10 and one for each order that can trade, unless told. An
    order that sweeps more of the book needs more; without it the chain answers TX_OUT_OF_GAS for that order.
    """
    size_bytes = SIGNATURE_BYTES + sum(action.ByteSize() + 4 for action in actions) + 60
    gas = GAS_ENVELOPE + GAS_BYTE * size_bytes
    taking = cancelling = 0
    for action in actions:
        kind = action.WhichOneof("kind") or ""
        gas += GAS_ACTION + GAS_BY_KIND.get(kind, 0)
        if kind in ("place_order", "replace_order"):
            gas += GAS_ORDER_IN_RECORD * open_orders + GAS_POSITION * POSITIONS
            if kind == "place_order":
                order = action.place_order
                gas += GAS_CANCEL * (bool(order.expiry_time_ns) + bool(order.oco_id)) + GAS_PEG * bool(
                    order.peg_reference)
            market = action.place_order.market or action.replace_order.order_id >> 40
            takes = getattr(action, kind).time_in_force != tx_pb2.TIME_IN_FORCE_POST_ONLY
            gas += GAS_TOGETHER * POSITIONS_TOGETHER * (1 + takes) * (market >= FIRST_OPTION)  # and a maker's
            taking += takes
        elif kind == "place_combo":
            legs = len(action.place_combo.legs)
            gas += legs * (GAS_BY_KIND["place_order"] + GAS_ORDER_IN_RECORD * open_orders)
            gas += (legs + 2) * GAS_POSITION * (POSITIONS + legs)
            options = sum(leg.market >= FIRST_OPTION for leg in action.place_combo.legs)
            gas += GAS_TOGETHER * POSITIONS_TOGETHER * (options + 2 * bool(options))  # makers', and its own twice
            taking += legs
        elif kind == "block_trade":
            legs = len(action.block_trade.terms.legs)
            options = any(leg.market >= FIRST_OPTION for leg in action.block_trade.terms.legs)
            gas += 4 * GAS_TOGETHER * POSITIONS_TOGETHER * options  # of both accounts, before and after
            gas += legs * (2 * GAS_FILL + 4 * GAS_POSITION) + 4 * GAS_POSITION * POSITIONS
        elif kind == "place_trigger":
            gas += GAS_TRIGGER_IN_RECORD * TRIGGERS_MAX + GAS_TRAILING * bool(action.place_trigger.trail_quanta)
        elif kind == "bid_auction":
            gas += 2 * (GAS_FILL + GAS_TOGETHER) * POSITIONS_TOGETHER
        elif kind == "cancel_trigger":
            gas += GAS_CANCEL * TRIGGERS_MAX * action.cancel_trigger.all
        elif kind == "cancel_all":
            cancelling = OPEN_ORDERS_MAX
        elif kind == "set_margin_mode":
            gas += 2 * GAS_TOGETHER * POSITIONS_TOGETHER
        elif kind in ("transfer", "withdraw", "isolate"):  # positions and assets, of both accounts before and after
            times = 4 if kind == "isolate" else 2
            gas += GAS_POSITION * POSITIONS * times + GAS_TOGETHER * POSITIONS_TOGETHER * (times // 2)
    if fills is None:
        fills = SPARE_FILLS + taking if taking else 0
    gas += GAS_CANCEL * cancelling  # an account cannot have more, however many actions cancel them
    return gas + (GAS_FILL + GAS_POSITION * POSITIONS + GAS_ORDER_IN_RECORD * MAKER_ORDERS) * fills


def set_agent(public_key: bytes, expiry_time_ns: int) -> tx_pb2.Action:
    """Let another key trade for the account until then; 0: not any more."""
    return tx_pb2.Action(set_agent=tx_pb2.SetAgent(public_key=public_key, expiry_time_ns=expiry_time_ns))


def make_body(account: tx_pb2.AccountId, actions: Sequence[tx_pb2.Action], *, nonce: int, gas_price_e6: int,
              gas_limit: int = 0, expiry_height: int = 0, expiry_time_ns: int = 0,
              all_or_nothing: bool = False) -> tx_pb2.Body:
    """A body whose fee limit covers its gas limit (0: `gas_for` the actions) at the gas price."""
    if not 1 <= len(actions) <= ACTIONS_MAX:
        raise ValueError(f"an envelope carries 1 to {ACTIONS_MAX} actions, not {len(actions)}")
    gas_limit = gas_limit or gas_for(actions)
    fee_limit_quanta = -(-gas_limit * gas_price_e6 // 1_000_000)
    return tx_pb2.Body(
        account=account, actions=actions, gas_limit=gas_limit, fee_limit_quanta=fee_limit_quanta, nonce=nonce,
        expiry_height=expiry_height, expiry_time_ns=expiry_time_ns, all_or_nothing=all_or_nothing)


def sign_envelope(key: Key, chain_id: str, body: tx_pb2.Body) -> bytes:
    """The envelope, signed, in its one canonical encoding. Raises ValueError when it is too large."""
    encoded = body.SerializeToString(deterministic=True)
    authorization = tx_pb2.Authorization(
        key_type=tx_pb2.KEY_TYPE_ED25519, public_key=key.public_key, signature=key.sign(sign_bytes(chain_id, encoded)))
    raw = tx_pb2.Envelope(body=encoded, authorization=authorization).SerializeToString(deterministic=True)
    if len(raw) > ENVELOPE_BYTES_MAX:
        raise ValueError(f"the envelope has {len(raw)} bytes, more than {ENVELOPE_BYTES_MAX}: send fewer actions")
    return raw


def envelope_hash(raw: bytes) -> bytes:
    """The hash by which the chain knows an envelope."""
    return hashlib.sha256(raw).digest()


def _choice(name: str, value: str, known: Mapping[str, Chosen]) -> Chosen:
    if value not in known:
        raise ValueError(f"{name}: {value!r} is not one of {', '.join(known)}")
    return known[value]


def _one_id(order_id: int, client_id: int) -> None:
    if bool(order_id) == bool(client_id):
        raise ValueError("give exactly one of order_id and client_id")
