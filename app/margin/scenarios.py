"""An account under many moves of one underlying at once: a table for pictures, and what it pays at expiry."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.accounts.types import Account
from app.collateral.state import assets_value
from app.context import Context
from app.errors import QUERY_LIMIT, ChainError
from app.limits import MAX_SCENARIO_POSITIONS, MAX_SCENARIOS
from app.margin.spans import kept
from app.margin.state import market_risk, position_value
from app.margin.suppose import Move, check_move, markets_of, suppose_move
from app.margin.types import Standing
from app.markets.state import require_market
from app.markets.types import CALL, OPTION
from app.oracle.state import index_price
from app.pricing.rules import payoff


@dataclass(frozen=True, slots=True)
class Grid:
    """Changes in ppm of an underlying's price and volatility, each price with each volatility."""

    feed: int
    prices_ppm: Sequence[int] = ()
    volatilities_ppm: Sequence[int] = (0,)


@dataclass(frozen=True, slots=True)
class Scenarios:
    """RISK-008: `cells` has the account's standing by volatility and price, as asked; `at_expiry` its equity at each
    price if all options on the underlying expired there. `price` is what moves, in units of the feed.
    """

    grid: Grid
    price: int
    decimals: int
    cells: tuple[tuple[Standing, ...], ...]
    at_expiry: tuple[int, ...]


def scenarios(ctx: Context, account: Account, grid: Grid) -> Scenarios:
    """RISK-008: the account in each case. Raises QUERY_LIMIT, QUERY_PRICE, QUERY_VOLATILITY."""
    most = min(MAX_SCENARIOS, MAX_SCENARIO_POSITIONS // max(1, len(account.positions)))
    if not 0 < len(grid.prices_ppm) * len(grid.volatilities_ppm) <= most:
        raise ChainError(QUERY_LIMIT, most_scenarios=most)
    moves = [[Move(grid.feed, price, volatility) for price in grid.prices_ppm] for volatility in grid.volatilities_ppm]
    for row in moves:
        for move in row:
            check_move(ctx, move)
    feed = ctx.feeds.get(grid.feed)
    return Scenarios(
        grid,
        feed.price if feed else 0,
        feed.decimals if feed else 0,
        tuple([tuple([standing_after(ctx, account, move) for move in row]) for row in moves]),
        tuple([equity_at_expiry(ctx, account, Move(grid.feed, price)) for price in grid.prices_ppm]),
    )


def standing_after(ctx: Context, account: Account, move: Move) -> Standing:
    """RISK-005, RISK-008: the account after one move, open orders left out."""
    ctx.journal.savepoint()
    try:
        suppose_move(ctx, move, markets_of(ctx, account))
        return kept(ctx, account)
    finally:
        ctx.journal.rollback()


def equity_at_expiry(ctx: Context, account: Account, move: Move) -> int:
    """RISK-008: the account's equity after a move, its options on the underlying paying what they are then in the
    money (PRIC-014), all else at its mark.
    """
    ctx.journal.savepoint()
    try:
        suppose_move(ctx, move, markets_of(ctx, account))
        equity = account.cash_quanta + assets_value(ctx, account)
        for number, held in account.positions.items():
            market = require_market(ctx, number)
            if market.kind == OPTION and market.feed == move.feed:
                settled = index_price(ctx, number)
                equity += held.lots * payoff(settled, market.strike_quanta, market.right == CALL)
            else:
                equity += position_value(market_risk(ctx, number), held)
        return equity
    finally:
        ctx.journal.rollback()
