"""Whatever has tripped: cancelling, reducing and depositing go on."""

from collections.abc import Callable

import pytest

from app.breakers.types import GAP, HALT, OPEN_INTEREST, SYSTEM, WITHDRAWALS
from novation.v1 import tx_pb2
from tests.helpers import builders as b
from tests.helpers.builders import ALICE, BOB, BTC, ORACLE
from tests.helpers.driver import Driver
from tests.unit.app.breakers.test_bands import MARK, REDUCE_ONLY, whole

E9 = 10**9
TERMS = {"order_band_ppm": 60_000, "fill_band_ppm": 60_000, "halt_move_ppm": 100_000, "halt_window_ns": 60 * E9,
         "halt_auction_ns": 100 * E9, "halt_extensions": 2, "max_open_interest_lots": 100}


def traded() -> Driver:
    """Alice is long 50 and Bob short, each with an order and Alice with a trigger besides."""
    driver = Driver(b.genesis(terms={BTC: TERMS}, withdraw_hour_quanta=5_000_000, gap_ns=60 * E9, sweep_accounts=9,
                              stress_ppm=200_000))
    driver.do(BOB, b.sell(MARK, 50), b.sell(46_500_000, 3))
    driver.do(ALICE, b.buy(MARK, 50), b.buy(45_000_000, 3, client_id=1), b.buy(45_000_000, 3, client_id=2),
              b.trigger(b.BELOW, 40_000_000, b.SELL, 39_000_000, 5, reduce_only=True, client_id=3))
    return driver


def nothing(driver: Driver) -> None:
    """No breaker has tripped."""


def halted(driver: Driver) -> None:
    """The mark jumped."""
    driver.mark(52_000_000)
    driver.run([])
    driver.run([])


def halted_while_reduce_only(driver: Driver) -> None:
    """The mark of a market that may only be left jumped."""
    driver.do(ORACLE, b.set_status(REDUCE_ONLY))
    halted(driver)


def met_outside(driver: Driver) -> None:
    """An order met what rests too far from the mark."""
    driver.mark(49_600_000)
    driver.run([])
    driver.do(BOB, b.buy(49_600_000, 1))


def at_the_cap(driver: Driver) -> None:
    """Nothing more may be opened."""
    driver.do(BOB, b.sell(MARK, 50))
    driver.do(ALICE, b.buy(MARK, 50))


def withdrawals_full(driver: Driver) -> None:
    """No more may leave in this hour."""
    driver.do(BOB, b.withdraw(4_000_000))
    assert driver.refused(ALICE, b.withdraw(4_000_000)) == "BREAKER_WITHDRAWALS"


def not_insured(driver: Driver) -> None:
    """Insurance does not cover the stress test any more: Alice has sent away most of what she had."""
    driver.do(ALICE, b.transfer(BOB, 999_700_000_000))
    driver.run([])


def stood_still(driver: Driver) -> None:
    """The chain did not move for five minutes."""
    driver.run([], step_ns=300 * E9)


SITUATIONS: dict[Callable[[Driver], None], tuple[int, ...]] = {
    nothing: (), halted: (HALT,), halted_while_reduce_only: (HALT,), met_outside: (HALT,),
    at_the_cap: (OPEN_INTEREST,), withdrawals_full: (WITHDRAWALS,),
    stood_still: (GAP, HALT), not_insured: (SYSTEM,)}
ACTIONS: dict[str, Callable[[int], tx_pb2.Action]] = {
    "cancel": lambda mark: b.cancel(client_id=1),
    "cancel all": lambda mark: b.cancel_all(),
    "cancel trigger": lambda mark: b.cancel_trigger(every=True),
    "reduce": lambda mark: b.sell(mark, 4, reduce_only=True),
    "reduce far away": lambda mark: b.sell(2 * mark, 4, reduce_only=True),
    "replace by less": lambda mark: b.replace(45_000_000, 1, client_id=2),
    "deposit": lambda mark: b.faucet(ALICE, 5_000_000),
}


@pytest.mark.parametrize("name", ACTIONS)
@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.__name__)
def test_brk_002_always_possible(situation: Callable[[Driver], None], name: str) -> None:
    """BRK-002: every action that cancels, reduces or deposits, in every state."""
    driver = traded()
    situation(driver)
    rows = [row for scope in (0, BTC) if (record := driver.chain.view.breakers.get(scope)) for row in record.rows]
    assert tuple(row.kind for row in rows if row.tripped) == SITUATIONS[situation]
    driver.restart()
    mark = driver.chain.view.marks.get(BTC).price_quanta
    assert driver.do(ALICE, ACTIONS[name](mark))
    whole(driver)
