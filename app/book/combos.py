"""Combos: several orders of one account that fill at once, all of them in full, or nothing happens."""

from app.accounts.state import require_account
from app.accounts.types import Account
from app.book import rules
from app.book.actions import (
    carry_out,
    check_client_id,
    check_entry,
    check_price_and_size,
    check_terms,
    plan_order,
)
from app.book.match import Taker, interest_of
from app.book.types import FILL_OR_KILL
from app.breakers.state import check_open_interest, is_capped
from app.clearing.state import check_markets, check_position_limit
from app.context import Context
from app.errors import (
    COMBO_LEGS,
    COMBO_NET,
    COMBO_REDUCES,
    MARGIN_INSUFFICIENT,
    MARKET_COLLECTS,
    PROGRAMMING_ERRORS,
    ChainError,
    MarketFault,
)
from app.events import ComboFilled
from app.gas import COMBO, FILL, MEET, ORDER_IN_RECORD, PLACE, POSITION
from app.limits import MAX_COMBO_LEGS
from app.margin.state import allows_account
from app.markets.state import collects, require_market
from novation.v1 import tx_pb2


def handle_place_combo(ctx: Context, account: bytes, action: tx_pb2.PlaceCombo) -> tx_pb2.ActionResult:
    """COMB-001: fill all legs in turn inside a savepoint of their own; what fails takes all of them back.

    Raises COMBO_*, MARKET_*, ORDER_*, MARGIN_*, BREAKER_*, ORACLE_UNTRUSTED, ACCOUNT_NOT_FOUND.
    """
    ctx.gas.charge(COMBO + PLACE * len(action.legs))
    takers = takers_of(ctx, account, action)
    before = require_account(ctx.accounts.get(account), account)
    check_client_id(ctx.orders.get(account), action.client_id)
    ctx.journal.savepoint()
    try:
        legs = [fill_numbered(ctx, number, taker) for number, taker in enumerate(takers)]
        net = sum(rules.leg_cost(taker.side, leg.filled_quote_quanta) for taker, leg in zip(takers, legs, strict=True))
        if net > action.net_limit_quanta:
            raise ChainError(COMBO_NET, net_quanta=net, limit_quanta=action.net_limit_quanta)
        check_margin(ctx, account, before)
    except ChainError:
        ctx.journal.rollback()
        raise
    ctx.journal.release()
    ctx.emit(ComboFilled(account, action.client_id, net, tuple(leg.order_id for leg in legs)))
    return tx_pb2.ActionResult(legs=legs)


def takers_of(ctx: Context, account: bytes, action: tx_pb2.PlaceCombo) -> list[Taker]:
    """COMB-001, COMB-002: the legs as orders that fill in full or not at all. Raises what their terms are wrong in."""
    if not 2 <= len(action.legs) <= MAX_COMBO_LEGS or len({leg.market for leg in action.legs}) < len(action.legs):
        raise ChainError(COMBO_LEGS, legs=len(action.legs), most=MAX_COMBO_LEGS)
    takers = []
    for leg in action.legs:
        market = require_market(ctx, leg.market)
        taker = Taker(
            account,
            market,
            leg.side,
            leg.price_quanta,
            leg.size_lots,
            FILL_OR_KILL,
            leg.reduce_only,
            action.client_id,
            action.self_trade_prevention,
        )
        check_terms(taker)
        check_price_and_size(market, leg.price_quanta, leg.size_lots)
        if collects(market):
            raise ChainError(MARKET_COLLECTS, market=leg.market, time_in_force=FILL_OR_KILL)
        takers.append(taker)
    return takers


def fill_numbered(ctx: Context, number: int, taker: Taker) -> tx_pb2.LegResult:
    """One leg; an error says which it was, a fault whose it is."""
    try:
        return fill_leg(ctx, taker)
    except ChainError as error:
        error.metadata["leg"] = str(number)
        raise
    except PROGRAMMING_ERRORS as error:
        raise MarketFault(taker.market.market, type(error).__name__) from error


def fill_leg(ctx: Context, taker: Taker) -> tx_pb2.LegResult:
    """COMB-002: all that an order is asked but for its account's margin; then it is carried out."""
    account = check_entry(ctx, taker)
    held = account.position(taker.market.market)
    orders = ctx.orders.get(taker.account)
    ctx.gas.charge(ORDER_IN_RECORD * (len(orders.orders) if orders else 0))
    if taker.reduce_only and taker.size_lots > rules.reducible_lots(taker.side, held.lots):
        raise ChainError(COMBO_REDUCES, size_lots=taker.size_lots, position_lots=held.lots)
    plan = plan_order(ctx, taker, account)
    if not taker.reduce_only and is_capped(taker.market):
        check_open_interest(ctx, taker.market, interest_of(ctx, taker, plan))
    check_position_limit(taker.market, held, plan.position)
    check_markets(account, plan.position)
    ctx.gas.charge((FILL - MEET) * plan.fills)
    done = carry_out(ctx, taker, plan, plan.position, 0)
    return tx_pb2.LegResult(
        order_id=done.order_id, filled_lots=done.filled_lots, filled_quote_quanta=done.filled_quote_quanta
    )


def check_margin(ctx: Context, key: bytes, before: Account) -> None:
    """COMB-004: MARGIN_INSUFFICIENT unless the account may be what all legs together made of it."""
    after = require_account(ctx.accounts.get(key), key)
    ctx.gas.charge(POSITION * (len(before.positions) + len(after.positions)))
    if not allows_account(ctx, before, after):
        raise ChainError(MARGIN_INSUFFICIENT)
