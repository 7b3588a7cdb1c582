"""How the value of an account answers to small moves: its greeks, by underlying and expiry."""

from dataclasses import dataclass

from app.accounts.types import Account
from app.context import Context
from app.kernel.fixed import BITS
from app.margin.state import market_risk
from app.markets.state import require_market
from app.markets.types import OPTION, Market
from app.pricing.state import greeks_on, lot_curve


@dataclass(slots=True)
class Sensitivities:
    """RISK-007: of all positions on one underlying and expiry (0: without), in quote quanta: what they gain as the
    price grows by its whole (delta), what delta gains then (gamma), what 100 % of volatility adds (vega), and a day
    (theta). Each position's part is rounded down.
    """

    feed: int
    expiry_ns: int
    delta: int = 0
    gamma: int = 0
    vega: int = 0
    theta: int = 0


def sensitivities(ctx: Context, account: Account) -> list[Sensitivities]:
    """RISK-007: ascending by feed and expiry."""
    found: dict[tuple[int, int], Sensitivities] = {}
    for number in sorted(account.positions):
        lots, market = account.positions[number].lots, require_market(ctx, number)
        if lots:
            group = market.feed, market.expiry_ns
            add(ctx, found.setdefault(group, Sensitivities(*group)), market, lots)
    return [found[group] for group in sorted(found)]


def add(ctx: Context, group: Sensitivities, market: Market, lots: int) -> None:
    """RISK-007: one position: PRIC-008 on the curve of its expiry, by the part of the forward that still moves; of a
    perpetual or future its whole value is delta, and an option without a curve has none.
    """
    if market.kind != OPTION:
        group.delta += lots * market_risk(ctx, market.market).mark_quanta
        return
    curve = lot_curve(ctx, market)
    if curve is None:
        return
    one = greeks_on(curve, market)
    group.delta += lots * one.delta_q80 * curve.live_quanta >> BITS
    group.gamma += lots * one.gamma_q80 * curve.live_quanta >> BITS
    group.vega += lots * one.vega_q80 >> BITS
    group.theta += lots * one.theta_q80 >> BITS
