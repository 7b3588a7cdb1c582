"""Integer arithmetic with its rounding in its name. Every division of money in Novation is one of these."""

from math import isqrt

PPM = 1_000_000


def mul_div_floor(value: int, numerator: int, denominator: int) -> int:
    """value x numerator / denominator, rounded towards minus infinity. `denominator` > 0."""
    return value * numerator // denominator


def mul_div_ceil(value: int, numerator: int, denominator: int) -> int:
    """value x numerator / denominator, rounded towards plus infinity. `denominator` > 0."""
    return -(-value * numerator // denominator)


def mul_div_toward_zero(value: int, numerator: int, denominator: int) -> int:
    """value x numerator / denominator, rounded towards zero. `denominator` > 0."""
    product = value * numerator
    return product // denominator if product >= 0 else -(-product // denominator)


def ppm_ceil(value: int, rate_ppm: int) -> int:
    """`value` x `rate_ppm` parts per million, rounded towards plus infinity."""
    return -(-value * rate_ppm // PPM)


def sqrt_floor(value: int) -> int:
    """The square root of `value` >= 0, rounded down."""
    return isqrt(value)
