"""Funding: what positions owe, and that the pool keeps the crumbs and nothing else."""

import pytest

from app.accounts.types import Account, Position
from app.funding import rules
from app.funding.types import Funding
from app.invariants import audit
from app.margin.state import account_standing, equity
from tests.helpers import builders, ledger
from tests.helpers.builders import ALICE, BOB, BTC
from tests.helpers.driver import Driver

E9 = 10**9


@pytest.mark.parametrize(("lots", "way_e9", "owed"), [
    (3, 1_500_000_000, 5), (-3, 1_500_000_000, -4), (3, -1_500_000_000, -4), (-3, -1_500_000_000, 5),
    (0, E9, 0), (7, 0, 0),
])
def test_payment_rounds_against_the_account(lots: int, way_e9: int, owed: int) -> None:
    """FUND-001: 3 lots over 1.5 quanta owe 4.5, so 5; the other side gets 4."""
    assert rules.payment(lots, 40 + way_e9, 40) == owed


def set_index(driver: Driver, index_e9: int) -> None:
    """Write a funding index as if blocks had led there."""
    driver.chain.ctx.funding.put(BTC, Funding(index_e9))
    batch = driver.chain._stage()[2]
    driver.reader.write(batch)
    driver.chain._merge()


def test_funding_is_settled_before_a_fill_and_counts_in_equity_before_that() -> None:
    """FUND-002, FUND-003: both sides settle when they trade, the pool keeps half a quantum each."""
    driver = Driver()
    driver.do(BOB, builders.sell(46_000_000, 3))
    driver.do(ALICE, builders.buy(46_000_000, 3))
    ctx = driver.chain.ctx
    alice, bob = ALICE.account(), BOB.account()
    before = {key: equity(driver.chain.view, ctx.accounts.peek(key)) for key in (alice, bob)}
    set_index(driver, 1_500_000_000)
    assert [equity(driver.chain.view, ctx.accounts.peek(key)) - before[key] for key in (alice, bob)] == [-5, 4]
    assert account_standing(driver.chain.view, ctx.accounts.peek(alice)).equity == before[alice] - 5
    cash = {key: ctx.accounts.peek(key).cash_quanta for key in (alice, bob)}
    fees = 2 * 46_000_000 * 100 // 10**6, 2 * 46_000_000 * 500 // 10**6
    trades = [(BOB, builders.buy(46_000_000, 2)), (ALICE, builders.sell(46_000_000, 2))]
    driver.run([driver.envelope(person, action) for person, action in trades])
    gas = 2 * 30_000  # at most: the fee of an envelope is its gas
    assert ctx.accounts.peek(alice).position(BTC) == Position(BTC, 1, 46_000_000, funding_index_e9=1_500_000_000)
    assert ctx.accounts.peek(bob).position(BTC).funding_index_e9 == 1_500_000_000
    moved = ctx.accounts.peek(alice).cash_quanta - cash[alice] - 2 * 46_000_000
    assert -5 - max(fees) - gas <= moved <= -5 - min(fees)
    assert driver.chain.ctx.funds.peek(b"funding/\x00\x00\x00\x01").balance_quanta == 1
    audit(ctx)
    ledger.check(driver.reader)
    driver.restart()
    audit(driver.chain.ctx)


def test_an_account_without_lots_owes_nothing() -> None:
    """FUND-002: orders alone pay no funding, and their position takes the index when it first fills."""
    driver = Driver()
    set_index(driver, 7 * E9)
    driver.do(BOB, builders.sell(46_000_000, 3))
    assert equity(driver.chain.view, Account(5, positions={BTC: Position(BTC, open_buy_lots=2)})) == 5
    driver.do(ALICE, builders.buy(46_000_000, 3))
    assert driver.chain.ctx.accounts.peek(BOB.account()).position(BTC).funding_index_e9 == 7 * E9
    assert driver.chain.ctx.funds.peek(b"funding/\x00\x00\x00\x01").balance_quanta == 0
    audit(driver.chain.ctx)
