"""Published cases of other venues, through the rules, to the digits that they show."""

from fractions import Fraction
from typing import NamedTuple

from mpmath import mp, mpf

from app.kernel.fixed import ONE_Q80, sqrt
from app.kernel.integers import PPM
from app.portfolio import rules
from app.portfolio.rules import DOWN, STEADY, UP, Row, Scan, Terms
from app.pricing import rules as pricing
from app.surface import rules as surface

E12 = 10**12  # prices are given to a millionth of a millionth
SECOND_NS = 10**9

# Derive's PMRM_2 cases (unit-tests/PMRM_2/portfolio_cases, test_12 and test_13): grid and terms as those files say.
GRID = (Row(180_000, UP, PPM), Row(-180_000, UP, PPM)) + tuple(
    Row(spot, volatility, PPM)
    for spot in (135_000, 90_000, 45_000, 0, -45_000, -90_000, -135_000)
    for volatility in (UP, STEADY, DOWN)
)


class Tail(NamedTuple):
    """A far row: its move, and the weight as the file gives it."""

    spot_ppm: int
    weight: Fraction


TAILS = tuple(
    Row(spot_ppm, UP, int(weight * PPM))
    for spot_ppm, weight in (
        (-660_000, Fraction("0.0545454545")),
        (-330_000, Fraction("0.1090909091")),
        (500_000, Fraction("0.072")),
        (1_000_000, Fraction("0.036")),
        (2_000_000, Fraction("0.018")),
        (3_000_000, Fraction("0.012")),
    )
)
RATE_PPM = 150_000
TERMS = Terms(
    rows=GRID + TAILS,
    up_ppm=500_000, down_ppm=275_000, near_power_ppm=300_000, far_power_ppm=130_000,
    shortest_ns=86_400 * SECOND_NS, least_volatility_ppm=450_000,
    skew_ppm=150_000, skew_root_ppm=-50_000, skew_least_ppm=10_000,
    skew_reach_ppm=4 * 600_000, skew_reach_root_ppm=-4 * 100_000,
    basis_up_ppm=45_000, basis_down_ppm=-45_000, basis_ppm=500_000, basis_year_ppm=2_000_000,
    # Longs: 0.95 x e^(-T (r + 0.08)). Shorts are capped there at e^(rT), what cash earns; here cash earns nothing.
    long_ppm=950_000, long_year_ppm=RATE_PPM + 80_000, short_ppm=PPM, short_year_ppm=RATE_PPM,
    linear_maintenance_ppm=20_000, linear_initial_ppm=10_000,  # of a coin that cancels risk
    option_maintenance_ppm=3_000, option_initial_ppm=2_000, offset_ppm=0,
)  # fmt: skip
SPOT, FORWARD, STRIKE = mpf("95663.50604855"), mpf("95776.67392708939"), 100_000
TIME_NS = 794_852 * SECOND_NS


def svi(moneyness: mpf) -> mpf:
    """Total variance of the case's smile."""
    a, b, rho, m, sigma = (mpf(text) for text in (
        "0.002138900837067276", "0.041639765820381208", "-0.290894349076049536", "-0.026351062568175804",
        "0.062563079314213912"))
    away = moneyness - m
    return a + b * (rho * away + mp.sqrt(away * away + sigma * sigma))


def scaled(value: mpf) -> int:
    """A price in units of 10^-12."""
    return int(mp.nint(value * E12))


class Case(NamedTuple):
    """What so many calls and coins come to, in units of 10^-12."""

    value: int
    initial: int
    maintenance: int
    rows: list[int]
    scan: Scan


def case(calls: int, coins: int, stable: str = "1") -> Case:
    """The case through the rules. The chain discounts nothing, so the price of what is discounted by D is that of
    forward and strike times D. A coin is worth its price in the stable coin.
    """
    years = mpf(TIME_NS) / (365 * 86_400 * SECOND_NS)
    discount = mp.exp(-years * RATE_PPM / PPM)
    variance = svi(mp.log(STRIKE / FORWARD)) * years / mpf("0.02520611364789")  # at the case's time, not the curve's
    flat = (int(mp.nint(variance * 10**18)),) * 7
    expiry = rules.expiry_of(0, scaled(FORWARD * discount), TIME_NS, TERMS)
    strike, spread = scaled(STRIKE * discount), sqrt(surface.variance(flat, 0))
    array = rules.array_of(expiry, flat, strike, True)
    value = pricing.worth(calls, pricing.call(expiry.live_quanta, strike, spread))
    coin = coins * scaled(SPOT / mpf(stable))
    rows = rules.weighted_rows(rules.expiry_rows(value, [calls * change for change in array], expiry), coin, TERMS.rows)
    scan = rules.scan_of([rows], [0], 0)
    kept = rules.linear_contingency([coin], TERMS.linear_maintenance_ppm)
    kept += rules.option_contingency([calls], scaled(SPOT), TERMS.option_maintenance_ppm)
    more = rules.linear_contingency([coin], TERMS.linear_initial_ppm)
    more += rules.option_contingency([calls], scaled(SPOT), TERMS.option_initial_ppm)
    return Case(value + coin, rules.requirement(scan.total_e6, PPM, kept + more),
                rules.requirement(scan.total_e6, 800_000, kept), rows, scan)


def near(found: int, shown: str) -> bool:
    """Whether a figure is the one that is shown, within 3 x 10^-11: theirs were summed in doubles, see below."""
    with mp.workdps(50):
        return abs(mpf(found) - mpf(shown) * E12) <= 30


def test_derive_short_call() -> None:
    """PORT-002 to PORT-011: Derive's test_12: value, factors of volatility, rows, basis, both margins."""
    with mp.workdps(50):
        found = case(-1, 0)
    assert near(found.value, "-1186.4185694587657")
    up, down = rules.volatility_factors(TIME_NS, 500_000, 275_000, 300_000, 130_000, 86_400 * SECOND_NS)
    assert (up * 10**15 + ONE_Q80 // 2) // ONE_Q80 == 1_712811375927374
    assert (down * 10**16 + ONE_Q80 // 2) // ONE_Q80 == 6079537432399443
    assert near(found.rows[0], "-12939.312020443322") and found.scan.joint_row == 0
    assert found.rows[len(GRID) + 5] * 10**4 // E12 == -33830434  # shown: -3383.0433
    assert -found.rows[-1] * 10**4 // E12 == 9472098
    assert near(found.value - found.initial, "-14604.04812014482")
    assert near(found.value - found.maintenance, "-11824.858703959073")
    parts = Fraction("-1186.4185694587657") + Fraction("-12939.312020443322") - Fraction("95663.50604855") / 200
    assert abs(found.value - found.initial - parts * E12) <= 2  # what they show of its parts adds up to ours


def test_derive_smile() -> None:
    """PRIC-001: test_12's volatility, from its curve's variance over the curve's own time: to the digits shown."""
    with mp.workdps(50):
        spread = int(mp.sqrt(svi(mp.log(STRIKE / FORWARD)) * 2**160))
    curve_ns = round(Fraction("0.02520611364789") * pricing.YEAR_NS)
    assert abs(pricing.volatility(spread, curve_ns) - 453_803924321583_000) < 10_000


def test_derive_coin_and_two_calls() -> None:
    """PORT-008, PORT-009: Derive's test_13: a coin that cancels risk, charged 2 % and 1 % of what it is worth."""
    with mp.workdps(50):
        found = case(-2, 1, "1.00019088635")
    assert near(found.value - found.initial, "74395.66964312586")
    assert near(found.value - found.maintenance, "78744.92602874589")


def test_span_covered_write() -> None:
    """PORT-010: CME's worked array, a future bought and a call sold: row 13 is the worst, 6,620."""
    call = (460, -610, 2640, 1730, -1270, -2340, 5210, 4540, -2540, -3430, 8060, 7640, -3380, -3990, 3130, -1500)
    future = (0, 0, 3330, 3330, -3330, -3330, 6670, 6670, -6670, -6670, 10_000, 10_000, -10_000, -10_000, 7000, -7000)
    rows = [move - lost for move, lost in zip(future, call, strict=True)]
    scan = rules.scan_of([rows], [PPM], 0)
    assert rules.requirement(scan.total_e6, PPM, 0) == 6_620 and scan.joint_row + 1 == 13
