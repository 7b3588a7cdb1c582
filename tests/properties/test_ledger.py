"""The ledger's laws hold after every block, whatever is in it; and money is never owed without a move of the mark."""

from random import Random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from app.invariants import audit
from novation.v1 import tx_pb2
from tests.helpers import builders, ledger
from tests.helpers.builders import (
    ALICE,
    BOB,
    BTC,
    BUY,
    CAROL,
    DAVE,
    ETH,
    MARK_QUANTA,
    ORACLE,
    SELL,
    TICK_QUANTA,
    Person,
)
from tests.helpers.driver import Driver

PEOPLE = (ALICE, BOB, CAROL, DAVE)
CASH_QUANTA = 30_000_000  # thirty USD: a lot of BTC needs 2.3 of margin, so margin and fees decide often

people = st.sampled_from(PEOPLE)
numbers = st.sampled_from((0, 0, 0, 1))
markets = st.sampled_from((BTC, ETH))
offsets = st.one_of(st.integers(-2, 2), st.integers(-2, 2), st.integers(-2, 2), st.integers(-4_000, 4_000))
lots = st.one_of(st.integers(1, 6), st.integers(1, 6), st.integers(1, 60))
amounts = st.one_of(st.integers(1_000_000, 20_000_000), st.sampled_from((0, 1, 10**6, 10**17, 2**63)))
KINDS = [builders.GOOD_TIL_CANCEL] * 6 + [builders.IMMEDIATE_OR_CANCEL] * 2 + [
    builders.FILL_OR_KILL, builders.POST_ONLY]


@st.composite
def places(draw: st.DrawFn) -> tx_pb2.Action:
    """An order, mostly near the mark."""
    market = draw(markets)
    price = max(TICK_QUANTA[market], MARK_QUANTA[market] + draw(offsets) * TICK_QUANTA[market])
    return builders.place(
        draw(st.sampled_from((BUY, SELL))), price, draw(lots), market=market,
        time_in_force=draw(st.sampled_from(KINDS)), client_id=draw(st.sampled_from((0, 0, 0, 1, 2))),
        reduce_only=draw(st.sampled_from((False,) * 5 + (True,))), stp=draw(st.integers(0, 3)))


actions = st.one_of(
    *[places()] * 12,
    st.builds(builders.cancel, client_id=st.integers(1, 2)),
    st.builds(lambda client_id, offset, size: builders.replace(
        MARK_QUANTA[BTC] + offset * TICK_QUANTA[BTC], size, client_id=client_id),
        client_id=st.integers(1, 2), offset=st.integers(-2, 2), size=lots),
    st.builds(builders.cancel_all, st.sampled_from((0, BTC, ETH))),
    st.builds(builders.transfer, people, amounts, numbers),
    st.builds(builders.withdraw, amounts),
    st.builds(builders.isolate, numbers, st.sampled_from((0, 1, 2, 5)), amounts, markets),
    st.builds(builders.isolate, numbers, st.sampled_from((0, 1, 2)), st.integers(0, 5_000_000), markets),
    st.builds(builders.faucet, people, amounts, numbers),
)
envelopes = st.tuples(people, st.sampled_from((0,) * 9 + (1,)), st.lists(actions, min_size=1, max_size=6),
                      st.sampled_from((False,) * 5 + (True,)), st.sampled_from((20_000_000,) * 9 + (200_000,)))


class LedgerMachine(RuleBasedStateMachine):
    """Blocks of envelopes of several poor accounts, without moves of the mark."""

    def __init__(self) -> None:
        super().__init__()
        self.moved = False

    @initialize()
    def start(self) -> None:
        """A fresh chain that charges for gas."""
        genesis = builders.genesis((*PEOPLE, ORACLE), cash_quanta=CASH_QUANTA, gas_price_e6=1_000)
        self.driver = Driver(genesis, verify=lambda _key, _message, _signature: True)
        self.driver.run([])

    @rule(block=st.lists(envelopes, min_size=2, max_size=6))
    def run_block(self, block: list[tuple[Person, int, list[tx_pb2.Action], bool, int]]) -> None:
        """One block; each envelope has one outcome, and the same block run again has the same outcome."""
        txs = [self.driver.envelope(person, *acts, number=number, all_or_nothing=whole, gas_limit=gas)
               for person, number, acts, whole, gas in block]
        first = self.driver.chain.finalize(self.driver.next_block(txs))
        again = self.driver.run(txs)
        assert (again.app_hash, [outcome.data for outcome in again.txs]) == (
            first.app_hash, [outcome.data for outcome in first.txs])

    @rule()
    def restart(self) -> None:
        """The index is rebuilt from records."""
        self.driver.restart()

    @invariant()
    def laws_hold(self) -> None:
        """Conservation from the records alone, and the chain's own audit."""
        reader, ctx = self.driver.reader, self.driver.chain.ctx
        ledger.check(reader)
        ledger.check_index(reader, ctx.books)
        audit(ctx)
        if not self.moved:
            marks = {int.from_bytes(key, "big"): mark.price_quanta for key, mark in ledger.records(reader, "marks")}
            for key, account in ledger.records(reader, "accounts"):
                equity = account.cash_quanta + sum(held.lots * marks[held.market] for held in account.positions)
                assert equity >= 0, f"{key.hex()} owes {-equity} although no mark moved"


class MovingMachine(LedgerMachine):
    """The same with moves of the mark: accounts may come to owe, but nothing is made or lost."""

    @rule(market=markets, per_mille=st.integers(-400, 400))
    def move(self, market: int, per_mille: int) -> None:
        """The mark jumps by up to 40 percent."""
        self.moved = True
        self.driver.mark(MARK_QUANTA[market] * (1000 + per_mille) // 1000, market)
        self.driver.run([])


def random_actions(random: Random, person: Person, middle: dict[int, int]) -> list[tx_pb2.Action]:
    """What a poor and busy account sends in one envelope."""
    acts = []
    for _ in range(random.randint(1, 4)):
        market = random.choice((BTC, ETH))
        price = middle[market] + random.randint(-4, 4) * TICK_QUANTA[market]
        choice = random.random()
        if choice < 0.1:
            acts.append(builders.cancel_all(random.choice((0, market))))
        elif choice < 0.14:
            acts.append(builders.withdraw(random.randint(1, 30_000_000)))
        elif choice < 0.17:
            acts.append(builders.transfer(random.choice(PEOPLE), random.randint(1_000_000, 9_000_000)))
        elif choice < 0.19:
            acts.append(builders.faucet(person, random.randint(1_000_000, 20_000_000)))
        else:
            acts.append(builders.place(
                random.choice((BUY, SELL)), price, random.randint(1, 5), market=market,
                time_in_force=random.choice(KINDS), reduce_only=random.random() < 0.15, stp=random.randint(0, 3)))
    return acts


@pytest.mark.parametrize("seed", range(4))
def test_poor_and_busy(seed: int) -> None:
    """A long random walk over moving marks, in which margin refuses, removes and lets through."""
    random = Random(seed)
    machine = MovingMachine()
    machine.start()
    machine.moved = True
    middle = dict(MARK_QUANTA)
    seen: set[str] = set()
    for step in range(250):
        for market in (BTC, ETH):
            middle[market] += random.randint(-60, 60) * 10 * TICK_QUANTA[market]
            machine.driver.mark(middle[market], market)
        txs = [machine.driver.envelope(person, *random_actions(random, person, middle),
                                       all_or_nothing=random.random() < 0.1)
               for person in random.choices(PEOPLE, k=5)]
        for outcome in machine.driver.run(txs).txs:
            seen |= {done.reason for done in outcome.result.actions}
            seen |= {f"cancelled {event.order_cancelled.reason}" for event in outcome.events
                     if event.HasField("order_cancelled")}
        if step % 5 == 0:
            machine.laws_hold()
        if step % 60 == 30:
            machine.restart()
    machine.laws_hold()
    wanted = {"MARGIN_INSUFFICIENT", "COLLATERAL_INSUFFICIENT", "cancelled 3", "cancelled 2", "cancelled 5"}
    assert wanted <= seen, wanted - seen


for machine in (LedgerMachine, MovingMachine):
    machine.TestCase.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
TestLedger = LedgerMachine.TestCase
TestLedgerWithMovingMarks = MovingMachine.TestCase
