"""SETL rules: the price at which a market ends, and who pays. Pure functions over integers."""


def counted_ns(last_ns: int, now_ns: int, opens_ns: int, ends_ns: int, most_ns: int) -> int:
    """SETL-002: how much of the window `opens_ns`..`ends_ns` the price of the block at `last_ns` stood for until the
    block at `now_ns`: at most `most_ns` after it was set.
    """
    until = min(now_ns, last_ns + most_ns, ends_ns)
    return max(0, until - max(last_ns, opens_ns))


def settlement_price(weighted: int, covered_ns: int, last_quanta: int) -> int:
    """SETL-003: the time-weighted mean of the window, rounded down, in quote quanta a lot; the last price if none
    of the window was covered.
    """
    return weighted // covered_ns if covered_ns else last_quanta


def fund_pays(cash_quanta: int, fund_quanta: int) -> int:
    """SETL-006: what a market's insurance fund pays towards the debt of an account that is left with nothing else."""
    return max(0, min(-cash_quanta, fund_quanta))
