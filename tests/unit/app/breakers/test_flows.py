"""The limiter of withdrawals: what may leave in an hour and in a day, from everybody together."""

import json

import pytest

from app.breakers import rules
from app.breakers.types import Breaker
from app.errors import GenesisError
from tests.helpers import builders as b
from tests.helpers.builders import ALICE, BOB, BTC, ORACLE
from tests.helpers.driver import Driver
from tests.unit.app.breakers.test_bands import kinds, whole

E9 = 10**9
HOUR = 3_600 * E9
USD = 10**6
LIMITS = {"withdraw_hour_quanta": 3_600 * USD, "withdraw_day_quanta": 10_000 * USD}


def limited(**params: object) -> Driver:
    """A chain from which 3,600 USD may leave in an hour, and 10,000 in a day."""
    return Driver(b.genesis(gas_price_e6=0, **{**LIMITS, **params}))


def details(driver: Driver, action: object, person: b.Person = ALICE) -> dict[str, str]:
    """What a refusal says."""
    done = driver.act(person, action).actions[0]  # type: ignore[arg-type]
    assert done.reason == "BREAKER_WITHDRAWALS"
    return {one.key: one.value for one in done.metadata}


def test_brk_014_worth() -> None:
    """BRK-014: 1.5 BTC; rounded up."""
    assert rules.worth(150_000_000, 46_000_000, 100_000) == 69_000_000_000
    assert rules.worth(1, 46_000_000, 100_000) == 460
    assert rules.worth(1, 1, 3) == 1


def test_brk_015_the_limit() -> None:
    """BRK-015: the greater of an amount and a share, rounded down."""
    assert rules.flow_limit(1_000_000 * USD, 30_000_000 * USD, 50_000) == 1_500_000 * USD
    assert rules.flow_limit(1_000_000 * USD, 10_000_000 * USD, 50_000) == 1_000_000 * USD
    assert rules.flow_limit(0, 39, 50_000) == 1


def test_brk_015_whatever_an_asset_is_worth_the_row_fits() -> None:
    """BRK-015, BRK-017: 10^12 units at the highest price that may be voted: they are refused, and the block stands."""
    state = json.loads(b.genesis(withdraw_hour_quanta=10**12, withdraw_hour_ppm=250_000, max_faucet_quanta=10**12,
                                 feeds={BTC: {"price": 1 << 50}}))
    state["assets"] = [{"asset": 1, "symbol": "X", "decimals": 3, "haircut_ppm": 0, "account_cap_units": 1,
                        "deposit_cap_units": 1 << 62, "price_market": BTC}]
    driver = Driver(json.dumps(state).encode())
    driver.do(BOB, b.faucet(BOB, 10**12, asset=1))
    for units in (2 * 10**11, 900, 900):
        driver.act(BOB, b.withdraw(units, asset=1))
    row = driver.chain.view.breakers.get(0).rows[0]
    assert row.tripped and row.limit == (1 << 62) // 4 and row.limit < row.value < 1 << 63
    whole(driver)


def test_brk_016_the_bucket() -> None:
    """BRK-016, BRK-017: limit 3,600 in an hour: 3,000 leave; 20 minutes later the level is 1,800 and 1,800 fit."""
    level = rules.drained(3_000 * HOUR, 3_600, 1_200 * E9)
    assert level == 1_800 * HOUR
    assert rules.flow_room(level, 3_600, HOUR) == 1_800
    assert rules.flow_wait(level, 1_800, 3_600, HOUR) == 0
    assert rules.flow_wait(level, 1_801, 3_600, HOUR) == E9
    assert rules.flow_wait(level, 1_801, 3_599, HOUR) == -(-2 * HOUR // 3_599)
    assert rules.drained(5, 3_600, HOUR) == 0
    assert rules.flow_room(level, 100, HOUR) == 0


def test_brk_017_refused_until_it_fits() -> None:
    """BRK-016, BRK-017: from two accounts together; what is refused says when, then it works; the row says so too."""
    driver = limited()
    driver.do(ALICE, b.withdraw(3_000 * USD))
    said = details(driver, b.withdraw(1_000 * USD), BOB)
    assert said["window"] == "hour" and said["limit_quanta"] == str(3_600 * USD)
    assert int(said["room_quanta"]) == 601 * USD  # a second has gone by
    ready = int(said["try_again_ns"])
    assert ready - driver.time_ns == 399 * E9
    row = driver.chain.view.breakers.get(0).rows[0]
    assert (row.kind, row.reason, row.tripped, row.ends_ns, row.limit) == (3, 4, True, ready, 3_600 * USD)
    assert row.value == 3_999 * USD
    driver.restart()
    said = details(driver, b.withdraw(1_000 * USD), BOB)
    assert int(said["try_again_ns"]) == ready
    driver.run([], step_ns=ready - driver.time_ns - 2 * E9)
    assert details(driver, b.withdraw(1_000 * USD), BOB)
    result = driver.run([driver.envelope(BOB, b.withdraw(1_000 * USD))])
    assert "withdrawn" in kinds(result) and "breaker_ended" in kinds(result)
    whole(driver)


def test_brk_017_it_lasts_until_the_last_that_was_refused_would_fit() -> None:
    """BRK-017: a second refusal, of more, lengthens it and begins nothing anew."""
    driver = limited()
    driver.do(ALICE, b.withdraw(3_600 * USD))
    first = int(details(driver, b.withdraw(100 * USD))["try_again_ns"])
    started = driver.time_ns
    second = int(details(driver, b.withdraw(900 * USD), BOB)["try_again_ns"])
    row, = driver.chain.view.breakers.get(0).rows
    assert first < second and (row.started_ns, row.ends_ns, row.tripped) == (started, second, True)
    assert int(details(driver, b.withdraw(200 * USD))["try_again_ns"]) < second
    assert driver.chain.view.breakers.get(0).rows[0].ends_ns == second


def test_brk_017_what_a_dropped_run_refused_is_forgotten() -> None:
    """BRK-017: a block that did not come to its end leaves no note for the next run."""
    driver = limited()
    driver.do(ALICE, b.withdraw(USD))
    driver.chain.ctx.refusals.append(Breaker(3, 4, True, 1, 2, 3, 4))
    driver.run([])
    assert driver.chain.view.breakers.get(0).rows == ()


def test_brk_017_more_than_the_limit_never_fits_and_trips_nothing() -> None:
    """BRK-017: nobody can trip the breaker with an amount that could not leave at any time; transfers are free."""
    driver = limited()
    assert details(driver, b.withdraw(3_601 * USD))["try_again_ns"] == "0"
    assert driver.chain.view.breakers.get(0).rows == ()
    driver.do(ALICE, b.transfer(BOB, 100_000 * USD))
    driver.do(ALICE, b.faucet(ALICE, 100_000 * USD))
    whole(driver)


def test_brk_016_the_day() -> None:
    """BRK-016: 3,600 leave at once and then an hour's worth an hour, until the day is full."""
    driver = limited()
    for _ in range(3):
        driver.do(ALICE, b.withdraw(3_600 * USD))
        driver.run([], step_ns=HOUR)
    said = details(driver, b.withdraw(3_600 * USD))
    assert (said["window"], said["limit_quanta"]) == ("day", str(10_000 * USD))
    assert driver.chain.view.breakers.get(0).rows[0].reason == 5
    driver.do(ALICE, b.withdraw(int(said["room_quanta"])))
    whole(driver)


def test_brk_015_a_share_of_what_is_held() -> None:
    """BRK-015: five accounts hold 5,000,000 USD: 2 % are 100,000; then there is less to be a share of."""
    driver = limited(withdraw_hour_ppm=20_000, withdraw_day_ppm=500_000)
    driver.do(ALICE, b.withdraw(100_000 * USD))
    assert details(driver, b.withdraw(30 * USD))["limit_quanta"] == str(98_000 * USD)
    whole(driver)


def test_brk_014_assets_count_at_their_price() -> None:
    """BRK-014, BRK-015: 0.05 BTC at 46,000 USD are 2,300 USD; then 0.03 BTC (1,380) are too much for the hour."""
    state = json.loads(b.genesis(gas_price_e6=0, **LIMITS))
    state["assets"] = [{"asset": 1, "symbol": "BTC", "decimals": 8, "haircut_ppm": 100_000, "account_cap_units": 10**10,
                        "deposit_cap_units": 10**12, "price_market": BTC}]
    driver = Driver(json.dumps(state).encode())
    driver.do(ORACLE, b.faucet(ALICE, 10**8, asset=1))
    driver.do(ALICE, b.withdraw(5_000_000, asset=1))
    assert details(driver, b.withdraw(3_000_000, asset=1))["value_quanta"] == str(1_380 * USD)
    driver.do(BOB, b.withdraw(1_299 * USD))
    whole(driver)


def test_brk_015_what_nobody_votes_a_price_of_makes_no_room() -> None:
    """BRK-015: 5,000,000 USD in cash and 100 bitcoins at 46,000 less 10 %: 2 % are 182,800; what has a fixed price, or
    counts for nothing as collateral, adds nothing.
    """
    asset = {"asset": 1, "symbol": "BTC", "decimals": 8, "haircut_ppm": 100_000, "account_cap_units": 10**10,
             "deposit_cap_units": 10**12, "price_market": BTC}
    fixed = {name: value for name, value in asset.items() if name != "price_market"} | {"price_quanta": 46 * 10**9}
    for entry, limit in ((asset, 182_800), (asset | {"account_cap_units": 0}, 100_000), (fixed, 100_000)):
        state = json.loads(b.genesis(gas_price_e6=0, **{**LIMITS, "withdraw_hour_ppm": 20_000}))
        state["assets"] = [entry]
        driver = Driver(json.dumps(state).encode())
        driver.do(ORACLE, b.faucet(ALICE, 10**10, asset=1))
        assert details(driver, b.withdraw(200_000 * USD))["limit_quanta"] == str(limit * USD)
        whole(driver)


def test_brk_017_an_envelope_that_is_undone_counts_nothing() -> None:
    """BRK-016: all-or-nothing: what did not leave does not count; what was refused in it is noted all the same."""
    driver = limited()
    driver.act(ALICE, b.withdraw(3_000 * USD), b.withdraw(3_000 * USD), all_or_nothing=True)
    assert [row.tripped for row in driver.chain.view.breakers.get(0).rows] == [True]
    driver.do(ALICE, b.withdraw(3_600 * USD))
    whole(driver)


@pytest.mark.parametrize(("params", "words"), [
    ({"withdraw_hour_quanta": 10**14 + 1}, "withdraw_hour_quanta"), ({"withdraw_day_ppm": 500_001}, "withdraw_day_ppm"),
    ({**b.MAIN_NETWORK, "withdraw_day_ppm": 0}, "withdraw_day_quanta"),
    ({**b.MAIN_NETWORK, "withdraw_hour_ppm": 0}, "withdraw_hour_quanta"),
])
def test_brk_018_bounds(params: dict[str, object], words: str) -> None:
    """BRK-018: bounded in code, and never off where it matters."""
    with pytest.raises(GenesisError, match=words):
        Driver(b.genesis(**params))


def test_brk_018_defaults() -> None:
    """BRK-018: a genesis that says nothing has limits."""
    state = json.loads(b.genesis())
    for name in b.NO_BREAKERS:
        del state["params"][name]
    params = Driver(json.dumps(state).encode()).chain.params
    assert (params.withdraw_hour_quanta, params.withdraw_hour_ppm) == (10**12, 50_000)
    assert (params.withdraw_day_quanta, params.withdraw_day_ppm) == (5 * 10**12, 200_000)
