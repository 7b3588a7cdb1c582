"""What a fill makes of positions and of a market's open interest, and what they may come to."""

from app.accounts.types import Account, Position
from app.clearing import rules
from app.context import Context
from app.errors import MARGIN_MARKETS, MARGIN_POSITION_LIMIT, ChainError
from app.funding.rules import payment
from app.funding.state import index_of, settled, tell_funding
from app.limits import MAX_ACCOUNT_MARKETS
from app.markets.rules import open_interest_change
from app.markets.types import Market


def taker_position(held: Position, signed_lots: int, price_quanta: int) -> Position:
    """CLR-003: `held` after its account's incoming order filled `signed_lots` at `price_quanta`."""
    return Position(
        held.market,
        held.lots + signed_lots,
        rules.entry_after_fill(held.lots, held.entry_quanta, signed_lots, price_quanta),
        held.open_buy_lots,
        held.open_buy_notional_quanta,
        held.open_sell_lots,
        held.open_sell_notional_quanta,
        held.funding_index_e9,
    )


def off_book(
    ctx: Context, account: Account, market: int, signed_lots: int, price_quanta: int, extra_quanta: int = 0
) -> tuple[int, int, Position]:
    """CLR-002, FUND-002: (the funding that was owed, cash, position) of an account after it bought `signed_lots`
    (negative: sold) outside the book and got `extra_quanta`. Its funding there is settled first; who calls hands it on.
    """
    owed, held = settled(account.position(market), index_of(ctx, market))
    cash = rules.cash_after_fill(account.cash_quanta - owed, signed_lots, price_quanta, -extra_quanta)
    return owed, cash, taker_position(held, signed_lots, price_quanta)


def maker_position(held: Position, signed_lots: int, price_quanta: int) -> Position:
    """CLR-003: `held` after a resting order of its account filled `signed_lots`: what is held and what rests change."""
    lots = held.lots + signed_lots
    entry = rules.entry_after_fill(held.lots, held.entry_quanta, signed_lots, price_quanta)
    buys, buy_notional = held.open_buy_lots, held.open_buy_notional_quanta
    sells, sell_notional = held.open_sell_lots, held.open_sell_notional_quanta
    if signed_lots > 0:
        return Position(
            held.market,
            lots,
            entry,
            buys - signed_lots,
            buy_notional - signed_lots * price_quanta,
            sells,
            sell_notional,
            held.funding_index_e9,
        )
    return Position(
        held.market,
        lots,
        entry,
        buys,
        buy_notional,
        sells + signed_lots,
        sell_notional + signed_lots * price_quanta,
        held.funding_index_e9,
    )


def add_open_interest(ctx: Context, market: int, lots: int) -> None:
    """MKT-003: change a market's open interest by `lots`."""
    if lots:
        ctx.totals.edit(market).open_interest_lots += lots
        found = ctx.markets.get(market)
        if found is not None and found.open_interest_upper_quanta:
            ctx.forget_risk(market)  # MARG-008


def settle(ctx: Context, key: bytes, market: int, cash_quanta: int, held: Position) -> int:
    """CLR-004: an account comes to hold what the plan says, its funding settled (FUND-002). Returns what that adds to
    open interest.
    """
    account = ctx.accounts.edit(key)
    before = account.position(market)
    interest = open_interest_change(before.lots, held.lots)
    if before.lots and before.funding_index_e9 != held.funding_index_e9:
        tell_funding(ctx, key, market, payment(before.lots, held.funding_index_e9, before.funding_index_e9))
    account.cash_quanta = cash_quanta
    account.set_position(held)
    return interest


def check_position_limit(market: Market, before: Position, after: Position) -> None:
    """MKT-004: position and open orders of one side together stay within the limit, unless they do not grow."""
    longest = after.lots + after.open_buy_lots
    shortest = after.open_sell_lots - after.lots
    limit = market.max_position_lots
    if (longest > limit and longest > before.lots + before.open_buy_lots) or (
        shortest > limit and shortest > before.open_sell_lots - before.lots
    ):
        raise ChainError(MARGIN_POSITION_LIMIT, most_lots=limit, would_be_lots=max(longest, shortest))


def check_markets(account: Account, *changed: Position) -> None:
    """MARG-020: MARGIN_MARKETS when an account would be in more than MAX_ACCOUNT_MARKETS markets, and in more than now.
    `changed` are what it comes to hold in place of its positions there.
    """
    held = account.positions
    count = len(held) + sum((not one.is_empty()) - (one.market in held) for one in changed)
    if count > max(MAX_ACCOUNT_MARKETS, len(held)):
        raise ChainError(MARGIN_MARKETS, most_markets=MAX_ACCOUNT_MARKETS, would_be_markets=count)


def traded_lots(before: Account, after: Account, market: int) -> tuple[int, int]:
    """What an account held of a market, and holds."""
    return before.position(market).lots, after.position(market).lots
