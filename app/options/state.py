"""Series of options: markets that come and go."""

from functools import partial

from app.book.index import MarketBook
from app.book.types import BookState
from app.context import Context
from app.funding.types import Funding
from app.limits import MAX_PRICE_QUANTA
from app.markets.types import OPTION, Market, MarketTotals, OptionClass
from app.oracle.rules import STALE, index_price
from app.oracle.types import MarkPrice
from app.pricing.state import SECOND_NS, option_price

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
    open_book(ctx, number)


def remove_series(ctx: Context, number: int) -> None:
    """OPT-003: a settled series, which nobody holds and whose book is empty, is no market any more."""
    for table in (ctx.markets, ctx.totals, ctx.funding, ctx.states, ctx.marks, ctx.settlements):
        if table.get(number) is not None:
            table.delete(number)
    if ctx.losses.get(number) is not None:
        ctx.losses.delete(number)
    ctx.forget_risk(number)
    close_book(ctx, number)


def open_book(ctx: Context, number: int) -> None:
    """Give a new market its book; the journal takes it back."""
    ctx.books[number] = MarketBook()
    ctx.journal.entries.append((partial(_undo_open, ctx), number, None))


def _undo_open(ctx: Context, number: int, _old: None) -> None:
    del ctx.books[number]


def close_book(ctx: Context, number: int) -> None:
    """Take an empty book away; the journal puts it back."""
    ctx.journal.entries.append((ctx.books.__setitem__, number, ctx.books.pop(number)))
