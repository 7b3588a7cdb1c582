"""A combo that is refused is one that never was; one that fills is its legs done in turn. Chains that do the one and
the other end with the same app hash, which is every byte of the state.
"""

from dataclasses import dataclass
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.invariants import audit
from novation.v1 import tx_pb2
from tests.helpers import builders as b
from tests.helpers import ledger
from tests.helpers.builders import BTC, BUY, ETH, MARK_QUANTA, SELL, TICK_QUANTA, Person
from tests.helpers.driver import Driver

MAKERS = tuple(Person(f"combo maker {number}") for number in range(4))
TAKER = Person("combo taker")
NOTHING = b.cancel(client_id=1 << 40)  # an action that fails and changes nothing
STATE = b.genesis((*MAKERS, TAKER), cash={MAKERS[0]: 3_000_000, TAKER: 10**12}, cash_quanta=40_000_000,
                  gas_price_e6=0, terms={ETH: {"max_open_interest_lots": 25}})


@dataclass(frozen=True)
class Leg:
    """A leg as a combo has it and as an order is."""

    market: int
    side: int
    ticks: int
    lots: int
    reduce_only: bool

    @property
    def price(self) -> int:
        """Its limit."""
        return MARK_QUANTA[self.market] + self.ticks * TICK_QUANTA[self.market]

    def as_leg(self) -> tx_pb2.ComboLeg:
        """For a combo."""
        return b.leg(self.market, self.side, self.price, self.lots, reduce_only=self.reduce_only)

    def as_order(self, stp: int) -> tx_pb2.Action:
        """Alone, in full or not at all."""
        return b.place(self.side, self.price, self.lots, market=self.market, time_in_force=b.FILL_OR_KILL,
                       reduce_only=self.reduce_only, stp=stp)


def legs_in(markets: tuple[int, ...]) -> st.SearchStrategy[list[Leg]]:
    """One leg in each market, sometimes two in one."""
    return st.tuples(*(st.builds(Leg, st.just(market), st.sampled_from((BUY, SELL)), st.integers(-4, 4),
                                 st.integers(1, 9), st.sampled_from((False, False, False, True)))
                       for market in markets)).map(list)


legs_of = st.sampled_from(((BTC, ETH), (ETH, BTC))).flatmap(legs_in)
combos = st.lists(st.tuples(legs_of, st.integers(0, 3), st.sampled_from((1 << 62, 1 << 62, 0, -10_000_000))),
                  min_size=1, max_size=4)


def crowd_of(seed: int) -> list[tuple[Person, list[tx_pb2.Action]]]:
    """What rests on both books: of rich and poor makers, of the taker itself, in peaks and groups, protected."""
    random = Random(seed)
    acts: list[tuple[Person, list[tx_pb2.Action]]] = []
    for person in (*MAKERS, TAKER):
        actions = [b.protect(random.choice((0, 3, 9)), market=random.choice((BTC, ETH)))]
        for _ in range(random.randint(1, 6) if person is not TAKER else 2):
            market, side = random.choice((BTC, ETH)), random.choice((BUY, SELL))
            reach = random.randint(1, 5) * (-1 if side == BUY else 1)
            actions.append(b.place(side, MARK_QUANTA[market] + reach * TICK_QUANTA[market], random.randint(1, 9),
                                   market=market, time_in_force=b.POST_ONLY, display=random.choice((0, 2)),
                                   oco_id=random.choice((0, 0, 1))))
        acts.append((person, actions))
    return acts


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), combos)
def test_all_of_it_or_nothing(seed: int, wanted: list[tuple[list[Leg], int, int]]) -> None:
    """COMB-001, COMB-002: three chains: one does each combo, one nothing, one its legs as orders, all or none."""
    whole, none, apart = (Driver(STATE, verify=lambda *_: True) for _ in range(3))
    done: list[tuple[Person, list[tx_pb2.Action]]] = crowd_of(seed)
    for person, actions in done:
        for driver in (whole, none, apart):
            driver.act(person, *actions)
    for legs, stp, net in wanted:
        action = b.combo(*(leg.as_leg() for leg in legs), net=net, stp=stp)
        outcome = whole.run([whole.envelope(TAKER, action)]).txs[0]
        twin = whole.app_hash
        result = outcome.result.actions[0]
        if result.code:
            none.run([none.envelope(TAKER, NOTHING)])
            apart.run([apart.envelope(TAKER, NOTHING)])
        else:
            said = apart.act(TAKER, *(leg.as_order(stp) for leg in legs), all_or_nothing=True)
            assert not said.reason
            assert [(one.order_id, one.filled_lots, one.filled_quote_quanta) for one in said.actions] == [
                (one.order_id, one.filled_lots, one.filled_quote_quanta) for one in result.legs]
            assert [one.filled_lots for one in result.legs] == [leg.lots for leg in legs]
            none.act(TAKER, *(leg.as_order(stp) for leg in legs), all_or_nothing=True)
        assert none.app_hash == apart.app_hash == twin
    for driver in (whole, none):
        audit(driver.chain.ctx)
        ledger.check(driver.reader)
        ledger.check_index(driver.reader, driver.chain.ctx.books)
    whole.restart()
    none.restart()
    assert whole.run([]).app_hash == none.run([]).app_hash


@pytest.mark.parametrize("gas", range(200_000, 420_000, 20_000))
def test_out_of_gas_in_the_middle(gas: int) -> None:
    """COMB-001, GAS-002: wherever the gas ends, it is all or nothing."""
    whole, none = (Driver(STATE, verify=lambda *_: True) for _ in range(2))
    for driver in (whole, none):
        for person in MAKERS[1:]:
            driver.do(person, b.sell(MARK_QUANTA[BTC], 1), b.buy(MARK_QUANTA[ETH], 1, market=ETH))
    action = b.combo(b.leg(BTC, BUY, MARK_QUANTA[BTC], 3), b.leg(ETH, SELL, MARK_QUANTA[ETH], 3))
    failed = whole.act(TAKER, action, gas_limit=gas).actions[0].reason
    assert failed == ("TX_OUT_OF_GAS" if gas < 310_000 else "")
    none.act(TAKER, action if not failed else NOTHING)
    assert whole.app_hash == none.app_hash
