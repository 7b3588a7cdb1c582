"""What a question supposes of prices: the mark of one market, or a move of an underlying with all that follows it.

Everything here changes a fork; whoever asks takes it back by its journal.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.accounts.types import Account
from app.collateral.state import require_asset
from app.context import Context
from app.errors import QUERY_PRICE, QUERY_VOLATILITY, ChainError
from app.kernel.integers import PPM
from app.limits import MAX_MOVE_PPM, MAX_PRICE_QUANTA
from app.markets.state import require_market
from app.markets.types import OPTION
from app.marks.state import Made, mark_series
from app.oracle.rules import index_price
from app.oracle.state import mark_price
from app.oracle.state import suppose_price as set_supposed
from app.oracle.types import Surface
from app.portfolio.types import Anchor
from app.pricing.state import SECOND_NS
from app.surface.state import curve_of, expiry_key

LEAST_PRICE_QUANTA = 1


@dataclass(frozen=True, slots=True)
class Price:
    """A supposed mark: a price, or a change of the present one in ppm."""

    market: int
    price_quanta: int = 0
    change_ppm: int = 0


@dataclass(frozen=True, slots=True)
class Move:
    """A supposed move of an underlying: changes, in ppm, of its price and of its volatility at every strike and
    expiry.
    """

    feed: int
    price_ppm: int = 0
    volatility_ppm: int = 0


def suppose_price(ctx: Context, price: Price) -> None:
    """RISK-001: a supposed mark, rounded down. Raises MARKET_NOT_FOUND, QUERY_PRICE."""
    require_market(ctx, price.market)
    moved = price.price_quanta or mark_price(ctx, price.market) * (PPM + price.change_ppm) // PPM
    if not 0 < moved <= MAX_PRICE_QUANTA:
        raise ChainError(QUERY_PRICE, market=price.market, price_quanta=moved, most_quanta=MAX_PRICE_QUANTA)
    set_supposed(ctx, price.market, moved)


def check_move(ctx: Context, move: Move) -> None:
    """RISK-005: what cannot be supposed of an underlying. Raises QUERY_PRICE, QUERY_VOLATILITY."""
    if ctx.feeds.get(move.feed) is None or not -PPM < move.price_ppm <= MAX_MOVE_PPM:
        raise ChainError(QUERY_PRICE, feed=move.feed, change_ppm=move.price_ppm, most_ppm=MAX_MOVE_PPM)
    surface = ctx.surfaces.get(move.feed)
    if move.volatility_ppm and (surface is None or not -PPM < move.volatility_ppm <= MAX_MOVE_PPM):
        raise ChainError(QUERY_VOLATILITY, feed=move.feed, change_ppm=move.volatility_ppm, most_ppm=MAX_MOVE_PPM)


def suppose_move(ctx: Context, move: Move, markets: Iterable[int]) -> None:
    """RISK-005: an underlying moves, and with it those of `markets` that follow it."""
    feed = ctx.feeds.get(move.feed)
    if move.volatility_ppm:
        shift_surface(ctx, move.feed, move.volatility_ppm)
    if feed is not None:
        suppose_feed(ctx, move.feed, max(1, feed.price * (PPM + move.price_ppm) // PPM), markets)


def shift_surface(ctx: Context, feed: int, change_ppm: int) -> None:
    """RISK-005: voted variances times (1 + change)^2, rounded down, at least 1."""
    surface = ctx.surfaces.get(feed)
    if surface is not None:
        factor = (PPM + change_ppm) ** 2
        ctx.surfaces.put(feed, Surface(tuple([
            one._replace(variances_e9=tuple([max(1, part * factor // PPM**2) for part in one.variances_e9]))
            for one in surface.pillars
        ])))


def suppose_feed(ctx: Context, feed: int, price: int, markets: Iterable[int]) -> None:
    """RISK-005: the price of a feed, in its units; of its markets each index follows it, each mark of a perpetual or
    future in proportion to its own, rounded down, at least 1; options are marked anew (MARK-007), and the anchors of
    their expiries are the curves of then (PORT-013).
    """
    record = ctx.feeds.edit(feed)
    before, record.price = record.price, price
    made: Made = {}
    expiries: dict[int, None] = {}
    for number in sorted(dict.fromkeys(markets)):
        market = require_market(ctx, number)
        if market.feed == feed:
            mark = ctx.marks.edit(number)
            mark.index_quanta = index_price(price, market.index_multiplier, market.index_divisor, MAX_PRICE_QUANTA)
            if market.kind == OPTION:
                mark_series(made, ctx, number)
                expiries[market.expiry_ns // SECOND_NS] = None
            else:
                mark.price_quanta = min(max(LEAST_PRICE_QUANTA, mark.price_quanta * price // before), MAX_PRICE_QUANTA)
            ctx.forget_risk(number)
    for expiry_s in expiries:
        move_anchor(ctx, feed, expiry_s)


def move_anchor(ctx: Context, feed: int, expiry_s: int) -> None:
    """RISK-005: the anchor of an expiry, if it has one, is the curve of now."""
    key, curve = expiry_key(feed, expiry_s), curve_of(ctx, feed, expiry_s)
    if curve is not None and ctx.anchors.get(key) is not None:
        ctx.anchors.put(key, Anchor(curve, ctx.time_ns))


def move_together(ctx: Context, markets: Sequence[int], price_quanta: int) -> None:
    """Set the mark of the first market, and those of the others in proportion, rounded down, at least 1."""
    before = [mark_price(ctx, market) for market in markets]
    for market, mark in zip(markets, before, strict=True):
        moved = max(LEAST_PRICE_QUANTA, mark * price_quanta // before[0])
        set_supposed(ctx, market, min(moved, MAX_PRICE_QUANTA))


def markets_of(ctx: Context, account: Account) -> list[int]:
    """The markets that an account's standing depends on: those it is in, and those that price its assets."""
    pricing = [require_asset(ctx, asset).price_market for asset, _ in account.assets]
    return sorted(dict.fromkeys([*account.positions, *(market for market in pricing if market)]))
