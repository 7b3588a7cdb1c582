"""Compartments: what is broken in one market stays in it.

Rules CMP-001 ff. in README.md. A step of a market that raises, an action whose handler raises and a market whose
invariant breaks are undone, and the market goes into quarantine; all others trade on.
"""

from collections.abc import Callable

from app.context import Context
from app.errors import FAULTS, MARKET_FAULT, ChainError, MarketFault
from app.events import MarketQuarantined
from app.limits import QUARANTINE_NS


def guarded(
    ctx: Context, market: int, step: Callable[[Context, int], object], *, in_quarantine: bool = False
) -> bool:
    """CMP-002: run `step(ctx, market)`; should it raise a fault, undo it and quarantine the market that is to blame.

    A market in quarantine stands still: its steps are left out, but for those that say `in_quarantine` (settlement).
    Returns whether the step was carried out.
    """
    record = ctx.markets.get(market)
    if record is None or (record.quarantined and not in_quarantine):
        return False
    depth, events = len(ctx.journal.marks), len(ctx.events)
    ctx.journal.savepoint()
    try:
        step(ctx, market)
    except FAULTS as error:
        unwind(ctx, depth)
        del ctx.events[events:]
        quarantine(ctx, blamed(market, error))
        return False
    ctx.journal.release()
    return True


def attempt(ctx: Context, step: Callable[[Context], object]) -> bool:
    """CMP-006: run `step(ctx)`, for which no market is to blame; should it raise a fault, undo it. Returns whether it
    was carried out.
    """
    depth, events = len(ctx.journal.marks), len(ctx.events)
    ctx.journal.savepoint()
    try:
        step(ctx)
    except FAULTS:
        unwind(ctx, depth)
        del ctx.events[events:]
        return False
    ctx.journal.release()
    return True


def action_fault(ctx: Context, depth: int, market: int, error: Exception) -> ChainError:
    """CMP-003: the error with which an action fails whose handler raised a fault. The market to blame, or else the one
    that the action names, is noted for `quarantine_noted`; the savepoints that the handler left open are rolled back.
    """
    unwind(ctx, depth)
    fault = blamed(market, error)
    ctx.faults.append(fault)
    return ChainError(MARKET_FAULT, market=fault.market, fault=fault.why)


def quarantine_noted(ctx: Context) -> None:
    """CMP-003: after an envelope, quarantine the markets whose faults it met; even if all its actions were undone."""
    faults, ctx.faults = ctx.faults, []
    for fault in faults:
        quarantine(ctx, fault)


def quarantine(ctx: Context, fault: MarketFault) -> bool:
    """CMP-001, CMP-004: from here on the market takes cancels and reductions only; cancels only if an invariant broke.

    Returns whether that is news; a fault that no market is to blame for changes nothing.
    """
    record = ctx.markets.get(fault.market)
    if record is None or (record.quarantined and (record.sealed or not fault.broken)):
        return False
    record = ctx.markets.edit(fault.market)
    ctx.forget_risk(fault.market)
    record.quarantine(record.quarantine_ends_ns or ctx.time_ns + QUARANTINE_NS, sealed=fault.broken)
    ctx.emit(MarketQuarantined(fault.market, fault.why, fault.broken, record.quarantine_ends_ns))
    return True


def blamed(market: int, error: Exception) -> MarketFault:
    """`error` as a fault of the market in whose rules it arose, which it may know better than the caller."""
    return error if isinstance(error, MarketFault) else MarketFault(market, type(error).__name__)


def unwind(ctx: Context, depth: int) -> None:
    """Roll back until `depth` savepoints are open: code that raised may have left some of its own."""
    while len(ctx.journal.marks) > depth:
        ctx.journal.rollback()
