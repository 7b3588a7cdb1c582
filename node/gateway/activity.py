"""From the events of a block to what people follow: trades, the updates of an order, the fills of an account."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from novation.v1 import account_service_pb2 as account_service
from novation.v1 import events_pb2, feed_pb2, tx_pb2
from novation.v1 import market_data_service_pb2 as market_data

ACCOUNT_KEY_BYTES = 24
TRIGGER_EVENTS = ("trigger_placed", "trigger_moved", "trigger_cancelled", "trigger_fired")


@dataclass(slots=True)
class Activity:
    """What one block did, by account key, in the order it happened."""

    orders: dict[bytes, list[account_service.OrderUpdate]] = field(default_factory=lambda: defaultdict(list))
    triggers: dict[bytes, list[events_pb2.Event]] = field(default_factory=lambda: defaultdict(list))
    fills: dict[bytes, list[account_service.AccountFill]] = field(default_factory=lambda: defaultdict(list))


def account_key(account: tx_pb2.AccountId) -> bytes:
    """The key of an account's records: owner and number, 24 bytes."""
    return account.owner + account.number.to_bytes(4, "big")


def trades_of(block: feed_pb2.CommittedBlock) -> list[market_data.Trade]:
    """All trades of a block, in order."""
    trades = []
    for _, events in _sources(block):
        for event in events:
            if event.HasField("fill"):
                fill = event.fill
                side, lots = fill.taker_side, fill.size_lots
            elif event.HasField("block_traded"):
                fill = event.block_traded
                side, lots = _block_side(fill), abs(fill.lots)
            else:
                continue
            trades.append(market_data.Trade(
                market=fill.market, trade_id=fill.trade_id, taker_side=side, price_quanta=fill.price_quanta,
                size_lots=lots, height=block.height, time_ns=block.time_ns, block=event.HasField("block_traded")))
    return trades


def derive_activity(block: feed_pb2.CommittedBlock) -> Activity:
    """The order updates and fills of every account in a block."""
    activity = Activity()
    for tx_hash, events in _sources(block):
        takers: dict[int, account_service.OrderUpdate] = {}  # orders that took and whose end is not known yet
        for event in events:
            kind = event.WhichOneof("kind")
            if kind == "block_traded":
                _note_block(activity, event.block_traded, tx_hash)
            elif kind == "fill":
                _note_fill(activity, takers, event.fill, tx_hash)
            elif kind == "order_rested":
                update = _rested(event.order_rested, tx_hash)
                takers.pop(update.order_id, None)
                activity.orders[account_key(event.order_rested.account)].append(update)
            elif kind == "order_cancelled":
                update = _cancelled(event.order_cancelled, tx_hash)
                takers.pop(update.order_id, None)
                activity.orders[account_key(event.order_cancelled.account)].append(update)
            elif kind == "order_moved":
                activity.orders[account_key(event.order_moved.account)].append(_rested(event.order_moved, tx_hash))
            elif kind in TRIGGER_EVENTS:
                activity.triggers[account_key(getattr(event, kind).account)].append(event)
            elif kind == "order_reduced":
                activity.orders[account_key(event.order_reduced.account)].append(_reduced(event.order_reduced, tx_hash))
        for update in takers.values():  # neither rested nor cancelled: nothing was left of them
            update.status = account_service.ORDER_STATUS_FILLED
    return activity


def _sources(block: feed_pb2.CommittedBlock) -> Iterator[tuple[bytes, Iterable[events_pb2.Event]]]:
    for tx in block.txs:
        yield tx.hash, tx.events
    yield b"", block.events


def _note_fill(activity: Activity, takers: dict[int, account_service.OrderUpdate], fill: events_pb2.Fill,
               tx_hash: bytes) -> None:
    maker_side = tx_pb2.SIDE_SELL if fill.taker_side == tx_pb2.SIDE_BUY else tx_pb2.SIDE_BUY
    maker, taker = account_key(fill.maker), account_key(fill.taker)
    common: dict[str, Any] = {"market": fill.market, "price_quanta": fill.price_quanta, "tx_hash": tx_hash}
    activity.orders[maker].append(account_service.OrderUpdate(
        **common, order_id=fill.maker_order_id, client_id=fill.maker_client_id, side=maker_side,
        open_lots=fill.maker_open_lots, filled_lots=fill.size_lots,
        status=account_service.ORDER_STATUS_OPEN if fill.maker_open_lots else account_service.ORDER_STATUS_FILLED))
    took = account_service.OrderUpdate(
        **common, order_id=fill.taker_order_id, client_id=fill.taker_client_id, side=fill.taker_side,
        open_lots=fill.taker_open_lots, filled_lots=fill.size_lots, status=account_service.ORDER_STATUS_OPEN)
    activity.orders[taker].append(took)
    if fill.taker_open_lots:  # it rests, as it did before
        takers.pop(fill.taker_order_id, None)
    else:
        takers[fill.taker_order_id] = took
    common |= {"trade_id": fill.trade_id, "size_lots": fill.size_lots}
    activity.fills[maker].append(account_service.AccountFill(
        **common, order_id=fill.maker_order_id, client_id=fill.maker_client_id, side=maker_side,
        fee_quanta=fill.maker_fee_quanta))
    activity.fills[taker].append(account_service.AccountFill(
        **common, order_id=fill.taker_order_id, client_id=fill.taker_client_id, side=fill.taker_side,
        is_taker=True, fee_quanta=fill.taker_fee_quanta))


def _block_side(traded: events_pb2.BlockTraded) -> tx_pb2.Side:
    return tx_pb2.SIDE_BUY if traded.lots > 0 else tx_pb2.SIDE_SELL


def _note_block(activity: Activity, traded: events_pb2.BlockTraded, tx_hash: bytes) -> None:
    side = _block_side(traded)
    other = tx_pb2.SIDE_SELL if side == tx_pb2.SIDE_BUY else tx_pb2.SIDE_BUY
    common: dict[str, Any] = {"market": traded.market, "price_quanta": traded.price_quanta, "tx_hash": tx_hash,
                              "trade_id": traded.trade_id, "size_lots": abs(traded.lots), "block": True}
    activity.fills[account_key(traded.sender)].append(account_service.AccountFill(
        **common, side=side, is_taker=True, fee_quanta=traded.sender_fee_quanta))
    activity.fills[account_key(traded.counterparty)].append(account_service.AccountFill(
        **common, side=other, fee_quanta=traded.counterparty_fee_quanta))


def _rested(event: events_pb2.OrderRested | events_pb2.OrderMoved, tx_hash: bytes) -> account_service.OrderUpdate:
    order = event.order
    return account_service.OrderUpdate(
        market=event.market, order_id=order.order_id, client_id=order.client_id, side=order.side,
        price_quanta=order.price_quanta, open_lots=order.open_lots, tx_hash=tx_hash,
        status=account_service.ORDER_STATUS_OPEN)


def _cancelled(event: events_pb2.OrderCancelled, tx_hash: bytes) -> account_service.OrderUpdate:
    return account_service.OrderUpdate(
        market=event.market, order_id=event.order_id, client_id=event.client_id, side=event.side,
        price_quanta=event.price_quanta, cancelled_lots=event.cancelled_lots, cancel_reason=event.reason,
        tx_hash=tx_hash, status=account_service.ORDER_STATUS_CANCELLED)


def _reduced(event: events_pb2.OrderReduced, tx_hash: bytes) -> account_service.OrderUpdate:
    return account_service.OrderUpdate(
        market=event.market, order_id=event.order_id, client_id=event.client_id, side=event.side,
        price_quanta=event.price_quanta, open_lots=event.open_lots, cancelled_lots=event.removed_lots,
        tx_hash=tx_hash, status=account_service.ORDER_STATUS_OPEN)
