"""From the events of a block to every change of an account's cash, with its reason."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from app.kernel.codec import account_key
from novation.v1 import account_service_pb2 as account_service
from novation.v1 import events_pb2, feed_pb2, tx_pb2

Changes = dict[bytes, list[account_service.CashChange]]
Note = Callable[..., None]
"""Note(account, reason, amount, market, other): one change, left out when it is nothing."""


def cash_changes(block: feed_pb2.CommittedBlock) -> Changes:
    """All changes of cash in a block by account key, in the order of the events; gas comes after its transaction."""
    changes: Changes = defaultdict(list)
    tx_hash = b""

    def note(account: tx_pb2.AccountId, reason: int, amount_quanta: int, market: int = 0,
             other: tx_pb2.AccountId | None = None) -> None:
        if amount_quanta:
            changes[account_key(account.owner, account.number)].append(account_service.CashChange(
                reason=reason, amount_quanta=amount_quanta, market=market,  # type: ignore[arg-type]
                other=other, tx_hash=tx_hash))

    for tx in block.txs:
        tx_hash = tx.hash
        _note_events(tx.events, note)
        note(tx.account, account_service.CASH_REASON_GAS, -tx.result.fee_quanta)
    tx_hash = b""
    _note_events(block.events, note)
    return changes


def _note_events(events: Any, note: Note) -> None:
    for event in events:
        kind = event.WhichOneof("kind")
        reader = READERS.get(kind)
        if reader is not None:
            reader(getattr(event, kind), note)


def _fill(fill: events_pb2.Fill, note: Note) -> None:
    value = fill.price_quanta * fill.size_lots
    taken = -value if fill.taker_side == tx_pb2.SIDE_BUY else value
    for account, amount, fee in ((fill.maker, -taken, fill.maker_fee_quanta),
                                 (fill.taker, taken, fill.taker_fee_quanta)):
        note(account, account_service.CASH_REASON_TRADE, amount, fill.market)
        note(account, account_service.CASH_REASON_TRADING_FEE, -fee, fill.market)


def _block_traded(event: events_pb2.BlockTraded, note: Note) -> None:
    value = event.lots * event.price_quanta
    for account, other, amount, fee in (
            (event.sender, event.counterparty, -value, event.sender_fee_quanta),
            (event.counterparty, event.sender, value, event.counterparty_fee_quanta)):
        note(account, account_service.CASH_REASON_TRADE, amount, event.market, other)
        note(account, account_service.CASH_REASON_TRADING_FEE, -fee, event.market)


def _funding(event: events_pb2.FundingPaid, note: Note) -> None:
    note(event.account, account_service.CASH_REASON_FUNDING, -event.amount_quanta, event.market)


def _deposited(event: events_pb2.Deposited, note: Note) -> None:
    if not event.asset:
        note(event.account, account_service.CASH_REASON_DEPOSIT, event.amount_quanta)


def _withdrawn(event: events_pb2.Withdrawn, note: Note) -> None:
    if not event.asset:
        note(event.account, account_service.CASH_REASON_WITHDRAWAL, -event.amount_quanta)


def _transferred(event: events_pb2.Transferred, note: Note) -> None:
    sender = getattr(event, "from")
    if not event.asset:
        note(sender, account_service.CASH_REASON_TRANSFER, -event.amount_quanta, 0, event.to)
        note(event.to, account_service.CASH_REASON_TRANSFER, event.amount_quanta, 0, sender)


def _position_moved(event: events_pb2.PositionMoved, note: Note) -> None:
    sender, amount = getattr(event, "from"), event.entry_quanta - event.cash_quanta
    note(sender, account_service.CASH_REASON_POSITION_MOVED, amount, event.market, event.to)
    note(event.to, account_service.CASH_REASON_POSITION_MOVED, -amount, event.market, sender)


def _order_moved(event: events_pb2.OrderMoved, note: Note) -> None:
    note(event.account, account_service.CASH_REASON_ORDER_MOVED, -event.fee_quanta, event.market)


def _position_closed(event: events_pb2.PositionClosed, note: Note) -> None:
    note(event.account, account_service.CASH_REASON_LIQUIDATION_FEE, -event.fee_quanta, event.market)
    note(event.account, account_service.CASH_REASON_INSURANCE, event.fund_paid_quanta, event.market)


def _bid_taken(event: events_pb2.AuctionBidTaken, note: Note) -> None:
    for account, other, sign in ((event.account, event.bidder, 1), (event.bidder, event.account, -1)):
        for part in event.taken:
            note(account, account_service.CASH_REASON_AUCTION, sign * part.lots * part.price_quanta, part.market, other)
        note(account, account_service.CASH_REASON_AUCTION_DISCOUNT, -sign * event.paid_quanta, 0, other)


def _asset_seized(event: events_pb2.AssetSeized, note: Note) -> None:
    note(event.account, account_service.CASH_REASON_ASSET_SOLD, event.paid_quanta, event.market)


def _account_reduced(event: events_pb2.AccountReduced, note: Note) -> None:
    left = event.deficit_quanta - event.fund_paid_quanta
    note(event.account, account_service.CASH_REASON_INSURANCE, event.fund_paid_quanta, event.market)
    note(event.account, account_service.CASH_REASON_REDUCTION, event.lots * event.price_quanta, event.market)
    note(event.account, account_service.CASH_REASON_DEFICIT, left, event.market)


def _holder_reduced(event: events_pb2.HolderReduced, note: Note) -> None:
    note(event.account, account_service.CASH_REASON_REDUCTION, event.lots * event.price_quanta, event.market)
    note(event.account, account_service.CASH_REASON_DEFICIT, -event.given_up_quanta, event.market)


def _settled(event: events_pb2.PositionSettled, note: Note) -> None:
    note(event.account, account_service.CASH_REASON_SETTLEMENT, event.lots * event.price_quanta, event.market)
    note(event.account, account_service.CASH_REASON_FUNDING, -event.funding_quanta, event.market)


def _shortfall(event: events_pb2.SettlementShortfall, note: Note) -> None:
    note(event.account, account_service.CASH_REASON_INSURANCE, event.paid_quanta, event.market)
    note(event.account, account_service.CASH_REASON_DEFICIT, event.given_up_quanta, event.market)


def _referral(event: events_pb2.ReferralPaid, note: Note) -> None:
    payer = tx_pb2.AccountId(owner=event.owner)
    note(tx_pb2.AccountId(owner=event.referrer), account_service.CASH_REASON_REFERRAL, event.amount_quanta,
         event.market, payer)


READERS: dict[str, Callable[[Any, Note], None]] = {
    "fill": _fill,
    "block_traded": _block_traded,
    "funding_paid": _funding,
    "deposited": _deposited,
    "withdrawn": _withdrawn,
    "transferred": _transferred,
    "position_moved": _position_moved,
    "order_moved": _order_moved,
    "position_closed": _position_closed,
    "auction_bid_taken": _bid_taken,
    "asset_seized": _asset_seized,
    "account_reduced": _account_reduced,
    "holder_reduced": _holder_reduced,
    "position_settled": _settled,
    "settlement_shortfall": _shortfall,
    "referral_paid": _referral,
}
