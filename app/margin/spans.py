"""Between which prices of an underlying an account is short of maintenance margin, however it is composed.

With options the excess over margin is no concave function of the price: there may be several such spans. So the price
is scanned on a grid, and the turns found are narrowed to the unit.
"""

from collections.abc import Callable
from dataclasses import dataclass

from app.accounts.types import Account
from app.collateral.state import assets_value
from app.context import Context
from app.kernel.integers import PPM
from app.margin.state import standing
from app.margin.suppose import markets_of, suppose_feed
from app.margin.types import Standing
from app.markets.state import require_market
from app.markets.types import OPTION

# Of the present price: by fiftieths of it near, coarser far away, up to ten times.
GRID_PPM = (
    10_000,
    *range(50_000, 500_000, 50_000),
    *range(500_000, 1_500_000, 20_000),
    *range(1_500_000, 3_000_000, 100_000),
    *range(3_000_000, 10_000_001, 1_000_000),
)


@dataclass(frozen=True, slots=True)
class Span:
    """Prices of a feed, in its units, at which an account is short: from `lower` to `upper`, both included. None: from
    the lowest, or to the highest, that was tried.
    """

    lower: int | None = None
    upper: int | None = None


def short_spans(ctx: Context, account: Account, feed: int) -> tuple[Span, ...]:
    """RISK-006: where an account is short as an underlying moves with all that follows it, ascending.

    Tried are the prices of the grid, the strikes of the options held and the present price; where it is short at one
    and not at the next, the turn is found to the unit. What lies wholly between two prices tried is not seen.
    """
    record = ctx.feeds.get(feed)
    if record is None:
        return ()
    now, markets = record.price, markets_of(ctx, account)

    def excess(price: int) -> int:
        ctx.journal.savepoint()
        try:
            suppose_feed(ctx, feed, price, markets)
            return kept(ctx, account).excess
        finally:
            ctx.journal.rollback()

    tried = [now, *(max(1, now * part // PPM) for part in GRID_PPM), *strikes(ctx, account, feed)]
    highest = now * GRID_PPM[-1] // PPM
    return spans_of(excess, sorted(dict.fromkeys(price for price in tried if 0 < price <= highest)))


def kept(ctx: Context, account: Account) -> Standing:
    """The account's standing without its open orders, which no maintenance margin asks for."""
    cash = account.cash_quanta + assets_value(ctx, account)
    return standing(ctx, cash, account.positions.values(), with_orders=False, portfolio=account.portfolio)


def strikes(ctx: Context, account: Account, feed: int) -> list[int]:
    """RISK-006: the strikes of the options held on an underlying, in units of its feed, rounded down."""
    found = []
    for number, held in account.positions.items():
        market = require_market(ctx, number)
        if held.lots and market.kind == OPTION and market.feed == feed:
            found.append(market.strike_quanta * market.index_divisor // market.index_multiplier)
    return found


def spans_of(excess: Callable[[int], int], prices: list[int]) -> tuple[Span, ...]:
    """RISK-006: the spans where `excess` is below 0, from prices ascending."""
    found: list[Span] = []
    lower: int | None = None
    was_short = False
    for place, price in enumerate(prices):
        is_short = excess(price) < 0
        if place and is_short and not was_short:
            lower = turn(excess, price, prices[place - 1])
        elif place and was_short and not is_short:
            found.append(Span(lower, turn(excess, prices[place - 1], price)))
            lower = None
        was_short = is_short
    if was_short:
        found.append(Span(lower, None))
    return tuple(found)


def turn(excess: Callable[[int], int], short: int, safe: int) -> int:
    """The price nearest to `safe` at which the account is short, its neighbour towards `safe` being safe. `excess` is
    below 0 at `short` and not at `safe`. Every other step goes where a line between both ends crosses 0.
    """
    at_short, at_safe, straight = excess(short), excess(safe), True
    while abs(safe - short) > 1:
        tried = (short + safe) // 2
        if straight:
            tried = short + (safe - short) * -at_short // (at_safe - at_short)
            tried = min(max(tried, min(short, safe) + 1), max(short, safe) - 1)
        straight = not straight
        found = excess(tried)
        if found < 0:
            short, at_short = tried, found
        else:
            safe, at_safe = tried, found
    return short
