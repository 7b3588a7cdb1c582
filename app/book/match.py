"""Matching: first plan everything that can fail, then write what was planned.

A plan works on values: the cash and position that each account would end with. Applying it only puts these into the
records, moves the orders and tells what happened, so what was checked is exactly what comes to be.
"""

from dataclasses import dataclass, field

from app.accounts.types import Account, Position
from app.book import rules
from app.book.conditions import Conditions
from app.book.state import drop_order, move_order, shifted, swap_order
from app.book.types import Order, Terms, market_of
from app.breakers.state import fill_limits
from app.clearing.rules import cash_after_fill
from app.clearing.state import add_open_interest, maker_position, settle, taker_position
from app.collateral.state import credit_fund
from app.collateral.types import funding_pool
from app.context import Context
from app.errors import MarketFault
from app.events import Cancelled, Filled
from app.fees.rules import maker_fee, shareable, trading_fee
from app.fees.state import collect, rates
from app.fees.types import Trade
from app.funding.state import index_of, settled
from app.gas import MEET, ORDER_IN_RECORD, POSITION, REMOVAL
from app.limits import MAX_FILLS, MAX_REMOVALS
from app.margin.state import allows_change
from app.markets.rules import open_interest_change
from app.markets.types import Market
from novation.v1 import events_pb2

CANCEL_MAKER, CANCEL_TAKER, CANCEL_BOTH = 1, 2, 3


@dataclass(slots=True)
class Taker:
    """An order on its way in; the fields are those of the action."""

    account: bytes
    market: Market
    side: int
    price_quanta: int
    size_lots: int
    time_in_force: int
    reduce_only: bool
    client_id: int
    self_trade: int
    terms: Terms | None = None


@dataclass(slots=True)
class Step:
    """One maker met on the way: `lots` filled (0: none), then removed for `removal` (0: it stays, or is used up)."""

    maker: Order
    lots: int
    removal: int
    maker_fee_quanta: int = 0
    taker_fee_quanta: int = 0
    peak: Order | None = None  # what the maker becomes when its shown part is used up and more is hidden


@dataclass(slots=True)
class Plan:
    """What a taker would do: its own end state, the makers' end states, and the steps that lead there."""

    cash_quanta: int
    position: Position
    open_lots: int
    funding_index_e9: int = 0
    funding_quanta: int = 0  # what all accounts of the plan pay into the market's funding pool
    makers: dict[bytes, tuple[int, Position]] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    filled_lots: int = 0
    filled_quanta: int = 0
    fees_quanta: int = 0
    fills: int = 0
    peaks: list[Order] = field(default_factory=list)  # peaks to be met at the end of the present level
    shown: int = 0  # how many peaks were shown anew
    conditions: Conditions | None = None  # made when a maker has any, or protections exist
    stopped: int = 0  # CancelReason, when matching ended although the book still crosses
    outside_quanta: int = 0  # the price at which it ended, when that lies outside of the band for fills


def plan_match(ctx: Context, taker: Taker, account: Account) -> Plan:
    """BOOK-005: walk the opposite side by price, then priority, and plan fills at the makers' prices. Changes nothing.
    FUND-002: funding is settled before the first fill of each account.

    Bounded by MAX_FILLS fills and MAX_REMOVALS removals; then the rest of the taker stops (CANCEL_REASON_FILL_LIMIT).
    BRK-005: it stops too at the first maker outside of the band for fills (CANCEL_REASON_PRICE_BAND).
    GAS-004: each maker is paid for before it is met, so that a walk that leads nowhere costs what it takes.
    """
    index = index_of(ctx, taker.market.market)
    owed, held = settled(account.position(taker.market.market), index)
    plan = Plan(account.cash_quanta - owed, held, taker.size_lots, index, owed)
    side, limit = taker.side, taker.price_quanta
    low, high = fill_limits(ctx, taker.market)
    for maker in ctx.books[taker.market.market].opposite(side).sweep(plan.peaks):
        if plan.open_lots == 0 or not rules.crosses(side, limit, maker.price_quanta):
            break
        if plan.fills == MAX_FILLS or len(plan.steps) - plan.fills == MAX_REMOVALS:
            plan.stopped = events_pb2.CANCEL_REASON_FILL_LIMIT
            break
        if not low <= maker.price_quanta <= high:
            plan.stopped, plan.outside_quanta = events_pb2.CANCEL_REASON_PRICE_BAND, maker.price_quanta
            break
        if maker.account != taker.account:
            plan_step(ctx, taker, plan, maker)
        elif meet_self(ctx, taker, plan, maker):
            break
    return plan


def meet_self(ctx: Context, taker: Taker, plan: Plan, own: Order) -> bool:
    """BOOK-013: an order never trades with its own account: the maker, the taker's rest or both go. True ends it."""
    ctx.gas.charge(REMOVAL)
    rule = taker.self_trade or CANCEL_MAKER
    if rule != CANCEL_TAKER:
        plan.steps.append(Step(own, 0, events_pb2.CANCEL_REASON_SELF_TRADE))
        plan.position = shifted(plan.position, own.side, own.price_quanta, -own.open_lots)
    if rule == CANCEL_MAKER:
        return False
    plan.stopped = events_pb2.CANCEL_REASON_SELF_TRADE
    return True


def plan_step(ctx: Context, taker: Taker, plan: Plan, maker: Order) -> None:
    """BOOK-014: meet one maker: fill what it shows, or remove it because its account cannot carry the fill or has
    nothing left to reduce, or for its conditions (BOOK-015, BOOK-018, BOOK-019). A reduce-only maker fills up to its
    account's position, and its rest is removed.
    """
    account = ctx.accounts.get(maker.account)
    if account is None:
        raise KeyError(maker.account)
    ctx.gas.charge(MEET + POSITION * len(account.positions))
    market, price = taker.market, maker.price_quanta
    before = plan.makers.get(maker.account)
    if before is None:
        record = ctx.orders.get(maker.account)
        ctx.gas.charge(ORDER_IN_RECORD * len(record.orders) if record else 0)
        owed, position = settled(account.position(market.market), plan.funding_index_e9)
        before = account.cash_quanta - owed, position
        plan.funding_quanta += owed
    cash, held = before
    lots, removal = min(plan.open_lots, maker.open_lots - maker.hidden_lots), 0
    conditions = plan.conditions
    if maker.terms is not None or ctx.protected:
        conditions = plan.conditions = conditions or Conditions()
        removal = conditions.bar(ctx, maker)
    if removal:
        lots = 0
    elif maker.reduce_only:
        reducible = rules.reducible_lots(maker.side, held.lots)
        if reducible < maker.open_lots and reducible <= lots:
            lots, removal = reducible, events_pb2.CANCEL_REASON_REDUCE_ONLY
    notional = price * lots
    taker_fee = trading_fee(notional, rates(ctx, taker.account, market)[1])
    made_fee = maker_fee(notional, rates(ctx, maker.account, market)[0], taker_fee)
    if lots:
        signed = rules.signed_lots(maker.side, lots)
        cash_after = cash_after_fill(cash, signed, price, made_fee)
        held_after = maker_position(held, signed, price)
        if allows_change(ctx, account, cash_after, held_after, with_orders=False):
            cash, held = cash_after, held_after
            if conditions is not None and conditions.note(ctx, maker, lots):
                removal = events_pb2.CANCEL_REASON_PROTECTION if lots < maker.open_lots else 0
        else:
            lots, removal = 0, events_pb2.CANCEL_REASON_MARGIN
    if removal:
        held = shifted(held, maker.side, price, lots - maker.open_lots)
    plan.makers[maker.account] = cash, held
    if lots == 0:
        plan.steps.append(Step(maker, 0, removal))
        return
    step = Step(maker, lots, removal, made_fee, taker_fee)
    plan.steps.append(step)
    if maker.hidden_lots and not removal and maker.open_lots - lots == maker.hidden_lots:
        show_peak(ctx, plan, step)
    signed = rules.signed_lots(taker.side, lots)
    plan.cash_quanta = cash_after_fill(plan.cash_quanta, signed, price, taker_fee)
    plan.position = taker_position(plan.position, signed, price)
    plan.open_lots -= lots
    plan.filled_lots += lots
    plan.filled_quanta += notional
    plan.fees_quanta += made_fee + taker_fee
    plan.fills += 1


def show_peak(ctx: Context, plan: Plan, step: Step) -> None:
    """BOOK-016: the next peak of an iceberg stands behind all others of its price; the taker itself comes before it in
    the market's sequence.
    """
    state = ctx.states.get(market_of(step.maker.order_id))
    first = state.next_sequence if state else 1
    plan.shown += 1
    left = step.maker.with_open_lots(step.maker.open_lots - step.lots)
    step.peak = left.moved(left.price_quanta, first + plan.shown)
    plan.peaks.append(step.peak)


def apply_plan(ctx: Context, taker: Taker, plan: Plan, after: Position, order_id: int) -> None:
    """CLR-001: write `plan`: both sides of every fill, fees, open interest, orders, events. The taker comes to hold
    `after`, the plan's position with its rest; putting that rest on the book is the caller's.
    """
    market = taker.market.market
    check_zero_sum(ctx, taker, plan, after)
    interest = settle(ctx, taker.account, market, plan.cash_quanta, after)
    for key, (cash, held) in plan.makers.items():
        interest += settle(ctx, key, market, cash, held)
    add_open_interest(ctx, market, interest)
    if plan.fills:
        collect(ctx, market, plan.fees_quanta, trades_of(taker, plan))
    credit_fund(ctx, funding_pool(market), plan.funding_quanta)
    state = ctx.states.edit(market)
    state.next_sequence += plan.shown
    for step in plan.steps:
        if step.lots:
            fill_maker(ctx, step)
            ctx.emit(
                Filled(
                    state.next_trade,
                    step.maker,
                    step.lots,
                    step.maker_fee_quanta,
                    taker.account,
                    taker.side,
                    order_id,
                    taker.client_id,
                    step.taker_fee_quanta,
                )
            )
            state.next_trade += 1
            state.last_price_quanta, state.last_time_ns = step.maker.price_quanta, ctx.time_ns
        if step.removal:
            drop_order(ctx, step.maker)
            ctx.emit(Cancelled(step.maker, step.removal, True))
    if plan.conditions is not None:
        plan.conditions.carry_out(ctx, market)


def interest_of(ctx: Context, taker: Taker, plan: Plan) -> int:
    """MKT-003: what the fills of a plan add to open interest."""
    market = taker.market.market
    change = open_interest_change(_lots_of(ctx, taker.account, market), plan.position.lots)
    for key, (_, held) in plan.makers.items():
        change += open_interest_change(_lots_of(ctx, key, market), held.lots)
    return change


def check_zero_sum(ctx: Context, taker: Taker, plan: Plan, after: Position) -> None:
    """INV-002 before anything is written: what the makers and the taker come to hold sums to what they held. Raises
    MarketFault.
    """
    market = taker.market.market
    moved = after.lots
    for key, (_, held) in plan.makers.items():
        moved += held.lots - _lots_of(ctx, key, market)
    if moved != _lots_of(ctx, taker.account, market):
        raise MarketFault(market, "INV-002: a plan that makes lots")


def _lots_of(ctx: Context, key: bytes, market: int) -> int:
    account = ctx.accounts.get(key)
    held = account.positions.get(market) if account else None
    return held.lots if held else 0


def trades_of(taker: Taker, plan: Plan) -> list[Trade]:
    """FEES-004, FEES-006: what the fills of a plan count for."""
    market = taker.market.market
    return [
        (
            taker.account,
            step.maker.account,
            market,
            step.lots * step.maker.price_quanta,
            shareable(step.taker_fee_quanta, step.maker_fee_quanta),
        )
        for step in plan.steps
        if step.lots
    ]


def fill_maker(ctx: Context, step: Step) -> None:
    """Take the filled lots off the maker's order; `step.maker` becomes what is left of it."""
    maker = step.maker
    left = maker.open_lots - step.lots
    step.maker = step.peak or maker.with_open_lots(left)
    if step.peak:
        move_order(ctx, maker, step.peak)
    elif left:
        swap_order(ctx, maker, step.maker)
    else:
        drop_order(ctx, maker)
