"""Funding at the begin of a block, and the rate at its end."""

from itertools import islice
from typing import TYPE_CHECKING

from app.compartment import guarded
from app.context import Context
from app.funding import rules
from app.limits import MAX_FUNDING_STEP_NS, MAX_IMPACT_ORDERS
from app.markets.state import market_numbers, open_interest, require_market
from app.markets.types import ACTIVE, OPTION, PERPETUAL, REDUCE_ONLY, Market
from app.oracle.rules import FUND
from app.oracle.state import index_price, standing_price

if TYPE_CHECKING:
    from app.book.index import BookSide

FUNDED = (ACTIVE, REDUCE_ONLY)


def pays_funding(market: Market) -> bool:
    """FUND-008: perpetuals accrue while they trade: active or reduce-only."""
    return market.kind == PERPETUAL and market.status in FUNDED


def accrue(ctx: Context) -> None:
    """FUND-007, for every market: the time since the last block at the rate that its book implied."""
    for number in market_numbers(ctx):
        if require_market(ctx, number).kind != OPTION:
            guarded(ctx, number, accrue_market)


def accrue_market(ctx: Context, number: int) -> None:
    """FUND-007, FUND-008: move the index of one market; it stands still while nobody holds anything, or
    there is no price (ORCL-011).
    """
    record = ctx.funding.get(number)
    if not record or not record.rate_e9 or not open_interest(ctx, number):
        return
    price, trusted = standing_price(ctx, number, FUND)
    if not trusted or not pays_funding(require_market(ctx, number)):
        return
    elapsed = min(ctx.elapsed_ns, MAX_FUNDING_STEP_NS)
    index = rules.next_index(record.index_e9, price, record.rate_e9, elapsed)
    if index != record.index_e9:
        ctx.funding.edit(number).index_e9 = index
        ctx.forget_risk(number)


def measure(ctx: Context) -> None:
    """FUND-004 to FUND-006, for every market: the rate of the next block, from the book that this one leaves."""
    for number in market_numbers(ctx):
        if require_market(ctx, number).kind != OPTION:
            guarded(ctx, number, measure_market)


def measure_market(ctx: Context, number: int) -> None:
    """FUND-004 to FUND-006 for one market; FUND-008: one that does not trade has no rate."""
    record, market = ctx.funding.get(number), require_market(ctx, number)
    premium = rate = 0
    if pays_funding(market):
        book, notional = ctx.books[number], market.impact_notional_quanta
        bid = impact(book.bids, notional, up=False)
        ask = impact(book.asks, notional, up=True)
        premium = rules.premium(bid, ask, index_price(ctx, number))
        rate = rules.rate(premium, market.interest_e9, market.funding_band_e9, market.funding_cap_e9)
    if record and (record.premium_e9, record.rate_e9) != (premium, rate):
        changed = ctx.funding.edit(number)
        changed.premium_e9, changed.rate_e9 = premium, rate


def impact(side: "BookSide", notional_quanta: int, *, up: bool) -> int:
    """FUND-004: the impact price of one side of a book, kept until the side changes."""
    if side.impact is None or side.impact[0] != notional_quanta:
        orders = islice(side.best_first(), MAX_IMPACT_ORDERS)
        depth = ((order.price_quanta, order.open_lots) for order in orders)
        side.impact = notional_quanta, rules.impact_price(depth, notional_quanta, up=up)
    return side.impact[1]
