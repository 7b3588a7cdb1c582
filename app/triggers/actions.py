"""Place and cancel triggers."""

from app.accounts.state import require_account
from app.book.actions import check_price_and_size, check_terms
from app.book.conditions import FOR_EVER_NS, require_room_in_group
from app.book.match import Taker
from app.book.types import GOOD_TIL_CANCEL, IMMEDIATE_OR_CANCEL, order_id_of
from app.breakers.state import check_trigger_band
from app.context import Context
from app.errors import (
    ORDER_EXPIRED,
    ORDER_TIME_IN_FORCE,
    SWITCH_TIME,
    TRIGGER_CLIENT_ID_USED,
    TRIGGER_LIMIT,
    TRIGGER_PRICE,
    TRIGGER_REACHED,
    TRIGGER_TRAIL,
    TRIGGER_WATCHES,
    ChainError,
)
from app.events import TriggerCancelled, TriggerPlaced
from app.gas import CANCEL, FIRE, FOLLOW, GUARD, TRIGGER, TRIGGER_IN_RECORD
from app.limits import MAX_PRICE_QUANTA, MAX_TRIGGERS
from app.markets.state import require_market, require_running
from app.markets.types import Market
from app.triggers import rules
from app.triggers.rules import AT_OR_ABOVE, AT_OR_BELOW, TRAIL_STEPS
from app.triggers.state import (
    add_trigger,
    find_trigger,
    next_sequence,
    price_of,
    remove_trigger,
    set_switch,
    triggers_of,
)
from app.triggers.types import LAST, MARK, Trigger
from novation.v1 import events_pb2, tx_pb2


def taker_of(account: bytes, market: Market, order: "tx_pb2.PlaceTrigger | Trigger", client_id: int = 0) -> Taker:
    """The order of a trigger, as it will be placed."""
    return Taker(
        account,
        market,
        order.side,
        order.price_quanta,
        order.size_lots,
        order.time_in_force,
        order.reduce_only,
        client_id,
        0,
    )


def handle_place_trigger(ctx: Context, account: bytes, action: tx_pb2.PlaceTrigger) -> tx_pb2.ActionResult:
    """TRIG-001: an order to be placed when a price reaches a level. What firing costs is paid now.

    Raises MARKET_*, ACCOUNT_NOT_FOUND, TRIGGER_*, ORDER_*, BREAKER_ORDER_BAND.
    """
    ctx.gas.charge(TRIGGER + FIRE + (FOLLOW * TRAIL_STEPS if action.trail_quanta else 0))
    market = require_market(ctx, action.market)
    require_running(market)
    require_account(ctx.accounts.get(account), account)
    own = triggers_of(ctx, account)
    ctx.gas.charge(TRIGGER_IN_RECORD * len(own))
    if len(own) >= MAX_TRIGGERS:
        raise ChainError(TRIGGER_LIMIT, most_triggers=MAX_TRIGGERS)
    for other in own:
        if action.client_id and other.client_id == action.client_id:
            raise ChainError(TRIGGER_CLIENT_ID_USED, client_id=action.client_id, trigger_id=other.trigger_id)
    if action.oco_id:
        require_room_in_group(ctx, account, action.oco_id)
    check_order(ctx, account, market, action)
    trigger_quanta = trigger_price(ctx, market, action)
    check_trigger_band(ctx, market, action.side, action.price_quanta, trigger_quanta)
    sequence = next_sequence(ctx, market.market)
    trigger = Trigger(
        order_id_of(market.market, sequence),
        account,
        action.source,
        action.direction,
        trigger_quanta,
        action.trail_quanta,
        action.side,
        action.price_quanta,
        action.size_lots,
        action.time_in_force,
        action.reduce_only,
        action.client_id,
        action.oco_id,
        action.expiry_time_ns,
        sequence,
    )
    add_trigger(ctx, trigger)
    ctx.emit(TriggerPlaced(trigger))
    return tx_pb2.ActionResult(order_id=trigger.trigger_id)


def handle_set_dead_man(ctx: Context, account: bytes, action: tx_pb2.SetDeadMan) -> tx_pb2.ActionResult:
    """TRIG-010: set the account's dead-man switch, or (0) take it away. Raises SWITCH_TIME, ACCOUNT_NOT_FOUND."""
    ctx.gas.charge(GUARD)
    require_account(ctx.accounts.get(account), account)
    if action.time_ns and not ctx.time_ns < action.time_ns <= FOR_EVER_NS:
        raise ChainError(SWITCH_TIME, switch_time_ns=action.time_ns, time_ns=ctx.time_ns)
    set_switch(ctx, account, action.time_ns)
    return tx_pb2.ActionResult()


def check_order(ctx: Context, account: bytes, market: Market, action: tx_pb2.PlaceTrigger) -> None:
    """TRIG-001: what a trigger will place is an order that could be placed now, but for margin and position."""
    taker = taker_of(account, market, action)
    check_terms(taker)
    if taker.time_in_force not in (GOOD_TIL_CANCEL, IMMEDIATE_OR_CANCEL):
        raise ChainError(ORDER_TIME_IN_FORCE, time_in_force=taker.time_in_force)
    check_price_and_size(market, taker.price_quanta, taker.size_lots)
    if action.expiry_time_ns and action.expiry_time_ns < ctx.time_ns:
        raise ChainError(ORDER_EXPIRED, expiry_time_ns=action.expiry_time_ns, time_ns=ctx.time_ns)


def trigger_price(ctx: Context, market: Market, action: tx_pb2.PlaceTrigger) -> int:
    """TRIG-002, TRIG-006: the level of a new trigger: the one given, or at its offset from the price of now.

    It must not be reached already: whoever wants that places the order itself.
    """
    source, direction, offset = action.source, action.direction, action.trail_quanta
    if not MARK <= source <= LAST or direction not in (AT_OR_ABOVE, AT_OR_BELOW):
        raise ChainError(TRIGGER_WATCHES, source=source, direction=direction)
    price, level = price_of(ctx, market.market, source), action.trigger_quanta
    if offset:
        level = rules.trailing_trigger(direction, price, offset)
        if (
            action.trigger_quanta
            or not price
            or not TRAIL_STEPS * market.tick_quanta <= offset <= MAX_PRICE_QUANTA
            or level <= 0
            or (direction == AT_OR_ABOVE and action.price_quanta <= price)
        ):
            raise ChainError(TRIGGER_TRAIL, trail_quanta=offset, least_quanta=TRAIL_STEPS * market.tick_quanta)
    elif not 0 < level <= MAX_PRICE_QUANTA:
        raise ChainError(TRIGGER_PRICE, trigger_quanta=level, most_quanta=MAX_PRICE_QUANTA)
    if price and rules.is_reached(direction, level, price):
        raise ChainError(TRIGGER_REACHED, trigger_quanta=level, price_quanta=price)
    return level


def handle_cancel_trigger(ctx: Context, account: bytes, action: tx_pb2.CancelTrigger) -> tx_pb2.ActionResult:
    """TRIG-003: cancel one trigger of the account, or all. Raises ORDER_REFERENCE, TRIGGER_NOT_FOUND."""
    ctx.gas.charge(CANCEL)
    if action.all and not (action.trigger_id or action.client_id):
        triggers = triggers_of(ctx, account)
        ctx.gas.charge(CANCEL * max(0, len(triggers) - 1))
    else:
        triggers = [find_trigger(ctx, account, action.trigger_id, action.client_id)]
    for trigger in triggers:
        remove_trigger(ctx, trigger)
        ctx.emit(TriggerCancelled(trigger, events_pb2.CANCEL_REASON_BY_OWNER))
    return tx_pb2.ActionResult(cancelled_orders=len(triggers))
