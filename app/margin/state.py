"""Margin of accounts, read from state. The formulas are in rules.py."""

from collections.abc import Iterable

from app.accounts.types import Account, Position
from app.context import Context
from app.errors import PROGRAMMING_ERRORS, MarketFault
from app.funding.rules import payment
from app.funding.state import index_of
from app.margin import rules
from app.margin.types import MarketRisk, Standing
from app.markets.state import require_market
from app.oracle.state import mark_price


def market_risk(ctx: Context, market: int) -> MarketRisk:
    """What margin needs to know of a market now. Raises MARKET_NOT_FOUND.

    Kept in `ctx.risks`; whoever changes mark, funding or margin terms of a market calls `ctx.forget_risk`.
    """
    risk = ctx.risks.get(market)
    if risk is None:
        risk = ctx.risks[market] = _make_risk(ctx, market)
    return risk


def _make_risk(ctx: Context, number: int) -> MarketRisk:
    market = require_market(ctx, number)
    return MarketRisk(
        number,
        mark_price(ctx, number),
        index_of(ctx, number),
        market.initial_margin_ppm,
        market.maintenance_margin_ppm,
        ((0, market.initial_margin_ppm, 0),),
        ((0, market.maintenance_margin_ppm, 0),),
        market.quarantined,
    )


def position_value(risk: MarketRisk, held: Position) -> int:
    """What a position is worth at the mark, less the funding it has not settled (FUND-002), in quote quanta;
    without it in quarantine (CMP-005). Raises MarketFault.
    """
    lots, index = held.lots, risk.funding_index_e9
    if lots and index != held.funding_index_e9 and not risk.quarantined:
        try:
            return lots * risk.mark_quanta - payment(lots, index, held.funding_index_e9)
        except PROGRAMMING_ERRORS as error:
            raise MarketFault(risk.market, type(error).__name__) from error
    return lots * risk.mark_quanta


def market_margin(ctx: Context, held: Position, *, with_orders: bool) -> tuple[int, int]:
    """(value at the mark less unsettled funding, initial margin) of one position, in quote quanta.

    `with_orders` counts open orders at their worst side (MARG-003); without, only what is held (MARG-001). A market in
    quarantine counts by the frozen rule (CMP-005); one whose rules raise is to blame itself: MarketFault.
    """
    risk = market_risk(ctx, held.market)
    lots, mark = held.lots, risk.mark_quanta
    value = position_value(risk, held)
    if risk.quarantined:
        orders = max(held.open_buy_lots, held.open_sell_lots) if with_orders else 0
        return value, rules.frozen_margin(lots, orders, mark, risk.initial[-1][1])
    try:
        return value, _own_margin(risk, held, with_orders=with_orders)
    except PROGRAMMING_ERRORS as error:
        raise MarketFault(risk.market, type(error).__name__) from error


def _own_margin(risk: MarketRisk, held: Position, *, with_orders: bool) -> int:
    """MARG-003 with orders, MARG-001 without."""
    lots, mark = held.lots, risk.mark_quanta
    if not with_orders or not (held.open_buy_lots or held.open_sell_lots):
        return rules.position_margin(lots, mark, risk.initial_ppm)
    return rules.initial_margin(
        lots,
        held.open_buy_lots,
        held.open_buy_notional_quanta,
        held.open_sell_lots,
        held.open_sell_notional_quanta,
        mark,
        risk.initial_ppm,
    )


def maintenance_margin(ctx: Context, held: Position) -> int:
    """MARG-001: the maintenance margin of one position, in quote quanta; in quarantine CMP-005. Raises MarketFault."""
    risk = market_risk(ctx, held.market)
    if risk.quarantined:
        return rules.frozen_margin(held.lots, 0, risk.mark_quanta, risk.maintenance[-1][1])
    try:
        return rules.position_margin(held.lots, risk.mark_quanta, risk.maintenance_ppm)
    except PROGRAMMING_ERRORS as error:
        raise MarketFault(risk.market, type(error).__name__) from error


def standing(ctx: Context, cash_quanta: int, positions: Iterable[Position], *, with_orders: bool = True) -> Standing:
    """Equity, initial and maintenance margin of an account with this cash and these positions at the current marks."""
    equity, initial, maintenance = cash_quanta, 0, 0
    for held in positions:
        value, margin = market_margin(ctx, held, with_orders=with_orders)
        equity += value
        initial += margin
        maintenance += maintenance_margin(ctx, held)
    return Standing(equity, initial, maintenance)


def account_standing(ctx: Context, account: Account) -> Standing:
    """The standing of `account` as it is, open orders included."""
    return standing(ctx, account.cash_quanta, account.positions.values())


def equity(ctx: Context, account: Account) -> int:
    """Cash plus all positions at their marks less unsettled funding, in quote quanta; may be negative."""
    value = account.cash_quanta
    for held in account.positions.values():
        if held.lots:
            value += position_value(market_risk(ctx, held.market), held)
    return value


def allows_change(ctx: Context, account: Account, cash_after: int, changed: Position, *, with_orders: bool) -> bool:
    """MARG-004 to MARG-006: whether `account` may come to hold `cash_after` and `changed` in place of its position
    there.
    """
    if not rules.fits_record(
        cash_after, changed.entry_quanta, changed.open_buy_notional_quanta, changed.open_sell_notional_quanta
    ):
        return False
    equity, initial = market_margin(ctx, changed, with_orders=with_orders)
    equity += cash_after
    for held in account.positions.values():
        if held.market != changed.market:
            value, margin = market_margin(ctx, held, with_orders=with_orders)
            equity += value
            initial += margin
    return rules.may_take_on(equity, initial) or reduces(ctx, account, cash_after, changed, with_orders=with_orders)


def reduces(ctx: Context, account: Account, cash_after: int, changed: Position, *, with_orders: bool) -> bool:
    """MARG-005: whether the change makes an account safer that is short of initial margin."""
    others = [held for held in account.positions.values() if held.market != changed.market]
    after = standing(ctx, cash_after, [*others, changed], with_orders=with_orders)
    before = standing(ctx, account.cash_quanta, account.positions.values(), with_orders=with_orders)
    return rules.may_reduce(before.initial, after.initial, before.excess, after.excess)
