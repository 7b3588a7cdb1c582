"""Breakers: what has tripped, one record a scope, which is a market or (CHAIN) the whole chain."""

from dataclasses import dataclass, fields, replace
from typing import NamedTuple

from novation.v1 import state_pb2

CHAIN = 0

# kinds
HALT = 1
OPEN_INTEREST = 2
WITHDRAWALS = 3
GAP = 4
SYSTEM = 5

# reasons
MOVE = 1
FILL_BAND = 2
CAP = 3
HOUR = 4
DAY = 5
STANDSTILL = 6
STRESS = 7

SWEEP_KEY = b"sweep"


class Breaker(NamedTuple):
    """One breaker, as it stands or (not `tripped`) as it stood last. `value` is what tripped it, `limit` what that
    passed.

    `ends_ns` is when it ends at the earliest, or ended; 0: once its value is below its limit. `extensions`, `resumes`
    (a market's status) and `reference_quanta` (its mark when the halt began, or was extended last) are a halt's.
    """

    kind: int
    reason: int
    tripped: bool
    started_ns: int
    ends_ns: int
    value: int
    limit: int
    extensions: int = 0
    resumes: int = 0
    reference_quanta: int = 0


class Swing(NamedTuple):
    """Between which prices a market's mark was in a part of the window that began at `starts_ns`."""

    starts_ns: int
    low_quanta: int
    high_quanta: int


@dataclass(slots=True)
class Breakers:
    """The breakers of a scope that have tripped at least once, ascending by kind; where a market's mark has been."""

    rows: tuple[Breaker, ...] = ()
    swings: tuple[Swing, ...] = ()
    stamp: int = 0

    def copy(self) -> "Breakers":
        """A copy that may be changed."""
        return Breakers(self.rows, self.swings)


@dataclass(slots=True)
class Flow:
    """What left the chain lately, as the level of a bucket that drains: quote quanta times the window in nanoseconds,
    so that nothing is ever rounded; and when it was so.
    """

    level: int = 0
    time_ns: int = 0
    stamp: int = 0

    def copy(self) -> "Flow":
        """A copy that may be changed."""
        return Flow(self.level, self.time_ns)


def encode_flow(record: Flow) -> bytes:
    """Deterministic record bytes."""
    level = record.level.to_bytes((record.level.bit_length() + 7) >> 3, "little")
    return state_pb2.Flow(level=level, time_ns=record.time_ns).SerializeToString(deterministic=True)


def decode_flow(_key: bytes, data: bytes) -> Flow:
    """The inverse of `encode_flow`."""
    message = state_pb2.Flow.FromString(data)
    return Flow(int.from_bytes(message.level, "little"), message.time_ns)


@dataclass(slots=True)
class Sweep:
    """How far the stress test of the whole system has come: after which account, since when, how many accounts, and
    what these would owe in each row of `rules.STRESS_ROWS`. `done_...` is what the last whole sweep found, and what all
    insurance funds held then. Quote quanta.
    """

    cursor: bytes = b""
    started_ns: int = 0
    accounts: int = 0
    shortfalls: tuple[int, ...] = ()
    done_ns: int = 0
    done_accounts: int = 0
    done_shortfalls: tuple[int, ...] = ()
    insured_quanta: int = 0
    stamp: int = 0

    def copy(self) -> "Sweep":
        """A copy that may be changed."""
        return replace(self)


SWEPT = tuple(field.name for field in fields(Sweep) if field.name != "stamp")


def encode_sweep(record: Sweep) -> bytes:
    """Deterministic record bytes."""
    values = {name: getattr(record, name) for name in SWEPT}
    return state_pb2.Sweep(**values).SerializeToString(deterministic=True)


def decode_sweep(_key: bytes, data: bytes) -> Sweep:
    """The inverse of `encode_sweep`."""
    message = state_pb2.Sweep.FromString(data)
    values = {name: getattr(message, name) for name in SWEPT}
    values["shortfalls"], values["done_shortfalls"] = tuple(message.shortfalls), tuple(message.done_shortfalls)
    return Sweep(**values)
