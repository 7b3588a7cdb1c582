"""Admission: the ordered checks that an envelope must pass against state, one small function each.

They run when an envelope enters the mempool, when a block is proposed, and again when it executes; the same code each
time.
"""

from collections.abc import Callable

from app.accounts.state import check_nonce, require_account
from app.accounts.types import Account, Agents
from app.errors import (
    TX_CANNOT_PAY_FEE,
    TX_EXPIRED,
    TX_FEE_LIMIT,
    TX_GAS_LIMIT,
    TX_NONCE_TOO_HIGH,
    TX_WRONG_KEY,
    ChainError,
)
from app.gas import intrinsic_gas, most_gas
from app.limits import MAX_AGENT_JUMP
from app.params import Params, fee_for_gas
from app.tx import Tx

CANCELS = frozenset({"cancel_order", "cancel_all", "cancel_trigger"})
FREE_GAS_LIMIT = 2_000_000  # enough to cancel 200 orders


def check_expiry(tx: Tx, height: int, time_ns: int) -> None:
    """ADM-001: neither the expiry height nor the expiry time lies before the block that would hold the envelope."""
    if tx.expiry_height and height > tx.expiry_height:
        raise ChainError(TX_EXPIRED, height=height, expiry_height=tx.expiry_height)
    if tx.expiry_time_ns and time_ns > tx.expiry_time_ns:
        raise ChainError(TX_EXPIRED, time_ns=time_ns, expiry_time_ns=tx.expiry_time_ns)


def check_gas(tx: Tx, params: Params) -> None:
    """ADM-002: the gas limit covers what the envelope costs whatever it does, and is at most a sixteenth of a block."""
    least, most = intrinsic_gas(len(tx.raw), len(tx.kinds)), most_gas(params.max_block_gas)
    if not least <= tx.gas_limit <= most:
        raise ChainError(TX_GAS_LIMIT, gas_limit=tx.gas_limit, least=least, most=most)


def highest_fee(tx: Tx, params: Params) -> int:
    """ADM-003: the fee of the whole gas limit, which the fee limit must cover. Quote quanta."""
    fee = fee_for_gas(tx.gas_limit, params.gas_price_e6)
    if tx.body.fee_limit_quanta < fee:
        raise ChainError(
            TX_FEE_LIMIT, fee_limit_quanta=tx.body.fee_limit_quanta, fee_quanta=fee, gas_limit=tx.gas_limit
        )
    return fee


def is_always_allowed(tx: Tx, account: Account, params: Params) -> bool:
    """ADM-005: nobody is too poor to cancel or to close. Such an envelope pays what its account has, up to the fee.

    It only cancels or places reduce-only orders, for an account that has orders or positions, within FREE_GAS_LIMIT.
    On a test network the faucet is free too.
    """
    if tx.gas_limit > FREE_GAS_LIMIT:
        return False
    if all(
        kind in CANCELS or (kind == "place_order" and action.place_order.reduce_only)
        for kind, action in zip(tx.kinds, tx.body.actions, strict=True)
    ):
        return bool(account.positions)
    return params.test_network and all(kind == "faucet_deposit" for kind in tx.kinds)


def check_agent(tx: Tx, agents: Agents | None, time_ns: int) -> None:
    """ADM-006: who signed is the owner, or an agent of the account (ACCT-004) that has not expired."""
    if tx.agent and not any(
        one.address == tx.agent and time_ns < one.expiry_time_ns for one in (agents.agents if agents else ())
    ):
        raise ChainError(TX_WRONG_KEY, owner=tx.account[:20])


def admit(
    tx: Tx, account: Account | None, agents: Agents | None, params: Params, height: int, time_ns: int,
    equity: Callable[[Account], int],
) -> int:
    """ADM-001 to ADM-006: expiry, gas, fee limit, who signed, account, nonce, means to pay, in this order.

    `height` and `time_ns` are those of the block that would hold the envelope (or the last one's, in the mempool).
    `agents` are those of the account, asked for where it was not the owner who signed. `equity` values the account.
    Returns the fee to hold while it executes, in quote quanta. Raises the ChainError of the first check that fails.
    """
    check_expiry(tx, height, time_ns)
    check_gas(tx, params)
    fee = highest_fee(tx, params)
    check_agent(tx, agents, time_ns)
    found = require_account(account, tx.account)  # ADM-004
    check_nonce(found, tx.nonce)
    if tx.agent and tx.nonce > found.highest_nonce + MAX_AGENT_JUMP:
        raise ChainError(TX_NONCE_TOO_HIGH, nonce=tx.nonce, highest=found.highest_nonce + MAX_AGENT_JUMP)
    means = equity(found)
    if means >= fee:
        return fee
    if is_always_allowed(tx, found, params):
        return max(0, means)
    raise ChainError(TX_CANNOT_PAY_FEE, fee_quanta=fee, equity_quanta=means)
