"""Moves of collateral. Each function keeps COLL-001: what accounts and funds hold is what the vault holds."""

from app.accounts.state import open_account
from app.collateral.types import FEES_FUND, VAULT_KEY
from app.context import Context
from app.errors import COLLATERAL_AMOUNT, COLLATERAL_NEW_ACCOUNT, COLLATERAL_VAULT_FULL, ChainError
from app.limits import MAX_CASH_QUANTA, MAX_VAULT_QUANTA, MIN_NEW_ACCOUNT_QUANTA


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


def credit_fund(ctx: Context, key: bytes, amount_quanta: int) -> None:
    """Credit a fund with what the caller took from accounts; a negative amount is what the caller gives them."""
    if amount_quanta:
        ctx.funds.edit(key).balance_quanta += amount_quanta


def collect_fees(ctx: Context, amount_quanta: int) -> None:
    """Credit the fee fund with what the caller took from accounts."""
    if amount_quanta:
        ctx.funds.edit(FEES_FUND).balance_quanta += amount_quanta
