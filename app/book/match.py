"""Matching: first plan everything that can fail, then apply it."""

from dataclasses import dataclass, field

from app.accounts.keys import id_message
from app.accounts.types import Position
from app.book import rules
from app.book.state import drop_order, remove_order, shifted, swap_order
from app.book.types import Order
from app.clearing.rules import cash_after_fill
from app.clearing.state import add_open_interest, apply_fill, position_after_fill
from app.collateral.state import collect_fees
from app.context import Context
from app.fees.rules import trading_fee
from app.limits import MAX_FILLS, MAX_REMOVALS
from app.margin.state import allows_change
from app.markets.rules import open_interest_change
from app.markets.types import Market
from novation.v1 import events_pb2

CANCEL_MAKER, CANCEL_TAKER, CANCEL_BOTH = 1, 2, 3


@dataclass(slots=True)
class Taker:
    """An order on its way in."""

    account: bytes
    market: Market
    side: int
    price_quanta: int
    size_lots: int
    self_trade: int


@dataclass(slots=True)
class Step:
    """One maker met on the way: `lots` filled (0: none), then removed for `removal` (0: it stays, or is used up)."""

    maker: Order
    lots: int
    removal: int
    maker_fee_quanta: int = 0
    taker_fee_quanta: int = 0


@dataclass(slots=True)
class Plan:
    """What a taker would do to the book and to its own account."""

    cash_quanta: int
    position: Position
    steps: list[Step] = field(default_factory=list)
    open_lots: int = 0
    filled_lots: int = 0
    filled_quanta: int = 0
    fills: int = 0
    stopped: int = 0  # CancelReason, when matching ended although the book still crosses


def plan_match(ctx: Context, taker: Taker) -> Plan:
    """BOOK-005: walk the opposite side by price, then priority, and plan fills at the makers' prices. Changes nothing.

    Bounded by MAX_FILLS fills and MAX_REMOVALS removals; then the rest of the taker stops (CANCEL_REASON_FILL_LIMIT).
    """
    account = ctx.accounts.get(taker.account)
    if account is None:
        raise KeyError(taker.account)
    plan = Plan(account.cash_quanta, account.position(taker.market.market), open_lots=taker.size_lots)
    makers: dict[bytes, tuple[int, Position]] = {}
    removals = 0
    for maker in ctx.books[taker.market.market].opposite(taker.side).best_first():
        if plan.open_lots == 0 or not rules.crosses(taker.side, taker.price_quanta, maker.price_quanta):
            break
        if plan.fills == MAX_FILLS or removals == MAX_REMOVALS:
            plan.stopped = events_pb2.CANCEL_REASON_FILL_LIMIT
            break
        if maker.account == taker.account:
            if taker.self_trade != CANCEL_TAKER:
                plan.steps.append(Step(maker, 0, events_pb2.CANCEL_REASON_SELF_TRADE))
                plan.position = shifted(plan.position, maker.side, maker.price_quanta, -maker.open_lots)
                removals += 1
            if taker.self_trade != CANCEL_MAKER:
                plan.stopped = events_pb2.CANCEL_REASON_SELF_TRADE
                break
            continue
        step = _plan_step(ctx, taker.market, plan, maker, makers)
        plan.steps.append(step)
        removals += step.removal != 0
        if step.lots:
            _take(plan, taker, step)
    return plan


def _plan_step(
    ctx: Context, market: Market, plan: Plan, maker: Order, makers: dict[bytes, tuple[int, Position]]
) -> Step:
    """What meeting `maker` leads to: a fill, a removal because its account cannot carry it, or both.

    `makers` holds cash and position of accounts that this plan filled already.
    """
    account = ctx.accounts.get(maker.account)
    if account is None:
        raise KeyError(maker.account)
    cash, held = makers.get(maker.account) or (account.cash_quanta, account.position(market.market))
    lots = min(plan.open_lots, maker.open_lots)
    removal = 0
    if maker.reduce_only:
        reducible = rules.reducible_lots(maker.side, held.lots)
        if reducible < maker.open_lots and reducible <= lots:
            lots, removal = reducible, events_pb2.CANCEL_REASON_REDUCE_ONLY
            if lots == 0:
                return Step(maker, 0, removal)
    notional = maker.price_quanta * lots
    fee = trading_fee(notional, market.maker_fee_ppm)
    signed = rules.signed_lots(maker.side, lots)
    cash = cash_after_fill(cash, signed, maker.price_quanta, fee)
    held = position_after_fill(held, signed, maker.price_quanta)
    if not allows_change(ctx, account, cash, held, with_orders=False):
        return Step(maker, 0, events_pb2.CANCEL_REASON_MARGIN)
    makers[maker.account] = cash, held
    return Step(maker, lots, removal, fee, trading_fee(notional, market.taker_fee_ppm))


def _take(plan: Plan, taker: Taker, step: Step) -> None:
    price = step.maker.price_quanta
    signed = rules.signed_lots(taker.side, step.lots)
    plan.cash_quanta = cash_after_fill(plan.cash_quanta, signed, price, step.taker_fee_quanta)
    plan.position = position_after_fill(plan.position, signed, price)
    plan.open_lots -= step.lots
    plan.filled_lots += step.lots
    plan.filled_quanta += price * step.lots
    plan.fills += 1


def apply_plan(ctx: Context, taker: Taker, plan: Plan, order_id: int, client_id: int) -> None:
    """CLR-001: carry out `plan`: both sides of every fill, fees, open interest, events. The taker's rest is the
    caller's.
    """
    if not plan.steps:
        return
    market = taker.market.market
    account = ctx.accounts.edit(taker.account)
    before = account.position(market).lots
    fees, interest = 0, 0
    for step in plan.steps:
        if step.lots:
            fees += step.maker_fee_quanta + step.taker_fee_quanta
            interest += _fill(ctx, taker, step, order_id, client_id)
        if step.removal:
            _remove(ctx, market, step)
    # Self-trade removals went through the account record; what the plan says includes them.
    account = ctx.accounts.edit(taker.account)
    account.cash_quanta = plan.cash_quanta
    account.set_position(plan.position)
    add_open_interest(ctx, market, interest + open_interest_change(before, plan.position.lots))
    collect_fees(ctx, fees)


def _fill(ctx: Context, taker: Taker, step: Step, order_id: int, client_id: int) -> int:
    """The maker's side of one fill, and its event. Returns what the maker adds to open interest."""
    maker, market = step.maker, taker.market.market
    account = ctx.accounts.edit(maker.account)
    account.set_position(shifted(account.position(market), maker.side, maker.price_quanta, -step.lots))
    interest = apply_fill(
        account, market, rules.signed_lots(maker.side, step.lots), maker.price_quanta, step.maker_fee_quanta
    )
    left = maker.open_lots - step.lots
    if left:
        step.maker = maker.with_open_lots(left)
        swap_order(ctx, maker, step.maker)
    else:
        drop_order(ctx, maker)
    state = ctx.states.edit(market)
    trade_id = state.next_trade
    state.next_trade = trade_id + 1
    state.last_price_quanta = maker.price_quanta
    ctx.emit(
        fill=events_pb2.Fill(
            market=market,
            trade_id=trade_id,
            taker_side=taker.side,  # type: ignore[arg-type]
            price_quanta=maker.price_quanta,
            size_lots=step.lots,
            maker=id_message(maker.account),
            maker_order_id=maker.order_id,
            maker_client_id=maker.client_id,
            maker_fee_quanta=step.maker_fee_quanta,
            maker_open_lots=0 if step.removal else left,
            taker=id_message(taker.account),
            taker_order_id=order_id,
            taker_client_id=client_id,
            taker_fee_quanta=step.taker_fee_quanta,
        )
    )
    return interest


def _remove(ctx: Context, market: int, step: Step) -> None:
    """Take a met maker off the book, and say why."""
    maker = step.maker
    remove_order(ctx, maker)
    emit_cancelled(ctx, market, maker, step.removal, was_resting=True)


def emit_cancelled(ctx: Context, market: int, order: Order, reason: int, *, was_resting: bool) -> None:
    """The event of an order that leaves the book, or whose rest never reached it."""
    ctx.emit(
        order_cancelled=events_pb2.OrderCancelled(
            market=market,
            account=id_message(order.account),
            order_id=order.order_id,
            client_id=order.client_id,
            side=order.side,  # type: ignore[arg-type]
            price_quanta=order.price_quanta,
            cancelled_lots=order.open_lots,
            reason=reason,  # type: ignore[arg-type]
            was_resting=was_resting,
        )
    )
