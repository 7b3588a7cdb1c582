"""Other assets as collateral, through real blocks, by rule code."""

import json

import pytest

from app.chain import Chain
from app.collateral import rules, state
from app.collateral.types import asset_fund, asset_vault, insurance_fund
from app.errors import ChainError, GenesisError
from app.invariants import audit
from app.margin.state import account_standing, equity
from app.store.view import DictReader
from tests.helpers import builders as b
from tests.helpers import ledger
from tests.helpers.builders import ALICE, BOB, BTC, ORACLE
from tests.helpers.driver import Driver

P = b.MARK_QUANTA[BTC]
COIN = 10**8  # units a BTC; a lot is 0.001 of it
BITCOIN = {"asset": 1, "symbol": "BTC", "decimals": 8, "haircut_ppm": 100_000, "account_cap_units": 2 * COIN,
           "deposit_cap_units": 100 * COIN, "price_market": 1}
EURO = {"asset": 2, "symbol": "EUR", "decimals": 2, "haircut_ppm": 50_000, "account_cap_units": 10**9,
        "deposit_cap_units": 10**9, "price_quanta": 1_080_000}


def with_assets(*assets: dict[str, object], cash_quanta: int = 100_000_000) -> bytes:
    """A genesis with these assets, without fees."""
    document = json.loads(b.genesis(cash_quanta=cash_quanta, gas_price_e6=0))
    for market in document["markets"]:
        market.update(maker_fee_ppm=0, taker_fee_ppm=0)
    document["assets"] = list(assets)
    return json.dumps(document).encode()


@pytest.fixture
def driver() -> Driver:
    """Everybody has 100 USD; bitcoin and euros may be collateral."""
    return Driver(with_assets(BITCOIN, EURO))


def units(driver: Driver, person: b.Person, asset: int) -> int:
    """What an account holds of an asset."""
    return driver.chain.ctx.accounts.peek(person.account()).units(asset)


def check(driver: Driver) -> None:
    """All conservation laws."""
    audit(driver.chain.ctx)
    ledger.check(driver.reader)


def test_coll_010_value_after_haircut_and_cap(driver: Driver) -> None:
    """COLL-010, MARG-011: 3 BTC with a cap of 2 at 46,000 USD less 10 %: 82,800 USD; 10 euros at 1.08 less 5 %."""
    driver.do(ALICE, b.faucet(ALICE, 3 * COIN, asset=1), b.faucet(ALICE, 1_000, asset=2))
    ctx = driver.chain.ctx
    account = ctx.accounts.peek(ALICE.account())
    assert state.assets_value(ctx, account) == 82_800_000_000 + 10_260_000
    assert equity(driver.chain.view, account) == account_standing(ctx, account).equity == 82_910_260_000
    driver.mark(P // 2)
    driver.run([])
    assert state.assets_value(ctx, account) == 41_400_000_000 + 10_260_000
    driver.restart()
    assert driver.chain.ctx.vault.peek(asset_vault(1)).held_quanta == 3 * COIN
    check(driver)


def test_coll_010_rounds_down() -> None:
    """COLL-010: 10 units at 3 less 10 %: 27; 1 unit: 2.7, so 2; all cut: nothing."""
    assert [rules.asset_value(held, 3, 1, 100_000) for held in (10, 1, 0)] == [27, 2, 0]
    assert rules.asset_value(10, 3, 1, 1_000_000) == 0


def test_coll_011_deposits_have_caps(driver: Driver) -> None:
    """COLL-011, COLL-001: up to the chain's cap, into accounts that exist, of assets that exist."""
    driver.do(ALICE, b.faucet(BOB, 100 * COIN, asset=1))
    assert driver.refused(ALICE, b.faucet(BOB, 1, asset=1)) == "COLLATERAL_CAP"
    assert driver.refused(ALICE, b.faucet(BOB, 0, asset=2)) == "COLLATERAL_AMOUNT"
    assert driver.refused(ALICE, b.faucet(BOB, 1, asset=3)) == "COLLATERAL_ASSET"
    assert driver.refused(ALICE, b.faucet(BOB, 1, asset=2, number=9)) == "ACCOUNT_NOT_FOUND"
    check(driver)


def test_coll_011_assets_carry_positions_and_stay_for_them(driver: Driver) -> None:
    """COLL-011, MARG-004: 0.1 BTC (4,140 USD of collateral) carries 50 lots; what must stay cannot leave."""
    assert driver.refused(ALICE, b.buy(P, 50)) == "MARGIN_INSUFFICIENT"  # 115 USD of margin
    driver.do(ALICE, b.faucet(ALICE, COIN // 10, asset=1))
    driver.do(ALICE, b.buy(P, 50))
    driver.do(BOB, b.faucet(BOB, COIN, asset=1), b.sell(P, 50))
    # 230 USD must stay: 100 of them are cash, 130 in bitcoin: 314,010 units are worth 130.00014.
    assert driver.refused(ALICE, b.withdraw(COIN // 10 - 314_009, asset=1)) == "COLLATERAL_INSUFFICIENT"
    driver.do(ALICE, b.withdraw(COIN // 10 - 314_010, asset=1))
    assert driver.refused(ALICE, b.transfer(BOB, 1, asset=1)) == "COLLATERAL_INSUFFICIENT"
    assert driver.refused(ALICE, b.withdraw(141)) == "COLLATERAL_INSUFFICIENT"
    check(driver)


def test_coll_011_and_004_nobody_borrows(driver: Driver) -> None:
    """COLL-004, COLL-011: bitcoin frees cash up to what is realised, never beyond; cash below zero keeps bitcoin."""
    driver.do(ALICE, b.faucet(ALICE, COIN, asset=1))
    driver.do(ALICE, b.buy(P, 50))
    driver.do(BOB, b.faucet(BOB, COIN, asset=1), b.sell(P, 50))
    driver.mark(P - 1_000_000)  # a loss of 50 USD
    assert driver.refused(ALICE, b.withdraw(50_000_001)) == "COLLATERAL_INSUFFICIENT"
    driver.do(ALICE, b.withdraw(50_000_000))
    driver.mark(P - 3_000_000)  # another 100, which only bitcoin backs
    driver.do(ALICE, b.sell(P - 3_000_000, 50, reduce_only=True))
    driver.do(BOB, b.buy(P - 3_000_000, 50))
    assert driver.chain.ctx.accounts.peek(ALICE.account()).cash_quanta == -100_000_000
    # At 43,000 less 10 %, 100 USD are 258,398 units.
    assert driver.refused(ALICE, b.withdraw(COIN - 258_397, asset=1)) == "COLLATERAL_INSUFFICIENT"
    driver.do(ALICE, b.transfer(BOB, COIN - 258_398, asset=1))
    assert (units(driver, ALICE, 1), units(driver, BOB, 1)) == (258_398, 2 * COIN - 258_398)
    check(driver)


def test_coll_011_unknown_amounts(driver: Driver) -> None:
    """COLL-011: more than is held, nothing, or an asset that does not exist."""
    driver.do(ALICE, b.faucet(ALICE, 5, asset=2))
    assert driver.refused(ALICE, b.withdraw(6, asset=2)) == "COLLATERAL_INSUFFICIENT"
    assert driver.refused(ALICE, b.transfer(BOB, 0, asset=2)) == "COLLATERAL_AMOUNT"
    assert driver.refused(ALICE, b.transfer(BOB, 1, asset=7)) == "COLLATERAL_ASSET"
    assert driver.refused(ALICE, b.transfer(BOB, 1, asset=2, number=5)) == "ACCOUNT_NOT_FOUND"
    driver.do(ALICE, b.withdraw(5, asset=2))
    assert driver.chain.ctx.accounts.peek(ALICE.account()).assets == ()
    check(driver)


@pytest.mark.parametrize(("held", "owed", "purse", "taken", "paid"), [
    (1_000, 100, 10**6, 38, 100), (1_000, 100, 50, 19, 50), (10, 100, 10**6, 10, 27), (1_000, 0, 10**6, 0, 0),
    (1_000, 100, 0, 0, 0), (0, 100, 10**6, 0, 0), (1_000, -5, 100, 0, 0), (1_000, 100, -7, 0, 0)])
def test_coll_012_seizure(held: int, owed: int, purse: int, taken: int, paid: int) -> None:
    """COLL-012: at price 3 less 10 %, as far as is owed, held and in the purse."""
    assert rules.seizure(held, 3, 1, 100_000, owed, purse) == (taken, paid)


def test_coll_012_the_insurance_fund_buys_what_is_owed(driver: Driver) -> None:
    """COLL-012, COLL-001: asset by asset, until the debt is raised or the fund is empty; nothing is lost."""
    driver.do(ALICE, b.faucet(ALICE, 1_000, asset=1), b.faucet(ALICE, 10_000, asset=2))
    ctx = driver.chain.ctx
    ctx.journal.savepoint()
    fund = insurance_fund(BTC)
    ctx.accounts.edit(ALICE.account()).cash_quanta -= 60_000_000
    ctx.funds.edit(fund).balance_quanta += 60_000_000
    assert state.seize(ctx, ALICE.account(), BTC, 50_000_000) == 50_000_000
    account = ctx.accounts.get(ALICE.account())
    assert account.units(1) == 0  # worth 0.414 USD
    assert account.units(2) == 10_000 - 4_833  # 49.586 USD at 1.026 each hundred
    assert [ctx.funds.get(key).balance_quanta for key in (fund, asset_fund(1, fund))] == [10_000_000, 1_000]
    assert [(event.asset, event.units, event.paid_quanta) for event in ctx.events] == [
        (1, 1_000, 414_000), (2, 4_833, 49_586_000)]
    assert state.seize(ctx, ALICE.account(), BTC, 50_000_000) == 10_000_000
    assert state.seize(ctx, ALICE.account(), BTC, 50_000_000) == 0  # the fund is empty
    assert state.seize(ctx, bytes(24), BTC, 5) == 0
    ctx.journal.rollback()
    ctx.events.clear()
    check(driver)


@pytest.mark.parametrize(("cap", "taken", "paid"), [(10, 10, 27), (0, 0, 0), (1_000, 38, 100)])
def test_coll_012_only_what_counts_is_bought(cap: int, taken: int, paid: int) -> None:
    """COLL-012, COLL-010: at most the asset's cap an account, whatever is held; an asset with a cap of 0 not at all."""
    token = {**EURO, "decimals": 0, "price_quanta": 3, "haircut_ppm": 100_000, "account_cap_units": cap}
    driver = Driver(with_assets(token))
    driver.do(ALICE, b.faucet(ALICE, 1_000, asset=2))
    ctx, fund = driver.chain.ctx, insurance_fund(BTC)
    ctx.journal.savepoint()
    ctx.accounts.edit(ALICE.account()).cash_quanta -= 60_000_000
    ctx.funds.edit(fund).balance_quanta += 60_000_000
    assert state.seize(ctx, ALICE.account(), BTC, 100) == paid
    assert ctx.accounts.get(ALICE.account()).units(2) == 1_000 - taken
    ctx.journal.rollback()
    ctx.events.clear()
    check(driver)


def test_coll_013_nothing_leaves_that_the_vault_does_not_hold() -> None:
    """COLL-013, COLL-004: Alice owes 14,000 against a bitcoin and may withdraw nothing; Bob what is there, 6,000."""
    document = json.loads(with_assets(BITCOIN))
    for account in document["accounts"]:
        account["cash_quanta"] = {ALICE.owner.hex(): 10**9, BOB.owner.hex(): 5 * 10**9}.get(account["owner"], 0)
    driver = Driver(json.dumps(document).encode())
    driver.do(ORACLE, b.faucet(ALICE, COIN, asset=1))
    driver.do(BOB, b.sell(P + 50_000_000, 300))
    driver.do(ALICE, b.buy(P + 50_000_000, 300))
    driver.do(BOB, b.buy(P, 300))
    driver.do(ALICE, b.sell(P, 300))
    cash = [driver.chain.ctx.accounts.peek(person.account()).cash_quanta for person in (ALICE, BOB)]
    assert cash == [-14 * 10**9, 20 * 10**9]
    assert driver.refused(ALICE, b.withdraw(1)) == "COLLATERAL_INSUFFICIENT"
    assert driver.refused(ALICE, b.transfer(BOB, 1)) == "COLLATERAL_INSUFFICIENT"
    assert driver.refused(BOB, b.withdraw(6 * 10**9 + 1)) == "COLLATERAL_VAULT_SHORT"
    driver.do(BOB, b.withdraw(6 * 10**9))
    assert driver.refused(BOB, b.withdraw(1)) == "COLLATERAL_VAULT_SHORT"
    driver.do(BOB, b.transfer(ALICE, 14 * 10**9))  # claims may move, and a debt be paid
    check(driver)
    with pytest.raises(ChainError, match="COLLATERAL_VAULT_SHORT"):
        state.check_vault_holds(driver.chain.ctx, 1, COIN + 1)
    state.check_vault_holds(driver.chain.ctx, 1, COIN)


@pytest.mark.parametrize(("change", "message"), [
    ({"colour": 1}, "unknown fields"), ({"asset": 17}, "asset"), ({"symbol": ""}, "symbol"),
    ({"decimals": 19}, "decimals"),
    ({"price_quanta": 5}, "either"), ({"haircut_ppm": 1_000_001}, "haircut"), ({"price_market": 9}, "no market 9"),
    ({"decimals": 2}, "whole number"), ({"account_cap_units": -1}, "account_cap"),
    ({"deposit_cap_units": 2**63}, "deposit"),
])
def test_coll_010_assets_that_make_no_sense_are_refused(change: dict[str, object], message: str) -> None:
    """COLL-010, GEN-001: each fault names its field; an asset is listed once."""
    for assets in ([{**BITCOIN, **change}], [BITCOIN, {**BITCOIN, **change}]):
        with pytest.raises(GenesisError, match=f"{message}|twice"):
            Chain(DictReader()).init_chain("test", 1, 1, with_assets(*assets))
