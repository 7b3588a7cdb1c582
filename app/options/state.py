"""Series of options: markets that come and go."""

from functools import partial

from app.book.index import MarketBook
from app.book.protection import drop_protections
from app.book.types import BookState
from app.breakers.types import Breakers
from app.collateral.types import funding_pool
from app.context import Context
from app.events import SeriesRemoved
from app.funding.types import Funding
from app.limits import MAX_PRICE_QUANTA, MAX_PROTECTIONS_DROPPED
from app.markets.state import require_market
from app.markets.types import OPTION, Market, MarketTotals, OptionClass
from app.oracle.rules import STALE, index_price
from app.oracle.types import MarkPrice
from app.pricing.state import SECOND_NS, option_price
from app.surface.state import expiry_key

LISTING_KEY = b"listing"


def make_series(
    ctx: Context, terms: OptionClass, number: int, expiry_s: int, strike_quanta: int, right: int, symbol: str
) -> Market:
    """OPT-002: a series of a class, as it will stand among the markets."""
    behind = ctx.markets.get(terms.fund_market)
    return Market(
        market=number,
        symbol=symbol,
        lot_size=terms.lot_size,
        tick_size=terms.tick_size,
        tick_quanta=terms.tick_quanta,
        max_order_lots=terms.max_order_lots,
        max_position_lots=terms.max_position_lots,
        max_open_interest_lots=terms.max_open_interest_lots,
        initial_margin_ppm=terms.margin_most_ppm,
        maintenance_margin_ppm=terms.maintenance_ppm,
        maker_fee_ppm=terms.maker_fee_ppm,
        taker_fee_ppm=terms.taker_fee_ppm,
        kind=OPTION,
        expiry_ns=expiry_s * SECOND_NS,
        insurance_cap_quanta=behind.insurance_cap_quanta if behind else 0,
        insurance_event_quanta=behind.insurance_event_quanta if behind else 0,
        order_band_ppm=terms.order_band_ppm,
        fill_band_ppm=terms.fill_band_ppm,
        feed=terms.feed,
        index_multiplier=terms.index_multiplier,
        index_divisor=terms.index_divisor,
        strike_quanta=strike_quanta,
        right=right,
        fund_market=terms.fund_market,
    )


def add_series(ctx: Context, market: Market) -> None:
    """OPT-002: a series becomes a market: its records, and its empty book."""
    number, feed = market.market, ctx.feeds.get(market.feed)
    index = index_price(feed.price, market.index_multiplier, market.index_divisor, MAX_PRICE_QUANTA) if feed else 1
    price = max(1, option_price(ctx, market))
    ctx.markets.put(number, market)
    ctx.totals.put(number, MarketTotals())
    ctx.funding.put(number, Funding())
    ctx.states.put(number, BookState())
    ctx.marks.put(number, MarkPrice(price, ctx.height, ctx.time_ns, index, feed.validity if feed else STALE))
    ctx.breakers.put(number, Breakers())
    open_book(ctx, number)
    file_series(ctx, market)
    ctx.journal.entries.append((partial(_undo_file, ctx), market, None))


def remove_series(ctx: Context, number: int) -> None:
    """OPT-003: a settled series, which nobody holds and whose book is empty, is no market any more; of an account's
    protections in it so many go in a block, and it with the last. The last series of an expiry takes fixing
    and anchor along (PORT-013).
    """
    if drop_protections(ctx, number, MAX_PROTECTIONS_DROPPED) > MAX_PROTECTIONS_DROPPED:
        return
    market = require_market(ctx, number)
    for table in (ctx.markets, ctx.totals, ctx.funding, ctx.states, ctx.marks, ctx.settlements, ctx.breakers):
        if table.get(number) is not None:
            table.delete(number)
    if ctx.losses.get(number) is not None:
        ctx.losses.delete(number)
    if ctx.funds.get(funding_pool(number)) is not None:
        ctx.funds.delete(funding_pool(number))
    ctx.forget_risk(number)
    close_book(ctx, number)
    unfile_series(ctx, market)
    ctx.journal.entries.append((partial(_undo_unfile, ctx), market, None))
    key = expiry_key(market.feed, market.expiry_ns // SECOND_NS)
    if (market.feed, market.expiry_ns // SECOND_NS) not in ctx.series:
        if ctx.fixings.get(key) is not None:
            ctx.fixings.delete(key)
        if ctx.anchors.get(key) is not None:
            ctx.anchors.delete(key)
    ctx.emit(SeriesRemoved(number))


def rebuild(ctx: Context) -> None:
    """Make the index of series from the stored markets, at start."""
    ctx.series = {}
    for _, market in ctx.markets.scan():
        if market.kind == OPTION:
            file_series(ctx, market)


def file_series(ctx: Context, market: Market) -> None:
    """Put a series into the index, under its underlying and expiry."""
    group = ctx.series.setdefault((market.feed, market.expiry_ns // SECOND_NS), {})
    group[market.strike_quanta, market.right] = market.market


def unfile_series(ctx: Context, market: Market) -> None:
    """Take a series out of the index."""
    at = market.feed, market.expiry_ns // SECOND_NS
    del ctx.series[at][market.strike_quanta, market.right]
    if not ctx.series[at]:
        del ctx.series[at]


def _undo_file(ctx: Context, market: Market, _old: None) -> None:
    unfile_series(ctx, market)


def _undo_unfile(ctx: Context, market: Market, _old: None) -> None:
    file_series(ctx, market)


def open_book(ctx: Context, number: int) -> None:
    """Give a new market its book; the journal takes it back."""
    ctx.books[number] = MarketBook()
    ctx.journal.entries.append((partial(_undo_open, ctx), number, None))


def _undo_open(ctx: Context, number: int, _old: None) -> None:
    del ctx.books[number]


def close_book(ctx: Context, number: int) -> None:
    """Take an empty book away; the journal puts it back."""
    ctx.journal.entries.append((ctx.books.__setitem__, number, ctx.books.pop(number)))
