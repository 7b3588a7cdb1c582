"""PRIC rules: what European options on a forward are worth. Pure functions over integers.

Prices go in as quote quanta a lot, 0 to 2^64 - 1, and come out as these times 2^80 (`_q80`), rounded down. Cash earns
nothing on the chain, so nothing is discounted and rho is 0. The deviation is volatility times the root of the time in
years: the standard deviation of the logarithm of the price at expiry.
"""

from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import NamedTuple

from app.kernel.fixed import BITS, ONE_Q80, cdf, ln, pdf, sqrt, tail
from app.kernel.integers import sqrt_floor
from app.surface.rules import variance

E9 = 10**9
E18 = 10**18
DAY_NS = 86_400 * 10**9
YEAR_NS = 365 * DAY_NS
MAX_DEVIATION_Q80 = 40 << BITS  # beyond it the time value of every option is all it can be
FINE = 2 * BITS  # a deviation is sought by values times 2^FINE
FAST_STEPS = 24  # of a search; the steps after them halve what is left


class Greeks(NamedTuple):
    """PRIC-008: delta of the call, its change as the forward grows by its whole, what one of volatility adds, what a
    day adds.
    """

    delta_q80: int
    gamma_q80: int
    vega_q80: int
    theta_q80: int


class Implied(IntEnum):
    """PRIC-009: how the search for a deviation ended."""

    FOUND = 0
    BELOW_INTRINSIC = 1
    ABOVE_BOUND = 2


def deviation(volatility_e18: int, time_ns: int) -> int:
    """PRIC-001: volatility x root of the time in years of 365 days, times 2^80, rounded down once; both >= 0."""
    return sqrt_floor((volatility_e18 * volatility_e18 * time_ns << 2 * BITS) // (E18 * E18 * YEAR_NS))


def volatility(deviation_q80: int, time_ns: int) -> int:
    """PRIC-001: the least volatility, times 10^18, that has this deviation or more in `time_ns` >= 1."""
    if not deviation_q80:
        return 0
    return sqrt_floor(((deviation_q80 * E18) ** 2 * YEAR_NS - 1) // (time_ns << 2 * BITS)) + 1


def distance(forward_quanta: int, strike_quanta: int) -> int:
    """PRIC-002: ln(strike / forward) times 2^80; 0 when either is 0."""
    if not forward_quanta or not strike_quanta:
        return 0
    return ln(strike_quanta, 0) - ln(forward_quanta, 0)


def time_value(forward_quanta: int, strike_quanta: int, distance_q80: int, deviation_q80: int) -> int:
    """PRIC-003: what an option is worth beyond its intrinsic value, call and put alike.

    It is the price of the one that is out of the money, made of the normal law's tails alone, so that nothing cancels:
    PRIC-011 says how exact it is, PRIC-012 that it never turns back.
    """
    if not (deviation_q80 and forward_quanta and strike_quanta):
        return 0
    if distance_q80 >= 0:
        low, high = forward_quanta, strike_quanta
    else:
        low, high, distance_q80 = strike_quanta, forward_quanta, -distance_q80
    near = (distance_q80 << BITS) // deviation_q80 - (deviation_q80 >> 1)
    far, far_scale = tail(near + deviation_q80)
    if near >= 0:
        part, scale = tail(near)
        return (part * low << far_scale - scale) - far * high >> far_scale - BITS
    part, scale = tail(-near)
    common = max(scale, far_scale)
    lacking = (part * low << common - scale) + (far * high << common - far_scale)
    return (low << BITS) + (-(lacking or 1) >> common - BITS)  # always below `low`, as the exact one is


def call_put(forward_quanta: int, strike_quanta: int, time_value_q80: int) -> tuple[int, int]:
    """PRIC-004: call and put of one time value; call - put = forward - strike, to the unit."""
    beyond_q80 = (forward_quanta - strike_quanta) * ONE_Q80
    return time_value_q80 + max(0, beyond_q80), time_value_q80 + max(0, -beyond_q80)


def call(forward_quanta: int, strike_quanta: int, deviation_q80: int) -> int:
    """PRIC-005: the Black-76 price of a call."""
    apart = distance(forward_quanta, strike_quanta)
    return call_put(forward_quanta, strike_quanta, time_value(forward_quanta, strike_quanta, apart, deviation_q80))[0]


def put(forward_quanta: int, strike_quanta: int, deviation_q80: int) -> int:
    """PRIC-005: the Black-76 price of a put."""
    apart = distance(forward_quanta, strike_quanta)
    return call_put(forward_quanta, strike_quanta, time_value(forward_quanta, strike_quanta, apart, deviation_q80))[1]


def array(strike_quanta: int, is_call: bool, rows: Iterable[tuple[int, int, int]]) -> list[int]:
    """PRIC-006: the prices of one option in many cases, each a forward >= 1, its logarithm (`ln(forward, 0)`) and a
    deviation. They are what `call` and `put` say, bit by bit; the logarithms are made once.
    """
    log_strike_q80, side = ln(strike_quanta, 0), 1 if is_call else -1
    prices = []
    for forward, log_forward_q80, deviation_q80 in rows:
        value = time_value(forward, strike_quanta, log_strike_q80 - log_forward_q80, deviation_q80)
        beyond = (forward - strike_quanta) * side
        prices.append(value + (beyond << BITS) if beyond > 0 else value)
    return prices


def worth(lots: int, price_q80: int) -> int:
    """PRIC-007: what `lots` (negative: short) are worth, in quote quanta, rounded once and against the holder."""
    return lots * price_q80 // ONE_Q80


def greeks(forward_quanta: int, strike_quanta: int, deviation_q80: int, time_ns: int) -> Greeks:
    """PRIC-008: sensitivities of a call; the put's delta is one less, its others are the same. Rounded down."""
    apart = distance(forward_quanta, strike_quanta)
    if not (deviation_q80 and forward_quanta and strike_quanta):
        return Greeks(ONE_Q80 * ((forward_quanta > strike_quanta) + (forward_quanta >= strike_quanta)) // 2, 0, 0, 0)
    middle, half = (apart << BITS) // deviation_q80, deviation_q80 >> 1
    density = pdf(middle - half)  # of the forward's side
    slope = forward_quanta * density
    vega = sqrt_floor(slope * slope * time_ns // YEAR_NS)
    theta = -slope * deviation_q80 * DAY_NS // (2 * time_ns << BITS) if time_ns else 0
    return Greeks(cdf(half - middle), (density << BITS) // deviation_q80, vega, theta)


def implied_deviation(price_q80: int, forward_quanta: int, strike_quanta: int, is_call: bool) -> tuple[Implied, int]:
    """PRIC-009: the least deviation at which the option is worth `price_q80` or more. A price below the intrinsic
    value, or not below the forward (call) or strike (put), has none.
    """
    intrinsic_q80 = call_put(forward_quanta, strike_quanta, 0)[0 if is_call else 1]
    goal_q80 = price_q80 - intrinsic_q80
    if goal_q80 < 0:
        return Implied.BELOW_INTRINSIC, 0
    if goal_q80 == 0:
        return Implied.FOUND, 0
    if goal_q80 >= min(forward_quanta, strike_quanta) * ONE_Q80:
        return Implied.ABOVE_BOUND, 0
    return Implied.FOUND, search(forward_quanta, strike_quanta, goal_q80)


def search(forward_quanta: int, strike_quanta: int, goal_q80: int) -> int:
    """PRIC-010: the least deviation whose time value is `goal_q80` or more; 0 < goal < the lesser price. At most
    FAST_STEPS of Newton's, then halvings of the 86 bits that there are.
    """
    apart, lesser = distance(forward_quanta, strike_quanta), min(forward_quanta, strike_quanta)
    fine_goal, fine_forward, fine_strike = goal_q80 << BITS, forward_quanta << BITS, strike_quanta << BITS
    below, above, steps = 0, MAX_DEVIATION_Q80, 0
    guess = sqrt(2 * abs(apart)) + 5 * goal_q80 // (2 * lesser)
    while above - below > 1:
        if steps >= FAST_STEPS or not below < guess < above:
            guess = (below + above) // 2
        steps += 1
        found = time_value(fine_forward, fine_strike, apart, guess)
        if found >= fine_goal:
            above = guess
        else:
            below = guess
        guess = newton(guess, found, fine_goal, abs(apart), lesser)
    return above


def newton(guess_q80: int, found: int, goal: int, distance_q80: int, lesser_quanta: int) -> int:
    """PRIC-010: a better deviation than `guess_q80` >= 1, whose time value is `found`, both times 2^FINE; 0 if there is
    no telling. Far from the goal it follows the logarithm of what is small, the option or what it lacks to its bound:
    the one is nearly linear in 1 / deviation^2, the other in deviation^2.
    """
    slope = lesser_quanta * pdf((distance_q80 << BITS) // guess_q80 - (guess_q80 >> 1), FINE)
    bound = lesser_quanta << FINE
    if not (slope and 0 < found < bound):
        return 0
    if 4 * abs(found - goal) < min(goal, bound - goal):
        return guess_q80 - ((found - goal << BITS) // slope or 1)
    is_low = 2 * goal < bound
    small, wanted = (found, goal) if is_low else (bound - found, bound - goal)
    turn = ONE_Q80 + (2 * (ln(small, 0) - ln(wanted, 0)) * small << BITS) // (slope * guess_q80)
    if turn <= 0:
        return 0
    return (guess_q80 << BITS) // sqrt(turn) if is_low else guess_q80 * sqrt(turn) >> BITS


def option_price(
    fixed_quanta: int,
    live_quanta: int,
    strike_quanta: int,
    is_call: bool,
    slice_e18: Sequence[int],
    log_live_q80: int | None = None,
) -> int:
    """PRIC-013: what an option on a mean is worth, times 2^80, of which `fixed_quanta` is fixed and `live_quanta` the
    forward of the rest, by the slice of its expiry: an option on the rest with what is left of the strike. Who has the
    logarithm of `live_quanta` (`ln(live, 0)`) may give it.
    """
    rest = strike_quanta - fixed_quanta
    if rest <= 0 or not live_quanta:
        beyond = live_quanta - rest if is_call else rest - live_quanta
        return max(0, beyond) << BITS
    apart = distance(live_quanta, rest) if log_live_q80 is None else ln(rest, 0) - log_live_q80
    value = time_value(live_quanta, rest, apart, sqrt(variance(slice_e18, apart)))
    return call_put(live_quanta, rest, value)[0 if is_call else 1]


def payoff(settlement_quanta: int, strike_quanta: int, is_call: bool) -> int:
    """PRIC-014: what an option pays at its expiry, quote quanta a lot, by rule alone: what it is in the money."""
    return max(0, settlement_quanta - strike_quanta if is_call else strike_quanta - settlement_quanta)


def in_lots(units_e9: int, multiplier: int, divisor: int) -> int:
    """PRIC-015: a price in units of a feed x 10^9 as quote quanta a lot (ORCL-007), rounded down."""
    return units_e9 * multiplier // (divisor * E9)
