"""Rows, arrays and requirements: the README's worked numbers."""

import pytest

from app.kernel.fixed import ONE_Q80, ln, sqrt
from app.kernel.integers import PPM
from app.portfolio import rules
from app.portfolio.rules import DOWN, STEADY, UP, Row
from app.portfolio.types import DEFAULT, ROWS
from app.pricing import rules as pricing
from app.pricing.rules import DAY_NS, YEAR_NS
from app.surface import rules as surface

F = 50_000_000
SLICE = (7_000_000_000_000_000,) * 7
WEEK_NS = 7 * DAY_NS
EXPIRY = rules.expiry_of(0, F, WEEK_NS, DEFAULT)
FACTORS = (DEFAULT.up_ppm, DEFAULT.down_ppm, DEFAULT.near_power_ppm, DEFAULT.far_power_ppm, DEFAULT.shortest_ns)
SKEW = (DEFAULT.skew_ppm, DEFAULT.skew_root_ppm, DEFAULT.skew_least_ppm, DEFAULT.skew_reach_ppm,
        DEFAULT.skew_reach_root_ppm)
HIGH, LOW, STILL, MOST = 0, 1, 12, 30  # the rows of +18 %, -18 %, no move, +500 %


def digits(value_q80: int) -> int:
    """In millionths, rounded down."""
    return value_q80 * PPM >> 80


def mark(strike: int) -> int:
    """What a lot of the call is worth now."""
    return pricing.worth(1, pricing.call(F, strike, sqrt(surface.variance(SLICE, ln(strike, 0) - ln(F, 0)))))


def rows_of(lots: int, linear_lots: int = 0, strike: int = F) -> tuple[int, list[int]]:
    """(value, weighted rows) of so many calls and of a linear market."""
    array, value = rules.array_of(EXPIRY, SLICE, strike, True), lots * mark(strike)
    found = rules.expiry_rows(value, [lots * change for change in array], EXPIRY)
    return value, rules.weighted_rows(found, linear_lots * F, ROWS)


def margins(rows: list[int], lots: int, linear_lots: int = 0) -> tuple[int, int]:
    """(initial, maintenance) of one underlying."""
    total, values = rules.scan_of([rows], [DEFAULT.offset_ppm], 0).total_e6, [linear_lots * F]
    kept = rules.linear_contingency(values, DEFAULT.linear_maintenance_ppm) + rules.option_contingency(
        [lots], F, DEFAULT.option_maintenance_ppm)
    more = rules.linear_contingency(values, DEFAULT.linear_initial_ppm) + rules.option_contingency(
        [lots], F, DEFAULT.option_initial_ppm)
    return rules.requirement(total, PPM, kept + more), rules.requirement(total, 800_000, kept)


def test_rows() -> None:
    """PORT-001: 33 with the skews, of which three have no move; what a basis needs is there."""
    assert len(ROWS) + rules.SKEWS == 33
    assert rules.steady_row(ROWS, 0) == STILL and ROWS[STILL] == Row(0, STEADY, PPM)
    assert [ROWS[row].spot_ppm for row in EXPIRY.basis_rows] == [45_000, -45_000]
    assert rules.steady_row(ROWS, 1) == rules.steady_row(ROWS, 180_000) == -1
    assert ROWS[HIGH] == Row(180_000, UP, PPM) and ROWS[MOST] == Row(5_000_000, UP, 27_720)
    assert {row.weight_ppm for row in ROWS[:MOST - 7]} == {PPM}
    assert [(row.spot_ppm, row.weight_ppm, row.volatility) for row in ROWS[MOST - 7:]] == [
        (-660_000, 210_000, UP), (-330_000, 420_000, UP), (500_000, 277_200, UP), (1_000_000, 138_600, UP),
        (2_000_000, 69_300, UP), (3_000_000, 46_200, UP), (4_000_000, 34_650, UP), (5_000_000, 27_720, UP)]


@pytest.mark.parametrize("name", ["short_q80", "basis_q80"])
def test_an_anchor_counts_by_the_greatest_factor(name: str) -> None:
    """HLTH-005: a row moves by 10; where it is multiplied by 1.2, then or now, that is 12; where by less than 1, 10."""
    was, now = [0] * 33, [0] * 32 + [10 * ONE_Q80]
    flat = EXPIRY._replace(long_q80=0, short_q80=0, basis_q80=0)
    stern = flat._replace(**{name: 6 * ONE_Q80 // 5 - 1})
    assert rules.anchor_distance((flat, was), (flat, now), 7) == 10
    assert rules.anchor_distance((stern, was), (stern, now), 7) == 12
    assert rules.anchor_distance((stern, was), (flat, now), 10**6) == 10**6 * 6 // 5 + 12
    assert rules.anchor_distance((flat, now), (stern, was), 10**6) >= 10**6 * 6 // 5 + 12


@pytest.mark.parametrize("name", ["long_q80", "short_q80", "basis_q80"])
def test_an_anchor_counts_what_its_factors_change(name: str) -> None:
    """HLTH-005: a factor that changes by a twentieth: of all that a lot is worth at best, mark and row: 100 and 40."""
    array = [0] * 32 + [-40 * ONE_Q80]
    later = EXPIRY._replace(**{name: getattr(EXPIRY, name) + ONE_Q80 // 20})
    assert rules.anchor_distance((EXPIRY, array), (later, array), 100) == 7
    assert rules.anchor_distance((later, array), (EXPIRY, array), 100) == 7


def test_nothing_lost_is_no_credit() -> None:
    """PORT-010: underlyings that gain in every row ask for nothing and are given nothing."""
    assert rules.scan_of([[5, 7], [3, 2]], [400_000, 400_000], 10**9)[:2] == (0, 0)


def test_volatility() -> None:
    """PORT-002: by time, and at least 40 %."""
    shown = {7: (1_773707, 535775), 30: (1_500000, 699999), 180: (1_396105, 762336)}
    for days, factors in shown.items():
        assert tuple(digits(value) for value in rules.volatility_factors(days * DAY_NS, *FACTORS)) == factors
    assert rules.volatility_factors(DAY_NS, *FACTORS) == rules.volatility_factors(0, *FACTORS)
    assert rules.volatility_factors(0, 0, 5_000_000, PPM, PPM, DAY_NS) == (ONE_Q80, 0)
    calm = (10**12,) * 7  # 0.7 % a year
    least, now = 400_000 * sqrt((WEEK_NS << 80) // YEAR_NS) // PPM, sqrt(10**12 * ONE_Q80 // 10**18)
    raised = rules.array_of(EXPIRY, calm, F, True)[STILL - 1]
    assert raised == pricing.call(F, F, least) - pricing.call(F, F, now)


def test_fixed_part() -> None:
    """PORT-003: half of the forward is known: the other half moves."""
    half = rules.expiry_of(F // 2, F // 2, 300 * 10**9, DEFAULT)
    whole = rules.expiry_of(0, F // 2, 300 * 10**9, DEFAULT)
    assert rules.array_of(half, SLICE, F, True) == rules.array_of(whole, SLICE, F // 2, True)
    below = F // 2 - 1
    forward = [change >> 80 for change in rules.array_of(half, SLICE, below, True)]
    assert forward[:3] == [4_500_000, -4_500_000, 3_375_000]
    assert set(rules.array_of(half, SLICE, below, False)) == {0}
    over = rules.expiry_of(F, 0, 0, DEFAULT)
    assert {tuple(rules.array_of(over, SLICE, F, side)) for side in (True, False)} == {(0,) * 33}


def test_skew() -> None:
    """PORT-004."""
    most, reach = rules.skew_limits(WEEK_NS, *SKEW)
    assert (digits(most), digits(reach)) == (143075, 324692)
    assert digits(rules.skewed(ONE_Q80, -ONE_Q80 // 10, most, reach)) == 955935
    assert rules.skewed(ONE_Q80, ONE_Q80, most, reach) == ONE_Q80 + most
    assert rules.skewed(ONE_Q80, -ONE_Q80, most, reach) == ONE_Q80 - most
    assert rules.skew_limits(0, *SKEW) == ((150_000 << 80) // PPM, (10_000 << 80) // PPM)
    assert rules.skew_limits(10 * YEAR_NS, *SKEW)[0] == 0
    low, high = (rules.array_of(EXPIRY, SLICE, strike, True)[-2:] for strike in (45_000_000, 55_000_000))
    assert low[0] < 0 < low[1] and high[0] == high[1] > 0
    assert rows_of(10, strike=55_000_000)[1][-3:-1] == rows_of(-10, strike=55_000_000)[1][-3:-1] == [-394_069, -394_069]


def test_arrays() -> None:
    """PORT-005."""
    assert (mark(F), mark(55_000_000)) == (1_668_408, 278_310)
    array = rules.array_of(EXPIRY, SLICE, F, True)
    assert [array[row] >> 80 for row in (HIGH, LOW, STILL, MOST)] == [7_867_141, -1_386_506, 0, 248_331_591]
    assert len(array) == 33


def test_basis_and_discounts() -> None:
    """PORT-006, PORT-007."""
    assert digits(EXPIRY.basis_q80) == 538_356
    assert rows_of(-10)[1][-1] == -7_500_105
    long, short = rules.static_discounts(WEEK_NS, 950_000, 80_000, PPM, 0)
    assert (digits(long), short) == (948543, ONE_Q80)
    assert rules.static_discounts(0, 950_000, 80_000, PPM, 80_000) == (950_000 * ONE_Q80 // PPM, ONE_Q80)
    assert digits(rules.static_discounts(YEAR_NS, PPM, 0, 1_040_000, 80_000)[1]) == 1_126618  # 1.04 x e^0.08
    assert rows_of(10)[1][STILL] == -858_503 and rows_of(-10)[1][STILL] == 0


def test_weighted_rows() -> None:
    """PORT-008."""
    value, rows = rows_of(-10)
    assert value == -16_684_080 and len(rows) == 34
    assert min(rows) == rows[HIGH] == -78_671_411
    _, hedged = rows_of(-10, 5)
    assert min(hedged) == hedged[MOST] == -34_187_518


@pytest.mark.parametrize(("lots", "linear", "shown"), [
    (-10, 0, (81_171_411, 64_437_129)), (-10, 5, (46_687_518, 36_350_015)), (10, 0, (16_680_876, 13_344_701)),
    (0, 10, (110_000_000, 87_000_000)), (-1, 0, (8_117_142, 6_443_714)),
])
def test_requirements(lots: int, linear: int, shown: tuple[int, int]) -> None:
    """PORT-009, PORT-011; PORT-014 for one lot."""
    value, rows = rows_of(lots, linear)
    assert margins(rows, lots, linear) == shown
    if lots > 0:
        assert shown[0] <= value


def test_naked_shorts() -> None:
    """PORT-009: per strike, calls and puts together."""
    assert rules.option_contingency([-10], F, 3_000) == 1_500_000
    assert rules.option_contingency([-10, 10], F, 3_000) == 1_500_000
    assert rules.option_contingency([-3 + 3, 2], F, 3_000) == 0
    assert rules.linear_contingency([10 * F, -10 * F], 30_000) == 30_000_000


def test_offsets() -> None:
    """PORT-010."""
    one, two = (rules.weighted_rows([0] * 34, lots * F, ROWS) for lots in (10, -10))
    found = rules.scan_of([one, two], [400_000, 400_000], 10**9)
    assert (found.base_e6, found.credit_e6, found.total_e6) == (-180 * 10**12, 72 * 10**12, -108 * 10**12)
    assert rules.scan_of([one, two], [400_000, 400_000], 10**7).credit_e6 == 10**13
    assert rules.scan_of([one, two], [400_000, 0], 10**9).credit_e6 == 0
    assert rules.scan_of([one, one], [400_000, 400_000], 10**9).credit_e6 == 0
    assert rules.scan_of([], [], 10**9) == (0, 0, 0)
    assert DOWN == 2
