"""REMOVE with governance: a market's status by the word of one authority, for test networks only."""

from app.context import Context
from app.errors import MARKET_NOT_AUTHORITY, MARKET_STATUS, ChainError
from app.gas import STATUS
from app.markets.state import is_crossed, require_market, set_status
from app.markets.types import ACTIVE, AUCTION, HALTED, REDUCE_ONLY
from app.params import is_authority
from novation.v1 import events_pb2, tx_pb2

BY_HAND = (ACTIVE, REDUCE_ONLY, HALTED, AUCTION)


def handle_set_market_status(ctx: Context, account: bytes, action: tx_pb2.SetMarketStatus) -> tx_pb2.ActionResult:
    """MKT-006: the authority of a test network moves a market between active, reduce-only, halted and auction; never
    out of quarantine or once its settlement has begun. An auction lasts the market's `auction_ns` from now; what it
    left crossed, only an auction resolves.

    Raises MARKET_NOT_AUTHORITY, MARKET_NOT_FOUND, MARKET_STATUS.
    """
    ctx.gas.charge(STATUS)
    if not is_authority(ctx.params, account):
        raise ChainError(MARKET_NOT_AUTHORITY, owner=account[:20])
    market = require_market(ctx, action.market)
    before, after = market.status, int(action.status)
    barred = is_crossed(ctx, action.market) and after not in (HALTED, AUCTION)
    barred = barred or ctx.settlements.get(action.market) is not None
    if before == after or barred or before not in BY_HAND or after not in BY_HAND:
        raise ChainError(MARKET_STATUS, market=action.market, before=before, after=after)
    if after == AUCTION:
        ctx.markets.edit(action.market).opens_ns = ctx.time_ns
    set_status(ctx, action.market, after, events_pb2.STATUS_REASON_AUTHORITY)
    return tx_pb2.ActionResult()
