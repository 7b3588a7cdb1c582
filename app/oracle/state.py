"""Access to mark prices."""

from app.context import Context
from app.oracle.types import MarkPrice


def mark_price(ctx: Context, market: int) -> int:
    """The mark of a market that exists, in quote quanta a lot. Genesis gives every market one."""
    mark = ctx.marks.get(market)
    if mark is None:
        raise KeyError(market)
    return mark.price_quanta


def set_mark_price(ctx: Context, market: int, price_quanta: int) -> None:
    """Replace the mark of `market`, dated with the running block."""
    ctx.marks.put(market, MarkPrice(price_quanta, ctx.height, ctx.time_ns))
