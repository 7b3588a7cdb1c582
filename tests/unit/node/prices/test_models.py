"""Prices of test networks are functions of wall time: every node that asks gets the same, whenever it started."""

import math
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.prices.bars import Bar, PricesError, read_bars
from node.prices.chance import uniform
from node.prices.models import replay, static, volatile, walk

SECOND_NS = 10**9
START = Decimal(46_000)


def test_a_replay_goes_straight_between_rows_and_turns_at_the_ends(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("time,price\n0,10\n10,20\n30,40\n")
    price = replay(read_bars(tmp_path / "p.csv"), 10.0)
    found = [price(step * SECOND_NS // 2) for step in range(14)]
    assert found == [10, 15, 20, 25, 30, 35, 40, 35, 30, 25, 20, 15, 10, 15]


def test_a_replay_needs_two_prices() -> None:
    with pytest.raises(PricesError, match="two prices"):
        replay([Bar(0.0, Decimal(1))], 1.0)


@given(elapsed_ns=st.integers(-10**18, 10**20), speed=st.floats(0.001, 100_000.0))
def test_a_replay_never_leaves_the_prices_of_its_file(elapsed_ns: int, speed: float) -> None:
    bars = [Bar(0.0, Decimal(10)), Bar(1.0, Decimal(30)), Bar(7.5, Decimal(20))]
    assert 10 <= replay(bars, speed)(elapsed_ns) <= 30


def test_a_walk_is_the_same_for_the_same_seed_at_the_same_time_and_begins_at_its_start() -> None:
    one, again, other = walk(START, "1"), walk(START, "1"), walk(START, "2")
    moments = [step * SECOND_NS // 3 for step in range(300)]
    path = [one(moment) for moment in moments]
    assert path[0] == START
    assert [again(moment) for moment in reversed(moments)] == path[::-1]
    assert [other(moment) for moment in moments] != path


def test_a_walk_moves_as_a_price_does() -> None:
    """About 0.04 % in a second, more in a longer time, near its start after days."""
    price = walk(START, "1")
    path = [float(price(second * SECOND_NS)) for second in range(8_000)]

    def spread(step: int) -> float:
        changes = [math.log(after / before) for before, after in zip(path, path[step:], strict=False)]
        return math.sqrt(sum(change * change for change in changes) / len(changes))

    assert 0.0002 < spread(1) < 0.0006
    assert 2 < spread(16) / spread(1) < 8
    assert all(abs(float(price(day * 86_400 * SECOND_NS)) / 46_000 - 1) < 0.25 for day in range(100))


def test_static_and_volatile() -> None:
    assert static(START)(0) == static(START)(10**20) == 46_000
    swing = volatile(START)
    assert swing(0) == START
    assert swing(15 * SECOND_NS) == START * Decimal("1.3")
    assert swing(45 * SECOND_NS) == START * Decimal("0.7")
    assert swing(60 * SECOND_NS) == START


def test_chance_is_even_and_never_forgets() -> None:
    numbers = [uniform("a", index) for index in range(10_000)]
    assert all(-1 <= number < 1 for number in numbers)
    assert abs(sum(numbers) / len(numbers)) < 0.02
    assert uniform("a", 1) == numbers[1]
    assert uniform("a", 12) != uniform("a1", 2)
