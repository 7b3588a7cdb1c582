"""Place, cancel, replace, cancel all."""

from app.accounts.state import require_account
from app.accounts.types import Account, Position
from app.book import rules
from app.book.conditions import close_group, require_unfrozen
from app.book.match import CANCEL_BOTH, CANCEL_MAKER, Plan, Taker, apply_plan, interest_of, plan_match
from app.book.state import find_order, remove_order, rest_order, shifted, swap_order
from app.book.terms import check_terms_now, terms_of
from app.book.types import (
    BUY,
    FILL_OR_KILL,
    GOOD_TIL_CANCEL,
    IMMEDIATE_OR_CANCEL,
    POST_ONLY,
    SELL,
    OpenOrders,
    Order,
    market_of,
    order_id_of,
)
from app.book.uncross import note_immediate, plan_rest
from app.breakers.halts import halt_outside
from app.breakers.state import check_band, check_open_interest, check_opening, is_capped
from app.clearing.state import check_markets, check_position_limit, settle
from app.context import Context
from app.errors import (
    MARGIN_INSUFFICIENT,
    ORDER_CLIENT_ID_USED,
    ORDER_LIMIT,
    ORDER_NOT_FILLABLE,
    ORDER_NOTIONAL,
    ORDER_OFF_TICK,
    ORDER_PEG,
    ORDER_PRICE,
    ORDER_REDUCES_NOTHING,
    ORDER_SELF_TRADE,
    ORDER_SIDE,
    ORDER_SIZE,
    ORDER_TIME_IN_FORCE,
    ORDER_WOULD_CROSS,
    ChainError,
)
from app.events import Cancelled, Reduced, Rested
from app.gas import CANCEL, FILL, MEET, ORDER_IN_RECORD, PLACE, POSITION, REPLACE
from app.limits import MAX_OPEN_ORDERS, MAX_ORDER_NOTIONAL_QUANTA, MAX_PRICE_QUANTA
from app.margin.state import allows_change, require_trusted
from app.markets.state import collects, require_market, require_trading
from app.markets.types import Market
from app.oracle.rules import OPEN
from novation.v1 import events_pb2, tx_pb2

RESTING = (GOOD_TIL_CANCEL, POST_ONLY)


def handle_place_order(ctx: Context, account: bytes, action: tx_pb2.PlaceOrder) -> tx_pb2.ActionResult:
    """BOOK-006: check an order, fill what crosses, rest the remainder as its time in force says.

    Raises MARKET_*, ORDER_*, MARGIN_*, BREAKER_*, ACCOUNT_NOT_FOUND.
    """
    ctx.gas.charge(PLACE)
    market = require_market(ctx, action.market)
    terms, price = terms_of(ctx, account, market, action)
    taker = Taker(
        account,
        market,
        action.side,
        price,
        action.size_lots,
        action.time_in_force,
        action.reduce_only,
        action.client_id,
        action.self_trade_prevention,
        terms,
    )
    check_terms(taker)
    check_price_and_size(market, taker.price_quanta, taker.size_lots)
    return place(ctx, taker)


def check_terms(taker: Taker) -> None:
    """BOOK-007: side, time in force and self-trade rule are known values."""
    if taker.side not in (BUY, SELL):
        raise ChainError(ORDER_SIDE, side=taker.side)
    if not GOOD_TIL_CANCEL <= taker.time_in_force <= POST_ONLY:
        raise ChainError(ORDER_TIME_IN_FORCE, time_in_force=taker.time_in_force)
    if not 0 <= taker.self_trade <= CANCEL_BOTH:
        raise ChainError(ORDER_SELF_TRADE, self_trade_prevention=taker.self_trade)


def check_price_and_size(market: Market, price_quanta: int, size_lots: int) -> None:
    """BOOK-008: price on the tick, size and notional within limits."""
    if not 0 < size_lots <= market.max_order_lots:
        raise ChainError(ORDER_SIZE, size_lots=size_lots, most_lots=market.max_order_lots)
    if not 0 < price_quanta <= MAX_PRICE_QUANTA:
        raise ChainError(ORDER_PRICE, price_quanta=price_quanta, most_quanta=MAX_PRICE_QUANTA)
    if price_quanta % market.tick_quanta:
        below = price_quanta - price_quanta % market.tick_quanta
        raise ChainError(
            ORDER_OFF_TICK,
            price_quanta=price_quanta,
            tick_quanta=market.tick_quanta,
            below_quanta=below,
            above_quanta=below + market.tick_quanta,
        )
    if price_quanta * size_lots > MAX_ORDER_NOTIONAL_QUANTA:
        raise ChainError(
            ORDER_NOTIONAL, notional_quanta=price_quanta * size_lots, most_quanta=MAX_ORDER_NOTIONAL_QUANTA
        )


def place(ctx: Context, taker: Taker) -> tx_pb2.ActionResult:
    """The second half of BOOK-006, for terms that are checked: everything that can fail, then `carry_out`."""
    account = check_entry(ctx, taker)
    held = account.position(taker.market.market)
    open_orders = ctx.orders.get(taker.account)
    count = len(open_orders.orders) if open_orders else 0
    ctx.gas.charge(ORDER_IN_RECORD * count + POSITION * len(account.positions))
    check_client_id(open_orders, taker.client_id)
    if taker.reduce_only:
        taker.size_lots = min(taker.size_lots, rules.reducible_lots(taker.side, held.lots))
        if taker.size_lots == 0:
            raise ChainError(ORDER_REDUCES_NOTHING, position_lots=held.lots)
    collecting = collects(taker.market)
    plan = plan_rest(ctx, taker, account) if collecting else plan_order(ctx, taker, account)
    rest = plan.open_lots if (collecting or taker.time_in_force in RESTING) and not plan.stopped else 0
    if plan.fills and not taker.reduce_only and is_capped(taker.market):
        check_open_interest(ctx, taker.market, interest_of(ctx, taker, plan))
    if rest and count >= MAX_OPEN_ORDERS:
        raise ChainError(ORDER_LIMIT, most_orders=MAX_OPEN_ORDERS)
    after = shifted(plan.position, taker.side, taker.price_quanta, rest) if rest else plan.position
    check_position_limit(taker.market, held, after)
    check_markets(account, after)
    if not allows_change(ctx, account, plan.cash_quanta, after, with_orders=True):
        raise ChainError(
            MARGIN_INSUFFICIENT,
            market=taker.market.market,
            size_lots=taker.size_lots,
            price_quanta=taker.price_quanta,
        )
    ctx.gas.charge(FILL if collecting else (FILL - MEET) * plan.fills)
    return carry_out(ctx, taker, plan, after, rest)


def check_entry(ctx: Context, taker: Taker) -> Account:
    """MKT-002, BRK-002, BRK-004, BOOK-018, ORCL-011: whether such an order may come in now; its account."""
    require_trading(taker.market, reduces=taker.reduce_only)
    if not taker.reduce_only:
        check_opening(ctx, taker.market)
    check_band(ctx, taker.market, taker.side, taker.price_quanta)
    if ctx.protected and taker.time_in_force in RESTING:
        require_unfrozen(ctx, taker.account, taker.market.market)
    account = require_account(ctx.accounts.get(taker.account), taker.account)
    if (ctx.barred or account.assets) and not taker.reduce_only:
        require_trusted(ctx, account, OPEN, taker.market.market)
    return account


def check_client_id(open_orders: OpenOrders | None, client_id: int) -> None:
    """BOOK-008: ORDER_CLIENT_ID_USED when an open order has the client id, 0 being none."""
    if open_orders and client_id and client_id in open_orders.client_ids:
        raise ChainError(ORDER_CLIENT_ID_USED, client_id=client_id, order_id=open_orders.client_ids[client_id])


def plan_order(ctx: Context, taker: Taker, account: Account) -> Plan:
    """BOOK-009: the plan of a taker under its time in force: post-only may not trade, fill-or-kill must fill in
    full.
    """
    market = taker.market.market
    best = ctx.books[market].opposite(taker.side).best_price()
    if not best or not rules.crosses(taker.side, taker.price_quanta, best):
        plan = Plan(account.cash_quanta, account.position(market), taker.size_lots)
    elif taker.time_in_force == POST_ONLY:
        raise ChainError(ORDER_WOULD_CROSS, best_quanta=best, price_quanta=taker.price_quanta)
    else:
        plan = plan_match(ctx, taker, account)
    if taker.time_in_force == FILL_OR_KILL and plan.open_lots:
        raise ChainError(ORDER_NOT_FILLABLE, fillable_lots=plan.filled_lots, size_lots=taker.size_lots)
    return plan


def carry_out(ctx: Context, taker: Taker, plan: Plan, after: Position, rest: int) -> tx_pb2.ActionResult:
    """Apply a checked plan: the taker comes to hold `after`, `rest` lots rest. BRK-005: halt the market if it met what
    lies outside of the band for fills.
    """
    market = taker.market.market
    state = ctx.states.edit(market)
    sequence = state.next_sequence
    state.next_sequence = sequence + 1
    order_id = order_id_of(market, sequence)
    if plan.steps:
        apply_plan(ctx, taker, plan, after, order_id)
    elif rest:
        settle(ctx, taker.account, market, plan.cash_quanta, after)
    if plan.open_lots:
        order = Order(
            order_id,
            taker.account,
            taker.side,
            taker.price_quanta,
            plan.open_lots,
            taker.reduce_only,
            taker.client_id,
            sequence,
            taker.terms,
            rules.hidden_left(rest, rest, taker.terms.display_lots) if taker.terms and taker.terms.display_lots else 0,
        )
        if rest:
            rest_order(ctx, order)
            if taker.time_in_force == IMMEDIATE_OR_CANCEL:
                note_immediate(ctx, order)
            ctx.emit(Rested(order))
        else:
            reason = plan.stopped or events_pb2.CANCEL_REASON_IMMEDIATE
            ctx.emit(Cancelled(order, reason, False))
    if taker.terms is not None and taker.terms.oco_id and plan.filled_lots:
        close_group(ctx, taker.account, taker.terms.oco_id, order_id)
    if plan.outside_quanta:
        halt_outside(ctx, market, plan.outside_quanta)
    return tx_pb2.ActionResult(
        order_id=order_id, filled_lots=plan.filled_lots, filled_quote_quanta=plan.filled_quanta, open_lots=rest
    )


def handle_cancel_order(ctx: Context, account: bytes, action: tx_pb2.CancelOrder) -> tx_pb2.ActionResult:
    """BOOK-010: cancel one open order, in any state of market and account. Raises ORDER_REFERENCE, ORDER_NOT_FOUND."""
    ctx.gas.charge(CANCEL)
    order = find_order(ctx, account, action.order_id, action.client_id)
    remove_order(ctx, order)
    ctx.emit(Cancelled(order, events_pb2.CANCEL_REASON_BY_OWNER, True))
    return tx_pb2.ActionResult(order_id=order.order_id, cancelled_orders=1)


def handle_cancel_all(ctx: Context, account: bytes, action: tx_pb2.CancelAll) -> tx_pb2.ActionResult:
    """BOOK-011: cancel all open orders of the account, of one market or (market 0) of all; none is fine too."""
    record = ctx.orders.get(account)
    orders = (
        [order for order in record.orders.values() if action.market in (0, market_of(order.order_id))] if record else []
    )
    ctx.gas.charge(CANCEL * max(1, len(orders)))
    orders.sort(key=lambda order: order.order_id)
    for order in orders:
        remove_order(ctx, order)
        ctx.emit(Cancelled(order, events_pb2.CANCEL_REASON_BY_OWNER, True))
    return tx_pb2.ActionResult(cancelled_orders=len(orders))


def handle_replace_order(ctx: Context, account: bytes, action: tx_pb2.ReplaceOrder) -> tx_pb2.ActionResult:
    """BOOK-012: replace an open order. At the same price and a smaller size it shrinks in place and keeps its
    priority; otherwise it is cancelled and placed anew, with its client id, and both happen or neither.

    Raises what cancel and place raise, ORDER_TIME_IN_FORCE unless good-til-cancel or post-only.
    """
    ctx.gas.charge(REPLACE)
    order = find_order(ctx, account, action.order_id, action.client_id)
    market = require_market(ctx, market_of(order.order_id))
    if action.time_in_force not in RESTING:
        raise ChainError(ORDER_TIME_IN_FORCE, time_in_force=action.time_in_force)
    check_price_and_size(market, action.price_quanta, action.size_lots)
    if order.terms is not None:
        check_terms_now(ctx, order.terms, action.size_lots)
        if order.terms.peg_reference and action.price_quanta != order.price_quanta:
            raise ChainError(ORDER_PEG, peg_reference=order.terms.peg_reference)
    if action.price_quanta == order.price_quanta and action.size_lots <= order.open_lots:
        return shrink(ctx, order, action.size_lots)
    taker = Taker(
        account,
        market,
        order.side,
        action.price_quanta,
        action.size_lots,
        action.time_in_force,
        order.reduce_only,
        order.client_id,
        CANCEL_MAKER,
        order.terms,
    )
    ctx.journal.savepoint()
    try:
        remove_order(ctx, order)
        ctx.emit(Cancelled(order, events_pb2.CANCEL_REASON_REPLACED, True))
        done = place(ctx, taker)
    except ChainError:
        ctx.journal.rollback()
        raise
    ctx.journal.release()
    return done


def shrink(ctx: Context, order: Order, size_lots: int) -> tx_pb2.ActionResult:
    """BOOK-012, first half: a smaller size at the same price, in place."""
    market = market_of(order.order_id)
    removed = order.open_lots - size_lots
    account = ctx.accounts.edit(order.account)
    account.set_position(shifted(account.position(market), order.side, order.price_quanta, -removed))
    left = order.shrunk(size_lots)
    swap_order(ctx, order, left)
    ctx.emit(Reduced(left, removed))
    return tx_pb2.ActionResult(order_id=order.order_id, open_lots=size_lots)
