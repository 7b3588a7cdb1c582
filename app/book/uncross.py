"""Meeting at one price: the end of an auction, and of each block of a batch market.

Orders rest first and may cross. Then a plan is made of values alone, as in match.py: who meets whom by price and
priority, at which price, and whether each account can carry its part. Orders that fail are removed and the plan is made
anew, so that what is carried out is the most that can trade, at one price.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import takewhile

from app.accounts.types import Account, Position
from app.book import rules
from app.book.conditions import Conditions
from app.book.index import MarketBook
from app.book.match import Plan, Taker, meet_self
from app.book.state import drop_order, remove_order, shifted, swap_order
from app.book.types import BUY, FILL_OR_KILL, IMMEDIATE_OR_CANCEL, POST_ONLY, SELL, Order, market_of
from app.breakers.rules import NO_CAP, lots_within_cap
from app.breakers.state import fill_limits, is_capped, open_interest_cap
from app.clearing.rules import cash_after_fill
from app.clearing.state import add_open_interest, settle, taker_position
from app.collateral.state import credit_fund
from app.collateral.types import funding_pool
from app.context import Context
from app.errors import MARKET_COLLECTS, ORDER_WOULD_CROSS, ChainError
from app.events import Cancelled, Filled, Uncrossed
from app.fees.rules import maker_fee, shareable, trading_fee
from app.fees.state import collect, rates
from app.fees.types import Trade
from app.funding.state import index_of, settled
from app.gas import TOGETHER
from app.limits import MAX_BANDED_A_BLOCK, MAX_UNCROSS_ASKED, MAX_UNCROSS_FILLS, MAX_UNCROSS_ROUNDS
from app.margin.state import allows_change
from app.markets.rules import open_interest_change
from app.markets.state import is_crossed, open_interest
from app.markets.types import AUCTION, Market
from novation.v1 import events_pb2

Pair = tuple[Order, Order, int]
"""A bid and an ask that meet, and the lots."""


@dataclass(slots=True)
class Uncrossing:
    """What would trade: the pairs at `price_quanta`, what each account comes to hold, what must go and why."""

    price_quanta: int = 0
    pairs: list[Pair] = field(default_factory=list)
    ends: dict[bytes, tuple[int, Position]] = field(default_factory=dict)
    removals: dict[int, tuple[Order, int]] = field(default_factory=dict)
    fees: list[tuple[int, int]] = field(default_factory=list)  # (the bid's, the ask's) of each pair
    funding_quanta: int = 0
    met: Conditions = field(default_factory=Conditions)  # groups of which an order was met
    conditions: Conditions = field(default_factory=Conditions)  # of what fills
    room_lots: int = NO_CAP  # by so much open interest may still grow (BRK-011)
    cut: dict[int, Order] = field(default_factory=dict)  # the younger of those for whom there is none


def plan_rest(ctx: Context, taker: Taker, account: Account) -> Plan:
    """BOOK-020: the plan of an order that only rests now: its own orders that it crosses go first (BOOK-013).

    Raises MARKET_COLLECTS, ORDER_WOULD_CROSS.
    """
    number, auction = taker.market.market, taker.market.status == AUCTION
    refused = (FILL_OR_KILL, IMMEDIATE_OR_CANCEL) if auction else (FILL_OR_KILL,)
    if taker.time_in_force in refused:
        raise ChainError(MARKET_COLLECTS, market=number, time_in_force=taker.time_in_force)
    best = ctx.books[number].opposite(taker.side).best_price()
    crosses = best and rules.crosses(taker.side, taker.price_quanta, best)
    if crosses and taker.time_in_force == POST_ONLY and not auction:
        raise ChainError(ORDER_WOULD_CROSS, best_quanta=best, price_quanta=taker.price_quanta)
    plan = Plan(account.cash_quanta, account.position(number), taker.size_lots)
    record = ctx.orders.get(taker.account)
    for order_id in sorted(record.orders) if record and crosses else ():
        own = record.orders[order_id] if record else None
        if own is None or market_of(order_id) != number or own.side == taker.side:
            continue
        if rules.crosses(taker.side, taker.price_quanta, own.price_quanta) and meet_self(ctx, taker, plan, own):
            break
    return plan


def note_immediate(ctx: Context, order: Order) -> None:
    """BOOK-021: an immediate-or-cancel order rests until its block's uncrossing."""
    waiting = ctx.books[market_of(order.order_id)].immediate
    waiting.append((order.account, order.order_id))
    ctx.journal.entries.append((_undo_note, waiting, None))


def _undo_note(waiting: list[tuple[bytes, int]], _old: None) -> None:
    waiting.pop()


def drop_immediate(ctx: Context, number: int) -> None:
    """BOOK-021: after the uncrossing, what is left of immediate-or-cancel orders goes."""
    book = ctx.books[number]
    waiting, book.immediate = book.immediate, []
    if waiting:
        ctx.journal.entries.append((_undo_drop, book, waiting))
    for account, order_id in waiting:
        order = resting_now(ctx, account, order_id)
        if order is not None:
            remove_order(ctx, order)
            ctx.emit(Cancelled(order, events_pb2.CANCEL_REASON_IMMEDIATE, True))


def _undo_drop(book: MarketBook, waiting: list[tuple[bytes, int]]) -> None:
    book.immediate = waiting


def newcomers_from(ctx: Context, number: int) -> int:
    """The priority from which on orders came in this block: they pay the taker's rate (BOOK-024)."""
    before = ctx.states.peek(number)
    return before.next_sequence if before else 1


def uncross(ctx: Context, market: Market) -> None:
    """BOOK-022 to BOOK-024: let the crossed orders of a market meet at one price. At most MAX_UNCROSS_FILLS fills;
    after MAX_UNCROSS_ROUNDS plans, or MAX_UNCROSS_ASKED positions of accounts that are margined together, the last is
    carried out as far as it goes.
    """
    most_gas = ctx.gas.used + TOGETHER * MAX_UNCROSS_ASKED
    for attempt in range(1, MAX_UNCROSS_ROUNDS + 1):
        plan = plan_uncross(ctx, market, most_gas)
        final = not plan.removals or attempt == MAX_UNCROSS_ROUNDS or ctx.gas.used >= most_gas
        left = carry_out(ctx, market, plan) if final and plan.pairs else {}
        for order, reason in plan.removals.values():
            drop_all(ctx, (order,), reason)
        if final:
            drop_all(ctx, plan.cut.values(), events_pb2.CANCEL_REASON_OPEN_INTEREST)
            drop_reduced(ctx, left)
            return


def drop_all(ctx: Context, orders: Iterable[Order], reason: int) -> None:
    """What is left of some orders goes."""
    for order in orders:
        resting = resting_now(ctx, order.account, order.order_id)
        if resting is not None:
            remove_order(ctx, resting)
            ctx.emit(Cancelled(resting, reason, True))


def drop_reduced(ctx: Context, left: dict[int, Order]) -> None:
    """BOOK-014: of the orders that filled, reduce-only ones whose account has nothing left to reduce go."""
    for order_id, filled in left.items():
        order = resting_now(ctx, filled.account, order_id) if filled.reduce_only else None
        account = ctx.accounts.get(filled.account)
        lots = account.position(market_of(order_id)).lots if account else 0
        if order is not None and not rules.reducible_lots(order.side, lots):
            remove_order(ctx, order)
            ctx.emit(Cancelled(order, events_pb2.CANCEL_REASON_REDUCE_ONLY, True))


def resting_now(ctx: Context, account: bytes, order_id: int) -> Order | None:
    """An order as it rests now, or None when it is gone."""
    record = ctx.orders.get(account)
    return record.orders.get(order_id) if record else None


def plan_uncross(ctx: Context, market: Market, most_gas: int) -> Uncrossing:
    """BOOK-022, BOOK-023: pairs, price, and the accounts' end states; what margin is asked for ends at `most_gas` of
    the block's meter. Changes nothing else.
    """
    plan = Uncrossing()
    low, high = fill_limits(ctx, market)
    found = meetings(ctx, ctx.books[market.market], plan)
    pairs = list(takewhile(lambda pair: pair[0].price_quanta >= low and pair[1].price_quanta <= high, found))
    if not pairs:
        return plan
    bid, ask, _ = pairs[-1]
    lowest, highest = max(low, ask.price_quanta), min(high, bid.price_quanta)
    plan.price_quanta = rules.uniform_price(lowest, highest, market.tick_quanta)
    if is_capped(market):
        plan.room_lots = max(0, open_interest_cap(ctx, market) - open_interest(ctx, market.market))
    index, first = index_of(ctx, market.market), newcomers_from(ctx, market.market)
    for bid, ask, lots in pairs[:MAX_UNCROSS_FILLS]:
        if ctx.gas.used >= most_gas:
            break
        if plan.conditions.tripped and any(order.account in plan.conditions.tripped for order in (bid, ask)):
            continue
        if plan.room_lots < NO_CAP:
            lots = capped_lots(ctx, market.market, plan, bid, ask, lots)
            if not lots:
                continue
        parts, fees = [], pair_fees(ctx, market, bid, ask, plan.price_quanta * lots, first)
        for order, fee in zip((bid, ask), fees, strict=True):
            part = None if order.order_id in plan.removals else part_of(ctx, market, plan, order, lots, index, fee)
            if part is None:
                plan.removals.setdefault(order.order_id, (order, events_pb2.CANCEL_REASON_MARGIN))
            parts.append(part)
        if parts[0] is not None and parts[1] is not None:
            if plan.room_lots < NO_CAP:
                plan.room_lots -= sum(
                    open_interest_change(lots_now(ctx, market.market, plan, order.account), part[1].lots)
                    for order, part in ((bid, parts[0]), (ask, parts[1]))
                )
            plan.ends[bid.account], plan.ends[ask.account] = parts[0], parts[1]
            plan.fees.append(fees)
            plan.pairs.append((bid, ask, lots))
            for order in (bid, ask):
                note_group(plan.conditions, order)
                if ctx.protected and order.priority < first:
                    plan.conditions.note(ctx, order, lots)
    return plan


def capped_lots(ctx: Context, market: int, plan: Uncrossing, bid: Order, ask: Order, lots: int) -> int:
    """BRK-011: how many of `lots` the cap on open interest lets a pair trade. Where that is fewer, what is left of the
    younger order goes after the uncrossing.
    """
    short, long = -lots_now(ctx, market, plan, bid.account), lots_now(ctx, market, plan, ask.account)
    most = lots_within_cap(lots, max(0, short), max(0, long), plan.room_lots)
    if most < lots:
        younger = max(bid, ask, key=lambda order: order.priority)
        plan.cut[younger.order_id] = younger
    return most


def lots_now(ctx: Context, market: int, plan: Uncrossing, key: bytes) -> int:
    """What an account holds after the pairs so far."""
    if key in plan.ends:
        return plan.ends[key][1].lots
    account = ctx.accounts.get(key)
    return account.position(market).lots if account else 0


def outside_price(ctx: Context, market: Market) -> int:
    """BRK-006: a price outside of the band at which the last bid and ask that cross could meet only; 0: all that cross
    can meet within it.
    """
    low, high = fill_limits(ctx, market)
    last = deque(meetings(ctx, ctx.books[market.market], Uncrossing()), maxlen=1) if low else ()
    for bid, ask, _ in last:
        if ask.price_quanta > high:
            return ask.price_quanta
        if bid.price_quanta < low:
            return bid.price_quanta
    return 0


def cancel_outside(ctx: Context, market: Market) -> None:
    """BRK-006: of an auction that goes on no longer, orders that could only meet outside of the band go: bids where all
    asks lie above it, asks where all bids lie below it; at most MAX_BANDED_A_BLOCK.
    """
    low, high = fill_limits(ctx, market)
    book = ctx.books[market.market]
    for _ in range(MAX_BANDED_A_BLOCK):
        bid, ask = next(book.bids.best_first(), None), next(book.asks.best_first(), None)
        if bid is None or ask is None or bid.price_quanta < ask.price_quanta:
            return
        if low <= bid.price_quanta and ask.price_quanta <= high:
            return
        drop_all(ctx, (bid if ask.price_quanta > high else ask,), events_pb2.CANCEL_REASON_PRICE_BAND)


def meetings(ctx: Context, book: MarketBook, plan: Uncrossing) -> Iterator[Pair]:
    """BOOK-022: bids and asks by price, then priority, as long as they cross. A reduce-only order meets with what
    reduces its account's position by then; one with nothing to reduce is noted for removal.
    """
    held: dict[bytes, int] = {}
    sides = [_available(ctx, side.best_first(), held, plan) for side in (book.bids, book.asks)]
    bid, ask = next(sides[0], None), next(sides[1], None)
    while bid and ask and bid[0].price_quanta >= ask[0].price_quanta:
        lots = min(bid[1], ask[1])
        held[bid[0].account] = held.get(bid[0].account, 0) + lots
        held[ask[0].account] = held.get(ask[0].account, 0) - lots
        for order, _ in (bid, ask):
            note_group(plan.met, order)
        yield bid[0], ask[0], lots
        bid = (bid[0], bid[1] - lots) if bid[1] > lots else next(sides[0], None)
        ask = (ask[0], ask[1] - lots) if ask[1] > lots else next(sides[1], None)


def _available(
    ctx: Context, orders: Iterator[Order], held: dict[bytes, int], plan: Uncrossing
) -> Iterator[tuple[Order, int]]:
    """Each order with the lots it can trade; `held` is what the accounts came to hold more by the pairs before."""
    for order in orders:
        lots = order.open_lots
        reason: int = events_pb2.CANCEL_REASON_REDUCE_ONLY
        if order.terms is not None or ctx.protected:
            barred = plan.met.bar(ctx, order)
            if barred == events_pb2.CANCEL_REASON_ONE_CANCELS_OTHER:
                continue
            if barred:
                lots, reason = 0, barred
        if lots and order.reduce_only:
            account = ctx.accounts.get(order.account)
            before = account.position(market_of(order.order_id)).lots if account else 0
            lots = min(lots, rules.reducible_lots(order.side, before + held.get(order.account, 0)))
        if lots:
            yield order, lots
        else:
            plan.removals[order.order_id] = order, reason


def note_group(conditions: Conditions, order: Order) -> None:
    """BOOK-019: an order of a group was met: the others of it do not trade any more."""
    if order.terms is not None and order.terms.oco_id:
        conditions.groups.setdefault((order.account, order.terms.oco_id), order.order_id)


def pair_fees(ctx: Context, market: Market, bid: Order, ask: Order, notional: int, first: int) -> tuple[int, int]:
    """BOOK-024: what a bid and an ask that meet pay: who came in this block as taker, who rested before as maker.
    A rebate comes out of a taker's fee (FEES-002), so where both rested there is none.
    """
    came = [order.priority >= first for order in (bid, ask)]
    maker_ppm, taker_ppm = zip(*(rates(ctx, order.account, market) for order in (bid, ask)), strict=True)
    taken = [trading_fee(notional, taker_ppm[side]) if came[side] else 0 for side in (0, 1)]
    bid_fee, ask_fee = (
        taken[side] if came[side] else maker_fee(notional, maker_ppm[side], taken[1 - side]) for side in (0, 1)
    )
    return bid_fee, ask_fee


def part_of(
    ctx: Context, market: Market, plan: Uncrossing, order: Order, lots: int, index_e9: int, fee: int
) -> tuple[int, Position] | None:
    """BOOK-023: what an order's account would come to hold by filling `lots` at the plan's price: (cash, position);
    None if it cannot carry it (MARG-004, MARG-005). FUND-002: its funding is settled first.
    """
    account = ctx.accounts.get(order.account)
    if account is None:
        raise KeyError(order.account)
    before = plan.ends.get(order.account)
    if before is None:
        owed, position = settled(account.position(market.market), index_e9)
        plan.funding_quanta += owed
        before = plan.ends[order.account] = account.cash_quanta - owed, position
    signed = rules.signed_lots(order.side, lots)
    cash = cash_after_fill(before[0], signed, plan.price_quanta, fee)
    held = shifted(taker_position(before[1], signed, plan.price_quanta), order.side, order.price_quanta, -lots)
    return (cash, held) if allows_change(ctx, account, cash, held, with_orders=False) else None


def carry_out(ctx: Context, market: Market, plan: Uncrossing) -> dict[int, Order]:
    """CLR-001: write what was planned: accounts, open interest, fees, orders, events. Returns what the orders hold
    after it.
    """
    number, price = market.market, plan.price_quanta
    interest = sum(settle(ctx, key, number, cash, held) for key, (cash, held) in plan.ends.items())
    add_open_interest(ctx, number, interest)
    collect(ctx, number, sum(bid + ask for bid, ask in plan.fees), trades_of(plan, number))
    credit_fund(ctx, funding_pool(number), plan.funding_quanta)
    state = ctx.states.edit(number)
    left: dict[int, Order] = {}
    for (bid, ask, lots), (bid_fee, ask_fee) in zip(plan.pairs, plan.fees, strict=True):
        bid, ask = (shrunk(ctx, left.get(order.order_id, order), lots) for order in (bid, ask))
        left[bid.order_id], left[ask.order_id] = bid, ask
        maker, taker, maker_fee, taker_fee = (
            (bid, ask, bid_fee, ask_fee) if bid.priority < ask.priority else (ask, bid, ask_fee, bid_fee)
        )
        ctx.emit(
            Filled(
                state.next_trade,
                maker,
                lots,
                maker_fee,
                taker.account,
                taker.side,
                taker.order_id,
                taker.client_id,
                taker_fee,
                price,
                taker.open_lots,
            )
        )
        state.next_trade += 1
    state.last_price_quanta, state.last_time_ns = price, ctx.time_ns
    ctx.emit(Uncrossed(number, price, sum(lots for _, _, lots in plan.pairs)))
    plan.conditions.carry_out(ctx, number)
    return left


def trades_of(plan: Uncrossing, market: int) -> list[Trade]:
    """FEES-004, FEES-006: what the fills count for; the younger order's account stands as the taker."""
    trades = []
    for (bid, ask, lots), (bid_fee, ask_fee) in zip(plan.pairs, plan.fees, strict=True):
        old, new, old_fee, new_fee = (
            (bid, ask, bid_fee, ask_fee) if bid.priority < ask.priority else (ask, bid, ask_fee, bid_fee)
        )
        share = max(0, shareable(new_fee, old_fee))
        trades.append((new.account, old.account, market, lots * plan.price_quanta, share))
    return trades


def shrunk(ctx: Context, order: Order, lots: int) -> Order:
    """Take `lots` off an order, and it off the book when nothing is left; the account's sums are the plan's."""
    left = order.with_open_lots(order.open_lots - lots)
    if left.open_lots:
        swap_order(ctx, order, left)
    else:
        drop_order(ctx, order)
    return left


def cancel_crossing(ctx: Context, number: int) -> None:
    """BOOK-023: what still crosses after the last plan: the younger of the two best goes, until nothing does."""
    book = ctx.books[number]
    while is_crossed(ctx, number):
        best = [next(book.side(side).best_first()) for side in (BUY, SELL)]
        order = max(best, key=lambda found: found.priority)
        remove_order(ctx, order)
        ctx.emit(Cancelled(order, events_pb2.CANCEL_REASON_FILL_LIMIT, True))
