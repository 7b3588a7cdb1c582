"""What triggers do before the transactions of a block: follow, expire, fire."""

from functools import partial

from app.book.actions import check_price_and_size, place
from app.book.conditions import close_group
from app.book.state import remove_order
from app.breakers.state import cooling, within_band
from app.compartment import guarded
from app.context import NO_LIMIT, Context
from app.errors import ChainError
from app.events import Cancelled, DeadManActed, TriggerCancelled, TriggerFired, TriggerMoved
from app.gas import GasMeter, most_gas
from app.limits import (
    MAX_EXPIRED_TRIGGERS_A_BLOCK,
    MAX_FIRED_A_BLOCK,
    MAX_FOLLOWED_A_BLOCK,
    MAX_PRICE_QUANTA,
    MAX_SWITCHES_A_BLOCK,
)
from app.markets.state import require_market
from app.markets.types import ACTIVE, REDUCE_ONLY, SETTLED
from app.oracle.rules import TRIGGER
from app.oracle.state import allows
from app.triggers import rules
from app.triggers.actions import taker_of
from app.triggers.state import (
    drop_batch,
    key_of,
    move_trigger,
    opposite,
    price_of,
    remove_trigger,
    set_switch,
    store_backlog,
    take_filled_groups,
    take_reached,
    triggers_of,
    withdraw,
)
from app.triggers.types import Slot, Trigger
from novation.v1 import events_pb2


def run_triggers(ctx: Context) -> None:
    """TRIG-004: once a block, before its transactions: what expired goes, trailing triggers follow, what is reached
    fires. BRK-020: in a cool-down only what cancels.
    """
    act_for_the_dead(ctx)
    expire(ctx)
    if not cooling(ctx):
        follow(ctx)
        reach(ctx)
        fire(ctx)
    store_backlog(ctx)


def trigger_at(ctx: Context, trigger_id: int, account: bytes) -> Trigger:
    """The trigger that a key of the index names. Raises KeyError when index and records disagree."""
    record = ctx.triggers.get(account)
    if record is None:
        raise KeyError(trigger_id)
    return record.triggers[trigger_id]


def act_for_the_dead(ctx: Context) -> None:
    """TRIG-010: where a switch was not set again in time, all orders go and all triggers but those that reduce; at most
    MAX_SWITCHES_A_BLOCK accounts, the longest overdue first.
    """
    switches, reason = ctx.trigger_index.switches, events_pb2.CANCEL_REASON_DEAD_MAN
    for _ in range(MAX_SWITCHES_A_BLOCK):
        if not switches or switches.first()[0] >= ctx.time_ns:
            return
        _, account = switches.first()
        record = ctx.orders.get(account)
        orders = sorted(record.orders.values(), key=lambda order: order.order_id) if record else []
        triggers = [trigger for trigger in triggers_of(ctx, account) if not trigger.reduce_only]
        ctx.emit(DeadManActed(account, len(orders), len(triggers)))
        for order in orders:
            remove_order(ctx, order)
            ctx.emit(Cancelled(order, reason, True))
        for trigger in triggers:
            remove_trigger(ctx, trigger)
            ctx.emit(TriggerCancelled(trigger, reason))
        set_switch(ctx, account, 0)


def close_groups(ctx: Context) -> None:
    """TRIG-009: the triggers of groups of which an order filled, or another trigger fired, go. At the end of each block
    and after each trigger that fires: in between none could fire.
    """
    if not ctx.filled_groups:
        return
    for account, oco_id in take_filled_groups(ctx):
        for trigger in triggers_of(ctx, account):
            if trigger.oco_id == oco_id:
                remove_trigger(ctx, trigger)
                ctx.emit(TriggerCancelled(trigger, events_pb2.CANCEL_REASON_ONE_CANCELS_OTHER))


def expire(ctx: Context) -> None:
    """TRIG-007: triggers whose time is over go, the longest expired first, at most MAX_EXPIRED_TRIGGERS_A_BLOCK."""
    expiring = ctx.trigger_index.expiring
    for _ in range(MAX_EXPIRED_TRIGGERS_A_BLOCK):
        if not expiring or expiring.first()[0] >= ctx.time_ns:
            return
        _, trigger_id, account = expiring.first()
        trigger = trigger_at(ctx, trigger_id, account)
        remove_trigger(ctx, trigger)
        ctx.emit(TriggerCancelled(trigger, events_pb2.CANCEL_REASON_EXPIRED))


def follow(ctx: Context) -> None:
    """TRIG-006: trailing triggers within reach of the price move with it, nearest first; at most
    MAX_FOLLOWED_A_BLOCK, the others in the blocks after.
    """
    index, left = ctx.trigger_index, MAX_FOLLOWED_A_BLOCK
    for slot in sorted(index.following):
        following = index.following[slot]
        if not following or not fires_in(ctx, slot):
            continue
        price = price_of(ctx, slot.market, slot.source)
        rank = rules.rank_of(slot.direction, price)
        while price and following and following.first()[0] <= rank and left:
            key = following.first()
            trigger = trigger_at(ctx, key[1], key[2])
            if key_of(trigger) not in index.waiting[opposite(slot)]:  # it was reached, and fires when its turn comes
                withdraw(ctx, following, key)
            elif guarded(ctx, slot.market, partial(follow_one, trigger, price)):
                left -= 1
            else:
                break


def follow_one(trigger: Trigger, price_quanta: int, ctx: Context, market_id: int) -> None:
    """TRIG-006: one trailing trigger moves with the price."""
    step = rules.trail_step(trigger.trail_quanta, require_market(ctx, market_id).tick_quanta)
    by = rules.trail_move(trigger.direction, trigger.trigger_quanta, price_quanta, trigger.trail_quanta, step)
    ctx.emit(TriggerMoved(move_trigger(ctx, trigger, by)))


def reach(ctx: Context) -> None:
    """TRIG-005: what the prices of now reach becomes due, by market, source and direction."""
    index = ctx.trigger_index
    for slot in sorted(index.waiting):
        waiting = index.waiting[slot]
        if waiting and fires_in(ctx, slot):
            price = reaching_price(ctx, slot)
            if price and waiting.first()[0] <= rules.rank_of(slot.direction, price):
                take_reached(ctx, slot, price)


def fires_in(ctx: Context, slot: Slot) -> bool:
    """TRIG-008, ORCL-011: whether triggers of this market fire in its state and at its price; else they wait."""
    market = require_market(ctx, slot.market)
    trades = market.status in (ACTIVE, REDUCE_ONLY) and not market.quarantined and allows(ctx, slot.market, TRIGGER)
    return market.status == SETTLED or trades


def reaching_price(ctx: Context, slot: Slot) -> int:
    """TRIG-008: the price that reaches triggers of a slot; of a settled market one that reaches all."""
    if require_market(ctx, slot.market).status == SETTLED:
        return 2 * MAX_PRICE_QUANTA if slot.direction == rules.AT_OR_ABOVE else 1
    return price_of(ctx, slot.market, slot.source)


def fire(ctx: Context) -> None:
    """TRIG-004, TRIG-005: batches fire in the order in which they were reached, each from the nearest trigger on; at
    most MAX_FIRED_A_BLOCK triggers, and none once their orders used a sixteenth of a block's gas.
    """
    batches, left, most = ctx.trigger_index.batches, MAX_FIRED_A_BLOCK, most_gas(ctx.params.max_block_gas)
    ctx.gas = meter = GasMeter(NO_LIMIT)
    place_in_line = 0
    while place_in_line < len(batches) and left and meter.used < most:
        batch = batches[place_in_line]
        if not batch.keys:
            drop_batch(ctx, place_in_line)
        elif not fires_in(ctx, batch.reached.slot):
            place_in_line += 1
        else:
            _, trigger_id, account = batch.keys.first()
            step = partial(fire_one, trigger_at(ctx, trigger_id, account), batch.reached.price_quanta)
            guarded(ctx, batch.reached.slot.market, step, in_quarantine=True)
            left -= 1
    if place_in_line < len(batches) and not batches[place_in_line].keys:
        drop_batch(ctx, place_in_line)


def fire_one(trigger: Trigger, price_quanta: int, ctx: Context, market_id: int) -> None:
    """TRIG-003: the trigger goes and its order is placed as its owner would place it; a refusal is an event that says
    why. The order has the trigger's client id, unless an open order has it; its limit is drawn to the band (BRK-004).
    """
    remove_trigger(ctx, trigger)
    market = require_market(ctx, market_id)
    open_orders = ctx.orders.get(trigger.account)
    taken = open_orders is not None and trigger.client_id in open_orders.client_ids
    events = len(ctx.events)
    ctx.journal.savepoint()
    try:
        check_price_and_size(market, trigger.price_quanta, trigger.size_lots)
        taker = taker_of(trigger.account, market, trigger, 0 if taken else trigger.client_id)
        taker.price_quanta = within_band(ctx, market, taker.side, taker.price_quanta)
        done = place(ctx, taker)
    except ChainError as error:
        ctx.journal.rollback()
        del ctx.events[events:]
        ctx.emit(TriggerFired(trigger, price_quanta, 0, 0, 0, error.code))
    else:
        ctx.journal.release()
        fired = TriggerFired(trigger, price_quanta, done.order_id, done.filled_lots, done.open_lots, None)
        ctx.events.insert(events, fired)
        if trigger.oco_id:
            close_group(ctx, trigger.account, trigger.oco_id, done.order_id)
    close_groups(ctx)
