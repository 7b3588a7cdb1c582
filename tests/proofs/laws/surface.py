# ruff: noqa: E501 - a slip is quoted as the source has it
"""Laws of the volatility surface: lines stay between their ends, and what is ordered stays ordered."""

from itertools import pairwise
from typing import Any

from tests.proofs.prover import proof

ONE = 1 << 80
# Log-moneyness in thousandths -> the point to its left, or for wings to the left of the last part.
PLACES = {-2_000: 0, -599: 0, -450: 0, -100: 1, -7: 2, 0: 2, 50: 3, 300: 4, 599: 5, 601: 5}
LINE = "return (low * (end - at) + high * (at - start)) // (E18 * WIDTHS_E3[part])"
RISE = "rise = (second_q80 - first_q80) * (time_ns - first_ns)"
BETWEEN = "return first_q80 + rise // (second_ns - first_ns)"
RISES = "return max(0, slice_e18[0] - slice_e18[1]), max(0, slice_e18[-1] - slice_e18[-2])"


def a_slice(case: Any, name: str) -> tuple[Any, ...]:
    """Seven variances above 0."""
    return tuple(case.whole(f"{name}{place}", low=1) for place in range(7))


@proof("SURF-002", "between two points variance lies between theirs; beyond the last it is never below the last", "surface.variance",
       bounds="ten distances, points and both wings among them; all variances above 0",
       slips={"surface": [(LINE, LINE.replace("(end - at)", "(end + at)")), (LINE, LINE.replace("high *", "low *", 1) + " + 1"),
                          ("    if at > end and low > high:\n        at = end\n", ""), ("    if at < start and low < high:\n        at = start\n", "")]})
def variance_lies_between(case: Any, rules: Any) -> None:
    curve = a_slice(case, "w")
    for place, left in PLACES.items():
        found, low, high = rules.surface.variance(curve, place * ONE // 1_000), curve[left], curve[left + 1]
        over = (found + 1) * 10**18
        if abs(place) > 600:
            case.claim(over > curve[0 if place < 0 else 6] * ONE, "not below the last")
        else:
            case.claim((over > low * ONE) | (over > high * ONE), "not below both")
            case.claim((found * 10**18 <= low * ONE) | (found * 10**18 <= high * ONE), "not above both")


@proof("SURF-003", "a wing rises as its last part does, and never falls", "surface.rises",
       slips={"surface": [(RISES, RISES.replace("max(0, slice_e18[0] - slice_e18[1])", "slice_e18[0] - slice_e18[1]")),
                          (RISES, RISES.replace("slice_e18[-1] - slice_e18[-2]", "slice_e18[-2] - slice_e18[-1]"))]})
def wings_never_fall(case: Any, rules: Any) -> None:
    curve = tuple(case.whole(f"w{place}") for place in range(7))
    left, right = rules.surface.rises(curve)
    case.claim((left >= 0) & (right >= 0), "never")
    case.claim((left >= curve[0] - curve[1]) & (right >= curve[6] - curve[5]), "as the part before")
    case.claim(((left == 0) | (left == curve[0] - curve[1])) & ((right == 0) | (right == curve[6] - curve[5])), "and no more")


@proof("SURF-004", "linear in time: the ends themselves, between them when between, rounded down by less than a unit", "surface.between",
       bounds="times of 0 to 7, ends 0 and 7, 3 and 7; all variances",
       slips={"surface": [(BETWEEN, "return first_q80 - (-rise // (second_ns - first_ns))"), (RISE, RISE.replace("- first_ns)", "+ first_ns)")),
                          (BETWEEN, BETWEEN.replace("second_ns - first_ns", "second_ns"))]})
def time_is_linear(case: Any, rules: Any) -> None:
    first, second = case.whole("first"), case.whole("second")
    for start in (0, 3):
        for time in range(8):
            found = rules.surface.between(first, start, second, 7, time)
            exact, span = first * (7 - time) + second * (time - start), 7 - start
            case.claim((found * span <= exact) & (found * span + span > exact), "rounded down")
            if time in (start, 7):
                case.claim(found == (first if time == start else second), "the ends")


@proof("SURF-004", "while the later slice is not below, more time never means less variance", "surface.surface_variance",
       bounds="expiries at 3 and 7, times before, at, between and beyond, at the money; slices above 0",
       slips={"surface": [("before_q80, before_ns = variance(slices_e18[place - 1], distance_q80), times_ns[place - 1]",
                           "before_q80, before_ns = 0, times_ns[place - 1]"),
                          ("after = min(place, len(times_ns) - 1)", "after = 0")]})
def more_time_is_no_less(case: Any, rules: Any) -> None:
    early, late = a_slice(case, "early"), a_slice(case, "late")
    first, second = rules.surface.variance(early, 0), rules.surface.variance(late, 0)
    case.assume(second >= first)
    found = [rules.surface.surface_variance((early, late), (3, 7), time, 0) for time in (0, 1, 3, 4, 7, 8)]
    for before, after in pairwise(found):
        case.claim(after >= before, "never less")
    case.claim((found[0] == 0) & (found[2] == first) & (found[4] == second), "nothing now, the slices at their expiries")


ORDERED = "points = all(late >= early for early, late in zip(earlier_e18, later_e18, strict=True))"
WINGS = "wings = all(late >= early for early, late in zip(rises(earlier_e18), rises(later_e18), strict=True))"


@proof("SURF-006", "slices that pass are ordered everywhere: at points, between and on both wings", "surface.calendar_free", "surface.variance",
       bounds="three distances, both wings among them; all variances above 0",
       slips={"surface": [(WINGS, "wings = True"), (ORDERED, "points = True"), (ORDERED, ORDERED.replace("late >= early for", "late >= early - 10**9 for"))]})
def calendars_are_ordered(case: Any, rules: Any) -> None:
    early, late = a_slice(case, "early"), a_slice(case, "late")
    if rules.surface.calendar_free(early, late):
        for place in (-900, 50, 900):
            distance = place * ONE // 1_000
            case.claim(rules.surface.variance(late, distance) >= rules.surface.variance(early, distance), "not below")
