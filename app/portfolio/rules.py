"""PORT rules: what a portfolio must hold, from what it would lose in rows of price and volatility. Pure functions.

Money is quote quanta, prices are quote quanta a lot, arrays are quanta a lot times 2^80. A row's figure is a profit:
below 0 is a loss. Every rounding is down in profits and up in requirements.
"""

from collections.abc import Sequence
from typing import NamedTuple

from app.kernel.fixed import BITS, ONE_Q80, exp, ln, sqrt
from app.kernel.integers import PPM, ppm_ceil
from app.pricing.rules import DAY_NS, YEAR_NS, array
from app.surface.rules import variance

STEADY, UP, DOWN = 0, 1, 2  # what a row does to volatility
MONTH_NS = 30 * DAY_NS  # where the power of the shock of volatility changes
ANCHOR_NS = 60 * 10**9  # the greatest age of an anchor whose curve moves
SKEWS = 2  # what an array has beyond its grid: the linear and the absolute one


class Row(NamedTuple):
    """One case of the grid: how the price moves, what volatility does, how much of the profit counts."""

    spot_ppm: int
    volatility: int
    weight_ppm: int


class Terms(NamedTuple):
    """What the rows of one underlying are, and what is charged beside them. With steady volatility `rows` has one
    without a move, of full weight, and one with each of the moves of the basis.
    """

    rows: tuple[Row, ...]
    up_ppm: int  # PORT-002
    down_ppm: int
    near_power_ppm: int
    far_power_ppm: int
    shortest_ns: int
    least_volatility_ppm: int
    skew_ppm: int  # PORT-004
    skew_root_ppm: int
    skew_least_ppm: int
    skew_reach_ppm: int
    skew_reach_root_ppm: int
    basis_up_ppm: int  # PORT-006
    basis_down_ppm: int
    basis_ppm: int
    basis_year_ppm: int
    long_ppm: int  # PORT-007
    long_year_ppm: int
    short_ppm: int
    short_year_ppm: int
    linear_maintenance_ppm: int  # PORT-009
    linear_initial_ppm: int
    option_maintenance_ppm: int
    option_initial_ppm: int
    offset_ppm: int  # PORT-010


class Expiry(NamedTuple):
    """PORT-003: what all options of one underlying and expiry share: forwards with logarithms, factors, limits."""

    fixed_quanta: int
    live_quanta: int
    log_live_q80: int
    time_ns: int
    points: tuple[tuple[int, int, int], ...]  # of each row: the live part, its logarithm, STEADY, UP or DOWN
    up_q80: int
    down_q80: int
    least_q80: int
    skew_q80: int
    reach_q80: int
    long_q80: int
    short_q80: int
    basis_q80: int
    still_row: int
    basis_rows: tuple[int, int]


class Scan(NamedTuple):
    """PORT-010: the worst that the rows say of all underlyings together, in quanta x 10^6: `base` is what each says by
    itself, `credit` what they save one another, `joint_row` the row in which their parts together are worst.
    """

    base_e6: int
    credit_e6: int
    joint_row: int

    @property
    def total_e6(self) -> int:
        """Base and credit: 0 or below."""
        return self.base_e6 + self.credit_e6


def volatility_factors(
    time_ns: int, up_ppm: int, down_ppm: int, near_power_ppm: int, far_power_ppm: int, shortest_ns: int
) -> tuple[int, int]:
    """PORT-002: what volatility is multiplied by when it is shocked up and down, times 2^80: 1 + up x and
    max(0, 1 - down x), x = (30 days / time)^power; no time counts as less than `shortest_ns` > 0.
    """
    time_ns = max(time_ns, shortest_ns)
    power_ppm = near_power_ppm if time_ns <= MONTH_NS else far_power_ppm
    shock_q80 = exp(power_ppm * (ln(MONTH_NS, 0) - ln(time_ns, 0)) // PPM)
    return ONE_Q80 + ppm_ceil(shock_q80, up_ppm), max(0, ONE_Q80 - ppm_ceil(shock_q80, down_ppm))


def static_discounts(
    time_ns: int, long_ppm: int, long_year_ppm: int, short_ppm: int, short_year_ppm: int
) -> tuple[int, int]:
    """PORT-007: what the value of an expiry is multiplied by in the rows, times 2^80: a worth, rounded down, and a
    debt, rounded up: long x e^(-time x rate), short x e^(time x rate).
    """
    long_q80 = exp(-(long_year_ppm * time_ns << BITS) // (PPM * YEAR_NS)) * long_ppm // PPM
    years_q80 = -(-(short_year_ppm * time_ns << BITS) // (PPM * YEAR_NS))
    short_q80 = ppm_ceil(exp(years_q80) + 2 if years_q80 else ONE_Q80, short_ppm)
    return long_q80, short_q80


def skew_limits(
    time_ns: int, skew_ppm: int, skew_root_ppm: int, skew_least_ppm: int, reach_ppm: int, reach_root_ppm: int
) -> tuple[int, int]:
    """PORT-004: (the most that a skew row changes volatility by, the log-moneyness from which on it does), times 2^80;
    both within 0 and, the second, its least.
    """
    root_q80 = sqrt((time_ns << BITS) // YEAR_NS)
    most_q80 = (skew_ppm << BITS) // PPM + skew_root_ppm * root_q80 // PPM
    reach_q80 = root_q80 * ((reach_ppm << BITS) + reach_root_ppm * root_q80) // (PPM << BITS)
    return min(ONE_Q80, max(0, most_q80)), max((skew_least_ppm << BITS) // PPM, reach_q80)


def expiry_of(fixed_quanta: int, live_quanta: int, time_ns: int, terms: Terms) -> Expiry:
    """PORT-003: what the arrays of one underlying and expiry share. The forward is fixed + live, both >= 0; only what
    is live moves.
    """
    points = []
    for row in terms.rows:
        moved = max(1, live_quanta * (PPM + row.spot_ppm) // PPM)
        points.append((moved, ln(moved, 0), row.volatility))
    up_q80, down_q80 = volatility_factors(
        time_ns, terms.up_ppm, terms.down_ppm, terms.near_power_ppm, terms.far_power_ppm, terms.shortest_ns
    )
    skew_q80, reach_q80 = skew_limits(
        time_ns,
        terms.skew_ppm,
        terms.skew_root_ppm,
        terms.skew_least_ppm,
        terms.skew_reach_ppm,
        terms.skew_reach_root_ppm,
    )
    long_q80, short_q80 = static_discounts(
        time_ns, terms.long_ppm, terms.long_year_ppm, terms.short_ppm, terms.short_year_ppm
    )
    root_q80 = sqrt((time_ns << BITS) // YEAR_NS)
    return Expiry(
        fixed_quanta,
        live_quanta,
        ln(max(1, live_quanta), 0),
        time_ns,
        tuple(points),
        up_q80,
        down_q80,
        terms.least_volatility_ppm * root_q80 // PPM,
        skew_q80,
        reach_q80,
        long_q80,
        short_q80,
        -(-(terms.basis_ppm * YEAR_NS + terms.basis_year_ppm * time_ns << BITS) // (PPM * YEAR_NS)),
        steady_row(terms.rows, 0),
        (steady_row(terms.rows, terms.basis_up_ppm), steady_row(terms.rows, terms.basis_down_ppm)),
    )


def steady_row(rows: Sequence[Row], spot_ppm: int) -> int:
    """PORT-001: the number of the first row with this move in which volatility stays; -1 when there is none."""
    found = (number for number, row in enumerate(rows) if row.spot_ppm == spot_ppm and row.volatility == STEADY)
    return next(found, -1)


def skewed(deviation_q80: int, moneyness_q80: int, most_q80: int, reach_q80: int) -> int:
    """PORT-004: a deviation times 1 + moneyness x most / reach, of which no more than `most` either way counts;
    `reach` > 0.
    """
    change_q80 = max(-most_q80, min(moneyness_q80 * most_q80 // reach_q80, most_q80))
    return deviation_q80 * (ONE_Q80 + change_q80) >> BITS


def array_of(expiry: Expiry, slice_e18: Sequence[int], strike_quanta: int, is_call: bool) -> list[int]:
    """PORT-005: by how much a lot of an option is worth more in each case than now, in quanta x 2^80: the rows of the
    grid, then the linear and the absolute skew.

    A strike that the fixed part has reached leaves a forward, or nothing. The strike's own volatility stays with it.
    """
    live, strike = expiry.live_quanta, strike_quanta - expiry.fixed_quanta
    if strike <= 0 or live <= 0:
        moves = live > 0 and is_call
        return [(point[0] - live) * ONE_Q80 if moves else 0 for point in expiry.points] + [0, 0]
    apart = ln(strike, 0) - expiry.log_live_q80
    spread = sqrt(variance(slice_e18, apart)) if expiry.time_ns else 0
    most, reach = expiry.skew_q80, expiry.reach_q80
    spreads = (spread, max(spread * expiry.up_q80 >> BITS, expiry.least_q80), spread * expiry.down_q80 >> BITS)
    cases = [(moved, log, spreads[volatility]) for moved, log, volatility in expiry.points]
    cases.append((live, expiry.log_live_q80, skewed(spread, apart, most, reach)))
    if apart < 0:
        cases.append((live, expiry.log_live_q80, skewed(spread, -apart, most, reach)))
    prices = array(strike, is_call, cases)
    now = prices[expiry.still_row]
    found = [price - now for price in prices]
    return found if apart < 0 else [*found, found[-1]]


def expiry_rows(value_quanta: int, sums_q80: Sequence[int], expiry: Expiry) -> list[int]:
    """PORT-004 to PORT-007: the profits of one expiry's options, unweighted, in quanta: the rows of the grid, both
    skews, basis. `value_quanta` is what the options are worth at their marks, `sums_q80` lots x array, summed.
    """
    grid, skews = sums_q80[:-SKEWS], sums_q80[-SKEWS:]
    value_q80 = value_quanta << BITS
    found = []
    for change in grid:
        shocked = value_q80 + change
        discount = expiry.long_q80 if shocked >= 0 else expiry.short_q80
        found.append((shocked * discount >> 2 * BITS) - value_quanta)
    found += [-abs(change) >> BITS for change in skews]
    basis = min(0, *(sums_q80[row] for row in expiry.basis_rows))
    found.append(basis * expiry.basis_q80 >> 2 * BITS)
    return found


def anchor_distance(
    before: tuple[Expiry, Sequence[int]], after: tuple[Expiry, Sequence[int]], mark_quanta: int
) -> int:
    """HLTH-005: by how many quanta, at most, the margin of a portfolio changes for each lot of an option whose anchor
    moves: (what its expiry shares, its array) before and after; rounded up.

    A profit follows the array by no more than the largest factor that it is multiplied by; and that factor itself
    changes, for all that the lot is worth in its best case.
    """
    (old, old_array), (new, new_array) = before, after
    factor = max(ONE_Q80, new.short_q80, old.short_q80, new.basis_q80, old.basis_q80)
    moved = max(abs(now - then) for now, then in zip(new_array, old_array, strict=True))
    changed = max(
        abs(new.long_q80 - old.long_q80), abs(new.short_q80 - old.short_q80), abs(new.basis_q80 - old.basis_q80)
    )
    worth = (mark_quanta << BITS) + max(map(abs, old_array))
    return -(-(moved * factor + worth * changed) >> 2 * BITS)


def weighted_rows(option_rows: Sequence[int], linear_quanta: int, rows: Sequence[Row]) -> list[int]:
    """PORT-008: the profits of one underlying in its rows, weighted, in quanta: what its options make together
    (`expiry_rows`, summed over expiries) and what its linear positions do, which are worth `linear_quanta`.
    """
    found = [
        (profit * PPM + linear_quanta * row.spot_ppm) * row.weight_ppm // (PPM * PPM)
        for profit, row in zip(option_rows, rows, strict=False)
    ]
    found += option_rows[len(rows) :]
    return found


def scan_of(underlyings: Sequence[Sequence[int]], offsets_ppm: Sequence[int], cap_quanta: int) -> Scan:
    """PORT-010: the worst of all underlyings together. Each counts by its own worst row; but the part of each that its
    offset says counts in the worst row of all such parts, which is never worse: that credit has a cap.
    """
    base = parts = 0
    joint = [0] * len(underlyings[0]) if underlyings else [0]
    for rows, offset_ppm in zip(underlyings, offsets_ppm, strict=True):
        worst = min(0, *rows)
        base += worst
        parts += worst * offset_ppm
        if offset_ppm:
            joint = [total + profit * offset_ppm for total, profit in zip(joint, rows, strict=True)]
    credit = min(min(0, *joint) - parts, cap_quanta * PPM)
    return Scan(base * PPM, credit, joint.index(min(joint)))


def has_left(
    anchor: tuple[int, int, Sequence[int]], curve: tuple[int, int, Sequence[int]], age_ns: int, left_ns: int
) -> bool:
    """PORT-013: whether a curve, (fixed, live, variances), has left the anchor so far that arrays are made on it anew:
    the forward by more than a thousandth, a variance by more than a fiftieth of itself, or the anchor is a minute old,
    or a thirtieth of the time that was left.
    """
    forward, moved = anchor[0] + anchor[1], curve[0] + curve[1]
    return (
        age_ns >= min(ANCHOR_NS, left_ns // 30)
        or abs(moved - forward) * 1_000 > forward
        or any(abs(after - before) * 50 > before for before, after in zip(anchor[2], curve[2], strict=True))
    )


def requirement(total_e6: int, factor_ppm: int, contingency_quanta: int) -> int:
    """PORT-011: the margin of a portfolio: what the rows say times a factor, rounded up, and its contingencies."""
    return -(total_e6 * factor_ppm // (PPM * PPM)) + contingency_quanta


def linear_contingency(values_quanta: Sequence[int], rate_ppm: int) -> int:
    """PORT-009: the charge for linear positions that are worth these (negative: short), whatever hedges them."""
    return ppm_ceil(sum(abs(value) for value in values_quanta), rate_ppm)


def option_contingency(strikes_lots: Sequence[int], index_quanta: int, rate_ppm: int) -> int:
    """PORT-009: the charge for naked shorts: at each strike of an expiry calls and puts together, as far as they are
    short, at the index.
    """
    return ppm_ceil(sum(max(0, -lots) for lots in strikes_lots) * index_quanta, rate_ppm)
