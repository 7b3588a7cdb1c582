"""REMOVE with the consensus oracle: a mark price signed by one authority, for test networks only."""

from app.context import Context
from app.errors import MARKET_NOT_FOUND, ORACLE_NOT_AUTHORITY, ORACLE_PRICE, ORACLE_SETTLED, ChainError
from app.events import MarkPriceSet
from app.gas import PRICE
from app.limits import MAX_PRICE_QUANTA
from app.oracle.state import set_mark_price
from app.params import is_authority
from novation.v1 import tx_pb2


def handle_set_mark_price(ctx: Context, account: bytes, action: tx_pb2.SetMarkPrice) -> tx_pb2.ActionResult:
    """ORCL-001: the genesis price authority of a test network sets the mark of a market, until that has its
    settlement price.

    Raises ORACLE_NOT_AUTHORITY, MARKET_NOT_FOUND, ORACLE_SETTLED, ORACLE_PRICE.
    """
    ctx.gas.charge(PRICE)
    if not is_authority(ctx.params, account):
        raise ChainError(ORACLE_NOT_AUTHORITY, owner=account[:20])
    if ctx.marks.get(action.market) is None:
        raise ChainError(MARKET_NOT_FOUND, market=action.market)
    settlement = ctx.settlements.get(action.market)
    if settlement is not None and settlement.price_quanta:
        raise ChainError(ORACLE_SETTLED, market=action.market, price_quanta=settlement.price_quanta)
    if not 0 < action.price_quanta <= MAX_PRICE_QUANTA:
        raise ChainError(ORACLE_PRICE, price_quanta=action.price_quanta, limit_quanta=MAX_PRICE_QUANTA)
    set_mark_price(ctx, action.market, action.price_quanta)
    ctx.emit(MarkPriceSet(action.market, action.price_quanta))
    return tx_pb2.ActionResult()
