"""Laws of portfolio margin and of standard margin for options, over random portfolios."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from app.kernel.fixed import ONE_Q80, ln, sqrt
from app.kernel.integers import PPM
from app.margin import rules as margin
from app.margin.rules import Leg, OptionTerms
from app.portfolio import rules
from app.portfolio.rules import Terms
from app.portfolio.types import DEFAULT
from app.pricing import rules as pricing
from app.pricing.rules import DAY_NS, YEAR_NS
from app.surface import rules as surface
from tests.helpers.portfolios import Held, expiry_profits

F = 50_000_000
FIGURES = len(DEFAULT.rows) + 3
SOME = settings(max_examples=60, deadline=None)
MANY = settings(max_examples=300, deadline=None)
STANDARD = OptionTerms(150_000, 130_000, 90_000, 90_000, 90_000, 1_050_000, 1_200_000, 1_100_000)

strikes = st.integers(20_000_000, 120_000_000)
lots = st.integers(-1_000, 1_000)
held = st.builds(Held, strikes, st.booleans(), lots)
books = st.lists(held, min_size=1, max_size=6)
times = st.integers(3_600 * 10**9, 400 * DAY_NS)
variances = st.integers(5 * 10**13, 10**18)  # 0.7 % to 100 % deviation
sums = st.lists(st.integers(-(10**12), 10**12).map(lambda quanta: quanta * ONE_Q80 + 12_345), min_size=33, max_size=33)


def arrays_of(book: list[Held], fixed: int, live: int, variance: int, time_ns: int,
              terms: Terms = DEFAULT) -> tuple[rules.Expiry, list[list[int]], int]:
    """The shared part, the arrays, and the value of a book on a flat slice."""
    expiry, flat = rules.expiry_of(fixed, live, time_ns, terms), (variance,) * 7
    arrays = [rules.array_of(expiry, flat, one.strike, one.is_call) for one in book]
    value = sum(pricing.worth(one.lots, price(expiry, flat, one)) for one in book)
    return expiry, arrays, value


def price(expiry: rules.Expiry, flat: tuple[int, ...], one: Held) -> int:
    """What a lot is worth now, in quanta x 2^80."""
    strike, live = one.strike - expiry.fixed_quanta, expiry.live_quanta
    if strike <= 0:
        return (live - strike) * ONE_Q80 if one.is_call else 0
    spread = sqrt(surface.variance(flat, ln(strike, 0) - ln(live, 0)))
    return (pricing.call if one.is_call else pricing.put)(live, strike, spread)


def totals(book: list[Held], arrays: list[list[int]]) -> list[int]:
    """Lots x array, summed."""
    return [sum(one.lots * array[row] for one, array in zip(book, arrays, strict=True)) for row in range(33)]


def asked(rows: list[int], factor: int = PPM) -> int:
    """What one underlying's rows ask for."""
    return rules.requirement(rules.scan_of([rows], [0], 0).total_e6, factor, 0)


@SOME
@given(books, variances, times, st.sampled_from([0, F // 3, F // 2]))
def test_arrays_are_direct_reprices(book: list[Held], variance: int, time_ns: int, fixed: int) -> None:
    """PORT-002 to PORT-007: dot products of arrays are what repricing everything in doubles says."""
    expiry, arrays, value = arrays_of(book, fixed, F - fixed, variance, time_ns)
    found = rules.expiry_rows(value, totals(book, arrays), expiry)
    model = expiry_profits(book, value, fixed, F - fixed, (variance / 1e18) ** 0.5, time_ns, DEFAULT)
    count = sum(abs(one.lots) for one in book)  # moved forwards are rounded down to a quantum a lot
    assert len(found) == len(model) == FIGURES
    for made, exact in zip(found, model, strict=True):
        assert abs(made - exact) <= 3 + 2 * count


@SOME
@given(books, books, variances, times)
def test_together_is_never_more_than_apart(one: list[Held], two: list[Held], variance: int, time_ns: int) -> None:
    """PORT-004 to PORT-011: every figure is superadditive, so no order that fills asks for more than it did."""
    expiry, first, value = arrays_of(one, 0, F, variance, time_ns)
    _, second, other = arrays_of(two, 0, F, variance, time_ns)
    a, b = totals(one, first), totals(two, second)
    both = rules.expiry_rows(value + other, [x + y for x, y in zip(a, b, strict=True)], expiry)
    apart = rules.expiry_rows(value, a, expiry), rules.expiry_rows(other, b, expiry)
    for together, x, y in zip(both, *apart, strict=True):
        assert together >= x + y
    rows = [rules.weighted_rows(figures, 0, DEFAULT.rows) for figures in (both, *apart)]
    assert asked(rows[0]) <= asked(rows[1]) + asked(rows[2])


@MANY
@given(st.integers(-(10**12), 10**12), sums, st.lists(st.integers(0, 10**12), min_size=33, max_size=33), times)
def test_what_raises_every_row_never_asks_for_more(value: int, changes: list[int], better: list[int],
                                                   time_ns: int) -> None:
    """PORT-006 to PORT-011: more profit in the rows of the grid and of basis, which the skews do not see."""
    expiry = rules.expiry_of(0, F, time_ns, DEFAULT)
    raised = [change + more * ONE_Q80 for change, more in zip(changes, better, strict=True)]
    raised[-2:] = changes[-2:]
    before, after = (rules.expiry_rows(value, case, expiry) for case in (changes, raised))
    assert all(high >= low for low, high in zip(before, after, strict=True))
    weighted = [rules.weighted_rows(figures, 7 * F, DEFAULT.rows) for figures in (before, after)]
    assert asked(weighted[1]) <= asked(weighted[0])


@MANY
@given(books, st.tuples(variances, variances), st.tuples(times, times), st.integers(-F // 3, F // 3),
       st.integers(0, F // 2))
def test_an_anchor_takes_margin_no_further_than_it_moves(book: list[Held], spreads: tuple[int, int],
                                                         left_ns: tuple[int, int], move: int, fixed: int) -> None:
    """HLTH-005: at the same marks, whatever the curve was and is: the expiry's margin changes by no more than the sum
    of lots x distance, and roundings.
    """
    sides = [arrays_of(book, fixed, F - fixed + way * move, spread, time_ns)
             for way, spread, time_ns in zip((0, 1), spreads, left_ns, strict=True)]
    marks = [price(sides[0][0], (spreads[0],) * 7, one) >> 80 for one in book]
    value = sum(one.lots * mark for one, mark in zip(book, marks, strict=True))
    margins = [asked(rules.weighted_rows(rules.expiry_rows(value, totals(book, arrays), expiry), 0, DEFAULT.rows))
               for expiry, arrays, _ in sides]
    (old, old_arrays, _), (new, new_arrays, _) = sides
    most = sum(abs(one.lots) * rules.anchor_distance((old, was), (new, now), mark)
               for one, was, now, mark in zip(book, old_arrays, new_arrays, marks, strict=True))
    assert abs(margins[1] - margins[0]) <= most + 4


@SOME
@given(books, variances, times, st.integers(0, 10**9))
def test_order_of_positions_changes_nothing(book: list[Held], variance: int, time_ns: int, seed: int) -> None:
    """PORT-008."""
    mixed = list(book)
    Random(seed).shuffle(mixed)
    made = []
    for one in (book, mixed):
        expiry, arrays, value = arrays_of(one, 0, F, variance, time_ns)
        made.append(rules.expiry_rows(value, totals(one, arrays), expiry))
    assert made[0] == made[1]


RISING = {  # a step of each of these asks for no less; of long_ppm, which is a part kept, a step down
    "basis_ppm": 200_000, "basis_year_ppm": 10**6, "long_ppm": -50_000, "long_year_ppm": 50_000, "short_ppm": 50_000,
    "short_year_ppm": 50_000, "skew_ppm": 50_000,
}


@SOME
@given(books, variances, times, st.sampled_from(sorted(RISING)))
def test_stricter_terms_ask_for_no_less(book: list[Held], variance: int, time_ns: int, name: str) -> None:
    """PORT-004, PORT-006, PORT-007: monotone in the parameters whose direction is one for every portfolio; one option
    alone for the skew, which moves several against one another.
    """
    book = book[:1] if name == "skew_ppm" else book
    stricter = DEFAULT._replace(**{name: getattr(DEFAULT, name) + RISING[name]})
    made = []
    for terms in (DEFAULT, stricter):
        expiry, arrays, value = arrays_of(book, 0, F, variance, time_ns, terms)
        figures = rules.expiry_rows(value, totals(book, arrays), expiry)
        made.append(rules.weighted_rows(figures, 0, terms.rows))
    assert asked(made[1]) >= asked(made[0])


@SOME
@given(books, st.lists(st.integers(0, PPM), min_size=31, max_size=31), times, variances)
def test_greater_weights_ask_for_no_less(book: list[Held], weights: list[int], time_ns: int, variance: int) -> None:
    """PORT-008, PORT-011: weights and factors."""
    expiry, arrays, value = arrays_of(book, 0, F, variance, time_ns)
    figures = rules.expiry_rows(value, totals(book, arrays), expiry)
    lighter = [row._replace(weight_ppm=min(row.weight_ppm, weight))
               for row, weight in zip(DEFAULT.rows, weights, strict=True)]
    less, more = (rules.weighted_rows(figures, 3 * F, rows) for rows in (lighter, DEFAULT.rows))
    assert asked(less) <= asked(more)
    assert asked(more, 800_000) <= asked(more)


@SOME
@given(st.integers(0, 500 * DAY_NS), st.integers(1, PPM), st.integers(-PPM, PPM))
def test_shapes_by_time(time_ns: int, step: int, moneyness: int) -> None:
    """PORT-002, PORT-004, PORT-007: factors in their order, as doubles have them."""
    up, down = rules.volatility_factors(time_ns, step, step, 300_000, 130_000, DAY_NS)
    assert up >= ONE_Q80 >= down >= 0
    days = max(time_ns, DAY_NS) / DAY_NS
    shock = (30 / days) ** (0.3 if days <= 30 else 0.13)
    assert abs(up / ONE_Q80 - 1 - step / PPM * shock) < 1e-12
    most, reach = rules.skew_limits(time_ns, 150_000, -50_000, 10_000, 2_400_000, -400_000)
    root = (time_ns / YEAR_NS) ** 0.5
    assert abs(most / ONE_Q80 - max(0, 0.15 - 0.05 * root)) < 1e-12 and 0 <= most <= ONE_Q80
    assert abs(reach / ONE_Q80 - max(0.01, root * (2.4 - 0.4 * root))) < 1e-12
    changed = rules.skewed(ONE_Q80, moneyness * ONE_Q80 // PPM, most, reach)
    assert ONE_Q80 - most <= changed <= ONE_Q80 + most
    long, short = rules.static_discounts(time_ns, 950_000, 80_000, PPM, step)
    assert 0 < long < ONE_Q80 <= short


def payoff(legs: list[Leg], settle: int) -> int:
    """What options pay at a settlement price."""
    return sum(leg.lots * max(0, settle - leg.strike_quanta if leg.is_call else leg.strike_quanta - settle)
               for leg in legs)


legs = st.lists(st.builds(Leg, st.integers(-50, 50), st.integers(0, 10**8), st.integers(1, 300), st.booleans()),
                max_size=8)


@MANY
@given(legs, st.integers(0, 1_000))
def test_nothing_settles_worse(group: list[Leg], settle: int) -> None:
    """MARG-016: the worst payoff is the least at 0 and all strikes, and of all prices unless calls are net short."""
    worst = margin.worst_payoff(group)
    assert worst == min(0, *(payoff(group, at) for at in (0, *(leg.strike_quanta for leg in group))))
    if sum(leg.lots for leg in group if leg.is_call) >= 0:
        assert payoff(group, settle) >= worst


@MANY
@given(legs, legs)
def test_losses_together_are_no_more(one: list[Leg], two: list[Leg]) -> None:
    """MARG-016, MARG-017: what can be lost is subadditive, unpaired calls included, at the strikes of all; and more
    strikes never make it less.
    """
    every = [leg._replace(lots=0) for leg in one + two]

    def most(group: list[Leg]) -> int:
        value, calls = sum(leg.lots * leg.mark_quanta for leg in group), sum(leg.lots for leg in group if leg.is_call)
        return margin.most_loss(value, margin.worst_payoff(group)) + margin.unpaired(calls, 200, 1_200_000)

    assert most(one + two) <= most(one + every) + most(two + every)
    assert most(one) <= most(one + every)


@MANY
@given(st.integers(-50, 50), st.integers(0, 50), st.integers(0, 10**9), st.integers(1, 10**9), st.booleans())
def test_alone_is_convex_in_lots(held_lots: int, bought: int, mark: int, strike: int, is_call: bool) -> None:
    """MARG-014, MARG-015, MARG-017: any part of a side that fills asks for no more than all or nothing of it."""
    ends = [margin.lone_margins(Leg(lots, mark, strike, is_call), 10**8, STANDARD)[0]
            for lots in (held_lots, held_lots + bought)]
    for part in range(bought + 1):
        assert margin.lone_margins(Leg(held_lots + part, mark, strike, is_call), 10**8, STANDARD)[0] <= max(ends)
