"""Marks of options, of which there are many: what all series of one expiry share is made once a block."""

from typing import NamedTuple

from app.context import Context
from app.kernel.fixed import BITS, ln
from app.limits import MAX_PRICE_QUANTA
from app.markets.state import require_market
from app.markets.types import CALL, SETTLED, SETTLING, Market
from app.oracle import rules as oracle_rules
from app.pricing.rules import in_lots, option_price
from app.pricing.state import SECOND_NS
from app.surface.state import curve_of, voted_ns


class Shared(NamedTuple):
    """Index and validity of the series of one underlying and expiry; what is fixed and what moves of their forward in
    quote quanta a lot, the logarithm of the latter, their slice (None: no volatility).
    """

    index_quanta: int
    validity: int
    fixed_quanta: int
    live_quanta: int
    log_live_q80: int
    slice_e18: tuple[int, ...] | None


Made = dict[tuple[int, int], Shared]  # by (feed, expiry in ns)


def mark_series(made: Made, ctx: Context, number: int) -> None:
    """ORCL-007, MARK-006, MARK-007 for one series; one that has its settlement price keeps that, one in quarantine its
    last mark (CMP-005).
    """
    market, mark = require_market(ctx, number), ctx.marks.get(number)
    shared = made.get((market.feed, market.expiry_ns))
    if shared is None:
        shared = made[market.feed, market.expiry_ns] = share(ctx, market)
    if mark is None:
        raise KeyError(number)
    price = mark.price_quanta
    if market.status not in (SETTLING, SETTLED) and not market.quarantined:
        price = price_of(shared, market) or price
    if (price, shared.index_quanta, shared.validity) != (mark.price_quanta, mark.index_quanta, mark.validity):
        changed = ctx.marks.edit(number)
        changed.index_quanta, changed.validity = shared.index_quanta, shared.validity
        if price != mark.price_quanta:
            changed.price_quanta, changed.height, changed.time_ns = price, ctx.height, ctx.time_ns
        ctx.forget_risk(number)  # its bands are a share of the index


def share(ctx: Context, market: Market) -> Shared:
    """What the series of the expiry of `market` share in this block."""
    feed, expiry_s = ctx.feeds.get(market.feed), market.expiry_ns // SECOND_NS
    if feed is None:
        raise KeyError(market.feed)
    multiplier, divisor = market.index_multiplier, market.index_divisor
    index = oracle_rules.index_price(feed.price, multiplier, divisor, MAX_PRICE_QUANTA)
    validity, curve = max(feed.validity, surface_validity(ctx, market)), curve_of(ctx, market.feed, expiry_s)
    if curve is None:
        return Shared(index, validity, 0, 0, 0, None)
    fixed, live = in_lots(curve.fixed_e9, multiplier, divisor), in_lots(curve.live_e9, multiplier, divisor)
    return Shared(index, validity, fixed, live, ln(live, 0) if live else 0, curve.slice_e18)


def surface_validity(ctx: Context, market: Market) -> int:
    """MARK-006: how far the volatility of an option's expiry can be trusted: by its age."""
    terms = ctx.option_classes.get(market.feed)
    age_ns = ctx.time_ns - voted_ns(ctx, market.feed, market.expiry_ns // SECOND_NS)
    return oracle_rules.FRESH if terms is not None and age_ns <= terms.surface_max_age_ns else oracle_rules.STALE


def price_of(shared: Shared, market: Market) -> int:
    """MARK-007: the price of a series (PRIC-013), rounded down, at least 1; 0 where there is no volatility to tell."""
    if shared.slice_e18 is None:
        return 0
    price_q80 = option_price(
        shared.fixed_quanta,
        shared.live_quanta,
        market.strike_quanta,
        market.right == CALL,
        shared.slice_e18,
        shared.log_live_q80,
    )
    return max(1, price_q80 >> BITS)
