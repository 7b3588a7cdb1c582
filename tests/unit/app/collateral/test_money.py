"""Faucet, transfer and withdrawal through real blocks, by rule code."""

import json

import pytest

from tests.helpers import builders as b
from tests.helpers import ledger
from tests.helpers.builders import ALICE, BOB, BTC, ORACLE
from tests.helpers.driver import Driver

P = b.MARK_QUANTA[BTC]
CASH = 100_000_000
NEWCOMER = b.Person("newcomer")


@pytest.fixture
def driver() -> Driver:
    """Everybody has 100 USD."""
    return Driver(b.genesis(cash_quanta=CASH))


def cash(driver: Driver, person: b.Person, number: int = 0) -> int:
    """Cash of an account in quanta."""
    account = driver.chain.ctx.accounts.peek(person.account(number))
    assert account is not None
    return account.cash_quanta


def held(driver: Driver) -> int:
    """What the vault holds."""
    return driver.chain.ctx.vault.peek(b"usd").held_quanta


def test_coll_002_and_007_faucet(driver: Driver) -> None:
    """COLL-002, COLL-007: minted into account and vault alike, up to the limit, on a test network."""
    before = held(driver)
    driver.do(ALICE, b.faucet(NEWCOMER, 5_000_000))
    assert (cash(driver, NEWCOMER), held(driver)) == (5_000_000, before + 5_000_000)
    assert driver.refused(ALICE, b.faucet(NEWCOMER, 0)) == "COLLATERAL_AMOUNT"
    assert driver.refused(ALICE, b.faucet(NEWCOMER, 10**12 + 1)) == "COLLATERAL_AMOUNT"
    ledger.check(driver.reader)


def test_coll_007_no_faucet_on_a_main_network() -> None:
    """COLL-007, VAL-004: without `test_network` there is neither faucet nor authority."""
    state = json.loads(b.genesis())
    state["params"].update(b.MAIN_NETWORK)
    driver = Driver(json.dumps(state).encode())
    assert driver.refused(ALICE, b.faucet(BOB, 5_000_000)) == "COLLATERAL_FAUCET_OFF"
    assert driver.refused(ORACLE, b.set_validator(bytes(32), 5)) == "VALIDATOR_NOT_AUTHORITY"


def test_coll_003_withdrawal(driver: Driver) -> None:
    """COLL-003: account and vault shrink alike; destination and amount must make sense."""
    before, had = held(driver), cash(driver, ALICE)
    result = driver.act(ALICE, b.withdraw(40_000_000))
    assert (held(driver), cash(driver, ALICE)) == (before - 40_000_000, had - 40_000_000 - result.fee_quanta)
    assert driver.refused(ALICE, b.withdraw(10, b"")) == "COLLATERAL_DESTINATION"
    assert driver.refused(ALICE, b.withdraw(10, b"x" * 65)) == "COLLATERAL_DESTINATION"
    assert driver.refused(ALICE, b.withdraw(0)) == "COLLATERAL_AMOUNT"
    assert driver.refused(ALICE, b.withdraw(60_000_000)) == "COLLATERAL_INSUFFICIENT"


def test_coll_004_unrealised_profit_stays(driver: Driver) -> None:
    """COLL-004, COLL-009: 10 lots gain 10,000,000; that profit does not leave, nor does a tenth of the notional."""
    driver.do(ALICE, b.buy(P, 10))
    driver.do(BOB, b.sell(P, 10))
    driver.mark(P + 1_000_000)
    driver.run([])
    account = driver.chain.ctx.accounts.peek(ALICE.account())
    fees = CASH - (account.cash_quanta + 10 * P)
    free = CASH - fees - 47_000_000
    assert driver.refused(ALICE, b.withdraw(free)) == "COLLATERAL_INSUFFICIENT"  # this envelope's own fee is held
    driver.do(ALICE, b.withdraw(free - 30_000))
    ledger.check(driver.reader)


def test_coll_005_and_008_transfer(driver: Driver) -> None:
    """COLL-005, COLL-008: to another account of one's own or of another; opening one takes a whole USD."""
    driver.do(ALICE, b.transfer(ALICE, 20_000_000, number=3), b.transfer(BOB, 5))
    assert (cash(driver, ALICE, 3), cash(driver, BOB)) == (20_000_000, CASH + 5)
    assert driver.refused(ALICE, b.transfer(NEWCOMER, 999_999)) == "COLLATERAL_NEW_ACCOUNT"
    assert driver.refused(ALICE, b.transfer(ALICE, 5)) == "COLLATERAL_SAME_ACCOUNT"
    assert driver.refused(ALICE, b.transfer(BOB, 80_000_000)) == "COLLATERAL_INSUFFICIENT"
    ledger.check(driver.reader)


def test_coll_006_the_vault_has_a_limit() -> None:
    """COLL-006: minting beyond 10^17 quanta is refused."""
    driver = Driver(b.genesis(cash_quanta=10**17 // 5, max_faucet_quanta=10**15))
    assert driver.refused(ALICE, b.faucet(BOB, 10**6)) == "COLLATERAL_VAULT_FULL"


def test_coll_001_and_inv_001_what_is_held_is_what_is_owed(driver: Driver) -> None:
    """COLL-001, INV-001: after all kinds of moves, accounts and fund sum to the vault."""
    driver.do(ALICE, b.buy(P, 3), b.transfer(BOB, 7))
    driver.do(BOB, b.sell(P, 2), b.withdraw(11))
    accounts = sum(account.cash_quanta for _, account in driver.chain.ctx.accounts.scan())
    assert accounts + ledger.earned(driver.reader) == held(driver) == 5 * CASH - 11
