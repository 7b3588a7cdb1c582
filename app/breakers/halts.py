"""The life of a halt: a market goes into an auction, perhaps longer than it was to be, and comes back at one price."""

from functools import partial

from app.breakers import rules
from app.breakers.state import fill_limits, guards, trip, tripped, write
from app.breakers.types import CHAIN, FILL_BAND, GAP, HALT, MOVE, STANDSTILL, Breaker, Swing
from app.compartment import guarded
from app.context import Context
from app.events import BreakerExtended
from app.markets.state import market_numbers, open_interest, require_market, set_status
from app.markets.types import ACTIVE, AUCTION, REDUCE_ONLY
from app.oracle.state import mark_price
from novation.v1 import events_pb2


def halt(ctx: Context, number: int, reason: int, value: int, limit: int, ends_ns: int = 0) -> None:
    """BRK-008: a market goes into a call auction, for its `halt_auction_ns` or until `ends_ns`."""
    market = require_market(ctx, number)
    resumes = resumed_status(ctx, number) if market.status == AUCTION else market.status
    ends = ends_ns or ctx.time_ns + market.halt_auction_ns
    mark = mark_price(ctx, number)
    trip(ctx, number, Breaker(HALT, reason, True, ctx.time_ns, ends, value, limit, 0, resumes, mark))
    if market.status != AUCTION:
        set_status(ctx, number, AUCTION, events_pb2.STATUS_REASON_BREAKER)


def halt_outside(ctx: Context, number: int, price_quanta: int) -> None:
    """BRK-005: orders met at a price outside of the band: nothing fills there, and the market is halted."""
    low, high = fill_limits(ctx, require_market(ctx, number))
    halt(ctx, number, FILL_BAND, price_quanta, high if price_quanta > high else low)


def after_gap(ctx: Context) -> None:
    """BRK-019: the chain stood still: every market in which anybody has something at stake goes into an auction until
    the cool-down is over.
    """
    ends = ctx.time_ns + ctx.params.gap_cool_down_ns
    at_stake = [number for number in market_numbers(ctx) if is_at_stake(ctx, number)]
    if at_stake:
        trip(ctx, CHAIN, Breaker(GAP, STANDSTILL, True, ctx.time_ns, ends, ctx.elapsed_ns, ctx.params.gap_ns))
    for number in at_stake:
        guarded(ctx, number, partial(halt_until, ends))


def halt_until(ends_ns: int, ctx: Context, number: int) -> None:
    """BRK-019: one market goes into an auction, or stays in the one it is in for at least as long."""
    later = max(ends_ns, auction_ends_ns(ctx, number))
    halt(ctx, number, STANDSTILL, ctx.elapsed_ns, ctx.params.gap_ns, later)


def is_at_stake(ctx: Context, number: int) -> bool:
    """BRK-019: whether a market trades, or is in an auction, and has orders or positions."""
    market, book = require_market(ctx, number), ctx.books[number]
    if market.status not in (ACTIVE, REDUCE_ONLY, AUCTION) or not guards(ctx, market):
        return False
    return bool(open_interest(ctx, number) or book.bids.best_price() or book.asks.best_price())


def watch_move(ctx: Context, number: int) -> None:
    """BRK-007: note where a market's mark is, and halt the market when that is too far from where it was."""
    market, record = require_market(ctx, number), ctx.breakers.get(number)
    if not market.halt_move_ppm or market.status not in (ACTIVE, REDUCE_ONLY) or not guards(ctx, market):
        return
    mark, swings = mark_price(ctx, number), record.swings if record else ()
    seen = swings_with(swings, ctx.time_ns, mark, market.halt_window_ns)
    low = high = mark
    for _, lowest, highest in seen:
        low, high = min(low, lowest), max(high, highest)
    for reference in (low, high):
        if rules.moved(mark, reference, market.halt_move_ppm):
            halt(ctx, number, MOVE, mark, reference)
            return
    if seen is not swings:
        ctx.breakers.edit(number).swings = seen


def watch_anew(ctx: Context, number: int) -> None:
    """BRK-007: after a halt the mark is measured from where it is then, and from nothing before."""
    mark = mark_price(ctx, number)
    ctx.breakers.edit(number).swings = (Swing(ctx.time_ns, mark, mark),)


def swings_with(swings: tuple[Swing, ...], time_ns: int, mark_quanta: int, window_ns: int) -> tuple[Swing, ...]:
    """BRK-007: where the mark was in the window that ends now: in a few parts that begin an eighth of it apart.

    A part that began before the window is dropped whole, so nothing older counts, and all of the last seven eighths.
    """
    kept = swings
    if swings and swings[0].starts_ns <= time_ns - window_ns:
        kept = tuple(swing for swing in swings if swing.starts_ns > time_ns - window_ns)
    if not kept or time_ns >= kept[-1].starts_ns + window_ns // rules.SWINGS:
        return (*kept, Swing(time_ns, mark_quanta, mark_quanta))
    last = kept[-1]
    if last.low_quanta <= mark_quanta <= last.high_quanta:
        return kept
    return (
        *kept[:-1],
        Swing(last.starts_ns, min(last.low_quanta, mark_quanta), max(last.high_quanta, mark_quanta)),
    )


def auction_ends_ns(ctx: Context, number: int) -> int:
    """MKT-005, BRK-008: when the auction that a market is in may end."""
    market, row = require_market(ctx, number), tripped(ctx, number, HALT)
    return max(market.opens_ns + market.auction_ns, row.ends_ns if row else 0)


def goes_on(ctx: Context, number: int, outside_quanta: int) -> bool:
    """BRK-009: whether an auction whose time is over goes on because the price still runs: orders would meet outside of
    the band (at `outside_quanta`; 0: none would), or the mark has moved since the halt began, or was extended last, as
    far as would halt the market. At most `halt_extensions` times.
    """
    market, row = require_market(ctx, number), tripped(ctx, number, HALT)
    mark, move = mark_price(ctx, number), market.halt_move_ppm
    ran = row is not None and move > 0 and rules.moved(mark, row.reference_quanta, move)
    if not (outside_quanta or ran) or not guards(ctx, market):
        return False
    if row is None:
        halt_outside(ctx, number, outside_quanta)
        return True
    if row.extensions >= market.halt_extensions:
        return False
    later = ctx.time_ns + market.halt_auction_ns
    row = row._replace(ends_ns=later, extensions=row.extensions + 1, reference_quanta=mark)
    write(ctx, number, row)
    ctx.emit(BreakerExtended(number, row))
    return True


def resumed_status(ctx: Context, number: int) -> int:
    """BRK-008: what a market becomes after an auction: what it was before its halt; active if it opens."""
    row = tripped(ctx, number, HALT)
    return row.resumes if row else ACTIVE
