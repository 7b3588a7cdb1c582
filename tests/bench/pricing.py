"""Options: what one price, its greeks, an implied volatility, an array of 33 rows and 200 such arrays take, and how far
prices are off. Processor time, the least of many rounds, because the machine may be busy; beside each figure what it is
of the same formula in doubles (`math.erfc`), timed in the same rounds: that ratio moves less from machine to machine.
Errors are against mpmath at 50 digits over seeded points of the whole domain, as shares of the greater of forward and
strike: a million of them, or 20,000 with --quick.
"""

import math
from collections.abc import Callable
from random import Random

from mpmath import mp, mpf

from app.kernel.fixed import ln
from app.pricing import rules
from tests.bench.turns import least
from tests.helpers.black76 import DIGITS, ONE, Answer, Point, answer, points, price_error

FORWARD = 50_000_000  # 0.001 BTC at 50,000 USD
DAY_NS = 86_400 * 10**9
SPOTS_E3 = (-180, -135, -90, -45, 0, 45, 90, 135, 180)  # with each of three volatilities
TAILS_E3 = (-660, -330, 500, 1_000, 2_000, 3_000)  # with the volatility as it is
ROWS = [(shock, part) for shock in SPOTS_E3 for part in (0, 1, 2)] + [(shock, 1) for shock in TAILS_E3]
FORWARDS = [FORWARD * (1_000 + shock) // 1_000 for shock, _ in ROWS]
LOGS = [ln(forward, 0) for forward in FORWARDS]
TIMES = (0.7, 1.0, 1.5)  # the volatility of a row, of what it is
SEED = 1


def doubles(forward: float, strike: float, volatility: float, years: float) -> float:
    """The yardstick: Black-76 in doubles."""
    spread = volatility * math.sqrt(years)
    above = math.log(forward / strike) / spread + spread / 2
    return (forward * math.erfc(-above / math.sqrt(2)) - strike * math.erfc((spread - above) / math.sqrt(2))) / 2


def options(count: int) -> list[tuple[int, int, int]]:
    """(strike, volatility, time) of listed options: strikes from 0.6 to 1.6 of the forward, a day to ten months."""
    random = Random(SEED)
    return [(int(FORWARD * random.uniform(0.6, 1.6)), random.randrange(3 * 10**17, 15 * 10**17),
             random.randrange(DAY_NS, 300 * DAY_NS)) for _ in range(count)]


def array(strike: int, volatility: int, time_ns: int) -> list[int]:
    """The 33 prices of one option."""
    spread = rules.deviation(volatility, time_ns)
    spreads = [int(10 * part) * spread // 10 for part in TIMES]
    return rules.array(strike, True, [(forward, log, spreads[part])
                                      for forward, log, (_, part) in zip(FORWARDS, LOGS, ROWS, strict=True)])


def speed(rounds: int) -> dict[str, object]:
    """Microseconds, and times the yardstick."""
    listed = options(200)
    spreads = [(strike, rules.deviation(volatility, time_ns), time_ns) for strike, volatility, time_ns in listed]
    prices = [(rules.call(FORWARD, strike, spread), strike) for strike, spread, _ in spreads[:20]]
    plain = [(float(FORWARD), float(strike), volatility / 1e18, time_ns / (365 * DAY_NS))
             for strike, volatility, time_ns in listed]
    work: dict[str, tuple[int, Callable[[], object]]] = {
        "yardstick": (200, lambda: [doubles(*option) for option in plain]),
        "price": (200, lambda: [rules.call(FORWARD, strike, rules.deviation(volatility, time_ns))
                                for strike, volatility, time_ns in listed]),
        "price_of_a_deviation": (200, lambda: [rules.call(FORWARD, strike, spread) for strike, spread, _ in spreads]),
        "greeks": (200, lambda: [rules.greeks(FORWARD, *option) for option in spreads]),
        "implied_deviation": (20, lambda: [rules.implied_deviation(price, FORWARD, strike, True)
                                           for price, strike in prices]),
        "array_of_33": (200, lambda: [array(*option) for option in listed]),
    }
    found = least({name: piece for name, (_, piece) in work.items()}, rounds)
    each = {name: found[name] / count for name, (count, _) in work.items()}
    return {
        "microseconds": {name: round(value, 2) for name, value in each.items()},
        "of_yardstick": {name: round(value / each["yardstick"], 1) for name, value in each.items()},
        "milliseconds_of_200_arrays": round(found["array_of_33"] / 1e3, 2),
    }


def errors(count: int) -> dict[str, object]:
    """The worst errors over `count` points, by the size of the deviation."""
    worst: dict[str, float] = {}
    of_greeks = dict.fromkeys(("delta", "gamma", "vega", "theta"), 0.0)
    for number, point in enumerate(points(SEED, count)):
        exact, spread = answer(point), rules.deviation(point.volatility, point.time)
        error = abs(price_error(rules.call(point.forward, point.strike, spread), exact.call, point))
        band = f"1e{round(math.log10(spread / 2**80))}"
        worst[band] = max(worst.get(band, 0.0), error)
        if number % 10 == 0:
            for name, value in greek_errors(point, exact, spread).items():
                of_greeks[name] = max(of_greeks[name], value)
    return {"points": count, "seed": SEED, "worst_price_error": max(worst.values()),
            "worst_price_error_by_deviation": dict(sorted(worst.items(), key=lambda band: float(band[0]))),
            "worst_greek_errors_of_a_tenth_of_the_points": of_greeks}


def greek_errors(point: Point, exact: Answer, spread: int) -> dict[str, float]:
    """How far the sensitivities are off beyond the unit that they are rounded by, each as a share of its own scale,
    times the deviation where that is below 1: they ask for the moneyness in deviations, known to a unit / deviation.
    """
    found = rules.greeks(point.forward, point.strike, spread, point.time)
    with mp.workdps(DIGITS):
        size, years = spread / ONE, mpf(point.time) / rules.YEAR_NS
        scales = {"delta": 1, "gamma": 1 / size, "vega": point.forward * mp.sqrt(years),
                  "theta": point.forward * size / (years * 365)}
        return {name: float(max(0, abs(getattr(found, f"{name}_q80") / ONE - getattr(exact, name)) - 1 / ONE)
                            / scale * min(1, size)) for name, scale in scales.items()}


def run(quick: bool) -> dict[str, object]:
    """The section `pricing`."""
    return {"how": " ".join((__doc__ or "").split()), **speed(20 if quick else 100),
            "errors": errors(20_000 if quick else 1_000_000)}
