"""Prices of options, read from state. The formulas are in rules.py."""

from typing import NamedTuple

from app.context import Context
from app.kernel.fixed import BITS, ONE_Q80, ln, sqrt
from app.markets.types import CALL, Market
from app.pricing import rules
from app.surface.rules import variance
from app.surface.state import curve_of
from app.surface.types import Curve

SECOND_NS = 10**9


class LotCurve(NamedTuple):
    """PRIC-015: a curve as one class of options counts: what is fixed and what moves of the forward in quote quanta a
    lot, the logarithm of the latter, the slice, the time left.
    """

    fixed_quanta: int
    live_quanta: int
    log_live_q80: int
    slice_e18: tuple[int, ...]
    left_ns: int


def forward_in_lots(curve: Curve, market: Market) -> tuple[int, int]:
    """PRIC-015: (what is fixed, what moves) of a curve's forward, in quote quanta a lot of `market`."""
    fixed, live = (
        rules.in_lots(units_e9, market.index_multiplier, market.index_divisor)
        for units_e9 in (curve.fixed_e9, curve.live_e9)
    )
    return fixed, live


def lot_curve(ctx: Context, market: Market) -> LotCurve | None:
    """What all series of an option's underlying and expiry are priced on now; None where there is no volatility."""
    curve = curve_of(ctx, market.feed, market.expiry_ns // SECOND_NS)
    if curve is None:
        return None
    fixed, live = forward_in_lots(curve, market)
    return LotCurve(fixed, live, ln(live, 0) if live else 0, curve.slice_e18, curve.left_ns)


def price_on(curve: LotCurve | None, market: Market) -> int:
    """PRIC-013: what a lot of an option is worth on the curve of its expiry, quote quanta, rounded down, at least 1; 0
    where there is no volatility to tell.
    """
    if curve is None:
        return 0
    price_q80 = rules.option_price(
        curve.fixed_quanta,
        curve.live_quanta,
        market.strike_quanta,
        market.right == CALL,
        curve.slice_e18,
        curve.log_live_q80,
    )
    return max(1, price_q80 >> BITS)


def option_price(ctx: Context, market: Market) -> int:
    """PRIC-013: what a lot of an option is worth now, as `price_on` says."""
    return price_on(lot_curve(ctx, market), market)


def live_strike(curve: LotCurve, market: Market) -> int:
    """PRIC-013: what is left of the strike for the part of the forward that still moves."""
    return max(0, market.strike_quanta - curve.fixed_quanta)


def deviation_on(curve: LotCurve, market: Market) -> int:
    """PRIC-013: the deviation that an option is priced with; 0 when no time is left."""
    if not curve.left_ns:
        return 0
    return sqrt(variance(curve.slice_e18, rules.distance(curve.live_quanta, live_strike(curve, market))))


def greeks_on(curve: LotCurve, market: Market) -> rules.Greeks:
    """PRIC-008: how the price of an option, the put's as the call's, answers to small moves of what still moves."""
    found = rules.greeks(
        curve.live_quanta, live_strike(curve, market), deviation_on(curve, market), curve.left_ns
    )
    return found if market.right == CALL else found._replace(delta_q80=found.delta_q80 - ONE_Q80)
