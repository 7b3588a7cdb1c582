"""What anybody may ask of breakers: what has tripped, how near the rest is, and within which prices one may trade."""

from dataclasses import dataclass, field

from app.breakers import rules
from app.breakers.flows import buckets, held_value, level_of
from app.breakers.state import band_base, breaker_of, fill_limits, guards, is_capped, open_interest_cap
from app.breakers.types import (
    CAP,
    CHAIN,
    GAP,
    HALT,
    MOVE,
    OPEN_INTEREST,
    STANDSTILL,
    STRESS,
    SWEEP_KEY,
    SYSTEM,
    WITHDRAWALS,
    Breaker,
    Sweep,
)
from app.context import Context
from app.markets.state import open_interest
from app.markets.types import Market
from app.oracle.state import mark_price


@dataclass(frozen=True, slots=True)
class Band:
    """Between which prices orders may aim and fill in a market, in quote quanta a lot; 0: no bound."""

    market: int
    mark: int
    order_low: int
    order_high: int
    fill_low: int
    fill_high: int


@dataclass(slots=True)
class Answer:
    """Breakers that are on or have tripped, as (scope, row), the chain's first, then markets ascending; bands; the
    stress test.

    The row of a breaker that is not tripped has the value and the limit of now, and the times of when it was.
    """

    breakers: list[tuple[int, Breaker]] = field(default_factory=list)
    bands: list[Band] = field(default_factory=list)
    sweep: Sweep = field(default_factory=Sweep)
    stress_ppm: int = 0


def ask(ctx: Context) -> Answer:
    """BRK-024: all breakers of the chain and of its markets as they stand."""
    found = Answer(sweep=ctx.sweeps.get(SWEEP_KEY) or Sweep(), stress_ppm=ctx.params.stress_ppm)
    found.breakers = [(CHAIN, row) for row in of_chain(ctx, found.sweep)]
    for number, market in ctx.markets.scan():
        found.breakers += [(number, row) for row in of_market(ctx, market)]
        if (market.order_band_ppm or market.fill_band_ppm) and guards(ctx, market):
            found.bands.append(band_of(ctx, market))
    return found


def of_chain(ctx: Context, sweep: Sweep) -> list[Breaker]:
    """BRK-024: the limiter by window, the standstill, the system."""
    rows = []
    held = held_value(ctx)
    for bucket in buckets(ctx):
        limit = rules.flow_limit(bucket.most_quanta, held, bucket.most_ppm)
        level = -(-level_of(ctx, bucket, limit) // bucket.window_ns)
        rows.append(now(ctx, CHAIN, WITHDRAWALS, bucket.reason, level, limit))
    if ctx.params.gap_ns:
        rows.append(now(ctx, CHAIN, GAP, STANDSTILL, 0, ctx.params.gap_ns))
    if ctx.params.sweep_accounts:
        worst = max(sweep.done_shortfalls, default=0)
        rows.append(now(ctx, CHAIN, SYSTEM, STRESS, worst, sweep.insured_quanta))
    return rows


def of_market(ctx: Context, market: Market) -> list[Breaker]:
    """BRK-024: the halt, if the market can be halted or has been; the cap, if it has one."""
    rows, number = [], market.market
    halted = breaker_of(ctx, number, HALT)
    if market.halt_move_ppm or halted:
        record = ctx.breakers.get(number)
        mark = mark_price(ctx, number)
        ends = [price for swing in (record.swings if record else ()) for price in (swing.low_quanta, swing.high_quanta)]
        farthest = max(ends, key=lambda price: abs(price - mark), default=mark)
        rows.append(now(ctx, number, HALT, halted.reason if halted else MOVE, mark, farthest))
    if is_capped(market):
        rows.append(now(ctx, number, OPEN_INTEREST, CAP, open_interest(ctx, number), open_interest_cap(ctx, market)))
    return rows


def now(ctx: Context, scope: int, kind: int, reason: int, value: int, limit: int) -> Breaker:
    """BRK-024: a breaker as it is: what it tripped for, or how near it is, with when it was tripped last."""
    row = breaker_of(ctx, scope, kind)
    if row is None or row.reason != reason:
        return Breaker(kind, reason, False, 0, 0, value, limit)
    return row if row.tripped else row._replace(value=value, limit=limit)


def band_of(ctx: Context, market: Market) -> Band:
    """BRK-024: the bands of a market around its mark."""
    mark, tick = mark_price(ctx, market.market), market.tick_quanta
    order_low = order_high = fill_low = fill_high = 0
    if market.order_band_ppm:
        base = band_base(ctx, market)
        order_low = rules.lowest_price(mark, market.order_band_ppm, tick, base)
        order_high = rules.highest_price(mark, market.order_band_ppm, tick, base)
    if market.fill_band_ppm:
        fill_low, fill_high = fill_limits(ctx, market)
    return Band(market.market, mark, order_low, order_high, fill_low, fill_high)
