"""Prices for test networks: functions of wall time alone, so that the feeders of all nodes agree, whenever each of them
started. `elapsed_ns` is the time since the common start of the network.
"""

import math
from bisect import bisect_right
from collections.abc import Callable
from decimal import Decimal

from node.prices.bars import Bar, PricesError
from node.prices.chance import uniform

Model = Callable[[int], Decimal]

WALK_OCTAVES = 12  # waves of 2, 4, 8 ... seconds, up to about an hour
WALK_SIZE = 0.0005  # of the wave of one second; wave by wave it grows with the root of its length
VOLATILE_SWING = 0.3
VOLATILE_PERIOD_NS = 60 * 10**9
SECOND_NS = 10**9


def static(price: Decimal) -> Model:
    """Always the same price."""
    return lambda _: price


def walk(start: Decimal, seed: str) -> Model:
    """Prices that wander around `start`, first `start` itself: about 0.04 % in a second, 3 % in hours.

    A sum of waves through numbers by chance, each as large as the root of its length: looks like a random walk at every
    scale, needs no memory, and never goes further than a quarter.
    """
    def level(elapsed_ns: int) -> float:
        return sum(_wave(seed, octave, elapsed_ns) for octave in range(1, WALK_OCTAVES + 1))

    origin = level(0)
    return lambda elapsed_ns: _scaled(start, math.exp(level(elapsed_ns) - origin))


def _wave(seed: str, octave: int, elapsed_ns: int) -> float:
    """Straight lines between numbers by chance, one every 2^octave seconds."""
    index, rest_ns = divmod(elapsed_ns, SECOND_NS << octave)
    share = rest_ns / (SECOND_NS << octave)
    left, right = uniform(seed, octave, index), uniform(seed, octave, index + 1)
    return WALK_SIZE * math.sqrt(1 << octave) * (left + (right - left) * share)


def volatile(start: Decimal) -> Model:
    """Swings of 30 % around `start`, up and down within a minute."""
    def price(elapsed_ns: int) -> Decimal:
        phase = (elapsed_ns % VOLATILE_PERIOD_NS) / VOLATILE_PERIOD_NS
        return _scaled(start, 1.0 + VOLATILE_SWING * math.sin(2 * math.pi * phase))

    return price


def _scaled(start: Decimal, ratio: float) -> Decimal:
    return start * Decimal(repr(round(ratio, 8)))


def replay(bars: list[Bar], speed: float) -> Model:
    """The prices of `bars`, `speed` seconds of their own time a second, straight lines between rows.

    After the last row it runs backwards and forwards again, so that it never ends and never jumps.
    """
    if len(bars) < 2:
        raise PricesError("a replay needs at least two prices")
    times = [bar.time_s for bar in bars]
    span_s = times[-1] - times[0]

    def price(elapsed_ns: int) -> Decimal:
        folded_s = (elapsed_ns / SECOND_NS * speed) % (2 * span_s)
        at_s = times[0] + min(folded_s, 2 * span_s - folded_s)
        index = min(max(bisect_right(times, at_s) - 1, 0), len(bars) - 2)
        return _between(bars[index], bars[index + 1], at_s)

    return price


def _between(left: Bar, right: Bar, at_s: float) -> Decimal:
    share = Decimal(repr(round((at_s - left.time_s) / (right.time_s - left.time_s), 6)))
    return left.price + (right.price - left.price) * share
