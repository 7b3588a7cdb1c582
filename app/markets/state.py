"""Access to markets."""

from app.context import Context
from app.errors import MARKET_NOT_FOUND, MARKET_NOT_TRADING, ChainError
from app.markets.types import ACTIVE, QUARANTINED, REDUCE_ONLY, Market


def market_numbers(ctx: Context) -> list[int]:
    """The numbers of all markets, ascending."""
    return sorted(ctx.books)


def require_market(ctx: Context, market_id: int) -> Market:
    """The market, or MARKET_NOT_FOUND."""
    market = ctx.markets.get(market_id)
    if market is None:
        raise ChainError(MARKET_NOT_FOUND, market=market_id)
    return market


def require_trading(market: Market, *, reduces: bool) -> None:
    """MKT-002: active markets take all orders, reduce-only and quarantined ones those that reduce, others none;
    sealed ones none either (CMP-004).
    """
    if market.status == ACTIVE or (
        reduces and market.status in (REDUCE_ONLY, QUARANTINED) and not market.sealed
    ):
        return
    raise ChainError(MARKET_NOT_TRADING, market=market.market, status=market.status)
