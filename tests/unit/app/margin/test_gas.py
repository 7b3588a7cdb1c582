"""What margin of a whole account costs, who pays for it, and that no hook stops for want of gas."""

import pytest

from app.accounts.types import Account, Position
from app.gas import POSITION, TOGETHER, TRANSFER, intrinsic_gas
from app.margin.state import allows_change
from app.markets.types import CALL
from client.envelopes import gas_for
from novation.v1 import tx_pb2
from tests.helpers import builders as b
from tests.helpers.builders import ALICE, BOB, BTC, CAROL, ETH, MARK_QUANTA, TICK_QUANTA
from tests.helpers.driver import Driver
from tests.helpers.listed import listed as with_series
from tests.helpers.listed import series
from tests.helpers.options import STRIKES, listed, number_of

MARK, TICK = MARK_QUANTA[BTC], TICK_QUANTA[BTC]
TIGHT = 140_000  # a limit that leaves next to nothing after a cancel of nothing


def portfolios(**terms: object) -> Driver:
    """Alice and Bob in portfolio margin."""
    driver = Driver(b.genesis(portfolios=(1, 2), terms={BTC: terms}))
    for person in (ALICE, BOB):
        driver.do(person, b.margin_mode(tx_pb2.MARGIN_MODE_PORTFOLIO))
    return driver


def tight(driver: Driver) -> bytes:
    """The last envelope of a block, whose gas limit is nearly used up."""
    return driver.envelope(CAROL, b.cancel(client_id=9), gas_limit=TIGHT)


def test_gas_006_portfolios_meet_at_the_end_of_a_block() -> None:
    """GAS-006: a batch market uncrosses two portfolios after an envelope that left no gas."""
    driver = portfolios(matching="batch")
    driver.run([driver.envelope(ALICE, b.buy(MARK, 2)), driver.envelope(BOB, b.sell(MARK, 2)), tight(driver)])
    assert driver.chain.view.accounts.get(ALICE.account()).position(BTC).lots == 2


@pytest.mark.parametrize("restarted", [False, True])
def test_gas_006_pegs_of_portfolios_move(restarted: bool) -> None:
    """GAS-006: a peg follows in the block after such an envelope, on a node that has just started as on the others."""
    driver = portfolios()
    driver.do(ALICE, b.buy(0, 4, peg=b.PEG_INDEX, offset=-2, time_in_force=b.POST_ONLY, client_id=1))
    driver.run([tight(driver)])
    if restarted:
        driver.restart()
    driver.mark(MARK + 100 * TICK)
    driver.run([])
    (order,) = driver.chain.view.orders.get(ALICE.account()).orders.values()
    assert order.price_quanta == MARK + 98 * TICK


def used(driver: Driver, person: b.Person, action: tx_pb2.Action) -> int:
    """The gas of one action, beside what its envelope costs by itself."""
    raw = driver.envelope(person, action, gas_limit=10**9)
    result = driver.run([raw])
    assert result.txs[-1].code == 0
    return int(result.txs[-1].gas_used) - intrinsic_gas(len(raw), 1)


def test_gas_007_money_that_leaves_a_portfolio() -> None:
    """GAS-007: its margin is asked once, and each position costs as in an order."""
    driver = portfolios()
    driver.do(ALICE, b.buy(MARK - 9 * TICK, 1), b.buy(MARK_QUANTA[ETH] - 100, 1, market=ETH))
    driver.do(CAROL, b.buy(MARK - 9 * TICK, 1), b.buy(MARK_QUANTA[ETH] - 100, 1, market=ETH))
    move = b.transfer(BOB, 1)
    assert used(driver, ALICE, move) == TRANSFER + 2 * TOGETHER
    assert used(driver, CAROL, move) == TRANSFER + 2 * POSITION


def test_gas_007_a_check_pays_for_what_it_asks() -> None:
    """GAS-007: an order for all positions and once more when it is refused; a maker's fill for what it holds."""
    ctx = listed()
    account = Account(10**15)
    for strike in STRIKES[:3]:
        account.set_position(Position(number_of(strike, CALL), -1))
    account.set_position(Position(number_of(STRIKES[3], CALL), 0, 0, 5, 5))
    changed = Position(number_of(STRIKES[4], CALL), 1)
    for cash, with_orders, positions in ((10**15, True, 5), (10**15, False, 4), (0, True, 5 + 4), (0, False, 4 + 3)):
        before = ctx.gas.used
        account.cash_quanta = cash
        assert allows_change(ctx, account, cash - 1, changed, with_orders=with_orders) == (cash > 0)
        assert ctx.gas.used - before == positions * TOGETHER


def test_gas_007_the_sdks_estimate_suffices_for_legs_in_options() -> None:
    """GAS-007: ALICE and CAROL hold twelve series; the client's own estimate is enough for a combo that meets CAROL in
    two of them, and for a block trade of both.
    """
    state = b.genesis(gas_price_e6=0, portfolios=(1,))
    driver = with_series(20, genesis=state, daily=1, weekly=0, monthly=0, quarterly=0, strikes=3)
    numbers = sorted(series(driver).values())
    asks = {number: driver.chain.view.marks.get(number).price_quanta // 10_000 * 10_000 + 10_000 for number in numbers}
    for person in (ALICE, CAROL):
        driver.do(person, b.margin_mode(tx_pb2.MARGIN_MODE_PORTFOLIO))
    driver.do(CAROL, *(b.sell(asks[number], 40, market=number) for number in numbers))
    driver.do(ALICE, *(b.buy(asks[number], 1, market=number) for number in numbers))
    assert len(numbers) == len(driver.chain.view.accounts.get(ALICE.account()).positions) == 12
    legs = [b.leg(number, b.BUY, asks[number], 30) for number in numbers[:2]]
    combo = b.combo(*legs)
    driver.run([driver.envelope(ALICE, combo, gas_limit=gas_for([combo]))])
    assert driver.chain.view.accounts.get(ALICE.account()).position(numbers[0]).lots == 31
    parts = [b.block_leg(number, b.BUY, asks[number], 300) for number in numbers[:2]]
    block = b.block(CAROL, b.block_terms(ALICE, CAROL, *parts, nonce=1_000))
    driver.run([driver.envelope(ALICE, block, gas_limit=gas_for([block]))])
    assert driver.chain.view.accounts.get(ALICE.account()).position(numbers[0]).lots == 331
