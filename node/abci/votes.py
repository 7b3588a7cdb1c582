"""From what a feeder saw to the vote of this validator."""

from collections.abc import Iterable
from decimal import Decimal

from app.limits import (
    MAX_EXPIRY_S,
    MAX_EXTENSION_BYTES,
    MAX_FEED_PRICE,
    MAX_PILLAR_E9,
    MAX_PILLARS,
    PILLAR_POINTS,
)
from app.oracle.types import Pillar, Vote
from app.oracle.votes import encode_extension
from node.prices.observation import Observation

E9 = Decimal(10**9)
SECOND_NS = 10**9


def vote_of(seen: Observation | None, feeds: Iterable[tuple[int, str, int]]) -> Vote:
    """The vote for feeds given as (feed, symbol, decimals), ascending. What does not fit is left out, so that it
    does not take the rest with it; of pillars that are too many together the last."""
    if seen is None:
        return Vote()
    prices: dict[int, int] = {}
    pillars: list[Pillar] = []
    for feed, symbol, decimals in feeds:
        price = scaled(seen.prices.get(symbol, Decimal(0)), Decimal(10) ** decimals)
        if 0 < price <= MAX_FEED_PRICE:
            prices[feed] = price
        last_s = 0
        for expiry_ns, forward, variances in seen.pillars.get(symbol, ()):
            numbers = tuple(scaled(one, E9) for one in variances)
            pillar = Pillar(feed, expiry_ns // SECOND_NS, scaled(forward, E9), numbers)
            if last_s < pillar.expiry_s <= MAX_EXPIRY_S and _fits(pillar):
                pillars.append(pillar)
                last_s = pillar.expiry_s
    vote = Vote(tuple(prices), tuple(prices.values()), tuple(pillars[:MAX_PILLARS]))
    while vote.pillars and len(encode_extension(vote)) > MAX_EXTENSION_BYTES:
        vote = vote._replace(pillars=vote.pillars[:-1])
    return vote


def _fits(pillar: Pillar) -> bool:
    return len(pillar.variances_e9) == PILLAR_POINTS and all(
        0 < number <= MAX_PILLAR_E9 for number in (pillar.forward_e9, *pillar.variances_e9))


def scaled(value: Decimal, scale: Decimal) -> int:
    """`value` in units of 1 / scale, to the nearest; 0 for what is no number."""
    return int((value * scale).to_integral_value()) if value.is_finite() else 0
