"""Standard margin of options: Derive's published cases of SRM, and open orders.

Cases: derivexyz/v2-core at 7736900d, test/risk-managers/unit-tests/StandardManager, test-cases.json and
test-cases-portfolio.json. Those figures hold what an option is worth, which here counts in equity.
"""

from fractions import Fraction

import pytest

from app.kernel.fixed import ONE_Q80
from app.margin import rules
from app.margin.rules import Leg, OptionTerms
from app.pricing import rules as pricing

USD = 1_000_000
S = 1_500 * USD
TERMS = OptionTerms(
    most_ppm=150_000, least_ppm=100_000, call_ppm=75_000, put_ppm=75_000, put_value_ppm=75_000,
    put_offset_ppm=1_050_000, unpaired_ppm=1_200_000, unpaired_maintenance_ppm=1_100_000,
)


FINE = 10**12  # units to a dollar: cases show nine decimals
CASE_FORWARD, CASE_NS = int(Fraction("1500.8332793109938") * FINE), 500_400 * 10**9


def case_leg(lots: int, strike: int, sigma: str, is_call: bool) -> Leg:
    """An option of test-cases.json at its price, in units."""
    spread = pricing.deviation(int(Fraction(sigma) * 10**18), CASE_NS)
    price = (pricing.call if is_call else pricing.put)(CASE_FORWARD, strike * FINE, spread)
    return Leg(lots, price // ONE_Q80, strike * FINE, is_call)


def shown(value: int, text: str) -> bool:
    """Whether a figure in units is the one of nine decimals that is shown, rounded or cut."""
    return abs(Fraction(value, FINE) - Fraction(text)) <= Fraction(1, 10**9)


@pytest.mark.parametrize(("leg", "worth", "maintenance", "initial"), [
    (case_leg(-1, 1_500, "1.04788449408498624", True), "-79.371585189", "-191.871585189", "-304.371585189"),
    (case_leg(-1, 1_900, "1.179993832279", True), "-6.008261836", "-118.508261835", "-156.008261835"),
    (case_leg(-1, 1_300, "1.08318941551", False), "-14.322794294", "-126.822794294", "-164.322794294"),
])
def test_short_alone(leg: Leg, worth: str, maintenance: str, initial: str) -> None:
    """MARG-014: of the published volatility, to the nine decimals shown: the option, both margins with its value."""
    value, asked = leg.lots * leg.mark_quanta, rules.lone_margins(leg, 1_500 * FINE, TERMS)
    assert shown(value, worth)
    assert shown(value - asked[0], initial) and shown(value - asked[1], maintenance)


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


def group(legs: list[Leg], index: int) -> list[int]:
    """Value less initial and less maintenance margin of a group, as MARG-016 has it of nothing but these legs."""
    value = sum(leg.lots * leg.mark_quanta for leg in legs)
    lone = [rules.lone_margins(leg, index, TERMS) for leg in legs]
    calls, lost = sum(leg.lots for leg in legs if leg.is_call), rules.most_loss(value, rules.worst_payoff(legs))
    rates = TERMS.unpaired_ppm, TERMS.unpaired_maintenance_ppm
    return [value - min(sum(one[part] for one in lone), lost + rules.unpaired(calls, index, rates[part]))
            for part in (0, 1)]


def test_call_spread_of_the_cases() -> None:
    """MARG-016: test-cases.json, short a call at 1,100, long one at 1,300: what it can lose binds, 200."""
    legs = [case_leg(-1, 1_100, "1.198874027", True), case_leg(1, 1_300, "1.08318941551", True)]
    assert group(legs, 1_500 * FINE) == [-200 * FINE] * 2
    assert group(legs[:1], 1_500 * FINE)[1] < -200 * FINE


def at_2000(lots: int, strike: int, is_call: bool) -> Leg:
    """An option at a forward of 2,000 and a volatility that gives a put at 2,000 the price of the case of the peg."""
    spread = pricing.implied_deviation(84 * USD * ONE_Q80, 2_000 * USD, 2_000 * USD, False)[1]
    price = (pricing.call if is_call else pricing.put)(2_000 * USD, strike * USD, spread)
    return Leg(lots, price // ONE_Q80, strike * USD, is_call)


@pytest.mark.parametrize(("legs", "initial", "maintenance"), [
    ([at_2000(-1, 100, False)], -100, -100),
    ([at_2000(-1, 1_000, True), at_2000(1, 1_000, False), at_2000(1, 2_000, True), at_2000(-1, 2_000, False)],
     -1_000, -1_000),
    ([at_2000(-1, 1_800, True), at_2000(1, 2_000, True)], -200, -200),
    ([at_2000(1, 2_500, False), at_2000(-1, 3_000, False)], -500, -500),
    ([at_2000(1, 2_500, False), at_2000(-1, 2_400, False)], 0, 0),
    ([at_2000(-1, 2_000, False)], -384, -234),
])
def test_portfolio_cases(legs: list[Leg], initial: int, maintenance: int) -> None:
    """MARG-016: test-cases-portfolio.json at a spot of 2,000: a put with nothing below, a box, spreads, and a put at
    the money. Of the last Derive asks in initial margin 2,496: (0.98 - 0.10) x 1.2 x 2,000 more, because its coin of
    account stands at 0.10. Here accounts are kept in the quote unit itself, so there is no peg to charge for.
    """
    found = group(legs, 2_000 * USD)
    assert [round(Fraction(value, USD)) for value in found] == [initial, maintenance]
    if maintenance == -234:
        assert round(Fraction(found[0], USD) - Fraction("0.88") * Fraction("1.2") * 2_000) == -2_496


def test_nothing_to_lose() -> None:
    """MARG-016, MARG-017."""
    assert rules.worst_payoff([Leg(1, 5, 100, False), Leg(2, 5, 100, True)]) == 0
    assert rules.worst_payoff([]) == 0 == rules.most_loss(5, 7)
    assert rules.unpaired(-3, S, 1_200_000) == 5_400 * USD and rules.unpaired(3, S, 1_200_000) == 0


def test_orders() -> None:
    """MARG-017."""
    assert rules.worse_side(3, 10, 5, 2, 7, -100) == 35
    assert rules.worse_side(3, 10, -5, 2, 7, 100) == 114
    assert rules.worse_side(0, 10, 0, 0, 7, 0) == 0
