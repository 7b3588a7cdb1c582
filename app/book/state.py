"""Adding, shrinking and removing orders: account sums, open-order record and index move together (BOOK-004)."""

from typing import Any

from app.accounts.types import Position
from app.book.index import BookSide, MarketBook
from app.book.types import BUY, OpenOrders, Order, market_of
from app.context import Context
from app.errors import ORDER_NOT_FOUND, ORDER_REFERENCE, ChainError
from app.kernel.codec import u32_from
from app.kernel.ordered import SortedKeys


def open_orders(ctx: Context, account: bytes) -> OpenOrders:
    """The account's open orders, ready to be changed; the caller journals each change, together with the index's."""
    if ctx.orders.get(account) is None:
        ctx.orders.put(account, OpenOrders())
    return ctx.orders.own(account)


def find_order(ctx: Context, account: bytes, order_id: int, client_id: int) -> Order:
    """The account's open order by exactly one of id and client id. Raises ORDER_REFERENCE, ORDER_NOT_FOUND.

    Another account's order is not found either: ids of others give nothing away.
    """
    if (order_id == 0) == (client_id == 0):
        raise ChainError(ORDER_REFERENCE)
    record = ctx.orders.get(account)
    if record is not None:
        order = record.orders.get(order_id or record.client_ids.get(client_id, 0))
        if order is not None:
            return order
    raise ChainError(ORDER_NOT_FOUND, order_id=order_id, client_id=client_id)


def shifted(held: Position, side: int, price_quanta: int, lots: int) -> Position:
    """`held` with `lots` (negative: fewer) more resting on `side` at `price_quanta`."""
    notional = price_quanta * lots
    if side == BUY:
        return Position(
            held.market,
            held.lots,
            held.entry_quanta,
            held.open_buy_lots + lots,
            held.open_buy_notional_quanta + notional,
            held.open_sell_lots,
            held.open_sell_notional_quanta,
            held.funding_index_e9,
        )
    return Position(
        held.market,
        held.lots,
        held.entry_quanta,
        held.open_buy_lots,
        held.open_buy_notional_quanta,
        held.open_sell_lots + lots,
        held.open_sell_notional_quanta + notional,
        held.funding_index_e9,
    )


def rest_order(ctx: Context, order: Order) -> None:
    """Put a new order into record and index; the account's sums are the caller's."""
    record, side = open_orders(ctx, order.account), ctx.books[market_of(order.order_id)].side(order.side)
    record.add(order)
    side.insert(order)
    ctx.journal.entries.append((_undo_rest, (record, side), order))
    if order.terms is not None:
        file_terms(ctx, order)


def remove_order(ctx: Context, order: Order) -> None:
    """A resting order goes."""
    market = market_of(order.order_id)
    account = ctx.accounts.edit(order.account)
    account.set_position(shifted(account.position(market), order.side, order.price_quanta, -order.open_lots))
    drop_order(ctx, order)


def drop_order(ctx: Context, order: Order) -> None:
    """Take a resting order out of record and index; the account's sums are the caller's."""
    record, side = open_orders(ctx, order.account), ctx.books[market_of(order.order_id)].side(order.side)
    record.remove(order)
    side.remove(order)
    ctx.journal.entries.append((_undo_drop, (record, side), order))
    if order.terms is not None:
        unfile_terms(ctx, order)
    if not record.orders:
        ctx.orders.delete(order.account)


def swap_order(ctx: Context, old: Order, new: Order) -> None:
    """A resting order shrinks in place (same id, price and priority); the account's sums are the caller's."""
    record, side = open_orders(ctx, old.account), ctx.books[market_of(old.order_id)].side(old.side)
    record.orders[old.order_id] = new
    side.replace(new)
    ctx.journal.entries.append((_undo_swap, (record, side), old))


def move_order(ctx: Context, old: Order, new: Order) -> None:
    """A resting order keeps its id and size and gets another price or rank; the account's sums are the caller's."""
    record, side = open_orders(ctx, old.account), ctx.books[market_of(old.order_id)].side(old.side)
    record.orders[old.order_id] = new
    side.remove(old)
    side.insert(new)
    ctx.journal.entries.append((_undo_move, (record, side, new), old))


def file_terms(ctx: Context, order: Order) -> None:
    """An order that expires or is pegged comes into the sets that the hooks look at (BOOK-015, BOOK-017)."""
    for keys, key in _sets_of(ctx, order):
        keys.add(key)
        ctx.journal.entries.append((_undo_add, keys, key))


def unfile_terms(ctx: Context, order: Order) -> None:
    """The inverse of `file_terms`."""
    for keys, key in _sets_of(ctx, order):
        keys.remove(key)
        ctx.journal.entries.append((_undo_remove, keys, key))


def _sets_of(ctx: Context, order: Order) -> list[tuple[SortedKeys, Any]]:
    terms, found = order.terms, list[tuple[SortedKeys, Any]]()
    if terms is not None and terms.expiry_time_ns:
        found.append((ctx.expiring_orders, (terms.expiry_time_ns, order.order_id, order.account)))
    if terms is not None and terms.peg_reference:
        pegged = ctx.pegged.setdefault(market_of(order.order_id), SortedKeys())
        found.append((pegged, (order.order_id, order.account)))
    return found


def rebuild(ctx: Context) -> None:
    """Make the index from the stored orders, at start."""
    ctx.books = {market: MarketBook() for market, _ in ctx.markets.scan()}
    stored = [order for _, record in ctx.orders.scan() for order in record.orders.values()]
    stored.sort(key=lambda order: (market_of(order.order_id), order.priority))
    for order in stored:
        ctx.books[market_of(order.order_id)].side(order.side).insert(order)
    ctx.expiring_orders, ctx.pegged = SortedKeys(), {}
    for order in stored:
        for keys, key in _sets_of(ctx, order):
            keys.add(key)
    ctx.protected, ctx.protecting, ctx.clearing = set(), {}, SortedKeys()
    for where, protection in ctx.protections.scan():
        ctx.protected.add(where)
        ctx.protecting.setdefault(u32_from(where[-4:]), set()).add(where)
        if protection.clearing:
            ctx.clearing.add(where)


def _undo_rest(where: tuple[OpenOrders, BookSide], order: Order) -> None:
    record, side = where
    record.remove(order)
    side.remove(order)


def _undo_drop(where: tuple[OpenOrders, BookSide], order: Order) -> None:
    record, side = where
    record.add(order)
    side.insert(order)


def _undo_swap(where: tuple[OpenOrders, BookSide], order: Order) -> None:
    record, side = where
    record.orders[order.order_id] = order
    side.replace(order)


def _undo_move(where: tuple[OpenOrders, BookSide, Order], order: Order) -> None:
    record, side, new = where
    record.orders[order.order_id] = order
    side.remove(new)
    side.insert(order)


def _undo_add(keys: SortedKeys, key: Any) -> None:
    keys.remove(key)


def _undo_remove(keys: SortedKeys, key: Any) -> None:
    keys.add(key)
