"""Access to triggers: record and index move together, every change of the index with its undo in the journal."""

from dataclasses import replace
from typing import Any

from app.book.types import market_of
from app.context import Context
from app.errors import ORDER_REFERENCE, TRIGGER_NOT_FOUND, ChainError
from app.kernel.ordered import SortedKeys
from app.markets.state import require_market
from app.oracle.state import index_price, mark_price
from app.triggers import rules
from app.triggers.rules import AT_OR_ABOVE, AT_OR_BELOW
from app.triggers.types import (
    BACKLOG_KEY,
    INDEX,
    MARK,
    Backlog,
    Batch,
    Reached,
    Slot,
    Switch,
    Trigger,
    TriggerIndex,
    Triggers,
)

Key = tuple[int, int, bytes]


def price_of(ctx: Context, market: int, source: int) -> int:
    """TRIG-002: the price that triggers of a source watch, in quote quanta a lot; 0 while nothing was traded."""
    if source == MARK:
        return mark_price(ctx, market)
    if source == INDEX:
        return index_price(ctx, market)
    state = ctx.states.get(market)
    return state.last_price_quanta if state else 0


def next_sequence(ctx: Context, market: int) -> int:
    """Take the next number of the market's sequence, which orders and triggers share."""
    state = ctx.states.edit(market)
    state.next_sequence += 1
    return state.next_sequence - 1


def slot_of(trigger: Trigger) -> Slot:
    """The sorted set in which a trigger waits."""
    return Slot(market_of(trigger.trigger_id), trigger.source, trigger.direction)


def key_of(trigger: Trigger) -> Key:
    """A trigger's key in its slot."""
    return rules.rank_of(trigger.direction, trigger.trigger_quanta), trigger.trigger_id, trigger.account


def opposite(slot: Slot) -> Slot:
    """The slot of the other direction: where a trailing trigger of `slot` follows."""
    return slot._replace(direction=AT_OR_BELOW if slot.direction == AT_OR_ABOVE else AT_OR_ABOVE)


def following_key(ctx: Context, trigger: Trigger) -> Key:
    """TRIG-006: the key under which a trailing trigger waits for the price at which it moves."""
    slot = slot_of(trigger)
    step = rules.trail_step(trigger.trail_quanta, require_market(ctx, slot.market).tick_quanta)
    price = rules.ratchet_price(slot.direction, trigger.trigger_quanta, trigger.trail_quanta, step)
    return rules.rank_of(opposite(slot).direction, price), trigger.trigger_id, trigger.account


def triggers_of(ctx: Context, account: bytes) -> list[Trigger]:
    """An account's triggers, oldest first."""
    record = ctx.triggers.get(account)
    return [record.triggers[trigger_id] for trigger_id in sorted(record.triggers)] if record else []


def find_trigger(ctx: Context, account: bytes, trigger_id: int, client_id: int) -> Trigger:
    """The account's trigger by exactly one of id and client id. Raises ORDER_REFERENCE, TRIGGER_NOT_FOUND."""
    if (trigger_id == 0) == (client_id == 0):
        raise ChainError(ORDER_REFERENCE)
    for trigger in triggers_of(ctx, account):
        if trigger.trigger_id == trigger_id or (client_id and trigger.client_id == client_id):
            return trigger
    raise ChainError(TRIGGER_NOT_FOUND, trigger_id=trigger_id, client_id=client_id)


def add_trigger(ctx: Context, trigger: Trigger) -> None:
    """A new trigger waits."""
    if ctx.triggers.get(trigger.account) is None:
        ctx.triggers.put(trigger.account, Triggers())
    ctx.triggers.edit(trigger.account).triggers[trigger.trigger_id] = trigger
    index, slot = ctx.trigger_index, slot_of(trigger)
    insert(ctx, index.waiting.setdefault(slot, SortedKeys()), key_of(trigger))
    if trigger.trail_quanta:
        insert(ctx, index.following.setdefault(opposite(slot), SortedKeys()), following_key(ctx, trigger))
    if trigger.expiry_time_ns:
        insert(ctx, index.expiring, (trigger.expiry_time_ns, trigger.trigger_id, trigger.account))


def remove_trigger(ctx: Context, trigger: Trigger) -> None:
    """A trigger goes, wherever it waits."""
    record = ctx.triggers.edit(trigger.account)
    del record.triggers[trigger.trigger_id]
    if not record.triggers:
        ctx.triggers.delete(trigger.account)
    index, slot, key = ctx.trigger_index, slot_of(trigger), key_of(trigger)
    withdraw(ctx, holding(index, slot, key), key)
    if trigger.trail_quanta:
        following, at = index.following[opposite(slot)], following_key(ctx, trigger)
        if at in following:  # not once it was reached (TRIG-006)
            withdraw(ctx, following, at)
    if trigger.expiry_time_ns:
        withdraw(ctx, index.expiring, (trigger.expiry_time_ns, trigger.trigger_id, trigger.account))


def holding(index: TriggerIndex, slot: Slot, key: Key) -> SortedKeys:
    """The set that holds a trigger's key: of those that wait, or of a batch that was reached."""
    if key in index.waiting[slot]:
        return index.waiting[slot]
    return next(batch.keys for batch in index.batches if batch.reached.slot == slot and key in batch.keys)


def move_trigger(ctx: Context, trigger: Trigger, by_quanta: int) -> Trigger:
    """TRIG-006: trigger and limit move by the same amount; it is filed anew. Returns what it is now."""
    slot = slot_of(trigger)
    moved = replace(
        trigger,
        trigger_quanta=trigger.trigger_quanta + by_quanta,
        price_quanta=trigger.price_quanta + by_quanta,
        filed=next_sequence(ctx, slot.market),
        wire=b"",
    )
    ctx.triggers.edit(trigger.account).triggers[trigger.trigger_id] = moved
    waiting, following = ctx.trigger_index.waiting[slot], ctx.trigger_index.following[opposite(slot)]
    withdraw(ctx, waiting, key_of(trigger))
    insert(ctx, waiting, key_of(moved))
    withdraw(ctx, following, following_key(ctx, trigger))
    insert(ctx, following, following_key(ctx, moved))
    return moved


def insert(ctx: Context, keys: SortedKeys, key: Any) -> None:
    """Add a key to a sorted set of the index."""
    keys.add(key)
    ctx.journal.entries.append((_undo_insert, keys, key))


def withdraw(ctx: Context, keys: SortedKeys, key: Any) -> None:
    """Take a key out of a sorted set of the index."""
    keys.remove(key)
    ctx.journal.entries.append((_undo_withdraw, keys, key))


def set_switch(ctx: Context, account: bytes, time_ns: int) -> None:
    """TRIG-010: set an account's switch anew; 0 takes it away."""
    switches, stored = ctx.trigger_index.switches, ctx.switches.get(account)
    if stored is not None:
        withdraw(ctx, switches, (stored.time_ns, account))
    if time_ns:
        ctx.switches.put(account, Switch(time_ns))
        insert(ctx, switches, (time_ns, account))
    elif stored is not None:
        ctx.switches.delete(account)


def take_filled_groups(ctx: Context) -> list[tuple[bytes, int]]:
    """TRIG-009: the groups of which an order filled since the last call, each once."""
    groups, ctx.filled_groups = ctx.filled_groups, []
    ctx.journal.entries.append((_undo_take_groups, ctx, groups))
    return list(dict.fromkeys(groups))


def take_reached(ctx: Context, slot: Slot, price_quanta: int) -> None:
    """TRIG-005: what a price has reached becomes a batch, behind those that were reached before."""
    index = ctx.trigger_index
    bound = rules.rank_of(slot.direction, price_quanta) + 1, 0, b""
    keys = index.waiting[slot].take_below(bound)
    state = ctx.states.get(slot.market)
    index.batches.append(Batch(Reached(slot, price_quanta, state.next_sequence if state else 1), keys))
    ctx.journal.entries.append((_undo_take, index, slot))


def drop_batch(ctx: Context, place: int) -> None:
    """A batch is empty: forget it."""
    batches = ctx.trigger_index.batches
    ctx.journal.entries.append((_undo_drop, batches, (place, batches.pop(place))))


def store_backlog(ctx: Context) -> None:
    """TRIG-005: remember which batches are left, so that a node that starts anew knows them."""
    reached = tuple(batch.reached for batch in ctx.trigger_index.batches)
    stored = ctx.backlog.get(BACKLOG_KEY)
    if reached != (stored.reached if stored else ()):
        if reached:
            ctx.backlog.put(BACKLOG_KEY, Backlog(reached))
        else:
            ctx.backlog.delete(BACKLOG_KEY)


def rebuild(ctx: Context) -> None:
    """Make the index from the stored triggers, at start."""
    ctx.trigger_index = build_index(ctx)


def build_index(ctx: Context) -> TriggerIndex:
    """The index of the stored triggers: each in the oldest batch that it belongs to, or waiting."""
    index = TriggerIndex()
    backlog = ctx.backlog.peek(BACKLOG_KEY)
    index.batches = [Batch(reached, SortedKeys()) for reached in (backlog.reached if backlog else ())]
    for account, switch in ctx.switches.scan():
        index.switches.add((switch.time_ns, account))
    for _, record in ctx.triggers.scan():
        for trigger in record.triggers.values():
            slot = slot_of(trigger)
            batches = (batch.keys for batch in index.batches if in_batch(trigger, batch.reached))
            next(batches, index.waiting.setdefault(slot, SortedKeys())).add(key_of(trigger))
            if trigger.trail_quanta:
                index.following.setdefault(opposite(slot), SortedKeys()).add(following_key(ctx, trigger))
            if trigger.expiry_time_ns:
                index.expiring.add((trigger.expiry_time_ns, trigger.trigger_id, trigger.account))
    return index


def in_batch(trigger: Trigger, reached: Reached) -> bool:
    """TRIG-005: whether a trigger was reached when a batch was made, if no older batch took it."""
    return (
        slot_of(trigger) == reached.slot
        and trigger.filed < reached.before
        and rules.is_reached(trigger.direction, trigger.trigger_quanta, reached.price_quanta)
    )


def _undo_insert(keys: SortedKeys, key: Any) -> None:
    keys.remove(key)


def _undo_withdraw(keys: SortedKeys, key: Any) -> None:
    keys.add(key)


def _undo_take_groups(ctx: Context, groups: list[tuple[bytes, int]]) -> None:
    ctx.filled_groups = groups


def _undo_take(index: TriggerIndex, slot: Slot) -> None:
    index.waiting[slot].put_before(index.batches.pop().keys)


def _undo_drop(batches: list[Batch], dropped: tuple[int, Batch]) -> None:
    place, batch = dropped
    batches.insert(place, batch)
