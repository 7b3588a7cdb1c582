"""Settlement at the begin of a block: average, fix the price, cancel, sweep. Closing is liquidation/final.py's."""

from functools import partial

from app.book.state import remove_order
from app.book.types import Order
from app.collateral.state import credit_fund, fund_of
from app.collateral.types import funding_pool
from app.compartment import guarded
from app.context import Context
from app.events import Cancelled
from app.limits import MAX_SETTLED_ORDERS, SETTLEMENT_WINDOW_NS
from app.markets.state import market_numbers, open_interest, require_market, set_status
from app.markets.types import OPTION, QUARANTINED, REDUCE_ONLY, SETTLED, SETTLING, Market
from app.oracle.rules import SETTLE
from app.oracle.state import index_price, is_gone, standing_price
from app.settlement import rules
from app.settlement.state import add_time, begin_closing, begin_settlement
from app.settlement.types import Settlement
from novation.v1 import events_pb2

ENDS = (QUARANTINED, SETTLING, SETTLED)


def run_settlements(ctx: Context) -> None:
    """SETL-001 to SETL-007: markets near their end take the mean of their index, those at their end fix it and cancel
    orders. Of options, which end many at once, at most MAX_SETTLED_ORDERS orders together, about (OPT-012); when they
    end, app/options says.
    """
    left = MAX_SETTLED_ORDERS
    for number in market_numbers(ctx):
        market = require_market(ctx, number)
        if market.kind == OPTION:
            if market.status in (SETTLING, QUARANTINED) and left > 0 and ctx.settlements.get(number) is not None:
                counts: list[int] = []
                guarded(ctx, number, partial(clear, counts), in_quarantine=True)
                left -= 1 + sum(counts)
            continue
        if is_dead(ctx, market):
            guarded(ctx, number, wind_up)
        if market.status != SETTLED and (ctx.settlements.get(number) is not None or ending(ctx, market)):
            guarded(ctx, number, settle_market, in_quarantine=True)


def is_dead(ctx: Context, market: Market) -> bool:
    """ORCL-013: whether a market that is not on its way to settlement has had no price for MAX_DEAD_NS."""
    return is_gone(ctx, market.feed) and market.status not in ENDS and ctx.settlements.get(market.market) is None


def wind_up(ctx: Context, number: int) -> None:
    """ORCL-013: a market without a price takes only what reduces, and settles a window from now."""
    if require_market(ctx, number).status != REDUCE_ONLY:
        set_status(ctx, number, REDUCE_ONLY, events_pb2.STATUS_REASON_WIND_DOWN)
    begin_settlement(ctx, number, ctx.time_ns + SETTLEMENT_WINDOW_NS)


def ending(ctx: Context, market: Market) -> int:
    """SETL-001: when a market ends by itself, if that is less than a window away: a future at its expiry, a market in
    quarantine when that is over, whichever comes first; 0 if it does not.
    """
    ends = min((end for end in (market.expiry_ns, market.quarantine_ends_ns) if end), default=0)
    return ends if ends and ctx.time_ns > ends - SETTLEMENT_WINDOW_NS else 0


def settle_market(ctx: Context, number: int) -> None:
    """One block's work on the settlement of one market; what is still held, liquidation/final.py closes once the orders
    are gone.
    """
    market = require_market(ctx, number)
    if ctx.settlements.get(number) is None:
        begin_settlement(ctx, number, ending(ctx, market))
    record = ctx.settlements.edit(number)
    if not record.fixed:
        average(ctx, number, record)
    else:
        clear([], ctx, number)


def clear(counts: list[int], ctx: Context, number: int) -> None:
    """SETL-004, SETL-007: cancel orders, and sweep once none is left and nobody holds anything. `counts` gets how many
    were cancelled.
    """
    counts.append(cancel_orders(ctx, number))
    if not counts[-1] and not open_interest(ctx, number):
        sweep(ctx, number)


def average(ctx: Context, number: int, record: Settlement) -> None:
    """SETL-002, SETL-003: add the time since the last block to the mean; at the end, fix the price."""
    index, trusted = standing_price(ctx, number, SETTLE)
    if add_time(ctx, record, index, trusted=trusted):
        price = rules.settlement_price(record.weighted, record.covered_ns, index_price(ctx, number))
        begin_closing(ctx, number, record, price)


def cancel_orders(ctx: Context, number: int) -> int:
    """SETL-004: cancel at most MAX_SETTLED_ORDERS orders of the market, bids first. Returns how many."""
    book = ctx.books[number]
    found: list[Order] = []
    for side in (book.bids, book.asks):
        for order in side.best_first():
            if len(found) == MAX_SETTLED_ORDERS:
                break
            found.append(order)
    for order in found:
        remove_order(ctx, order)
        ctx.emit(Cancelled(order, events_pb2.CANCEL_REASON_MARKET_CLOSED, True))
    return len(found)


def sweep(ctx: Context, number: int) -> None:
    """SETL-007: nobody holds anything: what is left in the funding pool goes to the insurance fund, and that is all."""
    pool = ctx.funds.get(funding_pool(number))
    if pool is not None and pool.balance_quanta:
        left = pool.balance_quanta
        credit_fund(ctx, funding_pool(number), -left)
        credit_fund(ctx, fund_of(ctx, number), left)
    set_status(ctx, number, SETTLED, events_pb2.STATUS_REASON_SETTLEMENT)
