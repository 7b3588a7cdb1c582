"""The faucet of test networks."""

from app.accounts.keys import key_of
from app.accounts.state import require_account
from app.collateral import state
from app.context import Context
from app.errors import COLLATERAL_FAUCET_OFF, ChainError
from app.events import Deposited
from app.gas import TRANSFER
from novation.v1 import tx_pb2


def handle_faucet_deposit(ctx: Context, _account: bytes, action: tx_pb2.FaucetDeposit) -> tx_pb2.ActionResult:
    """COLL-007: on a test network, mint up to the faucet's limit into any account, or an asset up to its cap
    (COLL-011).

    Raises COLLATERAL_FAUCET_OFF, TX_BAD_ACCOUNT, COLLATERAL_AMOUNT, COLLATERAL_NEW_ACCOUNT, COLLATERAL_VAULT_FULL;
    for an asset COLLATERAL_ASSET, COLLATERAL_CAP, ACCOUNT_NOT_FOUND.
    """
    ctx.gas.charge(TRANSFER)
    if not ctx.params.test_network or not ctx.params.max_faucet_quanta:
        raise ChainError(COLLATERAL_FAUCET_OFF)
    receiver = key_of(action.to)
    if action.asset:
        asset = state.require_asset(ctx, action.asset)
        state.check_amount(action.amount_quanta, asset.deposit_cap_units)
        require_account(ctx.accounts.get(receiver), receiver)
        state.check_asset_room(ctx, asset, action.amount_quanta)
        state.move_asset(ctx, action.asset, action.amount_quanta, None, receiver)
        ctx.emit(Deposited(receiver, action.amount_quanta, action.asset))
        return tx_pb2.ActionResult()
    state.check_amount(action.amount_quanta, ctx.params.max_faucet_quanta)
    state.check_receiver(ctx, receiver, action.amount_quanta)
    state.check_vault_room(ctx, action.amount_quanta)
    state.deposit(ctx, receiver, action.amount_quanta)
    ctx.emit(Deposited(receiver, action.amount_quanta))
    return tx_pb2.ActionResult()
