"""The end of a market: its window, its price, its positions."""

from app.accounts.types import Account
from app.clearing.state import add_open_interest, off_book
from app.collateral.state import credit_fund, fund_of, seize
from app.collateral.types import funding_pool
from app.context import Context
from app.events import PositionSettled, SettlementPriceSet, SettlementShortfall
from app.limits import MAX_FUNDING_STEP_NS, MAX_SETTLEMENT_WAIT_NS, SETTLEMENT_WINDOW_NS
from app.markets.state import set_status
from app.markets.types import SETTLING
from app.oracle.state import set_mark_price
from app.settlement import rules
from app.settlement.types import Settlement
from novation.v1 import events_pb2


def begin_settlement(ctx: Context, market: int, ends_ns: int) -> None:
    """SETL-001: from now on the index price is averaged, until `ends_ns`; then the market settles at the mean of the
    last 30 minutes. For a future that nears its expiry, and for any market that is wound down. Again: changes nothing.
    """
    if ctx.settlements.get(market) is None:
        ctx.settlements.put(market, Settlement(ends_ns))


def add_time(ctx: Context, record: Settlement, price: int, *, trusted: bool) -> bool:
    """SETL-002, SETL-003: add the time since the last block to a mean, at the price that was in force, if that could be
    trusted (ORCL-011). Returns whether the window is over; without any such time it waits, a day at most.
    """
    opens, last = record.ends_ns - SETTLEMENT_WINDOW_NS, ctx.time_ns - ctx.elapsed_ns
    counted = rules.counted_ns(last, ctx.time_ns, opens, record.ends_ns, MAX_FUNDING_STEP_NS) if trusted else 0
    record.weighted += price * counted
    record.covered_ns += counted
    waits = not trusted and not record.covered_ns and ctx.time_ns < record.ends_ns + MAX_SETTLEMENT_WAIT_NS
    return ctx.time_ns >= record.ends_ns and not waits


def begin_closing(ctx: Context, market: int, record: Settlement, price_quanta: int) -> None:
    """SETL-003, SETL-004: the settlement price stands, and is the mark from here on."""
    record.price_quanta, record.fixed = price_quanta, True
    set_mark_price(ctx, market, price_quanta)
    ctx.emit(SettlementPriceSet(market, price_quanta, record.covered_ns))
    set_status(ctx, market, SETTLING, events_pb2.STATUS_REASON_SETTLEMENT)


def close_positions(ctx: Context, market: int, price_quanta: int, closings: list[tuple[bytes, int]]) -> None:
    """SETL-005: close the lots of these accounts (negative: of a short) at `price_quanta`; they sum to zero."""
    for key, lots in closings:
        close_position(ctx, key, market, lots, price_quanta)
    add_open_interest(ctx, market, -sum(lots for _, lots in closings if lots > 0))


def close_position(ctx: Context, key: bytes, market: int, lots: int, price_quanta: int) -> None:
    """SETL-005: close `lots` (negative: of a short) of an account's position in cash; its funding is settled first."""
    account = ctx.accounts.edit(key)
    owed, account.cash_quanta, left = off_book(ctx, account, market, -lots, price_quanta)
    credit_fund(ctx, funding_pool(market), owed)
    account.set_position(left)
    ctx.emit(PositionSettled(key, market, lots, price_quanta, owed))
    cover(ctx, key, account, market)


def cover(ctx: Context, key: bytes, account: Account, market: int) -> None:
    """SETL-006: an account that is left with a debt and no position: the market's insurance fund buys its assets, then
    pays what it can; what is left of the debt of one that has nothing else is added to the record's shortfall.
    """
    if account.positions or account.cash_quanta >= 0:
        return
    seize(ctx, key, market, -account.cash_quanta)
    account = ctx.accounts.edit(key)
    if account.assets or account.cash_quanta >= 0:
        return
    fund = ctx.funds.get(fund_of(ctx, market))
    paid = rules.fund_pays(account.cash_quanta, fund.balance_quanta if fund else 0)
    credit_fund(ctx, fund_of(ctx, market), -paid)
    account.cash_quanta += paid
    if account.cash_quanta:
        ctx.settlements.edit(market).shortfall_quanta -= account.cash_quanta
    ctx.emit(SettlementShortfall(key, market, paid, 0, -account.cash_quanta))
