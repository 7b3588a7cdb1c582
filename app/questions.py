"""What anybody may ask of the chain: the standing of an account as it is, and as it would be.

A question runs on a fork of committed state (`registry.open_fork`, with its books), through the handlers and rules that
run in a block, and takes back what it did. Rules RISK-001 ff. are in margin/README.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from app.accounts.state import open_account
from app.accounts.types import Account
from app.block import run_action
from app.book.rules import signed_lots
from app.book.types import BUY, SELL
from app.clearing.actions import free_collateral
from app.clearing.rules import cash_after_fill
from app.clearing.state import settle, taker_position
from app.collateral.state import assets_value
from app.context import NO_LIMIT, Context
from app.errors import (
    ORDER_SIDE,
    QUERY_ACTION,
    QUERY_LIMIT,
    QUERY_PRICE,
    ChainError,
)
from app.events import Filled
from app.fees.rules import trading_fee
from app.fees.state import rates
from app.funding.state import index_of, settled
from app.gas import GasMeter
from app.limits import MAX_CASH_QUANTA, MAX_ORDER_LOTS, MAX_PRICE_QUANTA, MAX_QUESTION_GAS, MAX_QUESTION_PARTS
from app.margin.queries import PositionRisk, Range, liquidation_range, position_risks
from app.margin.scenarios import Grid, Scenarios, scenarios
from app.margin.sensitivities import Sensitivities, sensitivities
from app.margin.spans import Span, short_spans
from app.margin.state import account_standing, standing
from app.margin.suppose import Move, Price, check_move, markets_of, suppose_move, suppose_price
from app.margin.tails import Tail, tails
from app.margin.types import Standing
from app.markets.state import require_market
from app.markets.types import OPTION
from app.portfolio.state import terms_of
from novation.v1 import tx_pb2

MARKET_KINDS = frozenset({"place_order", "cancel_all"})
KINDS = MARKET_KINDS | {"cancel_order", "replace_order", "transfer", "withdraw", "set_margin_mode", "place_combo"}


@dataclass(frozen=True, slots=True)
class Trade:
    """A hypothetical fill outside the book, as its taker."""

    market: int
    side: int
    price_quanta: int
    size_lots: int


@dataclass(slots=True)
class Question:
    """What is supposed, in the order in which it happens."""

    moves: Sequence[Move] = ()
    prices: Sequence[Price] = ()
    cash_quanta: int = 0  # comes in from nowhere; negative: goes out unasked
    trades: Sequence[Trade] = ()
    actions: Sequence[tx_pb2.Action] = ()
    grid: Grid | None = None  # of what then is, in many cases at once


@dataclass(frozen=True, slots=True)
class Underlying:
    """An underlying of which an account holds several markets, or options; it moves and they with it. `safe` are prices
    of the first market, `spans` and `price` are in units of the feed; one of both is given.
    """

    name: str
    feed: int
    markets: tuple[int, ...]
    price: int
    decimals: int
    safe: Range
    spans: tuple[Span, ...] = ()


@dataclass(slots=True)
class AccountRisk:
    """An account's standing, in quote quanta, and what its markets contribute."""

    cash: int = 0
    assets: int = 0
    now: Standing = Standing(0, 0, 0)  # noqa: RUF009 - a tuple cannot be changed
    free: int = 0
    positions: list[PositionRisk] = field(default_factory=list)
    underlyings: list[Underlying] = field(default_factory=list)
    sensitivities: list[Sensitivities] = field(default_factory=list)
    is_portfolio: bool = False
    modes: tuple[Standing, Standing | None] = (Standing(0, 0, 0), None)  # standard, portfolio if it may choose that
    tails: list[Tail] = field(default_factory=list)


@dataclass(slots=True)
class Answer:
    """The account before and after; what each action did; the fills, its own and those of makers it met."""

    before: AccountRisk
    after: AccountRisk
    results: tx_pb2.EnvelopeResult
    fills: list[Filled]
    trading_fees_quanta: int  # of the account: for its trades and fills; negative: rebates
    scenarios: Scenarios | None = None


def ask(ctx: Context, key: bytes, question: Question) -> Answer:
    """RISK-001: suppose moves, prices, cash, trades and actions, one after the other, and say how the account stands
    before and after. Actions fail as they would in a block. Everything is taken back.

    Raises QUERY_*, MARKET_NOT_FOUND, ORDER_SIDE.
    """
    check(ctx, question)
    ctx.journal.savepoint()
    depth, events = len(ctx.journal.marks), len(ctx.events)
    try:
        before = account_risk(ctx, key, scanned=not supposes(question))
        touched = touched_markets(ctx, key, question)
        for move in question.moves:
            suppose_move(ctx, move, touched)
        for price in question.prices:
            suppose_price(ctx, price)
        if question.cash_quanta:
            open_account(ctx, key).cash_quanta += question.cash_quanta
        fees = sum(suppose_trade(ctx, key, trade) for trade in question.trades)
        results = suppose_actions(ctx, key, question.actions)
        fills = [event for event in ctx.events[events:] if isinstance(event, Filled)]
        fees += sum(fee_of(fill, key) for fill in fills)
        account = ctx.accounts.get(key)
        table = scenarios(ctx, account, question.grid) if question.grid and account else None
        after = account_risk(ctx, key) if supposes(question) else before
        return Answer(before, after, results, fills, fees, table)
    finally:
        while len(ctx.journal.marks) >= depth:
            ctx.journal.rollback()
        del ctx.events[events:]
        ctx.faults.clear()
        ctx.gas = GasMeter(NO_LIMIT)


def supposes(question: Question) -> bool:
    """Whether anything is supposed: if not, the account afterwards is the account as it is."""
    return bool(question.moves or question.prices or question.cash_quanta or question.trades or question.actions)


def check(ctx: Context, question: Question) -> None:
    """RISK-001: what cannot be supposed."""
    parts = len(question.moves) + len(question.prices) + len(question.trades) + len(question.actions)
    if parts > MAX_QUESTION_PARTS or abs(question.cash_quanta) > MAX_CASH_QUANTA:
        raise ChainError(QUERY_LIMIT, most_parts=MAX_QUESTION_PARTS, most_quanta=MAX_CASH_QUANTA)
    for move in question.moves:
        check_move(ctx, move)
    for trade in question.trades:
        require_market(ctx, trade.market)
        if trade.side not in (BUY, SELL):
            raise ChainError(ORDER_SIDE, side=trade.side)
        if not (0 < trade.price_quanta <= MAX_PRICE_QUANTA and 0 < trade.size_lots <= MAX_ORDER_LOTS):
            raise ChainError(QUERY_PRICE, market=trade.market, most_quanta=MAX_PRICE_QUANTA, most_lots=MAX_ORDER_LOTS)
    for action in question.actions:
        if action.WhichOneof("kind") not in KINDS:
            raise ChainError(QUERY_ACTION, kind=action.WhichOneof("kind") or "")


def touched_markets(ctx: Context, key: bytes, question: Question) -> list[int]:
    """RISK-005: the markets that follow a supposed move: those that the answer depends on, perhaps several times."""
    account = ctx.accounts.get(key)
    named = [trade.market for trade in question.trades] + [price.market for price in question.prices]
    for action in question.actions:
        kind = action.WhichOneof("kind")
        if kind in MARKET_KINDS:
            named.append(getattr(action, kind).market)
        named += [leg.market for leg in action.place_combo.legs]
    known = [market for market in named if ctx.markets.get(market) is not None]
    return known + (markets_of(ctx, account) if account else [])


def suppose_trade(ctx: Context, key: bytes, trade: Trade) -> int:
    """RISK-001: a fill outside the book, at the taker's rate; its other side is nobody. Returns the fee."""
    account, market = open_account(ctx, key), require_market(ctx, trade.market)
    fee = trading_fee(trade.price_quanta * trade.size_lots, rates(ctx, key, market)[1])
    signed = signed_lots(trade.side, trade.size_lots)
    owed, held = settled(account.position(trade.market), index_of(ctx, trade.market))
    cash = cash_after_fill(account.cash_quanta - owed, signed, trade.price_quanta, fee)
    settle(ctx, key, trade.market, cash, taker_position(held, signed, trade.price_quanta))
    return fee


def suppose_actions(ctx: Context, key: bytes, actions: Sequence[tx_pb2.Action]) -> tx_pb2.EnvelopeResult:
    """RISK-001: the actions as `block.run_actions_apart` would run them, within MAX_QUESTION_GAS."""
    result = tx_pb2.EnvelopeResult()
    ctx.gas = GasMeter(MAX_QUESTION_GAS)
    for action in actions:
        ctx.journal.savepoint()
        if run_action(ctx, key, action.WhichOneof("kind") or "", action, result) is None:
            ctx.journal.release()
        else:
            ctx.journal.rollback()
    result.gas_used = ctx.gas.used
    ctx.gas = GasMeter(NO_LIMIT)
    return result


def fee_of(fill: Filled, key: bytes) -> int:
    """What a fill cost an account."""
    as_taker = fill.taker_fee_quanta if fill.taker == key else 0
    return as_taker + (fill.maker_fee_quanta if fill.maker.account == key else 0)


def account_risk(ctx: Context, key: bytes, *, scanned: bool = True) -> AccountRisk:
    """RISK-002, RISK-003: how an account stands; zeros when it does not exist. Spans (RISK-006) take most of the work,
    so they are left out unless `scanned`.
    """
    account = ctx.accounts.get(key)
    if account is None:
        return AccountRisk()
    now = account_standing(ctx, account)
    return AccountRisk(
        account.cash_quanta,
        assets_value(ctx, account),
        now,
        free_collateral(ctx, key),
        position_risks(ctx, account, now),
        underlyings(ctx, account, scanned),
        sensitivities(ctx, account),
        account.portfolio,
        modes(ctx, account),
        tails(ctx, account),
    )


def modes(ctx: Context, account: Account) -> tuple[Standing, Standing | None]:
    """RISK-012: how the account would stand in standard and in portfolio margin, there if all its underlyings have
    terms for it.
    """
    cash = account.cash_quanta + assets_value(ctx, account)
    has_terms = all(terms_of(ctx, require_market(ctx, market).feed) is not None for market in account.positions)
    standard = standing(ctx, cash, account.positions.values())
    return standard, standing(ctx, cash, account.positions.values(), portfolio=True) if has_terms else None


def underlyings(ctx: Context, account: Account, scanned: bool) -> list[Underlying]:
    """RISK-003, RISK-006: the underlyings, by feed, that an account holds options or more than one market of; they are
    called what the symbol of the first begins with, up to the first hyphen.
    """
    groups: dict[int, list[int]] = {}
    for number in sorted(account.positions):
        if account.positions[number].lots:
            groups.setdefault(require_market(ctx, number).feed, []).append(number)
    return [
        found
        for feed in sorted(groups)
        if (found := underlying(ctx, account, feed, tuple(groups[feed]), scanned)) is not None
    ]


def underlying(
    ctx: Context, account: Account, feed: int, markets: tuple[int, ...], scanned: bool
) -> Underlying | None:
    """RISK-003, RISK-006: one of them; None for one market that is no option. In portfolio margin excess is no more
    concave in the price than with options.
    """
    first = require_market(ctx, markets[0])
    options = account.portfolio or any(require_market(ctx, number).kind == OPTION for number in markets)
    if len(markets) == 1 and not options:
        return None
    record = ctx.feeds.get(feed)
    if record is None:
        return None
    safe = Range() if options else liquidation_range(ctx, account, markets)
    spans = short_spans(ctx, account, feed) if options and scanned else ()
    return Underlying(first.symbol.partition("-")[0], feed, markets, record.price, record.decimals, safe, spans)
