"""Debts that only assets back, through real blocks, by rule code."""

import json

import pytest

from app.collateral.types import TREASURY_FUND, asset_fund, insurance_fund
from app.invariants import audit
from app.liquidation.debts import collect_debts
from app.margin.health import candidates
from tests.helpers import builders as b
from tests.helpers import ledger
from tests.helpers.builders import ALICE, BOB, BTC, ETH, ORACLE
from tests.helpers.driver import Driver
from tests.helpers.votes import prices
from tests.unit.app.supposing import supposed

P = b.MARK_QUANTA[BTC]
COIN = 10**8
FUND = insurance_fund(BTC)
BITCOIN = {"asset": 1, "symbol": "BTC", "decimals": 8, "haircut_ppm": 100_000, "account_cap_units": COIN,
           "deposit_cap_units": 100 * COIN, "price_market": 1}
TOKEN = {"asset": 2, "symbol": "TOK", "decimals": 0, "haircut_ppm": 100_000, "account_cap_units": 10,
         "deposit_cap_units": 10**9, "price_quanta": 10}


def driver_of(insurance_quanta: int, *more: dict[str, object], **eth_feed: int) -> Driver:
    """Everybody has 1,000 USD, trading is free; the fund of the bitcoin market has `insurance_quanta`."""
    document = json.loads(b.genesis(cash_quanta=10**9, gas_price_e6=0, feeds={ETH: eth_feed},
                                    terms={BTC: {"insurance_quanta": insurance_quanta}}))
    for market in document["markets"]:
        market.update(maker_fee_ppm=0, taker_fee_ppm=0)
    document["assets"] = [BITCOIN, TOKEN, *more]
    return Driver(json.dumps(document).encode())


def owe(driver: Driver, coins: int = COIN) -> None:
    """Alice holds bitcoin and loses 15,000 USD to Bob: she owes 14,000."""
    driver.do(ORACLE, b.faucet(ALICE, coins, asset=1))
    driver.do(BOB, b.sell(P + 50_000_000, 300))
    driver.do(ALICE, b.buy(P + 50_000_000, 300))
    driver.do(BOB, b.buy(P, 300))
    driver.do(ALICE, b.sell(P, 300))


def holds(driver: Driver) -> tuple[int, int, int, int]:
    """Cash and bitcoin of Alice, cash and bitcoin of the market's fund."""
    ctx = driver.chain.ctx
    account, kept = ctx.accounts.peek(ALICE.account()), ctx.funds.peek(asset_fund(1, FUND))
    return (account.cash_quanta, account.units(1), ctx.funds.peek(FUND).balance_quanta,
            kept.balance_quanta if kept else 0)


@pytest.mark.parametrize("restarts", [False, True])
def test_liq_024_collected_when_the_asset_falls(restarts: bool) -> None:
    """LIQ-024, HLTH-002: covered at 15,600 USD a bitcoin (14,040), not at 15,500 (13,950): the fund buys it all, and 50
    stay owed; a node that has just started finds it in the same block.
    """
    driver = driver_of(20 * 10**9)
    owe(driver)
    driver.mark(15_600_000)
    driver.run([])
    assert holds(driver) == (-14 * 10**9, COIN, 20 * 10**9, 0)
    if restarts:
        driver.restart()
    with supposed(driver.chain.ctx, 15_500_000):
        assert ALICE.account() in candidates(driver.chain.ctx)
    driver.mark(15_500_000)
    events = driver.run([]).events
    assert [(event.asset_seized.market, event.asset_seized.units, event.asset_seized.paid_quanta) for event in events
            if event.HasField("asset_seized")] == [(BTC, COIN, 13_950_000_000)]
    assert holds(driver) == (-50_000_000, 0, 6_050_000_000, COIN)
    driver.run([])
    assert holds(driver) == (-50_000_000, 0, 6_050_000_000, COIN)
    audit(driver.chain.ctx)
    ledger.check(driver.reader)


def test_liq_024_a_grain_without_a_price_to_trust_holds_nothing_up() -> None:
    """LIQ-024, LIQ-025: Alice also has a unit of ether, whose price is stale: her bitcoin go all the same, the ether
    does not; nor does the bitcoin while ether at half its price more would cover what she owes (10,800 of 14,000).
    """
    ether = BITCOIN | {"asset": 3, "symbol": "ETH", "price_market": ETH}
    for units, bought in ((1, True), (COIN // 2, False)):
        driver = driver_of(20 * 10**9, ether, max_age_ns=10**9)
        driver.do(ORACLE, b.faucet(ALICE, units, asset=3))
        owe(driver)
        driver.record = lambda: [  # type: ignore[method-assign]
            driver.voters.record(driver.height, prices({BTC: driver.prices[BTC]}))]  # noqa: B023
        driver.run([], step_ns=5 * 10**9)
        driver.mark(15_500_000 if bought else 10_000)
        driver.run([])
        assert (holds(driver)[1] == 0) == bought
        assert driver.chain.ctx.accounts.peek(ALICE.account()).units(3) == units
        audit(driver.chain.ctx)
        ledger.check(driver.reader)


def test_liq_024_as_far_as_the_fund_has_cash() -> None:
    """LIQ-024: a fund of 4,500 USD buys for 4,500; what it cannot buy waits, and stays with its owner."""
    driver = driver_of(4_500_000_000)
    owe(driver)
    driver.mark(10_000_000)
    driver.run([])
    assert holds(driver) == (-9_500_000_000, COIN // 2, 0, COIN // 2)
    driver.run([])
    assert holds(driver) == (-9_500_000_000, COIN // 2, 0, COIN // 2)
    audit(driver.chain.ctx)


def test_liq_024_a_market_that_is_not_open_buys_nothing() -> None:
    """LIQ-024, LIQ-001: while the market is halted its price is not trusted; afterwards the debt is collected."""
    driver = driver_of(20 * 10**9)
    owe(driver)
    driver.do(ORACLE, b.set_status(3))
    driver.mark(10_000_000)
    driver.run([])
    assert holds(driver)[:2] == (-14 * 10**9, COIN)
    driver.do(ORACLE, b.set_status(1))
    driver.run([])
    assert holds(driver)[:2] == (-5 * 10**9, 0)


@pytest.mark.parametrize(("purse", "lots", "left"), [(1_000, 0, (-10, 0)), (45, 0, (-55, 5)), (1_000, 1, (-100, 10))])
def test_liq_024_the_treasury_buys_what_has_a_fixed_price(purse: int, lots: int, left: tuple[int, int]) -> None:
    """LIQ-024: owed 100 against 10 units that count for 90: all for 90, 10 stay owed. Who has lots is not asked."""
    driver = driver_of(0)
    driver.do(ALICE, b.faucet(ALICE, 10, asset=2))
    if lots:
        driver.do(BOB, b.sell(P, lots))
        driver.do(ALICE, b.buy(P, lots))
    ctx = driver.chain.ctx
    ctx.journal.savepoint()
    ctx.accounts.edit(ALICE.account()).cash_quanta = -100
    ctx.funds.edit(TREASURY_FUND).balance_quanta = purse
    collect_debts(ctx)
    account = ctx.accounts.get(ALICE.account())
    assert (account.cash_quanta, account.units(2)) == left
    ctx.journal.rollback()
    ctx.events.clear()
    audit(ctx)
