"""Anchors, once a block: after marks, before anything that asks for a margin."""

from app.context import Context
from app.limits import ARRAYS_A_BLOCK
from app.portfolio import rules
from app.portfolio.types import Anchor
from app.surface.state import curve_of, expiry_key
from app.surface.types import Curve


def move_anchors(ctx: Context) -> None:
    """PORT-013: anchors that curves have left move on to the curves of now, the oldest first, as many as have
    ARRAYS_A_BLOCK series between them, and one at least.
    """
    waiting = []
    for feed, expiry_s in sorted(ctx.series):
        anchor, curve = ctx.anchors.get(expiry_key(feed, expiry_s)), curve_of(ctx, feed, expiry_s)
        if curve is not None and (anchor is None or is_left(ctx, anchor, curve)):
            waiting.append((anchor.made_ns if anchor else 0, feed, expiry_s, curve))
    left = ARRAYS_A_BLOCK
    for _, feed, expiry_s, curve in sorted(waiting):
        count = len(ctx.series[feed, expiry_s])
        if count > left < ARRAYS_A_BLOCK:
            return
        left -= count
        ctx.anchors.put(expiry_key(feed, expiry_s), Anchor(curve, ctx.time_ns))


def is_left(ctx: Context, anchor: Anchor, curve: Curve) -> bool:
    """PORT-013: whether the curve of now has left an anchor."""
    then = anchor.curve
    return curve != then and rules.has_left(
        (then.fixed_e9, then.live_e9, then.slice_e18),
        (curve.fixed_e9, curve.live_e9, curve.slice_e18),
        ctx.time_ns - anchor.made_ns,
        then.left_ns,
    )
