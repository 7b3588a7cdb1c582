"""PRIC-012 at every joint of the tables: wherever a price goes on with another cell of the normal tail or of the
logarithm, it does not turn back, in forward, strike, deviation, volatility or time.
"""

from collections.abc import Callable
from math import isqrt
from random import Random

import pytest

from app.kernel.fixed import BITS, exp
from app.pricing import rules

TOP = (1 << 64) - 1
CELLS = 4_097  # of the tail; beyond the last one there is nothing
WIDTH = 1 << BITS - 8
MOST_APART = 44 << BITS  # of two prices
FINE = 200


def prices(forward: int, strike: int, deviation: int) -> tuple[int, int]:
    """Call and put."""
    apart = rules.distance(forward, strike)
    return rules.call_put(forward, strike, rules.time_value(forward, strike, apart, deviation))


def over(both: Callable[[int], tuple[int, int]], at: int, most: int, call_rises: bool, put_rises: bool) -> None:
    """Around `at` neither call nor put turns back."""
    found = [both(min(most, max(0, at + step))) for step in (-2, -1, 0, 1, 2)]
    for side, rises in enumerate((call_rises, put_rises)):
        one = [pair[side] for pair in found]
        assert one == sorted(one, reverse=not rises), at


def over_prices(forward: int, strike: int, deviation: int) -> None:
    """Over the forward and over the strike."""
    over(lambda value: prices(value, strike, deviation), forward, TOP, True, False)
    over(lambda value: prices(forward, value, deviation), strike, TOP, False, True)


def over_deviations(forward: int, strike: int, at: int) -> None:
    """Over the deviation, and over a volatility or a time that has it."""
    over(lambda value: prices(forward, strike, value), at, 1 << 90, True, True)
    time_ns = 10 ** (3 + at % 16)
    volatility = rules.volatility(at, time_ns)
    if at & 1:
        over(lambda value: prices(forward, strike, rules.deviation(value, time_ns)), volatility, 1 << 200, True, True)
    else:
        over(lambda value: prices(forward, strike, rules.deviation(volatility, value)), time_ns, 1 << 64, True, True)


def pair(apart: int, random: Random, turned: bool) -> tuple[int, int]:
    """Two prices so far from one another, as great as there are."""
    high = TOP - random.getrandbits(60)
    low = max(1, (high << FINE) // exp(apart, FINE))
    return (high, low) if turned else (low, high)


def deviation_at(apart: int, edge: int, sign: int, about: int) -> int:
    """The deviation at which apart / deviation + sign x deviation / 2 is `edge`: of the two the one near `about`."""
    root = isqrt(max(0, edge * edge - 2 * sign * (apart << BITS)))
    found = [sign * edge - root, sign * edge + root]
    return max(1, min(found, key=lambda one: abs(one - about)))


def cell(apart: int, deviation: int, sign: int) -> int:
    """Which cell of the tail the price reads."""
    return abs((apart << BITS) // deviation + sign * (deviation >> 1)) + WIDTH // 2 >> BITS - 8


@pytest.mark.parametrize(("sign", "turn"), [(-1, 1), (-1, -1), (1, 1)], ids=["near", "near, below 0", "far"])
def test_every_joint_of_the_tail(sign: int, turn: int) -> None:
    """PRIC-012: the end of each cell, met by the nearer or the farther tail, with deviations of all sizes that do."""
    random, met = Random(100 * sign + turn), 0
    for node in range(CELLS):
        edge = turn * (node * WIDTH + WIDTH // 2)
        deviation = random.getrandbits(random.choice((60, 70, 74, 77, 79, 80, 82))) | 1
        if turn < 0:
            deviation -= 2 * edge
        elif sign > 0:
            deviation = deviation % (2 * edge) | 1
        elif (edge + deviation // 2) * deviation >> BITS > MOST_APART:
            deviation = (MOST_APART << BITS) // (edge + (8 << BITS))
        apart = min(MOST_APART, (edge - sign * (deviation >> 1)) * deviation >> BITS)
        forward, strike = pair(apart, random, turned=bool(node % 2))
        over_prices(forward, strike, deviation)
        apart = abs(rules.distance(forward, strike))
        at = deviation_at(apart, edge, sign, deviation)
        over_deviations(forward, strike, at)
        met += cell(apart, max(1, at - 2), sign) != cell(apart, at + 2, sign)
    assert met > 4_000  # where a deviation is twice the distance over itself the far tail hardly moves


def test_every_joint_of_the_logarithm() -> None:
    """PRIC-012: of prices of all lengths, as forward and as strike."""
    random = Random(9)
    for length in range(9, 65, 5):
        for part in range(256, 512):
            price, deviation = part << length >> 9, random.getrandbits(random.choice((70, 76, 79, 81))) | 1
            other = max(1, min(TOP, price * exp(random.randrange(-3 * deviation, 3 * deviation)) >> BITS))
            over_prices(price, other, deviation)
            over_prices(other, price, deviation)
