"""The hedge leg: the one order that makes a portfolio's worst row better and no row's loss greater, found by looking at
the options that it holds and at the perpetuals and futures on its underlyings.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.accounts.state import require_account
from app.accounts.types import Account
from app.breakers.state import is_capped, open_interest_cap, tripped
from app.breakers.types import CHAIN, SYSTEM
from app.context import Context
from app.kernel.integers import PPM
from app.limits import FIRST_SERIES, HEDGE_HELD, HEDGE_MARKETS, HEDGE_TRIES
from app.liquidation import rules
from app.liquidation.close import close_on_book, closing_of
from app.liquidation.state import is_open, lot_worth
from app.margin.state import market_risk, portfolio_of
from app.margin.types import Standing
from app.markets.state import open_interest, require_market
from app.markets.types import ACTIVE, OPTION, Market
from app.portfolio.state import underlying_risk
from app.portfolio.types import UnderlyingRisk


@dataclass(slots=True)
class Hedge:
    """An order that helps: at most `lots` of a market (positive: sold), and by how much the worst row gains."""

    market: int
    lots: int
    gain_quanta: int


def hedge_on_book(ctx: Context, key: bytes, now: Standing) -> int:
    """LIQ-028: send the hedge leg of a portfolio that is short; the next best if nobody takes it. Returns the fills."""
    account = require_account(ctx.accounts.get(key), key)
    found = sorted(hedges(ctx, account), key=lambda one: (-one.gain_quanta, one.market))
    for hedge in found[:HEDGE_TRIES]:
        held = account.position(hedge.market)
        closing = closing_of(ctx, key, held, hedge.lots, now)
        if closing is not None:
            fills, _ = close_on_book(ctx, key, held, closing, now, no_row_worse)
            if fills:
                return fills
    return 0


def no_row_worse(ctx: Context, before: Account, after: Account) -> bool:
    """LIQ-027: whether no row's loss is greater after than before: each profit at least what it was, or 0 if that is
    less.
    """
    old = {one.feed: one.rows for one in portfolio_of(ctx, before).underlyings}
    return all(
        rules.is_no_worse(profit, rows[place] if rows else 0)
        for one in portfolio_of(ctx, after).underlyings
        for rows in (old.get(one.feed),)
        for place, profit in enumerate(one.rows)
    )


def hedges(ctx: Context, account: Account) -> Iterator[Hedge]:
    """LIQ-029: every order looked at that makes the worst row of its underlying better."""
    for risk in portfolio_of(ctx, account).underlyings:
        if risk.rows[risk.worst_row] < 0:
            yield from held_options(ctx, risk)
            yield from linear_markets(ctx, account, risk)


def held_options(ctx: Context, risk: UnderlyingRisk) -> Iterator[Hedge]:
    """LIQ-029: closing options that are held, those with the most at the index first."""
    options = [one for one in risk.holdings if one.market.kind == OPTION and is_open(ctx, one.market.market)]
    options.sort(key=lambda one: (-abs(one.lots) * lot_worth(ctx, one.market), one.market.market))
    for held in options[:HEDGE_HELD]:
        rest = [one for one in risk.holdings if one.market.market != held.market.market]
        after = underlying_risk(ctx, risk.feed, rest).rows
        yield from useful(held.market, held.lots, risk.rows, after)


def linear_markets(ctx: Context, account: Account, risk: UnderlyingRisk) -> Iterator[Hedge]:
    """LIQ-029: the perpetuals and futures on the underlying: bought where a rise hurts most, sold where a fall does."""
    rows, worst = risk.terms.rows, risk.worst_row
    move_ppm = rows[worst].spot_ppm if worst < len(rows) else 0
    if not move_ppm:
        return
    sign = 1 if move_ppm > 0 else -1
    for market in linear_on(ctx, risk.feed):
        mark = market_risk(ctx, market.market).mark_quanta
        each = [rules.row_of_lots(sign, mark, row.spot_ppm, row.weight_ppm) for row in rows]
        lots = min(-(risk.rows[worst] * PPM * PPM // each[worst]), tradable_lots(ctx, account, market, sign))
        after = [profit + lots * gain // (PPM * PPM) for profit, gain in zip(risk.rows, each, strict=False)]
        if lots > 0:
            yield from useful(market, -sign * lots, risk.rows, after + risk.rows[len(rows) :])


def linear_on(ctx: Context, feed: int) -> list[Market]:
    """The first few perpetuals and futures on an underlying that are open, ascending."""
    numbers = sorted(number for number in ctx.books if number < FIRST_SERIES)
    found = (require_market(ctx, number) for number in numbers)
    return [one for one in found if one.feed == feed and is_open(ctx, one.market)][:HEDGE_MARKETS]


def tradable_lots(ctx: Context, account: Account, market: Market, sign: int) -> int:
    """LIQ-028: the most lots that an account may buy (`sign` 1) or sell (-1): what that closes, and what it may open
    under the limits on positions and open interest, unless the chain or the market only reduces.
    """
    held = sign * account.position(market.market).lots
    closes, opens = max(0, -held), max(0, market.max_position_lots - max(0, held))
    if market.status != ACTIVE or tripped(ctx, CHAIN, SYSTEM):
        return closes
    if is_capped(market):
        opens = min(opens, max(0, open_interest_cap(ctx, market) - open_interest(ctx, market.market)))
    return closes + opens


def useful(market: Market, lots: int, rows: Sequence[int], after: Sequence[int]) -> Iterator[Hedge]:
    """LIQ-029: as few of `lots`, all of which make `after` of `rows`, as make the worst row as good as it gets while no
    row's loss is greater; nothing if that is no better.
    """
    size, pairs = abs(lots), list(zip(rows, after, strict=True))
    most = min(rules.harmless_lots(before, then, size) for before, then in pairs)
    level = min(0, *(rules.row_after(before, then, most, size) for before, then in pairs))
    if level > min(rows):
        few = max(rules.lots_to_reach(before, then, size, level) for before, then in pairs)
        few = min(few, most)
        yield Hedge(market.market, few if lots > 0 else -few, level - min(rows))
