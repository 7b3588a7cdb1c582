"""What anybody may ask of liquidation: what a reduction would take, and how the whole system stands under shocks.

Both run on a fork of committed state, through the functions that act in a block, and take back what they did.
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass, field

from app.accounts.types import Account
from app.collateral.state import behind, counted_value, require_asset
from app.context import Context
from app.errors import QUERY_LIMIT, ChainError, MarketFault
from app.events import AccountReduced, HolderReduced
from app.kernel.integers import PPM
from app.limits import MAX_SHOCKS
from app.liquidation import rules
from app.liquidation.reduction import reduce_market, winners_among
from app.liquidation.state import fund_balance, fund_purse
from app.margin.state import account_standing, margin_parts, market_risk
from app.margin.suppose import Move, Price, markets_of, suppose_move, suppose_price
from app.margin.tails import grid_profits, holdings_of
from app.margin.types import Standing
from app.markets.holders import LONG, SHORT, holders
from app.markets.state import require_market
from app.portfolio.rules import Row
from app.portfolio.state import terms_of
from app.portfolio.types import DEFAULT

DEFAULT_SHOCKS_PPM = (-500_000, -300_000, -200_000, -100_000, -50_000, 0, 50_000, 100_000, 200_000, 300_000, 500_000)
MOST_SHOCK_PPM = 10 * PPM

Holding = tuple[bytes, Account]


@dataclass(slots=True)
class Reduction:
    """What a reduction of a market would do: to one holder, and in all. Lots are without sign, the rest quote quanta.
    """

    mark: int = 0
    held_lots: int = 0  # signed
    taken_lots: int = 0
    given_up: int = 0
    net_profit: int = 0  # what LIQ-018 shares out by, if it took anything
    losers: int = 0
    loser_lots: int = 0
    deficit: int = 0
    fund_paid: int = 0
    winners: int = 0
    others: int = 0  # who hold on the same side
    behind_ppm: int = 0  # of these, whose net profit is less, so that more of theirs stays (RISK-009)


def reduction_of(ctx: Context, key: bytes, market: int, prices: Sequence[Price], *, everybody: bool) -> Reduction:
    """LIQ-023: what a reduction of `market` at these prices would take from an account, if everybody on the other side
    were closed, or (not `everybody`) who has no equity left.

    Raises MARKET_NOT_FOUND, QUERY_PRICE.
    """
    require_market(ctx, market)
    depth, events = len(ctx.journal.marks), len(ctx.events)
    ctx.journal.savepoint()
    try:
        for price in prices:
            suppose_price(ctx, price)
        account = ctx.accounts.get(key)
        held = account.position(market).lots if account else 0
        found = Reduction(market_risk(ctx, market).mark_quanta, held)
        if held:
            found.others, found.behind_ppm = percentile(ctx, key, market, LONG if held > 0 else SHORT)
            reduce_market(ctx, market, {(loser, market): 0 for loser in failing(ctx, market, held, everybody)})
        for event in ctx.events[events:]:
            count(found, event, key)
        return found
    finally:
        while len(ctx.journal.marks) > depth:
            ctx.journal.rollback()
        del ctx.events[events:]


def failing(ctx: Context, market: int, held_lots: int, everybody: bool) -> list[bytes]:
    """LIQ-015, LIQ-023: the holders of the other side whom only a reduction could close: all, or those without
    equity.
    """
    keys = holders(ctx, market, SHORT if held_lots > 0 else LONG)
    accounts = ((key, ctx.accounts.get(key)) for key in keys)
    return [key for key, account in accounts if account and (everybody or account_standing(ctx, account).equity <= 0)]


def percentile(ctx: Context, key: bytes, market: int, side: int) -> tuple[int, int]:
    """RISK-009: how many others hold on this side of a market, and which part of them, in ppm rounded down, has less
    net profit (LIQ-018) than the account.
    """
    profits = {winner.key: winner.profit_quanta for winner in winners_among(ctx, market, holders(ctx, market, side))}
    mine, others = profits.get(key, 0), len(profits) - (key in profits)
    less = sum(profit < mine for profit in profits.values())
    return others, less * PPM // others if others else 0


def count(found: Reduction, event: object, key: bytes) -> None:
    """Add what an event of the reduction says."""
    if isinstance(event, AccountReduced):
        found.losers += 1
        found.loser_lots += abs(event.lots)
        found.deficit += event.deficit_quanta
        found.fund_paid += event.fund_paid_quanta
    elif isinstance(event, HolderReduced):
        found.winners += 1
        if event.account == key:
            found.taken_lots += abs(event.lots)
            found.given_up += event.given_up_quanta
            found.net_profit = event.net_profit_quanta


@dataclass(slots=True)
class StressRow:
    """The system after one shock: to one underlying, or (feed 0) to all. Amounts are quote quanta."""

    feed: int
    shock_ppm: int
    short: int = 0  # accounts below maintenance margin, those below zero among them
    below_zero: int = 0
    shortfall: int = 0  # what these owe beyond what they have
    fund_pays: int = 0
    not_valued: int = 0  # accounts in a market whose rules are broken

    @property
    def left(self) -> int:
        """What is left for the other sides to give up."""
        return self.shortfall - self.fund_pays


@dataclass(slots=True)
class GridRow:
    """LIQ-033: the system in one row of the grid of portfolio margin (`portfolio.rules.Row`), of one underlying, or
    (feed 0) of all. Amounts are quote quanta.
    """

    feed: int
    price_ppm: int
    volatility: int  # portfolio.rules.STEADY, UP, DOWN
    below_zero: int = 0
    shortfall: int = 0
    fund_pays: int = 0
    not_valued: int = 0
    balances: dict[int, int] = field(default_factory=dict)  # what funds have left, once they paid

    @property
    def left(self) -> int:
        """What is left for the other sides to give up."""
        return self.shortfall - self.fund_pays


@dataclass(slots=True)
class Stress:
    """Rows by feed, ascending, and shock, as asked; how many accounts hold something, and what funds hold."""

    rows: list[StressRow] = field(default_factory=list)
    grid: list[GridRow] = field(default_factory=list)
    accounts: int = 0
    funds: dict[int, int] = field(default_factory=dict)


def stress(ctx: Context, shocks_ppm: Sequence[int], *, grid: bool = False) -> Stress:
    """LIQ-023: all accounts under each shock, to all underlyings and to each (RISK-005). Costs accounts x shocks x
    (1 + underlyings). With `grid` also, or without shocks only, in each row of the grid (LIQ-033).

    Raises QUERY_LIMIT.
    """
    shocks = tuple(shocks_ppm) or (() if grid else DEFAULT_SHOCKS_PPM)
    if len(shocks) > MAX_SHOCKS or not all(-PPM < shock <= MOST_SHOCK_PPM for shock in shocks):
        raise ChainError(QUERY_LIMIT, most_shocks=MAX_SHOCKS, most_shock_ppm=MOST_SHOCK_PPM)
    holding = [
        (key, account)
        for key, account in ctx.accounts.scan()
        if any(held.lots for held in account.positions.values())
    ]
    markets = sorted({market for _, account in holding for market in markets_of(ctx, account)})
    held = sorted({market for _, account in holding for market in account.positions})
    groups: dict[int, list[int]] = {}
    for market in markets:
        groups.setdefault(require_market(ctx, market).feed, []).append(market)
    calm = {key: value(ctx, account) for key, account in holding}
    found = Stress(accounts=len(holding), funds=funds_of(ctx, held))
    for feed in (0, *sorted(groups)):
        moved = {feed: groups[feed]} if feed else groups
        for shock in shocks:
            row = StressRow(feed, shock)
            suppose_shock(ctx, row, moved, holding, calm)
            found.rows.append(row)
    if grid:
        found.grid = stress_grid(ctx, holding)
    return found


def funds_of(ctx: Context, markets: Sequence[int]) -> dict[int, int]:
    """The insurance funds that stand behind these markets, by whose they are."""
    return {backing: fund_balance(ctx, backing) for backing in sorted({behind(ctx, market) for market in markets})}


def suppose_shock(
    ctx: Context,
    row: StressRow,
    moved: dict[int, list[int]],
    holding: list[Holding],
    calm: dict[bytes, Standing | None],
) -> None:
    """LIQ-023: fill in one row; accounts that the shock cannot reach stand as they do when nothing moves."""
    ctx.journal.savepoint()
    try:
        markets: dict[int, None] = {}
        for feed, group in moved.items():
            suppose_move(ctx, Move(feed, row.shock_ppm), group)
            markets |= dict.fromkeys(group)
        balances: dict[int, int] = {}
        for key, account in holding:
            now = value(ctx, account) if row.shock_ppm and reached(ctx, account, markets) else calm[key]
            if now is None:
                row.not_valued += 1
                continue
            row.short += rules.is_short(now.equity, now.maintenance)
            if now.equity < 0:
                row.below_zero += 1
                row.shortfall -= now.equity
                row.fund_pays += covered(ctx, margin_parts(ctx, account), now, balances)
    finally:
        ctx.journal.rollback()


def reached(ctx: Context, account: Account, moved: Container[int]) -> bool:
    """Whether a change of these marks changes what the account is worth."""
    return any(market in moved for market in account.positions) or any(
        require_asset(ctx, asset).price_market in moved for asset, _ in account.assets
    )


def value(ctx: Context, account: Account) -> Standing | None:
    """The account's standing; None while the rules of one of its markets are broken."""
    try:
        return account_standing(ctx, account)
    except MarketFault:
        return None


def covered(ctx: Context, parts: dict[int, tuple[int, int]], now: Standing, balances: dict[int, int]) -> int:
    """LIQ-016: what the funds of its markets would pay for an account below zero, each its share of the deficit by
    `parts`, the margins of its markets; `balances` is what they have left.
    """
    paid = 0
    for market, (_, margin) in sorted(parts.items()):
        if margin:
            deficit = max(0, rules.bankruptcy_quote(0, margin, now.equity, now.maintenance))
            backing = behind(ctx, market)
            balance = balances.setdefault(backing, fund_purse(ctx, market))
            part = rules.fund_pays(deficit, balance, require_market(ctx, market).insurance_event_quanta)
            balances[backing] -= part
            paid += part
    return min(paid, -now.equity)


def stress_grid(ctx: Context, holding: Sequence[Holding]) -> list[GridRow]:
    """LIQ-033: these accounts in each row of the grid, of all underlyings at once, if their rows are the same, and of
    each. One pass over accounts: their profits are dot products (RISK-010).
    """
    feeds = sorted({require_market(ctx, market).feed for _, account in holding for market in markets_of(ctx, account)})
    grids = {feed: (terms_of(ctx, feed) or DEFAULT).rows for feed in feeds}
    if len(set(grids.values())) == 1:
        grids = {0: grids[feeds[0]]} | grids
    found = {feed: [GridRow(feed, row.spot_ppm, row.volatility) for row in grid] for feed, grid in grids.items()}
    for _, account in holding:
        add_account(ctx, account, grids, found)
    return [row for rows in found.values() for row in rows]


def add_account(
    ctx: Context, account: Account, grids: dict[int, tuple[Row, ...]], found: dict[int, list[GridRow]]
) -> None:
    """LIQ-033: what one account adds to the rows."""
    now = value(ctx, account)
    profits = profits_of(ctx, account, grids) if now else {}
    parts: dict[int, tuple[int, int]] = {}
    for feed, rows in found.items():
        for place, row in enumerate(rows):
            if now is None:
                row.not_valued += 1
            elif (equity := now.equity + (profits[feed][place] if feed in profits else 0)) < 0:
                parts = parts or margin_parts(ctx, account)
                row.below_zero += 1
                row.shortfall -= equity
                row.fund_pays += covered(ctx, parts, now._replace(equity=equity), row.balances)


def profits_of(ctx: Context, account: Account, grids: dict[int, tuple[Row, ...]]) -> dict[int, list[int]]:
    """LIQ-033: what an account makes in each row, by underlying, its assets included; under 0, if that has rows, in all
    of them at once.
    """
    found = {feed: grid_profits(ctx, held, grids[feed]) for feed, held in holdings_of(ctx, account).items()}
    for asset, units in account.assets:
        market = require_asset(ctx, asset).price_market
        if market:
            feed, counted = require_market(ctx, market).feed, counted_value(ctx, asset, units)
            moved = [counted * row.spot_ppm // PPM for row in grids[feed]]
            found[feed] = [have + more for have, more in zip(found.get(feed, [0] * len(moved)), moved, strict=True)]
    if 0 in grids:
        found[0] = [sum(made) for made in zip(*found.values(), strict=True)]
    return found
