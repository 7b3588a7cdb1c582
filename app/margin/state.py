"""Margin of accounts, read from state. The formulas are in rules.py."""

from collections.abc import Iterable

from app.accounts.types import Account, Position
from app.context import Context
from app.margin import rules
from app.margin.types import Standing
from app.markets.state import require_market
from app.oracle.state import mark_price


def standing(ctx: Context, cash_quanta: int, positions: Iterable[Position], *, with_orders: bool = True) -> Standing:
    """Equity, initial and maintenance margin of an account with this cash and these positions at the current marks.

    `with_orders` counts open orders at their worst side (MARG-003); without, only what is held (MARG-001).
    """
    equity, initial, maintenance = cash_quanta, 0, 0
    for held in positions:
        market, lots = require_market(ctx, held.market), held.lots
        mark = mark_price(ctx, held.market)
        if lots:
            equity += lots * mark
            maintenance += rules.position_margin(lots, mark, market.maintenance_margin_ppm)
        if with_orders and (held.open_buy_lots or held.open_sell_lots):
            initial += rules.initial_margin(
                lots,
                held.open_buy_lots,
                held.open_buy_notional_quanta,
                held.open_sell_lots,
                held.open_sell_notional_quanta,
                mark,
                market.initial_margin_ppm,
            )
        elif lots:
            initial += rules.position_margin(lots, mark, market.initial_margin_ppm)
    return Standing(equity, initial, maintenance)


def account_standing(ctx: Context, account: Account) -> Standing:
    """The standing of `account` as it is, open orders included."""
    return standing(ctx, account.cash_quanta, account.positions.values())


def equity(ctx: Context, account: Account) -> int:
    """Cash plus all positions at their marks, in quote quanta; may be negative."""
    value = account.cash_quanta
    for held in account.positions.values():
        if held.lots:
            value += held.lots * mark_price(ctx, held.market)
    return value


def allows_change(ctx: Context, account: Account, cash_after: int, changed: Position, *, with_orders: bool) -> bool:
    """MARG-004 to MARG-006: whether `account` may come to hold `cash_after` and `changed` in place of its position
    there.
    """
    if not rules.fits_record(
        cash_after, changed.entry_quanta, changed.open_buy_notional_quanta, changed.open_sell_notional_quanta
    ):
        return False
    others = [held for held in account.positions.values() if held.market != changed.market]
    after = standing(ctx, cash_after, [*others, changed], with_orders=with_orders)
    if rules.may_take_on(after.equity, after.initial):
        return True
    before = standing(ctx, account.cash_quanta, account.positions.values(), with_orders=with_orders)
    return rules.may_reduce(before.initial, after.initial, before.excess, after.excess)
