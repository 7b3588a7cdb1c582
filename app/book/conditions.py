"""What bars a resting order from trading beside price and margin: its expiry, its account's protection, its group.

`Conditions` belongs to a plan: it counts what the plan would fill and changes nothing until the plan is carried out.
"""

from dataclasses import dataclass, field

from app.book import rules
from app.book.state import remove_order
from app.book.types import Order, market_of, protection_key
from app.context import Context
from app.errors import ORDER_GROUP, ORDER_PROTECTED, ChainError
from app.events import Cancelled, ProtectionTripped
from app.limits import MAX_GROUP
from novation.v1 import events_pb2

FOR_EVER_NS = (1 << 63) - 1


@dataclass(slots=True)
class Conditions:
    """Levels of protections by account, and the groups of which an order filled, with that order's id."""

    levels: dict[bytes, int] = field(default_factory=dict)
    tripped: list[bytes] = field(default_factory=list)
    groups: dict[tuple[bytes, int], int] = field(default_factory=dict)

    def bar(self, ctx: Context, maker: Order) -> int:
        """Why a maker may not trade although it stands on the book, a CancelReason; 0 when it may."""
        if maker.account in self.tripped or frozen_until(ctx, maker.account, market_of(maker.order_id)) > ctx.time_ns:
            return events_pb2.CANCEL_REASON_PROTECTION
        terms = maker.terms
        if terms is not None:
            if rules.is_over(terms.expiry_time_ns, ctx.time_ns):
                return events_pb2.CANCEL_REASON_EXPIRED
            if self.groups.get((maker.account, terms.oco_id), maker.order_id) != maker.order_id:
                return events_pb2.CANCEL_REASON_ONE_CANCELS_OTHER
        return 0

    def note(self, ctx: Context, maker: Order, lots: int) -> bool:
        """BOOK-018, BOOK-019: count a fill of a maker. True when it fills up its account's protection."""
        if maker.terms is not None and maker.terms.oco_id:
            self.groups.setdefault((maker.account, maker.terms.oco_id), maker.order_id)
        key = protection_key(maker.account, market_of(maker.order_id))
        if key not in ctx.protected:
            return False
        protection = ctx.protections.get(key)
        if protection is None:
            raise KeyError(key)
        level = self.levels.get(maker.account, protection.drained_ns)
        level = rules.drained_after(level, ctx.time_ns, lots, protection.window_ns, protection.limit_lots)
        self.levels[maker.account] = level
        if not rules.is_tripped(level, ctx.time_ns, protection.window_ns):
            return False
        self.tripped.append(maker.account)
        return True

    def carry_out(self, ctx: Context, market: int) -> None:
        """Write the levels, freeze who tripped (BOOK-018), cancel the others of the groups (BOOK-019)."""
        for account, level in self.levels.items():
            key = protection_key(account, market)
            protection = ctx.protections.edit(key)
            protection.drained_ns = level
            if account in self.tripped:
                protection.drained_ns = ctx.time_ns
                protection.frozen_ns = ctx.time_ns + protection.freeze_ns if protection.freeze_ns else FOR_EVER_NS
                protection.clearing = True
                if key not in ctx.clearing:
                    ctx.clearing.add(key)
                    ctx.journal.entries.append((_undo_clearing, ctx, key))
                ctx.emit(ProtectionTripped(market, account, protection.frozen_ns))
        for (account, oco_id), order_id in self.groups.items():
            close_group(ctx, account, oco_id, order_id)


def frozen_until(ctx: Context, account: bytes, market: int) -> int:
    """BOOK-018: until when an account's orders in a market are barred; 0 without protection. While orders from before a
    freeze are left to be cancelled it has no end, however short the freeze.
    """
    key = protection_key(account, market)
    if key not in ctx.protected:
        return 0
    protection = ctx.protections.get(key)
    if protection is None:
        return 0
    return FOR_EVER_NS if protection.clearing else protection.frozen_ns


def require_unfrozen(ctx: Context, account: bytes, market: int) -> None:
    """BOOK-018: ORDER_PROTECTED while the account's protection in the market is frozen."""
    until = frozen_until(ctx, account, market)
    if until > ctx.time_ns:
        raise ChainError(ORDER_PROTECTED, frozen_until_ns=until, time_ns=ctx.time_ns)


def require_room_in_group(ctx: Context, account: bytes, oco_id: int) -> None:
    """BOOK-019: a group has at most MAX_GROUP orders and triggers, so that one fill cancels few. Raises ORDER_GROUP."""
    record, waiting = ctx.orders.get(account), ctx.triggers.get(account)
    orders = record.orders.values() if record else ()
    members = sum(order.terms is not None and order.terms.oco_id == oco_id for order in orders)
    members += sum(trigger.oco_id == oco_id for trigger in waiting.triggers.values()) if waiting else 0
    if members >= MAX_GROUP:
        raise ChainError(ORDER_GROUP, oco_id=oco_id, most=MAX_GROUP)


def close_group(ctx: Context, account: bytes, oco_id: int, but_order_id: int) -> None:
    """BOOK-019: the other resting orders of a group go; its triggers go when they are told (TRIG-009)."""
    record = ctx.orders.get(account)
    orders = record.orders.values() if record else ()
    others = [order for order in orders if order.terms is not None and order.terms.oco_id == oco_id]
    for order in sorted(others, key=lambda order: order.order_id):
        if order.order_id != but_order_id:
            remove_order(ctx, order)
            ctx.emit(Cancelled(order, events_pb2.CANCEL_REASON_ONE_CANCELS_OTHER, True))
    ctx.filled_groups.append((account, oco_id))
    ctx.journal.entries.append((_undo_group, ctx.filled_groups, None))


def _undo_clearing(ctx: Context, key: bytes) -> None:
    ctx.clearing.remove(key)


def _undo_group(groups: list[tuple[bytes, int]], _: None) -> None:
    groups.pop()
