"""Whole lives of expiries against a model that knows nothing of the chain's code: it keeps who holds what, sums price
and time by itself, and pays what is in the money. Time leaps, prices move, nodes start anew, quotes stay about.
"""

from collections import defaultdict
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from app.events import ExpiryFixed, PositionSettled, SeriesListed, SeriesRemoved, SettlementPriceSet
from app.invariants import audit
from app.markets.types import CALL
from tests.helpers import builders as b
from tests.helpers import ledger
from tests.helpers.builders import Person
from tests.helpers.driver import Driver
from tests.helpers.listed import S, flat, with_options
from tests.helpers.twins import both

PEOPLE = tuple(Person(f"holder {number}") for number in range(4))
TERMS: dict[str, int] = {"daily": 1, "weekly": 0, "monthly": 0, "quarterly": 0, "short_s": 2_700, "shorts": 2,
                         "strikes": 2, "step_ppm": 20_000, "maker_fee_ppm": 0, "taker_fee_ppm": 0, "max_series": 60}
WINDOW_S, COUNTED_S = 1_800, 30


class Lives(RuleBasedStateMachine):
    """Two nodes, of which one runs each block twice and the other starts anew before each, and the model."""

    @initialize(seed=st.integers(100_000, 900_000))
    def begin(self, seed: int) -> None:
        genesis = with_options(b.genesis((*PEOPLE, b.ORACLE), gas_price_e6=0), **TERMS)
        self.drivers = [Driver(genesis, verify=lambda *_: True) for _ in range(2)]
        for driver in self.drivers:
            driver.surface = flat(seed, **TERMS)
        self.price = self.in_force = 46_000_000
        self.last_s = self.driver.time_ns // S
        self.sums: dict[int, list[int]] = defaultdict(lambda: [0, 0])  # expiry -> [seconds, price x seconds]
        self.series: dict[int, SeriesListed] = {}
        self.cash = {person.account(): 10**12 for person in PEOPLE}
        self.lots: dict[tuple[bytes, int], int] = {}
        self.step(1, [])
        self.step(1, [])

    @property
    def driver(self) -> Driver:
        return self.drivers[0]

    def step(self, seconds: int, txs: list[bytes]) -> None:
        """One block on both, and what the model makes of the time since the last one."""
        now = self.last_s + seconds
        for expiry in sorted({one.expiry_s for one in self.series.values()}):
            opens, until = expiry - WINDOW_S, min(now, self.last_s + COUNTED_S, expiry)
            counted = max(0, until - max(self.last_s, opens))
            self.sums[expiry][0] += counted
            self.sums[expiry][1] += counted * self.in_force
        result = both(self.drivers, txs, seconds * S)
        for event in [*result.occurred, *(one for tx in result.txs for one in tx.occurred)]:
            self.see(event)
        self.last_s, self.in_force = now, self.price

    def see(self, event: Any) -> None:
        """What the chain says must be what the model expects."""
        if isinstance(event, SeriesListed):
            assert event.expiry_s > self.driver.time_ns // S
            self.series[event.market] = event
        elif isinstance(event, ExpiryFixed):
            seconds, total = self.sums[event.expiry_s]
            assert event.price == (total // seconds if seconds else self.in_force)
            assert event.covered_ns == seconds * S
            self.sums[event.expiry_s].append(event.price)
        elif isinstance(event, SettlementPriceSet):
            one = self.series[event.market]
            beyond = 10 * self.sums[one.expiry_s][2] - one.strike_quanta
            assert event.price_quanta == max(0, beyond if one.right == CALL else -beyond)
        elif isinstance(event, PositionSettled):
            assert self.lots.pop((event.account, event.market)) == event.lots
            self.cash[event.account] += event.lots * event.price_quanta
        elif isinstance(event, SeriesRemoved):
            assert self.series.pop(event.market).expiry_s <= self.driver.time_ns // S
            assert all(market != event.market for _, market in self.lots)

    @rule(seconds=st.sampled_from((1, 5, 29, 31, 200, 900, 1_700, 4_000, 20_000)), per_mille=st.integers(-40, 40))
    def time_and_price(self, seconds: int, per_mille: int) -> None:
        self.price = max(1_000_000, self.price * (1_000 + per_mille) // 1_000)
        for driver in self.drivers:
            driver.mark(self.price)
        self.step(seconds, [])

    @rule(picks=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 3), st.integers(1, 3), st.integers(1, 9)),
                         min_size=1, max_size=4))
    def trade(self, picks: list[tuple[int, int, int, int]]) -> None:
        """Two trade at the mark in one block: the first sells, the second buys all of it."""
        txs, used = list[bytes](), list[int]()
        view = self.driver.chain.view
        for pick, one, other, lots in picks:
            live = [number for number in sorted(self.series) if number not in used]
            if not live:
                break
            number = live[pick % len(live)]
            mark = view.marks.get(number)
            assert mark is not None
            price = max(10_000, mark.price_quanta // 10_000 * 10_000)
            seller, buyer = PEOPLE[one], PEOPLE[(one + other) % 4]
            txs.append(self.driver.envelope(seller, b.cancel_all(), b.sell(price, lots, market=number)))
            txs.append(self.driver.envelope(buyer, b.cancel_all(), b.place(
                b.BUY, price, lots, market=number, time_in_force=b.FILL_OR_KILL)))
            used.append(number)
        self.traded(txs)

    def traded(self, txs: list[bytes]) -> None:
        """Orders may find others' quotes first, or a series that has just ended: the chain's fills are taken as told,
        and are as many lots for sellers as for buyers.
        """
        self.step(1, txs)
        self.lots = {at: lots for at, lots in self.holdings().items() if lots}
        for number in self.series:
            assert sum(lots for (_, market), lots in self.lots.items() if market == number) == 0
        for key in self.cash:
            account = self.driver.chain.view.accounts.get(key)
            assert account is not None
            self.cash[key] = account.cash_quanta
        assert sum(self.cash.values()) == len(PEOPLE) * 10**12

    def holdings(self) -> dict[tuple[bytes, int], int]:
        """Lots by account and series, zeros of what is quoted included."""
        found = {}
        for person in PEOPLE:
            account = self.driver.chain.view.accounts.get(person.account())
            assert account is not None
            found |= {(person.account(), market): held.lots for market, held in account.positions.items()}
        return found

    @rule(person=st.sampled_from(PEOPLE), pick=st.integers(0, 10**6), away=st.integers(1, 20))
    def quote(self, person: Person, pick: int, away: int) -> None:
        """An order that rests until its series ends, a trigger and a protection with it."""
        live = sorted(self.series)
        if live:
            number = live[pick % len(live)]
            self.traded([self.driver.envelope(
                person, b.cancel_all(), b.protect(50, market=number),
                b.place(b.BUY, 10_000 * away, 1, market=number, time_in_force=b.POST_ONLY),
                b.trigger(b.ABOVE, 10**9, b.SELL, 10_000, 1, market=number))])

    @invariant()
    def the_ledger_sums(self) -> None:
        if not hasattr(self, "drivers"):
            return
        audit(self.driver.chain.ctx)
        ledger.check(self.driver.reader)
        ledger.check_index(self.driver.reader, self.driver.chain.ctx.books)
        held = {at: lots for at, lots in self.holdings().items() if lots}
        assert held == self.lots
        for key, cash in self.cash.items():
            account = self.driver.chain.view.accounts.get(key)
            assert account is not None and account.cash_quanta == cash
        listed = {number for group in self.driver.chain.ctx.series.values() for number in group.values()}
        assert listed == set(self.series) == {number for number in self.driver.chain.ctx.books if number >= 10_000}
        assert self.drivers[1].chain.ctx.series == self.driver.chain.ctx.series
        fixings = {int.from_bytes(key[4:], "big") for key, _ in ledger.records(self.driver.reader, "fixings")}
        assert fixings <= {one.expiry_s for one in self.series.values()}


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=12, stateful_step_count=25, deadline=None)
