"""The end of an expiry: its fixing, what each series pays, who is paid, and what is left."""

from typing import Any

import pytest

from app.events import ExpiryFixed, PositionSettled, SeriesRemoved, SettlementPriceSet
from app.invariants import audit
from app.markets.types import CALL, HALTED, PUT, QUARANTINED
from app.options import hooks
from app.surface.state import expiry_key
from tests.helpers import builders as b
from tests.helpers import ledger
from tests.helpers.driver import Driver
from tests.helpers.listed import expiries, listed, series, with_options

S = 10**9
MINUTE = 60
DAY = {"daily": 1, "weekly": 0, "monthly": 0, "quarterly": 0, "strikes": 3}
SHORT = {"daily": 0, "weekly": 0, "monthly": 0, "quarterly": 0, "short_s": 3_600, "shorts": 1, "strikes": 2}


def until(driver: Driver, time_s: int, step_s: int = 10) -> list[Any]:
    """Blocks up to a time, the last one exactly then; what happened outside of envelopes."""
    seen: list[Any] = []
    while driver.time_ns < time_s * S:
        result = driver.run([], min(step_s * S, time_s * S - driver.time_ns))
        seen += result.occurred
        audit(driver.chain.ctx)
    ledger.check(driver.reader)
    ledger.check_index(driver.reader, driver.chain.ctx.books)
    return seen


def hourly(**terms: Any) -> tuple[Driver, int]:
    """A chain with one expiry at the next full hour, of which 46 minutes are left at genesis."""
    driver = listed(3, **{**SHORT, **terms})
    expiry, seen = expiries(driver.time_ns, **SHORT)[0], driver.surface
    assert seen is not None
    driver.surface = lambda time_ns: tuple(one for one in seen(time_ns) if one.expiry_s == expiry)
    return driver, expiry


def of(events: list[Any], kind: type) -> list[Any]:
    """The events of a kind."""
    return [event for event in events if isinstance(event, kind)]


def test_opt_010_opt_011_a_fixing_and_what_it_pays() -> None:
    """OPT-010, OPT-011: 20 minutes at 46,000 and 10 at 46,300: fixed at 46,100; the call 46,000 pays 100, its put 0."""
    driver, expiry = hourly()
    numbers = series(driver)
    call, put = (numbers[f"BTC-14NOV23T230000-46000-{letter}"] for letter in "CP")
    price = 2_000_000
    driver.do(b.ALICE, b.sell(price, 10, market=call), b.sell(price, 7, market=put))
    driver.do(b.BOB, b.buy(price, 10, market=call), b.buy(price, 7, market=put))
    paid = {person: driver.chain.view.accounts.get(person.account()).cash_quanta  # type: ignore[union-attr]
            for person in (b.ALICE, b.BOB)}
    until(driver, expiry - 10 * MINUTE)
    driver.mark(46_300_000)
    until(driver, expiry - 10 * MINUTE + 1, 1)  # the price is in force from this block on
    fixing = driver.chain.ctx.fixings.get(expiry_key(1, expiry))
    assert fixing is not None and fixing.covered_ns == (20 * MINUTE + 1) * S
    events = until(driver, expiry)
    fixed = of(events, ExpiryFixed)
    mean = (46_000_000 * (20 * MINUTE + 1) + 46_300_000 * (10 * MINUTE - 1)) // (30 * MINUTE)
    assert [(one.price, one.covered_ns) for one in fixed] == [(mean, 30 * MINUTE * S)]
    assert 46_099_000 < mean < 46_100_000
    prices = {one.market: one.price_quanta for one in of(events, SettlementPriceSet)}
    assert sorted(prices) == sorted(numbers.values())
    assert (prices[call], prices[put]) == (mean * 10 - 460_000_000, 0)
    settled = {(one.market, one.lots) for one in of(events, PositionSettled)}
    assert settled == {(call, 10), (call, -10), (put, 7), (put, -7)}
    for person, sign in ((b.ALICE, -1), (b.BOB, 1)):
        account = driver.chain.view.accounts.get(person.account())
        assert account is not None and not account.positions
        assert account.cash_quanta - paid[person] == sign * 10 * prices[call]


def test_opt_003_nothing_is_left_of_a_series() -> None:
    """OPT-003: orders, triggers, protections and every record of its series go with an expiry, and the fixing too; a
    node that starts anew has the same.
    """
    driver, expiry = hourly()
    call = series(driver)["BTC-14NOV23T230000-46000-C"]
    driver.do(b.ALICE, b.buy(1_000_000, 3, market=call), b.protect(5, market=call),
              b.trigger(b.ABOVE, 400_000_000, b.BUY, 1_000_000, 1, market=call, source=b.MARK))
    driver.do(b.BOB, b.protect(5, market=b.BTC))
    events = until(driver, expiry) + until(driver, expiry + 5, 1)
    assert {one.market for one in of(events, SeriesRemoved)} == set(range(10_000, call + 8))
    assert series(driver) == {} and driver.chain.ctx.fixings.get(expiry_key(1, expiry)) is None
    assert sorted(driver.chain.ctx.protecting) == [b.BTC]
    for table in ledger.TABLES:
        numbers = [int.from_bytes(key, "big") for key, _ in ledger.records(driver.reader, table) if len(key) == 4]
        assert not [number for number in numbers if 10_000 <= number < 20_000], table
    assert not list(ledger.records(driver.reader, "fixings"))
    assert [key[-4:] for key, _ in ledger.records(driver.reader, "protections")] == [b"\0\0\0\1"]
    assert not list(ledger.records(driver.reader, "triggers")) and not list(ledger.records(driver.reader, "orders"))
    driver.restart()
    driver.run([])


def test_opt_010_a_price_that_cannot_be_trusted_does_not_count() -> None:
    """OPT-010: as SETL-002: silence in the window is not counted beyond the age of the feed; without any time it waits,
    then takes the last price.
    """
    driver = Driver(with_options(b.genesis(feeds={1: {"max_age_ns": 60 * S}}), **SHORT))
    driver.surface = listed(1, **SHORT).surface
    for _ in range(3):
        driver.run([])
    expiry = expiries(driver.time_ns, **SHORT)[0]
    until(driver, expiry - 32 * MINUTE)
    record, driver.record = driver.record, list  # type: ignore[method-assign]
    until(driver, expiry)
    assert series(driver)
    fixing = driver.chain.ctx.fixings.get(expiry_key(1, expiry))
    assert fixing is not None and not fixing.fixed and fixing.covered_ns == 0
    driver.record = record  # type: ignore[method-assign]
    driver.mark(47_000_000)
    events = until(driver, expiry + 20)
    assert [(one.price, one.covered_ns) for one in of(events, ExpiryFixed)] == [(47_000_000, 0)]


@pytest.mark.parametrize("state", ["halted", "quarantined", "market behind halted"])
def test_opt_011_whatever_state_it_is_in(state: str) -> None:
    """OPT-011: a halted series, one in quarantine, and one whose market behind is halted end at their expiry."""
    driver, expiry = hourly()
    call = series(driver)["BTC-14NOV23T230000-45950-C"]
    driver.do(b.ALICE, b.sell(2_000_000, 4, market=call))
    driver.do(b.BOB, b.buy(2_000_000, 4, market=call))
    if state == "quarantined":
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("app.marks.state.price_on", lambda shared, market: 1 // 0)
            driver.run([])
        record = driver.chain.view.markets.get(call)
        assert record is not None and record.status == QUARANTINED
    else:
        driver.do(b.ORACLE, b.set_status(HALTED, call if state == "halted" else b.BTC))
    events = until(driver, expiry + 3)
    assert {one.market: one.price_quanta for one in of(events, SettlementPriceSet)}[call] == 500_000
    assert {one.lots for one in of(events, PositionSettled)} == {4, -4}
    assert series(driver) == {}


def test_opt_013_a_quarantine_that_is_over_before_expiry() -> None:
    """OPT-013: the series ends at what it is worth then; one whose rules still raise at its mark."""
    driver = listed(3, **{**DAY, "daily": 3})
    numbers = sorted(series(driver).values())
    one, other = numbers[0], numbers[1]
    for number in (one, other):
        driver.do(b.ALICE, b.sell(8_000_000, 4, market=number))
        driver.do(b.BOB, b.buy(8_000_000, 4, market=number))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.marks.state.price_on", lambda shared, market: 1 // 0)
        driver.run([])
    marks = {number: driver.chain.view.marks.get(number).price_quanta for number in (one, other)}  # type: ignore[union-attr]

    def broken(ctx: Any, market: Any) -> int:
        return hooks_price(ctx, market) if market.market == one else 1 // 0

    hooks_price = hooks.option_price
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.options.hooks.option_price", broken)
        driver.run([], 86_400 * S)
        events = driver.run([]).occurred + driver.run([]).occurred + driver.run([]).occurred
    prices = {event.market: event.price_quanta for event in of(events, SettlementPriceSet)}
    assert prices.get(other, marks[other]) == marks[other]
    assert one not in driver.chain.ctx.books and other not in driver.chain.ctx.books
    audit(driver.chain.ctx)


def test_opt_013_a_feed_without_a_price_for_three_days() -> None:
    """OPT-013, ORCL-013: all series end at what they are worth by the last that was known."""
    driver = Driver(with_options(b.genesis(feeds={1: {"max_age_ns": 120 * S}}), daily=5, weekly=0, monthly=0,
                                 quarterly=0, strikes=1))
    driver.surface = listed(1, daily=5, weekly=0, monthly=0, quarterly=0).surface
    for _ in range(12):
        driver.run([])
    assert len(series(driver)) == 20
    driver.record = list  # type: ignore[method-assign]
    for _ in range(28):
        driver.run([], 3 * 3_600 * S)
        audit(driver.chain.ctx)
    assert series(driver) == {}


def test_opt_012_many_at_once_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """OPT-012: what is bounded takes several blocks, and comes to the same."""
    monkeypatch.setattr("app.liquidation.final.MAX_SETTLED_ACCOUNTS", 25)
    monkeypatch.setattr("app.settlement.hooks.MAX_SETTLED_ORDERS", 6)
    monkeypatch.setattr("app.options.hooks.MAX_REMOVED_A_BLOCK", 3)
    driver, expiry = hourly()
    numbers = sorted(series(driver).values())
    for number in numbers:
        driver.do(b.ALICE, b.sell(5_000_000, 1, market=number), b.sell(9_000_000, 1, market=number))
        driver.do(b.BOB, b.buy(5_000_000, 1, market=number))
    before = sum(driver.chain.view.accounts.get(one.account()).cash_quanta for one in (b.ALICE, b.BOB))  # type: ignore[union-attr]
    until(driver, expiry)
    blocks = 0
    while series(driver):
        until(driver, driver.time_ns // S + 1, 1)
        blocks += 1
        assert blocks < 20
    assert blocks >= 3
    after = sum(driver.chain.view.accounts.get(one.account()).cash_quanta for one in (b.ALICE, b.BOB))  # type: ignore[union-attr]
    assert before == after


def test_opt_001_bands_are_shares_of_the_index() -> None:
    """OPT-001, BRK-004: 2 % of 46,000 around the mark: a call of 100 may be bid up to 1,020, and asked for a tick."""
    driver, _ = hourly()
    call = series(driver)["BTC-14NOV23T230000-46000-C"]
    mark = driver.chain.view.marks.get(call)
    assert mark is not None
    most = (mark.price_quanta + 9_200_000) // 10_000 * 10_000
    assert driver.refused(b.ALICE, b.buy(most + 10_000, 1, market=call)) == "BREAKER_ORDER_BAND"
    driver.do(b.ALICE, b.buy(most, 1, market=call))
    driver.do(b.BOB, b.sell(10_000, 1, market=call))
    right = driver.chain.view.markets.get(call)
    assert right is not None and right.right == CALL != PUT
