"""The stress test that the chain makes of itself, and what follows when insurance would not do."""

import json
from random import Random

import pytest

from app.breakers import rules
from app.errors import GenesisError
from app.invariants import audit
from app.kernel.ordered import RUN, SortedKeys
from tests.helpers import builders as b
from tests.helpers import ledger
from tests.helpers.builders import ALICE, BOB, BTC, CAROL, ETH, ORACLE, Person
from tests.helpers.driver import Driver
from tests.unit.app.breakers.test_bands import kinds, whole

MARK = 46_000_000
SYSTEM = {"sweep_accounts": 100, "stress_ppm": 100_000}
CROWD = tuple(Person(f"swept {number}") for number in range(11))


def sweeping(insured: int = 0, **params: object) -> Driver:
    """A chain that tests itself; Alice is long 10 with 30 USD of her own."""
    driver = Driver(b.genesis(gas_price_e6=0, terms={BTC: {"insurance_quanta": insured, "taker_fee_ppm": 0,
                                                           "maker_fee_ppm": 0}}, **{**SYSTEM, **params}))
    driver.do(BOB, b.sell(MARK, 10))
    driver.do(ALICE, b.transfer(BOB, 10**12 - 30_000_000), b.buy(MARK, 10))
    return driver


def swept(driver: Driver) -> dict[int, int]:
    """What the last whole sweep found, by quarters of the greatest shock."""
    record = driver.chain.view.sweeps.get(b"sweep")
    return dict(zip(rules.STRESS_ROWS, record.done_shortfalls, strict=True))


def test_brk_021_the_rules() -> None:
    """BRK-021: marks down and up by quarters, rounded down, never nothing; debts add up, wealth does not make up."""
    assert [rules.shocked_price(MARK, quarters, 100_000, 1 << 50) for quarters in (-4, 3, 0)] == [
        41_400_000, 49_450_000, MARK]
    assert rules.shocked_price(1, -4, 500_000, 1 << 50) == 1
    assert rules.shocked_price(1 << 50, 4, 500_000, 1 << 50) == 1 << 50
    assert [rules.with_shortfall(7, equity) for equity in (-5, 0, 9)] == [12, 7, 7]
    assert rules.with_shortfall(7, -(1 << 70)) == 1 << 62
    assert rules.is_covered((3, 9, 4), 9) and not rules.is_covered((3, 10, 4), 9) and rules.is_covered((), 0)


def test_brk_021_worked_numbers() -> None:
    """BRK-021, BRK-022: down 10 % Alice owes 16 USD, down 7.5 % 4.5; a fund of 16 is enough, a quantum less is not."""
    driver = sweeping(16_000_000)
    result = driver.run([])
    assert swept(driver) == {-4: 16_000_000, 4: 0, -3: 4_500_000, 3: 0, -2: 0, 2: 0, -1: 0, 1: 0}
    assert kinds(result) == [] and driver.chain.view.breakers.get(0).rows == ()
    driver = sweeping(15_999_999)
    assert driver.chain.view.breakers.get(0).rows == ()
    assert kinds(driver.run([])) == ["breaker_tripped"]
    row = driver.chain.view.breakers.get(0).rows[0]
    assert (row.kind, row.reason, row.tripped, row.value, row.limit) == (5, 7, True, 16_000_000, 15_999_999)
    whole(driver)


def test_brk_023_reduce_only_until_a_sweep_finds_it_covered() -> None:
    """BRK-023: nothing may be opened, by nobody and by no trigger; what reduces may; then it is over."""
    driver = sweeping()
    driver.do(CAROL, b.trigger(b.ABOVE, 46_200_000, b.BUY, 46_300_000, 1))
    driver.run([])
    assert driver.refused(CAROL, b.buy(MARK, 1)) == "BREAKER_REDUCE_ONLY"
    assert driver.refused(ALICE, b.sell(MARK, 5)) == "BREAKER_REDUCE_ONLY"
    assert driver.refused(CAROL, b.buy(24_000_000, 1, market=ETH)) == "BREAKER_REDUCE_ONLY"
    driver.mark(46_250_000)
    result = driver.run([])
    assert [event.trigger_fired.reason for event in result.events if event.HasField("trigger_fired")] == [
        "BREAKER_REDUCE_ONLY"]
    driver.mark(MARK)
    driver.do(BOB, b.withdraw(1_000_000), b.transfer(CAROL, 1_000_000))
    driver.restart()
    driver.do(BOB, b.buy(MARK, 9, reduce_only=True))
    result = driver.run([driver.envelope(ALICE, b.sell(MARK, 9, reduce_only=True))])
    assert kinds(result) == ["fill", "breaker_ended"]
    driver.do(CAROL, b.buy(MARK - 500, 1))
    whole(driver)


def test_brk_022_insurance_that_grows_ends_it() -> None:
    """BRK-022: fees fill the fund until it covers the row; here somebody deposits into the account instead."""
    driver = sweeping()
    driver.run([])
    assert driver.refused(CAROL, b.buy(MARK, 1)) == "BREAKER_REDUCE_ONLY"
    driver.do(BOB, b.faucet(ALICE, 16_000_000))
    assert "breaker_ended" in kinds(driver.run([])) or not driver.chain.view.breakers.get(0).rows[0].tripped
    driver.do(CAROL, b.buy(MARK - 500, 1))


def expected(driver: Driver) -> dict[int, int]:
    """The rows by hand, from the stored records alone: cash and lots at shocked marks."""
    marks = {int.from_bytes(key, "big"): mark.price_quanta for key, mark in ledger.records(driver.reader, "marks")}
    found = dict.fromkeys(rules.STRESS_ROWS, 0)
    for quarters in found:
        shocked = {market: mark + mark * quarters * 100_000 // 4_000_000 for market, mark in marks.items()}
        for _, account in ledger.records(driver.reader, "accounts"):
            if any(held.lots for held in account.positions):
                equity = account.cash_quanta + sum(held.lots * shocked[held.market] for held in account.positions)
                found[quarters] += max(0, -equity)
    return found


@pytest.mark.parametrize("most", [1, 3, 5, 12, 100])
def test_brk_021_some_accounts_a_block(most: int) -> None:
    """BRK-021: however many a block takes, whenever it restarts, a sweep of what stands still finds the same, and all
    of it; each begins where the last one stopped.
    """
    random = Random(most)
    genesis = b.genesis((*CROWD, ORACLE), cash_quanta=12_000_000, gas_price_e6=0, sweep_accounts=most,
                        stress_ppm=100_000, terms={BTC: {"insurance_quanta": 10**12}})
    steady, restless = (Driver(genesis, verify=lambda *_: True) for _ in range(2))

    def both(txs: list[bytes]) -> None:
        if random.random() < 0.5:
            restless.restart()
        if random.random() < 0.5:
            restless.chain.finalize(restless.next_block([]))
        assert steady.run(txs).app_hash == restless.run(txs).app_hash

    for _ in range(12):
        pairs = random.sample(CROWD, 2)
        market, price = random.choice(((BTC, MARK), (ETH, 24_000_000)))
        lots = random.randint(1, 3)
        both([steady.envelope(pairs[0], b.sell(price, lots, market=market)),
              steady.envelope(pairs[1], b.buy(price, lots, market=market))])
    both([steady.envelope(person, b.cancel_all()) for person in CROWD])
    for _ in range(2 * (len(CROWD) // most + 2)):
        both([])
    record = steady.chain.view.sweeps.get(b"sweep")
    holding = [account for _, account in ledger.records(steady.reader, "accounts")
               if any(held.lots for held in account.positions)]
    assert record.done_accounts == len(holding) > 3
    assert swept(steady) == expected(steady) and any(swept(steady).values())
    audit(steady.chain.ctx)


def test_brk_021_assets_move_with_their_market() -> None:
    """BRK-021: a bitcoin as collateral is worth less when all falls, though nothing of BTC is held: 0.002 BTC less a
    tenth count for 82.8 USD, down 10 % for 74.52 USD, while 10 lots of ETH lose 24 USD of 240.
    """
    state = json.loads(b.genesis(gas_price_e6=0, **SYSTEM, terms={ETH: {"taker_fee_ppm": 0}}))
    state["assets"] = [{"asset": 1, "symbol": "BTC", "decimals": 8, "haircut_ppm": 100_000, "account_cap_units": 10**10,
                        "deposit_cap_units": 10**12, "price_market": BTC}]
    driver = Driver(json.dumps(state).encode())
    driver.do(ORACLE, b.faucet(ALICE, 200_000, asset=1))
    driver.do(BOB, b.sell(24_000_000, 33, market=ETH))
    driver.do(ALICE, b.transfer(BOB, 10**12))
    driver.do(ALICE, b.buy(24_000_000, 33, market=ETH))
    driver.run([])
    assert swept(driver)[-4] == 33 * 2_400_000 - 74_520_000


def test_brk_022_nobody_holds_anything() -> None:
    """BRK-022: the record stands still while there is nothing to look at, and a last sweep finds nothing."""
    driver = sweeping()
    driver.run([])
    driver.do(BOB, b.buy(MARK, 10, reduce_only=True))
    driver.do(ALICE, b.sell(MARK, 10, reduce_only=True))
    driver.run([])
    driver.run([])
    record = driver.chain.view.sweeps.get(b"sweep")
    assert (record.done_accounts, record.accounts, max(record.done_shortfalls)) == (0, 0, 0)
    assert not driver.chain.view.breakers.get(0).rows[0].tripped
    assert not any(table == "sweeps" for table, _, _ in driver.run([]).changes)


def test_keys_after_a_key() -> None:
    """The next keys of a sorted set, over the borders of its runs."""
    keys = SortedKeys()
    numbers = list(range(0, 6 * RUN, 2))
    for number in Random(1).sample(numbers, len(numbers)):
        keys.add(number)
    for start, most in ((-1, 5), (0, 1), (3, 2 * RUN), (numbers[-1], 4), (numbers[-2], 4), (7, 10**6), (5, 0)):
        assert keys.after(start, most) == [number for number in numbers if number > start][:most]
    assert SortedKeys().after(1, 3) == []


@pytest.mark.parametrize(("params", "words"), [
    ({"sweep_accounts": 1_001}, "sweep_accounts"), ({"stress_ppm": 999}, "stress_ppm"),
    ({"stress_ppm": 500_001}, "stress_ppm"), ({**b.MAIN_NETWORK, "sweep_accounts": 0}, "sweep_accounts"),
    ({**b.MAIN_NETWORK, "stress_ppm": 0}, "stress_ppm")])
def test_brk_018_bounds(params: dict[str, object], words: str) -> None:
    """BRK-018: bounded in code, and never off where it matters."""
    with pytest.raises(GenesisError, match=words):
        Driver(b.genesis(**params))
