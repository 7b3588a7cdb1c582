"""Curves of expiries: what is between pillars, what a settlement window has fixed, and what may enter together."""

import pytest

from app.context import Context
from app.kernel.codec import u32
from app.oracle.types import Feed, Surface, VotedPillar
from app.registry import open_context
from app.settlement.types import Settlement
from app.store.view import DictReader
from app.surface import rules
from app.surface.state import curve_of, expiry_key, voted_ns

S = 10**9
MINUTE = 60 * S
WINDOW = 30 * MINUTE
NOW_S = 1_700_000_000
FLAT = (27_000_000,) * 7
PRICE = 46_000_000_000  # six decimals


def context(*pillars: VotedPillar) -> Context:
    """A state with one feed and these pillars."""
    ctx = open_context(DictReader())
    ctx.height, ctx.time_ns = 1, NOW_S * S
    ctx.feeds.put(1, Feed(1, "BTC/USD", 6, price=PRICE))
    ctx.surfaces.put(1, Surface(pillars))
    return ctx


def pillar(days: int, forward_e9: int = 10**9, variances: tuple[int, ...] = FLAT, voted: int = NOW_S) -> VotedPillar:
    """A pillar so many days ahead."""
    return VotedPillar(NOW_S + 86_400 * days, forward_e9, variances, voted * S)


def test_surf_007_between_before_and_beyond_pillars() -> None:
    """SURF-007: points and forward are linear in time between two; from nothing before the first; beyond the last the
    variance goes on in proportion and the forward stays.
    """
    doubled = tuple(2 * one for one in FLAT)
    ctx = context(pillar(14, 1_010_000_000), pillar(28, 1_030_000_000, doubled))
    for days, variance_e9, forward_e9 in ((7, 13_500_000, 1_005_000_000), (14, 27_000_000, 1_010_000_000),
                                          (21, 40_500_000, 1_020_000_000), (35, 67_500_000, 1_030_000_000)):
        curve = curve_of(ctx, 1, NOW_S + 86_400 * days)
        assert curve is not None
        left = 86_400 * days * S
        counted = variance_e9 * S * (3 * left - 2 * WINDOW) // (3 * left)
        assert abs(curve.slice_e18[3] - counted) <= 2, days
        assert (curve.fixed_e9, curve.live_e9) == (0, PRICE * forward_e9), days
        assert curve.left_ns == left


@pytest.mark.parametrize(("minutes", "variance", "counts"), [(60, 300_000, 200_000), (30, 150_000, 50_000),
                                                             (15, 75_000, 25_000), (0, 75_000, 0)])
def test_surf_008_the_time_of_a_mean_counts_a_third(minutes: int, variance: int, counts: int) -> None:
    """SURF-008: the numbers of the README, and that something is always left."""
    counted = rules.counted_slice((variance * S,) * 7, minutes * MINUTE, WINDOW)
    assert counted == (max(1, counts * S),) * 7
    assert rules.counted_slice((2,) * 7, minutes * MINUTE, WINDOW) == (1,) * 7


def test_surf_009_a_window_splits_the_forward() -> None:
    """SURF-009: 1,950 for 20 of 30 minutes, then 1,975: 1,300 and 658.33, and a third of the rest's variance."""
    ctx = context()
    ctx.time_ns = (NOW_S - 600) * S
    ctx.surfaces.put(1, Surface((VotedPillar(NOW_S, 10**9, FLAT, NOW_S * S),)))
    ctx.feeds.edit(1).price = 1_975_000_000
    ctx.fixings.put(expiry_key(1, NOW_S), Settlement(NOW_S * S, 20 * MINUTE, 1_950_000_000 * 20 * MINUTE))
    curve = curve_of(ctx, 1, NOW_S)
    assert curve is not None
    assert curve.fixed_e9 == 1_300_000_000 * S
    assert curve.live_e9 == 1_975_000_000 * S // 3
    assert curve.slice_e18[3] == rules.convex_slice(FLAT)[3] // 3
    fixed, live = rules.split_forward(1_975_000_000, S, 20 * MINUTE, WINDOW, 10 * MINUTE, 1_950_000_000 * 10 * MINUTE)
    assert (fixed + live) // S == 1_966_666_666  # Derive's 1,966.67, 20 minutes before (help.derive.xyz, 8691491)
    assert rules.split_forward(7, S, 0, WINDOW, 0, 0) == (7 * S, 0)
    assert rules.split_forward(7, S, 0, WINDOW, 10, 50) == (5 * S, 0)


def test_surf_009_a_curve_follows_its_inputs() -> None:
    """SURF-009: kept as long as nothing changed; a price, a pillar or the time make it anew, and a rollback."""
    ctx = context(pillar(14))
    at = NOW_S + 86_400 * 14
    first = curve_of(ctx, 1, at)
    assert curve_of(ctx, 1, at) is first
    ctx.journal.savepoint()
    ctx.feeds.edit(1).price = PRICE + 1
    changed = curve_of(ctx, 1, at)
    assert changed is not None and changed.live_e9 == (PRICE + 1) * S
    ctx.journal.rollback()
    assert curve_of(ctx, 1, at) == first
    ctx.time_ns += S
    assert curve_of(ctx, 1, at) != first
    assert curve_of(ctx, 2, at) is None
    ctx.surfaces.put(1, Surface())
    assert curve_of(ctx, 1, at) is None


def test_surf_010_a_curve_is_as_old_as_its_older_pillar() -> None:
    """SURF-010: of two the older; of none, nothing."""
    ctx = context(pillar(14, voted=NOW_S - 5), pillar(28, voted=NOW_S - 9))
    ages = [voted_ns(ctx, 1, NOW_S + 86_400 * days) for days in (7, 14, 21, 28, 35)]
    assert [NOW_S - one // S for one in ages] == [5, 5, 9, 9, 9]
    assert voted_ns(ctx, 2, NOW_S) == 0


LOW, MIDDLE, HIGH = (10**16,) * 7, (15 * 10**15,) * 7, (2 * 10**16,) * 7
SPIKE = tuple(one * 10**16 for one in (65, 10, 5, 4, 5, 10, 10))


def test_surf_011_what_enters_and_what_stays() -> None:
    """SURF-011: no butterfly, no calendar spread with what entered before; older ones give way."""
    assert not rules.butterfly_free(SPIKE)
    assert rules.entering({1: LOW, 2: HIGH, 3: SPIKE}) == [1, 2]
    assert rules.entering({1: HIGH, 2: LOW, 3: HIGH}) == [1, 3]
    assert rules.entering({1: LOW, 2: HIGH, 3: MIDDLE}) == [1, 2]
    assert rules.entering({}) == []
    assert rules.staying({3: MIDDLE}, {1: LOW, 2: HIGH}) == rules.staying({1: HIGH}, {2: MIDDLE, 3: HIGH}) == []
    assert rules.staying({1: LOW, 3: LOW, 5: HIGH}, {2: HIGH}) == [1, 5]
    assert rules.staying({1: HIGH, 3: HIGH}, {2: LOW}) == [3]
    assert rules.staying({1: HIGH, 3: HIGH}, {}) == [1, 3]


def test_less_time_keeps_a_slice_free_of_butterflies() -> None:
    """SURF-004, SURF-005, SURF-008: a share of a slice has no density below 0 where the whole has none, so neither the
    time before the first pillar nor a settlement window makes an arbitrage. This slice is at its limit: more does.
    """
    whole = rules.convex_slice((161_959_151, 80_000_000, 45_000_000, 40_000_000, 45_000_000, 80_000_000, 161_959_151))

    def is_dense(curve: tuple[int, ...]) -> bool:
        return all(rules.dense(curve[part], curve[part + 1], part) for part in range(6))

    assert rules.butterfly_free(whole) and is_dense(whole)
    assert all(is_dense(rules.counted_slice(whole, left, WINDOW)) for left in range(1, 90 * MINUTE, 7 * MINUTE))
    assert not is_dense(tuple(one * 11 // 10 for one in whole))


def test_u32_orders_expiries() -> None:
    """The key of an expiry begins with its feed and ascends with time."""
    assert expiry_key(1, 5) < expiry_key(1, 256) < expiry_key(2, 1)
    assert expiry_key(3, 1)[:4] == u32(3)
