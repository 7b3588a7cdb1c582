"""What anybody may ask of margin: what each position contributes, and at which prices an account is liquidated.

Every figure comes from the functions that decide in a block, run on a fork of committed state (`registry.open_fork`).
What a question changes on the way, it takes back.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.accounts.types import Account, Position
from app.collateral.state import assets_value
from app.context import Context
from app.errors import QUERY_PRICE, ChainError
from app.funding.state import unsettled
from app.kernel.integers import PPM
from app.limits import MAX_PRICE_QUANTA
from app.margin import rules
from app.margin.state import (
    lots_maintenance,
    market_risk,
    position_initial,
    position_value,
    standing,
)
from app.margin.types import Standing
from app.markets.state import require_market
from app.oracle.state import mark_price
from app.oracle.state import suppose_price as set_supposed

LEAST_PRICE_QUANTA = 1


@dataclass(frozen=True, slots=True)
class Price:
    """A supposed mark: a price, or a change of the present one in ppm."""

    market: int
    price_quanta: int = 0
    change_ppm: int = 0


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


def suppose_price(ctx: Context, price: Price) -> None:
    """RISK-001: a supposed mark, rounded down. Raises MARKET_NOT_FOUND, QUERY_PRICE."""
    require_market(ctx, price.market)
    moved = price.price_quanta or mark_price(ctx, price.market) * (PPM + price.change_ppm) // PPM
    if not 0 < moved <= MAX_PRICE_QUANTA:
        raise ChainError(QUERY_PRICE, market=price.market, price_quanta=moved, most_quanta=MAX_PRICE_QUANTA)
    set_supposed(ctx, price.market, moved)


def position_risks(ctx: Context, account: Account, now: Standing) -> list[PositionRisk]:
    """RISK-002: the markets of an account whose standing is `now`, ascending. Values and cash with other assets sum to
    its equity, margins to its margins.
    """
    found = []
    for market in sorted(account.positions):
        held, risk = account.positions[market], market_risk(ctx, market)
        maintenance = lots_maintenance(risk, held.lots)
        found.append(
            PositionRisk(
                held,
                risk.mark_quanta,
                position_value(risk, held),
                rules.unrealised_profit(held.lots, held.entry_quanta, risk.mark_quanta),
                unsettled(ctx, held),
                position_initial(risk, held),
                maintenance,
                maintenance * PPM // now.maintenance if now.maintenance else 0,
                liquidation_range(ctx, account, [market]),
            )
        )
    return found


def move_together(ctx: Context, markets: Sequence[int], price_quanta: int) -> None:
    """Set the mark of the first market, and those of the others in proportion, rounded down, at least 1."""
    before = [mark_price(ctx, market) for market in markets]
    for market, mark in zip(markets, before, strict=True):
        moved = max(LEAST_PRICE_QUANTA, mark * price_quanta // before[0])
        set_supposed(ctx, market, min(moved, MAX_PRICE_QUANTA))


def liquidation_range(ctx: Context, account: Account, markets: Sequence[int]) -> Range:
    """RISK-003: at which prices of the first of `markets`, the others moving in proportion, the account is short of
    maintenance margin.

    `standing` is asked anew at every price tried, of what moves; what does not is asked once.
    """
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


def turn(excess: Callable[[int], int], short: int, safe: int) -> int:
    """The price nearest to `safe` at which the account is short, its neighbour towards `safe` being safe. `excess` is
    below 0 at `short` and not at `safe`.
    """
    while abs(safe - short) > 1:
        middle = (short + safe) // 2
        if excess(middle) < 0:
            short = middle
        else:
            safe = middle
    return short
