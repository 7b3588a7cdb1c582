"""Volatility for test networks: a smile made from a seed, free of arbitrage, the same on every node.

Total variance at k, the logarithm of strike over forward, is theta/2 * (1 + r*s*k + sqrt((s*k + r)^2 + 1 - r^2)), with
theta the one at the money, s a steepness and r a tilt.
"""

import math
from decimal import Decimal

from node.prices.chance import uniform
from node.prices.observation import Pillar

LOG_MONEYNESS = (-0.6, -0.3, -0.1, 0.0, 0.1, 0.3, 0.6)
YEAR_NS = 365 * 86_400 * 10**9
STEEPNESS = 1.5
DIGITS = 9


def smile(seed: str, volatility: Decimal, expiries_ns: list[int], now_ns: int) -> tuple[Pillar, ...]:
    """A pillar for each expiry that is still to come; the forward is the price now."""
    tilt = 0.3 * uniform(seed, "tilt") - 0.2  # -0.5 .. 0.1: puts are dearer than calls, mostly
    pillars = []
    for expiry_ns in sorted(expiries_ns):
        if expiry_ns > now_ns:
            theta = float(volatility) ** 2 * (expiry_ns - now_ns) / YEAR_NS
            pillars.append(Pillar(expiry_ns, Decimal(1), tuple(_variance(theta, tilt, k) for k in LOG_MONEYNESS)))
    return tuple(pillars)


def _variance(theta: float, tilt: float, k: float) -> Decimal:
    slope = STEEPNESS * k
    total = theta / 2 * (1 + tilt * slope + math.sqrt((slope + tilt) ** 2 + 1 - tilt**2))
    return max(Decimal(f"{total:.{DIGITS}f}"), Decimal(1).scaleb(-DIGITS))
