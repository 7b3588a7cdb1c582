"""Marks of options, of which there are many: what all series of one expiry share is made once a block."""

from typing import NamedTuple

from app.context import Context
from app.limits import MAX_PRICE_QUANTA
from app.markets.state import require_market
from app.markets.types import SETTLED, SETTLING, Market
from app.oracle import rules as oracle_rules
from app.pricing.state import SECOND_NS, LotCurve, lot_curve, price_on
from app.surface.state import voted_ns


class Shared(NamedTuple):
    """Index and validity of the series of one underlying and expiry, and what they are priced on."""

    index_quanta: int
    validity: int
    curve: LotCurve | None


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
        price = price_on(shared.curve, market) or price
    if (price, shared.index_quanta, shared.validity) != (mark.price_quanta, mark.index_quanta, mark.validity):
        changed = ctx.marks.edit(number)
        changed.index_quanta, changed.validity = shared.index_quanta, shared.validity
        if price != mark.price_quanta:
            changed.price_quanta, changed.height, changed.time_ns = price, ctx.height, ctx.time_ns
        ctx.forget_risk(number)  # its bands are a share of the index


def share(ctx: Context, market: Market) -> Shared:
    """What the series of the expiry of `market` share in this block."""
    feed = ctx.feeds.get(market.feed)
    if feed is None:
        raise KeyError(market.feed)
    index = oracle_rules.index_price(feed.price, market.index_multiplier, market.index_divisor, MAX_PRICE_QUANTA)
    return Shared(index, max(feed.validity, surface_validity(ctx, market)), lot_curve(ctx, market))


def surface_validity(ctx: Context, market: Market) -> int:
    """MARK-006: how far the volatility of an option's expiry can be trusted: by its age."""
    terms = ctx.option_classes.get(market.feed)
    age_ns = ctx.time_ns - voted_ns(ctx, market.feed, market.expiry_ns // SECOND_NS)
    return oracle_rules.FRESH if terms is not None and age_ns <= terms.surface_max_age_ns else oracle_rules.STALE
