"""What anybody may ask of options: what their prices say of volatility, and how they answer to small moves."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.context import Context
from app.kernel.fixed import BITS
from app.limits import SETTLEMENT_WINDOW_NS
from app.markets.state import require_market
from app.markets.types import CALL, Market
from app.pricing.rules import Greeks, Implied, implied_deviation, volatility
from app.pricing.state import LotCurve, deviation_on, greeks_on, live_strike, lot_curve


@dataclass(frozen=True, slots=True)
class OptionView:
    """An option on the curve of its expiry. The forward is in quote quanta a lot; greeks are the put's for a put;
    volatilities are a year's, times 10^18. `implied_e18` has one for each price that was asked about, 0 where none
    gives that price.
    """

    forward_quanta: int
    volatility_e18: int  # that its mark is made with
    greeks: Greeks
    implied_e18: tuple[int, ...]


def view_option(ctx: Context, number: int, prices_quanta: Sequence[int]) -> OptionView | None:
    """PRIC-008, PRIC-009: one option now, with what volatility these prices of a lot imply; a price of 0 is none. None
    where nothing is known of volatility. Raises MARKET_NOT_FOUND.
    """
    market = require_market(ctx, number)
    curve = lot_curve(ctx, market)
    if curve is None:
        return None
    return OptionView(
        curve.fixed_quanta + curve.live_quanta,
        yearly(curve, deviation_on(curve, market)),
        greeks_on(curve, market),
        tuple(implied(curve, market, price) if price else 0 for price in prices_quanta),
    )


def implied(curve: LotCurve, market: Market, price_quanta: int) -> int:
    """PRIC-009: the volatility at which a lot is worth that price, times 10^18; 0 where there is none: at or below the
    intrinsic value, or beyond what an option can be worth.
    """
    outcome, deviation_q80 = implied_deviation(
        price_quanta << BITS, curve.live_quanta, live_strike(curve, market), market.right == CALL
    )
    return yearly(curve, deviation_q80) if outcome is Implied.FOUND else 0


def yearly(curve: LotCurve, deviation_q80: int) -> int:
    """PRIC-001: the volatility of a deviation, times 10^18. Of the time over which the price at the end is averaged
    only a third counts (SURF-008).
    """
    counted_ns = curve.left_ns - 2 * min(curve.left_ns, SETTLEMENT_WINDOW_NS) // 3
    return volatility(deviation_q80, counted_ns) if counted_ns else 0
