"""Triggers of an account, what a price has reached and no block took yet, and the index over them in memory."""

from dataclasses import dataclass, field
from typing import NamedTuple

from app.kernel.codec import uvarint
from app.kernel.ordered import SortedKeys
from novation.v1 import state_pb2

MARK = 1
INDEX = 2
LAST = 3

BACKLOG_KEY = b"triggers"


@dataclass(slots=True)
class Trigger:
    """One trigger and the order it will place. A value: it is replaced, never changed, but for `wire`, the cache of
    its own encoding.
    """

    trigger_id: int
    account: bytes
    source: int
    direction: int
    trigger_quanta: int
    trail_quanta: int
    side: int
    price_quanta: int
    size_lots: int
    time_in_force: int
    reduce_only: bool
    client_id: int
    oco_id: int
    expiry_time_ns: int
    filed: int
    wire: bytes = b""


@dataclass(slots=True)
class Triggers:
    """All triggers of one account, by id."""

    triggers: dict[int, Trigger] = field(default_factory=dict)
    stamp: int = 0

    def copy(self) -> "Triggers":
        """A copy whose triggers can be added and removed without touching this one."""
        return Triggers(self.triggers.copy())


@dataclass(slots=True)
class Switch:
    """When an account's dead-man switch acts (TRIG-010)."""

    time_ns: int = 0
    stamp: int = 0

    def copy(self) -> "Switch":
        """A copy that may be changed."""
        return Switch(self.time_ns)


class Slot(NamedTuple):
    """What triggers of one sorted set have in common."""

    market: int
    source: int
    direction: int


class Reached(NamedTuple):
    """All triggers of a slot up to a price that were filed before a sequence of the market (TRIG-005)."""

    slot: Slot
    price_quanta: int
    before: int


@dataclass(slots=True)
class Backlog:
    """What was reached while more fired than a block takes, oldest first. A value."""

    reached: tuple[Reached, ...] = ()
    stamp: int = 0

    def copy(self) -> "Backlog":
        """A copy that may be replaced."""
        return Backlog(self.reached)


@dataclass(slots=True)
class Batch:
    """Triggers that were reached together and wait to fire, nearest first."""

    reached: Reached
    keys: SortedKeys


class TriggerIndex:
    """Derived from the records: rebuilt at start, every change in the journal.

    `waiting` holds (rank of the trigger price, id, account) of what no price has reached, by slot; `following` holds
    (rank of the price at which it moves, id, account) of trailing ones, under the slot of the opposite direction;
    `expiring` holds (last time, id, account), `switches` (time, account).
    """

    __slots__ = ("batches", "expiring", "following", "switches", "waiting")

    def __init__(self) -> None:
        self.waiting: dict[Slot, SortedKeys] = {}
        self.following: dict[Slot, SortedKeys] = {}
        self.expiring = SortedKeys()
        self.switches = SortedKeys()
        self.batches: list[Batch] = []


def trigger_message(trigger: Trigger) -> state_pb2.Trigger:
    """The protobuf form of a trigger."""
    return state_pb2.Trigger(
        trigger_id=trigger.trigger_id,
        source=trigger.source,  # type: ignore[arg-type]
        direction=trigger.direction,  # type: ignore[arg-type]
        trigger_quanta=trigger.trigger_quanta,
        trail_quanta=trigger.trail_quanta,
        side=trigger.side,  # type: ignore[arg-type]
        price_quanta=trigger.price_quanta,
        size_lots=trigger.size_lots,
        time_in_force=trigger.time_in_force,  # type: ignore[arg-type]
        reduce_only=trigger.reduce_only,
        client_id=trigger.client_id,
        oco_id=trigger.oco_id,
        expiry_time_ns=trigger.expiry_time_ns,
        filed=trigger.filed,
    )


def encode_triggers(record: Triggers) -> bytes:
    """Deterministic bytes of a Triggers message: ascending by id, each trigger encoded once."""
    parts = []
    for trigger_id in sorted(record.triggers):
        trigger = record.triggers[trigger_id]
        if not trigger.wire:
            body = trigger_message(trigger).SerializeToString(deterministic=True)
            trigger.wire = b"\x0a" + uvarint(len(body)) + body  # field 1, length-delimited
        parts.append(trigger.wire)
    return b"".join(parts)


def decode_triggers(key: bytes, data: bytes) -> Triggers:
    """The inverse of `encode_triggers`; `key` is the account."""
    return Triggers(
        {
            stored.trigger_id: Trigger(
                stored.trigger_id,
                key,
                stored.source,
                stored.direction,
                stored.trigger_quanta,
                stored.trail_quanta,
                stored.side,
                stored.price_quanta,
                stored.size_lots,
                stored.time_in_force,
                stored.reduce_only,
                stored.client_id,
                stored.oco_id,
                stored.expiry_time_ns,
                stored.filed,
            )
            for stored in state_pb2.Triggers.FromString(data).triggers
        }
    )


def encode_backlog(backlog: Backlog) -> bytes:
    """Deterministic bytes of a Backlog message."""
    message = state_pb2.Backlog()
    for (market, source, direction), price_quanta, before in backlog.reached:
        message.reached.add(
            market=market,
            source=source,
            direction=direction,
            price_quanta=price_quanta,
            before=before,
        )
    return message.SerializeToString(deterministic=True)


def decode_backlog(_key: bytes, data: bytes) -> Backlog:
    """The inverse of `encode_backlog`."""
    return Backlog(
        tuple(
            Reached(Slot(stored.market, stored.source, stored.direction), stored.price_quanta, stored.before)
            for stored in state_pb2.Backlog.FromString(data).reached
        )
    )
