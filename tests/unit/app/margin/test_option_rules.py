"""Standard margin of options: Derive's published cases of SRM, and open orders."""

import pytest

from app.margin import rules
from app.margin.rules import Leg, OptionTerms

USD = 1_000_000
S = 1_500 * USD
TERMS = OptionTerms(
    most_ppm=150_000, least_ppm=100_000, call_ppm=75_000, put_ppm=75_000, put_value_ppm=75_000,
    put_offset_ppm=1_050_000, unpaired_ppm=1_200_000, unpaired_maintenance_ppm=1_100_000,
)


@pytest.mark.parametrize(("leg", "initial", "maintenance"), [
    (Leg(-1, 79_371585, 1_500 * USD, True), -304_371585, -191_871585),
    (Leg(-1, 6_008262, 1_900 * USD, True), -156_008262, -118_508262),
    (Leg(-1, 14_322794, 1_300 * USD, False), -164_322794, -126_822794),
])
def test_short_alone(leg: Leg, initial: int, maintenance: int) -> None:
    """MARG-014: to the digits shown, with the value that equity counts."""
    value = leg.lots * leg.mark_quanta
    asked = rules.lone_margins(leg, S, TERMS)
    assert (value - asked[0], value - asked[1]) == (initial, maintenance)


def test_deep_put() -> None:
    """MARG-014: a put asks for a part of what it is worth, and of that and maintenance margin."""
    leg = Leg(-1, 2_000 * USD, 3_500 * USD, False)
    assert rules.lone_margins(leg, S, TERMS) == (257_500000, 150_000000)
    assert rules.short_maintenance(leg.mark_quanta, S, False, 75_000, 75_000, 75_000) == 150 * USD * USD
    assert rules.short_initial(leg, S, TERMS) == 257_500000 * USD


def test_both_margins_are_rounded_up_once() -> None:
    """MARG-014: 3 lots at an index of 1,001: 450.45 and 225.225 quanta."""
    assert rules.lone_margins(Leg(-3, 5, 900, True), 1_001, TERMS) == (451, 226)
    assert rules.lone_margins(Leg(-1, 5, 900, True), 1_001, TERMS) == (151, 76)


def test_long_alone() -> None:
    """MARG-015."""
    assert rules.lone_margins(Leg(3, 79_371585, S, True), S, TERMS) == (238_114755, 238_114755)


def test_groups() -> None:
    """MARG-016: what can be lost, with the value: 200, 100, 1,000."""
    spread = [Leg(-1, 403 * USD, 1_100 * USD, True), Leg(1, 219 * USD, 1_300 * USD, True)]
    put = [Leg(-1, 1, 100 * USD, False)]
    box = [Leg(-1, 500 * USD, 1_000 * USD, True), Leg(1, 1, 1_000 * USD, False), Leg(1, 1, 2_000 * USD, True),
           Leg(-1, 500 * USD, 2_000 * USD, False)]
    for legs, most in ((spread, 200), (put, 100), (box, 1_000)):
        value = sum(leg.lots * leg.mark_quanta for leg in legs)
        assert value - rules.most_loss(value, rules.worst_payoff(legs)) == -most * USD
    assert rules.worst_payoff([Leg(1, 5, 100, False), Leg(2, 5, 100, True)]) == 0
    assert rules.worst_payoff([]) == 0 == rules.most_loss(5, 7)
    assert rules.unpaired(-3, S, 1_200_000) == 5_400 * USD and rules.unpaired(3, S, 1_200_000) == 0


def test_orders() -> None:
    """MARG-017."""
    assert rules.worse_side(3, 10, 5, 2, 7, -100) == 35
    assert rules.worse_side(3, 10, -5, 2, 7, 100) == 114
    assert rules.worse_side(0, 10, 0, 0, 7, 0) == 0
