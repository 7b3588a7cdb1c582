# ruff: noqa: E501 - a slip is quoted as the source has it
"""Laws of the oracle: what liars, jumps and age can do to a price."""

from typing import Any

from tests.proofs.prover import proof

REACHED = "if 2 * so_far >= total:"
LIMIT = "return lowest if price < lowest else highest if price > highest else price"
LOWEST = "lowest = max(1, min(-(-last * PPM // (PPM + move_ppm)), last - 1))"
HIGHEST = "highest = max(last * (PPM + move_ppm) // PPM, last + 1)"
MOVE = "return min(move_ppm + move_ppm_a_second * elapsed_ns // SECOND_NS, most_ppm)"
INDEX = "index = price * multiplier // divisor"
CLAMP = "return 1 if index < 1 else most_quanta if index > most_quanta else index"
NEAR = "return -(-median * (PPM - bound_ppm) // PPM), median * (PPM + bound_ppm) // PPM"


@proof("ORCL-004", "liars with less than half of the power that voted cannot move the median out of what the others saw",
       "oracle.weighted_median", bounds="three honest votes and a lie anywhere among them, any powers",
       slips={"oracle": [(REACHED, "if so_far > 0:"), (REACHED, "if so_far >= total:"), ("            return price", "            return 0")]})
def liars_do_not_matter(case: Any, rules: Any) -> None:
    prices = [case.whole(name, low=1) for name in ("a", "b", "c")]
    powers = [case.whole(name, low=1) for name in ("p", "q", "r")]
    lie, liar = case.whole("lie", low=0), case.whole("liar", low=1)
    case.assume(prices[0] <= prices[1])
    case.assume(prices[1] <= prices[2])
    total = sum(powers) + liar
    case.assume(2 * liar < total)
    honest = list(zip(prices, powers, strict=True))
    at = 0 if lie <= prices[0] else 1 if lie <= prices[1] else 2 if lie <= prices[2] else 3
    median = rules.oracle.weighted_median([*honest[:at], (lie, liar), *honest[at:]], total)
    case.claim((median >= prices[0]) & (median <= prices[2]), "within what honest validators saw")


@proof("ORCL-004", "at least half of the power lies at or below the median, and less than half below it", "oracle.weighted_median",
       bounds="three votes, any powers", slips={"oracle": [(REACHED, "if 2 * so_far > total:"), (REACHED, "if 3 * so_far >= total:")]})
def the_median_halves(case: Any, rules: Any) -> None:
    powers = [case.whole(name, low=1) for name in ("p", "q", "r")]
    total = sum(powers)
    median = rules.oracle.weighted_median(list(zip((10, 20, 30), powers, strict=True)), total)
    below = sum(power for price, power in zip((10, 20, 30), powers, strict=True) if price < median)
    upto = sum(power for price, power in zip((10, 20, 30), powers, strict=True) if price <= median)
    case.claim(2 * upto >= total, "half at or below")
    case.claim(2 * below < total, "not half below")


@proof("ORCL-005", "a price never moves farther than it may, and is the vote when that is near enough", "oracle.limited",
       bounds="moves of 1%, of half and of ten times, all prices",
       slips={"oracle": [(LIMIT, "return price"), (HIGHEST, "highest = max(last * (PPM + move_ppm) // PPM, last + 2)"), (LOWEST, "lowest = max(1, min(last * PPM // (PPM + move_ppm), last - 1))")]})
def moves_are_limited(case: Any, rules: Any) -> None:
    price, last, ppm = case.whole("price", low=1), case.whole("last", low=1), 1_000_000
    for move in (10_000, 500_000, 10_000_000):
        taken = rules.oracle.limited(price, last, move)
        case.claim((taken * ppm <= last * (ppm + move)) | (taken <= last + 1), "not too far up")
        case.claim((taken * (ppm + move) >= last * ppm) | (taken >= last - 1), "not too far down")
        case.claim(taken >= 1, "a price")
        if price * ppm <= last * (ppm + move) and price * (ppm + move) >= last * ppm:
            case.claim(taken == price, "the vote itself")
    case.claim(rules.oracle.limited(price, 0, 10_000) == price, "the first price stands")


@proof("ORCL-005", "the greatest move grows with time and never passes its bound", "oracle.most_move_ppm",
       bounds="1% a second and any part for a block, all times",
       slips={"oracle": [(MOVE, "return move_ppm + move_ppm_a_second * elapsed_ns // SECOND_NS"), (MOVE, "return min(move_ppm - move_ppm_a_second * elapsed_ns // SECOND_NS, most_ppm)")]})
def moves_grow_with_time(case: Any, rules: Any) -> None:
    fixed, early, late = case.whole("fixed", low=0), case.whole("early", low=0), case.whole("late", low=0)
    case.assume(early <= late)
    most = 1_000_000_000
    sooner, later = (rules.oracle.most_move_ppm(fixed, 10_000, time, most) for time in (early, late))
    case.claim(sooner <= later, "more time, more way")
    case.claim(later <= most, "bounded")


@proof("ORCL-006", "only a young price that a quorum voted within reach after its warm-up is fresh", "oracle.validity",
       slips={"oracle": [("if age_ns > max_age_ns:", "if age_ns > 2 * max_age_ns:"), ("if not within:", "if within:"), ("if not warm:", "if warm:"),
                         ("return FRESH if counted else THIN", "return FRESH"), ("if age_ns > ABSENT_AGES * max_age_ns:", "if age_ns > max_age_ns:")]})
def validity_says_the_worst(case: Any, rules: Any) -> None:
    age, most = case.whole("age", low=0), case.whole("most", low=1)
    for counted in (False, True):
        for within in (False, True):
            for warm in (False, True):
                found = rules.oracle.validity(age_ns=age, max_age_ns=most, counted=counted, within=within, warm=warm)
                case.claim((found == 6) == (age > 100 * most), "absent")
                case.claim((found >= 5) == (age > most), "stale or absent")
                if age <= most:
                    case.claim(found == (3 if not within else 2 if not warm else 1 if counted else 4), "else the worst that holds")


@proof("ORCL-007", "the index is the scaled price rounded down, within its bounds", "oracle.index_price", bounds="scales of 1 / 1,000, 10 and 7 / 3",
       slips={"oracle": [(INDEX, "index = -(-price * multiplier // divisor)"), (CLAMP, "return index"), (CLAMP, "return 1 if index < 1 else index")]})
def the_index_is_scaled(case: Any, rules: Any) -> None:
    price, most = case.whole("price", low=1), case.whole("most", low=1)
    for multiplier, divisor in ((1, 1_000), (10, 1), (7, 3)):
        index = rules.oracle.index_price(price, multiplier, divisor, most)
        case.claim((index >= 1) & (index <= most), "within its bounds")
        if index > 1 and index < most:
            case.claim((index * divisor <= price * multiplier) & ((index + 1) * divisor > price * multiplier), "rounded down")


@proof("ORCL-008", "what is near a median is within the bound of it and nothing nearer is left out", "oracle.near",
       slips={"oracle": [(NEAR, "return median * (PPM - bound_ppm) // PPM, median * (PPM + bound_ppm) // PPM"), (NEAR, "return median, median")]})
def near_is_within_the_bound(case: Any, rules: Any) -> None:
    median, price, ppm, bound = case.whole("median", low=1), case.whole("price", low=1), 1_000_000, 20_000
    low, high = rules.oracle.near(median, bound)
    near = (price >= low) & (price <= high)
    far = abs(price - median) * ppm > median * bound
    case.claim(near != far, "near or far, never both")


COLD = "cold = resumed_ns and now_ns - resumed_ns < warm_up_ns"


@proof("ORCL-011", "what a worse price allows a better one allows too; after a standstill nobody is liquidated", "oracle.barred",
       slips={"oracle": [(COLD, "cold = False"), (COLD, "cold = resumed_ns and now_ns - resumed_ns > warm_up_ns"), ("    STALE: OPEN | WITHDRAW", "    STALE: WITHDRAW")]})
def the_matrix_is_a_ladder(case: Any, rules: Any) -> None:
    now, resumed, warm_up = case.whole("now", low=1), case.whole("resumed", low=1), case.whole("warm_up", low=0)
    case.assume(resumed <= now)
    before = 0
    for validity in (1, 4, 2, 3, 5, 6):  # fresh, thin, warming, jumping, stale, absent
        bars = rules.oracle.barred(validity, now, 0, warm_up)
        case.claim(bars & before == before, "bars all that a better price bars")
        cold = rules.oracle.barred(validity, now, resumed, warm_up)
        liquidates = cold & 8 == 0
        case.claim((not liquidates) or (now - resumed >= warm_up), "cold after a standstill")
        before = bars
