"""The terms of an order beyond price and size, checked as it comes in."""

from app.book import rules
from app.book.conditions import require_room_in_group
from app.book.pegs import first_price
from app.book.types import GOOD_TIL_CANCEL, POST_ONLY, Terms
from app.context import Context
from app.errors import ORDER_DISPLAY, ORDER_EXPIRED, ORDER_TIME_IN_FORCE, ChainError
from app.gas import CANCEL, PEG
from app.limits import MAX_PEAKS
from app.markets.types import Market
from novation.v1 import tx_pb2


def terms_of(ctx: Context, account: bytes, market: Market, action: tx_pb2.PlaceOrder) -> tuple[Terms | None, int]:
    """The terms of a new order and its price: a pegged one is given its first. What its end will cost is paid now.

    Raises ORDER_TIME_IN_FORCE, ORDER_EXPIRED, ORDER_DISPLAY, ORDER_GROUP, ORDER_PEG, ORDER_PEG_LIMIT.
    """
    price, pegged = action.price_quanta, bool(action.peg_reference or action.peg_offset_ticks)
    if not (pegged or action.expiry_time_ns or action.display_lots or action.oco_id):
        return None, price
    terms = Terms(
        action.expiry_time_ns,
        action.display_lots,
        action.oco_id,
        action.peg_reference,
        action.peg_offset_ticks,
        price if pegged else 0,
    )
    rests = (POST_ONLY,) if pegged else (GOOD_TIL_CANCEL, POST_ONLY)
    if action.time_in_force not in rests:
        raise ChainError(ORDER_TIME_IN_FORCE, time_in_force=action.time_in_force)
    check_terms_now(ctx, terms, action.size_lots)
    if terms.expiry_time_ns:
        ctx.gas.charge(CANCEL)
    if terms.oco_id:
        ctx.gas.charge(CANCEL)
        require_room_in_group(ctx, account, terms.oco_id)
    if pegged:
        ctx.gas.charge(PEG)
        price = first_price(ctx, market, action.side, terms)
    return terms, price


def check_terms_now(ctx: Context, terms: Terms, size_lots: int) -> None:
    """BOOK-015, BOOK-016: an order's time is not over, and it has at most MAX_PEAKS peaks."""
    if rules.is_over(terms.expiry_time_ns, ctx.time_ns):
        raise ChainError(ORDER_EXPIRED, expiry_time_ns=terms.expiry_time_ns, time_ns=ctx.time_ns)
    if terms.display_lots and size_lots > terms.display_lots * MAX_PEAKS:
        raise ChainError(ORDER_DISPLAY, display_lots=terms.display_lots, size_lots=size_lots, most_peaks=MAX_PEAKS)
