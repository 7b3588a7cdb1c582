"""The end of a market: its window, its price, its positions."""

from app.accounts.types import Account
from app.clearing.rules import cash_after_fill
from app.clearing.state import add_open_interest, taker_position
from app.collateral.state import credit_fund
from app.collateral.types import funding_pool, insurance_fund
from app.context import Context
from app.events import PositionSettled, SettlementShortfall
from app.funding.state import index_of, settled
from app.markets.holders import LONG, SHORT, holders
from app.settlement import rules
from app.settlement.types import Settlement


def begin_settlement(ctx: Context, market: int, ends_ns: int) -> None:
    """SETL-001: from now on the index price is averaged, until `ends_ns`; then the market settles at the mean of the
    last 30 minutes. For a future that nears its expiry, and for any market that is wound down. Again: changes nothing.
    """
    if ctx.settlements.get(market) is None:
        ctx.settlements.put(market, Settlement(ends_ns))


def close_positions(ctx: Context, market: int, price_quanta: int, most: int) -> int:
    """SETL-005: close what the first longs and shorts, by account key, hold of `market` at `price_quanta`:
    the same lots on either side, of at most `most` accounts each. Returns the lots that were
    closed; 0 when nobody holds anything.
    """
    longs = _held(ctx, market, holders(ctx, market, LONG, most))
    shorts = _held(ctx, market, holders(ctx, market, SHORT, most))
    total = min(sum(lots for _, lots in longs), -sum(lots for _, lots in shorts))
    for side, sign in ((longs, 1), (shorts, -1)):
        left = total
        for key, lots in side:
            closed = min(left, abs(lots))
            if closed:
                close_position(ctx, key, market, sign * closed, price_quanta)
            left -= closed
    add_open_interest(ctx, market, -total)
    return total


def _held(ctx: Context, market: int, keys: list[bytes]) -> list[tuple[bytes, int]]:
    found = []
    for key in keys:
        account = ctx.accounts.get(key)
        if account is not None:
            found.append((key, account.position(market).lots))
    return found


def close_position(ctx: Context, key: bytes, market: int, lots: int, price_quanta: int) -> None:
    """SETL-005: close `lots` (negative: of a short) of an account's position in cash; its funding is settled first."""
    account = ctx.accounts.edit(key)
    owed, held = settled(account.position(market), index_of(ctx, market))
    credit_fund(ctx, funding_pool(market), owed)
    account.cash_quanta = cash_after_fill(account.cash_quanta - owed, -lots, price_quanta, 0)
    account.set_position(taker_position(held, -lots, price_quanta))
    ctx.emit(PositionSettled(key, market, lots, price_quanta, owed))
    cover(ctx, key, account, market)


def cover(ctx: Context, key: bytes, account: Account, market: int) -> None:
    """SETL-006: an account that is left with a debt and nothing else: the market's insurance fund pays what it can; the
    rest is added to the record's shortfall, which is what a reduction of winners would have to bring in.
    """
    if account.positions or account.assets or account.cash_quanta >= 0:
        return
    fund = ctx.funds.get(insurance_fund(market))
    paid = rules.fund_pays(account.cash_quanta, fund.balance_quanta if fund else 0)
    credit_fund(ctx, insurance_fund(market), -paid)
    account.cash_quanta += paid
    if account.cash_quanta:
        ctx.settlements.edit(market).shortfall_quanta -= account.cash_quanta
    ctx.emit(SettlementShortfall(key, market, paid, -account.cash_quanta))
