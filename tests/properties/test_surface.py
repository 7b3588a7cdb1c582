"""Laws of the volatility surface: SURF-001 to SURF-006, exact in integers or against mpmath."""

import math
from itertools import pairwise

import mpmath
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf

from app.kernel.fixed import ONE_Q80, exp, sqrt
from app.pricing import rules as pricing
from app.surface import rules
from app.surface.rules import POINTS_E3, WIDTHS_E3, butterfly_free, calendar_free, convex_slice, variance

MANY = settings(max_examples=400)
FORWARD = 10**15
MOST_E9 = 10**11

points = st.lists(st.integers(1, MOST_E9), min_size=7, max_size=7)
distances = st.integers(-3 * ONE_Q80, 3 * ONE_Q80)


@st.composite
def smiles(draw: st.DrawFn) -> list[int]:
    """Pillars as markets make them, from an hour to years, some of them out of shape by a little or a lot."""
    theta = 10 ** draw(st.floats(-6, 0.5))
    steep, tilt = draw(st.floats(0, 3 / math.sqrt(theta))), draw(st.floats(-0.95, 0.95))
    noise = draw(st.sampled_from((0, 0, 1e-9, 1e-3, 0.1)))
    found = []
    for point in POINTS_E3:
        slope = steep * point / 1_000
        total = theta / 2 * (1 + tilt * slope + math.sqrt((slope + tilt) ** 2 + 1 - tilt**2))
        found.append(max(1, min(MOST_E9, round(total * (1 + noise * draw(st.floats(-1, 1))) * 1e9))))
    return found


def is_convex(values: list[int] | tuple[int, ...]) -> bool:
    """Slopes never fall."""
    slopes = [(values[part + 1] - values[part], WIDTHS_E3[part]) for part in range(6)]
    return all(left * next_width <= right * width
               for (left, width), (right, next_width) in pairwise(slopes))


@MANY
@given(st.one_of(points, smiles()))
def test_slices_are_convex_and_nowhere_above(pillar: list[int]) -> None:
    """SURF-001: convex to the unit, at most the bend above what was voted; what was convex stays."""
    found = convex_slice(pillar)
    assert is_convex(found)
    over = [one - 10**9 * voted for one, voted in zip(found, pillar, strict=True)]
    assert all(more <= bend for more, bend in zip(over, rules.BENDS_E18, strict=True))
    if is_convex(pillar):
        assert tuple(over) == rules.BENDS_E18
    assert min(found) >= 10**9 * min(pillar)
    assert found[0] == 10**9 * pillar[0] + 36 and found[6] == 10**9 * pillar[6] + 36


@MANY
@given(st.one_of(points, smiles()), distances)
def test_variance_is_the_line_rounded_down(pillar: list[int], distance: int) -> None:
    """SURF-002, SURF-003: against mpmath, wings included."""
    curve = convex_slice(pillar)
    with mp.workdps(60):
        exact = real(curve, mpf(distance) / ONE_Q80)[0] * ONE_Q80
        assert -1.0001 < variance(curve, distance) - exact < 0.0001


def real(curve: tuple[int, ...], k: mpf) -> tuple[mpf, mpf]:
    """Variance and its slope by mpmath; at a point, of the part to its left."""
    part = next((part for part in range(6) if 1_000 * k <= POINTS_E3[part + 1]), 5)
    low, high = mpf(curve[part]) / 10**18, mpf(curve[part + 1]) / 10**18
    slope = (high - low) * 1_000 / WIDTHS_E3[part]
    start = mpf(POINTS_E3[part]) / 1_000
    if k < start and slope > 0:
        return low, mpf(0)
    if k > mpf(POINTS_E3[part + 1]) / 1_000 and slope < 0:
        return high, mpf(0)
    return low + slope * (k - start), slope


def durrleman(curve: tuple[int, ...], k: mpf) -> mpf:
    """The density's sign at k, where the curve is straight."""
    w, slope = real(curve, k)
    return (1 - k * slope / (2 * w)) ** 2 - slope**2 / 4 * (1 / w + mpf(1) / 4)


@MANY
@given(smiles())
@example([1] * 7)
@example([MOST_E9] * 7)
@example([52_456_690, 40_072_197, 31_815_882, 27_689_108, 31_701_482, 40_014_997, 52_485_290])
def test_butterflies_are_found_where_they_are(pillar: list[int]) -> None:
    """SURF-005: a slice that passes has no density below 0 at any of many places, the wings far out included; one that
    does not pass has one, or a wing that is too steep.
    """
    curve = convex_slice(pillar)
    with mp.workdps(60):
        places = [mpf(step) / 200 + mpf(1) / 7_919 for step in range(-800, 800, 40)] + [mpf(-40), mpf(40)]
        for part in range(6):
            places += turning(curve, part)
        least = min(durrleman(curve, k) for k in places)
        steepest = max(rules.rises(curve)) / mpf(10) ** 15 / 300
        if butterfly_free(curve):
            assert least > -mpf(10) ** -40 and steepest < 2
        else:
            assert least < mpf(10) ** -30 or steepest >= 2


def turning(curve: tuple[int, ...], part: int) -> list[mpf]:
    """Where the condition is least on a part, if inside it or on its wing; and just inside its ends."""
    low, high = mpf(curve[part]) / 10**18, mpf(curve[part + 1]) / 10**18
    start, end = mpf(POINTS_E3[part]) / 1_000, mpf(POINTS_E3[part + 1]) / 1_000
    slope = (high - low) / (end - start)
    tiny = mpf(10) ** -30
    found = [start + tiny, end - tiny]
    if slope and slope**2 < 4:
        at_zero = low - slope * start
        k = ((slope**2 - 2 * at_zero) / (2 * (1 - slope**2 / 4)) - at_zero) / slope
        if start < k < end or (part == 0 and k < start) or (part == 5 and k > end):
            found.append(k)
    return found


@MANY
@given(smiles(), st.integers(-1_500, 1_500), st.integers(1, 400))
def test_prices_of_a_slice_that_passes_make_no_butterfly(pillar: list[int], middle_e3: int, wing_e4: int) -> None:
    """SURF-005 with PRIC-005: calls fall with the strike and are convex in it, as far as roundings of variance go."""
    curve = convex_slice(pillar)
    assume(butterfly_free(curve))
    middle = FORWARD * exp(middle_e3 * ONE_Q80 // 1_000) >> 80
    wing = middle * wing_e4 // 10_000
    prices, loosest = [], 0
    for strike in (middle - wing, middle, middle + wing):
        distance = pricing.distance(FORWARD, strike)
        spread = sqrt(variance(curve, distance))
        prices.append(pricing.call(FORWARD, strike, spread))
        loosest = max(loosest, 8 * FORWARD * (1 + ONE_Q80 // spread))
    low, at, high = prices
    assert low >= at - loosest and at >= high - loosest
    assert low - 2 * at + high >= -loosest


@MANY
@given(smiles(), smiles(), distances, st.integers(0, 4 * 10**9), st.integers(1, 10**9), st.integers(1, 10**9))
def test_time_never_takes_variance_away(first: list[int], more: list[int], distance: int, time: int, early: int,
                                        apart: int) -> None:
    """SURF-004, SURF-006: of slices that pass, one k has no less of it later, at expiries, between and beyond."""
    slices = [convex_slice(first), convex_slice([a + b for a, b in zip(first, more, strict=True)])]
    assume(calendar_free(*slices))
    times = [early, early + apart]
    found = [rules.surface_variance(slices, times, moment, distance)
             for moment in sorted({0, time, time + 1, early - 1, *times, early + 1, times[1] + 1})]
    assert found == sorted(found)
    assert rules.surface_variance(slices, times, early, distance) == variance(slices[0], distance)
    assert rules.surface_variance(slices, times, times[1], distance) == variance(slices[1], distance)


@pytest.mark.parametrize("shift", [-1, 0, 1])
def test_points_join_without_a_step(shift: int) -> None:
    """SURF-002: one unit of k to either side of a point moves variance by no more than the slope says."""
    curve = convex_slice([52_456_690, 40_072_197, 31_815_882, 27_689_108, 31_701_482, 40_014_997, 52_485_290])
    for point, value in zip(POINTS_E3, curve, strict=True):
        at = point * ONE_Q80 // 1_000 + shift
        assert abs(variance(curve, at) - value * ONE_Q80 // 10**18) <= 2
        assert mpmath.fabs(variance(curve, at + 1) - variance(curve, at)) <= 1
