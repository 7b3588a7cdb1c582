"""ORCL-011 and ORCL-012: what each kind of trouble with prices forbids, and what it never does."""

import json

import pytest

from app.invariants import audit
from app.oracle import rules
from app.oracle.rules import ABSENT, FRESH, JUMPING, STALE, THIN, WARMING
from tests.helpers import builders as b
from tests.helpers.builders import ALICE, BOB, BTC, CAROL, DAVE, ETH, MARK_QUANTA, ORACLE
from tests.helpers.driver import Driver
from tests.helpers.votes import prices

P, E, S = MARK_QUANTA[BTC], MARK_QUANTA[ETH], 10**9
VALIDITIES = (FRESH, THIN, WARMING, JUMPING, STALE, ABSENT)
FEED = {"max_age_ns": 30 * S, "warm_up_ns": 20 * S, "move_ppm": 100_000}


def town(**fields: object) -> Driver:
    """ALICE is long 10 and BOB short 10 of BTC; ALICE holds an order and a trigger; the price of BTC has terms."""
    one = Driver(b.genesis(feeds={BTC: {**FEED, **fields}}, cash={CAROL: 30_000_000, DAVE: 30_000_000}))
    one.do(ALICE, b.buy(P, 10))
    one.do(BOB, b.sell(P, 10))
    one.do(ALICE, b.buy(P // 2, 1, client_id=5), b.trigger(b.BELOW, P * 9 // 10, b.SELL, P // 2, 1, client_id=6))
    return one


def silence(one: Driver, seconds: int) -> None:
    """Blocks without votes on BTC."""
    seen = {feed: price for feed, price in one.prices.items() if feed != BTC}
    one.record = lambda: [one.voters.record(one.height, prices(seen))]  # type: ignore[method-assign]
    for _ in range(seconds // 5):
        one.run([], step_ns=5 * S)


def speak(one: Driver) -> None:
    """Votes on everything again, from the next block on."""
    del one.record


def into(one: Driver, validity: int) -> Driver:
    """Bring the feed into a state."""
    if validity == THIN:
        silence(one, 5)
    elif validity in (STALE, WARMING):
        silence(one, 35)
    elif validity == ABSENT:
        silence(one, 5)
        one.run([], step_ns=3_100 * S)
    elif validity == JUMPING:
        one.mark(P * 2)
        one.run([])
    if validity == WARMING:
        speak(one)
        one.run([])
    assert one.chain.view.feeds.get(BTC).validity == validity
    return one


OPENS, MOVES = (FRESH, THIN, WARMING), (FRESH, THIN, WARMING)


@pytest.mark.parametrize("validity", VALIDITIES)
def test_orcl_011_the_matrix(validity: int) -> None:
    """ORCL-011: every row of the table in every state, seen through actions; the other market trades on."""
    one = into(town(), validity)
    opened = one.act(CAROL, b.buy(P // 2, 1)).actions[0].reason
    assert opened == ("" if validity in OPENS else "ORACLE_UNTRUSTED")
    for action in (b.withdraw(1_000_000), b.transfer(CAROL, 1_000_000), b.isolate(3, 1, 500_000_000)):
        assert one.act(ALICE, action).actions[0].reason == ("" if validity in MOVES else "ORACLE_UNTRUSTED")
    assert one.act(ALICE, b.buy(E // 2, 1, market=ETH)).actions[0].reason == (
        "" if validity in OPENS else "ORACLE_UNTRUSTED"), "who holds what cannot be valued opens nothing"
    one.do(CAROL, b.buy(E - 100, 1, market=ETH), b.withdraw(1_000_000))
    one.do(DAVE, b.sell(E - 100, 1, market=ETH))
    audit(one.chain.ctx)


@pytest.mark.parametrize("validity", VALIDITIES)
def test_orcl_011_what_is_always_allowed(validity: int) -> None:
    """ORCL-011: cancel, deposit, reduce; in every state."""
    one = into(town(), validity)
    one.do(DAVE, b.withdraw(5))
    one.do(BOB, b.buy(P, 2, reduce_only=True))
    one.do(ALICE, b.sell(P, 2, reduce_only=True), b.faucet(ALICE, 5_000_000), b.cancel(client_id=5),
           b.cancel_trigger(client_id=6))
    assert one.chain.view.accounts.get(ALICE.account()).position(BTC).lots == 8
    audit(one.chain.ctx)


def test_orcl_011_triggers_wait_for_a_price() -> None:
    """ORCL-011: what was reached while the price jumped fires when it stands."""
    one = town()
    one.mark(P // 2)
    fired = []
    for _ in range(10):
        fired.append([event.WhichOneof("kind") for event in one.run([]).events].count("trigger_fired"))
    states = rules.limited(P // 2, P, 100_000)
    assert states > P // 2 and fired.index(1) == 6 and sum(fired) == 1


def test_orcl_011_no_liquidation_at_a_price_that_cannot_be_trusted() -> None:
    """ORCL-011: CAROL, five times her money long, is ruined by a fall. While the price jumps, is stale or warms up,
    nobody touches her; then she is closed. Her auction does not run meanwhile.
    """
    one = Driver(b.genesis(feeds={BTC: FEED}, cash={CAROL: 150_000_000}))
    one.do(CAROL, b.buy(P, 15))
    one.do(BOB, b.sell(P, 15))
    one.mark(P * 797 // 1000)
    touched = []
    for _ in range(3):
        one.run([])
        touched.append(int(one.chain.view.auctions.get(CAROL.account()) is not None))
    assert one.chain.view.feeds.get(BTC).validity == FRESH and touched == [0, 0, 1]
    started = one.chain.view.auctions.get(CAROL.account()).started_ns
    silence(one, 60)
    paused = one.chain.view.auctions.get(CAROL.account()).started_ns
    assert one.chain.view.feeds.get(BTC).validity == STALE and paused - started == 30 * S
    assert one.refused(BOB, b.bid(CAROL)) == "ORACLE_UNTRUSTED"
    speak(one)
    one.run([])
    assert one.chain.view.feeds.get(BTC).validity == WARMING and one.refused(BOB, b.bid(CAROL)) == "ORACLE_UNTRUSTED"
    one.run([], step_ns=20 * S)
    one.do(BOB, b.bid(CAROL))
    audit(one.chain.ctx)


def test_orcl_012_after_a_halt_liquidation_waits() -> None:
    """ORCL-012: a market that was halted trades at once again, but nobody is liquidated for its warm-up."""
    one = Driver(b.genesis(feeds={BTC: FEED | {"move_ppm": 1_000_000}}, cash={CAROL: 150_000_000}))
    one.do(CAROL, b.buy(P, 15))
    one.do(BOB, b.sell(P, 15))
    one.do(ORACLE, b.set_status(3))
    one.mark(P * 797 // 1000)
    one.run([])
    one.do(ORACLE, b.set_status(1))
    for _ in range(20):
        assert one.chain.view.auctions.get(CAROL.account()) is None
        one.run([])
    one.run([])
    assert one.chain.view.auctions.get(CAROL.account()) is not None


def test_orcl_011_settlement_counts_only_time_with_a_price() -> None:
    """ORCL-011: a future whose feed is stale for the second half of its window settles at the mean of the first half;
    one whose feed never speaks in the window waits for it, for a day at most.
    """
    document = json.loads(b.genesis(feeds={BTC: FEED | {"warm_up_ns": 0}}))
    expiry = 1_700_000_000 * S + 2_000 * S
    document["markets"][0] |= {"kind": "future", "expiry_ns": expiry}
    one = Driver(json.dumps(document).encode())
    while one.time_ns < expiry - 900 * S:
        one.run([], step_ns=10 * S)
    silence(one, 900)
    one.run([], step_ns=10 * S)
    settled = one.chain.view.settlements.get(BTC)
    assert settled.price_quanta == P and settled.covered_ns <= 935 * S
    other = Driver(json.dumps(document).encode())
    other.run([])
    silence(other, 2_100)
    assert not other.chain.view.settlements.get(BTC).price_quanta
    speak(other)
    other.mark(P + 5)
    other.run([])
    other.run([])
    assert other.chain.view.settlements.get(BTC).price_quanta == P + 5


def test_orcl_011_funding_stops_without_a_price() -> None:
    """ORCL-011: a stale index still carries funding, an absent one does not."""
    terms = {BTC: {"funding_cap_e9": 40_000_000, "interest_e9": 1_000_000, "impact_notional_quanta": P}}
    one = Driver(b.genesis(feeds={BTC: FEED}, terms=terms))
    one.do(ALICE, b.buy(P, 10))
    one.do(BOB, b.sell(P, 10))

    def index() -> int:
        return one.chain.view.funding.get(BTC).index_e9

    silence(one, 50)
    stale = index()
    one.run([])
    assert one.chain.view.feeds.get(BTC).validity == STALE and index() != stale
    one.run([], step_ns=4_000 * S)
    absent = index()
    one.run([])
    assert one.chain.view.feeds.get(BTC).validity == ABSENT and index() == absent
