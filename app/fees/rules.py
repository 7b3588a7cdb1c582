"""FEES rules: what a fill costs. Pure functions over integers."""

from app.kernel.integers import ppm_ceil


def trading_fee(notional_quanta: int, rate_ppm: int) -> int:
    """FEES-001: the fee of one side of one fill, in quote quanta, rounded up: the crumb goes to the fee fund.

    `notional_quanta` >= 0 is price x lots, `rate_ppm` >= 0 the market's maker or taker rate.
    """
    return ppm_ceil(notional_quanta, rate_ppm)
