"""One price of a feed from what its sources say: the median of those that are fresh and sane, if enough of them agree.

All arithmetic is decimal. A source can be late, silent or mad without any harm beyond its own absence.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

PRICE_MIN = Decimal("1e-12")
PRICE_MAX = Decimal("1e12")
JUMP_FACTOR = 3
JUMP_MEMORY_NS = 60 * 10**9


class Quote(NamedTuple):
    """What a source says, and when it was true by the source's word, at the latest when it was received."""

    price: Decimal
    time_ns: int


@dataclass(frozen=True, slots=True)
class Terms:
    """What a feed asks of its sources: so many that agree, none older, `agree_ppm` from the median at most."""

    min_sources: int
    max_age_ns: int
    agree_ppm: int


class Result(NamedTuple):
    """A price, or why there is none. `agreeing` of `fresh` sources were near the median."""

    price: Decimal | None
    fresh: int
    agreeing: int


def is_sane(price: Decimal) -> bool:
    """Whether anything can cost so much: finite, above zero, within twelve orders of magnitude."""
    return price.is_finite() and PRICE_MIN <= price <= PRICE_MAX


def is_fresh(quote: Quote, now_ns: int, max_age_ns: int) -> bool:
    """Whether a quote is young enough. A time in the future counts as now."""
    return now_ns - quote.time_ns <= max_age_ns


def median(prices: Sequence[Decimal]) -> Decimal:
    """The middle one; of an even number the mean of the two in the middle. At least one is needed."""
    ordered = sorted(prices)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def agreed(prices: Sequence[Decimal], terms: Terms) -> Result:
    """The median, if enough sources are near it.

    Sources far from the median count for nothing in that, but are not taken out before the median is made: with them it
    lies between the honest ones as long as these are more than half, without some of them it might not.
    """
    if not prices:
        return Result(None, 0, 0)
    middle = median(prices)
    reach = middle * terms.agree_ppm / 1_000_000
    agreeing = sum(abs(price - middle) <= reach for price in prices)
    return Result(middle if agreeing >= terms.min_sources else None, len(prices), agreeing)


def is_jump(before: Decimal, after: Decimal) -> bool:
    """Whether a price more than tripled, or fell to less than a third."""
    return after > before * JUMP_FACTOR or before > after * JUMP_FACTOR


class JumpGuard:
    """Does not believe a source that triples or falls to a third from one minute to the next.

    A source that stays there is believed after that minute: the others of its feed may still outvote it.
    """

    def __init__(self) -> None:
        self._last: Quote | None = None

    def believed(self, quote: Quote, now_ns: int) -> bool:
        """Whether to use the quote; if so it becomes what the next one is compared with."""
        last = self._last
        if last is not None and now_ns - last.time_ns <= JUMP_MEMORY_NS and is_jump(last.price, quote.price):
            return False
        self._last = Quote(quote.price, now_ns)
        return True
