"""Moves of cash that margin has a say in: transfer and withdraw."""

from app.accounts.keys import key_of
from app.accounts.state import require_account
from app.collateral import rules, state
from app.context import Context
from app.errors import COLLATERAL_DESTINATION, COLLATERAL_INSUFFICIENT, COLLATERAL_SAME_ACCOUNT, ChainError
from app.events import Transferred, Withdrawn
from app.funding.state import unsettled
from app.gas import POSITION, TRANSFER
from app.limits import MAX_DESTINATION_BYTES
from app.margin.state import account_standing, market_risk
from novation.v1 import tx_pb2


def free_collateral(ctx: Context, key: bytes) -> int:
    """COLL-004, COLL-009: what may leave the account now, in quote quanta; unsettled funding is as good as settled
    (FUND-002).

    Raises ACCOUNT_NOT_FOUND.
    """
    account = require_account(ctx.accounts.get(key), key)
    ctx.gas.charge(POSITION * len(account.positions))
    now = account_standing(ctx, account)
    entry = notional = owed = 0
    for held in account.positions.values():
        entry += held.entry_quanta
        notional += abs(held.lots) * market_risk(ctx, held.market).mark_quanta
        owed += unsettled(ctx, held)
    margin = rules.transfer_margin(now.initial, notional)
    return rules.withdrawable(account.cash_quanta - owed, entry, now.equity, margin, 0)


def handle_transfer(ctx: Context, sender: bytes, action: tx_pb2.Transfer) -> tx_pb2.ActionResult:
    """COLL-008: free collateral moves to another account of any owner.

    Raises TX_BAD_ACCOUNT, COLLATERAL_SAME_ACCOUNT, COLLATERAL_AMOUNT, COLLATERAL_NEW_ACCOUNT, COLLATERAL_INSUFFICIENT.
    """
    ctx.gas.charge(TRANSFER)
    receiver, amount = key_of(action.to), action.amount_quanta
    if receiver == sender:
        raise ChainError(COLLATERAL_SAME_ACCOUNT)
    state.check_amount(amount)
    state.check_receiver(ctx, receiver, amount)
    require_free(ctx, sender, amount)
    state.transfer(ctx, sender, receiver, amount)
    ctx.emit(Transferred(sender, receiver, amount))
    return tx_pb2.ActionResult()


def handle_withdraw(ctx: Context, account: bytes, action: tx_pb2.Withdraw) -> tx_pb2.ActionResult:
    """COLL-003: free collateral leaves the chain for `destination`.

    Raises COLLATERAL_AMOUNT, COLLATERAL_DESTINATION, COLLATERAL_INSUFFICIENT.
    """
    ctx.gas.charge(TRANSFER)
    state.check_amount(action.amount_quanta)
    if not 0 < len(action.destination) <= MAX_DESTINATION_BYTES:
        raise ChainError(COLLATERAL_DESTINATION, bytes=len(action.destination), most=MAX_DESTINATION_BYTES)
    require_free(ctx, account, action.amount_quanta)
    state.withdraw(ctx, account, action.amount_quanta)
    ctx.emit(Withdrawn(account, action.amount_quanta, action.destination))
    return tx_pb2.ActionResult()


def require_free(ctx: Context, key: bytes, amount_quanta: int) -> None:
    """COLLATERAL_INSUFFICIENT when the account's free collateral is less than the amount."""
    free = free_collateral(ctx, key)
    if amount_quanta > free:
        raise ChainError(COLLATERAL_INSUFFICIENT, amount_quanta=amount_quanta, free_quanta=free)
