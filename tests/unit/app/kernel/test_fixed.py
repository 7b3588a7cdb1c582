"""Fixed-point functions against mpmath, at random and at every joint of their tables."""

from itertools import pairwise
from pathlib import Path
from random import Random

import mpmath
import pytest
from mpmath import mp, mpf

from app.kernel import fixed, tables
from app.kernel.fixed import ONE_Q80, TableError, cdf, checked, exp, ln, pdf, sqrt, tail
from tests.vectors import fixed_tables

ONE = mpf(2) ** 80
POINTS = 1_000


@pytest.fixture(autouse=True)
def _digits():
    """Enough of them for the widest numbers here."""
    with mp.workdps(100):
        yield


def digits(value_q80: int, places: int) -> int:
    """The first decimals of a value, rounded down."""
    return value_q80 * 10**places >> 80


def upper(at: mpf) -> mpf:
    """The exact upper tail."""
    return mpmath.erfc(at / mpmath.sqrt(2)) / 2


def test_tables_are_what_mpmath_makes() -> None:
    """FIX-001: the text of the tables, hash included, made anew."""
    assert fixed_tables.render() + "\n" == Path(tables.__file__).read_text()


def test_nothing_is_computed_with_other_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """FIX-001: one digit off is refused."""
    assert checked(tables.SHA256) == tables.SHA256
    monkeypatch.setattr(tables, "LN", (*tables.LN[:-1], tables.LN[-1] + 1))
    with pytest.raises(TableError):
        checked(tables.SHA256)


def test_worked_numbers() -> None:
    """FIX-002 to FIX-007: the numbers of the README, and the exact points."""
    assert digits(sqrt(2 * ONE_Q80), 23) == 1_41421356237309504880168
    assert digits(ln(1000, 0), 23) == 6_90775527898213705205397
    assert digits(exp(ONE_Q80), 23) == 2_71828182845904523536028
    assert digits(cdf(ONE_Q80), 23) == 84134474606854294858523
    assert digits(pdf(0), 23) == 39894228040143267793994
    assert (sqrt(0), sqrt(ONE_Q80), ln(1, 0), ln(ONE_Q80), exp(0), cdf(0)) == (0, ONE_Q80, 0, 0, ONE_Q80, ONE_Q80 // 2)
    assert ln(2, 0) == ln(2 * ONE_Q80) == -ln(ONE_Q80 // 2) - 1 == tables.LN_2 >> 16


def test_limits() -> None:
    """FIX-003 to FIX-007: they hold for integers of any size."""
    far = 1 << 300
    assert exp(far) == exp(fixed.EXP_MOST_Q80) == exp(129 << 80) and exp(-far) == exp(-100 << 80) == 0
    assert exp(-far, 1_400) == exp(fixed.EXP_LEAST_Q80, 1_400) == 0 < exp(fixed.EXP_LEAST_Q80, 1_600)
    assert (cdf(far), cdf(-far), pdf(far), pdf(-far)) == (ONE_Q80, 0, 0, 0)
    assert tail(far)[0] == tail((16 << 80) + (1 << 72))[0] == 0 < tail(16 << 80)[0]
    assert abs(ln(1 << 5_000, 0) - 5_000 * mpmath.ln(2) * ONE) < 1.001
    assert abs(ln(1, 5_000) + 5_000 * mpmath.ln(2) * ONE) < 1.001


def test_logarithm_is_within_a_unit() -> None:
    """FIX-003: of integers of all sizes, half of them at joints of the table."""
    random = Random(1)
    for number in range(POINTS):
        value = random.getrandbits(random.randrange(1, 200)) | 1
        if number % 2:
            value = max(1, (random.randrange(256, 512) << random.randrange(100)) + random.randrange(-2, 3))
        error = ln(value, 0) - mpmath.ln(value) * ONE
        assert -1.001 < error < 0.001, value


def test_exponential_is_as_near_as_stated() -> None:
    """FIX-004: below itself by a unit at most, and by 2^-90 where there are digits for it."""
    random = Random(2)
    for _ in range(POINTS):
        value = random.randrange(-100 << 80, 128 << 80)
        exact = mpmath.exp(value / ONE)
        assert abs(exp(value, 300) / (exact * mpf(2) ** 300) - 1) < mpf(2) ** -90
        if value < 0:
            assert -1.001 < exp(value) - exact * ONE < 0.001


def test_tail_is_near_however_small() -> None:
    """FIX-005: relative to itself, half of the points at the edges of cells, where polynomials are at their worst."""
    random = Random(3)
    for number in range(2 * POINTS):
        at = random.randrange(16 << 80)
        if number % 2:
            at = ((at >> 72) << 72) + (1 << 71) + random.randrange(-2, 2)
        value, scale = tail(at)
        assert abs(mpf(value) / (upper(at / ONE) * mpf(2) ** scale) - 1) < mpf(2) ** -90, at


def test_distribution_and_density() -> None:
    """FIX-006, FIX-007: within a unit and two; both sides sum to one."""
    random = Random(4)
    for _ in range(POINTS):
        at = random.randrange(-17 << 80, 17 << 80)
        assert abs(cdf(at) - upper(-at / ONE) * ONE) < 1.001
        assert cdf(at) + cdf(-at) == ONE_Q80
        assert abs(pdf(at) - mpmath.npdf(at / ONE) * ONE) < 2
        assert abs(pdf(at, 300) / (mpmath.npdf(at / ONE) * mpf(2) ** 300) - 1) < mpf(2) ** -79


def rising(function, start: int, count: int) -> None:
    """`function` does not fall over `count` integers from `start` on."""
    values = [function(start + step) for step in range(count)]
    assert values == sorted(values), start


def test_root_and_logarithm_never_fall() -> None:
    """FIX-008: at each joint of the table, for short and for long numbers."""
    for cell in range(256, 513):
        for shift in (0, 3, 64, 88, 89, 120):
            rising(lambda value: ln(value, 0), (cell << shift) - 2, 5)
    for bit in range(2, 200):
        rising(lambda value: ln(value, 0), (1 << bit) - 2, 5)
        rising(sqrt, (1 << bit) - 2, 5)


def test_exponential_never_falls() -> None:
    """FIX-008: at each joint between cells, for several powers of two, and where one power ends."""
    for doublings in (-80, -1, 0, 1, 100):
        start = -(-doublings * tables.LN_2 >> 16)
        for cell in range(len(tables.EXP)):
            rising(lambda value: exp(value, 200), start + (cell << 72) - 2, 5)
    for doublings in range(-200, 184):
        rising(lambda value: exp(value, 300), (doublings * tables.LN_2 >> 16) - 2, 5)


def test_tail_never_rises() -> None:
    """FIX-008: at each edge between cells; what is off inside a cell is far below what a unit changes."""
    for node in range(4_096):
        edge = (node << 72) + (1 << 71)
        parts = [tail(edge + step) for step in range(-3, 3)]
        deepest = max(scale for _, scale in parts)
        values = [value << deepest - scale for value, scale in parts]
        assert all(one > other for one, other in pairwise(values)), node
        rising(cdf, edge - 2, 4)
