"""Proposals and blocks when somebody is byzantine: what came late or wrong is left out of a correct proposal, which
everybody accepts; an incorrect one nobody accepts; and should it be decided all the same, the chain goes on alike
everywhere, without prices.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import ORACLE_RECORD, TX_MALFORMED
from app.limits import MAX_EXPIRY_S, MAX_EXTENSION_BYTES, MAX_FEED_PRICE, MAX_PILLAR_E9, MAX_PILLARS, PILLAR_POINTS
from app.oracle.record import MARK, MAX_RECORD_BYTES, Record, Signed, encode_record
from app.oracle.rules import FRESH, THIN
from app.oracle.types import Pillar, Vote
from app.oracle.votes import encode_extension
from app.ordering import encoded_size
from tests.helpers import builders as b
from tests.helpers.builders import ALICE, BTC, MARK_QUANTA, ORACLE, Person
from tests.helpers.records import forged, of_places, rewritten, stranger, swapped, votes_in
from tests.helpers.votes import Voters, prices
from tests.unit.node.abci.engine_process import EngineProcess
from tests.unit.node.abci.little_network import LittleNetwork, Precommit

PRICE = MARK_QUANTA[BTC]
NAMES = ("one", "two", "three", "four", "five", "six")


def network_of(*powers: int, seats: int = 3) -> LittleNetwork:
    """A network after its first block; a few of its validators have an engine here."""
    network = LittleNetwork(Voters(NAMES[:len(powers)], powers), seats=seats)
    network.first()
    return network


def honest(network: LittleNetwork, *places: int, price: int = PRICE) -> dict[int, Precommit]:
    """Precommits of these places, or of all, each with a price a little above the one before."""
    return {place: network.signed(place, encode_extension(prices({BTC: price + place})))
            for place in places or range(len(network.voters.order))}


@st.composite
def late(draw: st.DrawFn, network: LittleNetwork, place: int, good: Mapping[int, Precommit]) -> tuple[Precommit, bool]:
    """What a byzantine validator's precommit carries when nobody verified it, and whether it may count."""
    noise, lie = draw(st.binary(max_size=80)), encode_extension(prices({BTC: draw(st.integers(1, MAX_FEED_PRICE))}))
    signed, other = network.signed, draw(st.sampled_from(sorted(good)))
    made = draw(st.sampled_from((
        lambda: (signed(place, b"\xff" + noise), False), lambda: (signed(place, bytes(MAX_EXTENSION_BYTES + 1)), False),
        lambda: (signed(place, lie, height=network.height - 1), False),
        lambda: (signed(place, lie, height=network.height + 1), False),
        lambda: (signed(place, lie, round_=network.round + 1), False),
        lambda: (signed(place, lie, chain_id="another"), False), lambda: (signed(place, lie, key=other), False),
        lambda: (good[other], False), lambda: (Precommit(lie, noise), False), lambda: (Precommit(b"", b""), False),
        lambda: (Precommit(lie, bytes(64)), False), lambda: (signed(place, lie)._replace(commit=False), False),
        lambda: (signed(place, b""), True), lambda: (signed(place, lie), True))))
    return made()


@given(st.data())
@settings(max_examples=30)
def test_a_correct_proposal_is_accepted_whatever_came_late(data: st.DataObject) -> None:
    """ORCL-003: with precommits of a third that are garbage, oversized, absent, replayed from another height, round,
    chain or validator, or lies: the proposer prunes, engines that never saw those precommits accept, all agree, the
    price stays among the honest ones; whoever starts again in the middle agrees too.
    """
    powers = data.draw(st.sampled_from([(10, 10, 10, 10), (7, 5, 4, 3, 2, 1), (1, 1, 1, 1, 1, 1), (5, 1, 1)]))
    network = network_of(*powers, seats=2)
    for _ in range(2):
        network.round = data.draw(st.integers(0, 3))
        bad = data.draw(st.sets(st.sampled_from(range(len(powers)))).filter(
            lambda some: 3 * sum(network.voters.order[one].power for one in some) < sum(powers)))
        good = honest(network, *sorted(set(range(len(powers))) - bad))
        cast, counts = dict(good), set(good)
        for place in sorted(bad):
            cast[place], counted = data.draw(late(network, place, good))
            counts |= {place} if counted else set()
        txs = network.prepare(0, cast)
        assert {one.place for one in votes_in(txs[0]).votes} == counts
        assert network.accepts(1, txs) and network.accepts(0, txs)
        network.seats[data.draw(st.integers(0, 1))].start()
        network.decide(txs)
        prices_seen = [PRICE + place for place in good]
        now = network.seats[0].feed(BTC)
        assert min(prices_seen) <= now.price <= max(prices_seen) and now.validity == FRESH


# What a byzantine proposer may try. Each takes the network and a correct record and makes a block's transactions.

def of_votes(network: LittleNetwork, votes: Mapping[int, Vote], **wrong: object) -> bytes:
    """A record of votes, each signed by who it is of, with whatever is wrong about that."""
    rows = []
    for place, vote in sorted(votes.items()):
        signature = network.signed(place, encode_extension(vote), **wrong).signature  # type: ignore[arg-type]
        rows.append(Signed(place, vote, signature))
    return encode_record(Record(network.round, tuple(rows)))


def same(network: LittleNetwork, vote: Vote, *places: int) -> dict[int, Vote]:
    """One vote of these places, or of all."""
    return dict.fromkeys(places or range(len(network.voters.order)), vote)


def large(network: LittleNetwork) -> bytes:
    """A vote of more pillars than fit into an extension, signed by who it is of."""
    pillars = tuple(Pillar(at + 1, MAX_EXPIRY_S, MAX_PILLAR_E9, (MAX_PILLAR_E9,) * PILLAR_POINTS)
                    for at in range(MAX_PILLARS))
    vote = Vote(tuple(range(1, 101)), (MAX_FEED_PRICE,) * 100, pillars)
    return of_votes(network, same(network, prices({BTC: PRICE})) | {0: vote})


def envelope(network: LittleNetwork) -> bytes:
    """A good envelope."""
    return b.envelope(ALICE, [b.buy(PRICE // 2, 1)], network.height)


Trick = Callable[[LittleNetwork, bytes], list[bytes]]
TRICKS: dict[str, Trick] = {
    "no record": lambda _, good: [],
    "no record but an envelope": lambda net, good: [envelope(net)],
    "the record after an envelope": lambda net, good: [envelope(net), good],
    "the record twice": lambda _, good: [good, good],
    "two records": lambda net, good: [good, of_votes(net, same(net, Vote()))],
    "an empty one": lambda _, good: [MARK],
    "garbage": lambda _, good: [MARK + b"\xff" * 100],
    "megabytes of garbage": lambda _, good: [MARK + b"\xff" * 2_900_000],
    "megabytes of nothing": lambda _, good: [MARK + bytes(2_900_000)],
    "as many ballots as a record has bytes": lambda _, good: [MARK + b"\x22\x00" * ((MAX_RECORD_BYTES - 1) // 2)],
    "as many voters as a record has bytes": lambda _, good: [rewritten(good, lambda m: m.voter_gaps.extend(
        [1] * (MAX_RECORD_BYTES - 10_000)))],
    "trailing bytes": lambda _, good: [good + b"\x00"],
    "an unknown field": lambda _, good: [good + b"\x78\x01"],
    "an enormous number": lambda _, good: [good[:1] + b"\x08\x80\x80\x80\x80\x00" + good[1:]],
    "votes dropped down to two thirds": lambda net, good: [of_places(good, [0, 1, 2, 3])],
    "votes dropped, all": lambda net, good: [encode_record(Record(0, ()))],
    "votes in another order": lambda net, good: [of_places(good, [5, 4, 3, 2, 1, 0])],
    "a vote twice for another one": lambda net, good: [of_places(good, [0, 1, 2, 3, 3, 5])],
    "a vote twice": lambda net, good: [of_places(good, [0, 0, 1, 2, 3, 4])],
    "a vote of nobody": lambda _, good: [stranger(good)],
    "a forged price": lambda _, good: [forged(good)],
    "signatures swapped": lambda _, good: [swapped(good)],
    "no signatures": lambda _, good: [rewritten(good, lambda m: m.ClearField("signatures"))],
    "signatures of nothing": lambda _, good: [rewritten(good, lambda m: setattr(m, "signatures", bytes(6 * 64)))],
    "votes of the height before": lambda net, good: [
        of_votes(net, same(net, prices({BTC: PRICE})), height=net.height - 1)],
    "votes of this height": lambda net, good: [of_votes(net, same(net, prices({BTC: PRICE})), height=net.height + 1)],
    "votes of another round": lambda net, good: [
        of_votes(net, same(net, prices({BTC: PRICE})), round_=net.round + 1)],
    "another round is stated": lambda _, good: [rewritten(good, lambda m: setattr(m, "round", m.round + 1))],
    "votes of another chain": lambda net, good: [of_votes(net, same(net, prices({BTC: PRICE})), chain_id="another")],
    "votes that one signed for all": lambda net, good: [of_votes(net, same(net, prices({BTC: PRICE})), key=0)],
    "a price of zero": lambda net, good: [of_votes(net, same(net, Vote((BTC,), (0,))))],
    "a price beyond the bound": lambda net, good: [of_votes(net, same(net, Vote((BTC,), (MAX_FEED_PRICE + 1,))))],
    "a vote larger than an extension": lambda net, good: [large(net)],
}


@pytest.fixture(scope="module")
def six() -> LittleNetwork:
    """Six equal validators, of whom four are two thirds and no more."""
    return network_of(1, 1, 1, 1, 1, 1)


@pytest.mark.parametrize("trick", TRICKS)
def test_no_trick_of_a_proposer_is_accepted_and_none_halts_the_chain(six: LittleNetwork, trick: str) -> None:
    """ORCL-003: every engine rejects it, the proposer's own too, and the correct block is accepted after it. Decided
    all the same, it gets an outcome for each of its transactions, alike everywhere, whatever was run before or
    forgotten; the price stays, thin, unless the right record stands first; and the next block brings prices again.
    """
    six.round = six.height % 3
    (good,) = six.prepare(0, honest(six))
    txs = TRICKS[trick](six, good)
    assert not any(six.accepts(seat, txs) for seat in (1, 2, 0))
    assert all(six.accepts(seat, [good]) for seat in (0, 1, 2))
    before, right = six.seats[0].feed(BTC), txs[:1] == [good]
    six.finalize(1, [good])
    six.seats[2].start()
    answer = six.decide(txs)
    wanted = [TX_MALFORMED.code if raw[:1] == MARK else 0 for raw in txs]
    if txs and txs[0][:1] == MARK:
        wanted[0] = 0 if right else ORACLE_RECORD.code
    assert [one.code for one in answer.tx_results] == wanted
    after = six.seats[0].feed(BTC)
    assert (after.price, after.validity) == ((PRICE + 2, FRESH) if right else (before.price, THIN))
    txs = six.prepare(0, honest(six, price=PRICE + 100))
    assert six.accepts(1, txs)
    six.decide(txs)
    assert (six.seats[2].feed(BTC).price, six.seats[2].feed(BTC).validity) == (PRICE + 102, FRESH)


def test_a_proposer_may_choose_among_quorums_and_nothing_else(six: LittleNetwork) -> None:
    """ORCL-003: five of six are a quorum, whichever; so are six; what CometBFT never verified is not asked for."""
    six.round = 0
    for left_out in range(6):
        txs = six.prepare(0, honest(six, *[place for place in range(6) if place != left_out]))
        assert len(votes_in(txs[0]).votes) == 5 and six.accepts(1, txs)
    assert not six.accepts(1, six.prepare(0, honest(six, 0, 1, 2, 3)))


def test_a_record_that_fills_the_block(six: LittleNetwork) -> None:
    """ORCL-003, ORD-001: the votes go first: where only they fit, they go alone; a byte short of an envelope, too."""
    six.round = 0
    raw = b.envelope(Person("carol"), [b.buy(PRICE // 2, 1)], 1)
    assert six.seats[0].call("check_tx", tx=raw).code == 0
    (record,) = six.prepare(0, honest(six), max_bytes=0)
    size = encoded_size(record)
    for room, wanted in ((size, [record]), (size + encoded_size(raw) - 1, [record]),
                         (size + encoded_size(raw), [record, raw])):
        txs = six.prepare(0, honest(six), max_bytes=room)
        assert txs == wanted and sum(map(encoded_size, txs)) <= room and six.accepts(1, txs)
    six.decide([record, raw])


def test_the_set_changes_between_a_vote_and_its_use() -> None:
    """VAL-003, ORCL-003: the strongest is taken out and somebody stronger than all others comes in. The next two
    commits are of the old set, the third of the new one: without the newcomer it is no quorum, and the old set has no
    say. The chain goes on, restarts agree, the price is among the honest in each block.
    """
    old = Voters(NAMES[:4], (20, 10, 10, 10))
    new = Voters(("new", *NAMES[1:4]), (40, 10, 10, 10))
    network = LittleNetwork(old, seats=3)
    network.first()
    change = b.envelope(ORACLE, [b.set_validator(Person(NAMES[0]).public_key, 0),
                                 b.set_validator(Person("new").public_key, 40)], 1)
    answer = network.decide([*network.prepare(0, honest(network)), change])
    assert sorted((one.pub_key.ed25519, one.power) for one in answer.validator_updates) == sorted(
        [(Person(NAMES[0]).public_key, 0), (Person("new").public_key, 40)])
    for at in range(6):
        network.voters, other = (old, new) if at < 2 else (new, old)
        assert not network.accepts(1, [other.record(network.height, prices({BTC: PRICE}))])
        assert at < 2 or not network.accepts(1, network.prepare(0, honest(network, 1, 2, 3))), "30 of 70"
        network.seats[at % 3].start()
        txs = network.prepare(at % 3, honest(network, price=PRICE + 10 * at))
        assert all(network.accepts(seat, txs) for seat in range(3))
        network.seats[(at + 1) % 3].start()
        assert list(network.decide(txs).validator_updates) == []
        now = network.seats[0].feed(BTC)
        assert PRICE + 10 * at <= now.price <= PRICE + 10 * at + 3 and now.validity == FRESH


# The same over real sockets and with a process that ends in between.

@pytest.fixture
def engine(tmp_path: Path) -> Iterator[EngineProcess]:
    one = EngineProcess(tmp_path / "h")
    try:
        yield one.start()
    finally:
        one.close()


def test_an_engine_that_ends_between_proposal_and_decision_agrees(engine: EngineProcess) -> None:
    """ORCL-003: process, end, start, finalize twice, a bad block in between: the same bytes as an engine that did
    nothing else; the bad block is refused, decided it goes on.
    """
    voters = Voters(NAMES[:4], (10, 10, 10, 10))
    beside = LittleNetwork(voters, seats=1)
    engine.init_chain(voters=voters)
    beside.first()
    engine.block([])
    record, bad = voters.record(1, prices({BTC: PRICE + 5})), voters.record(0, prices({BTC: PRICE + 5}))
    assert engine.process([record]) and not engine.process([bad]) and engine.process([record])
    assert engine.terminate() == 0
    engine.start()
    assert engine.finalize([bad]).tx_results[0].code == ORACLE_RECORD.code
    first, again = engine.finalize([record]), engine.finalize([record])
    assert first.SerializeToString() == again.SerializeToString()
    engine.consensus.call("commit")
    assert beside.decide([record]).app_hash == first.app_hash
    assert engine.block([bad]).app_hash == beside.decide([bad]).app_hash
    assert engine.process([voters.record(3, prices({BTC: PRICE}))])
