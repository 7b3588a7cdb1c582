"""Anchors, once a block: after marks, before anything that asks for a margin."""

from app.context import Context
from app.limits import ARRAYS_A_BLOCK, FIRST_SERIES
from app.portfolio.types import Anchor
from app.pricing.state import SECOND_NS
from app.surface.state import curve_of, expiry_key


def move_anchors(ctx: Context) -> None:
    """PORT-013: anchors move on to the curves of now, the oldest first, as many as have ARRAYS_A_BLOCK series between
    them, and one at least.
    """
    counts = series_of_expiries(ctx)
    waiting = []
    for feed, expiry_s in sorted(counts):
        anchor, curve = ctx.anchors.get(expiry_key(feed, expiry_s)), curve_of(ctx, feed, expiry_s)
        if curve is not None and (anchor is None or anchor.curve != curve):
            waiting.append((anchor.made_ns if anchor else 0, feed, expiry_s, curve))
    left = ARRAYS_A_BLOCK
    for _, feed, expiry_s, curve in sorted(waiting):
        left -= counts[feed, expiry_s]
        if left < 0 and left + counts[feed, expiry_s] < ARRAYS_A_BLOCK:
            return
        ctx.anchors.put(expiry_key(feed, expiry_s), Anchor(curve, ctx.time_ns))


def series_of_expiries(ctx: Context) -> dict[tuple[int, int], int]:
    """How many series each underlying and expiry has, by (feed, expiry in seconds)."""
    counts: dict[tuple[int, int], int] = {}
    for number in ctx.books:
        if number >= FIRST_SERIES and (market := ctx.markets.get(number)) is not None:
            group = market.feed, market.expiry_ns // SECOND_NS
            counts[group] = counts.get(group, 0) + 1
    return counts
