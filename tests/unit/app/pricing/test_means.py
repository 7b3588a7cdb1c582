"""Options on a mean, what they pay, and prices in lots."""

import pytest

from app.kernel.fixed import BITS, ONE_Q80, exp, ln, sqrt
from app.pricing import rules
from app.surface.rules import convex_slice

FLAT = convex_slice((19_178_082,) * 7)  # 100 % over 7 days


def test_pric_013_one_on_the_rest_with_what_is_left_of_the_strike() -> None:
    """PRIC-013: fixed and live together; parity holds to the unit; with nothing left of the strike it is intrinsic."""
    live, fixed, strike = 658_333_333, 1_300_000_000, 2_000_000_000
    call, put = (rules.option_price(fixed, live, strike, is_call, FLAT) for is_call in (True, False))
    assert call - put == (fixed + live - strike) << BITS
    assert call == rules.option_price(0, live, strike - fixed, True, FLAT) > 0
    assert rules.option_price(2_100, 7, 2_000, True, FLAT) == 107 << BITS
    assert rules.option_price(2_100, 7, 2_000, False, FLAT) == 0
    assert rules.option_price(1_900, 0, 2_000, False, FLAT) == 100 << BITS
    assert rules.option_price(1_900, 0, 2_000, True, FLAT) == 0


def test_pric_013_is_black_76_where_nothing_is_fixed() -> None:
    """PRIC-013: F = K = 1,500 with 100 % over 7 days is PRIC-005's number, as near as nine digits of variance are."""
    price = rules.option_price(0, 1_500_000_000, 1_500_000_000, True, FLAT)
    assert abs((price >> BITS) - 82_805_080) < 10


def test_pric_013_the_deviation_is_that_of_the_strike() -> None:
    """PRIC-013: of a slice with a tilt, each strike has the variance of its own side, of what still moves."""
    tilted = convex_slice((60_000_000, 40_000_000, 30_000_000, 27_000_000, 25_000_000, 24_000_000, 23_900_000))
    live, fixed = 1_000_000_000, 500_000_000
    for strike, variance_e18 in ((live * exp(3 * ONE_Q80 // 10) >> BITS, tilted[5]),
                                 (live * exp(-3 * ONE_Q80 // 10) >> BITS, tilted[1])):
        exact = rules.call(live, strike, sqrt(variance_e18 * ONE_Q80 // 10**18))
        found = rules.option_price(fixed, live, fixed + strike, True, tilted, ln(live, 0))
        assert abs(found - exact) < ONE_Q80, strike


@pytest.mark.parametrize(("mean", "call", "put"), [(47_000, 500, 0), (46_500, 0, 0), (40_000, 0, 6_500)])
def test_pric_014_what_an_option_pays(mean: int, call: int, put: int) -> None:
    """PRIC-014: what it is in the money."""
    assert rules.payoff(mean, 46_500, True) == call
    assert rules.payoff(mean, 46_500, False) == put


def test_pric_015_units_in_lots() -> None:
    """PRIC-015: 46,000 USD with six decimals and a lot of 0.01; rounded down."""
    assert rules.in_lots(46_000_000_000 * 10**9, 1, 100) == 460_000_000
    assert rules.in_lots(199 * 10**9, 1, 100) == 1
