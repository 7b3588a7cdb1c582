"""Breakers under random orders and jumping marks: nothing fills outside of the band, a halted market comes back at one
price, open interest stays below its cap, and nobody who restarts or runs a block twice sees anything else.
"""

from random import Random
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from app.breakers.rules import highest_price, lowest_price
from app.breakers.types import HALT
from app.invariants import audit
from tests.helpers import builders as b
from tests.helpers.builders import BTC, ETH, MARK_QUANTA, ORACLE, TICK_QUANTA, Person
from tests.helpers.driver import Driver
from tests.helpers.twins import both

PEOPLE = tuple(Person(f"banded {number}") for number in range(6))
E9 = 10**9
BAND, CAP = 20_000, 60
TERMS = {"order_band_ppm": 15_000, "fill_band_ppm": BAND, "halt_move_ppm": 30_000, "halt_window_ns": 30 * E9,
         "halt_auction_ns": 4 * E9, "halt_extensions": 2, "max_open_interest_lots": CAP}
ACTIVE, AUCTION = 1, 5


class Floor:
    """Two chains that run the same blocks, one of them restarted and run twice; what must hold after each block."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        genesis = b.genesis((*PEOPLE, ORACLE), cash_quanta=3_000_000_000, gas_price_e6=0, max_block_gas=10**9,
                            gap_ns=20 * E9, gap_cool_down_ns=10 * E9,
                            terms={BTC: TERMS, ETH: {**TERMS, "matching": "batch"}})
        self.drivers = [Driver(genesis, verify=lambda *_: True) for _ in range(2)]
        self.marks = dict(MARK_QUANTA)
        self.seen: set[str] = set()
        self.run([])

    @property
    def ctx(self) -> Any:
        """The context of the first chain."""
        return self.drivers[0].chain.ctx

    def run(self, txs: list[bytes], step_ns: int = E9) -> None:
        """One block on both chains."""
        status = {market: self.ctx.markets.get(market).status for market in (BTC, ETH)}
        interest = {market: self.ctx.totals.get(market).open_interest_lots for market in (BTC, ETH)}
        result = both(self.drivers, txs, step_ns)
        audit(self.ctx)
        events = [event for tx in result.txs for event in tx.events] + list(result.events)
        self.seen |= {event.WhichOneof("kind") for event in events}
        prices: dict[int, set[int]] = {BTC: set(), ETH: set()}
        for event in events:
            if event.HasField("fill"):
                fill = event.fill
                prices[fill.market].add(fill.price_quanta)
                mark, tick = self.marks[fill.market], TICK_QUANTA[fill.market]
                low, high = lowest_price(mark, BAND, tick), highest_price(mark, BAND, tick)
                assert low <= fill.price_quanta <= high, "nothing fills outside"
        for market in (BTC, ETH):
            if status[market] == AUCTION or market == ETH:
                assert len(prices[market]) <= 1, "all at one price"
            now = self.ctx.totals.get(market).open_interest_lots
            assert now <= max(CAP, interest[market]), "no more is opened than the cap allows"
            rows = self.ctx.breakers.get(market).rows
            halted = any(row.kind == HALT and row.tripped for row in rows)
            assert halted == (self.ctx.markets.get(market).status == AUCTION)

    def orders(self, count: int) -> list[bytes]:
        """Orders of all kinds around the marks, most within the band, and cancels."""
        random, made = self.random, []
        for _ in range(count):
            person, market = random.choice(PEOPLE), random.choice((BTC, BTC, ETH))
            tick = TICK_QUANTA[market]
            price = self.marks[market] * random.randint(980, 1_020) // 1_000 // tick * tick
            actions = [b.place(random.choice((1, 2)), price, random.randint(1, 12), market=market,
                               time_in_force=random.choice((1, 1, 1, 2, 3, 4)), reduce_only=random.random() < 0.2,
                               display=random.choice((0, 0, 2)) if random.random() < 0.3 else 0)]
            if random.random() < 0.1:
                actions.append(b.cancel_all())
            made.append(self.drivers[0].envelope(person, *actions))
        return made

    def jump(self, market: int, per_mille: int) -> None:
        """The mark moves, in a block of its own."""
        self.marks[market] = self.marks[market] * (1_000 + per_mille) // 1_000
        for driver in self.drivers:
            driver.mark(self.marks[market], market)
        self.run([])


class Trading(RuleBasedStateMachine):
    """Hypothesis chooses trades, jumps and pauses."""

    @initialize(seed=st.integers(0, 10_000))
    def start(self, seed: int) -> None:
        """A fresh floor."""
        self.floor = Floor(seed)

    @rule(count=st.integers(1, 12))
    def trade(self, count: int) -> None:
        """A block of orders."""
        self.floor.run(self.floor.orders(count))

    @rule(market=st.sampled_from((BTC, ETH)), per_mille=st.integers(-40, 40))
    def jump(self, market: int, per_mille: int) -> None:
        """A mark jumps."""
        self.floor.jump(market, per_mille)

    @rule(seconds=st.sampled_from((1, 4, 30)))
    def wait(self, seconds: int) -> None:
        """Time passes."""
        self.floor.run([], seconds * E9)


Trading.TestCase.settings = settings(max_examples=15, stateful_step_count=25, deadline=None)
TestTrading = Trading.TestCase


def test_a_wild_day() -> None:
    """BRK-004 to BRK-012: hundreds of blocks in which everything that can happen does."""
    seen: set[str] = set()
    for seed in range(2):
        floor = Floor(seed)
        for step in range(100):
            floor.run(floor.orders(8))
            if step % 4 == 0:
                floor.jump(floor.random.choice((BTC, ETH)), floor.random.randint(-35, 35))
            if step % 7 == 0:
                floor.run([], 4 * E9)
        seen |= floor.seen
    wanted = {"breaker_tripped", "breaker_extended", "breaker_ended", "uncrossed", "fill"}
    assert wanted <= seen, wanted - seen
