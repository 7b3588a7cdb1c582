"""Access to prices."""

from collections.abc import Iterator

from app.context import Context
from app.limits import MAX_DEAD_NS
from app.oracle import rules
from app.oracle.types import Feed


def mark_price(ctx: Context, market: int) -> int:
    """The mark of a market that exists, in quote quanta a lot. Genesis gives every market one."""
    mark = ctx.marks.get(market)
    if mark is None:
        raise KeyError(market)
    return mark.price_quanta


def index_price(ctx: Context, market: int) -> int:
    """The index of a market that exists, in quote quanta a lot: what its feed says (ORCL-007)."""
    mark = ctx.marks.get(market)
    if mark is None:
        raise KeyError(market)
    return mark.index_quanta


def set_mark_price(ctx: Context, market: int, price_quanta: int) -> None:
    """Replace the mark of `market`, dated with the running block."""
    mark = ctx.marks.edit(market)
    mark.price_quanta, mark.height, mark.time_ns = price_quanta, ctx.height, ctx.time_ns
    ctx.forget_risk(market)


def standing_price(ctx: Context, market: int, action: int) -> tuple[int, bool]:
    """(the index that was in force until the running block, whether it allowed `action`): what counts the time since
    the last block counts it at this (SETL-002, FUND-007, ORCL-011).
    """
    index, validity = ctx.standing.get(market) or (index_price(ctx, market), rules.FRESH)
    return index, not rules.BARRED[validity] & action


def suppose_price(ctx: Context, market: int, price_quanta: int) -> None:
    """For a question: both mark and index of `market` are `price_quanta`."""
    mark = ctx.marks.edit(market)
    mark.price_quanta = mark.index_quanta = price_quanta
    ctx.forget_risk(market)


def note_barred(ctx: Context) -> None:
    """ORCL-011: note for the running block what each market's price bars; markets that bar nothing are not there."""
    found = {number: barred_actions(ctx, number) for number in sorted(ctx.books)}
    ctx.barred = {number: actions for number, actions in found.items() if actions}


def barred_actions(ctx: Context, number: int) -> int:
    """ORCL-011, ORCL-012: what the price of a market bars now; nothing once its mark is its settlement price."""
    market, mark = ctx.markets.get(number), ctx.marks.get(number)
    feed = ctx.feeds.get(market.feed) if market else None
    if market is None or mark is None or feed is None:
        return 0
    validity = max(mark.validity, feed.validity)  # an option that nobody is in has its mark from some blocks ago
    bars = rules.barred(validity, ctx.time_ns, market.resumed_ns, feed.warm_up_ns)
    settlement = ctx.settlements.get(number) if bars else None
    return 0 if settlement is not None and settlement.fixed else bars


def allows(ctx: Context, market: int, action: int) -> bool:
    """ORCL-011: whether the price of a market allows an action of the matrix now."""
    return not ctx.barred.get(market, 0) & action


def index_allows(ctx: Context, market: int, action: int) -> bool:
    """ORCL-011 for what is priced by a market's index, which goes on when the market has its settlement price."""
    mark = ctx.marks.get(market)
    return mark is not None and not rules.BARRED[mark.validity] & action


def is_gone(ctx: Context, feed: int) -> bool:
    """ORCL-013: whether a feed has been absent for MAX_DEAD_NS in which the chain made blocks."""
    record = ctx.feeds.get(feed)
    return record is not None and record.validity == rules.ABSENT and ctx.time_ns - record.absent_from_ns > MAX_DEAD_NS


def feeds(ctx: Context) -> Iterator[Feed]:
    """All feeds, ascending. Genesis numbers them from 1 without gaps."""
    number = 1
    while (feed := ctx.feeds.get(number)) is not None:
        yield feed
        number += 1
