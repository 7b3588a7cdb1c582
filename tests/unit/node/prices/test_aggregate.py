"""One price from many sources: worked numbers, and what no source can do."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.prices.aggregate import (
    JUMP_MEMORY_NS,
    JumpGuard,
    Quote,
    Terms,
    agreed,
    is_fresh,
    is_sane,
    median,
)

SECOND_NS = 10**9
TERMS = Terms(min_sources=2, max_age_ns=15 * SECOND_NS, agree_ppm=20_000)
LOOSE = Terms(min_sources=1, max_age_ns=SECOND_NS, agree_ppm=10**12)

prices = st.decimals("0.000001", "1000000", places=6)


def decimals(*texts: str) -> list[Decimal]:
    return [Decimal(text) for text in texts]


@pytest.mark.parametrize(
    ("said", "price", "agreeing"),
    [
        ((), None, 0),
        (("46000",), None, 1),  # one source is not enough here
        (("46000", "46010"), "46005", 2),  # even: the mean of the two in the middle
        (("46000", "46010", "46020"), "46010", 3),
        (("46000", "46010", "4600000"), "46010", 2),  # a hundred times too high
        (("46000", "46010", "0.01"), "46000", 2),
        (("46000", "50000"), None, 0),  # they differ: nobody knows who is right
        (("46000", "46000", "92000", "92000"), None, 0),
        (("100", "101", "102", "1000"), "101.5", 3),
        (("45000", "46000", "47000"), None, 1),  # further apart than 2 %
        (("0.1", "0.1", "0.3"), "0.1", 2),
    ],
)
def test_worked_numbers(said: tuple[str, ...], price: str | None, agreeing: int) -> None:
    result = agreed(decimals(*said), TERMS)
    assert result.price == (None if price is None else Decimal(price))
    assert (result.fresh, result.agreeing) == (len(said), agreeing)


@given(honest=st.lists(prices, min_size=2, max_size=2), lie=prices)
def test_one_lying_source_of_three_never_moves_the_price_outside_the_honest_ones(honest: list[Decimal], lie: Decimal,
                                                                                ) -> None:
    for terms in (LOOSE, TERMS):
        price = agreed([*honest, lie], terms).price
        assert price is None or min(honest) <= price <= max(honest)


@given(data=st.data(), liars=st.integers(0, 5))
def test_fewer_liars_than_honest_sources_never_do(data: st.DataObject, liars: int) -> None:
    honest = data.draw(st.lists(prices, min_size=liars + 1, max_size=12))
    lies = data.draw(st.lists(prices, min_size=liars, max_size=liars))
    price = agreed(honest + lies, LOOSE).price
    assert price is not None
    assert min(honest) <= price <= max(honest)


@given(said=st.lists(prices, max_size=9), data=st.data())
def test_the_order_of_sources_changes_nothing(said: list[Decimal], data: st.DataObject) -> None:
    assert agreed(said, TERMS) == agreed(data.draw(st.permutations(said)), TERMS)


@given(said=st.lists(prices, min_size=1, max_size=9))
def test_the_median_has_as_many_on_either_side(said: list[Decimal]) -> None:
    middle = median(said)
    assert sum(price < middle for price in said) <= len(said) / 2
    assert sum(price > middle for price in said) <= len(said) / 2


@pytest.mark.parametrize(
    "text", ["NaN", "sNaN", "Infinity", "-Infinity", "0", "-0", "-1", "1e-13", "1e13", "1E+999999"])
def test_what_no_price_can_be(text: str) -> None:
    assert not is_sane(Decimal(text))


def test_old_quotes_are_not_fresh() -> None:
    quote = Quote(Decimal(1), 10 * SECOND_NS)
    assert is_fresh(quote, 25 * SECOND_NS, 15 * SECOND_NS)
    assert not is_fresh(quote, 25 * SECOND_NS + 1, 15 * SECOND_NS)
    assert is_fresh(quote, 9 * SECOND_NS, 15 * SECOND_NS)


def test_an_absurd_jump_is_not_believed_until_it_has_lasted() -> None:
    guard = JumpGuard()

    def believed(price: str, second: int) -> bool:
        return guard.believed(Quote(Decimal(price), 0), second * SECOND_NS)

    assert believed("100", 0)
    assert believed("300", 1)
    assert believed("100", 2)
    assert not believed("300.1", 3)
    assert not believed("10000", 4)
    assert not believed("33.3", 5)
    assert believed("99", 6)
    assert not believed("9900", 7)
    assert not believed("9900", 66)
    assert believed("9900", 6 + JUMP_MEMORY_NS // SECOND_NS + 1)
    assert believed("9901", 68)
