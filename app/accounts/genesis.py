"""Accounts from genesis: owner, number, cash."""

from app.accounts.types import Account
from app.context import Context
from app.errors import GenesisError
from app.kernel.codec import account_key
from app.kernel.hashing import ADDRESS_SIZE
from app.limits import MAX_ACCOUNT_NUMBER, MAX_VAULT_QUANTA
from app.params import require_integer


def load_account(ctx: Context, section: dict[str, object]) -> int:
    """Store one entry of the genesis list `accounts`; returns its cash in quote quanta. Raises GenesisError."""
    if unknown := sorted(section.keys() - {"owner", "number", "cash_quanta"}):
        raise GenesisError(f"accounts: unknown fields {unknown}")
    owner = section.get("owner")
    try:
        address = bytes.fromhex(owner) if isinstance(owner, str) else b""
    except ValueError as error:
        raise GenesisError(f"accounts[].owner: {error}") from error
    if len(address) != ADDRESS_SIZE:
        raise GenesisError(f"accounts[].owner: {2 * ADDRESS_SIZE} hexadecimal digits, not {owner!r}")
    where = f"accounts[{owner}]"
    key = account_key(address, require_integer(section, where, "number", 0, MAX_ACCOUNT_NUMBER))
    if ctx.accounts.get(key) is not None:
        raise GenesisError(f"{where}: listed twice")
    cash = require_integer(section, where, "cash_quanta", 0, MAX_VAULT_QUANTA)
    ctx.accounts.put(key, Account(cash_quanta=cash))
    return cash
