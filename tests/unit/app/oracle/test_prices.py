"""From votes to prices, by rule code; the record as a proposer makes it and as everybody checks it."""

import json
from itertools import pairwise

import pytest

from app.chain import Chain
from app.errors import GenesisError
from app.oracle import rules
from app.oracle.checks import CommitVote
from app.oracle.genesis import scale
from app.oracle.record import MARK, Record, Signed, encode_record
from app.oracle.rules import ABSENT, FRESH, JUMPING, STALE, THIN, WARMING
from app.oracle.types import REPORTERS_KEY, Pillar, Vote
from app.oracle.votes import encode_extension
from app.store.view import DictReader
from novation.v1 import oracle_pb2
from tests.helpers import builders as b
from tests.helpers.builders import BTC, MARK_QUANTA
from tests.helpers.driver import Driver
from tests.helpers.votes import Voters, prices

S = 10**9
PRICE = MARK_QUANTA[BTC]


def four(feeds: dict[int, dict[str, object]] | None = None) -> Driver:
    """A chain of four equal validators after its first block."""
    driver = Driver(b.genesis(feeds=feeds), voters=Voters([f"v{place}" for place in range(4)], [10] * 4))
    driver.run([])
    return driver


def vote(driver: Driver, *seen: int, step_ns: int = S):  # type: ignore[no-untyped-def]
    """A block whose votes on feed 1 are these, by place; 0 is an empty vote."""
    record = driver.voters.record(
        driver.height, {place: prices({BTC: price}) if price else Vote() for place, price in enumerate(seen)})
    driver.record = lambda: [record]  # type: ignore[method-assign]
    return driver.run([], step_ns)


def feed(driver: Driver):  # type: ignore[no-untyped-def]
    return driver.chain.view.feeds.get(BTC)


@pytest.mark.parametrize(("votes", "median"), [
    ([(100, 1), (200, 1), (300, 1)], 200), ([(100, 10), (200, 10), (300, 10)], 200),
    ([(100, 1), (200, 1), (300, 1), (400, 1)], 200), ([(100, 5), (200, 1), (300, 1)], 100), ([(7, 3)], 7), ([], 0),
])
def test_orcl_004_weighted_median(votes: list[tuple[int, int]], median: int) -> None:
    """ORCL-004: twice the power so far reaches the power of all votes given."""
    assert rules.weighted_median(votes, sum(power for _, power in votes)) == median


def test_orcl_005_greatest_move() -> None:
    """ORCL-005: 1% and 1% a second, after two seconds."""
    assert rules.most_move_ppm(10_000, 10_000, 2 * S, 10**9) == 30_000
    assert rules.limited(200_000, 100_000, 30_000) == 103_000 and rules.limited(1, 100_000, 30_000) == 97_088
    assert rules.limited(9, 50, 15_000) == 49 and rules.limited(99, 50, 15_000) == 51 and rules.limited(1, 1, 9) == 1
    assert rules.limited(102_999, 100_000, 30_000) == 102_999 and rules.limited(5, 0, 30_000) == 5


def test_orcl_007_scale() -> None:
    """ORCL-007: from units of the feed to quanta a lot, in lowest terms; rounded down, never below 1."""
    assert scale("0.001", 3) == (1, 1) and scale("0.001", 6) == (1, 1000) and scale("1000", 8) == (10, 1)
    assert rules.index_price(46_000_999_999, 1, 1000, 10**15) == 46_000_999
    assert rules.index_price(5, 1, 1000, 10**15) == 1 and rules.index_price(5_000, 1, 1, 4_000) == 4_000


def test_orcl_004_three_of_four_are_a_quorum() -> None:
    """ORCL-004: 30 of 40 power is more than two thirds; the liar does not matter; 20 of 40 leaves the price."""
    driver = four()
    vote(driver, PRICE + 10, PRICE + 20, 9 * PRICE, 0)
    assert (feed(driver).price, feed(driver).validity) == (PRICE + 20, FRESH)
    assert driver.chain.view.marks.get(BTC).index_quanta == PRICE + 20
    vote(driver, PRICE + 70, PRICE + 80, 0, 0)
    assert (feed(driver).price, feed(driver).validity) == (PRICE + 20, THIN)


def test_orcl_005_a_jump_takes_time() -> None:
    """ORCL-005, ORCL-006: the price follows as fast as it may and is jumping until it is there."""
    driver = four({BTC: {"move_ppm": 10_000, "move_ppm_a_second": 10_000}})
    seen = []
    for _ in range(4):
        vote(driver, *[PRICE * 108 // 100] * 4)
        seen.append((feed(driver).price, feed(driver).validity))
    assert seen == [(47_380_000, JUMPING), (48_327_600, JUMPING), (49_294_152, JUMPING), (49_680_000, FRESH)]
    assert feed(driver).median == 49_680_000


def test_orcl_006_stale_absent_and_warm_again() -> None:
    """ORCL-006: ages by block time; fresh votes after a stale price warm up first."""
    driver = four({BTC: {"max_age_ns": 5 * S, "warm_up_ns": 3 * S}})
    states, told = [], []
    for step, price in ((2, 0), (2, 0), (1, 0), (495, 0), (1, PRICE), (2, PRICE), (1, PRICE), (1, 0), (6, PRICE)):
        result = vote(driver, *[price] * 4, step_ns=step * S)
        states.append(feed(driver).validity)
        told += [event.feed_validity_changed for event in result.events if event.HasField("feed_validity_changed")]
    assert states == [THIN, THIN, STALE, ABSENT, WARMING, WARMING, FRESH, THIN, WARMING]
    assert [(one.before, one.after) for one in told if one.feed == BTC] == [
        (THIN, STALE), (STALE, ABSENT), (ABSENT, WARMING), (WARMING, FRESH), (FRESH, THIN),
        (THIN, WARMING)]


def test_orcl_007_settled_markets_keep_their_mark() -> None:
    """ORCL-007: index follows the feed, the mark stays at the settlement price."""
    genesis = b.genesis(terms={BTC: {"kind": "future", "expiry_ns": 1_700_000_000 * S + 5 * S}})
    driver = Driver(genesis)
    for _ in range(8):
        driver.run([])
    settled = driver.chain.view.settlements.get(BTC).price_quanta
    driver.mark(PRICE + 500)
    driver.run([])
    marks = driver.chain.view.marks.get(BTC)
    assert settled == PRICE and (marks.price_quanta, marks.index_quanta) == (PRICE, PRICE + 500)


def test_orcl_007_a_broken_scale_quarantines_its_market_alone() -> None:
    """ORCL-007, CMP-002: a market whose index cannot be computed is put in quarantine; the other gets its price."""
    driver = Driver()
    driver.run([])
    driver.chain.ctx.markets.edit(BTC).index_divisor = 0
    driver.chain.ctx.markets.merge()
    driver.mark(24_000_700, b.ETH)
    driver.run([])
    assert driver.chain.view.markets.get(BTC).quarantined
    assert driver.chain.view.marks.get(b.ETH).price_quanta == 24_000_700


def test_setl_002_time_counts_at_the_price_that_was_in_force() -> None:
    """SETL-002: a last vote at the very expiry does not move the settlement price, nor funding of the time before."""
    driver = Driver(b.genesis(terms={BTC: {"kind": "future", "expiry_ns": 1_700_000_000 * S + 60 * S}}))
    for _ in range(59):
        driver.run([])
    driver.mark(2 * PRICE)
    driver.run([])
    driver.run([])
    assert driver.chain.view.settlements.get(BTC).price_quanta == PRICE


def test_orcl_008_reporters() -> None:
    """ORCL-008: blocks, votes, prices that met a median, those more than 2% away; by validator, for ever."""
    driver = four()
    vote(driver, PRICE, PRICE, PRICE * 103 // 100, 0)
    vote(driver, PRICE, PRICE, PRICE * 101 // 100, 0)
    vote(driver, 0, 0, 0, PRICE)
    driver.restart()
    rows = driver.chain.view.reporters.get(REPORTERS_KEY).rows
    assert [rows[one.address] for one in driver.voters.order] == [
        [3, 2, 2, 0], [3, 2, 2, 0], [3, 2, 2, 1], [3, 1, 0, 0]]


def test_orcl_009_pillars() -> None:
    """ORCL-009: each number its own median under the same quorum; what has expired goes."""
    driver = four()
    soon = driver.time_ns // S + 3
    ballots = [Vote((), (), (Pillar(BTC, soon, 10**9 + at, (at + 1,) * 7), Pillar(BTC, soon + 9, 10**9, (5,) * 7)))
               for at in range(3)]
    record = driver.voters.record(driver.height, dict(enumerate([*ballots, Vote()])))
    driver.record = lambda: [record]  # type: ignore[method-assign]
    driver.run([])
    first, second = driver.chain.view.surfaces.get(BTC).pillars
    assert (first.expiry_s, first.forward_e9, first.variances_e9, first.voted_ns) == (
        soon, 10**9 + 1, (2,) * 7, driver.time_ns)
    for ahead in (2, 9):  # the second time nobody votes on the first pillar, and it has expired
        later = Vote((), (), (Pillar(BTC, second.expiry_s + ahead, 10**9, (5,) * 7),))
        record = driver.voters.record(driver.height, later)
        driver.run([], 2 * S)
    assert [one.expiry_s for one in driver.chain.view.surfaces.get(BTC).pillars] == [
        second.expiry_s, second.expiry_s + 2, second.expiry_s + 9]


@pytest.mark.parametrize(("change", "said"), [
    (lambda s: s["feeds"][1].update(feed=3), "without gaps"), (lambda s: s["feeds"][0].update(price=0), "price"),
    (lambda s: s["feeds"][0].update(colour=1), "unknown"), (lambda s: s["markets"][0].update(feed=7), "no feed 7"),
    (lambda s: s["feeds"][0].update(move_ppm=0), "move_ppm"), (lambda s: s["feeds"][0].pop("symbol"), "symbol"),
])
def test_orcl_010_genesis(change, said: str) -> None:  # type: ignore[no-untyped-def]
    """ORCL-010: what is wrong with a feed is said with its place."""
    state = json.loads(b.genesis())
    change(state)
    with pytest.raises(GenesisError, match=said):
        Chain(DictReader()).init_chain("test", 1, 1, json.dumps(state).encode())


# What a proposer makes of a commit, and what everybody says of it.

def commit(driver: Driver, votes: dict[int, Vote], round_: int = 0) -> list[CommitVote]:
    """The last commit, as CometBFT tells it: these votes by place."""
    made = [driver.voters.sign(place, one, driver.height, round_) for place, one in votes.items()]
    addresses = [one.address for one in driver.voters.order]
    return [CommitVote(addresses[one.place], encode_extension(one.vote), one.signature) for one in made]


def test_orcl_003_the_proposer_leaves_out_what_is_not_well_formed() -> None:
    """ORCL-003: garbage that came late, a wrong signature, a stranger: the others make the record; it is accepted."""
    driver = four()
    good = commit(driver, dict.fromkeys(range(3), prices({BTC: PRICE + 5})))
    for late in (CommitVote(driver.voters.order[3].address, b"\xff" * 5_000, bytes(64)),
                 CommitVote(driver.voters.order[3].address, good[0].extension, good[0].signature),
                 CommitVote(bytes(20), good[0].extension, good[0].signature)):
        txs = driver.chain.prepare((), 10**6, [*good, late])
        assert len(txs) == 1 and driver.chain.process(txs, 0) == ""
    driver.record = lambda: txs  # type: ignore[method-assign]
    driver.run([])
    assert feed(driver).price == PRICE + 5


def test_orcl_003_what_a_byzantine_proposer_may_not_do() -> None:
    """ORCL-003: no record, too few votes, another height's, another round's, a forged price, a vote twice, a vote of
    nobody, a record in another place: no correct validator accepts the block.
    """
    driver = four()
    voters, height, seen = driver.voters, driver.height, prices({BTC: PRICE})
    good = voters.record(height, seen)
    assert driver.chain.process([good], 0) == ""
    forged = voters.sign(0, seen, height)._replace(vote=prices({BTC: 2 * PRICE}))
    bad = {
        "missing": [], "two thirds": [voters.record(height, dict.fromkeys(range(2), seen))],
        "not signed": [voters.record(height - 1, seen)],
        "another round": [voters.record(height, seen, round_=1)],
        "votes: the vote of validator 0": [encode(forged, *(voters.sign(place, seen, height) for place in (1, 2, 3)))],
        "one encoding": [encode(*(voters.sign(place, seen, height) for place in (0, 1, 1, 2)))],
        "nobody": [encode(*(voters.sign(place, seen, height) for place in (0, 1, 2)),
                          voters.sign(3, seen, height)._replace(place=4))],
        "TX_MALFORMED": [good, good],
    }
    for said, txs in bad.items():
        assert said in driver.chain.process(txs, 0), said
    first = Driver()
    assert "no votes are due" in first.chain.process([first.voters.record(0, seen)], 0)


def encode(*signed: Signed) -> bytes:
    """A record of these votes in this order, whether that is allowed or not."""
    whole = encode_record(Record(0, tuple(one._replace(place=at) for at, one in enumerate(signed))))
    message = oracle_pb2.VoteRecord.FromString(whole[1:])
    places = [-1, *(one.place for one in signed)]
    message.voter_gaps[:] = [after - before for before, after in pairwise(places)]
    return MARK + message.SerializeToString(deterministic=True)


def test_orcl_003_a_wrong_record_that_was_decided_brings_no_prices() -> None:
    """ORCL-003: should two thirds decide it all the same, every node refuses it alike (ORACLE_RECORD) and goes on."""
    driver = four()
    for txs in ([driver.voters.record(driver.height - 1, prices({BTC: 5}))], [b"\x00garbage"]):
        block = driver.next_block([])
        block.txs = txs
        result = driver.chain.finalize(block)
        assert result.record is not None and result.record.result.reason == "ORACLE_RECORD"
        assert driver.chain.ctx.feeds.get(BTC).price == PRICE
    block.txs = []
    assert driver.chain.finalize(block).record is None
