"""The wire's form of events, made for readers of the feed."""

from collections.abc import Callable
from functools import partial
from typing import Any

from app.accounts.keys import id_message
from app.book.types import market_of, order_message
from app.events import (
    AccountReduced,
    AgentSet,
    AssetSeized,
    AuctionBidTaken,
    AuctionEnded,
    AuctionStarted,
    BlockTraded,
    BreakerEnded,
    BreakerExtended,
    BreakerTripped,
    Cancelled,
    ComboFilled,
    DeadManActed,
    Deposited,
    ExpiryFixed,
    FeedValidityChanged,
    FeesShared,
    Filled,
    FundingPaid,
    HolderReduced,
    MarginModeSet,
    MarketQuarantined,
    MarketStatusChanged,
    MarkPriceSet,
    Occurrence,
    OrderMoved,
    PillarRefused,
    PositionClosed,
    PositionMoved,
    PositionSettled,
    ProtectionTripped,
    Reduced,
    ReferralPaid,
    ReferrerSet,
    Rested,
    SeriesListed,
    SeriesRemoved,
    SettlementPriceSet,
    SettlementShortfall,
    Transferred,
    TriggerCancelled,
    TriggerFired,
    TriggerMoved,
    TriggerPlaced,
    Uncrossed,
    WindDownBegan,
    Withdrawn,
)
from app.triggers.types import trigger_message
from novation.v1 import events_pb2, state_pb2

FIELD_MOST = (1 << 63) - 1


def event_message(event: Occurrence) -> events_pb2.Event:
    """The wire's form of an event."""
    return _MESSAGES[type(event)](event)


def event_messages(events: list[Occurrence]) -> list[events_pb2.Event]:
    """The wire's form of events, in order."""
    return [event_message(event) for event in events]


def _rested(event: Rested) -> events_pb2.Event:
    order = event.order
    return events_pb2.Event(
        order_rested=events_pb2.OrderRested(
            market=market_of(order.order_id), account=id_message(order.account), order=order_message(order)
        )
    )


def _cancelled(event: Cancelled) -> events_pb2.Event:
    order = event.order
    return events_pb2.Event(
        order_cancelled=events_pb2.OrderCancelled(
            market=market_of(order.order_id),
            account=id_message(order.account),
            order_id=order.order_id,
            client_id=order.client_id,
            side=order.side,  # type: ignore[arg-type]
            price_quanta=order.price_quanta,
            cancelled_lots=order.open_lots,
            reason=event.reason,  # type: ignore[arg-type]
            was_resting=event.was_resting,
        )
    )


def _reduced(event: Reduced) -> events_pb2.Event:
    order = event.order
    return events_pb2.Event(
        order_reduced=events_pb2.OrderReduced(
            market=market_of(order.order_id),
            account=id_message(order.account),
            order_id=order.order_id,
            client_id=order.client_id,
            side=order.side,  # type: ignore[arg-type]
            price_quanta=order.price_quanta,
            open_lots=order.open_lots,
            removed_lots=event.removed_lots,
        )
    )


def _order_moved(event: OrderMoved) -> events_pb2.Event:
    order = event.order
    return events_pb2.Event(
        order_moved=events_pb2.OrderMoved(
            market=market_of(order.order_id),
            account=id_message(order.account),
            order=order_message(order),
            before_quanta=event.before_quanta,
            fee_quanta=event.fee_quanta,
        )
    )


def _protection_tripped(event: ProtectionTripped) -> events_pb2.Event:
    return events_pb2.Event(
        protection_tripped=events_pb2.ProtectionTripped(
            market=event.market, account=id_message(event.account), frozen_ns=event.frozen_ns
        )
    )


def _dead_man_acted(event: DeadManActed) -> events_pb2.Event:
    return events_pb2.Event(
        dead_man_acted=events_pb2.DeadManActed(
            account=id_message(event.account), orders=event.orders, triggers=event.triggers
        )
    )


def _trigger_placed(event: TriggerPlaced) -> events_pb2.Event:
    trigger = event.trigger
    return events_pb2.Event(
        trigger_placed=events_pb2.TriggerPlaced(
            market=market_of(trigger.trigger_id),
            account=id_message(trigger.account),
            trigger=trigger_message(trigger),
        )
    )


def _trigger_cancelled(event: TriggerCancelled) -> events_pb2.Event:
    trigger = event.trigger
    return events_pb2.Event(
        trigger_cancelled=events_pb2.TriggerCancelled(
            market=market_of(trigger.trigger_id),
            account=id_message(trigger.account),
            trigger_id=trigger.trigger_id,
            client_id=trigger.client_id,
            reason=event.reason,  # type: ignore[arg-type]
        )
    )


def _trigger_moved(event: TriggerMoved) -> events_pb2.Event:
    trigger = event.trigger
    return events_pb2.Event(
        trigger_moved=events_pb2.TriggerMoved(
            market=market_of(trigger.trigger_id),
            account=id_message(trigger.account),
            trigger_id=trigger.trigger_id,
            client_id=trigger.client_id,
            trigger_quanta=trigger.trigger_quanta,
            price_quanta=trigger.price_quanta,
        )
    )


def _trigger_fired(event: TriggerFired) -> events_pb2.Event:
    trigger, refusal = event.trigger, event.refusal
    return events_pb2.Event(
        trigger_fired=events_pb2.TriggerFired(
            market=market_of(trigger.trigger_id),
            account=id_message(trigger.account),
            trigger_id=trigger.trigger_id,
            client_id=trigger.client_id,
            reached_quanta=event.reached_quanta,
            order_id=event.order_id,
            filled_lots=event.filled_lots,
            open_lots=event.open_lots,
            code=refusal.code if refusal else 0,
            codespace=refusal.codespace if refusal else "",
            reason=refusal.reason if refusal else "",
        )
    )


def _filled(event: Filled) -> events_pb2.Event:
    maker = event.maker
    return events_pb2.Event(
        fill=events_pb2.Fill(
            market=market_of(maker.order_id),
            trade_id=event.trade_id,
            taker_side=event.taker_side,  # type: ignore[arg-type]
            price_quanta=event.price_quanta or maker.price_quanta,
            size_lots=event.size_lots,
            maker=id_message(maker.account),
            maker_order_id=maker.order_id,
            maker_client_id=maker.client_id,
            maker_fee_quanta=event.maker_fee_quanta,
            maker_open_lots=maker.open_lots,
            taker=id_message(event.taker),
            taker_order_id=event.taker_order_id,
            taker_client_id=event.taker_client_id,
            taker_fee_quanta=event.taker_fee_quanta,
            taker_open_lots=event.taker_open_lots,
        )
    )


def _block_traded(event: BlockTraded) -> events_pb2.Event:
    return events_pb2.Event(
        block_traded=events_pb2.BlockTraded(
            market=event.market,
            trade_id=event.trade_id,
            sender=id_message(event.sender),
            counterparty=id_message(event.counterparty),
            lots=event.lots,
            price_quanta=event.price_quanta,
            sender_fee_quanta=event.sender_fee_quanta,
            counterparty_fee_quanta=event.counterparty_fee_quanta,
            nonce=event.nonce,
        )
    )


def _transferred(event: Transferred) -> events_pb2.Event:
    message = events_pb2.Transferred(
        to=id_message(event.receiver), amount_quanta=event.amount_quanta, asset=event.asset
    )
    getattr(message, "from").CopyFrom(id_message(event.sender))  # "from" is a Python keyword
    return events_pb2.Event(transferred=message)


def _asset_seized(event: AssetSeized) -> events_pb2.Event:
    return events_pb2.Event(
        asset_seized=events_pb2.AssetSeized(
            account=id_message(event.account),
            market=event.market,
            asset=event.asset,
            units=event.units,
            paid_quanta=event.paid_quanta,
        )
    )


def _position_moved(event: PositionMoved) -> events_pb2.Event:
    message = events_pb2.PositionMoved(
        to=id_message(event.receiver),
        market=event.market,
        lots=event.lots,
        entry_quanta=event.entry_quanta,
        cash_quanta=event.cash_quanta,
    )
    getattr(message, "from").CopyFrom(id_message(event.sender))
    return events_pb2.Event(position_moved=message)


def _plain(kind: str, message: Any, event: Any) -> events_pb2.Event:
    """An event whose message has just the fields of its record."""
    return events_pb2.Event(**{kind: message(**{name: getattr(event, name) for name in event.__slots__})})


def _account_event(kind: str, message: Any, event: Any) -> events_pb2.Event:
    """An event whose message has the fields of its record, the account in its wire form. What a mark gone mad makes of
    an equity or a profit may pass a field: it is told as the most that fits.
    """
    values = {
        name: getattr(event, name) for name in message.DESCRIPTOR.fields_by_name if name not in ("account", "bidder")
    }
    for name, value in values.items():
        if isinstance(value, int):
            values[name] = max(-FIELD_MOST, min(FIELD_MOST, value))
    return events_pb2.Event(**{kind: message(account=id_message(event.account), **values)})


def _auction_bid_taken(event: AuctionBidTaken) -> events_pb2.Event:
    taken = [
        events_pb2.AuctionedLots(market=market, lots=lots, price_quanta=price_quanta)
        for market, lots, price_quanta in event.taken
    ]
    return events_pb2.Event(
        auction_bid_taken=events_pb2.AuctionBidTaken(
            account=id_message(event.account),
            bidder=id_message(event.bidder),
            fraction_ppm=event.fraction_ppm,
            discount_ppm=event.discount_ppm,
            paid_quanta=event.paid_quanta,
            freed_quanta=event.freed_quanta,
            equity_quanta=event.equity_quanta,
            maintenance_quanta=event.maintenance_quanta,
            taken=taken,
        )
    )


def _breaker_event(kind: str, message: Any, event: Any) -> events_pb2.Event:
    row = state_pb2.Breaker(**event.breaker._asdict())
    return events_pb2.Event(**{kind: message(market=event.scope, breaker=row)})


_MESSAGES: dict[type, Callable[[Any], events_pb2.Event]] = {
    Rested: _rested,
    Cancelled: _cancelled,
    Reduced: _reduced,
    OrderMoved: _order_moved,
    ProtectionTripped: _protection_tripped,
    DeadManActed: _dead_man_acted,
    TriggerPlaced: _trigger_placed,
    TriggerCancelled: _trigger_cancelled,
    TriggerMoved: _trigger_moved,
    TriggerFired: _trigger_fired,
    Filled: _filled,
    FundingPaid: partial(_account_event, "funding_paid", events_pb2.FundingPaid),
    ComboFilled: partial(_account_event, "combo_filled", events_pb2.ComboFilled),
    BlockTraded: _block_traded,
    Deposited: partial(_account_event, "deposited", events_pb2.Deposited),
    Withdrawn: partial(_account_event, "withdrawn", events_pb2.Withdrawn),
    Transferred: _transferred,
    SeriesListed: partial(_plain, "series_listed", events_pb2.SeriesListed),
    ExpiryFixed: partial(_plain, "expiry_fixed", events_pb2.ExpiryFixed),
    SeriesRemoved: partial(_plain, "series_removed", events_pb2.SeriesRemoved),
    AgentSet: partial(_account_event, "agent_set", events_pb2.AgentSet),
    PillarRefused: partial(_plain, "pillar_refused", events_pb2.PillarRefused),
    FeedValidityChanged: partial(_plain, "feed_validity_changed", events_pb2.FeedValidityChanged),
    MarkPriceSet: partial(_plain, "mark_price_set", events_pb2.MarkPriceSet),
    AssetSeized: _asset_seized,
    PositionMoved: _position_moved,
    MarginModeSet: partial(_account_event, "margin_mode_set", events_pb2.MarginModeSet),
    MarketQuarantined: partial(_plain, "market_quarantined", events_pb2.MarketQuarantined),
    PositionClosed: partial(_account_event, "position_closed", events_pb2.PositionClosed),
    AuctionStarted: partial(_account_event, "auction_started", events_pb2.AuctionStarted),
    AuctionEnded: partial(_account_event, "auction_ended", events_pb2.AuctionEnded),
    AccountReduced: partial(_account_event, "account_reduced", events_pb2.AccountReduced),
    HolderReduced: partial(_account_event, "holder_reduced", events_pb2.HolderReduced),
    AuctionBidTaken: _auction_bid_taken,
    WindDownBegan: partial(_plain, "wind_down_began", events_pb2.WindDownBegan),
    ReferrerSet: partial(_plain, "referrer_set", events_pb2.ReferrerSet),
    ReferralPaid: partial(_plain, "referral_paid", events_pb2.ReferralPaid),
    FeesShared: partial(_plain, "fees_shared", events_pb2.FeesShared),
    MarketStatusChanged: partial(_plain, "market_status_changed", events_pb2.MarketStatusChanged),
    Uncrossed: partial(_plain, "uncrossed", events_pb2.Uncrossed),
    SettlementPriceSet: partial(_plain, "settlement_price_set", events_pb2.SettlementPriceSet),
    PositionSettled: partial(_account_event, "position_settled", events_pb2.PositionSettled),
    SettlementShortfall: partial(_account_event, "settlement_shortfall", events_pb2.SettlementShortfall),
    BreakerTripped: partial(_breaker_event, "breaker_tripped", events_pb2.BreakerTripped),
    BreakerExtended: partial(_breaker_event, "breaker_extended", events_pb2.BreakerExtended),
    BreakerEnded: partial(_breaker_event, "breaker_ended", events_pb2.BreakerEnded),
}
