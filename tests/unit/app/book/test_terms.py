"""Good-til-time, iceberg, pegged, protection, one-cancels-other: the README's numbers, refusals, restarts."""

import pytest

from app.invariants import audit
from app.limits import MAX_GROUP, MAX_PEAKS, MAX_PEGGED_A_MARKET
from novation.v1 import events_pb2
from tests.helpers import builders as b
from tests.helpers import ledger
from tests.helpers.builders import ALICE, BOB, BTC, BUY, CAROL, DAVE, MARK_QUANTA, SELL
from tests.helpers.driver import BLOCK_TIME_NS, Driver

MARK = MARK_QUANTA[BTC]
TICK = 500
SECOND = BLOCK_TIME_NS


@pytest.fixture
def driver() -> Driver:
    """A fresh chain."""
    return Driver()


def events_of(driver: Driver, *txs: bytes, step_ns: int = SECOND) -> list[events_pb2.Event]:
    """Run a block after a restart; all its events. Audited."""
    driver.restart()
    result = driver.run(list(txs), step_ns)
    audit(driver.chain.ctx)
    ledger.check(driver.reader)
    return [*result.events, *[event for tx in result.txs for event in tx.events]]


def cancelled(events: list[events_pb2.Event]) -> list[tuple[int, int]]:
    """(client id, reason) of what was cancelled."""
    gone = [event.order_cancelled for event in events if event.HasField("order_cancelled")]
    return [(event.client_id, event.reason) for event in gone]


def fills(events: list[events_pb2.Event]) -> list[tuple[int, int]]:
    """(client id of the maker, lots) of fills."""
    return [(event.fill.maker_client_id, event.fill.size_lots) for event in events if event.HasField("fill")]


def take(driver: Driver, side: int, lots: int, price: int = MARK) -> bytes:
    """Dave takes."""
    return driver.envelope(DAVE, b.place(side, price, lots, time_in_force=b.IMMEDIATE_OR_CANCEL))


def shown(driver: Driver, side: int = SELL) -> list[tuple[int, int, int]]:
    """(client id, shown, hidden) in the order of matching."""
    return [(order.client_id, order.open_lots - order.hidden_lots, order.hidden_lots)
            for _, order in ledger.book(driver.reader, BTC)[side]]


def test_good_til_time(driver: Driver) -> None:
    """BOOK-015: it trades in the block of its last time, and goes in the next one before any transaction."""
    end = driver.time_ns + 2 * SECOND
    driver.do(ALICE, b.sell(MARK, 5, expires=end, client_id=1), b.sell(MARK, 5, client_id=2))
    assert fills(events_of(driver, take(driver, BUY, 1))) == [(1, 1)]
    events = events_of(driver, take(driver, BUY, 1))
    assert cancelled(events) == [(1, events_pb2.CANCEL_REASON_EXPIRED)] and fills(events) == [(2, 1)]
    assert driver.refused(ALICE, b.sell(MARK, 5, expires=end)) == "ORDER_EXPIRED"
    assert driver.refused(ALICE, b.sell(MARK, 5, expires=end + 10**18, time_in_force=2)) == "ORDER_TIME_IN_FORCE"


def test_an_expired_order_never_fills(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    """BOOK-015: even while it waits to be removed: a taker that meets it removes it, and goes on."""
    monkeypatch.setattr("app.book.hooks.MAX_EXPIRED_A_BLOCK", 0)
    driver.do(ALICE, *[b.sell(MARK, 1, expires=driver.time_ns + SECOND, client_id=index) for index in (1, 2, 3)])
    driver.do(BOB, b.sell(MARK, 1, client_id=9))
    events = events_of(driver, take(driver, BUY, 1))
    assert cancelled(events) == [(index, events_pb2.CANCEL_REASON_EXPIRED) for index in (1, 2, 3)]
    assert fills(events) == [(9, 1)]


def test_replace_keeps_terms(driver: Driver) -> None:
    """BOOK-012, BOOK-015: the replacement has the terms of what it replaces; an expired one is not replaced."""
    end = driver.time_ns + 2 * SECOND
    driver.do(ALICE, b.sell(MARK, 9, expires=end, display=2, client_id=1))
    driver.do(ALICE, b.replace(MARK + TICK, 8, client_id=1))
    assert shown(driver) == [(1, 2, 6)]
    assert cancelled(events_of(driver)) == [(1, events_pb2.CANCEL_REASON_EXPIRED)]


def test_iceberg_by_the_readme(driver: Driver) -> None:
    """BOOK-016: A shows 2 of 6, B 3: a buy of 7 takes 2 of A, 3 of B, 2 of A; A's last peak stands last."""
    driver.do(ALICE, b.sell(MARK, 6, display=2, client_id=1))
    driver.do(BOB, b.sell(MARK, 3, client_id=2))
    assert shown(driver) == [(1, 2, 4), (2, 3, 0)]
    assert fills(events_of(driver, take(driver, BUY, 7))) == [(1, 2), (2, 3), (1, 2)]
    driver.do(BOB, b.sell(MARK, 3, client_id=3))
    assert shown(driver) == [(1, 2, 0), (3, 3, 0)]
    assert fills(events_of(driver, take(driver, BUY, 6))) == [(1, 2), (3, 3)]


def test_iceberg_shrinks_and_is_bounded(driver: Driver) -> None:
    """BOOK-016: shrinking takes from what is hidden; at most fifty peaks; a part of a peak keeps its place."""
    driver.do(ALICE, b.sell(MARK, 10, display=3, client_id=1))
    assert fills(events_of(driver, take(driver, BUY, 1))) == [(1, 1)]
    assert shown(driver) == [(1, 2, 7)]
    driver.do(ALICE, b.replace(MARK, 4, client_id=1))
    assert shown(driver) == [(1, 2, 2)]
    driver.do(ALICE, b.replace(MARK, 1, client_id=1))
    assert shown(driver) == [(1, 1, 0)]
    assert driver.refused(ALICE, b.sell(MARK, MAX_PEAKS + 1, display=1)) == "ORDER_DISPLAY"
    driver.do(ALICE, b.sell(MARK, MAX_PEAKS, display=1, client_id=2))
    assert fills(events_of(driver, take(driver, BUY, 60))) == [(1, 1)] + [(2, 1)] * MAX_PEAKS


def prices(driver: Driver, side: int) -> list[int]:
    """What stands on a side, in ticks from the mark, in the order of matching."""
    return [(order.price_quanta - MARK) // TICK for _, order in ledger.book(driver.reader, BTC)[side]]


def test_pegged_by_the_readme(driver: Driver) -> None:
    """BOOK-017: index 46,000.30, tick 0.5: a bid two ticks below stands at 45,999.00. It follows, pays, is last."""
    driver.run([])
    driver.mark(MARK + 300)
    driver.do(ALICE, b.buy(0, 4, peg=b.PEG_INDEX, offset=-2, time_in_force=b.POST_ONLY, client_id=1))
    assert prices(driver, BUY) == [-2]
    driver.do(BOB, b.buy(MARK + 8 * TICK, 1, client_id=2))
    driver.mark(MARK + 10 * TICK)
    cash = ledger.record(driver.reader, "accounts", ALICE.account()).cash_quanta  # type: ignore[union-attr]
    moved = [event.order_moved for event in events_of(driver) if event.HasField("order_moved")]
    assert [(event.before_quanta, event.fee_quanta) for event in moved] == [(MARK - 2 * TICK, 40)]
    assert prices(driver, BUY) == [8, 8] and shown(driver, BUY)[0][0] == 2
    after = ledger.record(driver.reader, "accounts", ALICE.account()).cash_quanta  # type: ignore[union-attr]
    assert after == cash - 40
    assert not events_of(driver)


def test_pegged_stays_off_the_other_side_and_its_limit(driver: Driver) -> None:
    """BOOK-017: one tick below the best ask; no worse than its limit; the mid does not count pegged orders."""
    driver.do(BOB, b.sell(MARK + 4 * TICK, 1), b.buy(MARK - 4 * TICK, 1))
    driver.do(ALICE, b.buy(0, 1, peg=b.PEG_MID, offset=9, time_in_force=b.POST_ONLY),
              b.sell(MARK + 2 * TICK, 1, peg=b.PEG_MID, offset=-9, time_in_force=b.POST_ONLY))
    assert (prices(driver, BUY), prices(driver, SELL)) == ([3, -4], [4, 4])
    driver.do(BOB, b.cancel_all())
    driver.do(BOB, b.sell(MARK + 100 * TICK, 1), b.buy(MARK + 20 * TICK, 1, time_in_force=b.IMMEDIATE_OR_CANCEL))
    assert not events_of(driver)
    driver.do(BOB, b.buy(MARK - 20 * TICK, 1))
    events_of(driver)
    assert prices(driver, BUY)[0] == 49


def test_pegs_that_are_refused_or_go(driver: Driver) -> None:
    """BOOK-017: no reference, no such offset, no post-only; too many; and what its account cannot carry goes."""
    peg = {"time_in_force": b.POST_ONLY, "peg": b.PEG_INDEX}
    assert driver.refused(ALICE, b.buy(0, 1, **{**peg, "peg": b.PEG_MID})) == "ORDER_PEG"
    assert driver.refused(ALICE, b.buy(0, 1, **peg, offset=-1_000_001)) == "ORDER_PEG"
    assert driver.refused(ALICE, b.buy(0, 1, **{**peg, "peg": 3})) == "ORDER_PEG"
    assert driver.refused(ALICE, b.buy(1, 1, **peg)) == "ORDER_PEG"
    assert driver.refused(ALICE, b.buy(0, 1, **{**peg, "time_in_force": 1})) == "ORDER_TIME_IN_FORCE"
    (placed,) = driver.do(ALICE, b.buy(0, 400_000, **peg, offset=-1, client_id=1))
    assert driver.refused(ALICE, b.replace(MARK, 1, order_id=placed.order_id)) == "ORDER_PEG"
    driver.do(BOB, *[b.buy(0, 1, **peg, offset=-9)] * (MAX_PEGGED_A_MARKET - 1))
    assert driver.refused(BOB, b.buy(0, 1, **peg)) == "ORDER_PEG_LIMIT"
    driver.mark(2 * MARK)
    events = events_of(driver)
    assert cancelled(events) == [(1, events_pb2.CANCEL_REASON_PEG)]
    assert sum(event.HasField("order_moved") for event in events) == MAX_PEGGED_A_MARKET - 1


def test_protection_by_the_readme(driver: Driver) -> None:
    """BOOK-018: limit 10, window 1 s: 6, half a second later 6, then 3: frozen, within the plan."""
    driver.do(ALICE, b.protect(10, SECOND, 5 * SECOND), *[b.sell(MARK, 3, client_id=index) for index in range(1, 7)],
              b.buy(MARK - TICK, 5, client_id=7), b.sell(b.MARK_QUANTA[b.ETH], 1, market=b.ETH, client_id=8))
    driver.do(BOB, b.sell(MARK, 9, client_id=9))
    assert fills(events_of(driver, take(driver, BUY, 6))) == [(1, 3), (2, 3)]
    assert fills(events_of(driver, take(driver, BUY, 6), step_ns=SECOND // 2)) == [(3, 3), (4, 3)]
    events = events_of(driver, take(driver, BUY, 6), step_ns=0)
    assert fills(events) == [(5, 3), (9, 3)]
    reason = events_pb2.CANCEL_REASON_PROTECTION
    assert sorted(cancelled(events)) == [(6, reason), (7, reason)]
    assert [event.protection_tripped.frozen_ns for event in events if event.HasField("protection_tripped")] == [
        driver.time_ns + 5 * SECOND]
    assert driver.refused(ALICE, b.sell(MARK, 1)) == "ORDER_PROTECTED"
    driver.do(ALICE, b.buy(MARK, 1, time_in_force=b.IMMEDIATE_OR_CANCEL))
    driver.do(ALICE, b.protect(10, SECOND))
    driver.do(ALICE, b.sell(MARK, 12, client_id=1))
    events = events_of(driver, take(driver, BUY, 15, MARK))
    assert fills(events) == [(9, 5), (1, 10)]
    driver.run([], 10**18)
    assert driver.refused(ALICE, b.sell(MARK, 1)) == "ORDER_PROTECTED"
    driver.do(ALICE, b.protect(0))
    driver.do(ALICE, b.sell(MARK, 1))
    assert driver.refused(ALICE, b.protect(1, 0)) == "PROTECTION_TERMS"


def test_frozen_orders_never_fill(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    """BOOK-018: orders that wait to be cleared are removed when met; setting the protection anew clears them first."""
    monkeypatch.setattr("app.book.hooks.MAX_CLEARED_A_BLOCK", 1)
    driver.do(ALICE, b.protect(1), *[b.sell(MARK, 1, client_id=index) for index in range(1, 6)])
    events = events_of(driver, take(driver, BUY, 1))
    assert fills(events) == [(1, 1)] and len(cancelled(events)) == 1
    assert not fills(events_of(driver, take(driver, BUY, 1)))
    driver.restart()
    monkeypatch.setattr("app.book.hooks.MAX_CLEARED_A_BLOCK", 0)
    driver.do(ALICE, b.protect(1), b.sell(MARK, 1, client_id=3))
    assert fills(events_of(driver, take(driver, BUY, 1))) == [(3, 1)]
    driver.restart()
    driver.do(ALICE, b.protect(0))
    audit(driver.chain.ctx)


def test_a_short_freeze_bars_until_all_is_cleared() -> None:
    """BOOK-018: more orders than a block clears, and a freeze of a nanosecond: what is left still trades no more, and
    protection may be taken away meanwhile.
    """
    people = tuple(b.Person(f"protected {number}") for number in range(7))
    driver = Driver(b.genesis((*people, ALICE, BOB)))
    for person in people:
        driver.do(person, b.protect(1, SECOND, 1))
        for start in (0, 100):
            driver.do(person, *[b.sell(MARK + TICK * (start + index > 0), 1) for index in range(100)])
    driver.do(ALICE, b.buy(MARK, 7, time_in_force=b.IMMEDIATE_OR_CANCEL))
    left = [person for person in people if driver.chain.view.orders.get(person.account())]
    assert len(left) == 2
    result = driver.run([driver.envelope(ALICE, b.buy(MARK + TICK, 2, time_in_force=b.IMMEDIATE_OR_CANCEL)),
                         driver.envelope(left[0], b.protect(0))])
    assert [tx.result.actions[0].filled_lots for tx in result.txs] == [0, 0]
    assert not any(driver.chain.view.orders.get(person.account()) for person in people)
    audit(driver.chain.ctx)


def test_one_cancels_the_others(driver: Driver) -> None:
    """BOOK-019: the first fill, part or whole, ends the other orders of the group, within the plan."""
    group = {"oco_id": 7}
    driver.do(ALICE, b.sell(MARK, 3, client_id=1, **group), b.sell(MARK, 3, client_id=2, **group),
              b.buy(MARK - TICK, 3, client_id=3, **group), b.sell(MARK + TICK, 3, client_id=4))
    driver.do(CAROL, b.sell(MARK, 2, client_id=8))
    events = events_of(driver, take(driver, BUY, 4, MARK + TICK))
    assert fills(events) == [(1, 3), (8, 1)]
    reason = events_pb2.CANCEL_REASON_ONE_CANCELS_OTHER
    assert cancelled(events) == [(2, reason), (3, reason)]
    assert [entry[0] for entry in shown(driver)] == [8, 4]
    assert driver.refused(ALICE, b.sell(MARK, 1, oco_id=1, time_in_force=2)) == "ORDER_TIME_IN_FORCE"
    driver.do(ALICE, *[b.sell(MARK + 9 * TICK, 1, oco_id=5)] * MAX_GROUP)
    assert driver.refused(ALICE, b.sell(MARK, 1, oco_id=5)) == "ORDER_GROUP"
    taken = events_of(driver, driver.envelope(BOB, b.sell(MARK + 90 * TICK, 1, oco_id=2, client_id=5)),
                      driver.envelope(BOB, b.buy(MARK, 2, oco_id=2)))
    assert cancelled(taken) == [(5, reason)]


def test_gas_of_terms(driver: Driver) -> None:
    """BOOK-015, BOOK-017, BOOK-019: what the end costs is paid at placement, above the 17,000 of a plain order."""
    end = driver.time_ns + 10**12
    plain, timed, grouped = driver.do(ALICE, b.buy(MARK - TICK, 1), b.buy(MARK - TICK, 1, expires=end),
                                      b.buy(MARK - TICK, 1, oco_id=3))
    assert plain.gas_used == 17_000
    assert (timed.gas_used, grouped.gas_used) == (17_000 + 8_000 + 1_120, 17_000 + 8_000 + 1_240)


