"""BRK rules: how far a price may be from the mark, how much may be open, how much may leave. Pure functions over
integers.
"""

from collections.abc import Sequence

from app.kernel.integers import PPM, mul_div_ceil, mul_div_floor

BUY = 1
NO_CAP = 1 << 62
SWINGS = 8
STRESS_ROWS = (-4, 4, -3, 3, -2, 2, -1, 1)  # quarters of the greatest shock, the ends first
SUM_LIMIT_QUANTA = 1 << 62  # half of what a field holds


def band_width(mark_quanta: int, band_ppm: int, tick_quanta: int) -> int:
    """BRK-004: how far from the mark a band reaches, rounded down; a tick at least, so that there is always a price."""
    return max(tick_quanta, mark_quanta * band_ppm // PPM)


def lowest_price(mark_quanta: int, band_ppm: int, tick_quanta: int, base_quanta: int = 0) -> int:
    """BRK-004: the lowest price within a band around the mark, on the tick, rounded inwards; no price is below a
    tick. The band is a share of `base_quanta` (OPT-001), where that is 0 of the mark.
    """
    width = band_width(base_quanta or mark_quanta, band_ppm, tick_quanta)
    return max(tick_quanta, -(-(mark_quanta - width) // tick_quanta) * tick_quanta)


def highest_price(mark_quanta: int, band_ppm: int, tick_quanta: int, base_quanta: int = 0) -> int:
    """BRK-004: the highest price within a band around the mark, on the tick, rounded inwards; as `lowest_price`."""
    width = band_width(base_quanta or mark_quanta, band_ppm, tick_quanta)
    return (mark_quanta + width) // tick_quanta * tick_quanta


def banded_price(
    side: int, price_quanta: int, mark_quanta: int, band_ppm: int, tick_quanta: int, base_quanta: int = 0
) -> int:
    """BRK-004: a limit, or the end of the band if it is more aggressive than that: a buy above it, a sell below it."""
    if side == BUY:
        return min(price_quanta, highest_price(mark_quanta, band_ppm, tick_quanta, base_quanta))
    return max(price_quanta, lowest_price(mark_quanta, band_ppm, tick_quanta, base_quanta))


def moved(mark_quanta: int, reference_quanta: int, move_ppm: int) -> bool:
    """BRK-007: whether the mark lies more than `move_ppm` of a reference away from it, up or down."""
    return abs(mark_quanta - reference_quanta) * PPM > reference_quanta * move_ppm


def open_interest_cap(most_lots: int, most_quanta: int, mark_quanta: int) -> int:
    """BRK-010: the most lots that may be open: so many, and no more than are worth so much at the mark; 0 of either is
    no limit, NO_CAP when both are.
    """
    by_value = most_quanta // mark_quanta if most_quanta else NO_CAP
    return min(most_lots, by_value) if most_lots else by_value


def may_open(interest_lots: int, change_lots: int, cap_lots: int) -> bool:
    """BRK-010: whether open interest may change so: down always, up to the cap."""
    return change_lots <= 0 or interest_lots + change_lots <= cap_lots


def lots_within_cap(lots: int, buyer_short_lots: int, seller_long_lots: int, room_lots: int) -> int:
    """BRK-011: the most of `lots` that a buyer who is short and a seller who is long by so much (0: is not) can trade
    while open interest grows by at most `room_lots` >= 0: what either of them closes, and the room.
    """
    return min(lots, buyer_short_lots + seller_long_lots + room_lots)


def worth(units: int, price_quanta: int, units_a_price: int) -> int:
    """BRK-014: what `units` of an asset that leave count for: at the price of `units_a_price` of them, without a
    haircut, rounded up.
    """
    return mul_div_ceil(units, price_quanta, units_a_price)


def flow_limit(most_quanta: int, held_quanta: int, most_ppm: int) -> int:
    """BRK-015: what may leave at once: so much, or that share of what is held, rounded down, if that is more."""
    return max(most_quanta, mul_div_floor(held_quanta, most_ppm, PPM))


def drained(level: int, limit_quanta: int, elapsed_ns: int) -> int:
    """BRK-016: the level of a bucket, in quanta x nanoseconds, after some time: a full one drains in its window."""
    return max(0, level - limit_quanta * elapsed_ns)


def flow_room(level: int, limit_quanta: int, window_ns: int) -> int:
    """BRK-016: the most quanta that fit into a bucket now, rounded down."""
    return max(0, (limit_quanta * window_ns - level) // window_ns)


def flow_wait(level: int, amount_quanta: int, limit_quanta: int, window_ns: int) -> int:
    """BRK-017: after how many nanoseconds an amount would fit, rounded up; 0: now. It is no more than the limit > 0."""
    return max(0, -(-(level + (amount_quanta - limit_quanta) * window_ns) // limit_quanta))


def shocked_price(price_quanta: int, quarters: int, stress_ppm: int, most_quanta: int) -> int:
    """BRK-021: a mark after so many quarters of the greatest shock, rounded down, in 1..most."""
    moved = price_quanta + mul_div_floor(price_quanta, quarters * stress_ppm, 4 * PPM)
    return max(1, min(moved, most_quanta))


def with_shortfall(sum_quanta: int, equity_quanta: int) -> int:
    """BRK-021: a sum of what accounts owe beyond what they have, with one more; it stops at what its field holds."""
    return min(SUM_LIMIT_QUANTA, sum_quanta + max(0, -equity_quanta))


def is_covered(shortfalls_quanta: Sequence[int], insured_quanta: int) -> bool:
    """BRK-022: whether insurance covers the worst row."""
    return max(shortfalls_quanta, default=0) <= insured_quanta
