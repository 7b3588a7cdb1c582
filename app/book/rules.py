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


def signed_lots(side: int, size_lots: int) -> int:
    """What a fill of an order of `side` adds to its account's lots: + for a buy, - for a sell."""
    return size_lots if side == BUY else -size_lots
