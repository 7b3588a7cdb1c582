"""Feeds and first prices, from genesis."""

from math import gcd

from app.context import Context
from app.errors import GenesisError
from app.kernel.codec import decimal_parts
from app.limits import MAX_FEED_DECIMALS, MAX_FEED_NS, MAX_FEED_PRICE, MAX_FEEDS, MAX_MOVE_PPM, MAX_PRICE_QUANTA
from app.oracle import rules
from app.oracle.rules import FRESH
from app.oracle.types import Feed, MarkPrice
from app.params import optional_integer, require_integer, require_symbol

FIELDS = {"feed", "symbol", "decimals", "price", "move_ppm", "move_ppm_a_second", "max_age_ns", "warm_up_ns"}
QUOTE_PLACES = 6
MAX_SCALE = 1 << 62


def load_feed(ctx: Context, section: dict[str, object]) -> None:
    """ORCL-010: validate one entry of the genesis list `feeds` and store it; the price of genesis counts as voted then.
    Raises GenesisError naming the field.
    """
    if unknown := sorted(section.keys() - FIELDS):
        raise GenesisError(f"feeds: unknown fields {unknown}")
    number = require_integer(section, "feeds[]", "feed", 1, MAX_FEEDS)
    where = f"feeds[{number}]"
    if ctx.feeds.get(number) is not None or (number > 1 and ctx.feeds.get(number - 1) is None):
        raise GenesisError(f"{where}: feeds are numbered from 1, ascending and without gaps")
    price = require_integer(section, where, "price", 1, MAX_FEED_PRICE)
    feed = Feed(
        feed=number,
        symbol=require_symbol(section, where),
        decimals=require_integer(section, where, "decimals", 0, MAX_FEED_DECIMALS),
        move_ppm=optional_integer(section, where, "move_ppm", 1, MAX_MOVE_PPM, 10_000),
        move_ppm_a_second=optional_integer(section, where, "move_ppm_a_second", 0, MAX_MOVE_PPM, 5_000),
        max_age_ns=optional_integer(section, where, "max_age_ns", 1, MAX_FEED_NS, 10_000_000_000),
        warm_up_ns=optional_integer(section, where, "warm_up_ns", 0, MAX_FEED_NS, 30_000_000_000),
        price=price,
        median=price,
        voted_ns=ctx.time_ns,
        validity=FRESH,
    )
    ctx.feeds.put(number, feed)


def load_mark_price(ctx: Context, market_number: int) -> None:
    """ORCL-007: how the market's index follows from its feed, and its first mark. Raises GenesisError."""
    market = ctx.markets.edit(market_number)
    feed = ctx.feeds.get(market.feed)
    if feed is None:
        raise GenesisError(f"markets[{market_number}].feed: there is no feed {market.feed}")
    market.index_multiplier, market.index_divisor = scale(market.lot_size, feed.decimals)
    if max(market.index_multiplier, market.index_divisor) > MAX_SCALE:
        raise GenesisError(f"markets[{market_number}].lot_size: too far from the decimals of feed {market.feed}")
    index = rules.index_price(feed.price, market.index_multiplier, market.index_divisor, MAX_PRICE_QUANTA)
    ctx.marks.put(market_number, MarkPrice(index, ctx.height, ctx.time_ns, index, feed.validity))


def scale(lot_size: str, decimals: int) -> tuple[int, int]:
    """ORCL-007: (multiplier, divisor) from a price in units of 10^-decimals USD to quote quanta a lot, in lowest terms.

    A lot of 0.001 with three decimals is (1, 1): 46,000.000 is 46,000,000 quanta a lot.
    """
    digits, places = decimal_parts(lot_size)
    multiplier, divisor = digits * 10**QUOTE_PLACES, 10 ** (places + decimals)
    common = gcd(multiplier, divisor)
    return multiplier // common, divisor // common
