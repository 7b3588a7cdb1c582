"""Curves: all that option prices need of one underlying and expiry, from voted pillars, the index and what is fixed."""

from typing import TYPE_CHECKING

from app.context import Context
from app.kernel.codec import u32
from app.limits import SETTLEMENT_WINDOW_NS
from app.surface import rules
from app.surface.types import Curve

if TYPE_CHECKING:
    from app.oracle.types import VotedPillar

SECOND_NS = 10**9


def expiry_key(feed: int, expiry_s: int) -> bytes:
    """The key of what belongs to one underlying and expiry: ascending by both."""
    return u32(feed) + expiry_s.to_bytes(8, "big")


def pillars_ahead(ctx: Context, feed: int) -> "list[VotedPillar]":
    """The pillars of an underlying that lie ahead, ascending."""
    surface = ctx.surfaces.get(feed)
    return [pillar for pillar in surface.pillars if pillar.expiry_s * SECOND_NS > ctx.time_ns] if surface else []


def slice_of(ctx: Context, pillar: "VotedPillar") -> tuple[int, ...]:
    """SURF-001 of a pillar, kept in `ctx.slices` by what was voted: the same votes make the same slice."""
    found = ctx.slices.get(pillar.variances_e9)
    if found is None:
        if len(ctx.slices) >= rules.KEPT_SLICES:
            ctx.slices.clear()
        found = ctx.slices[pillar.variances_e9] = rules.convex_slice(pillar.variances_e9)
    return found


def voted_ns(ctx: Context, feed: int, expiry_s: int) -> int:
    """SURF-010: when the older of the pillars was voted that the curve of an expiry is made of; 0: there is none."""
    around = around_expiry(pillars_ahead(ctx, feed), expiry_s)
    return min((pillar.voted_ns for pillar in around), default=0)


def around_expiry(pillars: "list[VotedPillar]", expiry_s: int) -> "list[VotedPillar]":
    """The one pillar of the expiry, or the two around it; the first or the last alone for what lies outside."""
    place = 0
    while place < len(pillars) and pillars[place].expiry_s < expiry_s:
        place += 1
    if place == len(pillars):
        return pillars[-1:]
    if pillars[place].expiry_s == expiry_s or place == 0:
        return pillars[place : place + 1]
    return pillars[place - 1 : place + 1]


def curve_of(ctx: Context, feed: int, expiry_s: int) -> Curve | None:
    """SURF-007 to SURF-009: the curve of an expiry now; None without a pillar or a feed.

    Kept in `ctx.curves` with what it was made of, so that whatever changes an input needs to tell nobody.
    """
    record, surface = ctx.feeds.get(feed), ctx.surfaces.get(feed)
    if record is None or surface is None:
        return None
    fixing = ctx.fixings.get(expiry_key(feed, expiry_s))
    covered, weighted = (fixing.covered_ns, fixing.weighted) if fixing else (0, 0)
    inputs = (ctx.time_ns, record.price, surface.pillars, covered, weighted)
    known = ctx.curves.get((feed, expiry_s))
    if known is not None and known[0] == inputs:
        return known[1]
    pillars = around_expiry(pillars_ahead(ctx, feed), expiry_s)
    if not pillars:
        return None
    left_ns = max(0, expiry_s * SECOND_NS - ctx.time_ns)
    forward_e9, variances = at_expiry(ctx, pillars, left_ns)
    fixed_e9, live_e9 = rules.split_forward(record.price, forward_e9, left_ns, SETTLEMENT_WINDOW_NS, covered, weighted)
    counted = rules.counted_slice(variances, left_ns, SETTLEMENT_WINDOW_NS)
    curve = Curve(fixed_e9, live_e9, counted, left_ns)
    ctx.curves[feed, expiry_s] = inputs, curve
    return curve


def at_expiry(ctx: Context, pillars: "list[VotedPillar]", left_ns: int) -> tuple[int, tuple[int, ...]]:
    """SURF-007: (forward over index x 10^9, slice) of an expiry that is `left_ns` away, from the pillars around it."""
    first, last = pillars[0], pillars[-1]
    first_ns, last_ns = (one.expiry_s * SECOND_NS - ctx.time_ns for one in (first, last))
    if first is not last:
        slices = slice_of(ctx, first), slice_of(ctx, last)
        forward_e9 = rules.between(first.forward_e9, first_ns, last.forward_e9, last_ns, left_ns)
        return forward_e9, rules.slice_between(slices[0], first_ns, slices[1], last_ns, left_ns)
    if first_ns == left_ns:
        return first.forward_e9, slice_of(ctx, first)
    none = (0,) * len(rules.POINTS_E3)
    forward_e9 = rules.between(rules.E9, 0, first.forward_e9, first_ns, min(left_ns, first_ns))
    return forward_e9, rules.slice_between(none, 0, slice_of(ctx, first), first_ns, left_ns)
