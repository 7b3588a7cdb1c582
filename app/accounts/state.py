"""Access to account records."""

from app.accounts import rules
from app.accounts.types import Account
from app.context import Context
from app.errors import (
    ACCOUNT_NOT_FOUND,
    TX_NONCE_TOO_HIGH,
    TX_NONCE_TOO_LOW,
    TX_NONCE_USED,
    ChainError,
)
from app.limits import MAX_NONCE, MAX_NONCE_JUMP, NONCE_WINDOW


def require_account(account: Account | None, key: bytes) -> Account:
    """`account`, or ACCOUNT_NOT_FOUND when it is None."""
    if account is None:
        raise ChainError(ACCOUNT_NOT_FOUND, owner=key[:20], number=int.from_bytes(key[20:], "big"))
    return account


def check_nonce(account: Account, nonce: int) -> None:
    """ACCT-001, ACCT-003: raise unless `nonce` is fresh and within the window."""
    highest = account.highest_nonce
    if nonce > highest:
        if nonce > MAX_NONCE or nonce - highest > MAX_NONCE_JUMP:
            raise ChainError(
                TX_NONCE_TOO_HIGH,
                nonce=nonce,
                lowest=highest - NONCE_WINDOW + 1,
                highest=min(MAX_NONCE, highest + MAX_NONCE_JUMP),
            )
        return
    if nonce == 0 or nonce <= highest - NONCE_WINDOW:
        raise ChainError(
            TX_NONCE_TOO_LOW, nonce=nonce, lowest=max(1, highest - NONCE_WINDOW + 1), highest=highest + MAX_NONCE_JUMP
        )
    if rules.nonce_is_used(highest, account.used_nonces, nonce):
        raise ChainError(TX_NONCE_USED, nonce=nonce)


def open_account(ctx: Context, key: bytes) -> Account:
    """The account under `key`, ready to be changed; created empty when it does not exist."""
    if ctx.accounts.get(key) is None:
        ctx.accounts.put(key, Account())
    return ctx.accounts.edit(key)
