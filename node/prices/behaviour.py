"""How feeders of a test network differ from one another: noise, lies, silence. Functions from what a feeder saw to what
it says.
"""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from node.prices.chance import uniform
from node.prices.observation import Observation

Behaviour = Callable[[Observation], Observation | None]

LIE_NS = 10 * 10**9  # how long a liar keeps to one kind of lie
FACTORS = tuple(map(Decimal, ("100", "0.01", "2", "0.5", "1.1", "0.9", "0.000001")))
KINDS = len(FACTORS) + 1  # a factor for all that time, or another one each time
BEHAVIOURS = ("honest", "liar", "silent")


def behaviour(name: str, noise_ppm: int, noise_seed: int) -> Behaviour:
    """The behaviour of that name. Raises ValueError for others."""
    if name not in BEHAVIOURS:
        raise ValueError(f"unknown behaviour {name!r}: there are {', '.join(BEHAVIOURS)}")
    if name == "silent":
        return lambda _: None
    return lie if name == "liar" else lambda seen: noise(seen, noise_ppm, noise_seed)


def noise(seen: Observation, noise_ppm: int, noise_seed: int) -> Observation:
    """Each price off by at most `noise_ppm`, by chance and another way for each seed."""
    if not noise_ppm:
        return seen
    prices = {}
    for symbol, price in seen.prices.items():
        off_ppm = Decimal(round(noise_ppm * uniform("noise", noise_seed, symbol, seen.time_ns)))
        prices[symbol] = price * (1 + off_ppm / 1_000_000)
    return replace(seen, prices=prices)


def lie(seen: Observation) -> Observation:
    """Wrong at every feed: by a factor from a millionth to a hundred, or jumping about. All liars of a network tell the
    same lie at the same moment. None says zero: that would be no vote, and silence is another behaviour.
    """
    period = seen.time_ns // LIE_NS
    kind = _choice(KINDS, "kind", period)
    prices = {}
    for symbol, price in seen.prices.items():
        factor = FACTORS[kind if kind < len(FACTORS) else _choice(len(FACTORS), symbol, seen.time_ns)]
        prices[symbol] = price * factor
    pillars = {
        symbol: tuple(one._replace(variances=tuple(4 * variance for variance in one.variances)) for one in rows)
        for symbol, rows in seen.pillars.items()
    }
    return replace(seen, prices=prices, pillars=pillars)


def _choice(count: int, *words: object) -> int:
    return int((uniform("lie", *words) + 1.0) / 2.0 * count)
