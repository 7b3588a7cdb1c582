"""The votes of a block become prices, before anything else of the block acts on them."""

from operator import gt, lt

from app.context import Context
from app.events import FeedValidityChanged, PillarRefused
from app.limits import MAX_MOVE_PPM, MAX_PILLARS
from app.oracle import rules
from app.oracle.rules import ABSENT, STALE
from app.oracle.state import feeds
from app.oracle.types import REPORTERS_KEY, Feed, Reported, Reporters, Surface, VotedPillar, Votes
from app.surface.rules import entering, staying
from app.surface.state import slice_of
from app.validators.rules import is_quorum

NEVER = (0, 0, 0, 0)
DEVIATION_PPM = 20_000  # a vote farther than this from the median counts as deviating (ORCL-008)


def take_prices(ctx: Context) -> None:
    """ORCL-004 to ORCL-008: each feed takes its median."""
    medians = medians_of(ctx.votes) if ctx.votes else {}
    for feed in feeds(ctx):
        take_price(ctx, feed, medians.get(feed.feed, 0))
    if ctx.votes:
        take_pillars(ctx, ctx.votes)
        note_reporters(ctx, ctx.votes, medians)


def medians_of(votes: Votes) -> dict[int, int]:
    """ORCL-004: the median of each feed on which a quorum voted. Votes on the same feeds are taken column by column."""
    groups: dict[tuple[int, ...], list[Reported]] = {}
    for reported in votes.cast:
        groups.setdefault(reported.vote.feeds, []).append(reported)
    ballots: dict[int, list[tuple[int, int]]] = {}
    power: dict[int, int] = {}
    for seen, group in groups.items():
        powers = [reported.power for reported in group]
        together = sum(powers)
        for feed, column in zip(seen, zip(*(reported.vote.prices for reported in group), strict=True), strict=True):
            ballots.setdefault(feed, []).extend(zip(column, powers, strict=True))
            power[feed] = power.get(feed, 0) + together
    return {
        feed: rules.weighted_median(sorted(cast), power[feed])
        for feed, cast in ballots.items()
        if is_quorum(power[feed], votes.total)
    }


def take_price(ctx: Context, feed: Feed, median: int) -> None:
    """ORCL-004 to ORCL-006 for one feed; `median` = 0: no quorum voted on it."""
    before, now = feed, ctx.time_ns
    elapsed_ns = now - before.voted_ns
    stood = before.validity if elapsed_ns <= before.max_age_ns else STALE
    price = before.price
    if median:
        most = rules.most_move_ppm(before.move_ppm, before.move_ppm_a_second, elapsed_ns, MAX_MOVE_PPM)
        price = rules.limited(median, before.price, most)
    warm_from_ns = now if median and stood in (STALE, ABSENT) else before.warm_from_ns
    state = rules.validity(
        age_ns=0 if median else elapsed_ns,
        max_age_ns=before.max_age_ns,
        counted=bool(median),
        within=price == (median or before.median),
        warm=now - warm_from_ns >= before.warm_up_ns,
    )
    if state != before.validity:
        ctx.emit(FeedValidityChanged(before.feed, before.validity, state))
    absent_from_ns = absent_since(ctx, before) if state == ABSENT else 0
    if median or state != before.validity or absent_from_ns != before.absent_from_ns:
        record = ctx.feeds.edit(before.feed)
        record.validity = state
        record.absent_from_ns = absent_from_ns
        if median:
            counted_ns = min(elapsed_ns, before.max_age_ns)
            record.weighted += before.price * counted_ns
            record.covered_ns += counted_ns
            record.price, record.median = price, median
            record.voted_ns, record.warm_from_ns = now, warm_from_ns


def absent_since(ctx: Context, before: Feed) -> int:
    """ORCL-013: since when a feed that is absent now is so; anew after two blocks so far apart that the chain itself
    must have stood still between them.
    """
    stood_still = ctx.elapsed_ns > rules.ABSENT_AGES * before.max_age_ns
    return ctx.time_ns if before.validity != ABSENT or stood_still else before.absent_from_ns


def take_pillars(ctx: Context, votes: Votes) -> None:
    """ORCL-009: forward and variances of each underlying and expiry, each number its own median, if a quorum voted on
    that pillar.
    """
    found: dict[tuple[int, int], list[tuple[tuple[int, ...], int]]] = {}
    for reported in votes.cast:
        for pillar in reported.vote.pillars:
            numbers = (pillar.forward_e9, *pillar.variances_e9)
            found.setdefault((pillar.feed, pillar.expiry_s), []).append((numbers, reported.power))
    fresh: dict[int, dict[int, VotedPillar]] = {}
    for (feed, expiry_s), ballots in found.items():
        powers = [power for _, power in ballots]
        if is_quorum(sum(powers), votes.total):
            columns = zip(*(numbers for numbers, _ in ballots), strict=True)
            forward, *variances = (
                rules.weighted_median(sorted(zip(column, powers, strict=True)), sum(powers)) for column in columns
            )
            fresh.setdefault(feed, {})[expiry_s] = VotedPillar(expiry_s, forward, tuple(variances), ctx.time_ns)
    for feed in sorted(fresh):
        if ctx.feeds.get(feed) is not None:
            take_surface(ctx, feed, fresh[feed])


def take_surface(ctx: Context, feed: int, fresh: dict[int, VotedPillar]) -> None:
    """SURF-011: put what was voted together of one underlying in the place of what was there, as far as nothing of it
    makes an arbitrage; what has expired goes.
    """
    surface = ctx.surfaces.get(feed)
    slices = {expiry_s: slice_of(ctx, pillar) for expiry_s, pillar in fresh.items()}
    entered = {expiry_s: slices[expiry_s] for expiry_s in entering(slices)}
    for expiry_s in sorted(slices.keys() - entered.keys()):
        ctx.emit(PillarRefused(feed, expiry_s))
    others = {one.expiry_s: one for one in (surface.pillars if surface else ()) if one.expiry_s not in entered}
    kept = staying({expiry_s: slice_of(ctx, one) for expiry_s, one in others.items()}, entered)
    known = {expiry_s: others[expiry_s] for expiry_s in kept} | {expiry_s: fresh[expiry_s] for expiry_s in entered}
    ahead = rules.kept_expiries(list(known), ctx.time_ns, MAX_PILLARS)
    ctx.surfaces.put(feed, Surface(tuple(known[expiry_s] for expiry_s in ahead)))


def note_reporters(ctx: Context, votes: Votes, medians: dict[int, int]) -> None:
    """ORCL-008: who was there, who voted, on how many prices, and how many of them lay far from the median."""
    record = ctx.reporters.get(REPORTERS_KEY)
    known = record.rows if record else {}
    rows = {address: list(known.get(address, NEVER)) for address in votes.present}
    for row in rows.values():
        row[0] += 1
    bounds: dict[tuple[int, ...], tuple[int, list[int], list[int]]] = {}
    for reported in votes.cast:
        row, vote = rows[reported.address], reported.vote
        if vote.feeds not in bounds:
            ranges = [rules.near(medians.get(feed, 0), DEVIATION_PPM) for feed in vote.feeds]
            counted = sum(feed in medians for feed in vote.feeds)
            bounds[vote.feeds] = counted, [low for low, _ in ranges], [high for _, high in ranges]
        counted, lows, highs = bounds[vote.feeds]
        row[1] += bool(vote.prices)
        row[2] += counted
        row[3] += sum(map(lt, vote.prices, lows)) + sum(map(gt, vote.prices, highs))
    ctx.reporters.put(REPORTERS_KEY, Reporters(rows))
