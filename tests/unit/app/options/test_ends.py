"""What cannot be done to a series that ends, and what a node that has just started does alike."""

import pytest

from tests.helpers import builders as b
from tests.helpers.driver import Driver
from tests.unit.app.options.test_expiry import hourly, series, until

S = 10**9


def test_trig_001_book_018_nothing_waits_in_a_market_that_settles() -> None:
    """TRIG-001, BOOK-018, OPT-003: a trigger from before the end is reached by it and another cannot take its place, so
    the series goes; nor can a protection be set.
    """
    driver, expiry = hourly()
    call = series(driver)["BTC-14NOV23T230000-46000-C"]
    waits = b.trigger(b.ABOVE, 400_000_000, b.BUY, 1_000_000, 1, market=call, source=b.LAST)
    until(driver, expiry - 2)
    driver.do(b.ALICE, waits, b.protect(5, market=call))
    result = driver.act(b.ALICE, waits, b.protect(5, market=call))
    assert result.actions[0].reason == "MARKET_NOT_TRADING"
    assert driver.chain.view.markets.get(call) is not None
    until(driver, expiry + 5, 1)
    assert series(driver) == {}


def test_setl_006_who_has_equity_is_not_asked_for_its_margin(monkeypatch: pytest.MonkeyPatch) -> None:
    """SETL-006: at an expiry each series looks for who owes; where nobody does, no account's margin is worked out."""
    driver, expiry = hourly()
    for number in sorted(series(driver).values())[:4]:
        driver.do(b.ALICE, b.sell(2_000_000, 4, market=number))
        driver.do(b.BOB, b.buy(2_000_000, 4, market=number))
    until(driver, expiry - 1)
    asked: list[object] = []
    monkeypatch.setattr("app.liquidation.final.trusted_standing", lambda _ctx, account: asked.append(account))
    until(driver, expiry + 3, 1)
    assert series(driver) == {} and not asked


def test_acct_005_positions_are_gone_through_by_market() -> None:
    """ACCT-005: ETH is opened before BTC; with both feeds silent a withdrawal is refused for BTC, a restart or not."""
    results = []
    for starts_anew in (False, True):
        driver = Driver(b.genesis(feeds={1: {"max_age_ns": 10 * S}, 2: {"max_age_ns": 10 * S}}))
        for market in (b.ETH, b.BTC):
            price = b.MARK_QUANTA[market] - b.MARK_QUANTA[market] % b.TICK_QUANTA[market]
            driver.do(b.ALICE, b.buy(price, 1, market=market))
            driver.do(b.BOB, b.sell(price, 1, market=market))
        driver.record = list  # type: ignore[method-assign]
        driver.run([], 20 * S)
        if starts_anew:
            driver.restart()
        results.append(driver.act(b.ALICE, b.withdraw(1_000_000)))
    assert results[0] == results[1]
    assert results[0].actions[0].reason == "ORACLE_UNTRUSTED"
    assert results[0].actions[0].metadata[0].value == str(b.BTC)
