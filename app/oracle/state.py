"""Access to mark prices."""

from app.context import Context
from app.oracle.types import MarkPrice


def mark_price(ctx: Context, market: int) -> int:
    """The mark of a market that exists, in quote quanta a lot. Genesis gives every market one."""
    mark = ctx.marks.get(market)
    if mark is None:
        raise KeyError(market)
    return mark.price_quanta


def index_price(ctx: Context, market: int) -> int:
    """The index of a market that exists, in quote quanta a lot: what its underlying is worth elsewhere.

    ORCL-001: until the consensus oracle, the authority's price is both mark and index.
    """
    return mark_price(ctx, market)


def set_mark_price(ctx: Context, market: int, price_quanta: int) -> None:
    """Replace the mark of `market`, dated with the running block."""
    ctx.marks.put(market, MarkPrice(price_quanta, ctx.height, ctx.time_ns))
    ctx.forget_risk(market)
