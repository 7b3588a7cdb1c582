"""Auctions and batch markets: orders meet at one price, the most that can, nobody at worse than the own limit."""

import json
from random import Random

import pytest

from app.book.rules import uniform_price
from app.invariants import audit
from novation.v1 import events_pb2
from tests.helpers import builders, ledger
from tests.helpers.builders import ALICE, BOB, BTC, BUY, CAROL, DAVE, IMMEDIATE_OR_CANCEL, ORACLE, POST_ONLY, SELL
from tests.helpers.driver import GENESIS_TIME_NS, Driver

E9 = 10**9
MID = 46_000_000
TICK = 500
TINY = {"tick_size": "0.000001", "lot_size": "1", "tick_quanta": 1, "max_order_lots": 100}
BATCH = {BTC: {"matching": "batch"}}
AUCTION = {BTC: {"opens_ns": GENESIS_TIME_NS + 2 * E9, "auction_ns": 3 * E9}}


def status(driver: Driver) -> int:
    """The market's status now."""
    return driver.chain.view.markets.get(BTC).status


def lots(driver: Driver, person: builders.Person) -> int:
    """What somebody holds."""
    return driver.chain.view.accounts.get(person.account()).position(BTC).lots


def fills(result: object) -> list[events_pb2.Fill]:
    """The fills outside any envelope."""
    return [event.fill for event in result.events if event.HasField("fill")]  # type: ignore[attr-defined]


def whole(driver: Driver) -> None:
    """Every conservation law, before and after a restart."""
    audit(driver.chain.ctx)
    ledger.check(driver.reader)
    driver.restart()
    audit(driver.chain.ctx)


def test_uniform_price() -> None:
    """BOOK-022: the middle of 7 and 90 is 48; rounded down to the tick."""
    assert uniform_price(7, 90, 1) == 48
    assert uniform_price(10_000, 10_500, 500) == 10_000


def test_vega_s_auction() -> None:
    """BOOK-022: bids 2 at 99 and 3 at 90, asks 2 at 1 and 3 at 7: five lots at 48."""
    document = json.loads(builders.genesis(terms={BTC: {**TINY, "matching": "batch"}}))
    document["feeds"][0].update(decimals=6, price=48)
    driver = Driver(json.dumps(document).encode())
    result = driver.run([
        driver.envelope(ALICE, builders.buy(99, 2), builders.buy(90, 3)),
        driver.envelope(BOB, builders.sell(1, 2), builders.sell(7, 3))])
    assert [(fill.price_quanta, fill.size_lots) for fill in fills(result)] == [(48, 2), (48, 3)]
    assert [(event.uncrossed.price_quanta, event.uncrossed.lots) for event in result.events
            if event.HasField("uncrossed")] == [(48, 5)]
    assert (lots(driver, ALICE), lots(driver, BOB)) == (5, -5)
    assert driver.chain.view.states.get(BTC).last_price_quanta == 48
    whole(driver)


def test_an_opening_auction_by_time() -> None:
    """MKT-005, MKT-002, BOOK-020: announced, auction, active; what crosses meanwhile meets at one price at the end."""
    driver = Driver(builders.genesis(terms=AUCTION))
    assert status(driver) == 4
    assert driver.refused(ALICE, builders.buy(MID, 1)) == "MARKET_NOT_TRADING"
    driver.do(ALICE, builders.buy(MID + 2 * TICK, 3))
    assert status(driver) == 5
    driver.do(BOB, builders.sell(MID, 2, time_in_force=POST_ONLY))
    assert driver.refused(BOB, builders.sell(MID, 2, time_in_force=IMMEDIATE_OR_CANCEL)) == "MARKET_COLLECTS"
    driver.restart()
    result = driver.run([driver.envelope(BOB, builders.sell(MID, 2))])
    assert status(driver) == 1
    assert [(fill.price_quanta, fill.size_lots) for fill in fills(result)] == [(MID + TICK, 2), (MID + TICK, 1)]
    changes = [event.market_status_changed for event in result.events if event.HasField("market_status_changed")]
    assert [(change.before, change.after, change.reason) for change in changes] == [
        (5, 1, events_pb2.STATUS_REASON_UNCROSSED)]
    driver.do(ALICE, builders.buy(MID, 1))  # matched at once
    assert lots(driver, ALICE) == 4
    whole(driver)


def test_batch_market_terms() -> None:
    """BOOK-020, BOOK-021, MKT-007: post-only may not cross what rests, fill-or-kill is refused, what is left of
    immediate-or-cancel goes after the uncrossing, and own orders that would meet go first.
    """
    driver = Driver(builders.genesis(terms=BATCH))
    driver.do(BOB, builders.sell(MID, 5))
    assert driver.refused(ALICE, builders.buy(MID, 1, time_in_force=POST_ONLY)) == "ORDER_WOULD_CROSS"
    assert driver.refused(ALICE, builders.buy(MID, 1, time_in_force=builders.FILL_OR_KILL)) == "MARKET_COLLECTS"
    result = driver.run([driver.envelope(ALICE, builders.buy(MID, 7, time_in_force=IMMEDIATE_OR_CANCEL))])
    assert [fill.size_lots for fill in fills(result)] == [5]
    gone = [event.order_cancelled for event in result.events if event.HasField("order_cancelled")]
    assert [(order.cancelled_lots, order.reason) for order in gone] == [(2, events_pb2.CANCEL_REASON_IMMEDIATE)]
    assert lots(driver, ALICE) == 5
    driver.do(CAROL, builders.sell(MID, 1), builders.buy(MID, 1))
    assert lots(driver, CAROL) == 0
    assert len(driver.chain.view.orders.get(CAROL.account()).orders) == 1
    whole(driver)


def test_who_rested_pays_the_maker_s_rate() -> None:
    """BOOK-024: maker 100 ppm, taker 500 ppm; two that came in the same block both take."""
    driver = Driver(builders.genesis(terms=BATCH))
    driver.do(BOB, builders.sell(MID, 1))
    result = driver.run([driver.envelope(ALICE, builders.buy(MID, 1))])
    assert [(fill.maker_fee_quanta, fill.taker_fee_quanta) for fill in fills(result)] == [(4_600, 23_000)]
    result = driver.run([driver.envelope(ALICE, builders.buy(MID, 1)), driver.envelope(BOB, builders.sell(MID, 1))])
    assert [(fill.maker_fee_quanta, fill.taker_fee_quanta) for fill in fills(result)] == [(23_000, 23_000)]


def test_who_cannot_carry_the_fill_is_removed_and_the_price_is_found_anew() -> None:
    """BOOK-023: a bid that its account can no longer carry goes, and the others meet at the price without it."""
    driver = Driver(builders.genesis(cash_quanta=60_000_000, terms=BATCH))
    driver.do(ALICE, builders.buy(MID + 4 * TICK, 20))
    driver.mark(40_000_000)
    result = driver.run([driver.envelope(CAROL, builders.buy(MID + 2 * TICK, 1)),
                         driver.envelope(BOB, builders.sell(MID, 21))])
    gone = [event.order_cancelled.reason for event in result.events if event.HasField("order_cancelled")]
    assert gone == [events_pb2.CANCEL_REASON_MARGIN]
    assert [(fill.price_quanta, fill.size_lots) for fill in fills(result)] == [(MID + TICK, 1)]
    whole(driver)


def test_the_last_plan_is_carried_out_as_far_as_it_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    """BOOK-023: with one plan and one fill at most, the failing bid goes, what can trade does, the younger of what
    still crosses goes too; in an auction nothing goes and it is done a block later.
    """
    monkeypatch.setattr("app.book.uncross.MAX_UNCROSS_ROUNDS", 1)
    monkeypatch.setattr("app.book.uncross.MAX_UNCROSS_FILLS", 2)
    driver = Driver(builders.genesis(cash_quanta=60_000_000, terms=BATCH))
    driver.do(ALICE, builders.buy(MID + 4 * TICK, 20), builders.buy(MID + 4 * TICK, 1))
    driver.mark(40_000_000)
    result = driver.run([driver.envelope(BOB, builders.sell(MID, 20), builders.sell(MID, 1), builders.sell(MID, 1)),
                         driver.envelope(CAROL, builders.buy(MID, 1), builders.buy(MID - TICK, 1))])
    gone = [event.order_cancelled.reason for event in result.events if event.HasField("order_cancelled")]
    assert events_pb2.CANCEL_REASON_FILL_LIMIT in gone
    whole(driver)
    driver = Driver(builders.genesis(terms=AUCTION))
    driver.run([], step_ns=3 * E9)
    driver.run([driver.envelope(ALICE, *[builders.buy(MID, 1)] * 3), driver.envelope(BOB, builders.sell(MID, 3))])
    assert (status(driver), lots(driver, ALICE)) == (5, 0)
    driver.run([], step_ns=3 * E9)
    assert (status(driver), lots(driver, ALICE)) == (5, 2)
    audit(driver.chain.ctx)
    driver.run([])
    assert (status(driver), lots(driver, ALICE)) == (1, 3)
    whole(driver)


def test_reduce_only_orders_reduce_and_go() -> None:
    """BOOK-003, BOOK-014 in a batch: a reduce-only order trades what is held, and its rest is removed."""
    driver = Driver(builders.genesis(terms=BATCH))
    driver.run([driver.envelope(ALICE, builders.buy(MID, 3)), driver.envelope(BOB, builders.sell(MID, 3))])
    driver.do(ALICE, builders.sell(MID, 2, reduce_only=True), builders.sell(MID, 3, reduce_only=True))
    driver.do(CAROL, builders.buy(MID, 9))
    assert (lots(driver, ALICE), lots(driver, CAROL)) == (0, 3)
    assert driver.chain.view.orders.get(ALICE.account()) is None
    whole(driver)


def brute_force(bids: list[tuple[int, int]], asks: list[tuple[int, int]]) -> int:
    """The most lots that any single price lets trade."""
    prices = {price for price, _ in bids + asks}
    return max((min(sum(size for price, size in bids if price >= at), sum(size for price, size in asks if price <= at))
                for at in prices), default=0)


@pytest.mark.parametrize("seed", range(6))
def test_the_most_that_can_trades_at_one_price(seed: int) -> None:
    """BOOK-022: against brute force over all prices; nobody at worse than the own limit; the ledger sums to zero."""
    random = Random(seed)
    driver = Driver(builders.genesis(terms=BATCH))
    people = (ALICE, BOB, CAROL, DAVE)
    for _ in range(40):
        txs = []
        for person in people:
            side = BUY if person in (ALICE, BOB) else SELL
            price = MID + random.randint(-6, 6) * TICK
            kind = random.choice((1, IMMEDIATE_OR_CANCEL))
            txs.append(driver.envelope(person, builders.place(side, price, random.randint(1, 9), time_in_force=kind)))
        before = ledger.book(driver.reader, BTC)
        book = {side: [(order.price_quanta, order.open_lots) for _, order in before[side]] for side in (1, 2)}
        limits = {order.order_id: order.price_quanta for side in (1, 2) for _, order in before[side]}
        result = driver.run(txs)
        for outcome in result.txs:
            for event in outcome.events:
                rested = event.order_rested.order
                book[rested.side].append((rested.price_quanta, rested.open_lots))
                limits[rested.order_id] = rested.price_quanta
        made = fills(result)
        assert sum(fill.size_lots for fill in made) == brute_force(book[1], book[2])
        assert len({fill.price_quanta for fill in made}) <= 1
        for fill in made:
            buyer, seller = fill.taker_order_id, fill.maker_order_id
            if fill.taker_side == SELL:
                buyer, seller = seller, buyer
            assert limits[seller] <= fill.price_quanta <= limits[buyer]
        audit(driver.chain.ctx)
    whole(driver)


def test_the_authority_moves_a_market() -> None:
    """MKT-006: by the authority alone, between four statuses; what an auction left crossed only an auction resolves."""
    driver = Driver(builders.genesis(terms=AUCTION))

    def move(to: int) -> str:
        return driver.act(ORACLE, builders.set_status(to)).actions[0].reason

    assert driver.refused(ALICE, builders.set_status(3)) == "MARKET_NOT_AUTHORITY"
    driver.run([], step_ns=9 * E9)
    driver.run([])
    assert status(driver) == 1
    assert (move(3), status(driver)) == ("", 3)
    assert move(7) == "MARKET_STATUS"
    assert (move(5), status(driver)) == ("", 5)
    driver.run([driver.envelope(ALICE, builders.buy(MID, 1)), driver.envelope(BOB, builders.sell(MID, 1))])
    assert move(2) == "MARKET_STATUS"
    assert (move(3), status(driver)) == ("", 3)
    assert move(1) == "MARKET_STATUS"
    audit(driver.chain.ctx)
    driver.restart()
    assert move(5) == ""
    driver.run([], step_ns=3 * E9)
    assert (status(driver), lots(driver, ALICE)) == (1, 1)
    whole(driver)


def test_terms_of_orders_hold_in_a_batch() -> None:
    """BOOK-015, BOOK-016, BOOK-018, BOOK-019 at one price: an iceberg meets with all it has, of a group one order
    trades and the others go, and a protection that fills up ends its account's part.
    """
    driver = Driver(builders.genesis(terms=BATCH))
    driver.do(ALICE, builders.sell(MID, 6, display=2))
    driver.do(BOB, builders.buy(MID, 6))
    assert lots(driver, BOB) == 6
    driver.do(ALICE, builders.sell(MID, 2, oco_id=7), builders.sell(MID, 3, oco_id=7))
    driver.do(BOB, builders.buy(MID, 9))
    assert lots(driver, BOB) == 8
    assert driver.chain.view.orders.get(ALICE.account()) is None
    driver.do(BOB, builders.cancel_all())
    driver.do(CAROL, builders.protect(4), *[builders.sell(MID, 2)] * 5)
    driver.do(BOB, builders.buy(MID, 10))
    assert lots(driver, CAROL) == -4
    assert driver.chain.view.orders.get(CAROL.account()) is None
    whole(driver)


def test_book_023_an_uncrossing_asks_for_so_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """BOOK-023: of portfolios only so many positions are asked about, over all plans; what then still crosses goes in a
    batch market, and waits in an auction.
    """
    monkeypatch.setattr("app.book.uncross.MAX_UNCROSS_ASKED", 3)
    for auction in (False, True):
        driver = Driver(builders.genesis(portfolios=(1,), terms=AUCTION if auction else BATCH))
        for person in (ALICE, BOB):
            driver.do(person, builders.margin_mode(2))
        driver.do(ALICE, *[builders.buy(MID, 1)] * 5)
        txs = [driver.envelope(BOB, *[builders.sell(MID, 1)] * 5)]
        held = []
        for _ in range(6):
            driver.run(txs)
            held.append(lots(driver, ALICE))
            txs = []
        assert held[-1] == (5 if auction else 2) and (not auction or {2, 4} <= set(held))
        whole(driver)
