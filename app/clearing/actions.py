"""Moves of cash that margin has a say in: transfer and withdraw."""

from typing import NamedTuple

from app.accounts.keys import key_of
from app.accounts.state import require_account
from app.accounts.types import Account
from app.collateral import rules, state
from app.context import Context
from app.errors import COLLATERAL_DESTINATION, COLLATERAL_INSUFFICIENT, COLLATERAL_SAME_ACCOUNT, ChainError
from app.events import Transferred, Withdrawn
from app.funding.state import unsettled
from app.gas import POSITION, TRANSFER
from app.limits import MAX_ASSET_UNITS, MAX_DESTINATION_BYTES, MAX_VAULT_QUANTA
from app.margin.state import account_standing, market_risk
from novation.v1 import tx_pb2


class Means(NamedTuple):
    """What COLL-004 asks of an account, in quote quanta. `cash` is less unsettled funding, `equity` without assets."""

    cash: int
    entry: int
    equity: int
    margin: int
    assets: int


def means_of(ctx: Context, account: Account) -> Means:
    """COLL-004, COLL-009: what an account has and what must stay of it; unsettled funding is as good as settled
    (FUND-002).
    """
    ctx.gas.charge(POSITION * (len(account.positions) + len(account.assets)))
    now = account_standing(ctx, account)
    entry = notional = owed = 0
    for held in account.positions.values():
        entry += held.entry_quanta
        notional += abs(held.lots) * market_risk(ctx, held.market).mark_quanta
        owed += unsettled(ctx, held)
    assets = state.assets_value(ctx, account)
    margin = rules.transfer_margin(now.initial, notional)
    return Means(account.cash_quanta - owed, entry, now.equity - assets, margin, assets)


def free_collateral(ctx: Context, key: bytes) -> int:
    """COLL-004: the cash that may leave the account now, in quote quanta. Raises ACCOUNT_NOT_FOUND."""
    has = means_of(ctx, require_account(ctx.accounts.get(key), key))
    return rules.withdrawable(has.cash, has.entry, has.equity, has.margin, has.assets)


def handle_transfer(ctx: Context, sender: bytes, action: tx_pb2.Transfer) -> tx_pb2.ActionResult:
    """COLL-008: free collateral moves to another account of any owner; an asset as COLL-011 says.

    Raises TX_BAD_ACCOUNT, COLLATERAL_SAME_ACCOUNT, COLLATERAL_AMOUNT, COLLATERAL_NEW_ACCOUNT, COLLATERAL_INSUFFICIENT;
    for an asset COLLATERAL_ASSET, ACCOUNT_NOT_FOUND.
    """
    ctx.gas.charge(TRANSFER)
    receiver, amount = key_of(action.to), action.amount_quanta
    if receiver == sender:
        raise ChainError(COLLATERAL_SAME_ACCOUNT)
    if action.asset:
        require_account(ctx.accounts.get(receiver), receiver)
        require_free_asset(ctx, sender, action.asset, amount)
        state.move_asset(ctx, action.asset, amount, sender, receiver)
    else:
        state.check_amount(amount)
        state.check_receiver(ctx, receiver, amount)
        require_free(ctx, sender, amount)
        state.transfer(ctx, sender, receiver, amount)
    ctx.emit(Transferred(sender, receiver, amount, action.asset))
    return tx_pb2.ActionResult()


def handle_withdraw(ctx: Context, account: bytes, action: tx_pb2.Withdraw) -> tx_pb2.ActionResult:
    """COLL-003: free collateral leaves the chain for `destination`; an asset as COLL-011 says.

    Raises COLLATERAL_AMOUNT, COLLATERAL_DESTINATION, COLLATERAL_INSUFFICIENT, COLLATERAL_ASSET.
    """
    ctx.gas.charge(TRANSFER)
    amount = action.amount_quanta
    state.check_amount(amount, MAX_ASSET_UNITS if action.asset else MAX_VAULT_QUANTA)
    if not 0 < len(action.destination) <= MAX_DESTINATION_BYTES:
        raise ChainError(COLLATERAL_DESTINATION, bytes=len(action.destination), most=MAX_DESTINATION_BYTES)
    if action.asset:
        require_free_asset(ctx, account, action.asset, amount)
        state.move_asset(ctx, action.asset, amount, account, None)
    else:
        require_free(ctx, account, amount)
        state.withdraw(ctx, account, amount)
    ctx.emit(Withdrawn(account, amount, action.destination, action.asset))
    return tx_pb2.ActionResult()


def require_free(ctx: Context, key: bytes, amount_quanta: int) -> None:
    """COLLATERAL_INSUFFICIENT when the account's free collateral is less than the amount."""
    free = free_collateral(ctx, key)
    if amount_quanta > free:
        raise ChainError(COLLATERAL_INSUFFICIENT, amount_quanta=amount_quanta, free_quanta=free)


def require_free_asset(ctx: Context, key: bytes, asset: int, units: int) -> None:
    """COLL-011: COLLATERAL_INSUFFICIENT unless the account holds the units and may do without them."""
    account = require_account(ctx.accounts.get(key), key)
    state.require_asset(ctx, asset)
    state.check_amount(units, MAX_ASSET_UNITS)
    held, has = account.units(asset), means_of(ctx, account)
    without = account.copy()
    without.set_units(asset, max(0, held - units))
    left = state.assets_value(ctx, without)
    if units > held or not rules.asset_may_leave(has.cash, has.entry, has.equity, has.margin, left):
        raise ChainError(COLLATERAL_INSUFFICIENT, asset=asset, amount_units=units, held_units=held)
