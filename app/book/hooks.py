"""What the book does outside transactions: expired orders go, pegged ones follow, frozen accounts are cleared,
orders that were collected meet.
"""

from functools import partial

from app.book.pegs import follow_reference, references
from app.book.protection import clear_some
from app.book.state import remove_order
from app.book.uncross import cancel_crossing, cancel_outside, drop_immediate, outside_price, uncross
from app.breakers.halts import auction_ends_ns, goes_on, halt_outside, resumed_status
from app.compartment import guarded
from app.context import Context
from app.events import Cancelled
from app.limits import MAX_CLEARED_A_BLOCK, MAX_EXPIRED_A_BLOCK, MAX_MOVED_A_BLOCK
from app.markets.state import collects, is_crossed, market_numbers, require_market, set_status
from app.markets.types import ACTIVE, AUCTION, REDUCE_ONLY
from app.oracle.rules import OPEN
from app.oracle.state import allows
from novation.v1 import events_pb2


def expire_orders(ctx: Context) -> None:
    """BOOK-015: orders whose time is over go, the longest expired first, at most MAX_EXPIRED_A_BLOCK; those left
    trade no more.
    """
    expiring = ctx.expiring_orders
    for _ in range(MAX_EXPIRED_A_BLOCK):
        if not expiring or expiring.first()[0] >= ctx.time_ns:
            return
        _, order_id, account = expiring.first()
        order = ctx.orders.own(account).orders[order_id]
        remove_order(ctx, order)
        ctx.emit(Cancelled(order, events_pb2.CANCEL_REASON_EXPIRED, True))


def move_pegged(ctx: Context) -> None:
    """BOOK-017: pegged orders follow their reference, at most MAX_MOVED_A_BLOCK; the market to begin with changes
    block by block, so that none is always the last. They stay while a price cannot be trusted (ORCL-011).
    """
    left = MAX_MOVED_A_BLOCK
    markets = [market for market in sorted(ctx.pegged) if ctx.pegged[market]]
    turn = ctx.height % len(markets) if markets else 0
    for market in markets[turn:] + markets[:turn]:
        if require_market(ctx, market).status not in (ACTIVE, REDUCE_ONLY) or not allows(ctx, market, OPEN):
            continue
        twice = references(ctx, market)
        for order_id, account in list(ctx.pegged[market]):
            events = len(ctx.events)
            if left and guarded(ctx, market, partial(follow_reference, order_id, account, twice)):
                left -= len(ctx.events) > events


def clear_protected(ctx: Context) -> None:
    """BOOK-018: at the end of a block the orders of accounts that tripped in it go, at most MAX_CLEARED_A_BLOCK; those
    left trade no more.
    """
    left = MAX_CLEARED_A_BLOCK
    for key in list(ctx.clearing):
        if left <= 0:
            return
        left -= clear_some(ctx, key, left)


def uncross_markets(ctx: Context) -> None:
    """BOOK-022: batch markets uncross at the end of each block, auctions of the first one past their time whose price
    can be trusted (ORCL-011).
    """
    for number in market_numbers(ctx):
        market = require_market(ctx, number)
        if not collects(market):
            continue
        due = ctx.time_ns >= auction_ends_ns(ctx, number) and allows(ctx, number, OPEN)
        if market.status != AUCTION or due:
            guarded(ctx, number, uncross_market)


def uncross_market(ctx: Context, number: int) -> None:
    """BOOK-022: uncross one market. An auction that is not done goes on in the next block (MKT-005), one whose price
    still runs for longer (BRK-009); a batch market whose orders meet outside of its band is halted (BRK-006).
    """
    market = require_market(ctx, number)
    crossed = is_crossed(ctx, number)
    outside = outside_price(ctx, market) if crossed else 0
    if market.status == AUCTION:
        if goes_on(ctx, number, outside):
            return
        if crossed:
            uncross(ctx, market)
            cancel_outside(ctx, market)
        if not is_crossed(ctx, number):
            set_status(ctx, number, resumed_status(ctx, number), events_pb2.STATUS_REASON_UNCROSSED)
        return
    if crossed and not outside:
        uncross(ctx, market)
    drop_immediate(ctx, number)
    if outside:
        halt_outside(ctx, number, outside)
    else:
        cancel_crossing(ctx, number)
