"""FUND rules: what a position owes. Pure functions over integers."""

E9 = 1_000_000_000


def payment(lots: int, index_now_e9: int, index_then_e9: int) -> int:
    """FUND-001: what the holder of `lots` (negative: short) owes for the way of the index, in quote quanta, rounded
    up, so that the crumb stays in the market's funding pool. Negative: what the holder gets.
    """
    return -(-lots * (index_now_e9 - index_then_e9) // E9)
