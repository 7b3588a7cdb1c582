"""A trace of options: a chain that lists hourly series, accounts of both modes that trade them beside the perpetual,
and blocks a minute apart, so that prices, anchors and expiries all move within a few hundred blocks.
"""

from collections.abc import Iterator
from random import Random

from app.oracle.types import Pillar, Vote
from novation.v1 import tx_pb2
from tests.helpers import builders as b
from tests.helpers.builders import BUY, SELL, Person
from tests.helpers.driver import GENESIS_TIME_NS
from tests.helpers.listed import flat, with_options
from tests.helpers.votes import Voters, prices

MINUTE_NS = 60 * 10**9
TERMS = {"short_s": 3_600, "shorts": 2, "daily": 1, "weekly": 0, "monthly": 0, "quarterly": 0, "strikes": 2}
OPTION_TICK = 10_000
PERP_TICK = 1_000
PEOPLE = [Person(f"trader of options {place}") for place in range(6)]
VOTERS = Voters([f"validator {place}" for place in range(3)], [10, 20, 15])


def block_time_ns(height: int) -> int:
    """The time of a block."""
    return GENESIS_TIME_NS + height * MINUTE_NS


def option_genesis() -> bytes:
    """The genesis of the trace: one underlying with a part in portfolio margin."""
    state = b.genesis((*PEOPLE, b.ORACLE), cash_quanta=8_000_000_000, portfolios=(1,), withdraw_hour_ppm=100_000,
                      feeds={1: {"max_age_ns": 3 * MINUTE_NS}}, sweep_accounts=2, stress_ppm=200_000,
                      terms={b.BTC: {"insurance_quanta": 20_000_000_000}})
    return with_options(state, **TERMS)


def option_record(seed: int, height: int) -> list[bytes]:
    """What block `height` begins with: prices and volatility that wander, none in the first."""
    if height == 1:
        return []
    random, level = Random(f"{seed}/{height}"), Random(f"{seed}/{height // 4}")
    middle, volatility_ppm = 46_000_000 + level.randint(-1_500, 1_500) * PERP_TICK, level.randint(350_000, 900_000)
    surface = flat(volatility_ppm, **TERMS)(block_time_ns(height - 1))
    votes = {}
    for place in range(len(VOTERS.order)):
        seen = prices({1: middle + random.randint(-50, 50), 2: 24_000_000})
        pillars = tuple(Pillar(one.feed, one.expiry_s, one.forward_e9 + random.randint(-9, 9) * 10**5,
                               tuple(variance + random.randint(0, 999) for variance in one.variances_e9))
                        for one in surface)
        votes[place] = Vote(seen.feeds, seen.prices, pillars)
    return [VOTERS.record(height - 1, votes)]


def option_blocks(seed: int, blocks: int) -> Iterator[list[bytes]]:
    """The envelopes of each block."""
    random = Random(seed)
    nonces: dict[bytes, int] = {}
    for height in range(1, blocks + 1):
        txs = []
        for _ in range(random.randint(1, 4)):
            person = random.choice(PEOPLE)
            nonces[person.owner] = nonces.get(person.owner, 0) + 1
            actions = [any_action(random, person, height) for _ in range(random.choice((1, 3, 8)))]
            txs.append(b.envelope(person, actions, nonces[person.owner]))
        yield txs


def any_leg(random: Random, height: int) -> tuple[int, int, int, int]:
    """(market, side, price, size): of the perpetual, or of a series that is listed about then."""
    side = random.choice((BUY, SELL))
    if random.random() < 0.25:
        return b.BTC, side, 46_000_000 + random.randint(-900, 900) * PERP_TICK, random.randint(1, 300)
    series = 10_000 + random.randrange(24 + height // 2)
    return series, side, random.choice((1, 5, 40, 150, 300, 800)) * OPTION_TICK, random.randint(1, 30)


def any_action(random: Random, person: Person, height: int) -> tx_pb2.Action:
    """Mostly orders; combos, modes, block trades and the rest now and then."""
    kind = random.random()
    market, side, price, size = any_leg(random, height)
    if kind < 0.70:
        return b.place(side, price, size, market=market, time_in_force=random.randint(1, 4),
                       reduce_only=random.random() < 0.1)
    if kind < 0.80:
        legs = [b.leg(*any_leg(random, height)) for _ in range(random.choice((1, 2, 3)))]
        return b.combo(*legs)
    if kind < 0.88:
        return b.margin_mode(random.choice((1, 2, 2)))
    if kind < 0.92:
        other = random.choice(PEOPLE)
        terms = b.block_terms(person, other, b.block_leg(market, side, price, size), nonce=random.randint(1, 300))
        return b.block(other, terms)
    if kind < 0.94:
        return b.cancel_all(random.choice((0, market)))
    if kind < 0.97:
        return b.bid(random.choice(PEOPLE), random.choice((10**5, 10**6)))
    return b.withdraw(random.choice((1_000_000, 20_000_000_000)))
