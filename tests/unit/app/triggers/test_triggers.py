"""Triggers by hand: the README's numbers, refusals, backlog, trailing; each scenario audited and restarted."""

import pytest

from app.invariants import audit
from app.kernel.codec import u32
from app.limits import MAX_FIRED_A_BLOCK, MAX_TRIGGERS
from app.markets.types import HALTED, SETTLED
from app.triggers import rules
from novation.v1 import events_pb2, state_pb2, tx_pb2
from tests.helpers import builders as b
from tests.helpers.builders import ABOVE, ALICE, BELOW, BOB, BTC, BUY, CAROL, DAVE, SELL, Person
from tests.helpers.driver import BLOCK_TIME_NS, Driver

DOLLAR = 1_000  # of the price of one BTC, in quanta a lot
MARK = b.MARK_QUANTA[BTC]
LOW, HIGH = MARK - 9_000 * DOLLAR, MARK + 9_000 * DOLLAR


@pytest.fixture
def driver() -> Driver:
    """Alice is long 10 from 46,000; Carol bids and asks far around."""
    chain = Driver()
    chain.do(ALICE, b.buy(MARK, 10))
    chain.do(BOB, b.sell(MARK, 10))
    chain.do(CAROL, b.buy(LOW, 1_000), b.sell(HIGH, 1_000))
    return chain


def mark(driver: Driver, dollars: int) -> list[events_pb2.Event]:
    """A price of BTC, and the events of the block that brings it; audited, and restarted on the way."""
    driver.mark(dollars * DOLLAR)
    driver.restart()
    return quiet(driver)


def quiet(driver: Driver) -> list[events_pb2.Event]:
    """The events of an empty block, but for the prices that came; audited."""
    events = driver.run([]).events
    audit(driver.chain.ctx)
    return [event for event in events if not event.HasField("mark_price_set")]


def fired(events: list[events_pb2.Event]) -> list[events_pb2.TriggerFired]:
    """What fired, in order."""
    return [event.trigger_fired for event in events if event.HasField("trigger_fired")]


def stop(level: int, **options: int) -> tx_pb2.Action:
    """Alice's stop-loss: sell ten when the price falls to `level` dollars."""
    return b.trigger(BELOW, level * DOLLAR, SELL, LOW, 10, **options)  # type: ignore[arg-type]


def test_stop_and_take_profit_fire_at_their_level(driver: Driver) -> None:
    """TRIG-002, TRIG-003: at 44,000 the stop-loss sells; the take-profit at 50,000 would have sold as well."""
    loss, profit = driver.do(ALICE, stop(44_000, reduce_only=True, client_id=5),
                             b.trigger(ABOVE, 50_000 * DOLLAR, SELL, LOW, 10, reduce_only=True))
    assert not fired(mark(driver, 44_001)) and not fired(mark(driver, 49_999))
    events = mark(driver, 44_000)
    (done,) = fired(events)
    assert (done.trigger_id, done.client_id, done.reached_quanta) == (loss.order_id, 5, 44_000 * DOLLAR)
    assert (done.code, done.filled_lots, done.open_lots) == (0, 10, 0)
    fill = events[1].fill
    assert (fill.taker_order_id, fill.taker_client_id, fill.size_lots) == (done.order_id, 5, 10)
    (late,) = fired(mark(driver, 50_000))
    assert (late.trigger_id, late.reason, late.code, late.codespace) == (
        profit.order_id, "ORDER_REDUCES_NOTHING", 612, "book")
    assert not fired(mark(driver, 43_000))


def test_sources(driver: Driver) -> None:
    """TRIG-002: mark, index and last are watched apart; a last price exists once there was a trade."""
    driver.do(ALICE, stop(44_000, source=b.MARK), stop(44_000, source=b.INDEX), stop(44_000, source=b.LAST))
    assert len(fired(mark(driver, 44_000))) == 2
    assert [done.reached_quanta for done in fired(quiet(driver))] == [LOW]
    quick = b.trigger(BELOW, 1_000, SELL, 100, 1, source=b.LAST, market=b.ETH)
    driver.do(ALICE, quick)
    assert driver.refused(ALICE, b.trigger(BELOW, 0, SELL, 100, 1, source=b.LAST, market=b.ETH, trail=1_600)) == (
        "TRIGGER_TRAIL")


def test_good_til_cancel_rests_and_client_id_yields(driver: Driver) -> None:
    """TRIG-003: the order rests if it may; an open order with the client id costs the order its name, not its life."""
    driver.do(ALICE, b.buy(LOW - 500, 1, client_id=9))
    driver.do(ALICE, b.trigger(ABOVE, 47_000 * DOLLAR, SELL, HIGH - 500, 3, time_in_force=b.GOOD_TIL_CANCEL,
                               client_id=9))
    events = mark(driver, 47_000)
    (done,) = fired(events)
    assert (done.open_lots, done.client_id) == (3, 9)
    assert (events[1].order_rested.order.order_id, events[1].order_rested.order.client_id) == (done.order_id, 0)


def test_what_is_refused(driver: Driver) -> None:
    """TRIG-001, TRIG-002, TRIG-006: terms that no trigger may have."""
    for action, reason in (
        (stop(46_000), "TRIGGER_REACHED"), (stop(47_000), "TRIGGER_REACHED"), (stop(0), "TRIGGER_PRICE"),
        (stop(44_000, source=4), "TRIGGER_WATCHES"), (b.trigger(3, MARK, SELL, LOW, 1), "TRIGGER_WATCHES"),
        (stop(44_000, trail=8_000), "TRIGGER_TRAIL"), (stop(0, trail=7_999), "TRIGGER_TRAIL"),
        (stop(0, trail=MARK), "TRIGGER_TRAIL"), (b.trigger(ABOVE, 0, BUY, MARK, 1, trail=8_000), "TRIGGER_TRAIL"),
        (stop(44_000, time_in_force=b.POST_ONLY), "ORDER_TIME_IN_FORCE"), (stop(44_000, market=9), "MARKET_NOT_FOUND"),
        (b.trigger(BELOW, LOW, SELL, LOW + 1, 1), "ORDER_OFF_TICK"),
        (b.trigger(BELOW, LOW, SELL, LOW, 0), "ORDER_SIZE"),
        (b.trigger(BELOW, LOW, 3, LOW, 1), "ORDER_SIDE"), (stop(44_000, expires=driver.time_ns), "ORDER_EXPIRED"),
    ):
        assert driver.refused(ALICE, action) == reason
    driver.do(ALICE, *[stop(44_000, client_id=index) for index in range(1, 4)])
    assert driver.refused(ALICE, stop(44_000, client_id=2)) == "TRIGGER_CLIENT_ID_USED"
    driver.do(ALICE, *[stop(43_000)] * (MAX_TRIGGERS - 3))
    assert driver.refused(ALICE, stop(44_000)) == "TRIGGER_LIMIT"
    audit(driver.chain.ctx)


def test_cancel(driver: Driver) -> None:
    """TRIG-003: by id, by client id, or all; never another's."""
    first, *_ = driver.do(ALICE, stop(44_000), stop(43_000, client_id=2), stop(42_000), stop(41_000))
    assert driver.refused(BOB, b.cancel_trigger(first.order_id)) == "TRIGGER_NOT_FOUND"
    assert driver.refused(ALICE, b.cancel_trigger()) == "ORDER_REFERENCE"
    assert driver.refused(ALICE, b.cancel_trigger(1, every=True)) == "TRIGGER_NOT_FOUND"
    driver.do(ALICE, b.cancel_trigger(first.order_id), b.cancel_trigger(client_id=2))
    assert driver.do(ALICE, b.cancel_trigger(every=True))[0].cancelled_orders == 2
    audit(driver.chain.ctx)
    assert not fired(mark(driver, 40_000))


def test_gas_is_paid_at_placement(driver: Driver) -> None:
    """TRIG-001: 2,000 an action, 20,000 + 60,000, 200 for each trigger there; 240,000 more when it trails."""
    plain, beside, trails = driver.do(ALICE, stop(44_000), stop(44_000), stop(0, trail=800 * DOLLAR))
    assert (plain.gas_used, beside.gas_used, trails.gas_used) == (82_000, 82_200, 322_400)


def crowd_of_stops(driver: Driver, count: int, level: int) -> None:
    """So many stops of one lot at one level, of accounts with fifty each."""
    for start in range(0, count, MAX_TRIGGERS):
        person = Person(f"stopper {start}")
        driver.do(ALICE, b.faucet(person, 10**9))
        driver.do(person, *[b.trigger(BELOW, level * DOLLAR, SELL, LOW, 1)] * min(MAX_TRIGGERS, count - start),
                  gas_limit=10**8)


def test_what_is_reached_fires_however_long_it_takes(driver: Driver) -> None:
    """TRIG-004, TRIG-005: 250 stops, a mark that comes back at once: 100, 100, 50. A new one waits."""
    crowd_of_stops(driver, 250, 44_000)
    events = mark(driver, 43_900)
    assert len(fired(events)) == MAX_FIRED_A_BLOCK == 100
    assert [event.trigger_id for event in fired(events)] == sorted(event.trigger_id for event in fired(events))
    assert len(dict(driver.chain.ctx.backlog.scan())[b"triggers"].reached) == 1
    driver.mark(46_000 * DOLLAR)
    back = driver.run([])
    driver.restart()
    behind = driver.run([driver.envelope(DAVE, stop(44_000))])
    assert (len(fired(back.events)), len(fired(behind.events))) == (100, 50)
    assert not fired(quiet(driver)) and not dict(driver.chain.ctx.backlog.scan())
    (last,) = fired(mark(driver, 44_000))
    assert last.account.owner == DAVE.owner


def test_trailing_by_the_readme(driver: Driver) -> None:
    """TRIG-006: the README's numbers: mark 46,000, offset 800, step 50."""
    assert rules.trail_step(800 * DOLLAR, 500) == 50 * DOLLAR
    driver.do(ALICE, b.trigger(BELOW, 0, SELL, 45_000 * DOLLAR, 10, trail=800 * DOLLAR))
    assert not mark(driver, 46_049)
    (moved,) = mark(driver, 46_120)
    assert (moved.trigger_moved.trigger_quanta, moved.trigger_moved.price_quanta) == (45_300 * DOLLAR, 45_100 * DOLLAR)
    assert not mark(driver, 45_900)
    (done,) = fired(mark(driver, 45_300))
    assert done.reached_quanta == 45_300 * DOLLAR


def test_expiry(driver: Driver) -> None:
    """TRIG-007: it may fire at its last block time, not after."""
    driver.do(ALICE, stop(44_000, expires=driver.time_ns + 4 * BLOCK_TIME_NS),
              stop(44_000, expires=driver.time_ns + 2 * BLOCK_TIME_NS))
    assert not quiet(driver)
    (gone,) = quiet(driver)
    assert gone.trigger_cancelled.reason == events_pb2.CANCEL_REASON_EXPIRED
    assert not quiet(driver)
    driver.restart()
    (gone,) = mark(driver, 43_000)
    assert gone.trigger_cancelled.reason == events_pb2.CANCEL_REASON_EXPIRED


def put_status(driver: Driver, status: int) -> None:
    """Bring BTC's market into a state, in storage, and start anew."""
    key = b"r\x05" + u32(BTC)
    market = state_pb2.Market.FromString(driver.reader.get(key) or b"")
    market.status = status  # type: ignore[assignment]
    driver.reader.write({key: market.SerializeToString(deterministic=True)})
    driver.restart()


def test_market_states(driver: Driver) -> None:
    """TRIG-008: triggers of a halted market wait, also those that were reached before; a settled one refuses all."""
    crowd_of_stops(driver, 150, 44_000)
    driver.do(ALICE, stop(42_000), b.trigger(ABOVE, 60_000 * DOLLAR, SELL, LOW, 10))
    assert len(fired(mark(driver, 43_900))) == 100
    put_status(driver, HALTED)
    assert not fired(mark(driver, 41_000)) and not fired(mark(driver, 44_100))
    put_status(driver, SETTLED)
    assert [done.reason for done in fired(quiet(driver))] == ["MARKET_NOT_TRADING"] * 52


def test_take_profit_and_stop_loss_of_a_position(driver: Driver) -> None:
    """TRIG-009: the one that fires cancels the other; a filled order of the group cancels both; a refusal none."""
    def pair(group: int) -> tuple[tx_pb2.Action, tx_pb2.Action]:
        return (stop(44_000, reduce_only=True, oco_id=group, client_id=1),
                b.trigger(ABOVE, 50_000 * DOLLAR, SELL, LOW, 10, reduce_only=True, oco_id=group, client_id=2))

    driver.do(ALICE, *pair(1), b.sell(HIGH - 500, 1, oco_id=1, client_id=3), stop(43_000, client_id=4))
    assert driver.do(ALICE, b.trigger(ABOVE, 52_000 * DOLLAR, SELL, LOW, 1, oco_id=1))
    assert driver.refused(ALICE, stop(40_000, oco_id=1)) == driver.refused(ALICE, b.sell(HIGH, 1, oco_id=1)) == (
        "ORDER_GROUP")
    events = mark(driver, 50_000)
    assert [done.client_id for done in fired(events)] == [2]
    gone = [event.order_cancelled.client_id for event in events if event.HasField("order_cancelled")]
    ended = [event.trigger_cancelled for event in events if event.HasField("trigger_cancelled")]
    assert (gone, [event.client_id for event in ended]) == ([3], [1, 0])
    assert {event.reason for event in ended} == {events_pb2.CANCEL_REASON_ONE_CANCELS_OTHER}
    mark(driver, 46_000)
    driver.do(ALICE, b.buy(HIGH, 10), *pair(2), b.sell(HIGH - 500, 10, reduce_only=True, oco_id=2))
    result = driver.run([driver.envelope(DAVE, b.buy(HIGH - 500, 1))])
    ended = [event.trigger_cancelled for event in result.events if event.HasField("trigger_cancelled")]
    assert [event.client_id for event in ended] == [1, 2]
    driver.do(ALICE, b.trigger(BELOW, 45_000 * DOLLAR, BUY, MARK, 10, reduce_only=True, oco_id=3, client_id=1),
              stop(44_000, reduce_only=True, oco_id=3, client_id=2))
    (done,) = fired(mark(driver, 45_000))
    assert done.reason == "ORDER_REDUCES_NOTHING"
    assert [done.client_id for done in fired(mark(driver, 44_000))] == [2]


def test_one_price_that_reaches_both(driver: Driver) -> None:
    """TRIG-009: of two triggers of a group that are reached together, one fires."""
    driver.do(ALICE, *[stop(level, oco_id=1, client_id=level) for level in (43_000, 44_000)])
    events = mark(driver, 42_000)
    assert [done.client_id for done in fired(events)] == [44_000]
    assert [event.trigger_cancelled.client_id for event in events if event.HasField("trigger_cancelled")] == [43_000]


def test_dead_man(driver: Driver) -> None:
    """TRIG-010: set again in time, nothing happens; else orders and triggers go, but for those that reduce."""
    driver.do(ALICE, b.buy(LOW, 1), b.sell(HIGH, 1), stop(44_000), stop(44_000, reduce_only=True),
              b.dead_man(driver.time_ns + 3 * BLOCK_TIME_NS))
    driver.do(ALICE, b.dead_man(driver.time_ns + 3 * BLOCK_TIME_NS))
    driver.restart()
    assert not quiet(driver) and not quiet(driver)
    events = quiet(driver)
    assert (events[0].dead_man_acted.orders, events[0].dead_man_acted.triggers) == (2, 1)
    assert {event.order_cancelled.reason for event in events[1:3]} == {events_pb2.CANCEL_REASON_DEAD_MAN}
    assert events[3].trigger_cancelled.reason == events_pb2.CANCEL_REASON_DEAD_MAN and len(events) == 4
    assert driver.refused(ALICE, b.dead_man(driver.time_ns)) == "SWITCH_TIME"
    driver.do(ALICE, b.dead_man(driver.time_ns + 3 * BLOCK_TIME_NS), b.buy(LOW, 1))
    driver.do(ALICE, b.dead_man(0))
    assert not [event for _ in range(4) for event in quiet(driver)]
    assert len(fired(mark(driver, 44_000))) == 1
