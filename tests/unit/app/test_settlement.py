"""How markets end: the window, the price, positions closed in cash, the fund, the sweep."""

import json

import pytest

from app.invariants import audit
from app.limits import SETTLEMENT_WINDOW_NS
from app.markets.holders import LONG, SHORT, holders
from app.markets.types import HALTED, QUARANTINED, SETTLED, SETTLING
from app.settlement import rules
from app.settlement.state import begin_settlement
from tests.helpers import builders, ledger
from tests.helpers.builders import ALICE, BOB, BTC, CAROL, DAVE, ORACLE
from tests.helpers.driver import GENESIS_TIME_NS, Driver

E9 = 10**9
EXPIRY_NS = GENESIS_TIME_NS + 2_400 * E9
FUTURE = {BTC: {"kind": "future", "expiry_ns": EXPIRY_NS}}


def record(driver: Driver):  # type: ignore[no-untyped-def]
    """The settlement record."""
    return driver.chain.view.settlements.get(BTC)


def status(driver: Driver) -> int:
    """The market's status now."""
    return driver.chain.view.markets.get(BTC).status


def fund(driver: Driver, key: bytes) -> int:
    """What a fund of the market holds."""
    return driver.chain.view.funds.get(key + b"/\x00\x00\x00\x01").balance_quanta


def wait(driver: Driver, seconds: int, step: int = 30) -> None:
    """Blocks of `step` seconds for so long."""
    for _ in range(seconds // step):
        driver.run([], step_ns=step * E9)


def price(driver: Driver, price_quanta: int) -> None:
    """The index from this moment on: it comes in a block that takes no time, so none is counted at the wrong price."""
    driver.mark(price_quanta)
    driver.run([], step_ns=0)


def whole(driver: Driver) -> None:
    """Every conservation law, before and after a restart."""
    audit(driver.chain.ctx)
    ledger.check(driver.reader)
    driver.restart()
    audit(driver.chain.ctx)


def mean(*parts: tuple[int, int]) -> int:
    """The settlement price of (price, minutes) parts."""
    return rules.settlement_price(sum(price * span for price, span in parts), sum(span for _, span in parts), 0)


def test_settlement_price() -> None:
    """SETL-003: 10 minutes at 45, 20 at 48: 47; with a gap 46,823,529; Derive's 1,966.67; no cover: the last price."""
    assert mean((45_000_000, 10), (48_000_000, 20)) == 47_000_000
    assert mean((45_000_000, 20), (48_000_000, 31)) == 46_823_529
    assert mean((195_000, 10), (197_500, 20)) == 196_666
    assert rules.settlement_price(0, 0, 7) == 7


@pytest.mark.parametrize(("last", "now", "counted"), [
    (0, 10, 0), (95, 105, 5), (100, 110, 10), (190, 215, 10), (120, 170, 30), (80, 115, 10), (300, 310, 0),
])
def test_counted_time(last: int, now: int, counted: int) -> None:
    """SETL-002: the window 100..200; at most 30 after a price was set; its ends inside a block."""
    assert rules.counted_ns(last, now, 100, 200, 30) == counted


def test_a_future_settles_in_cash() -> None:
    """SETL-001 to SETL-007: the mean of half an hour, orders cancelled, positions closed, the rest swept."""
    driver = Driver(builders.genesis(terms=FUTURE))
    driver.do(ALICE, builders.sell(46_000_000, 2))
    driver.do(BOB, builders.buy(46_000_000, 1))
    driver.do(CAROL, builders.buy(46_000_000, 1), builders.buy(40_000_000, 5))
    assert driver.chain.view.funding.get(BTC).rate_e9 == 0
    driver.run([])
    price(driver, 45_000_000)
    wait(driver, 600 - 4, step=4)
    assert record(driver) is None
    wait(driver, 570)
    assert record(driver).covered_ns == 570 * E9
    driver.run([], step_ns=30 * E9)
    price(driver, 48_000_000)
    driver.restart()
    wait(driver, 1_200)
    assert (record(driver).price_quanta, record(driver).covered_ns) == (47_000_000, SETTLEMENT_WINDOW_NS)
    assert status(driver) == 6
    assert driver.refused(DAVE, builders.buy(46_000_000, 1)) == "MARKET_NOT_TRADING"
    driver.mark(1)
    driver.run([])
    assert driver.chain.view.marks.get(BTC).price_quanta == 47_000_000
    assert (status(driver), record(driver).shortfall_quanta) == (7, 0)
    for person, profit in ((ALICE, -2_000_000), (BOB, 1_000_000), (CAROL, 1_000_000)):
        account = driver.chain.view.accounts.get(person.account())
        assert not account.positions
        fees = 2 * 4_600 if person is ALICE else 23_000
        gas = 10**12 + profit - fees - account.cash_quanta
        assert 0 <= gas < 20_000, person.name
    assert driver.chain.view.totals.get(BTC).open_interest_lots == 0
    assert driver.chain.view.orders.get(CAROL.account()) is None
    whole(driver)


def test_a_gap_counts_for_thirty_seconds() -> None:
    """SETL-002: a chain that stood still for the last 20 minutes settles at the mean of what was covered."""
    driver = Driver(builders.genesis(terms=FUTURE))
    driver.run([], step_ns=600 * E9)
    driver.run([])
    price(driver, 45_000_000)
    wait(driver, 600)
    driver.run([])
    price(driver, 48_000_000)
    driver.run([], step_ns=3_000 * E9)
    found = record(driver)
    covered = 1 + 600 + 1 + 30
    assert found.covered_ns == covered * E9
    assert found.price_quanta == (46_000_000 + 45_000_000 * 601 + 48_000_000 * 30) // covered


def test_a_chain_that_slept_through_the_window_takes_the_last_price() -> None:
    """SETL-003: nothing covered."""
    driver = Driver(builders.genesis(terms=FUTURE))
    driver.run([], step_ns=9_000 * E9)
    assert (record(driver).covered_ns, record(driver).price_quanta) == (0, 46_000_000)


def test_vega_s_numbers() -> None:
    """SETL-005: sold 2 at 1,000, settled at 42: +1,916; two that bought 1: -958 each."""
    terms = {**FUTURE[BTC], "tick_size": "0.000001", "lot_size": "1", "tick_quanta": 1, "maker_fee_ppm": 0,
             "taker_fee_ppm": 0}
    document = json.loads(builders.genesis(terms={BTC: terms}, gas_price_e6=0))
    document["feeds"][0].update(decimals=6, price=1_000)
    driver = Driver(json.dumps(document).encode())
    driver.do(ALICE, builders.sell(1_000, 2))
    driver.do(BOB, builders.buy(1_000, 1))
    driver.do(CAROL, builders.buy(1_000, 1))
    driver.mark(42)
    wait(driver, 2_400)
    wait(driver, 90)
    cash = [driver.chain.view.accounts.get(person.account()).cash_quanta - 10**12 for person in (ALICE, BOB, CAROL)]
    assert cash == [1_916, -958, -958]
    assert status(driver) == 7


def test_the_fund_pays_what_it_can() -> None:
    """SETL-006: never more than the debt, nor than there is. (What follows is in liquidation/test_final.py.)"""
    assert [rules.fund_pays(cash, held) for cash, held in ((-50, 80), (-50, 20), (10, 80), (-5, -3))] == [50, 20, 0, 0]


def test_any_market_can_be_wound_down_in_bounded_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """SETL-001, SETL-004, SETL-005, SETL-007: a perpetual by `begin_settlement`; orders and accounts, some a block; its
    funding pool ends in the insurance fund; the index of holders is right at each step and after a restart.
    """
    monkeypatch.setattr("app.settlement.hooks.MAX_SETTLED_ORDERS", 2)
    monkeypatch.setattr("app.liquidation.final.MAX_SETTLED_ACCOUNTS", 1)
    driver = Driver(builders.genesis(terms={BTC: {"funding_cap_e9": 40_000_000}}))
    driver.do(ALICE, builders.sell(46_000_000, 7))
    driver.do(BOB, builders.buy(46_000_000, 4))
    driver.do(CAROL, builders.buy(46_000_000, 3), *[builders.buy(45_000_000, 1)] * 3)
    ctx = driver.chain.ctx
    assert holders(ctx, BTC, LONG) == sorted((BOB.account(), CAROL.account()))
    assert holders(ctx, BTC, SHORT, 1) == [ALICE.account()]
    wait(driver, 3_000)
    begin_settlement(ctx, BTC, driver.time_ns + 60 * E9)
    begin_settlement(ctx, BTC, 1)  # again: nothing changes
    driver.reader.write(driver.chain._stage()[2])
    driver.chain._merge()
    wait(driver, 60)
    assert (status(driver), record(driver).price_quanta) == (6, 46_000_000)
    held = []
    for _ in range(5):
        driver.run([])
        held.append(len(holders(driver.chain.ctx, BTC, LONG)))
        whole(driver)
    assert held == [2, 2, 1, 0, 0]
    assert status(driver) == 7
    assert (fund(driver, b"funding"), fund(driver, b"insurance") >= 0) == (0, True)
    wait(driver, 60)
    assert status(driver) == 7


def quarantined(driver: Driver) -> None:
    """Let a funding step of the market fail once."""
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr("app.funding.hooks.measure_market", lambda _ctx, _number: {}["fault"])
        driver.run([])
    assert status(driver) == QUARANTINED


def test_a_future_in_quarantine_ends_with_it() -> None:
    """SETL-001: the first of its ends counts, not an expiry months away."""
    far = {BTC: {"kind": "future", "expiry_ns": GENESIS_TIME_NS + 90 * 86_400 * E9}}
    driver = Driver(builders.genesis(terms=far))
    driver.do(BOB, builders.sell(46_000_000, 2))
    driver.do(ALICE, builders.buy(46_000_000, 2))
    quarantined(driver)
    driver.run([], step_ns=86_400 * E9)
    wait(driver, 600)
    assert status(driver) == SETTLED
    whole(driver)


def test_quarantine_of_a_settling_market_takes_no_orders() -> None:
    """CMP-001: where a settlement price stands nobody trades any more, reduce-only neither; settlement goes on."""
    driver = Driver(builders.genesis(terms=FUTURE))
    driver.do(BOB, builders.sell(46_000_000, 2))
    driver.do(ALICE, builders.buy(46_000_000, 2))
    market = driver.chain.view.markets.get(BTC).copy()
    market.status = SETTLING
    market.quarantine(1, sealed=False)
    assert (market.status, market.sealed) == (QUARANTINED, True)


def test_a_market_that_winds_down_is_not_opened_by_hand() -> None:
    """MKT-006: once its settlement has begun, no status by hand."""
    driver = Driver(builders.genesis())
    begin_settlement(driver.chain.ctx, BTC, driver.time_ns + 2 * SETTLEMENT_WINDOW_NS)
    driver.chain.ctx.settlements.merge()
    assert driver.refused(ORACLE, builders.set_status(HALTED)) == "MARKET_STATUS"
