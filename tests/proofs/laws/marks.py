# ruff: noqa: E501 - a slip is quoted as the source has it
"""Laws of marks: nobody moves one out of its band, nor past what index, book and trades say."""

from typing import Any

from tests.proofs.prover import proof

SMOOTH = "return basis_e3 + (sample_quanta * E3 - basis_e3) * way // window_ns"
MIDDLE = "return ascending[half] if len(ascending) % 2 else (ascending[half - 1] + ascending[half]) // 2"
BAND = "return max(1, min(max(price, lowest), highest))"
EDGES = "highest, lowest = index * (PPM + band_ppm) // PPM, -(-index * (PPM - band_ppm) // PPM)"


@proof("MARK-002", "the basis goes towards what is seen and never past it by a quantum's thousandth", "marks.smoothed", bounds="a window of 150 s",
       slips={"marks": [(SMOOTH, "return basis_e3 - (sample_quanta * E3 - basis_e3) * way // window_ns"), (SMOOTH, "return sample_quanta * E3"),
                        ("way = min(elapsed_ns, window_ns)", "way = elapsed_ns")]})
def the_basis_goes_towards(case: Any, rules: Any) -> None:
    basis, sample, elapsed, window = case.whole("basis"), case.whole("sample"), case.whole("elapsed", low=0), 150_000_000_000
    for way in (0, window // 10, window):
        after = rules.marks.smoothed(basis, sample, way, window)
        target = sample * 1_000
        case.claim((after - basis) * window <= (target - basis) * way, "rounded down")
        case.claim((after - basis + 1) * window > (target - basis) * way, "by less than a thousandth")
    case.claim(rules.marks.smoothed(basis, sample, window + elapsed, window) == sample * 1_000, "all of it at most")


@proof("MARK-003", "the median lies between the two others whatever one of three says", "marks.middle", bounds="all prices from 1 on",
       slips={"marks": [(MIDDLE, "return ascending[-1]"), (MIDDLE, "return sum(ascending) // len(ascending)")]})
def one_of_three_moves_nothing(case: Any, rules: Any) -> None:
    one, other, lie = case.whole("one", low=1), case.whole("other", low=1), case.whole("lie", low=1)
    found = rules.marks.middle((one, lie, other))
    low, high = (one, other) if one <= other else (other, one)
    case.claim((found >= low) & (found <= high), "between the two")
    two = rules.marks.middle((one, other))
    case.claim((2 * two <= one + other) & (2 * two > one + other - 2), "of two the mean, rounded down")


@proof("MARK-004", "a mark lies in the band around the index, and is the price when that does", "marks.banded", bounds="bands of 0, 1% and 20%",
       slips={"marks": [(BAND, "return max(1, max(price, lowest))"), (BAND, "return max(1, min(price, highest))"), (BAND, "return max(1, lowest)"),
                        (EDGES, "highest, lowest = index * (PPM + band_ppm) // PPM + 1, -(-index * (PPM - band_ppm) // PPM)"), (BAND, "return min(max(price, lowest), highest) - 1")]})
def marks_stay_in_the_band(case: Any, rules: Any) -> None:
    price, index, ppm = case.whole("price", low=1), case.whole("index", low=1), 1_000_000
    for band in (0, 10_000, 200_000):
        mark = rules.marks.banded(price, index, band)
        case.claim(mark >= 1, "a price")
        case.claim((mark * ppm <= index * (ppm + band)) & (mark * ppm >= index * (ppm - band)), "in the band")
        if price * ppm <= index * (ppm + band) and price * ppm >= index * (ppm - band):
            case.claim(mark == price, "untouched")
