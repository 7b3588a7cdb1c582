"""Prices of options, read from state. The formulas are in rules.py."""

from app.context import Context
from app.kernel.fixed import BITS
from app.markets.types import CALL, Market
from app.pricing import rules
from app.surface.state import Curve, curve_of

SECOND_NS = 10**9


def price_on(curve: Curve, market: Market) -> int:
    """PRIC-013: what a lot of an option is worth on a curve of its expiry, times 2^80."""
    fixed, live = (
        rules.in_lots(units_e9, market.index_multiplier, market.index_divisor)
        for units_e9 in (curve.fixed_e9, curve.live_e9)
    )
    return rules.option_price(fixed, live, market.strike_quanta, market.right == CALL, curve.slice_e18)


def option_price(ctx: Context, market: Market) -> int:
    """PRIC-013: what a lot of an option is worth now, quote quanta, rounded down, at least 1; 0 where there is no
    volatility to tell.
    """
    curve = curve_of(ctx, market.feed, market.expiry_ns // SECOND_NS)
    return max(1, price_on(curve, market) >> BITS) if curve else 0
