"""Volatility for test networks: a smile made from a seed, free of arbitrage, the same on every node.

Total variance at k, the logarithm of strike over forward, is theta/2 * (1 + r*s*k + sqrt((s*k + r)^2 + 1 - r^2)), with
theta the one at the money, s a steepness and r a tilt. Both are those of the whole surface, so a later slice is an
earlier one times a number. Where the greatest theta is great, s is less: theta * s * s and theta * s stay below what
would make butterflies worth less than nothing.
"""

import math
from decimal import Decimal

from node.prices.chance import uniform
from node.prices.observation import Pillar

LOG_MONEYNESS = (-0.6, -0.3, -0.1, 0.0, 0.1, 0.3, 0.6)
YEAR_NS = 365 * 86_400 * 10**9
STEEPNESS = 1.5
MOST_SQUARE = 1.2  # of theta * s * s; 4 / (1 + |r|) would be the bound, were slices curves and not seven points
MOST_SLOPE = 2.0  # of theta * s
DIGITS = 9


def smile(seed: str, volatility: Decimal, expiries_ns: list[int], now_ns: int) -> tuple[Pillar, ...]:
    """A pillar for each expiry that is still to come; the forward is the price now."""
    ahead = [one for one in sorted(expiries_ns) if one > now_ns]
    thetas = [float(volatility) ** 2 * (one - now_ns) / YEAR_NS for one in ahead]
    most = max(thetas, default=1.0)
    steepness = min(STEEPNESS, math.sqrt(MOST_SQUARE / most), MOST_SLOPE / most)
    lean = 0.5 * uniform(seed, "tilt") - 0.3  # -0.8 .. 0.2: puts are dearer than calls, mostly
    tilt = 0.15 * steepness * lean  # so little that variance is least between -0.2 and 0.2, and both wings rise
    shape = [_shape(steepness * k, tilt) for k in LOG_MONEYNESS]
    return tuple(Pillar(one, Decimal(1), tuple(_variance(theta * factor) for factor in shape))
                 for one, theta in zip(ahead, thetas, strict=True))


def _shape(slope: float, tilt: float) -> float:
    return (1 + tilt * slope + math.sqrt((slope + tilt) ** 2 + 1 - tilt**2)) / 2


def _variance(total: float) -> Decimal:
    return max(Decimal(f"{total:.{DIGITS}f}"), Decimal(1).scaleb(-DIGITS))
