"""Figures that others published, where their formula is ours. Prices are met to what their own kernel keeps of the
digits; where mpmath gives more, ours has those.

Black-76: derivexyz/lyra-utils, test/math/Black76.t.sol at 759e962, met to 1e-12 there. SVI: test/math/SVI.t.sol of the
same. Short options and portfolios: derivexyz/v2-core at 7736900d, test/risk-managers/unit-tests.
"""

from fractions import Fraction

import mpmath
import pytest
from mpmath import mp, mpf

from app.kernel.fixed import ONE_Q80
from app.pricing import rules

UNIT = 10**13  # quanta to a dollar: the published prices have more digits than the chain's
SECOND_NS = 10**9
DAY_NS = 86_400 * SECOND_NS


def units(dollars: str) -> int:
    """Dollars in units; exact."""
    exact = Fraction(dollars) * UNIT
    assert exact.denominator == 1
    return int(exact)


def dollars(price_q80: int) -> Fraction:
    """A price in dollars."""
    return Fraction(price_q80, ONE_Q80 * UNIT)


def volatility(text: str) -> int:
    """A volatility times 10^18."""
    return int(Fraction(text) * 10**18)


@pytest.mark.parametrize(("forward", "strike", "days", "sigma", "discount", "call", "put"), [
    ("1500", "1500", 7, "1", "1", "82.8050806686345595", "82.8050806686345595"),
    ("1000", "1200", 30, "0.25", "0.9991784198737006", "0.137082128426579297", "199.972766103166719631"),
    ("1000", "700", 2, "0.75", "0.9998904169635637", "299.967125089526177817", "0.00000000045708468"),
    ("1000", "700", 365, "5", "0.9801986733067553", "970.034553583819047162", "675.974951591792546424"),
    ("1000", "700", 365, "25", "0.9801986733067553", "980.1986733067553", "686.13907131472871"),
])
def test_black_76(forward: str, strike: str, days: int, sigma: str, discount: str, call: str, put: str) -> None:
    """PRIC-005: to 1e-12 of theirs, after their discount. They take a deviation of 25 for the bounds."""
    ours = (units(forward), units(strike), rules.deviation(volatility(sigma), days * DAY_NS))
    assert abs(dollars(rules.call(*ours)) * Fraction(discount) - Fraction(call)) < Fraction(1, 10**12)
    assert abs(dollars(rules.put(*ours)) * Fraction(discount) - Fraction(put)) < Fraction(1, 10**12)
    if sigma == "25":
        assert 0 < units(forward) - Fraction(rules.call(*ours), ONE_Q80) < Fraction(1, 10**16)


@pytest.mark.parametrize(("forward", "strike", "days", "sigma", "call"), [
    ("1500", "1500", 7, "1", "82.80508066863450346889"),  # 82.805080668634503468898200...
    ("1000", "1200", 30, "0.25", "0.13719484498464375659"),
    ("1000", "700", 2, "0.75", "300.00000000045717404154"),
    ("1000", "700", 365, "5", "989.63055143846808974246"),
])
def test_black_76_to_twenty_digits(forward: str, strike: str, days: int, sigma: str, call: str) -> None:
    """PRIC-011: the same before discount, with the digits of mpmath, the last rounded down."""
    found = dollars(rules.call(units(forward), units(strike), rules.deviation(volatility(sigma), days * DAY_NS)))
    assert abs(found - Fraction(call) - Fraction(1, 2 * 10**20)) < Fraction(1, 10**20)


@pytest.mark.parametrize(("strike", "sigma", "is_call", "value"), [
    ("1500", "1.04788449408498624", True, "79.371585189"),
    ("1900", "1.179993832279", True, "6.008261836"),
    ("1300", "1.08318941551", False, "14.322794294"),
])
def test_options_of_the_standard_margin_cases(strike: str, sigma: str, is_call: bool, value: str) -> None:
    """PRIC-005: test-cases.json, F 1500.8332793109938, 500,400 s: to the unit of the digits shown."""
    price = rules.call if is_call else rules.put
    found = dollars(price(units("1500.8332793109938"), units(strike),
                          rules.deviation(volatility(sigma), 500_400 * SECOND_NS)))
    assert round(found, 8) == round(Fraction(value), 8)


def test_option_of_a_portfolio_case() -> None:
    """PRIC-005: test_12 of portfolio_cases: one call of 100,000 on 95,776.67392708939, discounted at 15 % a year."""
    spread = rules.deviation(volatility("0.453803924321583"), 794_852 * SECOND_NS)
    found = dollars(rules.call(units("95776.67392708939"), units("100000"), spread))
    with mp.workdps(50):
        worth = mpf(found.numerator) / found.denominator * mpmath.exp(-mpf("0.15") * 794_852 / 31_536_000)
        assert abs(worth - mpf("1186.4185694587657")) < 5e-9  # their volatility is itself rounded


def distance_of(terms: dict[str, str], strike: str, forward: str) -> mpf:
    """The log-moneyness, kept within four deviations at the money as they do."""
    most = 4 * mpmath.sqrt(mpf(terms["a"]) + mpf(terms["b"]) * mpf(terms["sigma"]))
    return max(-most, min(most, mpmath.log(mpf(strike) / mpf(forward))))


def svi(terms: dict[str, str], strike: str, forward: str) -> mpf:
    """Total variance by SVI at that log-moneyness."""
    a, b, rho, m, sigma = (mpf(terms[name]) for name in ("a", "b", "rho", "m", "sigma"))
    k = distance_of(terms, strike, forward)
    return a + b * (rho * (k - m) + mpmath.sqrt((k - m) ** 2 + sigma**2))


SHORT = {"a": "0.027616438356164386", "b": "0.041424657534246574", "rho": "0.003452054794520548",
         "m": "0.001726027397260274", "sigma": "0.000345205479452055"}
WIDE = {"a": "0.01", "b": "0.01", "rho": "-0.04", "m": "0.03", "sigma": "0.05"}


@pytest.mark.parametrize(("terms", "years", "forward", "strike", "sigma", "places"), [
    (SHORT, "0.0383561643835616", "1805", "1500", "0.9597244734120128", 14),
    (SHORT, "0.0383561643835616", "1805", "1800", "0.8513856076969522", 14),
    (SHORT, "0.0383561643835616", "1805", "2100", "0.939244986304054", 14),
    (SHORT, "0.0383561643835616", "1805", "2400", "1.0133571334275668", 14),
    (WIDE, "0.03287671232", "2000", "2000000", "0.645048", 6),  # at their k of 0.409878 and -0.409878
    (WIDE, "0.03287671232", "2000", "1", "0.666465", 6),
])
def test_svi_as_total_variance(terms: dict[str, str], years: str, forward: str, strike: str, sigma: str,
                               places: int) -> None:
    """PRIC-001: a curve's total variance is a deviation squared, and gives back the published volatility."""
    with mp.workdps(50):
        spread = int(mpmath.floor(mpmath.sqrt(svi(terms, strike, forward)) * mpf(2) ** 80))
        found = rules.volatility(spread, round(Fraction(years) * rules.YEAR_NS))
        assert abs(Fraction(found, 10**18) - Fraction(sigma)) <= Fraction(1, 10**places)


@pytest.mark.parametrize(("strike", "k"), [("2000000", "0.409878"), ("1", "-0.409878")])
def test_far_strikes_of_svi_count_no_farther(strike: str, k: str) -> None:
    """SURF-003: theirs keep k within four deviations at the money; ours let the wing go on (test_surface.py)."""
    with mp.workdps(50):
        at = distance_of(WIDE, strike, "2000")
        assert abs(at - mpf(k)) < mpf("5e-7")
