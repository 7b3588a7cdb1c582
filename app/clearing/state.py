"""Applying fills to accounts and markets."""

from app.accounts.types import Account, Position
from app.clearing import rules
from app.context import Context
from app.markets.rules import open_interest_change


def position_after_fill(held: Position, signed_lots: int, price_quanta: int) -> Position:
    """`held` after a fill; its open orders as they were."""
    return Position(
        held.market,
        held.lots + signed_lots,
        rules.entry_after_fill(held.lots, held.entry_quanta, signed_lots, price_quanta),
        held.open_buy_lots,
        held.open_buy_notional_quanta,
        held.open_sell_lots,
        held.open_sell_notional_quanta,
    )


def apply_fill(account: Account, market: int, signed_lots: int, price_quanta: int, fee_quanta: int) -> int:
    """CLR-001 to CLR-003: move lots, cash and entry of one side of a fill. Returns what it adds to open interest.

    `account` is as `edit` gave it. The fee has left the account; the caller credits the fund.
    """
    held = account.position(market)
    account.cash_quanta = rules.cash_after_fill(account.cash_quanta, signed_lots, price_quanta, fee_quanta)
    account.set_position(position_after_fill(held, signed_lots, price_quanta))
    return open_interest_change(held.lots, held.lots + signed_lots)


def add_open_interest(ctx: Context, market: int, lots: int) -> None:
    """MKT-003: change a market's open interest by `lots`."""
    if lots:
        ctx.totals.edit(market).open_interest_lots += lots
