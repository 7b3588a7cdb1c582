"""The volatility surface: the README's numbers, what is refused, and curves that others published."""

from itertools import pairwise

import mpmath
import pytest
from mpmath import mp, mpf

from app.kernel.fixed import ONE_Q80, sqrt
from app.pricing import rules as pricing
from app.surface.rules import (
    POINTS_E3,
    WIDTHS_E3,
    butterfly_free,
    calendar_free,
    convex_slice,
    rises,
    surface_variance,
    variance,
)

DAY_NS = 86_400 * 10**9
PILLAR = (52_456_690, 40_072_197, 31_815_882, 27_689_108, 31_701_482, 40_014_997, 52_485_290)
SLICE = (52456690000000036, 40072197000000009, 31815882000000001, 27689108000000000, 31701482000000001,
         40014997000000009, 52485290000000036)


def at(thousandths: int) -> int:
    """A log-moneyness times 2^80, never beyond the one that is meant."""
    return abs(thousandths) * ONE_Q80 // 1_000 * (1 if thousandths > 0 else -1)


def e18(value_q80: int) -> int:
    """The nearest multiple of 10^-18."""
    return (2 * value_q80 * 10**18 + ONE_Q80) // (2 * ONE_Q80)


def test_points_and_widths_agree() -> None:
    """SURF-002: the widths are the differences of the points."""
    assert tuple(high - low for low, high in pairwise(POINTS_E3)) == WIDTHS_E3


def test_a_slice_is_convex() -> None:
    """SURF-001: what is convex stays but for the bend, a dent is mended and lies below what was voted."""
    assert convex_slice(PILLAR) == SLICE
    dented = convex_slice((*PILLAR[:6], 39_014_997))
    assert dented[:4] == SLICE[:4]
    assert dented[4:] == (29576756166666667, 33352052500000009, 39014997000000036)
    assert butterfly_free(dented)


def test_variance_between_points_and_beyond() -> None:
    """SURF-002, SURF-003: on points, between, on both wings, and wings that would fall."""
    for point, expected in zip(POINTS_E3, SLICE, strict=True):
        assert e18(variance(SLICE, at(point))) == expected
    assert e18(variance(SLICE, at(50))) == 29_695_295 * 10**9
    assert e18(variance(SLICE, at(900))) == 64955583000000063
    assert e18(variance(SLICE, at(-900))) == 64841183000000063
    assert pricing.volatility(sqrt(variance(SLICE, at(50))), 14 * DAY_NS) == 879885653082262737
    falling = convex_slice(tuple(range(800_000_000, 100_000_000, -100_000_000)))
    assert variance(falling, at(5_000)) == variance(falling, at(600)) == falling[-1] * ONE_Q80 // 10**18
    assert rises(falling)[1] == 0 < rises(falling)[0]
    rising = falling[::-1]
    assert variance(rising, at(-5_000)) == variance(rising, at(-600)) == rising[0] * ONE_Q80 // 10**18
    assert rises(rising)[0] == 0 < rises(rising)[1]


def test_variance_in_time() -> None:
    """SURF-004: between, before and beyond, and at the expiries themselves."""
    slices, times = (SLICE, convex_slice(tuple(2 * one for one in PILLAR))), (14 * DAY_NS, 28 * DAY_NS)
    found = [e18(surface_variance(slices, times, days * DAY_NS, 0)) for days in (21, 7, 35, 14, 28, 0)]
    assert found == [41533662000000000, 13844554000000000, 69222770000000000, SLICE[3], 2 * SLICE[3], 0]
    assert surface_variance(slices[:1], times[:1], 28 * DAY_NS, at(50)) == 2 * variance(SLICE, at(50))


@pytest.mark.parametrize("pillar", [
    (650_000_000, 100_000_000, 50_000_000, 40_000_000, 50_000_000, 100_000_000, 200_000_000),
    (200_000_000, 100_000_000, 50_000_000, 40_000_000, 50_000_000, 100_000_000, 750_000_000),
    (3_445_438_747, 2_803_408_240, 2_420_015_898, 2_250_000_000, 2_099_555_517, 1_872_954_825, 1_739_745_030),
    (50_000_000, 50_000_000, 50_000_000, 1, 50_000_000, 50_000_000, 50_000_000),
])
def test_butterflies_are_refused(pillar: tuple[int, ...]) -> None:
    """SURF-005: too steep for its level on either side; a wing that rises by more than 2; a hole at the money."""
    assert not butterfly_free(convex_slice(pillar))


def test_the_limit_of_a_wing() -> None:
    """SURF-005: to the billionth, on either side."""
    inner, limit, above = (80_000_000, 45_000_000, 40_000_000, 45_000_000, 80_000_000), 161_959_216, 161_959_217
    assert butterfly_free(convex_slice((limit, *inner, limit)))
    assert not butterfly_free(convex_slice((above, *inner, limit)))
    assert not butterfly_free(convex_slice((limit, *inner, above)))


def test_other_shapes_are_refused() -> None:
    """SURF-005: nothing at or below 0, and no slope that falls by a unit."""
    flat = (10**16,) * 7
    assert butterfly_free(flat)
    for place in range(7):
        assert not butterfly_free((*flat[:place], 0, *flat[place + 1:]))
    for place in range(1, 6):
        assert not butterfly_free((*flat[:place], 10**16 + 1, *flat[place + 1:]))


def test_calendars_are_refused() -> None:
    """SURF-006: by one unit at one point, or by a wing that rises less."""
    later = tuple(2 * one for one in SLICE)
    assert calendar_free(SLICE, SLICE) and calendar_free(SLICE, later) and not calendar_free(later, SLICE)
    for place in range(7):
        assert not calendar_free(SLICE, (*SLICE[:place], SLICE[place] - 1, *SLICE[place + 1:]))
    assert not calendar_free(SLICE, (*SLICE[:5], SLICE[5] + 1, SLICE[6]))
    assert not calendar_free(SLICE, (SLICE[0], SLICE[1] + 1, *SLICE[2:]))


SVI = {  # a, b, rho, m, sigma
    "lyra-utils SVI.t.sol, short": ("0.027616438356164386", "0.041424657534246574", "0.003452054794520548",
                                    "0.001726027397260274", "0.000345205479452055"),
    "lyra-utils SVI.t.sol, wide": ("0.01", "0.01", "-0.04", "0.03", "0.05"),
    "v2-core PMRM_2 test_12": ("0.002138900837067276", "0.041639765820381208", "-0.290894349076049536",
                               "-0.026351062568175804", "0.062563079314213912"),
}


@pytest.mark.parametrize("terms", SVI.values(), ids=SVI)
def test_svi_to_pillar(terms: tuple[str, ...]) -> None:
    """SURF-001, SURF-002, SURF-005: published curves of two weeks, as pillars, pass; at the points they are met to the
    billionth they are voted in, between them by chords that lie above them, by 6.3 % of the volatility at worst.
    """
    with mp.workdps(50):
        a, b, rho, m, sigma = map(mpf, terms)

        def curve(k: mpf) -> mpf:
            return a + b * (rho * (k - m) + mpmath.sqrt((k - m) ** 2 + sigma**2))

        pillar = [int(mpmath.nint(curve(mpf(point) / 1_000) * 10**9)) for point in POINTS_E3]
        found = convex_slice(pillar)
        assert butterfly_free(found)
        for point, exact in zip(POINTS_E3, pillar, strict=True):
            assert e18(variance(found, at(point))) - exact * 10**9 in range(37)
        for thousandths in range(-600, 601, 7):
            exact = curve(mpf(thousandths) / 1_000)
            chord = mpf(variance(found, at(thousandths))) / ONE_Q80
            assert chord - exact > -1e-9
            assert mpmath.sqrt(chord / exact) - 1 < 0.063
