"""Black-76 in mpmath at 50 digits, and points to compare at: what the integers of app.pricing stand for."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import mpmath
from mpmath import mp, mpf

DIGITS = 50
ONE = mpf(2) ** 80
E18 = 10**18
YEAR_NS = 365 * 86_400 * 10**9
DAY_NS = 86_400 * 10**9
TOP = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Point:
    """One question: prices in quanta, volatility times 10^18, time in nanoseconds."""

    forward: int
    strike: int
    volatility: int
    time: int


@dataclass(frozen=True, slots=True)
class Answer:
    """Call, put and the sensitivities that PRIC-008 names."""

    call: mpf
    put: mpf
    delta: mpf
    gamma: mpf
    vega: mpf
    theta: mpf


def upper(at: mpf) -> mpf:
    """The upper tail of the standard normal law."""
    return mpmath.erfc(at / mpmath.sqrt(2)) / 2


def deviation(point: Point) -> mpf:
    """Volatility times the root of the time."""
    return mpf(point.volatility) / E18 * mpmath.sqrt(mpf(point.time) / YEAR_NS)


def call_of(forward: int, strike: int, spread: mpf) -> mpf:
    """The exact price of a call, of a deviation above 0."""
    with mp.workdps(DIGITS):
        above = mpmath.log(mpf(forward) / strike) / spread + spread / 2
        return forward * upper(-above) - strike * upper(spread - above)


def answer(point: Point) -> Answer:
    """Everything about one point, which must have time and volatility."""
    with mp.workdps(DIGITS):
        forward, strike, spread = mpf(point.forward), mpf(point.strike), deviation(point)
        above = mpmath.log(forward / strike) / spread + spread / 2
        density = mpmath.exp(-above * above / 2) / mpmath.sqrt(2 * mpmath.pi)
        call = forward * upper(-above) - strike * upper(spread - above)
        return Answer(call, call - forward + strike, upper(-above), density / spread,
                      forward * density * mpmath.sqrt(mpf(point.time) / YEAR_NS),
                      -forward * density * spread * DAY_NS / (2 * mpf(point.time)))


def price_error(price_q80: int, exact: mpf, point: Point) -> float:
    """How far a price is off, as a share of the greater of forward and strike."""
    with mp.workdps(DIGITS):
        return float((mpf(price_q80) / ONE - exact) / max(point.forward, point.strike))


RANGES = ((-9, 1.3), (-9, 1.3), (-9, 1.3), (-9, 1.3), (-22, -9), (1.3, 1.8))  # of deviations, as powers of ten


def points(seed: int, count: int) -> Iterator[Point]:
    """Seeded points over the whole domain: prices from 1 to 2^64 - 1, evenly by digits; deviations from 10^-22 to 63;
    times from a microsecond to twenty years; strikes within ten deviations of the forward, as far as the last that
    the tails tell from nothing, within three quanta of the forward, or anywhere.
    """
    random = Random(seed)
    for number in range(count):
        forward = random.getrandbits(random.randrange(1, 65)) | 1
        spread = 10 ** random.uniform(*RANGES[number % 6])
        time = random.randrange(1_000, 20 * YEAR_NS) if number % 2 else int(10 ** random.uniform(3, 17))
        volatility = int(spread / (time / YEAR_NS) ** 0.5 * E18) + 1
        if number % 4 == 3:
            strike = random.getrandbits(random.randrange(1, 65)) | 1
        elif number % 6 == 4:
            strike = max(1, min(TOP, forward + random.randrange(-3, 4)))
        else:
            most = 17 if number % 5 == 0 else 10
            apart = max(-44.0, min(44.0, random.uniform(-most, most) * spread))
            strike = max(1, min(TOP, int(forward * mpmath.exp(apart))))
        yield Point(forward, strike, volatility, time)
