"""What a fill makes of a position, and a market's open interest."""

from app.accounts.types import Account, Position
from app.clearing import rules
from app.context import Context
from app.funding.state import index_of, settled


def taker_position(held: Position, signed_lots: int, price_quanta: int) -> Position:
    """CLR-003: `held` after its account's incoming order filled `signed_lots` at `price_quanta`."""
    return Position(
        held.market,
        held.lots + signed_lots,
        rules.entry_after_fill(held.lots, held.entry_quanta, signed_lots, price_quanta),
        held.open_buy_lots,
        held.open_buy_notional_quanta,
        held.open_sell_lots,
        held.open_sell_notional_quanta,
        held.funding_index_e9,
    )


def off_book(
    ctx: Context, account: Account, market: int, signed_lots: int, price_quanta: int, extra_quanta: int = 0
) -> tuple[int, int, Position]:
    """CLR-002, FUND-002: (the funding that was owed, cash, position) of an account after it bought `signed_lots`
    (negative: sold) outside the book and got `extra_quanta`. Its funding there is settled first; who calls hands it on.
    """
    owed, held = settled(account.position(market), index_of(ctx, market))
    cash = rules.cash_after_fill(account.cash_quanta - owed, signed_lots, price_quanta, -extra_quanta)
    return owed, cash, taker_position(held, signed_lots, price_quanta)


def maker_position(held: Position, signed_lots: int, price_quanta: int) -> Position:
    """CLR-003: `held` after a resting order of its account filled `signed_lots`: what is held and what rests change."""
    lots = held.lots + signed_lots
    entry = rules.entry_after_fill(held.lots, held.entry_quanta, signed_lots, price_quanta)
    buys, buy_notional = held.open_buy_lots, held.open_buy_notional_quanta
    sells, sell_notional = held.open_sell_lots, held.open_sell_notional_quanta
    if signed_lots > 0:
        return Position(
            held.market,
            lots,
            entry,
            buys - signed_lots,
            buy_notional - signed_lots * price_quanta,
            sells,
            sell_notional,
            held.funding_index_e9,
        )
    return Position(
        held.market,
        lots,
        entry,
        buys,
        buy_notional,
        sells + signed_lots,
        sell_notional + signed_lots * price_quanta,
        held.funding_index_e9,
    )


def add_open_interest(ctx: Context, market: int, lots: int) -> None:
    """MKT-003: change a market's open interest by `lots`."""
    if lots:
        ctx.totals.edit(market).open_interest_lots += lots
        found = ctx.markets.get(market)
        if found is not None and found.open_interest_upper_quanta:
            ctx.forget_risk(market)  # MARG-008
