"""What anybody may ask of margin: what each position contributes, and at which prices an account is liquidated.

Every figure comes from the functions that decide in a block, run on a fork of committed state (`registry.open_fork`).
What a question changes on the way, it takes back.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.accounts.types import Account, Position
from app.collateral.state import assets_value
from app.context import Context
from app.funding.state import unsettled
from app.kernel.integers import PPM
from app.limits import MAX_PRICE_QUANTA
from app.margin import rules
from app.margin.spans import turn
from app.margin.state import (
    margin_parts,
    market_risk,
    position_value,
    standing,
)
from app.margin.suppose import LEAST_PRICE_QUANTA, move_together
from app.margin.types import Standing
from app.markets.state import require_market
from app.markets.types import OPTION
from app.oracle.state import mark_price


@dataclass(frozen=True, slots=True)
class Range:
    """Where an account is safe as a price moves: strictly between the two, in quote quanta a lot.

    `lower` is the highest price below the safe ones at which it is short, `upper` the lowest above them. None: it is
    not short that way, however far the price goes; or, when it is short already, nowhere safe.
    """

    lower: int | None = None
    upper: int | None = None


@dataclass(frozen=True, slots=True)
class PositionRisk:
    """What one market contributes to its account, in quote quanta.

    `value` is at the mark less `funding`, what it owes and has not settled. `share_ppm` is its part of the account's
    maintenance margin, rounded down. `safe` is for this market's price alone, all others staying where they are.
    """

    held: Position
    mark: int
    value: int
    unrealised: int
    funding: int
    initial: int
    maintenance: int
    share_ppm: int
    safe: Range


def position_risks(ctx: Context, account: Account, now: Standing) -> list[PositionRisk]:
    """RISK-002: the markets of an account whose standing is `now`, ascending. Values and cash with other assets sum to
    its equity, margins to its margins.
    """
    found, parts = [], margin_parts(ctx, account)
    for market in sorted(account.positions):
        held, risk = account.positions[market], market_risk(ctx, market)
        initial, maintenance = parts[market]
        found.append(
            PositionRisk(
                held,
                risk.mark_quanta,
                position_value(risk, held),
                rules.unrealised_profit(held.lots, held.entry_quanta, risk.mark_quanta),
                unsettled(ctx, held),
                initial,
                maintenance,
                maintenance * PPM // now.maintenance if now.maintenance else 0,
                liquidation_range(ctx, account, [market]),
            )
        )
    return found


def liquidation_range(ctx: Context, account: Account, markets: Sequence[int]) -> Range:
    """RISK-003: at which prices of the first of `markets`, the others moving in proportion, the account is short of
    maintenance margin. Nothing is said of an option alone, whose mark is not free to move, nor of a portfolio, whose
    excess is not concave (RISK-006 scans instead).

    `standing` is asked anew at every price tried, of what moves; what does not is asked once.
    """
    if account.portfolio or any(require_market(ctx, market).kind == OPTION for market in markets):
        return Range()
    moving = [account.positions[market] for market in markets if market in account.positions]
    still = [held for held in account.positions.values() if held.market not in markets]
    rest = standing(ctx, account.cash_quanta, still)

    def excess(price_quanta: int) -> int:
        ctx.journal.savepoint()
        try:
            move_together(ctx, markets, price_quanta)
            moved = standing(ctx, assets_value(ctx, account), moving)
        finally:
            ctx.journal.rollback()
        return rest.excess + moved.excess

    return safe_range(excess, mark_price(ctx, markets[0]))


def safe_range(excess: Callable[[int], int], price_quanta: int) -> Range:
    """RISK-003: the safe prices around, or nearest to, `price_quanta` by bisection; exact to the unit.

    Margin is convex in a price and value a line, so excess is concave: it is negative outside of one range and nowhere
    inside of it. So one end of each side of the range tells whether it closes there.
    """
    low, high = LEAST_PRICE_QUANTA, MAX_PRICE_QUANTA
    at_low, at_high = excess(low), excess(high)
    if excess(price_quanta) >= 0:
        return Range(
            None if at_low >= 0 else turn(excess, low, price_quanta),
            None if at_high >= 0 else turn(excess, high, price_quanta),
        )
    return Range(
        turn(excess, price_quanta, high) if at_high >= 0 else None,
        turn(excess, price_quanta, low) if at_low >= 0 else None,
    )
