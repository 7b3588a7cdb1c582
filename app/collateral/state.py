"""Moves of collateral. Each function keeps COLL-001: what accounts and funds hold is what the vault holds."""

from app.accounts.state import open_account, require_account
from app.accounts.types import Account
from app.collateral import rules
from app.collateral.types import (
    FEES_FUND,
    TREASURY_FUND,
    VAULT_KEY,
    Asset,
    Fund,
    asset_fund,
    asset_vault,
    insurance_fund,
)
from app.context import Context
from app.errors import (
    COLLATERAL_AMOUNT,
    COLLATERAL_ASSET,
    COLLATERAL_CAP,
    COLLATERAL_NEW_ACCOUNT,
    COLLATERAL_VAULT_FULL,
    COLLATERAL_VAULT_SHORT,
    ChainError,
)
from app.events import AssetSeized
from app.limits import MAX_CASH_QUANTA, MAX_VAULT_QUANTA, MIN_NEW_ACCOUNT_QUANTA
from app.oracle.rules import LIQUIDATE
from app.oracle.state import index_allows, index_price


def check_amount(amount_quanta: int, most_quanta: int = MAX_VAULT_QUANTA) -> None:
    """COLLATERAL_AMOUNT unless 0 < amount <= most."""
    if not 0 < amount_quanta <= most_quanta:
        raise ChainError(COLLATERAL_AMOUNT, amount_quanta=amount_quanta, most_quanta=most_quanta)


def check_receiver(ctx: Context, key: bytes, amount_quanta: int) -> None:
    """COLL-005: an amount that would open an account must be worth its record. MARG-006: no account's cash outgrows
    its field.
    """
    receiver = ctx.accounts.get(key)
    if receiver is not None and receiver.cash_quanta + amount_quanta > MAX_CASH_QUANTA:
        raise ChainError(COLLATERAL_AMOUNT, amount_quanta=amount_quanta, most_quanta=MAX_CASH_QUANTA)
    if receiver is None and amount_quanta < MIN_NEW_ACCOUNT_QUANTA:
        raise ChainError(COLLATERAL_NEW_ACCOUNT, amount_quanta=amount_quanta, least_quanta=MIN_NEW_ACCOUNT_QUANTA)


def check_vault_room(ctx: Context, amount_quanta: int) -> None:
    """COLL-006: the vault never holds more than MAX_VAULT_QUANTA, so that no sum in the ledger can outgrow its
    field.
    """
    vault = ctx.vault.get(VAULT_KEY)
    held = vault.held_quanta if vault else 0
    if held + amount_quanta > MAX_VAULT_QUANTA:
        raise ChainError(COLLATERAL_VAULT_FULL, held_quanta=held, limit_quanta=MAX_VAULT_QUANTA)


def check_vault_holds(ctx: Context, asset: int, amount: int) -> None:
    """COLL-013: COLLATERAL_VAULT_SHORT when the vault of an asset, 0 for cash, holds less than the amount."""
    vault = ctx.vault.get(asset_vault(asset) if asset else VAULT_KEY)
    held = vault.held_quanta if vault else 0
    if amount > held:
        raise ChainError(COLLATERAL_VAULT_SHORT, asset=asset, amount_quanta=amount, held_quanta=held)


def deposit(ctx: Context, key: bytes, amount_quanta: int) -> None:
    """COLL-002: collateral enters: vault and account grow by the same amount. Checks are the caller's."""
    open_account(ctx, key).cash_quanta += amount_quanta
    ctx.vault.edit(VAULT_KEY).held_quanta += amount_quanta


def withdraw(ctx: Context, key: bytes, amount_quanta: int) -> None:
    """COLL-003: collateral leaves: vault and account shrink by the same amount. Checks are the caller's."""
    ctx.accounts.edit(key).cash_quanta -= amount_quanta
    ctx.vault.edit(VAULT_KEY).held_quanta -= amount_quanta


def transfer(ctx: Context, sender: bytes, receiver: bytes, amount_quanta: int) -> None:
    """COLL-008: cash moves from one account to another, which is opened if it does not exist. Checks are the
    caller's.
    """
    ctx.accounts.edit(sender).cash_quanta -= amount_quanta
    open_account(ctx, receiver).cash_quanta += amount_quanta


def behind(ctx: Context, market: int) -> int:
    """The market whose insurance fund stands behind a market: itself, or for an option the one that its class names."""
    record = ctx.markets.get(market)
    return record.fund_market if record and record.fund_market else market


def fund_of(ctx: Context, market: int) -> bytes:
    """The key of the insurance fund that stands behind a market."""
    return insurance_fund(behind(ctx, market))


def credit_fund(ctx: Context, key: bytes, amount_quanta: int) -> None:
    """Credit a fund with what the caller took from accounts; a negative amount is what the caller gives them."""
    if amount_quanta:
        ctx.funds.edit(key).balance_quanta += amount_quanta


def collect_fees(ctx: Context, amount_quanta: int) -> None:
    """Credit the fee fund with what the caller took from accounts."""
    if amount_quanta:
        ctx.funds.edit(FEES_FUND).balance_quanta += amount_quanta


def require_asset(ctx: Context, number: int) -> Asset:
    """The asset, or COLLATERAL_ASSET."""
    asset = ctx.assets.get(number)
    if asset is None:
        raise ChainError(COLLATERAL_ASSET, asset=number)
    return asset


def asset_price(ctx: Context, asset: Asset) -> int:
    """COLL-010: the price of `units_a_price` units now, in quote quanta: the index of its market, or fixed."""
    return index_price(ctx, asset.price_market) if asset.price_market else asset.price_quanta


def counted_value(ctx: Context, number: int, units: int) -> int:
    """COLL-010: what `units` of an asset in one account count for as collateral: up to the cap, less the haircut,
    rounded down.
    """
    asset = require_asset(ctx, number)
    counted = min(units, asset.account_cap_units)
    return rules.asset_value(counted, asset_price(ctx, asset), asset.units_a_price, asset.haircut_ppm)


def assets_value(ctx: Context, account: Account) -> int:
    """COLL-010: what an account's assets count for as collateral, in quote quanta."""
    return sum(counted_value(ctx, number, units) for number, units in account.assets)


def check_asset_room(ctx: Context, asset: Asset, units: int) -> None:
    """COLL-011: COLLATERAL_CAP when the chain would hold more of an asset than its cap."""
    vault = ctx.vault.get(asset_vault(asset.asset))
    held = vault.held_quanta if vault else 0
    if held + units > asset.deposit_cap_units:
        raise ChainError(COLLATERAL_CAP, asset=asset.asset, held_units=held, most_units=asset.deposit_cap_units)


def move_asset(ctx: Context, asset: int, units: int, sender: bytes | None, receiver: bytes | None) -> None:
    """COLL-011: `units` of an asset from one account to another, None standing for the world outside. Checks are the
    caller's.
    """
    for key, change in ((sender, -units), (receiver, units)):
        if key is not None:
            account = ctx.accounts.edit(key)
            account.set_units(asset, account.units(asset) + change)
    if sender is None or receiver is None:
        ctx.vault.edit(asset_vault(asset)).held_quanta += units if sender is None else -units


def seize(ctx: Context, key: bytes, market: int, owed_quanta: int) -> int:
    """COLL-012: the insurance fund of `market` buys collateral of an account that owes, asset by asset in the order of
    their numbers, at its value after the haircut, where that has a price to be trusted (ORCL-011). Returns the cash
    that the account got, in quote quanta.

    The fund spends what it has and no more; what it bought it keeps, apart from its balance.
    """
    raised = 0
    account = ctx.accounts.get(key)
    for number, _ in account.assets if account else ():
        if asset_allows(ctx, number, LIQUIDATE):
            raised += buy_asset(ctx, key, number, market, owed_quanta - raised)
    return raised


def asset_allows(ctx: Context, number: int, action: int) -> bool:
    """ORCL-011: whether the price of an asset allows an action now; a fixed price allows all."""
    asset = require_asset(ctx, number)
    return not asset.price_market or index_allows(ctx, asset.price_market, action)


def buy_asset(ctx: Context, key: bytes, number: int, market: int, owed_quanta: int) -> int:
    """COLL-012: the insurance fund of `market`, or the treasury when that is 0, buys of one asset of an account what
    counts as collateral. Returns the cash that the account got, in quote quanta.
    """
    fund_key = fund_of(ctx, market) if market else TREASURY_FUND
    fund, asset = ctx.funds.get(fund_key), require_asset(ctx, number)
    account = require_account(ctx.accounts.get(key), key)
    units, price = account.units(number), asset_price(ctx, asset)
    counted, purse = min(units, asset.account_cap_units), fund.balance_quanta if fund else 0
    taken, paid = rules.seizure(counted, price, asset.units_a_price, asset.haircut_ppm, owed_quanta, purse)
    if not taken:
        return 0
    seized = ctx.accounts.edit(key)
    seized.set_units(number, units - taken)
    seized.cash_quanta += paid
    ctx.funds.edit(fund_key).balance_quanta -= paid
    kept = asset_fund(number, fund_key)
    if ctx.funds.get(kept) is None:
        ctx.funds.put(kept, Fund())
    ctx.funds.edit(kept).balance_quanta += taken
    ctx.emit(AssetSeized(key, market, number, taken, paid))
    return paid
