"""What an account makes or loses in every row of the grid by which portfolios are margined, whatever its own mode.

The rows are those of the margin itself (`portfolio.state.underlying_risk`); here they stand beside what they would be
without weights and discounts, and beside what each position adds.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from app.accounts.types import Account
from app.context import Context
from app.kernel.fixed import BITS, ONE_Q80
from app.kernel.integers import PPM
from app.margin.state import market_risk
from app.markets.state import require_market
from app.markets.types import OPTION
from app.portfolio.rules import SKEWS, Expiry, Row
from app.portfolio.state import array_of, expiry_of, underlying_risk
from app.portfolio.types import Holding, UnderlyingRisk

GRID, SKEW, ABSOLUTE_SKEW, BASIS = 1, 2, 3, 4
WORST_PART = 4  # of the rows of the grid, one in so many counts for the shortfall


@dataclass(frozen=True, slots=True)
class TailRow:
    """RISK-010: one row of an underlying. Of the grid: how price and volatility move (portfolio.rules.STEADY, UP, DOWN)
    and how much counts; what all positions make at full weight and undiscounted, and what margin makes of it.
    """

    kind: int
    price_ppm: int
    volatility: int
    weight_ppm: int
    unweighted: int
    weighted: int


@dataclass(slots=True)
class Tail:
    """RISK-010, RISK-011: one underlying, or (feed 0) all together, each row in all of them at once. `parts` is what
    each market adds to the worst row by weight, `rest` what discounts and roundings do; both make the row.
    """

    feed: int
    rows: list[TailRow] = field(default_factory=list)
    worst_row: int = 0
    parts: list[tuple[int, int]] = field(default_factory=list)
    rest: int = 0
    shortfall: int = 0
    weighted_shortfall: int = 0


def tails(ctx: Context, account: Account) -> list[Tail]:
    """RISK-010: the tail of each underlying of which the account holds something, ascending by feed; that of all
    together stands first, if there are several and their rows are the same.
    """
    risks = [underlying_risk(ctx, feed, group) for feed, group in holdings_of(ctx, account).items()]
    found = [tail_of(ctx, risk.feed, [risk]) for risk in risks]
    alike = len(risks) > 1 and all(risk.terms.rows == risks[0].terms.rows for risk in risks)
    return [tail_of(ctx, 0, risks), *found] if alike else found


def holdings_of(ctx: Context, account: Account) -> dict[int, list[Holding]]:
    """What an account holds at its marks, by underlying (feed), ascending, and market."""
    groups: dict[int, list[Holding]] = {}
    for number in sorted(account.positions):
        lots, market = account.positions[number].lots, require_market(ctx, number)
        if lots:
            groups.setdefault(market.feed, []).append(Holding(market, lots, market_risk(ctx, number).mark_quanta))
    return {feed: groups[feed] for feed in sorted(groups)}


def tail_of(ctx: Context, feed: int, risks: Sequence[UnderlyingRisk]) -> Tail:
    """RISK-010, RISK-011: underlyings that move alike; all have rows of the same number."""
    grid = risks[0].terms.rows
    plain = [sum(part) for part in zip(*(unweighted_rows(ctx, risk) for risk in risks), strict=True)]
    weighted = [sum(part) for part in zip(*(risk.rows for risk in risks), strict=True)]
    found = Tail(feed, worst_row=weighted.index(min(weighted)))
    for number, (full, counted) in enumerate(zip(plain, weighted, strict=True)):
        if number < len(grid):
            row = grid[number]
            found.rows.append(TailRow(GRID, row.spot_ppm, row.volatility, row.weight_ppm, full, counted))
        else:
            found.rows.append(TailRow((SKEW, ABSOLUTE_SKEW, BASIS)[number - len(grid)], 0, 0, PPM, full, counted))
    found.parts = [part for risk in risks for part in parts_of(ctx, risk, found.worst_row)]
    found.rest = weighted[found.worst_row] - sum(part for _, part in found.parts)
    found.shortfall = shortfall(plain[: len(grid)])
    found.weighted_shortfall = shortfall(weighted[: len(grid)])
    return found


def shortfall(profits: Sequence[int]) -> int:
    """RISK-011: the mean of the worst quarter of these profits, their number rounded up; rounded down."""
    worst = sorted(profits)[: -(-len(profits) // WORST_PART)]
    return sum(worst) // len(worst)


def unweighted_rows(ctx: Context, risk: UnderlyingRisk) -> list[int]:
    """RISK-010: what positions on an underlying make in each row, of the grid without weights and discounts; skews and
    basis as they are.
    """
    found = grid_profits(ctx, risk.holdings, risk.terms.rows)
    return [*found, *risk.rows[len(found) :]]


def grid_profits(ctx: Context, holdings: Sequence[Holding], grid: Sequence[Row]) -> list[int]:
    """RISK-010: what positions on an underlying, whose rows are `grid`, make in each of these, without weights and
    discounts, in quote quanta; options together and all else together rounded down once.
    """
    sums, linear = [0] * len(grid), 0
    for held in holdings:
        if held.market.kind == OPTION:
            changes = array_of(ctx, held.market).changes_q80
            sums = [total + held.lots * change for total, change in zip(sums, changes, strict=False)]
        else:
            linear += held.lots * held.mark_quanta
    return [(total >> BITS) + linear * row.spot_ppm // PPM for total, row in zip(sums, grid, strict=True)]


def parts_of(ctx: Context, risk: UnderlyingRisk, row: int) -> list[tuple[int, int]]:
    """RISK-010: what each market adds to a row of an underlying, by weight, rounded down."""
    grid = risk.terms.rows
    sums: dict[int, list[int]] = {}
    for held in risk.holdings:
        if held.market.kind == OPTION:
            changes = array_of(ctx, held.market).changes_q80
            have = sums.setdefault(held.market.expiry_ns, [0] * len(changes))
            sums[held.market.expiry_ns] = [
                total + held.lots * change for total, change in zip(have, changes, strict=True)
            ]
    found = []
    for held in risk.holdings:
        if held.market.kind == OPTION:
            expiry = expiry_of(ctx, held.market, risk.terms)
            place, factor_q80 = case_of(row, len(grid), sums[held.market.expiry_ns], expiry)
            weight_ppm = grid[row].weight_ppm if row < len(grid) else PPM
            change_q80 = array_of(ctx, held.market).changes_q80[place]
            part = held.lots * change_q80 * factor_q80 * weight_ppm // PPM >> 2 * BITS
        else:
            moved = held.lots * held.mark_quanta * grid[row].spot_ppm * grid[row].weight_ppm if row < len(grid) else 0
            part = moved // (PPM * PPM)
        found.append((held.market.market, part))
    return found


def case_of(row: int, rows: int, sums_q80: Sequence[int], expiry: Expiry) -> tuple[int, int]:
    """RISK-010: which case of an expiry's arrays a row counts, and how much of it, times 2^80: of the grid the row
    itself; of the skews the loss, whatever way it goes (PORT-004); of the basis the worse of its two rows (PORT-006).
    """
    if row < rows:
        return row, ONE_Q80
    if row < rows + SKEWS:
        return row, -ONE_Q80 if sums_q80[row] > 0 else ONE_Q80
    worse = min(expiry.basis_rows, key=lambda case: sums_q80[case])
    return worse, expiry.basis_q80 if sums_q80[worse] < 0 else 0
