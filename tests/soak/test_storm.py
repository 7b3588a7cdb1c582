"""Everything at once, block after block: stakes that change, liars below a third, precommits that are garbage or
missing, byzantine proposers, engines that start again, blocks run twice or decided though they are wrong, people who
trade. No engine ever ends, all agree, a correct proposal is always accepted, and prices stay among the honest ones.
"""

import logging
from collections import Counter
from collections.abc import Iterator
from itertools import count
from random import Random

import pytest
import structlog

from app.limits import MAX_FEED_PRICE
from app.oracle.rules import FRESH
from app.oracle.types import Vote
from app.oracle.votes import encode_extension
from tests.helpers import builders as b
from tests.helpers.builders import ALICE, BOB, BTC, CAROL, ETH, MARK_QUANTA, ORACLE, Person
from tests.helpers.records import votes_in
from tests.helpers.votes import Voters, prices
from tests.soak.conftest import Left
from tests.unit.node.abci.little_network import LittleNetwork, Precommit

NAMES = tuple(f"validator {number}" for number in range(9))
MOVES = {"move_ppm": 10**9}


class Storm:
    """A network of a few engines, the powers that CometBFT knows from which height on, and what is true."""

    def __init__(self, seed: int) -> None:
        self.random = random = Random(seed)
        powers = {name: random.choice((1, 3, 10, 40)) for name in random.sample(NAMES, random.randint(1, 6))}
        self.told = {1: powers}
        self.network = LittleNetwork(self.voters(1), b.genesis(feeds={BTC: MOVES, ETH: MOVES}), seats=3)
        self.network.first()
        self.truth = dict(MARK_QUANTA)
        self.nonces: dict[bytes, int] = {}
        self.counts = dict.fromkeys(("blocks", "bad blocks", "refused", "fresh", "changes"), 0)

    def voters(self, height: int) -> Voters:
        """The set in force at a height, by what CometBFT was told."""
        powers = self.told[max(one for one in self.told if one <= height)]
        return Voters(tuple(powers), tuple(powers.values()))

    def envelope(self, person: Person, *actions: object) -> bytes:
        """A signed envelope."""
        self.nonces[person.owner] = self.nonces.get(person.owner, 0) + 1
        return b.envelope(person, list(actions), self.nonces[person.owner])  # type: ignore[arg-type]

    def roles(self) -> tuple[set[int], set[int]]:
        """(liars, silent ones), by place: each with less than a third of the power, and a quorum that is honest."""
        random, order = self.random, self.network.voters.order
        total, liars, silent = sum(one.power for one in order), set[int](), set[int]()
        for place in random.sample(range(len(order)), len(order)):
            for some in (liars, silent):
                power = sum(order[one].power for one in (*liars, *silent, place))
                if place not in liars and 3 * power < total and random.random() < 0.4:
                    some.add(place)
        return liars, silent - liars

    def lie(self, place: int, honest: dict[int, Precommit]) -> Precommit:
        """What a liar's precommit carries."""
        random, network = self.random, self.network
        said = encode_extension(prices({feed: random.choice((1, MAX_FEED_PRICE, random.randint(1, MAX_FEED_PRICE)))
                                        for feed in random.sample((BTC, ETH, 7, 99), random.randint(0, 4))}))
        noise = random.randbytes(random.choice((0, 1, 40, 3_000)))
        return random.choice((
            lambda: network.signed(place, said), lambda: network.signed(place, noise),
            lambda: network.signed(place, said, height=max(0, network.height - random.choice((1, 2, -1)))),
            lambda: network.signed(place, said, round_=network.round + 1),
            lambda: network.signed(place, said, chain_id="another"), lambda: Precommit(said, random.randbytes(64)),
            lambda: random.choice(list(honest.values())), lambda: Precommit(said, noise),
            lambda: network.signed(place, said)._replace(commit=False)))()

    def cast(self, liars: set[int], silent: set[int]) -> tuple[dict[int, Precommit], dict[int, Vote]]:
        """The precommits of a height, and what the honest ones saw."""
        random, network = self.random, self.network
        self.truth = {feed: max(100, price * random.randint(970, 1_030) // 1_000) for feed, price in self.truth.items()}
        seen = {place: prices({feed: price * random.randint(999, 1_001) // 1_000 for feed, price in self.truth.items()})
                for place in range(len(network.voters.order)) if place not in liars | silent}
        cast = {place: network.signed(place, encode_extension(vote)) for place, vote in seen.items()}
        return cast | {place: self.lie(place, cast) for place in liars}, seen

    def txs(self) -> list[bytes]:
        """What people send: orders, and now and then another validator set."""
        random = self.random
        sent = [self.envelope(person, b.place(random.choice((1, 2)), MARK_QUANTA[BTC] + 500 * random.randint(-9, 9),
                                              random.randint(1, 5)))
                for person in random.sample((ALICE, BOB, CAROL), random.randint(0, 3))]
        if random.random() < 0.15:
            key = Person(random.choice(NAMES)).public_key
            sent.append(self.envelope(ORACLE, b.set_validator(key, random.choice((0, 1, 5, 20)))))
        return sent

    def wrong(self, record: bytes) -> list[bytes]:
        """A byzantine proposer's block: no record, or one with a few bytes changed."""
        random, raw = self.random, bytearray(record)
        for _ in range(random.randint(1, 3)):
            at = random.randrange(len(raw))
            raw[at:at + random.randint(0, 2)] = random.randbytes(random.randint(0, 2))
        return random.choice(([], [bytes(raw)] if bytes(raw) != record else [], [record, record]))

    def block(self) -> None:
        """One height."""
        random, network = self.random, self.network
        network.voters, network.round = self.voters(network.height), random.choice((0, 0, 1, 5))
        liars, silent = self.roles()
        cast, seen = self.cast(liars, silent)
        for raw in self.txs():
            for seat in network.seats:
                seat.call("check_tx", tx=raw)
        proposer = random.randrange(3)
        good = network.prepare(proposer, cast)
        assert {one.place for one in votes_in(good[0]).votes} >= seen.keys()
        bad = self.wrong(good[0])
        if random.random() < 0.5:
            assert not any(network.accepts(seat, bad) for seat in range(3))
            self.counts["refused"] += 1
        if random.random() < 0.2:
            network.seats[random.randrange(3)].start()
        assert all(network.accepts(seat, good) for seat in random.sample(range(3), 3))
        if random.random() < 0.3:
            network.finalize(random.randrange(3), random.choice((good, bad)))
        decided = bad if random.random() < 0.1 else good
        answer = network.decide(decided)
        if answer.validator_updates:
            self.take(answer.validator_updates)  # type: ignore[arg-type]
        self.counts["blocks"] += 1
        self.counts["bad blocks"] += decided is bad
        for at, feed in enumerate((BTC, ETH) if decided is good else ()):
            now, honest = network.seats[0].feed(feed), [vote.prices[at] for vote in seen.values()]
            assert min(honest) <= now.median <= max(honest) and now.price == now.median and now.validity == FRESH
            self.counts["fresh"] += 1

    def take(self, updates: list[object]) -> None:
        """What CometBFT makes of updates: in force two blocks on."""
        names = {Person(name).public_key: name for name in NAMES}
        latest = dict(self.told[max(self.told)])
        for one in updates:
            latest.pop(names[one.pub_key.ed25519], None)  # type: ignore[attr-defined]
            if one.power:  # type: ignore[attr-defined]
                latest[names[one.pub_key.ed25519]] = one.power  # type: ignore[attr-defined]
        self.told[self.network.height + 2] = latest
        self.counts["changes"] += 1


@pytest.fixture(autouse=True)
def quiet_logs() -> Iterator[None]:
    """Engines complain of every wrong block."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


@pytest.mark.soak
def test_a_storm(left_s: Left) -> None:
    """ORCL-003, ORCL-004, VAL-003: a new network every two hundred blocks, with a seed of its own."""
    counts: Counter[str] = Counter()
    for seed in count(1_000):
        storm = Storm(seed)
        for _ in range(200):
            try:
                storm.block()
            except AssertionError as error:
                raise AssertionError(f"seed {seed}, block {storm.counts['blocks'] + 1}") from error
        counts.update(storm.counts)
        if left_s() < 0:
            break
    print(dict(counts))
    assert counts["fresh"] > 200 and min(counts.values()) > 5, counts
