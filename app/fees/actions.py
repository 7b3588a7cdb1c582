"""Naming a referrer."""

from app.context import Context
from app.errors import FEES_REFERRER, FEES_REFERRER_SET, FEES_REFERRER_UNKNOWN, TX_BAD_ACCOUNT, ChainError
from app.events import ReferrerSet
from app.fees.state import OWNER_SIZE, trader_of
from app.fees.types import Trader
from app.gas import REFER
from app.kernel.codec import account_key
from novation.v1 import tx_pb2


def handle_set_referrer(ctx: Context, account: bytes, action: tx_pb2.SetReferrer) -> tx_pb2.ActionResult:
    """FEES-006: name the owner who gets a share of this owner's taker fees from this block on, once and for ever.

    Raises TX_BAD_ACCOUNT, FEES_REFERRER, FEES_REFERRER_SET, FEES_REFERRER_UNKNOWN.
    """
    ctx.gas.charge(REFER)
    owner, referrer = account[:OWNER_SIZE], action.referrer
    if len(referrer) != OWNER_SIZE:
        raise ChainError(TX_BAD_ACCOUNT, owner=referrer[:64])
    known = trader_of(ctx, owner).referrer
    if known:
        raise ChainError(FEES_REFERRER_SET, referrer=known)
    if referrer == owner or trader_of(ctx, referrer).referrer == owner:
        raise ChainError(FEES_REFERRER, referrer=referrer)
    if ctx.accounts.get(account_key(referrer, 0)) is None:
        raise ChainError(FEES_REFERRER_UNKNOWN, referrer=referrer)
    if ctx.traders.get(owner) is None:
        ctx.traders.put(owner, Trader())
    ctx.traders.edit(owner).referrer = referrer
    ctx.emit(ReferrerSet(owner, referrer))
    return tx_pb2.ActionResult()
