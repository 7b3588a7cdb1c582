"""The chain stood still while the world did not: auctions and a cool-down before anybody is liquidated."""

import json

import pytest

from app.errors import GenesisError
from app.invariants import audit
from tests.helpers import builders as b
from tests.helpers.builders import ALICE, BOB, BTC, CAROL, DAVE, ETH, ORACLE
from tests.helpers.driver import GENESIS_TIME_NS, Driver
from tests.unit.app.breakers.test_bands import ACTIVE, AUCTION, REDUCE_ONLY, kinds, status, whole

E9 = 10**9
MARK = 46_000_000
GAPS = {"gap_ns": 60 * E9, "gap_cool_down_ns": 120 * E9}


def still(**params: object) -> Driver:
    """A chain that takes more than a minute between two blocks for a standstill; Alice is long 10 with 30 USD."""
    driver = Driver(b.genesis(gas_price_e6=0, **{**GAPS, **params}))
    driver.run([], step_ns=600 * E9)  # nobody has anything: no gap
    assert status(driver) == ACTIVE
    driver.do(BOB, b.sell(MARK, 10))
    driver.do(ALICE, b.transfer(BOB, 10**12 - 30_000_000), b.buy(MARK, 10))
    return driver


def test_brk_019_every_market_with_something_at_stake_is_halted() -> None:
    """BRK-019: BTC has positions, ETH nothing at all; at the limit there is no gap."""
    driver = still()
    driver.run([], step_ns=60 * E9)
    assert status(driver) == ACTIVE
    result = driver.run([], step_ns=300 * E9)
    assert kinds(result) == ["breaker_tripped", "breaker_tripped", "market_status_changed"]
    chain, market = (event.breaker_tripped for event in result.events[:2])
    assert (chain.market, chain.breaker.kind, chain.breaker.reason) == (0, 4, 6)
    assert (chain.breaker.value, chain.breaker.limit) == (300 * E9, 60 * E9)
    assert (market.market, market.breaker.kind, market.breaker.reason) == (BTC, 1, 6)
    assert market.breaker.ends_ns == chain.breaker.ends_ns == driver.time_ns + 120 * E9
    assert [driver.chain.view.markets.get(market).status for market in (BTC, ETH)] == [AUCTION, ACTIVE]
    whole(driver)


def test_brk_020_nothing_is_liquidated_before_the_cool_down_is_over() -> None:
    """BRK-020: the mark fell while the chain stood still: no liquidation and no trigger for two minutes; the owner may
    deposit meanwhile, and is not touched at all.
    """
    for saves in (True, False):
        driver = still()
        driver.do(BOB, b.buy(43_950_000, 10))
        driver.do(ALICE, b.trigger(b.BELOW, 45_000_000, b.SELL, 43_000_000, 1, reduce_only=True))
        driver.mark(44_000_000)
        driver.run([], step_ns=300 * E9)
        assert status(driver) == AUCTION
        if saves:
            driver.do(CAROL, b.faucet(ALICE, 100_000_000))
        driver.restart()
        for _ in range(11):
            assert not {"position_closed", "trigger_fired", "auction_started"} & set(kinds(driver.run([], 10 * E9)))
        result = driver.run([], step_ns=9 * E9 + (not saves) * E9)
        assert "breaker_ended" in kinds(result) and status(driver) == ACTIVE
        after = kinds(driver.run([]))
        assert "trigger_fired" in after
        assert ("position_closed" in after) is not saves
        whole(driver)


def test_brk_020_triggers_of_a_market_without_orders_wait_too() -> None:
    """BRK-020: nobody has anything in ETH but a trigger, so it is not halted; the trigger waits for the cool-down."""
    driver = still()
    driver.do(CAROL, b.trigger(b.ABOVE, 25_000_000, b.BUY, 25_500_000, 1, market=ETH))
    driver.mark(25_100_000, ETH)
    driver.run([], step_ns=300 * E9)
    assert driver.chain.view.markets.get(ETH).status == ACTIVE
    assert all("trigger_fired" not in kinds(driver.run([], step_ns=17 * E9)) for _ in range(7))
    assert "trigger_fired" in kinds(driver.run([]))
    whole(driver)


def test_brk_020_auctions_of_liquidation_begin_anew() -> None:
    """BRK-020, LIQ-012, LIQ-015: ten of fifteen minutes had gone by; after the cool-down the discount is 0 again, and a
    quarter of an hour is left; meanwhile nobody may bid.
    """
    driver = still()
    driver.mark(44_000_000)
    driver.run([])
    for _ in range(10):
        driver.run([], step_ns=60 * E9)
    assert driver.chain.view.auctions.get(ALICE.account()) is not None
    driver.run([], step_ns=400 * E9)
    assert driver.refused(DAVE, b.bid(ALICE)) == "AUCTION_NOT_OPEN"
    for _ in range(3):
        driver.run([], step_ns=40 * E9)
    assert status(driver) == ACTIVE
    assert driver.refused(DAVE, b.bid(ALICE, least_discount_ppm=10_000)) == "AUCTION_DISCOUNT"
    driver.restart()
    driver.do(DAVE, b.bid(ALICE, least_discount_ppm=1_000))
    audit(driver.chain.ctx)


def test_brk_019_an_opening_auction_lasts_longer_and_a_reduce_only_market_stays_one() -> None:
    """BRK-019: an auction that would have ended during the standstill goes on; what was reduce-only is so after it."""
    terms = {ETH: {"opens_ns": GENESIS_TIME_NS + E9, "auction_ns": 100 * E9}}
    driver = Driver(b.genesis(terms=terms, **GAPS))
    driver.run([], step_ns=2 * E9)
    driver.do(BOB, b.sell(MARK, 10), b.sell(24_000_000, 1, market=ETH))
    driver.do(ALICE, b.buy(MARK, 10), b.buy(24_000_000, 1, market=ETH))
    driver.do(ORACLE, b.set_status(REDUCE_ONLY))
    driver.run([], step_ns=300 * E9)
    assert [driver.chain.view.markets.get(market).status for market in (BTC, ETH)] == [AUCTION, AUCTION]
    assert driver.refused(ALICE, b.buy(MARK, 1)) == "MARKET_NOT_TRADING"
    driver.do(ALICE, b.sell(MARK, 1, reduce_only=True))
    driver.run([], step_ns=59 * E9)
    result = driver.run([], step_ns=60 * E9)
    assert [event.fill.market for event in result.events if event.HasField("fill")] == [ETH]
    assert [driver.chain.view.markets.get(market).status for market in (BTC, ETH)] == [REDUCE_ONLY, ACTIVE]
    audit(driver.chain.ctx)


def test_brk_019_an_auction_that_ends_later_ends_later() -> None:
    """BRK-019: an opening auction of an hour is not cut short by a cool-down of two minutes."""
    driver = Driver(b.genesis(terms={BTC: {"opens_ns": GENESIS_TIME_NS + E9, "auction_ns": 3_600 * E9}}, **GAPS))
    driver.run([], step_ns=2 * E9)
    driver.do(BOB, b.sell(MARK, 1))
    driver.run([], step_ns=300 * E9)
    assert driver.chain.view.breakers.get(BTC).rows[0].ends_ns == GENESIS_TIME_NS + 3_601 * E9
    for _ in range(4):
        driver.run([], step_ns=59 * E9)
    assert status(driver) == AUCTION
    whole(driver)


def test_brk_019_a_halt_of_a_reduce_only_market_keeps_what_it_comes_back_to() -> None:
    """BRK-019, BRK-008: the mark ran, then the chain stood still: it is reduce-only after both."""
    driver = Driver(b.genesis(terms={BTC: {"halt_move_ppm": 100_000, "halt_window_ns": 60 * E9,
                                           "halt_auction_ns": 30 * E9}}, **GAPS))
    driver.do(BOB, b.sell(MARK, 10))
    driver.do(ALICE, b.buy(MARK, 10))
    driver.do(ORACLE, b.set_status(REDUCE_ONLY))
    driver.mark(52_000_000)
    driver.run([])
    assert status(driver) == AUCTION
    driver.run([], step_ns=100 * E9)
    for _ in range(3):
        driver.run([], step_ns=50 * E9)
    assert status(driver) == REDUCE_ONLY
    whole(driver)


def test_brk_020_no_market_that_opens_early_and_no_debt_is_closed_meanwhile() -> None:
    """BRK-020: the authority opens the market in the cool-down, and an asset falls below the debt that it backs: nobody
    is liquidated, nothing is collected before it is over.
    """
    state = json.loads(b.genesis(gas_price_e6=0, **GAPS, terms={BTC: {"insurance_quanta": 10**9}}))
    state["assets"] = [{"asset": 1, "symbol": "BTC", "decimals": 8, "haircut_ppm": 100_000, "account_cap_units": 10**10,
                        "deposit_cap_units": 10**12, "price_market": BTC}]
    driver = Driver(json.dumps(state).encode())
    driver.do(ORACLE, b.faucet(CAROL, 200_000, asset=1))  # counts for 82.8 USD
    driver.do(BOB, b.sell(MARK, 12))
    driver.do(ALICE, b.transfer(BOB, 10**12 - 30_000_000), b.buy(MARK, 10), b.buy(38_000_000, 1))
    driver.do(CAROL, b.transfer(BOB, 10**12 - 2_000_000), b.buy(MARK, 2))
    driver.do(DAVE, b.buy(38_500_000, 2))
    driver.do(CAROL, b.sell(38_500_000, 2, reduce_only=True))  # owes about 13 USD, against 82.8
    assert driver.chain.view.accounts.get(CAROL.account()).cash_quanta < -12_000_000
    driver.mark(5_000_000)
    driver.run([], step_ns=300 * E9)
    driver.do(ORACLE, b.set_status(ACTIVE))
    quiet = {kind for _ in range(8) for kind in kinds(driver.run([], step_ns=14 * E9))}
    assert not {"asset_seized", "order_cancelled", "account_reduced", "auction_started"} & quiet
    after = {kind for _ in range(3) for kind in kinds(driver.run([], step_ns=14 * E9))}
    assert {"asset_seized", "order_cancelled"} <= after
    audit(driver.chain.ctx)


def test_brk_019_a_second_gap_begins_again() -> None:
    """BRK-019: the chain stands still once more during the cool-down."""
    driver = still()
    driver.run([], step_ns=300 * E9)
    driver.run([], step_ns=100 * E9)
    row = driver.chain.view.breakers.get(0).rows[0]
    assert (row.started_ns, row.ends_ns) == (driver.time_ns, driver.time_ns + 120 * E9)
    assert driver.chain.view.breakers.get(BTC).rows[0].ends_ns == row.ends_ns
    whole(driver)


@pytest.mark.parametrize("params", [
    {"gap_ns": E9}, {"gap_cool_down_ns": 1}, {"gap_ns": 3_601 * E9},
    {**b.MAIN_NETWORK, "gap_ns": 0}])
def test_brk_018_bounds(params: dict[str, object]) -> None:
    """BRK-018: bounded in code; a main network notices a standstill."""
    with pytest.raises(GenesisError, match="gap"):
        Driver(b.genesis(**params))


def test_brk_018_defaults() -> None:
    """BRK-018: a minute, and two to cool down."""
    state = json.loads(b.genesis())
    del state["params"]["gap_ns"]
    params = Driver(json.dumps(state).encode()).chain.params
    assert (params.gap_ns, params.gap_cool_down_ns) == (60 * E9, 120 * E9)
