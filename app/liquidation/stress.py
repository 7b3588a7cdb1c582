"""The system's own stress test: some accounts a block, over and over, and what follows from it.

Every figure is what margin makes of an account at supposed marks, in a savepoint that is taken back.
"""

from app.accounts.types import Account
from app.breakers import rules
from app.breakers.state import end, trip, tripped
from app.breakers.types import CHAIN, STRESS, SWEEP_KEY, SYSTEM, Breaker, Sweep
from app.collateral.state import behind, require_asset
from app.context import Context
from app.errors import MarketFault
from app.limits import MAX_PRICE_QUANTA
from app.liquidation.state import fund_balance
from app.margin.state import equity
from app.margin.suppose import suppose_feed
from app.markets.state import market_numbers, require_market
from app.markets.types import OPTION
from app.oracle.state import mark_price, suppose_price

ENDS = 2  # of the rows: the greatest fall and the greatest rise


def sweep(ctx: Context) -> None:
    """BRK-021, BRK-022: look at the next accounts that hold something, by key; after the last of them compare the worst
    row with what all insurance funds hold, and begin again.
    """
    most, record = ctx.params.sweep_accounts, ctx.sweeps.get(SWEEP_KEY)
    if not most or record is None:
        return
    keys = ctx.holding.after(record.cursor, most)
    if not (keys or record.accounts or record.done_accounts):
        return
    record = ctx.sweeps.edit(SWEEP_KEY)
    if not record.accounts:
        record.started_ns, record.shortfalls = ctx.time_ns, (0,) * len(rules.STRESS_ROWS)
    accounts = [account for key in keys if (account := ctx.accounts.get(key)) is not None]
    record.shortfalls = shortfalls(ctx, accounts, record.shortfalls)
    record.accounts += len(keys)
    if len(keys) == most:
        record.cursor = keys[-1]
    else:
        finish(ctx, record)


def shortfalls(ctx: Context, accounts: list[Account], sums: tuple[int, ...]) -> tuple[int, ...]:
    """BRK-021: the sums with what these accounts would owe in each row. Without options values are lines in the shock,
    so who has something left at both ends has in between.
    """
    made = list(sums)
    markets = sorted({market for account in accounts for market in moved_by(ctx, account)})
    options = [market for market in markets if require_market(ctx, market).kind == OPTION]
    owing = {place for place, account in enumerate(accounts) if options and has_any(account, options)}
    for row, quarters in enumerate(rules.STRESS_ROWS):
        asked = [place for place in range(len(accounts)) if row < ENDS or place in owing]
        if asked:
            values = values_at(ctx, [accounts[place] for place in asked], markets, quarters)
            owing.update(place for place, value in zip(asked, values, strict=True) if value < 0)
            for value in values:
                made[row] = rules.with_shortfall(made[row], value)
    return tuple(made)


def has_any(account: Account, markets: list[int]) -> bool:
    """Whether an account is in any of these markets."""
    return any(market in account.positions for market in markets)


def moved_by(ctx: Context, account: Account) -> list[int]:
    """The markets whose marks an account's value depends on."""
    held = [market for market, position in account.positions.items() if position.lots]
    priced = [require_asset(ctx, asset).price_market for asset, _ in account.assets]
    return [*held, *(market for market in priced if market)]


def values_at(ctx: Context, accounts: list[Account], markets: list[int], quarters: int) -> list[int]:
    """BRK-021: the equity of accounts with all these marks shocked together, those of options by the price of their
    feed; 0 where a market's rules are broken.
    """
    ctx.journal.savepoint()
    try:
        stress_ppm, options = ctx.params.stress_ppm, dict[int, list[int]]()
        for number in markets:
            market = require_market(ctx, number)
            if market.kind == OPTION:
                options.setdefault(market.feed, []).append(number)
            else:
                shocked = rules.shocked_price(mark_price(ctx, number), quarters, stress_ppm, MAX_PRICE_QUANTA)
                suppose_price(ctx, number, shocked)
        for number, series in options.items():
            feed = ctx.feeds.get(number)
            price = feed.price if feed else 1
            suppose_feed(ctx, number, rules.shocked_price(price, quarters, stress_ppm, MAX_PRICE_QUANTA), series)
        return [value_of(ctx, account) for account in accounts]
    finally:
        ctx.journal.rollback()


def value_of(ctx: Context, account: Account) -> int:
    """An account's equity at the marks of now; 0 while the rules of one of its markets are broken."""
    try:
        return equity(ctx, account)
    except MarketFault:
        return 0


def finish(ctx: Context, record: Sweep) -> None:
    """BRK-022: a whole sweep is done: the chain is reduce-only from here on if insurance does not cover the worst row,
    and no longer if it does.
    """
    funds = [market for market in market_numbers(ctx) if behind(ctx, market) == market]  # each fund once
    insured = sum(max(0, fund_balance(ctx, market)) for market in funds)
    record.cursor, record.done_ns = b"", ctx.time_ns
    record.done_accounts, record.accounts = record.accounts, 0
    record.done_shortfalls, record.insured_quanta = record.shortfalls, insured
    if rules.is_covered(record.done_shortfalls, insured):
        end(ctx, CHAIN, SYSTEM)
    elif not tripped(ctx, CHAIN, SYSTEM):
        worst = max(record.done_shortfalls)
        trip(ctx, CHAIN, Breaker(SYSTEM, STRESS, True, ctx.time_ns, 0, worst, insured))
