"""What breakers do at the begin of a block, before anything trades, and at its end."""

from app.breakers.flows import note_refusals
from app.breakers.halts import after_gap, watch_anew, watch_move
from app.breakers.state import end, is_capped, open_interest_cap, trip, tripped
from app.breakers.types import CAP, CHAIN, GAP, HALT, OPEN_INTEREST, WITHDRAWALS, Breaker
from app.compartment import guarded
from app.context import Context
from app.markets.state import market_numbers, open_interest, require_market
from app.markets.types import AUCTION


def watch(ctx: Context) -> None:
    """BRK-007, BRK-019, BRK-020: whether the chain stood still until now, or that is long enough ago, and for every
    market whether its mark has run too far.
    """
    gap = tripped(ctx, CHAIN, GAP)
    if gap and ctx.time_ns >= gap.ends_ns:
        end(ctx, CHAIN, GAP)
    if 0 < ctx.params.gap_ns < ctx.elapsed_ns:
        after_gap(ctx)
    for number in market_numbers(ctx):
        if require_market(ctx, number).halt_move_ppm:
            guarded(ctx, number, watch_move)


def close_rows(ctx: Context) -> None:
    """BRK-008, BRK-012, BRK-017: halts end where the market has left its auction, whichever way; caps trip where they
    are reached, the limiter of withdrawals where it refused something.
    """
    limiter = tripped(ctx, CHAIN, WITHDRAWALS)
    if limiter and ctx.time_ns >= limiter.ends_ns:
        end(ctx, CHAIN, WITHDRAWALS)
    if ctx.refusals:
        note_refusals(ctx)
    for number in market_numbers(ctx):
        market, record = require_market(ctx, number), ctx.breakers.get(number)
        if record and record.rows and market.status != AUCTION and tripped(ctx, number, HALT):
            end(ctx, number, HALT)
            watch_anew(ctx, number)
        if is_capped(market):
            guarded(ctx, number, note_cap)


def note_cap(ctx: Context, number: int) -> None:
    """BRK-012: say when a market's open interest has reached its cap, and when it lies below it again."""
    cap = open_interest_cap(ctx, require_market(ctx, number))
    interest = open_interest(ctx, number)
    if interest < cap:
        end(ctx, number, OPEN_INTEREST)
    elif not tripped(ctx, number, OPEN_INTEREST):
        trip(ctx, number, Breaker(OPEN_INTEREST, CAP, True, ctx.time_ns, 0, interest, cap))
