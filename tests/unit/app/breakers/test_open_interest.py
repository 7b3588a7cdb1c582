"""Caps on open interest: what opens more is refused, what closes never is."""

import pytest

from app.breakers import rules
from app.invariants import audit
from novation.v1 import events_pb2
from tests.helpers import builders as b
from tests.helpers.builders import ALICE, BOB, BTC, CAROL, DAVE
from tests.helpers.driver import Driver
from tests.unit.app.breakers.test_bands import kinds, status, whole

MARK = 46_000_000


def capped(most: int = 100, **terms: object) -> Driver:
    """A chain whose BTC market may have so many lots open."""
    return Driver(b.genesis(terms={BTC: {"max_open_interest_lots": most, **terms}}))


def interest(driver: Driver) -> int:
    """The lots that are open."""
    return int(driver.chain.view.totals.get(BTC).open_interest_lots)


def test_brk_010_the_cap() -> None:
    """BRK-010: in lots, by value, the lower of both, none."""
    assert rules.open_interest_cap(100, 0, MARK) == 100
    assert rules.open_interest_cap(0, 1_000_000_000, MARK) == 21
    assert rules.open_interest_cap(20, 1_000_000_000, MARK) == 20
    assert rules.open_interest_cap(0, 1, MARK) == 0
    assert rules.open_interest_cap(0, 0, MARK) == rules.NO_CAP
    assert [rules.may_open(95, change, 100) for change in (5, 6, 0, -3)] == [True, False, True, True]
    assert [rules.may_open(120, change, 100) for change in (1, 0, -1)] == [False, True, True]


def test_brk_010_fills_beyond_the_cap_are_refused() -> None:
    """BRK-010: 95 are open; 5 more are fine, 6 are not, and what moves lots from one holder to another is."""
    driver = capped()
    driver.do(BOB, b.sell(MARK, 200))
    driver.do(ALICE, b.buy(MARK, 95))
    assert driver.refused(CAROL, b.buy(MARK, 6)) == "BREAKER_OPEN_INTEREST"
    details = {one.key: one.value for one in driver.act(CAROL, b.buy(MARK, 6)).actions[0].metadata}
    assert (details["most_lots"], details["open_lots"], details["would_be_lots"]) == ("100", "95", "101")
    driver.do(CAROL, b.buy(MARK, 5))
    driver.do(CAROL, b.buy(MARK - 500, 50))  # rests: opens nothing
    assert interest(driver) == 100
    driver.do(ALICE, b.sell(MARK - 500, 30))  # from Alice to Carol, though not marked as reducing
    driver.do(ALICE, b.sell(MARK - 500, 10, reduce_only=True))
    assert interest(driver) == 100
    whole(driver)


def test_brk_010_reducing_is_allowed_above_the_cap() -> None:
    """BRK-010: the cap by value falls below what is open when the mark rises; whoever closes still may."""
    driver = capped(0, max_open_interest_quanta=460_000_000)
    driver.do(BOB, b.sell(MARK, 30))
    driver.do(ALICE, b.buy(MARK, 10))
    driver.mark(92_000_000)
    driver.run([])
    assert driver.refused(CAROL, b.buy(MARK, 1)) == "BREAKER_OPEN_INTEREST"
    driver.do(BOB, b.cancel_all(), b.buy(MARK, 3))
    driver.do(ALICE, b.sell(MARK, 3))
    assert interest(driver) == 7
    whole(driver)


def test_brk_012_tripped_at_the_cap() -> None:
    """BRK-012: from the block that reaches the cap to the first that ends below it."""
    driver = capped(10)
    driver.do(BOB, b.sell(MARK, 10))
    result = driver.run([driver.envelope(ALICE, b.buy(MARK, 10))])
    assert "breaker_tripped" in kinds(result)
    row = driver.chain.view.breakers.get(BTC).rows[0]
    assert (row.kind, row.reason, row.tripped, row.value, row.limit, row.ends_ns) == (2, 3, True, 10, 10, 0)
    assert kinds(driver.run([])) == []
    driver.restart()
    driver.do(BOB, b.buy(MARK, 1))
    result = driver.run([driver.envelope(ALICE, b.sell(MARK, 1))])
    assert "breaker_ended" in kinds(result)
    whole(driver)


@pytest.mark.parametrize(("lots", "short", "long", "room", "most"), [
    (20, 2, 3, 4, 9), (5, 2, 3, 4, 5), (20, 0, 0, 0, 0), (7, 7, 0, 0, 7), (7, 0, 7, 0, 7)])
def test_brk_011_lots_within_the_cap(lots: int, short: int, long: int, room: int, most: int) -> None:
    """BRK-011: what they close, and the room."""
    assert rules.lots_within_cap(lots, short, long, room) == most


def test_brk_011_at_one_price() -> None:
    """BRK-011: a pair fills as far as there is room; the younger order goes, the next one finds none."""
    driver = capped(12, matching="batch")
    driver.do(BOB, b.sell(MARK, 8), b.sell(MARK, 8))
    result = driver.run([driver.envelope(ALICE, b.buy(MARK, 6)), driver.envelope(CAROL, b.buy(MARK, 10))])
    assert interest(driver) == 12
    fills = [event.fill.size_lots for event in result.events if event.HasField("fill")]
    assert sum(fills) == 12
    gone = [event.order_cancelled for event in result.events if event.HasField("order_cancelled")]
    assert [(one.reason, one.cancelled_lots, one.side) for one in gone] == [
        (events_pb2.CANCEL_REASON_OPEN_INTEREST, 4, b.BUY)]
    assert status(driver) == 1
    whole(driver)


def test_brk_011_who_closes_trades_although_there_is_no_room() -> None:
    """BRK-011: at the cap, a long sells to one who opens: open interest stays; two who both open find no room."""
    driver = capped(10, matching="batch")
    driver.run([driver.envelope(BOB, b.sell(MARK, 10)), driver.envelope(ALICE, b.buy(MARK, 10))])
    driver.run([driver.envelope(ALICE, b.sell(MARK, 4)), driver.envelope(CAROL, b.buy(MARK, 4))])
    assert interest(driver) == 10
    driver.run([driver.envelope(DAVE, b.sell(MARK, 4)), driver.envelope(CAROL, b.buy(MARK, 4))])
    assert interest(driver) == 10
    assert driver.chain.view.accounts.get(CAROL.account()).position(BTC).lots == 4
    audit(driver.chain.ctx)
    whole(driver)
