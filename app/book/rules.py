"""BOOK rules: who meets whom, and how much. Pure functions over integers."""

BUY = 1


def crosses(side: int, limit_quanta: int, maker_quanta: int) -> bool:
    """BOOK-002: a buy meets asks at or below its limit, a sell meets bids at or above it."""
    return maker_quanta <= limit_quanta if side == BUY else maker_quanta >= limit_quanta


def reducible_lots(side: int, position_lots: int) -> int:
    """BOOK-003: the lots an order of `side` can trade before it stops reducing a position; 0 when it would add to
    it.
    """
    return max(0, -position_lots if side == BUY else position_lots)


def uniform_price(lowest_quanta: int, highest_quanta: int, tick_quanta: int) -> int:
    """BOOK-022: the price at which crossed orders meet: the middle of the prices at which most lots trade,
    rounded down to the tick. `lowest_quanta` is the ask, `highest_quanta` the bid of the last pair that crosses,
    both on the tick.
    """
    middle = (lowest_quanta + highest_quanta) // 2
    return middle - middle % tick_quanta


def signed_lots(side: int, size_lots: int) -> int:
    """What a fill of an order of `side` adds to its account's lots: + for a buy, - for a sell."""
    return size_lots if side == BUY else -size_lots


def leg_cost(side: int, quote_quanta: int) -> int:
    """COMB-003: what a leg filled for `quote_quanta` adds to the cost of its combo: + for a buy, - for a sell."""
    return quote_quanta if side == BUY else -quote_quanta


def hidden_left(open_lots: int, hidden_lots: int, display_lots: int) -> int:
    """BOOK-016: what stays hidden of an order with `open_lots` left: all that was, while some of what was shown is
    left; else what the next peak of `display_lots` does not show.
    """
    return hidden_lots if open_lots > hidden_lots else max(0, open_lots - display_lots)


def is_over(expiry_time_ns: int, time_ns: int) -> bool:
    """BOOK-015: whether an order that may trade until `expiry_time_ns` (0: for ever) may no more."""
    return 0 < expiry_time_ns < time_ns


def peg_price(
    side: int, twice_reference_quanta: int, offset_ticks: int, tick_quanta: int, limit_quanta: int, opposite_quanta: int
) -> int:
    """BOOK-017: the price of a pegged order: its reference, rounded to the tick away from the other side, plus the
    offset; no worse than its limit (0: none); a tick away from the best order of the other side (0: none).
    """
    if side == BUY:
        price = (twice_reference_quanta // (2 * tick_quanta) + offset_ticks) * tick_quanta
        if limit_quanta and price > limit_quanta:
            price = limit_quanta
        return opposite_quanta - tick_quanta if opposite_quanta and price >= opposite_quanta else price
    price = (-(-twice_reference_quanta // (2 * tick_quanta)) + offset_ticks) * tick_quanta
    if limit_quanta and price < limit_quanta:
        price = limit_quanta
    return opposite_quanta + tick_quanta if opposite_quanta and price <= opposite_quanta else price


def drained_after(drained_ns: int, time_ns: int, lots: int, window_ns: int, limit_lots: int) -> int:
    """BOOK-018: when a protection's level will be empty after another fill: a full level drains in one window, so a
    lot takes window / limit, rounded up.
    """
    return max(drained_ns, time_ns) - (-lots * window_ns // limit_lots)


def is_tripped(drained_ns: int, time_ns: int, window_ns: int) -> bool:
    """BOOK-018: whether a protection's level is full: it would take a whole window to drain."""
    return drained_ns - time_ns >= window_ns
