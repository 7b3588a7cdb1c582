"""What options do at the begin of a block: an expiry is fixed, series are listed, others end and go."""

from collections.abc import Iterator
from functools import partial

from app.compartment import attempt, guarded
from app.context import Context
from app.events import ExpiryFixed, SeriesListed
from app.kernel.codec import decimal_parts
from app.limits import (
    LAST_SERIES,
    MAX_LISTED_A_BLOCK,
    MAX_PRICE_QUANTA,
    MAX_REMOVED_A_BLOCK,
    SETTLEMENT_WINDOW_NS,
)
from app.markets.state import open_interest, require_market
from app.markets.types import ACTIVE, CALL, PUT, SETTLED, SETTLING, Market, OptionClass
from app.options import rules
from app.options.state import LISTING_KEY, add_series, make_series, remove_series
from app.oracle.rules import BARRED, OPEN, SETTLE
from app.oracle.state import feeds, is_gone, mark_price
from app.pricing.rules import E9, in_lots, payoff
from app.pricing.state import SECOND_NS, option_price
from app.settlement.rules import settlement_price
from app.settlement.state import add_time, begin_closing
from app.settlement.types import Settlement
from app.surface.state import curve_of, expiry_key, pillars_ahead
from app.triggers.rules import AT_OR_ABOVE, AT_OR_BELOW
from app.triggers.types import INDEX, LAST, MARK, Slot

LETTERS = {CALL: "C", PUT: "P"}


def fix_expiries(ctx: Context) -> None:
    """OPT-010, OPT-011: before prices change, the time since the last block counts for each expiry that is less than a
    window away; those whose window is over are fixed, and their series settle.
    """
    for feed, expiry_s in sorted(ctx.series):
        if ctx.time_ns > expiry_s * SECOND_NS - SETTLEMENT_WINDOW_NS:
            attempt(ctx, partial(fix_expiry, feed, expiry_s))


def fix_expiry(feed: int, expiry_s: int, ctx: Context) -> None:
    """OPT-010: one block's work on the fixing of one expiry: the mean of the feed over the last half hour, as SETL-002
    and SETL-003 have it.
    """
    key, price = expiry_key(feed, expiry_s), ctx.feeds.get(feed)
    if ctx.fixings.get(key) is None:
        ctx.fixings.put(key, Settlement(expiry_s * SECOND_NS))
    known = ctx.fixings.get(key)
    if price is None or known is None or known.fixed:
        return
    record = ctx.fixings.edit(key)
    if add_time(ctx, record, price.price, trusted=not BARRED[price.validity] & SETTLE):
        record.price_quanta = settlement_price(record.weighted, record.covered_ns, price.price)
        record.fixed = True
        ctx.emit(ExpiryFixed(feed, expiry_s, record.price_quanta, record.covered_ns))
        for number in sorted(ctx.series[feed, expiry_s].values()):
            if ctx.settlements.get(number) is None:
                guarded(ctx, number, settle_series, in_quarantine=True)


def settle_series(ctx: Context, number: int) -> None:
    """OPT-011: a series settles at what it pays (PRIC-014) once its expiry is fixed; earlier (OPT-013) at what it is
    worth, or at its mark where there is no telling.
    """
    market = require_market(ctx, number)
    fixing = ctx.fixings.get(expiry_key(market.feed, market.expiry_ns // SECOND_NS))
    if fixing is not None and fixing.fixed:
        at_expiry = in_lots(fixing.price_quanta * E9, market.index_multiplier, market.index_divisor)
        price, covered_ns = payoff(at_expiry, market.strike_quanta, market.right == CALL), fixing.covered_ns
    else:
        price, covered_ns = option_price(ctx, market) or mark_price(ctx, number), 0
    ctx.settlements.put(number, Settlement(ctx.time_ns, covered_ns))
    begin_closing(ctx, number, ctx.settlements.edit(number), price)


def settle_at_mark(ctx: Context, number: int) -> None:
    """OPT-013: a series whose rules raise settles at the mark that it has."""
    ctx.settlements.put(number, Settlement(ctx.time_ns))
    begin_closing(ctx, number, ctx.settlements.edit(number), mark_price(ctx, number))


def end_series(ctx: Context) -> None:
    """OPT-003, OPT-013: series that are over go, at most MAX_REMOVED_A_BLOCK; those end that cannot wait for their
    expiry.
    """
    left = MAX_REMOVED_A_BLOCK
    for feed, expiry_s in sorted(ctx.series):
        dead = is_gone(ctx, feed)
        for number in sorted(ctx.series[feed, expiry_s].values()):
            market = require_market(ctx, number)
            if market.status == SETTLED and left and is_over(ctx, number):
                left -= 1
                attempt(ctx, partial(_remove, number))
            elif (dead or 0 < market.quarantine_ends_ns <= ctx.time_ns) and not is_ending(ctx, market):
                end_early(ctx, number)


def end_early(ctx: Context, number: int) -> None:
    """OPT-013: a series ends before its expiry; one whose rules raise at the mark that it has."""
    if not guarded(ctx, number, settle_series, in_quarantine=True):
        guarded(ctx, number, settle_at_mark, in_quarantine=True)


def _remove(number: int, ctx: Context) -> None:
    remove_series(ctx, number)


def is_ending(ctx: Context, market: Market) -> bool:
    """Whether a series has its settlement price already."""
    return market.status in (SETTLING, SETTLED) or ctx.settlements.get(market.market) is not None


def is_over(ctx: Context, number: int) -> bool:
    """OPT-003: whether nobody holds a settled series, and neither order nor trigger is left (TRIG-008)."""
    book, index = ctx.books[number], ctx.trigger_index
    slots = [Slot(number, source, way) for source in (MARK, INDEX, LAST) for way in (AT_OR_ABOVE, AT_OR_BELOW)]
    return not (
        open_interest(ctx, number)
        or book.bids.best_price()
        or book.asks.best_price()
        or any(index.waiting.get(slot) for slot in slots)
        or any(batch.reached.slot.market == number for batch in index.batches)
    )


def classes(ctx: Context) -> Iterator[OptionClass]:
    """All classes, by feed."""
    for feed in feeds(ctx):
        terms = ctx.option_classes.get(feed.feed)
        if terms is not None:
            yield terms


def list_series(ctx: Context) -> None:
    """OPT-004 to OPT-009: of each class, what is missing at one of its expiries is listed; one whose rules raise lists
    nothing.
    """
    for terms in classes(ctx):
        attempt(ctx, partial(list_class, terms))


def list_class(terms: OptionClass, ctx: Context) -> None:
    """OPT-009: look at one expiry of a class, another in each block, and list what is missing there: the strikes
    nearest to the forward first, the call before the put.
    """
    plan = schedule_of(terms, ctx.time_ns // SECOND_NS) if may_list(ctx, terms) else []
    if not plan:
        return
    expiry_s, least_s = plan[ctx.height % len(plan)]
    forward = forward_of(ctx, terms, expiry_s)
    left_s = expiry_s - ctx.time_ns // SECOND_NS
    if not forward or left_s < least_s:
        return
    step = rules.strike_step(forward, terms.step_ppm, left_s, decimal_parts(terms.lot_size)[0])
    room = min(MAX_LISTED_A_BLOCK, terms.max_series - alive(ctx, terms.feed))
    known = ctx.series.get((terms.feed, expiry_s), {})
    for strike in rules.strikes(forward, step, terms.strikes, MAX_PRICE_QUANTA):
        for right in (CALL, PUT):
            if (strike, right) not in known and room > 0:
                list_one(ctx, terms, expiry_s, strike, right)
                room -= 1


def schedule_of(terms: OptionClass, now_s: int) -> list[tuple[int, int]]:
    """OPT-004, OPT-005: the expiries of a class ahead of a time, each with the least time to list anything new."""
    return rules.schedule(
        now_s,
        terms.hour_s,
        terms.daily,
        terms.weekly,
        terms.monthly,
        terms.quarterly,
        terms.short_s,
        terms.shorts,
    )


def may_list(ctx: Context, terms: OptionClass) -> bool:
    """OPT-009: whether anything may be listed: the price is such that positions may be opened, the market whose fund
    stands behind trades, and there are numbers left.
    """
    feed, behind, listing = (
        ctx.feeds.get(terms.feed),
        ctx.markets.get(terms.fund_market),
        ctx.listing.get(LISTING_KEY),
    )
    return (
        feed is not None
        and not BARRED[feed.validity] & OPEN
        and behind is not None
        and behind.status == ACTIVE
        and listing is not None
        and listing.next_market + MAX_LISTED_A_BLOCK <= LAST_SERIES
    )


def forward_of(ctx: Context, terms: OptionClass, expiry_s: int) -> int:
    """OPT-009: the forward of an expiry in quote quanta a lot; 0 unless there is a young pillar of just this expiry."""
    pillars = [one for one in pillars_ahead(ctx, terms.feed) if one.expiry_s == expiry_s]
    if not pillars or ctx.time_ns - pillars[0].voted_ns > terms.surface_max_age_ns:
        return 0
    curve = curve_of(ctx, terms.feed, expiry_s)
    return in_lots(curve.fixed_e9 + curve.live_e9, terms.index_multiplier, terms.index_divisor) if curve else 0


def alive(ctx: Context, feed: int) -> int:
    """OPT-009: how many series of a class there are."""
    return sum(len(ctx.series[at]) for at in sorted(ctx.series) if at[0] == feed)


def list_one(ctx: Context, terms: OptionClass, expiry_s: int, strike: int, right: int) -> None:
    """OPT-008: a series gets its number and its symbol, and is a market from this block on."""
    listing = ctx.listing.edit(LISTING_KEY)
    number = listing.next_market
    listing.next_market += 1
    price = rules.price_text(strike, *decimal_parts(terms.lot_size))
    symbol = f"{terms.symbol}-{rules.date_text(expiry_s, terms.hour_s)}-{price}-{LETTERS[right]}"
    add_series(ctx, make_series(ctx, terms, number, expiry_s, strike, right, symbol))
    ctx.emit(SeriesListed(number, terms.feed, expiry_s, strike, right, symbol))
