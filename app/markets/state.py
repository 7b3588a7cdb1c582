"""Access to markets."""

from app.context import Context
from app.errors import MARKET_NOT_FOUND, MARKET_NOT_TRADING, ChainError
from app.events import MarketStatusChanged
from app.markets.types import (
    ACTIVE,
    ANNOUNCED,
    AUCTION,
    BATCH,
    HALTED,
    QUARANTINED,
    REDUCE_ONLY,
    SETTLED,
    SETTLING,
    Market,
)

TRADES, STANDS = (ACTIVE, REDUCE_ONLY), (HALTED, AUCTION, ANNOUNCED)


def market_numbers(ctx: Context) -> list[int]:
    """The numbers of all markets, ascending."""
    return sorted(ctx.books)


def require_market(ctx: Context, market_id: int) -> Market:
    """The market, or MARKET_NOT_FOUND."""
    market = ctx.markets.get(market_id)
    if market is None:
        raise ChainError(MARKET_NOT_FOUND, market=market_id)
    return market


def set_status(ctx: Context, market: int, status: int, reason: int) -> None:
    """MKT-005: move a market to another status; `reason` is a StatusReason. ORCL-012: when it stood still before, it is
    cold from now on.
    """
    record = ctx.markets.edit(market)
    before, record.status = record.status, status
    if status in TRADES and before in STANDS:
        record.resumed_ns = ctx.time_ns
    ctx.forget_risk(market)
    ctx.emit(MarketStatusChanged(market, before, status, reason))


def open_interest(ctx: Context, market: int) -> int:
    """MKT-003: the lots of all longs of a market, which are those of all shorts."""
    totals = ctx.totals.get(market)
    return totals.open_interest_lots if totals else 0


def is_crossed(ctx: Context, market: int) -> bool:
    """Whether the best bid of a market reaches its best ask."""
    book = ctx.books[market]
    bid, ask = book.bids.best_price(), book.asks.best_price()
    return bool(bid and ask and bid >= ask)


def collects(market: Market) -> bool:
    """MKT-007: whether orders only rest now, to meet at one price: in an auction, in a block of a batch market."""
    return market.status == AUCTION or (market.matching == BATCH and market.status in (ACTIVE, REDUCE_ONLY))


def require_running(market: Market) -> None:
    """TRIG-001, BOOK-018: neither trigger nor protection is set in a market that has its settlement price: nothing
    would come of it, and it would keep an option from going (OPT-003). Raises MARKET_NOT_TRADING.
    """
    if market.status in (SETTLING, SETTLED):
        raise ChainError(MARKET_NOT_TRADING, market=market.market, status=market.status)


def require_trading(market: Market, *, reduces: bool) -> None:
    """MKT-002: active markets and auctions take all orders, reduce-only and quarantined ones those that reduce, others
    none; sealed ones none either (CMP-004).
    """
    if market.status in (ACTIVE, AUCTION) or (
        reduces and market.status in (REDUCE_ONLY, QUARANTINED) and not market.sealed
    ):
        return
    raise ChainError(MARKET_NOT_TRADING, market=market.market, status=market.status)
