"""The book against a naive model: the same actions lead to the same answers, orders, positions, cash and fees."""

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from app.invariants import audit
from novation.v1 import tx_pb2
from tests.helpers import builders, ledger
from tests.helpers.builders import ALICE, BOB, BTC, BUY, CAROL, MARK_QUANTA, SELL, TICK_QUANTA
from tests.helpers.driver import BLOCK_TIME_NS, Driver
from tests.properties.naive_book import Answer, NaiveBook, Refused

PEOPLE = {person.name: person for person in (ALICE, BOB, CAROL)}
CASH_QUANTA = 1_000_000_000_000_000
TICK = TICK_QUANTA[BTC]

whos = st.sampled_from(sorted(PEOPLE))
sides = st.sampled_from((BUY, SELL))
prices = st.integers(-3, 3).map(lambda ticks: MARK_QUANTA[BTC] + ticks * TICK)
odd_prices = st.one_of(*[prices] * 9, st.sampled_from((0, 1, TICK + 1, MARK_QUANTA[BTC] + 1)))
lots = st.integers(1, 12)
odd_lots = st.one_of(*[lots] * 9, st.just(0))
kinds = st.sampled_from((builders.GOOD_TIL_CANCEL,) * 4 + (
    builders.IMMEDIATE_OR_CANCEL, builders.FILL_OR_KILL, builders.POST_ONLY))
order_options = st.fixed_dictionaries({
    "reduce_only": st.sampled_from((False, False, False, True)), "client_id": st.sampled_from((0, 0, 0, 1, 2, 3)),
    "stp": st.integers(0, 3)})


terms = st.fixed_dictionaries({
    "expires": st.sampled_from((0, 0, 1, 2, 5, 9)), "display": st.sampled_from((0, 1, 2, 3)),
    "oco_id": st.sampled_from((0, 0, 1, 2)), "reduce_only": st.sampled_from((False, False, True)),
    "client_id": st.sampled_from((0, 0, 1, 2, 3))})


def accepts_everything(_key: bytes, _message: bytes, _signature: bytes) -> bool:
    """Signatures have their own tests."""
    return True


class BookMachine(RuleBasedStateMachine):
    """One market, three rich accounts, every action of the book in any order."""

    @initialize()
    def start(self) -> None:
        """A fresh chain and a fresh model."""
        genesis = builders.genesis(tuple(PEOPLE.values()), cash_quanta=CASH_QUANTA, markets=1, gas_price_e6=0)
        self.driver = Driver(genesis, verify=accepts_everything)
        self.model = NaiveBook(BTC, TICK, 100, 500)
        self.seen: dict[str, int] = {}

    def both(self, who: str, action: tx_pb2.Action, wanted: Callable[[NaiveBook], Answer]) -> None:
        """Do an action on chain and model; they must agree on the answer or on the reason to refuse it."""
        self.model.begin(self.driver.time_ns + BLOCK_TIME_NS)
        trial = self.model.copy()
        try:
            answer, reason = wanted(trial), ""
            trial.end()
            self.model = trial
        except Refused as refusal:
            answer, reason = Answer(), str(refusal)
        outcome = self.driver.run([self.driver.envelope(PEOPLE[who], action)]).txs[0]
        assert outcome.code == 0, outcome.result
        done = outcome.result.actions[0]
        for event in outcome.events:
            name = event.WhichOneof("kind")
            name += f" {event.order_cancelled.reason}" if name == "order_cancelled" else ""
            self.seen[name] = self.seen.get(name, 0) + 1
        self.seen[done.reason] = self.seen.get(done.reason, 0) + 1
        assert done.reason == reason, (done, reason)
        found = Answer(done.order_id, done.filled_lots, done.filled_quote_quanta, done.open_lots, done.cancelled_orders)
        assert found == answer

    @rule(who=whos, side=sides, price=odd_prices, size=odd_lots, kind=kinds, options=order_options)
    def place(self, who: str, side: int, price: int, size: int, kind: int, options: dict[str, int]) -> None:
        """Any order."""
        action = builders.place(side, price, size, time_in_force=kind, **options)
        self.both(who, action, lambda model: model.place(who, side, price, size, kind, **options))

    @rule(who=whos, side=sides, price=prices, size=st.integers(1, 30), terms=terms,
          kind=st.sampled_from((1, 1, 1, 4, 2)))
    def place_with_terms(self, who: str, side: int, price: int, size: int, terms: dict[str, int], kind: int) -> None:
        """An order with an expiry, a peak or a group."""
        terms = {**terms, "expires": terms["expires"] and self.driver.time_ns + terms["expires"] * BLOCK_TIME_NS}
        action = builders.place(side, price, size, time_in_force=kind, **terms)
        self.both(who, action, lambda model: model.place(who, side, price, size, kind, **terms))

    @rule(who=whos, limit=st.sampled_from((0, 3, 10)), blocks=st.integers(1, 4), freeze=st.sampled_from((0, 2, 5)))
    def protect(self, who: str, limit: int, blocks: int, freeze: int) -> None:
        """Protection whose level drains by one or more lots a block."""
        window, freeze = limit * blocks * BLOCK_TIME_NS, freeze * BLOCK_TIME_NS
        self.both(who, builders.protect(limit, window, freeze), lambda model: model.protect(who, limit, window, freeze))

    @rule(who=whos, side=sides, ladder=st.lists(st.tuples(prices, lots), min_size=2, max_size=6))
    def quote(self, who: str, side: int, ladder: list[tuple[int, int]]) -> None:
        """Several orders one after the other, so that books get deep."""
        for price, size in ladder:
            self.place(who, side, price, size, builders.GOOD_TIL_CANCEL, {})

    def pick(self, data: st.DataObject, who: str) -> tuple[int, int]:
        """A reference to an order: mostly one of the account's, by id or client id, sometimes another's or nonsense."""
        mine = self.model.of(who)
        options = [(order.order_id, 0) for order in mine] + [(0, order.client_id) for order in mine if order.client_id]
        if options and data.draw(st.integers(0, 9)):
            return data.draw(st.sampled_from(options))
        strange = [(order.order_id, 0) for order in self.model.orders if order.who != who][:1]
        return data.draw(st.sampled_from([*strange, (0, 0), (7, 0), (0, 5), (1, 1)]))

    @rule(who=whos, data=st.data())
    def cancel(self, who: str, data: st.DataObject) -> None:
        """One order by one of its names."""
        order_id, client_id = self.pick(data, who)
        self.both(who, builders.cancel(order_id, client_id), lambda model: model.cancel(who, order_id, client_id))

    @rule(who=whos)
    def cancel_all(self, who: str) -> None:
        """All orders of an account."""
        self.both(who, builders.cancel_all(), lambda model: model.cancel_all(who))

    @rule(who=whos, data=st.data(), price=odd_prices, size=odd_lots, kind=kinds)
    def replace(self, who: str, data: st.DataObject, price: int, size: int, kind: int) -> None:
        """Another price or size; priority is kept only by shrinking in place."""
        order_id, client_id = self.pick(data, who)
        action = builders.replace(price, size, order_id=order_id, client_id=client_id, time_in_force=kind)
        self.both(who, action, lambda model: model.replace(who, order_id, client_id, price, size, kind))

    @rule()
    def restart(self) -> None:
        """The index is rebuilt from records."""
        self.driver.restart()

    @invariant()
    def same_state(self) -> None:
        """CLR-004: orders, positions, cash and fees are what the model says; and the ledger's own laws."""
        reader = self.driver.reader
        if not self.driver.height:
            return
        stored = ledger.book(reader, BTC)
        for side in (BUY, SELL):
            expected = [(PEOPLE[order.who].account(), order.order_id, order.price, order.lots, order.reduce_only,
                         order.client_id, order.priority, order.lots - order.shown) for order in self.model.queue(side)]
            assert [(account, order.order_id, order.price_quanta, order.open_lots, order.reduce_only, order.client_id,
                     order.priority, order.hidden_lots) for account, order in stored[side]] == expected
        for name, person in PEOPLE.items():
            account = ledger.record(reader, "accounts", person.account())
            held = {position.market: position.lots for position in account.positions}
            assert held.get(BTC, 0) == self.model.lots.get(name, 0)
            assert account.cash_quanta == CASH_QUANTA + self.model.cash.get(name, 0)
        assert ledger.earned(reader) == self.model.fees
        assert ledger.record(reader, "books", BTC.to_bytes(4, "big")).next_trade == self.model.trades + 1
        ledger.check(reader)
        ledger.check_index(reader, self.driver.chain.ctx.books)
        audit(self.driver.chain.ctx)


def random_step(machine: BookMachine, random: Random, with_terms: bool) -> None:
    """One action as a busy market sees it: prices near the middle, real references, every kind of order."""
    who, side, size = random.choice(sorted(PEOPLE)), random.choice((BUY, SELL)), random.randint(1, 12)
    price = MARK_QUANTA[BTC] + random.randint(-5, 5) * TICK
    mine = machine.model.of(who)
    choice = random.random()
    if choice < 0.12 and mine:
        machine.both(who, builders.cancel(mine[0].order_id), lambda model: model.cancel(who, mine[0].order_id))
    elif choice < 0.3 and mine:
        order, kind = random.choice(mine), random.choice((builders.GOOD_TIL_CANCEL, builders.POST_ONLY))
        price = random.choice((price, order.price))
        action = builders.replace(price, size, order_id=order.order_id, time_in_force=kind)
        machine.both(who, action, lambda model: model.replace(who, order.order_id, 0, price, size, kind))
    elif choice < 0.32:
        machine.both(who, builders.cancel_all(), lambda model: model.cancel_all(who))
    elif with_terms and choice < 0.33:
        machine.protect(who, random.choice((0, 20, 60)), random.randint(1, 3), random.choice((1, 3)))
    elif with_terms and choice < 0.6:
        options = {"expires": random.choice((0, 1, 3, 30)), "display": random.choice((0, 0, 2, 9)),
                   "oco_id": random.choice((0, 1, 2)), "reduce_only": random.random() < 0.1,
                   "client_id": random.choice((0, 0, *range(9)))}
        machine.place_with_terms(who, side, price, random.randint(1, 40), options, random.choice((1, 1, 1, 4)))
    else:
        kind = random.choice((builders.GOOD_TIL_CANCEL,) * 5 + (2, 3, 4))
        options = {"reduce_only": random.random() < 0.2, "client_id": random.choice((0, 0, 0, *range(9))),
                   "stp": random.randint(0, 3)}
        machine.place(who, side, price, size, kind, options)


@pytest.mark.parametrize("seed", range(6))
def test_busy_market(seed: int) -> None:
    """A long random walk, in which everything that can happen to an order happens."""
    random = Random(seed)
    machine = BookMachine()
    machine.start()
    for step in range(800):
        random_step(machine, random, with_terms=step >= 500)
        if step % 10 == 0:
            machine.same_state()
        if step % 100 == 50:
            machine.restart()
    machine.same_state()
    wanted = {"fill", "order_rested", "order_reduced", "ORDER_CLIENT_ID_USED", "ORDER_NOT_FILLABLE",
              "ORDER_WOULD_CROSS", "ORDER_REDUCES_NOTHING"}
    wanted |= {f"order_cancelled {reason}" for reason in (1, 2, 4, 5, 7, 31)}
    assert wanted <= machine.seen.keys(), wanted - machine.seen.keys()


BookMachine.TestCase.settings = settings(max_examples=50, stateful_step_count=50, deadline=None)
TestBook = BookMachine.TestCase
