"""Prices, greeks and implied deviations: the README's numbers, limits, and mpmath over the whole domain."""

from collections.abc import Iterator
from fractions import Fraction
from hashlib import sha256
from random import Random

import pytest
from mpmath import mp, mpf

from app.kernel.fixed import ONE_Q80, ln
from app.pricing import rules
from app.pricing.rules import Greeks, Implied
from tests.helpers.black76 import DIGITS, ONE, TOP, Point, answer, call_of, points, price_error

USD = 1_000_000
E18 = 10**18
DAY_NS = 86_400 * 10**9
WEEK_NS = 7 * DAY_NS
F = 1_500 * USD
SPREAD = rules.deviation(E18, WEEK_NS)


@pytest.fixture(autouse=True)
def _digits() -> Iterator[None]:
    """The model's."""
    with mp.workdps(DIGITS):
        yield


def digits(value_q80: int, places: int) -> int:
    """The first decimals of a value, rounded down."""
    return value_q80 * 10**places >> 80


def test_deviation() -> None:
    """PRIC-001: 100 % over a week, and back."""
    assert digits(SPREAD, 22) == 1384849529435628682150
    assert rules.volatility(SPREAD, WEEK_NS) == E18
    assert rules.deviation(E18, rules.YEAR_NS) == ONE_Q80
    assert rules.deviation(0, WEEK_NS) == rules.deviation(E18, 0) == rules.volatility(0, WEEK_NS) == 0
    assert rules.volatility(SPREAD + 1, WEEK_NS) == E18 + 1
    assert rules.deviation(1, 1) == 0 < rules.deviation(E18, 1)


def test_distance_and_prices() -> None:
    """PRIC-002, PRIC-004, PRIC-005."""
    assert digits(rules.distance(F, 1_400 * USD), 18) == -68992871486951452
    assert rules.distance(0, F) == rules.distance(F, 0) == rules.distance(F, F) == 0
    found = [(digits(rules.call(F, strike * USD, SPREAD), 2), digits(rules.put(F, strike * USD, SPREAD), 2))
             for strike in (1_500, 1_400, 1_600)]
    assert found == [(8280508066, 8280508066), (13975769724, 3975769724), (4467394932, 14467394932)]
    assert digits(rules.call(F, F, SPREAD), 12) == 82805080_668634503468
    assert rules.call_put(7, 5, 3) == (3 + 2 * ONE_Q80, 3) and rules.call_put(5, 7, 3) == (3, 3 + 2 * ONE_Q80)


@pytest.mark.parametrize(("forward", "strike"), [(F, F), (F, 1), (1, F), (TOP, TOP), (TOP, 1), (1, 1), (0, 5), (5, 0),
                                                     (0, 0)])
def test_limits_are_exact(forward: int, strike: int) -> None:
    """PRIC-003, PRIC-005: nothing of time or volatility, and too much of it."""
    assert rules.call(forward, strike, 0) == max(0, forward - strike) << 80
    assert rules.put(forward, strike, 0) == max(0, strike - forward) << 80
    less = 1 if forward and strike else 0  # the least that an option lacks to what it can be at most
    for spread in (rules.MAX_DEVIATION_Q80, 1 << 90, 1 << 400):
        assert rules.call(forward, strike, spread) == (forward << 80) - less
        assert rules.put(forward, strike, spread) == (strike << 80) - less


def test_deep_strikes_are_worth_their_intrinsic_value() -> None:
    """PRIC-003: beyond sixteen deviations nothing is left, and just inside it what is left is below a unit."""
    assert rules.call(F, F + 1, 1) == 0 and rules.put(F, F + 1, 1) == ONE_Q80
    assert rules.call(F, 100 * F, SPREAD) == 0 and rules.call(100 * F, F, SPREAD) == 99 * F << 80
    assert rules.call(F, 3 * F, SPREAD) > 0


def test_array_is_a_price_a_row() -> None:
    """PRIC-006: bit by bit, calls and puts, on both sides of the strike and at it."""
    cases = [(F * part // 100, spread) for part in (34, 82, 100, 101, 118, 600) for spread in (0, SPREAD, 3 * SPREAD)]
    rows = [(forward, ln(forward, 0), spread) for forward, spread in cases]
    assert rules.array(F, True, rows) == [rules.call(forward, F, spread) for forward, spread in cases]
    assert rules.array(F, False, rows) == [rules.put(forward, F, spread) for forward, spread in cases]


def test_worth_is_rounded_against_the_holder() -> None:
    """PRIC-007."""
    price = rules.call(F, F, SPREAD)
    assert (rules.worth(3, price), rules.worth(-3, price)) == (248_415_242, -248_415_243)


def test_greeks() -> None:
    """PRIC-008: the README's numbers and what there is without time."""
    found = rules.greeks(F, F, SPREAD, WEEK_NS)
    assert (digits(found.delta_q80, 12), digits(found.gamma_q80, 12)) == (527601693556, 2873864985893)
    assert (digits(found.vega_q80, 0), digits(found.theta_q80, 0)) == (82672828, -5905203)
    assert rules.greeks(F, F, 0, WEEK_NS) == Greeks(ONE_Q80 // 2, 0, 0, 0)
    assert rules.greeks(F, F - 1, 0, WEEK_NS) == rules.greeks(F, 0, SPREAD, WEEK_NS) == Greeks(ONE_Q80, 0, 0, 0)
    assert rules.greeks(F, F + 1, 0, 0) == rules.greeks(0, F, SPREAD, WEEK_NS) == Greeks(0, 0, 0, 0)
    assert rules.greeks(F, F, SPREAD, 0)[2:] == (0, 0)
    assert rules.greeks(F, F, 1 << 200, WEEK_NS) == Greeks(ONE_Q80, 0, 0, 0)


def test_greeks_against_mpmath() -> None:
    """PRIC-008: each within two units of its scale, more where the deviation is below 1: they ask for the moneyness in
    deviations, which is known to a unit / deviation. Beside it the unit that each is rounded by.
    """
    for point in points(5, 1_000):
        spread = rules.deviation(point.volatility, point.time)
        found, exact = rules.greeks(point.forward, point.strike, spread, point.time), answer(point)
        loose = 2 * max(1, ONE / spread)
        years, days = mpf(point.time) / rules.YEAR_NS, mpf(point.time) / DAY_NS
        scales = (1, ONE / spread, point.forward * mp.sqrt(years), point.forward * spread / ONE / days / 2)
        for got, want, scale in zip(found, (exact.delta, exact.gamma, exact.vega, exact.theta), scales, strict=True):
            assert abs(got - want * ONE) <= 2 + loose * scale, point


def test_prices_against_mpmath() -> None:
    """PRIC-011: the short run; the long one is `make bench ARGS=pricing`."""
    for point in points(7, 4_000):
        spread = rules.deviation(point.volatility, point.time)
        exact = answer(point)
        for price, wanted in ((rules.call(point.forward, point.strike, spread), exact.call),
                              (rules.put(point.forward, point.strike, spread), exact.put)):
            assert -1.2e-24 < price_error(price, wanted, point) < 1e-26, point
            assert price / ONE <= wanted * (1 + mpf(2) ** -88) + mpf(10) ** -40 * point.strike, point


def test_bits_stay() -> None:
    """PRIC-005, PRIC-008, PRIC-009: another result of any of these is another app hash: STATE-BREAKING."""
    random, found = Random(11), sha256()
    for _ in range(1_000):
        forward, strike = (random.getrandbits(random.randrange(1, 65)) | 1 for _ in range(2))
        spread, time_ns = random.getrandbits(random.randrange(60, 84)), random.getrandbits(random.randrange(30, 60))
        call = rules.call(forward, strike, spread)
        results = (call, rules.put(forward, strike, spread), *rules.greeks(forward, strike, spread, time_ns),
                   *rules.implied_deviation(call, forward, strike, True), rules.volatility(spread, time_ns + 1))
        found.update(" ".join(str(int(value)) for value in results).encode())
    assert found.hexdigest() == "82d2e7b22f83137d67ad32bcbfc3bb7c3011d55a2365d9a391f341d63df1ba83"


def test_implied_outcomes() -> None:
    """PRIC-009: what has no deviation has a reason, the rest is found."""
    strike = 1_400 * USD
    intrinsic = 100 * USD << 80
    assert rules.implied_deviation(intrinsic - 1, F, strike, True) == (Implied.BELOW_INTRINSIC, 0)
    assert rules.implied_deviation(intrinsic, F, strike, True) == (Implied.FOUND, 0)
    assert rules.implied_deviation(F << 80, F, strike, True) == (Implied.ABOVE_BOUND, 0)
    assert rules.implied_deviation(strike << 80, F, strike, False) == (Implied.ABOVE_BOUND, 0)
    assert rules.implied_deviation(-1, F, strike, False) == (Implied.BELOW_INTRINSIC, 0)
    assert rules.implied_deviation(0, 0, 0, True) == rules.implied_deviation(5 << 80, 0, 5, False) == (Implied.FOUND, 0)
    assert rules.implied_deviation(1, 0, 5, True) == rules.implied_deviation(1, 5, 0, False) == (Implied.ABOVE_BOUND, 0)
    price = rules.call(F, F, SPREAD)
    assert rules.implied_deviation(price, F, F, True) == (Implied.FOUND, SPREAD)
    assert rules.volatility(SPREAD, WEEK_NS) == E18


def test_implied_deviation_against_mpmath() -> None:
    """PRIC-009: the exact price at what is found is not below the one that was asked for, and at one unit less not
    above it, but for what prices are off (PRIC-011). Of prices of all sizes.
    """
    random = Random(13)
    for point in points(17, 700):
        low, high = sorted((point.forward, point.strike))
        part = random.getrandbits(random.randrange(20, (low << 80).bit_length()))
        value = max(1, part if random.random() < 0.6 else (low << 80) - 1 - part)
        found = rules.search(point.forward, point.strike, value)
        price, beyond = value / ONE, max(0, point.forward - point.strike)
        at, before = (call_of(point.forward, point.strike, unit / ONE) - beyond
                      for unit in (found, found - 1 or mpf(1) / 10))
        assert at >= price - price * mpf(2) ** -88 - mpf(10) ** -40 * high, point
        assert before <= price + mpf("1.2e-24") * high, point


def test_extremes_of_implied_deviation() -> None:
    """PRIC-009, PRIC-010: the least and the greatest prices there are, within the promised steps."""
    for forward, strike in ((1, 1), (1, TOP), (TOP, 1), (TOP, TOP), (F, F + 1), (F, 2 * F)):
        low = min(forward, strike)
        for goal in (1, 2, low << 79, (low << 80) - 2, (low << 80) - 1):
            found = rules.search(forward, strike, goal)
            apart = rules.distance(forward, strike)
            assert rules.time_value(forward, strike, apart, found) >= goal
            assert rules.time_value(forward, strike, apart, found - 1) < goal


def test_a_step_without_a_slope_is_none() -> None:
    """PRIC-010: where the option is worth nothing or all it can be, or the step would lead nowhere, halving decides."""
    assert rules.newton(1, 0, 5, ONE_Q80, F) == 0
    assert rules.newton(ONE_Q80, F << 160, 5, 0, F) == 0
    assert rules.newton(ONE_Q80 // 100, 1 << 158, F << 159, 0, F) > ONE_Q80 // 100


def test_halvings_alone_find_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """PRIC-010: a Newton that is of no use costs steps and changes nothing; 86 halvings do."""
    price = rules.call(F, 1_600 * USD, SPREAD)
    steps = []

    def useless(guess: int, *_: int) -> int:
        steps.append(guess)
        return 0

    monkeypatch.setattr(rules, "newton", useless)
    found = rules.search(F, 1_600 * USD, price)
    apart = rules.distance(F, 1_600 * USD)
    assert rules.time_value(F, 1_600 * USD, apart, found - 1) < price <= rules.time_value(F, 1_600 * USD, apart, found)
    assert len(steps) <= 87


def test_a_newton_that_creeps_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """PRIC-010: at most 24 of its steps, then halvings."""
    price, steps = rules.call(F, 1_600 * USD, SPREAD), []

    def creeping(guess: int, *_: int) -> int:
        steps.append(guess)
        return guess + 1

    monkeypatch.setattr(rules, "newton", creeping)
    rules.search(F, 1_600 * USD, price)
    assert 25 < len(steps) <= 24 + 87


def test_exact_model_itself() -> None:
    """PRIC-011: the model that all this is compared to keeps parity."""
    exact = answer(Point(F, 1_400 * USD, E18, WEEK_NS))
    assert abs(exact.call - exact.put - 100 * USD) < mpf(10) ** -38
    assert Fraction(rules.call(F, 1_400 * USD, SPREAD) - rules.put(F, 1_400 * USD, SPREAD), ONE_Q80) == 100 * USD
