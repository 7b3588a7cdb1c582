"""Positions that move between the accounts of one owner, through real blocks."""

import json

import pytest

from app.accounts.types import Position
from app.invariants import audit
from app.margin.state import account_standing
from tests.helpers import builders as b
from tests.helpers import ledger
from tests.helpers.builders import ALICE, BOB, BTC
from tests.helpers.driver import Driver

P, T = b.MARK_QUANTA[BTC], b.TICK_QUANTA[BTC]


@pytest.fixture
def driver() -> Driver:
    """Alice is long 10 bought at the mark with 100 USD, bob short and rich; nothing costs fees."""
    document = json.loads(b.genesis(cash_quanta=100_000_000, gas_price_e6=0))
    document["markets"][0].update(maker_fee_ppm=0, taker_fee_ppm=0, max_position_lots=40)
    driver = Driver(json.dumps(document).encode())
    driver.do(ALICE, b.buy(P, 10))
    driver.do(BOB, b.faucet(BOB, 1_000_000_000), b.sell(P, 10))
    return driver


def equities(driver: Driver, *numbers: int) -> list[int]:
    """Equity of alice's accounts."""
    ctx = driver.chain.ctx
    return [account_standing(ctx, ctx.accounts.peek(ALICE.account(number))).equity for number in numbers]


def held(driver: Driver, number: int) -> Position:
    """Alice's position in an account."""
    return driver.chain.ctx.accounts.peek(ALICE.account(number)).position(BTC)


def check(driver: Driver) -> None:
    """All conservation laws."""
    audit(driver.chain.ctx)
    ledger.check(driver.reader)


def test_marg_012_a_position_is_isolated_and_comes_back(driver: Driver) -> None:
    """MARG-012: 4 of 10 lots with 20 USD into a new account; profit there follows those alone; then all come back."""
    result = driver.run([driver.envelope(ALICE, b.isolate(7, 4, 20_000_000))])
    moved = result.txs[0].events[-1].position_moved
    assert (moved.to.number, moved.lots, moved.entry_quanta, moved.cash_quanta) == (7, 4, 4 * P, 20_000_000)
    assert equities(driver, 0, 7) == [80_000_000, 20_000_000]
    assert [held(driver, number).lots for number in (0, 7)] == [6, 4]
    driver.mark(P - 1_000_000)
    driver.run([])
    assert equities(driver, 0, 7) == [74_000_000, 16_000_000]
    driver.restart()
    driver.do(ALICE, b.isolate(0, 0, 1_000_000), number=7)
    assert equities(driver, 0, 7) == [75_000_000 - 4_000_000, 19_000_000]
    assert held(driver, 0) == Position(BTC, 10, 10 * P)
    check(driver)


def test_marg_013_both_must_carry_what_they_hold(driver: Driver) -> None:
    """MARG-013: the target needs initial margin; the source keeps what a withdrawal would leave, or parts with more
    need than means.
    """
    assert driver.refused(ALICE, b.isolate(7, 4, 9_199_999)) == "MARGIN_INSUFFICIENT"
    # 6 lots stay: a tenth of their notional is 27.6 USD, and 72.4 may go.
    assert driver.refused(ALICE, b.isolate(7, 4, 72_400_001)) == "MARGIN_MOVE_SOURCE"
    driver.do(ALICE, b.isolate(7, 4, 72_400_000))
    assert driver.refused(ALICE, b.isolate(7, 1, 5_000_000)) == "MARGIN_MOVE_SOURCE"  # frees 4.6 only
    driver.do(ALICE, b.isolate(7, 1, 4_600_000))
    assert driver.refused(ALICE, b.withdraw(1)) == "COLLATERAL_INSUFFICIENT"
    check(driver)


def test_marg_013_unrealised_profit_does_not_leave(driver: Driver) -> None:
    """MARG-013, COLL-004: after a rise, cash that rests on profit cannot be carried away with one lot."""
    driver.mark(P + 10_000_000)  # profit 100 USD
    # Realised are 100 USD; 9 lots at 56 need 50.4 USD to stay.
    assert driver.refused(ALICE, b.isolate(3, 1, 49_600_001)) == "MARGIN_MOVE_SOURCE"
    driver.do(ALICE, b.isolate(3, 1, 49_600_000))
    check(driver)


def test_marg_012_what_cannot_be_moved(driver: Driver) -> None:
    """MARG-012, MARG-013: no such lots, the other side, the same account, a crumb, a market that does not trade."""
    assert driver.refused(ALICE, b.isolate(0, 4)) == "COLLATERAL_SAME_ACCOUNT"
    assert driver.refused(ALICE, b.isolate(7, 11, 5_000_000)) == "MARGIN_MOVE"
    assert driver.refused(ALICE, b.isolate(7, 0, 5_000_000, market=b.ETH)) == "MARGIN_MOVE"
    assert driver.refused(ALICE, b.isolate(7, 1, 5)) == "COLLATERAL_NEW_ACCOUNT"
    assert driver.refused(ALICE, b.isolate(7, 1, 10**18)) == "COLLATERAL_AMOUNT"
    assert driver.refused(ALICE, b.isolate(7, 1, 5_000_000, market=9)) == "MARKET_NOT_FOUND"
    driver.do(ALICE, b.transfer(ALICE, 30_000_000, number=7))
    driver.do(ALICE, b.sell(P + T, 1), number=7)
    driver.do(BOB, b.buy(P + T, 1))
    assert driver.refused(ALICE, b.isolate(7, 1)) == "MARGIN_MOVE"  # that account is short
    driver.do(ALICE, b.faucet(ALICE, 100_000_000, number=8))
    driver.do(ALICE, b.buy(P - 80_000 * T, 39), number=8)
    assert driver.refused(ALICE, b.isolate(8, 2)) == "MARGIN_POSITION_LIMIT"
    check(driver)


def test_marg_012_settles_funding_of_both(driver: Driver) -> None:
    """MARG-012, FUND-002: what either owes goes to the pool first, so both go on from the same index."""
    driver.do(ALICE, b.isolate(7, 4, 30_000_000))
    for index in (2_000_000_000, 3_500_000_000):
        ctx = driver.chain.ctx
        ctx.funding.live[BTC] = ctx.funding.peek(BTC).copy()
        ctx.funding.live[BTC].index_e9 = index
        ctx.risks.clear()
        before = equities(driver, 0, 7)
        driver.do(ALICE, b.isolate(7, 1, 0))
        assert sum(equities(driver, 0, 7)) == sum(before)
        assert [held(driver, number).funding_index_e9 for number in (0, 7)] == [index, index]
