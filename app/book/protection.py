"""Market-maker protection: set it, and clear the orders of an account that tripped it."""

from app.accounts.state import require_account
from app.book.state import remove_order
from app.book.types import Order, Protection, market_of, protection_key
from app.context import Context
from app.errors import PROTECTION_TERMS, ChainError
from app.events import Cancelled
from app.gas import CANCEL, GUARD
from app.kernel.codec import u32_from
from app.limits import MAX_FREEZE_NS, MAX_ORDER_LOTS, MAX_WINDOW_NS
from app.markets.state import require_market, require_running
from novation.v1 import events_pb2, tx_pb2


def handle_set_protection(ctx: Context, account: bytes, action: tx_pb2.SetProtection) -> tx_pb2.ActionResult:
    """BOOK-018: set an account's protection in a market, or take it away; either way its level is empty and a freeze
    is over. Orders from before a freeze go first.

    Raises MARKET_*, ACCOUNT_NOT_FOUND, PROTECTION_TERMS.
    """
    ctx.gas.charge(GUARD)
    record = require_market(ctx, action.market)
    market, limit = record.market, action.limit_lots
    if limit:
        require_running(record)
    require_account(ctx.accounts.get(account), account)
    if limit and not (
        limit <= MAX_ORDER_LOTS and 0 < action.window_ns <= MAX_WINDOW_NS and action.freeze_ns <= MAX_FREEZE_NS
    ):
        raise ChainError(PROTECTION_TERMS, most_lots=MAX_ORDER_LOTS, most_window_ns=MAX_WINDOW_NS)
    key = protection_key(account, market)
    cleared = 0
    if key in ctx.clearing:
        ctx.gas.charge(CANCEL * len(orders_in(ctx, account, market)))
        cleared = clear_some(ctx, key, len(orders_in(ctx, account, market)) + 1)
    if limit:
        ctx.protections.put(key, Protection(limit, action.window_ns, action.freeze_ns))
    elif key in ctx.protected:
        ctx.protections.delete(key)
    if (key in ctx.protected) != bool(limit):
        _turn(ctx, key)
        ctx.journal.entries.append((_turn, ctx, key))
    return tx_pb2.ActionResult(cancelled_orders=cleared)


def drop_protections(ctx: Context, market: int, most: int) -> int:
    """OPT-003: at most `most` protections go of a market that goes itself and has no order left. Returns how many there
    were.
    """
    keys = sorted(ctx.protecting.get(market, ()))
    for key in keys[:most]:
        ctx.protections.delete(key)
        if key in ctx.clearing:
            ctx.clearing.remove(key)
            ctx.journal.entries.append((_undo_cleared, ctx, key))
        _turn(ctx, key)
        ctx.journal.entries.append((_turn, ctx, key))
    return len(keys)


def orders_in(ctx: Context, account: bytes, market: int) -> list[Order]:
    """An account's open orders in a market, oldest first."""
    record = ctx.orders.get(account)
    found = [order for order in record.orders.values() if market_of(order.order_id) == market] if record else []
    return sorted(found, key=lambda order: order.order_id)


def clear_some(ctx: Context, key: bytes, most: int) -> int:
    """BOOK-018: cancel up to `most` orders of an account that tripped; once none is left it is cleared. Returns how
    many were cancelled.
    """
    orders = orders_in(ctx, key[:-4], int.from_bytes(key[-4:], "big"))
    for order in orders[:most]:
        remove_order(ctx, order)
        ctx.emit(Cancelled(order, events_pb2.CANCEL_REASON_PROTECTION, True))
    if len(orders) <= most:
        ctx.protections.edit(key).clearing = False
        ctx.clearing.remove(key)
        ctx.journal.entries.append((_undo_cleared, ctx, key))
    return min(len(orders), most)


def _undo_cleared(ctx: Context, key: bytes) -> None:
    ctx.clearing.add(key)


def _turn(ctx: Context, key: bytes) -> None:
    """Put a key into the sets of protections, or take it out: its own inverse."""
    market = u32_from(key[-4:])
    ctx.protected.symmetric_difference_update((key,))
    ctx.protecting.setdefault(market, set()).symmetric_difference_update((key,))
    if not ctx.protecting[market]:
        del ctx.protecting[market]
