"""Access to breakers, and what they say of an order: how far from the mark it may reach, how much it may open."""

from app.breakers import rules
from app.breakers.types import CHAIN, GAP, HALT, SYSTEM, Breaker
from app.context import Context
from app.errors import (
    BREAKER_OPEN_INTEREST,
    BREAKER_ORDER_BAND,
    BREAKER_REDUCE_ONLY,
    MARKET_NOT_TRADING,
    ChainError,
)
from app.events import BreakerEnded, BreakerTripped
from app.limits import MAX_PRICE_QUANTA
from app.markets.state import open_interest
from app.markets.types import AUCTION, OPTION, REDUCE_ONLY, Market
from app.oracle.state import index_price, mark_price


def breaker_of(ctx: Context, scope: int, kind: int) -> Breaker | None:
    """BRK-001: a breaker of a market, or of the CHAIN, that has tripped at least once."""
    record = ctx.breakers.get(scope)
    for row in record.rows if record else ():
        if row.kind == kind:
            return row
    return None


def tripped(ctx: Context, scope: int, kind: int) -> Breaker | None:
    """BRK-001: a breaker if it is tripped now."""
    found = breaker_of(ctx, scope, kind)
    return found if found and found.tripped else None


def write(ctx: Context, scope: int, row: Breaker) -> None:
    """BRK-001: put a row in the place of the one of its kind."""
    record = ctx.breakers.edit(scope)
    record.rows = tuple(sorted([row, *(other for other in record.rows if other.kind != row.kind)]))


def trip(ctx: Context, scope: int, row: Breaker) -> None:
    """BRK-001: a breaker trips."""
    write(ctx, scope, row)
    ctx.emit(BreakerTripped(scope, row))


def end(ctx: Context, scope: int, kind: int) -> None:
    """BRK-001: a breaker that is tripped ends now; its row stays as it was."""
    found = tripped(ctx, scope, kind)
    if found:
        ended = found._replace(tripped=False, ends_ns=ctx.time_ns)
        write(ctx, scope, ended)
        ctx.emit(BreakerEnded(scope, ended))


def cooling(ctx: Context) -> bool:
    """BRK-020: whether the chain stood still a moment ago, so that nothing is liquidated and no trigger fires yet."""
    return tripped(ctx, CHAIN, GAP) is not None


def counted_from_ns(ctx: Context, started_ns: int) -> int:
    """BRK-020: from when on the time of something counts that began at `started_ns`: anew after a cool-down."""
    gap = breaker_of(ctx, CHAIN, GAP)
    return max(started_ns, gap.ends_ns) if gap else started_ns


def guards(ctx: Context, market: Market) -> bool:
    """BRK-003: whether bands and halts are in force in a market: not in quarantine, where its mark stands still, nor
    once its settlement has begun.
    """
    return not market.quarantined and ctx.settlements.get(market.market) is None


def band_base(ctx: Context, market: Market) -> int:
    """OPT-001: what the bands of a market are a share of: of an option its index, else (0) its mark."""
    return index_price(ctx, market.market) if market.kind == OPTION else 0


def bands_of(ctx: Context, market: Market) -> tuple[int, int, int, int]:
    """BRK-004, BRK-005: (lowest, highest) price for orders, then for fills, on the tick; kept in `ctx.bands` until the
    mark changes, because each order asks.
    """
    found = ctx.bands.get(market.market)
    if found is None:
        mark, tick, ends = mark_price(ctx, market.market), market.tick_quanta, list[int]()
        base = band_base(ctx, market)
        for band in (market.order_band_ppm, market.fill_band_ppm):
            ends.append(rules.lowest_price(mark, band, tick, base) if band else 0)
            ends.append(rules.highest_price(mark, band, tick, base) if band else MAX_PRICE_QUANTA)
        found = ctx.bands[market.market] = (ends[0], ends[1], ends[2], ends[3])
    return found


def fill_limits(ctx: Context, market: Market) -> tuple[int, int]:
    """BRK-005: the lowest and the highest price at which anything may fill now."""
    if not market.fill_band_ppm or not guards(ctx, market):
        return 0, MAX_PRICE_QUANTA
    return bands_of(ctx, market)[2:]


def within_band(ctx: Context, market: Market, side: int, price_quanta: int) -> int:
    """BRK-004: the limit of an order, or the end of the market's band for orders where that is passed."""
    if not market.order_band_ppm:
        return price_quanta
    low, high, _, _ = bands_of(ctx, market)
    if (price_quanta <= high if side == rules.BUY else price_quanta >= low) or not guards(ctx, market):
        return price_quanta
    return high if side == rules.BUY else low


def check_band(ctx: Context, market: Market, side: int, price_quanta: int) -> None:
    """BRK-004: BREAKER_ORDER_BAND when a limit is more aggressive than the band allows."""
    banded = within_band(ctx, market, side, price_quanta)
    if banded != price_quanta:
        raise ChainError(BREAKER_ORDER_BAND, market=market.market, price_quanta=price_quanta, limit_quanta=banded)


def check_trigger_band(ctx: Context, market: Market, side: int, price_quanta: int, level_quanta: int) -> None:
    """BRK-004: as `check_band`, with the level of a trigger in the place of the mark."""
    band, tick = market.order_band_ppm, market.tick_quanta
    banded, base = price_quanta, band_base(ctx, market)
    if band:
        banded = rules.banded_price(side, price_quanta, level_quanta, band, tick, base)
    if banded != price_quanta and guards(ctx, market):
        raise ChainError(BREAKER_ORDER_BAND, market=market.market, price_quanta=price_quanta, limit_quanta=banded)


def check_opening(ctx: Context, market: Market) -> None:
    """BRK-002: what may do more than reduce is refused while the chain is reduce-only (BRK-023), and in the halt of a
    market that was (BRK-008).
    """
    system = tripped(ctx, CHAIN, SYSTEM)
    if system:
        raise ChainError(BREAKER_REDUCE_ONLY, shortfall_quanta=system.value, insured_quanta=system.limit)
    if market.status == AUCTION:
        halt = tripped(ctx, market.market, HALT)
        if halt and halt.resumes == REDUCE_ONLY:
            raise ChainError(MARKET_NOT_TRADING, market=market.market, status=market.status)


def open_interest_cap(ctx: Context, market: Market) -> int:
    """BRK-010: the most lots that may be open in a market now."""
    most, worth = market.max_open_interest_lots, market.max_open_interest_quanta
    return rules.open_interest_cap(most, worth, mark_price(ctx, market.market))


def is_capped(market: Market) -> bool:
    """BRK-010: whether a market has a cap on open interest."""
    return bool(market.max_open_interest_lots or market.max_open_interest_quanta)


def check_open_interest(ctx: Context, market: Market, change_lots: int) -> None:
    """BRK-010: BREAKER_OPEN_INTEREST when fills would bring a market's open interest beyond its cap."""
    interest, cap = open_interest(ctx, market.market), open_interest_cap(ctx, market)
    if not rules.may_open(interest, change_lots, cap):
        raise ChainError(
            BREAKER_OPEN_INTEREST,
            market=market.market,
            most_lots=cap,
            open_lots=interest,
            would_be_lots=interest + change_lots,
        )
