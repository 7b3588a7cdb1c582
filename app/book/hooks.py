"""What the book does outside transactions: expired orders go, pegged ones follow, frozen accounts are cleared."""

from functools import partial

from app.book.pegs import follow_reference, references
from app.book.protection import clear_some
from app.book.state import remove_order
from app.compartment import guarded
from app.context import Context
from app.events import Cancelled
from app.limits import MAX_CLEARED_A_BLOCK, MAX_EXPIRED_A_BLOCK, MAX_MOVED_A_BLOCK
from app.markets.state import require_market
from app.markets.types import ACTIVE, REDUCE_ONLY
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
    block by block, so that none is always the last.
    """
    left = MAX_MOVED_A_BLOCK
    markets = [market for market in sorted(ctx.pegged) if ctx.pegged[market]]
    turn = ctx.height % len(markets) if markets else 0
    for market in markets[turn:] + markets[:turn]:
        if require_market(ctx, market).status not in (ACTIVE, REDUCE_ONLY):
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
