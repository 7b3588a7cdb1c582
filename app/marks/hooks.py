"""Marks, once a block: after the votes and before anything that values a position."""

from app.compartment import guarded
from app.context import Context
from app.events import MarkPriceSet
from app.funding.hooks import impact
from app.limits import MAX_PRICE_QUANTA
from app.markets.state import market_numbers, require_market
from app.markets.types import Market
from app.marks import rules
from app.oracle import rules as oracle_rules
from app.oracle.state import note_barred


def make_marks(ctx: Context) -> None:
    """ORCL-007, MARK-001 to MARK-004, for every market: its index, then its mark; what was in force until now is kept
    for what counts the time since the last block.
    """
    ctx.standing = {}
    for number in market_numbers(ctx):
        guarded(ctx, number, take_index, in_quarantine=True)
        guarded(ctx, number, make_mark, in_quarantine=True)
    note_barred(ctx)


def take_index(ctx: Context, number: int) -> None:
    """ORCL-007: the index of a market from its feed, and how far the feed can be trusted."""
    market, mark = require_market(ctx, number), ctx.marks.get(number)
    feed = ctx.feeds.get(market.feed)
    if feed is None or mark is None:
        raise KeyError(number)
    ctx.standing[number] = mark.index_quanta, mark.validity
    index = oracle_rules.index_price(feed.price, market.index_multiplier, market.index_divisor, MAX_PRICE_QUANTA)
    if (index, feed.validity) != (mark.index_quanta, mark.validity):
        changed = ctx.marks.edit(number)
        changed.index_quanta, changed.validity = index, feed.validity


def make_mark(ctx: Context, number: int) -> None:
    """MARK-001 to MARK-004 for one market; one that has its settlement price keeps that."""
    market, mark = require_market(ctx, number), ctx.marks.get(number)
    settlement = ctx.settlements.get(number)
    if mark is None or (settlement is not None and settlement.price_quanta):
        return
    basis_e6, price = mark.basis_e6, mark.index_quanta
    if market.mark_band_ppm and not market.quarantined:
        bid, ask = impact_prices(ctx, market)
        prices = []
        if bid and ask:
            half = (bid + ask) // 2
            basis_e6 = rules.smoothed(basis_e6, half - price, ctx.elapsed_ns, market.mark_window_ns)
            prices.append(half)
        last = ctx.states.get(number)
        if last is not None and last.last_price_quanta:
            prices.append(last.last_price_quanta)
        prices.append(price + basis_e6 // rules.E6)
        price = rules.banded(rules.middle(prices), price, market.mark_band_ppm)
    if (price, basis_e6) != (mark.price_quanta, mark.basis_e6):
        set_mark(ctx, number, price, basis_e6)


def set_mark(ctx: Context, number: int, price_quanta: int, basis_e6: int) -> None:
    """Store a mark that may be the same with another basis."""
    mark = ctx.marks.edit(number)
    mark.basis_e6 = basis_e6
    if price_quanta != mark.price_quanta:
        mark.price_quanta, mark.height, mark.time_ns = price_quanta, ctx.height, ctx.time_ns
        ctx.forget_risk(number)
        ctx.emit(MarkPriceSet(number, price_quanta))


def impact_prices(ctx: Context, market: Market) -> tuple[int, int]:
    """MARK-001: the impact prices (FUND-004) of bids and asks as the block before left them; 0 without depth."""
    book, notional = ctx.books[market.market], market.impact_notional_quanta
    return impact(book.bids, notional, up=False), impact(book.asks, notional, up=True)
