"""Halts: when a price runs, and how a market comes back."""

from random import Random

import pytest

from app.breakers import rules
from app.breakers.halts import swings_with
from app.breakers.types import Swing
from app.invariants import audit
from tests.helpers import builders as b
from tests.helpers.builders import ALICE, BOB, BTC, ETH, ORACLE
from tests.helpers.driver import Driver
from tests.unit.app.breakers.test_bands import ACTIVE, AUCTION, REDUCE_ONLY, kinds, status, whole

E9 = 10**9
MARK = 46_000_000
HALTS = {"halt_move_ppm": 100_000, "halt_window_ns": 80 * E9, "halt_auction_ns": 10 * E9, "halt_extensions": 2}


def halting(**terms: object) -> Driver:
    """A chain whose BTC market is halted at 10 % in 80 seconds."""
    return Driver(b.genesis(terms={BTC: {**HALTS, **terms}}))


def marked(driver: Driver, *prices: int, step_ns: int = E9) -> list[str]:
    """The mark takes these values, a block each; the kinds of events of the last one."""
    for price in prices:
        driver.mark(price)
        result = driver.run([], step_ns)
    return [kind for kind in kinds(result) if kind != "mark_price_set"]


def test_brk_007_moved() -> None:
    """BRK-007: 10 % from 46,000,000: up to 50,600,000 and down to 41,400,000 is not too far."""
    assert [rules.moved(mark, MARK, 100_000) for mark in (50_600_000, 50_600_001, 41_400_000, 41_399_999)] == [
        False, True, False, True]


def test_brk_007_a_jump_halts_before_anything_happens_at_the_new_price() -> None:
    """BRK-007, BRK-008: the mark falls by a fifth; a long that is short of margin now is not liquidated, no trigger
    fires, no funding accrues; the row says what moved.
    """
    driver = halting(funding_cap_e9=40_000_000, impact_notional_quanta=1)
    driver.do(BOB, b.sell(MARK, 10))
    driver.do(ALICE, b.transfer(BOB, 10**12 - 30_000_000), b.buy(MARK, 10))
    driver.do(ALICE, b.trigger(b.BELOW, 45_000_000, b.SELL, 44_000_000, 1))
    driver.do(BOB, b.buy(45_500_000, 20))
    assert marked(driver, 36_800_000) == ["breaker_tripped", "market_status_changed"]
    row = driver.chain.view.breakers.get(BTC).rows[0]
    assert (row.kind, row.reason, row.value, row.limit) == (1, 1, 36_800_000, MARK)
    index = driver.chain.view.funding.get(BTC).index_e9
    for _ in range(9):
        assert driver.run([]).events == []
    driver.restart()
    assert driver.chain.view.funding.get(BTC).index_e9 == index and status(driver) == AUCTION
    assert "market_status_changed" in kinds(driver.run([])) and status(driver) == ACTIVE
    after = kinds(driver.run([]))
    assert "trigger_cancelled" in after or "trigger_fired" in after
    assert "position_closed" in after or "order_cancelled" in after
    whole(driver)


def test_brk_007_slow_moves_and_moves_beyond_the_window_are_fine() -> None:
    """BRK-007: 9 % a block would halt at the second step; 2 % in ten seconds each does not."""
    driver = halting()
    assert "breaker_tripped" in marked(driver, MARK, MARK * 109 // 100, MARK * 119 // 100)
    driver = halting()
    marks = [MARK * 102**step // 100**step for step in range(12)]
    assert "breaker_tripped" not in marked(driver, *marks, step_ns=20 * E9)
    assert status(driver) == ACTIVE
    whole(driver)


def test_brk_007_swings_against_a_plain_list() -> None:
    """BRK-007: whatever was in seven eighths of the window counts, nothing from before it does; at most nine parts."""
    random = Random(7)
    for _ in range(200):
        window, time_ns, mark = random.randint(8, 5_000), 10**6, 10**6
        swings: tuple[Swing, ...] = ()
        history: list[tuple[int, int]] = []
        for _ in range(60):
            time_ns += random.choice((1, 3, window // 20 + 1, window // 3, window))
            mark = max(10, mark + random.randint(-10**5, 10**5))
            history.append((time_ns, mark))
            swings = swings_with(swings, time_ns, mark, window)
            assert len(swings) <= rules.SWINGS + 1
            within = [price for then, price in history if then > time_ns - window]
            surely = [price for then, price in history if then > time_ns - window * 7 // 8 + 1]
            low, high = min(one.low_quanta for one in swings), max(one.high_quanta for one in swings)
            assert min(within) <= low <= min(surely) and max(surely) <= high <= max(within)


def test_brk_009_extended_while_the_mark_runs() -> None:
    """BRK-009: the mark has moved by more than 10 % when the auction would end: it goes on, twice; then it ends."""
    driver = halting()
    marked(driver, MARK, 40_000_000)
    seen = []
    for price in (35_000_000, 31_000_000, 27_000_000):
        driver.mark(price)
        driver.run([])
        seen.append([kind for kind in kinds(driver.run([], step_ns=10 * E9)) if kind.startswith("breaker")])
    assert seen == [["breaker_extended"], ["breaker_extended"], ["breaker_ended"]]
    row = driver.chain.view.breakers.get(BTC).rows[0]
    assert (row.tripped, row.extensions, row.reference_quanta) == (False, 2, 31_000_000)
    assert status(driver) == ACTIVE
    whole(driver)


def test_brk_009_a_calm_mark_ends_the_halt() -> None:
    """BRK-009: the mark stayed where the halt found it: it ends, and what the mark was before is forgotten."""
    driver = halting()
    marked(driver, MARK, 40_000_000)
    driver.run([], step_ns=10 * E9)
    assert status(driver) == ACTIVE
    assert marked(driver, 40_500_000) == []
    assert driver.chain.view.breakers.get(BTC).swings == (Swing(driver.time_ns - E9, 40_000_000, 40_500_000),)


@pytest.mark.parametrize("resting", [True, False])
def test_brk_008_a_reduce_only_market_comes_back_as_one(resting: bool) -> None:
    """BRK-008: in its auction it takes only what reduces, and after it too."""
    driver = halting()
    driver.do(BOB, b.sell(MARK, 10))
    driver.do(ALICE, b.buy(MARK, 10))
    driver.do(ORACLE, b.set_status(REDUCE_ONLY))
    marked(driver, MARK, 40_000_000)
    assert status(driver) == AUCTION
    assert driver.refused(ALICE, b.buy(40_000_000, 1)) == "MARKET_NOT_TRADING"
    driver.restart()
    driver.do(ALICE, b.sell(40_000_000, 2, reduce_only=True))
    if resting:
        driver.do(BOB, b.buy(40_000_000, 2, reduce_only=True))
    result = driver.run([], step_ns=10 * E9)
    assert status(driver) == REDUCE_ONLY
    assert ("fill" in kinds(result)) is resting
    audit(driver.chain.ctx)


def test_brk_008_a_halt_ends_when_the_market_leaves_its_auction_otherwise() -> None:
    """BRK-008, BRK-003: the authority opens it, or it is quarantined: the row ends in that block."""
    driver = halting()
    marked(driver, MARK, 40_000_000)
    result = driver.run([driver.envelope(ORACLE, b.set_status(ACTIVE))])
    assert "breaker_ended" in kinds(result) and status(driver) == ACTIVE
    marked(driver, 30_000_000)
    market = driver.chain.ctx.markets
    market.edit(BTC).quarantine(driver.time_ns + 10**15, sealed=False)
    market.merge()
    result = driver.run([])
    assert "breaker_ended" in kinds(result) and status(driver) == 8
    assert marked(driver, 20_000_000) == []


def test_brk_007_other_markets_trade_on() -> None:
    """BRK-001: a halt is one market's."""
    driver = halting()
    marked(driver, MARK, 40_000_000)
    driver.do(BOB, b.sell(24_000_000, 1, market=ETH))
    assert driver.do(ALICE, b.buy(24_000_000, 1, market=ETH))[0].filled_lots == 1
    whole(driver)
