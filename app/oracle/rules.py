"""ORCL rules: from votes to a price. Pure functions over integers."""

from collections.abc import Sequence

from app.kernel.integers import PPM

FRESH, WARMING, JUMPING, THIN, STALE, ABSENT = 1, 2, 3, 4, 5, 6

# What relies on a price. Cancelling, depositing, reducing and whatever needs no price are not here: nothing bars them.
OPEN, WITHDRAW, TRIGGER, LIQUIDATE, SETTLE, FUND = 1, 2, 4, 8, 16, 32
# ORCL-011: validity -> what it bars.
BARRED = {
    FRESH: 0,
    THIN: 0,
    WARMING: LIQUIDATE,
    JUMPING: OPEN | WITHDRAW | TRIGGER | LIQUIDATE,
    STALE: OPEN | WITHDRAW | TRIGGER | LIQUIDATE | SETTLE,
    ABSENT: OPEN | WITHDRAW | TRIGGER | LIQUIDATE | SETTLE | FUND,
}

SECOND_NS = 1_000_000_000
ABSENT_AGES = 100


def weighted_median(votes: Sequence[tuple[int, int]], total: int) -> int:
    """ORCL-004: the first price of (price, power), ascending by price, at which the power so far is at least half of
    `total`, the power of all votes given.
    """
    so_far = 0
    for price, power in votes:
        so_far += power
        if 2 * so_far >= total:
            return price
    return 0


def most_move_ppm(move_ppm: int, move_ppm_a_second: int, elapsed_ns: int, most_ppm: int) -> int:
    """ORCL-005: how far a price may move in `elapsed_ns`, in parts per million: a part for any block, a part for the
    time, rounded down; at most `most_ppm`.
    """
    return min(move_ppm + move_ppm_a_second * elapsed_ns // SECOND_NS, most_ppm)


def limited(price: int, last: int, move_ppm: int) -> int:
    """ORCL-005: `price`, or as near to it as a move of `move_ppm` up from `last` (rounded down) or the same way down
    (rounded up) reaches; one unit is never too far. `last` = 0: there is none yet.
    """
    if not last:
        return price
    highest = max(last * (PPM + move_ppm) // PPM, last + 1)
    lowest = max(1, min(-(-last * PPM // (PPM + move_ppm)), last - 1))
    return lowest if price < lowest else highest if price > highest else price


def validity(*, age_ns: int, max_age_ns: int, counted: bool, within: bool, warm: bool) -> int:
    """ORCL-006: how far a price can be trusted.

    `age_ns` is the time since it was voted, `counted` whether this block's votes were a quorum, `within` whether the
    median was within the greatest move, `warm` whether it has been fresh for its warm-up.
    """
    if age_ns > ABSENT_AGES * max_age_ns:
        return ABSENT
    if age_ns > max_age_ns:
        return STALE
    if not within:
        return JUMPING
    if not warm:
        return WARMING
    return FRESH if counted else THIN


def index_price(price: int, multiplier: int, divisor: int, most_quanta: int) -> int:
    """ORCL-007: a market's index in quote quanta a lot: the feed's price scaled, rounded down, in 1..most_quanta."""
    index = price * multiplier // divisor
    return 1 if index < 1 else most_quanta if index > most_quanta else index


def near(median: int, bound_ppm: int) -> tuple[int, int]:
    """ORCL-008: the least and the greatest vote that is not farther from the median than the bound, each rounded
    towards the median; without a median every vote is near.
    """
    if not median:
        return 0, 1 << 62
    return -(-median * (PPM - bound_ppm) // PPM), median * (PPM + bound_ppm) // PPM


def kept_expiries(expiries_s: Sequence[int], now_ns: int, most: int) -> list[int]:
    """ORCL-009: of expiries in seconds, those that lie ahead, ascending, at most the `most` nearest."""
    return sorted(expiry_s for expiry_s in expiries_s if expiry_s * SECOND_NS > now_ns)[:most]


def barred(validity: int, now_ns: int, resumed_ns: int, warm_up_ns: int) -> int:
    """ORCL-011, ORCL-012: what may not rely on a market's price: by validity, and liquidation until `warm_up_ns` after
    the market went from standing still to trading (`resumed_ns`; 0: it never stood still).
    """
    cold = resumed_ns and now_ns - resumed_ns < warm_up_ns
    return BARRED[validity] | (LIQUIDATE if cold else 0)
