"""Bands around the mark: what may be asked for, and where anything may fill."""

import json

import pytest

from app.breakers import rules
from app.breakers.genesis import TERMS
from app.errors import GenesisError
from app.invariants import audit
from novation.v1 import events_pb2
from tests.helpers import builders as b
from tests.helpers import ledger
from tests.helpers.builders import ALICE, BOB, BTC, CAROL, DAVE
from tests.helpers.driver import GENESIS_TIME_NS, Driver

E9 = 10**9
MARK = 46_000_000
BANDS = {"order_band_ppm": 50_000, "fill_band_ppm": 60_000, "halt_auction_ns": 10 * E9, "halt_extensions": 2}
AUCTION, REDUCE_ONLY, ACTIVE = 5, 2, 1


def banded(**terms: object) -> Driver:
    """A chain whose BTC market has bands."""
    return Driver(b.genesis(terms={BTC: {**BANDS, **terms}}))


def status(driver: Driver) -> int:
    """The market's status now."""
    return int(driver.chain.view.markets.get(BTC).status)


def kinds(result: object) -> list[str]:
    """The kinds of all events of a block, those of envelopes first."""
    inside = [event for tx in result.txs for event in tx.events]  # type: ignore[attr-defined]
    return [event.WhichOneof("kind") for event in [*inside, *result.events]]  # type: ignore[attr-defined]


def whole(driver: Driver) -> None:
    """Every conservation law, before and after a restart."""
    audit(driver.chain.ctx)
    if status(driver) == ACTIVE:
        ledger.check(driver.reader)
    driver.restart()
    audit(driver.chain.ctx)


def test_brk_004_the_ends_of_a_band() -> None:
    """BRK-004: 5 % around 46,000,000; a tick at least; inwards to the tick; never below a tick."""
    assert rules.lowest_price(MARK, 50_000, 500) == 43_700_000
    assert rules.highest_price(MARK, 50_000, 500) == 48_300_000
    assert (rules.lowest_price(48, 10_000, 1), rules.highest_price(48, 10_000, 1)) == (47, 49)
    assert (rules.lowest_price(46_000_250, 50_000, 500), rules.highest_price(46_000_250, 50_000, 500)) == (
        43_700_500, 48_300_000)
    assert rules.lowest_price(3, 1_000_000, 1) == 1
    assert rules.banded_price(1, 48_300_500, MARK, 50_000, 500) == 48_300_000
    assert rules.banded_price(1, 1_000, MARK, 50_000, 500) == 1_000
    assert rules.banded_price(2, 43_699_500, MARK, 50_000, 500) == 43_700_000
    assert rules.banded_price(2, 99_000_000, MARK, 50_000, 500) == 99_000_000


def test_brk_004_orders_beyond_the_band_are_refused() -> None:
    """BRK-004: at the end of the band is fine, a tick beyond is not, passive prices are; replaced orders alike."""
    driver = banded()
    driver.do(ALICE, b.buy(48_300_000, 1), b.sell(90_000_000, 1), b.buy(500, 1), b.sell(43_700_000, 1))
    assert driver.refused(ALICE, b.buy(48_300_500, 1)) == "BREAKER_ORDER_BAND"
    assert driver.refused(BOB, b.sell(43_699_500, 1)) == "BREAKER_ORDER_BAND"
    driver.do(BOB, b.buy(40_000_000, 1, client_id=7))
    assert driver.refused(BOB, b.replace(48_300_500, 1, client_id=7)) == "BREAKER_ORDER_BAND"
    assert driver.refused(BOB, b.replace(48_300_500, 1, client_id=7, time_in_force=b.POST_ONLY)) == "BREAKER_ORDER_BAND"
    action = driver.act(BOB, b.sell(43_699_500, 1)).actions[0]
    assert {one.key: one.value for one in action.metadata}["limit_quanta"] == "43700000"
    whole(driver)


def test_brk_004_triggers() -> None:
    """BRK-004: a trigger is measured against its own level when it is placed, and drawn to the band when it fires."""
    driver = banded()
    far = b.trigger(b.BELOW, 40_000_000, b.SELL, 37_900_000, 1)
    assert driver.refused(ALICE, far) == "BREAKER_ORDER_BAND"
    driver.do(ALICE, b.trigger(b.ABOVE, 47_000_000, b.SELL, 44_650_000, 1), b.sell(47_000_000, 1))
    driver.do(BOB, b.buy(46_800_000, 1))
    driver.mark(49_000_000)  # its limit of 44,650,000 is below 46,550,000 then
    result = driver.run([])
    fired = [event.trigger_fired for event in result.events if event.HasField("trigger_fired")]
    assert [(one.reason, one.filled_lots) for one in fired] == [("", 1)]
    assert driver.chain.view.accounts.get(ALICE.account()).position(BTC).lots == -1
    whole(driver)


def test_brk_004_pegged_orders_that_would_pass_the_band_go() -> None:
    """BRK-004: the offset is fine at first; the reference then moves away from the mark."""
    driver = banded(order_band_ppm=1_000)
    driver.do(BOB, b.buy(45_990_000, 1), b.sell(46_020_000, 1))
    driver.do(ALICE, b.place(b.BUY, 47_000_000, 1, peg=b.PEG_MID, offset=20, time_in_force=b.POST_ONLY))
    driver.mark(45_955_000)
    driver.run([])
    driver.do(BOB, b.buy(45_992_000, 1))
    result = driver.run([])
    gone = [event.order_cancelled.reason for event in result.events if event.HasField("order_cancelled")]
    assert gone == [events_pb2.CANCEL_REASON_PEG]
    whole(driver)


def failing(**terms: object) -> Driver:
    """Alice is long 10 with 30 USD; Bob is short."""
    driver = Driver(b.genesis(gas_price_e6=0, terms={BTC: {**BANDS, **terms}}))
    driver.do(BOB, b.sell(MARK, 10))
    driver.do(ALICE, b.transfer(BOB, 10**12 - 30_000_000), b.buy(MARK, 10))
    return driver


def test_brk_004_liquidation_is_drawn_to_the_band() -> None:
    """BRK-004: with equity left, 43,500,000 would be asked for at a mark of 43,900,000; the band of 0.1 % ends at
    43,856,500: a bid below it is not taken, one at it is.
    """
    driver = failing(order_band_ppm=1_000, fill_band_ppm=1_000)
    driver.do(BOB, b.buy(43_700_000, 10))
    driver.mark(43_900_000)
    assert "position_closed" not in kinds(driver.run([])) + kinds(driver.run([]))
    driver.do(CAROL, b.buy(43_856_500, 10))
    assert "position_closed" in kinds(driver.run([]))
    whole(driver)
    driver = failing()
    driver.do(BOB, b.buy(43_700_000, 10))
    driver.mark(43_900_000)
    assert "position_closed" in kinds(driver.run([])) + kinds(driver.run([]))


def test_brk_005_liquidation_that_meets_outside_halts_and_reduces_nobody() -> None:
    """BRK-005: the best bid is left from before the fall: nobody is closed against it, the market is halted, and who
    could not be closed at all, whose price no bid reaches, is not reduced in that block either.
    """
    driver = failing(halt_move_ppm=0)
    driver.do(CAROL, b.transfer(BOB, 10**12 - 130_000_000), b.buy(46_200_000, 10))
    driver.do(DAVE, b.transfer(BOB, 10**12 - 40_000_000))
    driver.mark(49_000_000)
    driver.do(BOB, b.sell(50_400_000, 10))
    driver.do(DAVE, b.buy(50_400_000, 10))  # nothing is left of him at 46,400,000 a lot
    driver.mark(43_000_000)
    result = driver.run([])
    assert "breaker_tripped" in kinds(result) and status(driver) == AUCTION
    assert not {"fill", "account_reduced"} & set(kinds(result))
    whole(driver)


def test_brk_005_what_fails_halts_nothing() -> None:
    """BRK-005: an ask at 46,000,000 under a mark of 50,000,000 lies outside of 6 %, under 48,900,000 inside; orders
    that fail leave no trace, so no halt either.
    """
    driver = banded()
    driver.do(BOB, b.sell(MARK, 5))
    driver.mark(50_000_000)
    driver.run([])
    assert driver.refused(ALICE, b.buy(50_000_000, 1, time_in_force=b.FILL_OR_KILL)) == "ORDER_NOT_FILLABLE"
    assert driver.refused(ALICE, b.buy(50_000_000, 1, time_in_force=b.POST_ONLY)) == "ORDER_WOULD_CROSS"
    assert status(driver) == ACTIVE
    driver.mark(48_900_000)
    driver.run([])
    done = driver.do(ALICE, b.buy(50_000_000, 4))[0]
    assert (done.filled_lots, done.filled_quote_quanta) == (4, 184_000_000)
    whole(driver)


def test_brk_005_the_rest_goes_and_the_halt_says_why() -> None:
    """BRK-001, BRK-005: events and row; the market comes back at one price (BRK-008) and the row stays."""
    driver = banded()
    driver.do(BOB, b.sell(MARK, 5))
    driver.mark(50_000_000)
    driver.run([])
    result = driver.run([driver.envelope(ALICE, b.buy(50_000_000, 3))])
    assert kinds(result) == ["order_cancelled", "breaker_tripped", "market_status_changed"]
    gone, trip, moved = result.txs[0].events
    assert (gone.order_cancelled.reason, gone.order_cancelled.cancelled_lots) == (
        events_pb2.CANCEL_REASON_PRICE_BAND, 3)
    row = trip.breaker_tripped.breaker
    assert trip.breaker_tripped.market == BTC
    assert (row.kind, row.reason, row.tripped, row.value, row.limit) == (1, 2, True, MARK, 47_000_000)
    assert (row.ends_ns - row.started_ns, row.resumes, row.reference_quanta) == (10 * E9, ACTIVE, 50_000_000)
    assert moved.market_status_changed.reason == events_pb2.STATUS_REASON_BREAKER
    assert status(driver) == AUCTION
    driver.do(BOB, b.cancel_all())
    driver.do(BOB, b.sell(50_500_000, 2))
    driver.do(ALICE, b.buy(51_500_000, 3))
    whole(driver)
    result = driver.run([], step_ns=10 * E9)
    assert "breaker_ended" in kinds(result) and status(driver) == ACTIVE
    assert [event.uncrossed.price_quanta for event in result.events if event.HasField("uncrossed")] == [51_000_000]
    stored = driver.chain.view.breakers.get(BTC).rows
    assert [(one.kind, one.tripped, one.ends_ns) for one in stored] == [(1, False, driver.time_ns)]
    whole(driver)


def test_brk_006_the_price_within_the_band() -> None:
    """BRK-006: bids to 40 and asks from 26 meet within 16 to 32 at 29."""
    tiny = {"tick_size": "0.000001", "lot_size": "1", "tick_quanta": 1, "max_order_lots": 100}
    terms = {**tiny, "matching": "batch", "order_band_ppm": 333_334, "fill_band_ppm": 333_334}
    driver = Driver(b.genesis(terms={BTC: terms}, feeds={BTC: {"decimals": 6, "price": 30}}))
    driver.do(ALICE, b.buy(40, 2))
    result = driver.run([driver.envelope(BOB, b.sell(20, 2))])
    assert [event.uncrossed.price_quanta for event in result.events if event.HasField("uncrossed")] == [30]
    driver.do(ALICE, b.buy(40, 2))
    driver.mark(24)  # 16 to 32
    driver.run([])
    result = driver.run([driver.envelope(BOB, b.sell(26, 2))])
    assert [event.uncrossed.price_quanta for event in result.events if event.HasField("uncrossed")] == [29]
    whole(driver)


def test_brk_006_a_batch_market_is_halted_instead() -> None:
    """BRK-006: the price at which its orders would meet lies outside: nothing fills, it goes into an auction."""
    driver = banded(matching="batch")
    driver.do(BOB, b.sell(44_000_000, 5))
    driver.mark(50_000_000)
    driver.run([])
    result = driver.run([driver.envelope(ALICE, b.buy(44_100_000, 3, time_in_force=b.IMMEDIATE_OR_CANCEL),
                                         b.buy(44_000_000, 1))])
    assert kinds(result) == ["order_rested", "order_rested", "order_cancelled", "breaker_tripped",
                             "market_status_changed"]
    assert status(driver) == AUCTION and driver.chain.view.totals.get(BTC).open_interest_lots == 0
    whole(driver)


def test_brk_009_extended_while_it_would_meet_outside_then_what_is_outside_goes() -> None:
    """BRK-006, BRK-009: twice extended; then bids and asks that only meet outside go, and the rest meets inside."""
    driver = banded()
    driver.do(BOB, b.sell(MARK, 5))
    driver.do(CAROL, b.buy(45_900_000, 1))
    driver.mark(50_000_000)
    driver.run([])
    driver.do(ALICE, b.buy(50_000_000, 3))
    driver.do(ALICE, b.buy(46_000_000, 2))
    driver.do(DAVE, b.sell(50_000_000, 1))
    seen = []
    for _ in range(3):
        result = driver.run([], step_ns=10 * E9)
        seen.append([kind for kind in kinds(result) if kind.startswith("breaker")])
        driver.restart()
    assert seen == [["breaker_extended"], ["breaker_extended"], ["breaker_ended"]]
    gone = [event.order_cancelled for event in result.events if event.HasField("order_cancelled")]
    assert [(one.reason, one.price_quanta, one.side) for one in gone] == [
        (events_pb2.CANCEL_REASON_PRICE_BAND, MARK, b.SELL)]
    assert "fill" not in kinds(result) and status(driver) == ACTIVE
    whole(driver)


def test_brk_006_bids_above_the_band_go_too() -> None:
    """BRK-006: the mark fell, so what rests would meet above; at the end the bids go, asks stay."""
    driver = banded(halt_extensions=0, opens_ns=GENESIS_TIME_NS + E9, auction_ns=5 * E9)
    driver.run([])
    driver.do(ALICE, b.buy(48_000_000, 2))
    driver.do(BOB, b.sell(47_000_000, 2))
    driver.mark(42_000_000)
    driver.run([])
    first = driver.run([], step_ns=6 * E9)
    assert "breaker_tripped" in kinds(first) and status(driver) == AUCTION  # BRK-009: an opening becomes a halt
    result = driver.run([], step_ns=10 * E9)
    gone = [event.order_cancelled for event in result.events if event.HasField("order_cancelled")]
    assert [(one.reason, one.side) for one in gone] == [(events_pb2.CANCEL_REASON_PRICE_BAND, b.BUY)]
    assert status(driver) == ACTIVE
    whole(driver)


def test_brk_006_more_outside_than_a_block_cancels(monkeypatch: pytest.MonkeyPatch) -> None:
    """BRK-006: the auction goes on until all of it is gone."""
    monkeypatch.setattr("app.book.uncross.MAX_BANDED_A_BLOCK", 2)
    driver = banded(halt_extensions=0)
    driver.do(BOB, *[b.sell(44_000_000, 1)] * 3)
    driver.mark(50_000_000)
    driver.run([])
    driver.do(ALICE, b.buy(44_000_000, 1))
    driver.do(ALICE, b.buy(44_000_000, 1))
    driver.run([], step_ns=10 * E9)
    assert status(driver) == AUCTION
    driver.run([])
    assert status(driver) == ACTIVE
    whole(driver)


def test_brk_003_quarantine_and_settlement_are_left_alone() -> None:
    """BRK-003: in the last half hour of a future a fill far from the mark is the business of the two traders alone."""
    ends = GENESIS_TIME_NS + 1_000 * E9
    driver = banded(kind="future", expiry_ns=ends)
    driver.do(BOB, b.sell(MARK, 2))
    driver.mark(50_000_000)
    driver.run([])
    driver.do(ALICE, b.buy(55_000_000, 2))
    assert driver.chain.view.totals.get(BTC).open_interest_lots == 2 and status(driver) == ACTIVE
    driver = banded()
    driver.do(BOB, b.sell(MARK, 2))
    driver.do(ALICE, b.buy(MARK, 1))
    market = driver.chain.ctx.markets
    market.edit(BTC).quarantine(driver.time_ns + 10**15, sealed=False)
    market.merge()
    assert driver.act(ALICE, b.sell(500, 1, reduce_only=True)).actions[0].reason == ""


@pytest.mark.parametrize(("terms", "words"), [
    ({"order_band_ppm": 999}, "order_band_ppm"), ({"order_band_ppm": 1_000_001}, "order_band_ppm"),
    ({"order_band_ppm": True}, "order_band_ppm"), ({"halt_window_ns": 0}, "halt_window_ns"),
    ({"halt_auction_ns": 999_999_999}, "halt_auction_ns"), ({"halt_extensions": 21}, "halt_extensions"),
    ({"order_band_ppm": 70_000}, "at most fill_band_ppm"), ({"order_band_ppm": 0}, "at most fill_band_ppm"),
    ({"max_open_interest_lots": -1}, "max_open_interest_lots"),
])
def test_brk_013_bounds(terms: dict[str, object], words: str) -> None:
    """BRK-013: what the code does not allow, no genesis may say."""
    with pytest.raises(GenesisError, match=words):
        banded(**terms)


def test_brk_013_defaults() -> None:
    """BRK-013: an entry that says nothing is safe."""
    state = json.loads(b.genesis())
    for market in state["markets"]:
        for name in TERMS:
            market.pop(name, None)
    market = Driver(json.dumps(state).encode()).chain.view.markets.get(BTC)
    assert {name: getattr(market, name) for name in TERMS} == {name: default for name, (_, _, default) in TERMS.items()}
    assert (market.order_band_ppm, market.fill_band_ppm, market.halt_move_ppm) == (100_000, 150_000, 100_000)
