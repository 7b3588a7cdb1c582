"""Risk arrays and portfolios, read from state. The formulas are in rules.py.

Whoever needs the margin of an account asks `margin.state`; the report that it is made of is here.
"""

from collections.abc import Iterable, Sequence
from operator import mul

from app.context import Context
from app.kernel.integers import PPM
from app.markets.types import CALL, OPTION, Market
from app.oracle.state import index_price
from app.portfolio import rules
from app.portfolio.rules import Expiry, Terms
from app.portfolio.types import (
    DEFAULT,
    Anchor,
    Array,
    ExpiryRisk,
    Holding,
    PortfolioRisk,
    UnderlyingRisk,
)
from app.pricing.rules import E9
from app.pricing.state import SECOND_NS, forward_in_lots
from app.surface.state import curve_of, expiry_key
from app.surface.types import Curve

KEPT_ARRAYS = 5_000  # in memory; then all are made anew
FLAT_E18 = (1,) * 7  # where nothing is known of volatility: what options are worth at once


def portfolio_risk(ctx: Context, holdings: Iterable[Holding]) -> PortfolioRisk:
    """PORT-008 to PORT-011: the report of positions on underlyings that have terms (`terms_of`). Their order is of no
    consequence. Margin is this report's `initial` and `maintenance`, wherever it is asked.
    """
    groups: dict[int, list[Holding]] = {}
    for held in holdings:
        groups.setdefault(held.market.feed, []).append(held)
    underlyings = [underlying_risk(ctx, feed, groups[feed]) for feed in sorted(groups)]
    scan = rules.scan_of(
        [one.rows for one in underlyings], [one.terms.offset_ppm for one in underlyings], ctx.params.offset_cap_quanta
    )
    kept = sum(one.kept_quanta for one in underlyings)
    more = sum(one.more_quanta for one in underlyings)
    return PortfolioRisk(
        underlyings,
        scan,
        rules.requirement(scan.total_e6, PPM, kept + more),
        rules.requirement(scan.total_e6, ctx.params.portfolio_maintenance_ppm, kept),
    )


def underlying_risk(ctx: Context, feed: int, holdings: Sequence[Holding]) -> UnderlyingRisk:
    """PORT-004 to PORT-009 of the positions on one underlying."""
    terms = terms_of(ctx, feed) or DEFAULT
    found = UnderlyingRisk(feed, terms, list(holdings))
    expiries: dict[int, list[Holding]] = {}
    values, naked, index = [], [0], 0
    for held in holdings:
        if held.market.kind == OPTION:
            expiries.setdefault(held.market.expiry_ns, []).append(held)
        else:
            values.append(held.lots * held.mark_quanta)
    total = [0] * (len(terms.rows) + rules.SKEWS + 1)
    for expiry_ns in sorted(expiries):
        group = expiries[expiry_ns]
        one = expiry_risk(ctx, group, expiry_ns, terms)
        found.expiries.append(one)
        total = [have + profit for have, profit in zip(total, one.profits, strict=True)]
        strikes: dict[int, int] = {}
        for held in group:
            strike = held.market.strike_quanta
            strikes[strike] = strikes.get(strike, 0) + held.lots
        naked += strikes.values()
        index = index_price(ctx, group[0].market.market)
    found.linear = sum(values)
    found.rows = rules.weighted_rows(total, found.linear, terms.rows)
    found.kept_quanta = rules.linear_contingency(values, terms.linear_maintenance_ppm) + rules.option_contingency(
        naked, index, terms.option_maintenance_ppm
    )
    found.more_quanta = rules.linear_contingency(values, terms.linear_initial_ppm) + rules.option_contingency(
        naked, index, terms.option_initial_ppm
    )
    return found


def expiry_risk(ctx: Context, holdings: Sequence[Holding], expiry_ns: int, terms: Terms) -> ExpiryRisk:
    """PORT-004 to PORT-007 of options of one underlying and expiry: a dot product of lots and arrays."""
    lots = [held.lots for held in holdings]
    arrays = arrays_of(ctx, holdings, terms)
    sums = [sum(map(mul, lots, changes)) for changes in zip(*arrays, strict=True)]
    value = sum(held.lots * held.mark_quanta for held in holdings)
    return ExpiryRisk(expiry_ns, value, rules.expiry_rows(value, sums, expiry_of(ctx, holdings[0].market, terms)))


def alone(ctx: Context, market: Market, mark_quanta: int) -> tuple[int, int]:
    """PORT-014: the initial margin of a lot bought and of a lot sold, alone: what their open orders ask for, a lot."""
    known = array_of(ctx, market) if market.kind == OPTION else None
    prices = mark_quanta, index_price(ctx, market.market)
    if known is not None and known.alone[0] == prices:
        return known.alone[1]
    long, short = (portfolio_risk(ctx, [Holding(market, lots, mark_quanta)]).initial for lots in (1, -1))
    if known is not None:
        known.alone = prices, (long, short)
    return long, short


def terms_of(ctx: Context, feed: int) -> Terms | None:
    """PORT-012: how portfolios of an underlying are margined; None: it has no part in them."""
    record = ctx.portfolios.get(feed)
    return record.terms if record else None


def anchored_curve(ctx: Context, market: Market) -> Curve:
    """PORT-013: the curve that the arrays of an option are made on: its anchor; the curve of now until it has one; the
    index without volatility where nothing is known.
    """
    expiry_s = market.expiry_ns // SECOND_NS
    anchor: Anchor | None = ctx.anchors.get(expiry_key(market.feed, expiry_s))
    if anchor is not None:
        return anchor.curve
    curve = curve_of(ctx, market.feed, expiry_s)
    if curve is not None:
        return curve
    feed = ctx.feeds.get(market.feed)
    return Curve(0, feed.price * E9 if feed else 0, FLAT_E18, max(0, market.expiry_ns - ctx.time_ns))


def expiry_of(ctx: Context, market: Market, terms: Terms) -> Expiry:
    """PORT-003: what the arrays of an option's underlying and expiry share. Kept with what it was made of."""
    curve, key = anchored_curve(ctx, market), (market.feed, market.expiry_ns)
    known = ctx.expiries.get(key)
    if known is not None and known[0] == (curve, terms):
        return known[1]
    fixed, live = forward_in_lots(curve, market)
    made = rules.expiry_of(fixed, live, curve.left_ns, terms)
    if len(ctx.expiries) >= KEPT_ARRAYS:
        ctx.expiries.clear()
    ctx.expiries[key] = (curve, terms), made
    return made


def arrays_of(ctx: Context, holdings: Sequence[Holding], terms: Terms) -> list[list[int]]:
    """PORT-005: the arrays of options of one underlying and expiry: `array_of` of each, their curve looked up once."""
    curve, arrays = anchored_curve(ctx, holdings[0].market), ctx.arrays
    found = []
    for held in holdings:
        known = arrays.get(held.market.market)
        if known is None or known[0][0] is not curve or known[0][1] is not terms:
            found.append(array_of(ctx, held.market).changes_q80)
        else:
            found.append(known[1].changes_q80)
    return found


def array_of(ctx: Context, market: Market) -> Array:
    """PORT-005: the array of an option on its anchor. Kept with what it was made of."""
    curve, terms = anchored_curve(ctx, market), terms_of(ctx, market.feed) or DEFAULT
    known = ctx.arrays.get(market.market)
    if known is not None and known[0] == (curve, terms):
        return known[1]
    expiry = expiry_of(ctx, market, terms)
    made = Array(rules.array_of(expiry, curve.slice_e18, market.strike_quanta, market.right == CALL))
    if len(ctx.arrays) >= KEPT_ARRAYS:
        ctx.arrays.clear()
    ctx.arrays[market.market] = (curve, terms), made
    return made
