"""A block's result as the CommittedBlock that readers get.

The engine's process does this for every block, so the common events are written straight into the block's message:
less than half the time of making a message for each and copying it. The plain form is app/event_messages.py; a test
holds the two together.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from app.accounts.keys import id_message
from app.book.types import market_of, write_terms
from app.event_messages import event_message
from app.events import Cancelled, Filled, FundingPaid, Occurrence, Rested
from novation.v1 import events_pb2, feed_pb2, tx_pb2

if TYPE_CHECKING:
    from app.block import BlockResult

ACCOUNT_KEY_BYTES = 24


def encode_block(result: BlockResult) -> bytes:
    """The bytes of the CommittedBlock."""
    block = feed_pb2.CommittedBlock(height=result.height, time_ns=result.time_ns, app_hash=result.app_hash)
    for outcome in result.txs:
        tx = block.txs.add(hash=outcome.hash, nonce=outcome.nonce, result=outcome.result, envelope=outcome.raw)
        if len(outcome.account) == ACCOUNT_KEY_BYTES:  # an undecodable transaction has no account
            tx.account.CopyFrom(_account_id(outcome.account))
        _write_events(tx.events, outcome.occurred)
    _write_events(block.events, result.occurred)
    for domain, key, value in result.changes:
        block.changes.add(domain=domain, key=key, value=value or b"", deleted=value is None)
    if result.record is not None:
        block.votes = result.votes
        if result.record.code:
            block.votes_result.CopyFrom(result.record.result)
    return block.SerializeToString()


def _write_events(target: Any, occurred: list[Occurrence]) -> None:
    for event in occurred:
        write = _WRITERS.get(type(event))
        if write is None:
            target.add().CopyFrom(event_message(event))
        else:
            write(target.add(), event)


@lru_cache(maxsize=4096)
def _account_id(key: bytes) -> tx_pb2.AccountId:
    """Only ever copied from."""
    return id_message(key)


def _write_fill(target: events_pb2.Event, event: Filled) -> None:
    fill, maker = target.fill, event.maker
    fill.market = market_of(maker.order_id)
    fill.trade_id = event.trade_id
    fill.taker_side = event.taker_side  # type: ignore[assignment]
    fill.price_quanta = event.price_quanta or maker.price_quanta
    fill.size_lots = event.size_lots
    fill.maker.CopyFrom(_account_id(maker.account))
    fill.maker_order_id = maker.order_id
    fill.maker_client_id = maker.client_id
    fill.maker_fee_quanta = event.maker_fee_quanta
    fill.maker_open_lots = maker.open_lots
    fill.taker.CopyFrom(_account_id(event.taker))
    fill.taker_order_id = event.taker_order_id
    fill.taker_client_id = event.taker_client_id
    fill.taker_fee_quanta = event.taker_fee_quanta
    fill.taker_open_lots = event.taker_open_lots


def _write_rested(target: events_pb2.Event, event: Rested) -> None:
    rested, order = target.order_rested, event.order
    rested.market = market_of(order.order_id)
    rested.account.CopyFrom(_account_id(order.account))
    written = rested.order
    written.order_id = order.order_id
    written.side = order.side  # type: ignore[assignment]
    written.price_quanta = order.price_quanta
    written.open_lots = order.open_lots
    written.reduce_only = order.reduce_only
    written.client_id = order.client_id
    written.priority = order.priority
    if order.terms is not None:
        write_terms(written, order)


def _write_cancelled(target: events_pb2.Event, event: Cancelled) -> None:
    cancelled, order = target.order_cancelled, event.order
    cancelled.market = market_of(order.order_id)
    cancelled.account.CopyFrom(_account_id(order.account))
    cancelled.order_id = order.order_id
    cancelled.client_id = order.client_id
    cancelled.side = order.side  # type: ignore[assignment]
    cancelled.price_quanta = order.price_quanta
    cancelled.cancelled_lots = order.open_lots
    cancelled.reason = event.reason  # type: ignore[assignment]
    cancelled.was_resting = event.was_resting


def _write_funding(target: events_pb2.Event, event: FundingPaid) -> None:
    paid = target.funding_paid
    paid.account.CopyFrom(_account_id(event.account))
    paid.market = event.market
    paid.amount_quanta = event.amount_quanta


_WRITERS: dict[type, Callable[[events_pb2.Event, Any], None]] = {
    Filled: _write_fill, FundingPaid: _write_funding, Rested: _write_rested, Cancelled: _write_cancelled}
