"""Breakers: what has tripped, one record a scope, which is a market or (CHAIN) the whole chain."""

from dataclasses import dataclass
from typing import NamedTuple

CHAIN = 0

# kinds
HALT = 1
OPEN_INTEREST = 2

# reasons
MOVE = 1
FILL_BAND = 2
CAP = 3


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
