"""SURF rules: the volatility surface of an underlying, from voted pillars. Pure functions over integers.

A pillar is one expiry's total variances at seven log-moneynesses, ln(strike / forward). A slice is what is made of it:
the same seven, convex, times 10^18. What comes out is total variance times 2^80; `fixed.sqrt` of it is a deviation.
"""

from collections.abc import Mapping, Sequence

from app.kernel.fixed import ONE_Q80

E9 = 10**9
E15 = 10**15
E18 = 10**18
POINTS_E3 = (-600, -300, -100, 0, 100, 300, 600)  # log-moneyness, in thousandths
WIDTHS_E3 = (300, 200, 100, 100, 200, 300)
KEPT_SLICES = 4_096
# Convex numbers, in 10^-18: they outweigh what rounding down may take from the convexity of a slice.
BENDS_E18 = (36, 9, 1, 0, 1, 9, 36)


def convex_slice(variances_e9: Sequence[int]) -> tuple[int, ...]:
    """SURF-001: the greatest convex curve nowhere above the voted points, in 10^-18: rounded down, and bent up by
    36 x 10^-18 at most, so that it is convex to the unit.
    """
    slice_e18 = []
    for here, point in enumerate(POINTS_E3):
        lowest = variances_e9[here] * E9
        for left in range(here):
            for right in range(here + 1, len(POINTS_E3)):
                before, after = point - POINTS_E3[left], POINTS_E3[right] - point
                chord = (variances_e9[left] * after + variances_e9[right] * before) * E9 // (before + after)
                lowest = min(lowest, chord)
        slice_e18.append(lowest + BENDS_E18[here])
    return tuple(slice_e18)


def rises(slice_e18: Sequence[int]) -> tuple[int, int]:
    """SURF-003: by how much a slice rises outwards, on each side, over the 300 thousandths before its end; beyond, it
    goes on rising as much, and never falls.
    """
    return max(0, slice_e18[0] - slice_e18[1]), max(0, slice_e18[-1] - slice_e18[-2])


def variance(slice_e18: Sequence[int], distance_q80: int) -> int:
    """SURF-002, SURF-003: total variance times 2^80 at a log-moneyness: linear between points, and on beyond the first
    and the last as `rises` says. Rounded down once.
    """
    at = 1_000 * distance_q80
    part = 0
    while part < len(WIDTHS_E3) - 1 and at > POINTS_E3[part + 1] * ONE_Q80:
        part += 1
    start, end = POINTS_E3[part] * ONE_Q80, POINTS_E3[part + 1] * ONE_Q80
    low, high = slice_e18[part], slice_e18[part + 1]
    if at < start and low < high:
        at = start
    if at > end and low > high:
        at = end
    return (low * (end - at) + high * (at - start)) // (E18 * WIDTHS_E3[part])


def between(first_q80: int, first_ns: int, second_q80: int, second_ns: int, time_ns: int) -> int:
    """SURF-004: total variance at a time, linear through two others, first_ns < second_ns, rounded down; beyond the
    second it goes on as it was.
    """
    rise = (second_q80 - first_q80) * (time_ns - first_ns)
    return first_q80 + rise // (second_ns - first_ns)


def surface_variance(slices_e18: Sequence[Sequence[int]], times_ns: Sequence[int], time_ns: int,
                     distance_q80: int) -> int:
    """SURF-004: total variance at a time to expiry and a log-moneyness. `times_ns` to the slices' expiries ascend and
    are above 0. Before the first and after the last, variance is in proportion to time.
    """
    place = 0
    while place < len(times_ns) and times_ns[place] < time_ns:
        place += 1
    before_q80, before_ns = 0, 0
    if 0 < place < len(times_ns):
        before_q80, before_ns = variance(slices_e18[place - 1], distance_q80), times_ns[place - 1]
    after = min(place, len(times_ns) - 1)
    return between(before_q80, before_ns, variance(slices_e18[after], distance_q80), times_ns[after], time_ns)


def butterfly_free(slice_e18: Sequence[int]) -> bool:
    """SURF-005: whether prices by this slice, wings included, make no butterfly worth less than nothing: the slice is
    above 0 and convex, and the density on none of its parts is below 0.
    """
    parts = range(len(WIDTHS_E3))
    slopes = [slice_e18[part + 1] - slice_e18[part] for part in parts]
    return (
        min(slice_e18) > 0
        and all(slopes[part] * WIDTHS_E3[part + 1] <= slopes[part + 1] * WIDTHS_E3[part] for part in parts[:-1])
        and all(dense(slice_e18[part], slice_e18[part + 1], part) for part in parts)
    )


def dense(low_e18: int, high_e18: int, part: int) -> bool:
    """SURF-005: whether the density is nowhere below 0 on one of the six parts, and on the wing that goes on from it.

    For w = a + b k, as variance is here, Durrleman's condition is (a + w)^2 >= b^2 (w + w^2 / 4). Times what makes all
    of it whole, that is p x^2 + q x + r >= 0 for x = w times the width, a quadratic that is least at -q / 2p.
    """
    width, rise = WIDTHS_E3[part], high_e18 - low_e18
    scale = 2 * width * E15
    whole = width * E18
    at_zero = low_e18 * width - rise * POINTS_E3[part]
    p = scale * scale - rise * rise
    q = 2 * scale * scale * at_zero - 4 * rise * rise * whole
    r = scale * scale * at_zero * at_zero
    least, most = sorted((low_e18 * width, high_e18 * width))
    is_wing = (part == 0 and rise < 0) or (part == len(WIDTHS_E3) - 1 and rise > 0)
    if p <= 0:
        return not is_wing and all((p * x + q) * x + r >= 0 for x in (least, most))
    if 2 * p * least < -q and (is_wing or -q < 2 * p * most):
        return 4 * p * r >= q * q
    return all((p * x + q) * x + r >= 0 for x in (least, most))


def calendar_free(earlier_e18: Sequence[int], later_e18: Sequence[int]) -> bool:
    """SURF-006: whether the later of two slices is nowhere below the earlier, wings included."""
    points = all(late >= early for early, late in zip(earlier_e18, later_e18, strict=True))
    wings = all(late >= early for early, late in zip(rises(earlier_e18), rises(later_e18), strict=True))
    return points and wings


def slice_between(
    first_e18: Sequence[int], first_ns: int, second_e18: Sequence[int], second_ns: int, time_ns: int
) -> tuple[int, ...]:
    """SURF-007: the slice of an expiry without a pillar of its own: SURF-004 at each of the seven points."""
    pairs = zip(first_e18, second_e18, strict=True)
    return tuple(between(first, first_ns, second, second_ns, time_ns) for first, second in pairs)


def split_forward(
    index: int, forward_e9: int, left_ns: int, window_ns: int, covered_ns: int, weighted: int
) -> tuple[int, int]:
    """SURF-009: (what is fixed, what moves with the index) of the forward of a mean over the last `window_ns`, each
    x 10^9 and rounded down.

    `weighted` is the sum of index x time over the `covered_ns` of the window that have passed. Before the window all of
    it moves; when no time is left nothing does, but where nothing was covered the last index stands for the mean.
    """
    ahead = min(left_ns, window_ns)
    whole = covered_ns + ahead
    if not whole:
        return index * E9, 0
    return weighted * E9 // whole, index * forward_e9 * ahead // whole


def counted_slice(slice_e18: Sequence[int], left_ns: int, window_ns: int) -> tuple[int, ...]:
    """SURF-008: a mean over a time varies a third as much as its end: of the window's time only a third counts. The
    variances over all of `left_ns`, in proportion; rounded down, at least 1.
    """
    ahead = min(left_ns, window_ns)
    counted_ns = 3 * left_ns - 2 * ahead
    return tuple(max(1, one * counted_ns // (3 * left_ns)) if left_ns else 1 for one in slice_e18)


def entering(fresh: Mapping[int, Sequence[int]]) -> list[int]:
    """SURF-011: which of the slices voted together may enter, by expiry, ascending: those free of butterflies, and of
    them each that makes no calendar spread with the one that entered before it.
    """
    entered: list[int] = []
    for expiry in sorted(fresh):
        if butterfly_free(fresh[expiry]) and (not entered or calendar_free(fresh[entered[-1]], fresh[expiry])):
            entered.append(expiry)
    return entered


def staying(kept: Mapping[int, Sequence[int]], entered: Mapping[int, Sequence[int]]) -> list[int]:
    """SURF-011: which of the older slices, of other expiries, may stay beside those that enter: those that make no
    calendar spread with the nearest of these on either side.
    """
    expiries = sorted(entered)
    found = []
    for expiry in sorted(kept):
        before = [other for other in expiries if other < expiry]
        after = [other for other in expiries if other > expiry]
        if (not before or calendar_free(entered[before[-1]], kept[expiry])) and (
            not after or calendar_free(kept[expiry], entered[after[0]])
        ):
            found.append(expiry)
    return found
