"""Laws of prices, tried where tables change: FIX-008, PRIC-004, PRIC-009 to PRIC-012.

A joint is a place where the next unit of something is looked up in another cell: of the tails, at either distance, or
of the logarithm. A search by halves finds the neighbours on its two sides; prices are compared over steps across it.
"""

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from app.kernel.fixed import exp, ln
from app.pricing import rules
from app.pricing.rules import Implied

TOP = (1 << 64) - 1
E18 = 10**18
DAY_NS = 86_400 * 10**9
MANY = settings(max_examples=400)


def of_digits(low_bits: int, high_bits: int) -> st.SearchStrategy[int]:
    """Integers evenly by length."""
    return st.integers(low_bits, high_bits).flatmap(lambda bits: st.integers(1 << bits - 1, (1 << bits) - 1))


prices = of_digits(1, 64)
deviations = of_digits(20, 84)  # 1e-18 to 16
volatilities = of_digits(40, 66)  # 1e-6 to 70
times = of_digits(10, 60)  # a microsecond to thirty years


def places(forward: int, strike: int, deviation: int) -> tuple[int, int, int, int]:
    """Which cells a price reads: of the tails near and far, of the two logarithms."""
    if not deviation:
        return (1 << 200, 1 << 200, 0, 0)
    near = (abs(rules.distance(forward, strike)) << 80) // deviation - (deviation >> 1)
    half = 1 << 71
    return (abs(near) + half >> 72, near + deviation + half >> 72, log_cell(forward), log_cell(strike))


def log_cell(price: int) -> int:
    """The cell of the logarithm of a price."""
    length = price.bit_length()
    return length << 8 | (price << 9 >> length) & 255


def joint(low: int, high: int, which: int, of: Callable[[int], tuple[int, int, int, int]]) -> int:
    """The last argument before `of` names another cell than at `low`, somewhere up to `high`."""
    start = of(low)[which]
    while high - low > 1:
        middle = (low + high) // 2
        if of(middle)[which] == start:
            low = middle
        else:
            high = middle
    return low


def across(price: Callable[[int], int], at: int, least: int, most: int, rises: bool) -> None:
    """Over some steps around `at`, and longer ones, a price does not turn back."""
    steps = sorted({min(most, max(least, at + step)) for step in (-1_000, -17, -2, -1, 0, 1, 2, 3, 17, 1_000)})
    found = [price(step) for step in steps]
    assert found == sorted(found, reverse=not rises), (at, steps)


@MANY
@given(prices, prices, deviations, st.integers(0, 3), prices)
def test_monotone_in_the_forward(forward: int, strike: int, deviation: int, which: int, other: int) -> None:
    """PRIC-012: at joints on the way from one forward to another."""
    low, high = sorted((forward, other))
    at = joint(low, high, which, lambda value: places(value, strike, deviation))
    across(lambda value: rules.call(value, strike, deviation), at, 0, TOP, True)
    across(lambda value: rules.put(value, strike, deviation), at, 0, TOP, False)


@MANY
@given(prices, prices, deviations, st.integers(0, 3), prices)
def test_monotone_in_the_strike(forward: int, strike: int, deviation: int, which: int, other: int) -> None:
    """PRIC-012: at joints on the way from one strike to another."""
    low, high = sorted((strike, other))
    at = joint(low, high, which, lambda value: places(forward, value, deviation))
    across(lambda value: rules.call(forward, value, deviation), at, 0, TOP, False)
    across(lambda value: rules.put(forward, value, deviation), at, 0, TOP, True)


@MANY
@given(prices, st.integers(-(12 << 80), 12 << 80), deviations, st.integers(0, 1), deviations)
def test_monotone_in_the_deviation(forward: int, moneyness: int, deviation: int, which: int, other: int) -> None:
    """PRIC-012: unit by unit, the finest step there is, with strikes within twelve deviations."""
    strike = strike_at(forward, moneyness, deviation)
    low, high = sorted((deviation, other))
    at = joint(low, high, which, lambda value: places(forward, strike, value))
    across(lambda value: rules.call(forward, strike, value), at, 0, 1 << 90, True)
    across(lambda value: rules.put(forward, strike, value), at, 0, 1 << 90, True)


def strike_at(forward: int, moneyness: int, deviation: int) -> int:
    """A strike so many deviations (times 2^80) from the forward, within the domain."""
    return max(1, min(TOP, forward * exp(moneyness * deviation >> 80) >> 80))


@MANY
@given(prices, st.integers(-(12 << 80), 12 << 80), volatilities, times, volatilities, st.integers(0, 1))
def test_monotone_in_the_volatility(forward: int, moneyness: int, volatility: int, time: int, other: int,
                                    which: int) -> None:
    """PRIC-012, PRIC-001: the deviation's rounding included."""
    strike = strike_at(forward, moneyness, rules.deviation(volatility, time))
    low, high = sorted((volatility, other))
    at = joint(low, high, which, lambda value: places(forward, strike, rules.deviation(value, time)))
    across(lambda value: rules.call(forward, strike, rules.deviation(value, time)), at, 0, 1 << 80, True)


@MANY
@given(prices, st.integers(-(12 << 80), 12 << 80), volatilities, times, times, st.integers(0, 1))
def test_monotone_in_time(forward: int, moneyness: int, volatility: int, time: int, other: int, which: int) -> None:
    """PRIC-012, PRIC-001: nanosecond by nanosecond."""
    strike = strike_at(forward, moneyness, rules.deviation(volatility, time))
    low, high = sorted((time, other))
    at = joint(low, high, which, lambda value: places(forward, strike, rules.deviation(volatility, value)))
    across(lambda value: rules.put(forward, strike, rules.deviation(volatility, value)), at, 0, 1 << 64, True)


@MANY
@given(st.integers(0, TOP), st.integers(0, TOP), st.integers(0, 1 << 90))
@example(0, 0, 0)
@example(TOP, TOP, 1 << 90)
def test_parity_and_bounds(forward: int, strike: int, deviation: int) -> None:
    """PRIC-003, PRIC-004: call - put = forward - strike, to the unit; neither leaves its bounds; both sides agree."""
    call, put = rules.call(forward, strike, deviation), rules.put(forward, strike, deviation)
    assert call - put == (forward - strike) << 80
    assert max(0, forward - strike) << 80 <= call <= forward << 80
    assert max(0, strike - forward) << 80 <= put <= strike << 80
    assert put == rules.call(strike, forward, deviation)
    if strike:
        rows = [(forward, ln(forward, 0), deviation)] if forward else []
        assert rules.array(strike, True, rows) == [call][:len(rows)]
        assert rules.array(strike, False, rows) == [put][:len(rows)]


@MANY
@given(prices, st.integers(-(12 << 80), 12 << 80), deviations)
def test_greeks_are_within_their_bounds(forward: int, moneyness: int, deviation: int) -> None:
    """PRIC-008: delta between 0 and 1, gamma and vega not below 0, theta not above."""
    found = rules.greeks(forward, strike_at(forward, moneyness, deviation), deviation, DAY_NS)
    assert 0 <= found.delta_q80 <= 1 << 80
    assert found.gamma_q80 >= 0 and found.vega_q80 >= 0 >= found.theta_q80


@MANY
@given(prices, prices, st.booleans(), st.integers(-5, 1 << 144))
def test_implied_deviation_is_the_least(forward: int, strike: int, is_call: bool, price: int) -> None:
    """PRIC-009: every price has an outcome; a deviation that is found gives the price, one unit less does not."""
    value = rules.call if is_call else rules.put
    bound, intrinsic = (forward if is_call else strike) << 80, value(forward, strike, 0)
    price %= bound + (bound >> 3) + 7
    outcome, found = rules.implied_deviation(price, forward, strike, is_call)
    if outcome is Implied.FOUND:
        assert value(forward, strike, found) >= price
        assert found == 0 or value(forward, strike, found - 1) < price
    elif outcome is Implied.BELOW_INTRINSIC:
        assert price < intrinsic
    else:
        assert price >= bound > intrinsic


@MANY
@given(prices, st.integers(-(9 << 80), 9 << 80), volatilities, times)
def test_implied_deviation_goes_back(forward: int, moneyness: int, volatility: int, time: int) -> None:
    """PRIC-009: of a price that is not all intrinsic, the deviation comes back as near as the price tells it."""
    deviation = rules.deviation(volatility, time)
    strike = strike_at(forward, moneyness, deviation)
    price = rules.call(forward, strike, deviation)
    assume(price > rules.call(forward, strike, 0) and price < forward << 80)
    outcome, found = rules.implied_deviation(price, forward, strike, True)
    assert outcome is Implied.FOUND and found <= deviation
    assert rules.call(forward, strike, found) == price


def test_search_takes_few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """PRIC-010: never more than promised; in practice ten."""
    steps, newton = [0], rules.newton

    def counted(*terms: int) -> int:
        steps[0] += 1
        return newton(*terms)

    monkeypatch.setattr(rules, "newton", counted)
    random, worst = Random(6), 0
    for number in range(1_500):
        forward, strike = (random.getrandbits(random.randrange(1, 65)) | 1 for _ in range(2))
        if number % 2:
            strike = max(1, min(TOP, int(forward * 2 ** random.uniform(-8, 8))))
        low = min(forward, strike) << 80
        part = random.getrandbits(random.randrange(1, low.bit_length()))
        goal = max(1, min(low - 1, part if number % 3 else low - part))
        steps[0] = 0
        rules.search(forward, strike, goal)
        worst = max(worst, steps[0])
    assert worst <= 16


@given(volatilities, times)
def test_volatility_is_the_least_that_has_the_deviation(volatility: int, time: int) -> None:
    """PRIC-001: there and back."""
    deviation = rules.deviation(volatility, time)
    found = rules.volatility(deviation, time)
    assert found <= volatility and rules.deviation(found, time) == deviation
    assert found == 0 or rules.deviation(found - 1, time) < deviation
