"""Marks, once a block: after the votes and before anything that values a position."""

from functools import partial

from app.compartment import guarded
from app.context import Context
from app.events import MarkPriceSet
from app.funding.hooks import impact
from app.limits import IDLE_BLOCKS, MAX_PRICE_QUANTA
from app.markets.state import market_numbers, open_interest, require_market
from app.markets.types import AUCTION, OPTION, Market
from app.marks import rules
from app.marks.state import Made, mark_series
from app.oracle import rules as oracle_rules
from app.oracle.state import note_barred, set_mark_price


def make_marks(ctx: Context) -> None:
    """ORCL-007, MARK-001 to MARK-004, for every market: its index, then its mark; what was in force until now is kept
    for what counts the time since the last block. MARK-005 to MARK-007 for options.
    """
    ctx.standing = {}
    step = partial(mark_series, Made())
    for number in market_numbers(ctx):
        if require_market(ctx, number).kind == OPTION:
            if is_asked(ctx, number):
                guarded(ctx, number, step, in_quarantine=True)
        else:
            guarded(ctx, number, take_index, in_quarantine=True)
            guarded(ctx, number, make_mark, in_quarantine=True)
    note_barred(ctx)


def is_asked(ctx: Context, number: int) -> bool:
    """MARK-005: whether an option is marked in this block: one that nobody holds or has an order in only in one block
    of IDLE_BLOCKS.
    """
    if number % IDLE_BLOCKS == ctx.height % IDLE_BLOCKS:
        return True
    book = ctx.books[number]
    return bool(open_interest(ctx, number) or book.bids.best_price() or book.asks.best_price())


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
    """MARK-001 to MARK-004 for one market; one that has its settlement price keeps that, one in quarantine its last
    mark (CMP-005).
    """
    market, mark = require_market(ctx, number), ctx.marks.get(number)
    settlement = ctx.settlements.get(number)
    if mark is None or market.quarantined or (settlement is not None and settlement.fixed):
        return
    basis_e3, price = mark.basis_e3, mark.index_quanta
    if band_ppm := market.mark_band_ppm:
        half, last = book_middle(ctx, market), last_trade(ctx, market)
        near = rules.banded(half, price, band_ppm) if half else price
        basis_e3 = rules.smoothed(basis_e3, near - price, ctx.elapsed_ns, market.mark_window_ns)
        prices = [price + basis_e3 // rules.E3]
        if half:
            prices.append(near)
        if last:
            prices.append(last)
        price = rules.banded(rules.middle(prices), price, band_ppm)
    if (price, basis_e3) != (mark.price_quanta, mark.basis_e3):
        set_mark(ctx, number, price, basis_e3)


def set_mark(ctx: Context, number: int, price_quanta: int, basis_e3: int) -> None:
    """Store a mark that may be the same with another basis."""
    mark = ctx.marks.edit(number)
    mark.basis_e3 = basis_e3
    if price_quanta != mark.price_quanta:
        set_mark_price(ctx, number, price_quanta)
        ctx.emit(MarkPriceSet(number, price_quanta))


def book_middle(ctx: Context, market: Market) -> int:
    """MARK-001: the mean, rounded down, of the impact prices (FUND-004) of bids and asks as the block before left them;
    0 without depth on both sides, and in an auction, whose orders nobody stands behind until they meet.
    """
    if market.status == AUCTION:
        return 0
    book, notional = ctx.books[market.market], market.impact_notional_quanta
    bid, ask = impact(book.bids, notional, up=False), impact(book.asks, notional, up=True)
    return (bid + ask) // 2 if bid and ask else 0


def last_trade(ctx: Context, market: Market) -> int:
    """MARK-003: the price of the last trade, 0 when it is older than the market's window or there was none."""
    state = ctx.states.get(market.market)
    young = state is not None and ctx.time_ns - state.last_time_ns <= market.mark_window_ns
    return state.last_price_quanta if state is not None and young else 0
