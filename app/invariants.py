"""What must hold after every block, whatever happened in it.

`check_block` looks only at what the block changed, so it costs what the block did. `audit` sums the whole ledger; it
runs at start and in tests. A broken invariant raises InvariantError: the node stops rather than commit money out of
nothing. What is broken in one market alone is that market's fault: MarketFault (CMP-004).
"""

from collections.abc import Iterable

from app.accounts.types import Account
from app.book.state import rebuild
from app.book.types import OpenOrders, market_of
from app.collateral.types import FUNDING_POOLS, INSURANCE_FUNDS, asset_of, funding_pool
from app.context import Context
from app.errors import InvariantError, MarketFault
from app.funding.rules import E9
from app.funding.state import index_of
from app.kernel.codec import u32_from
from app.markets.state import is_crossed
from app.markets.types import ACTIVE, REDUCE_ONLY
from app.triggers.state import build_index
from app.triggers.types import Slot, TriggerIndex


def check_block(ctx: Context) -> None:
    """INV-001 to INV-004, INV-007, INV-008 over the working records: called at the end of every block."""
    balances: dict[int, int] = {0: 0}
    lots: dict[int, int] = {}
    longs: dict[int, int] = {}
    for _, before, account in ctx.accounts.touched():
        balances[0] += (account.cash_quanta if account else 0) - (before.cash_quanta if before else 0)
        _add_assets(balances, account, 1)
        _add_assets(balances, before, -1)
        _add_lots(lots, longs, account, 1)
        _add_lots(lots, longs, before, -1)
    for market, _, _ in ctx.totals.touched():
        lots.setdefault(market, 0)
        longs.setdefault(market, 0)
    for key, before_fund, fund in ctx.funds.touched():
        asset = asset_of(key)
        check_fund(key, fund.balance_quanta if fund else 0)
        change = (fund.balance_quanta if fund else 0) - (before_fund.balance_quanta if before_fund else 0)
        balances[asset] = balances.get(asset, 0) + change
    for key, before_vault, vault in ctx.vault.touched():
        asset = asset_of(key)
        check_vault(key, vault.held_quanta if vault else 0)
        change = (vault.held_quanta if vault else 0) - (before_vault.held_quanta if before_vault else 0)
        balances[asset] = balances.get(asset, 0) - change
    check_balances(balances)
    for market in sorted(lots):
        if lots[market]:
            raise MarketFault(market, f"INV-002: its lots changed by {lots[market]:+}", broken=True)
        totals, before_totals = ctx.totals.get(market), ctx.totals.peek(market)
        interest = (totals.open_interest_lots if totals else 0) - (
            before_totals.open_interest_lots if before_totals else 0
        )
        if interest != longs[market]:
            why = f"INV-003: its open interest changed by {interest:+}, its longs by {longs[market]:+}"
            raise MarketFault(market, why, broken=True)
    for market, _, state in ctx.states.touched():
        if state is not None:
            check_not_crossed(ctx, market)


def check_fund(key: bytes, balance_quanta: int) -> None:
    """INV-007: no fund is below zero but funding pools. An insurance fund is its market's: MarketFault."""
    if balance_quanta >= 0 or key.startswith(FUNDING_POOLS):
        return
    words = f"INV-007: the fund {key!r} is at {balance_quanta} quanta"
    if key.startswith(INSURANCE_FUNDS):
        raise MarketFault(u32_from(key[len(INSURANCE_FUNDS) :]), words, broken=True)
    raise InvariantError(words)


def check_vault(key: bytes, held_quanta: int) -> None:
    """INV-008: no vault is below zero."""
    if held_quanta < 0:
        raise InvariantError(f"INV-008: the vault {key!r} is at {held_quanta}")


def check_not_crossed(ctx: Context, market: int) -> None:
    """INV-004: the best bid lies below the best ask, while the market matches."""
    record = ctx.markets.get(market)
    if is_crossed(ctx, market) and record is not None and record.status in (ACTIVE, REDUCE_ONLY):
        bid, ask = ctx.books[market].bids.best_price(), ctx.books[market].asks.best_price()
        raise MarketFault(market, f"INV-004: its book is crossed: {bid} >= {ask}", broken=True)


def _add_lots(lots: dict[int, int], longs: dict[int, int], account: Account | None, sign: int) -> None:
    if account is not None:
        for market, held in account.positions.items():
            lots[market] = lots.get(market, 0) + sign * held.lots
            longs[market] = longs.get(market, 0) + sign * max(held.lots, 0)


def _add_assets(balances: dict[int, int], account: Account | None, sign: int) -> None:
    if account is not None:
        for asset, units in account.assets:
            balances[asset] = balances.get(asset, 0) + sign * units


def check_balances(balances: dict[int, int]) -> None:
    """INV-001: for each collateral, what accounts and funds hold beyond its vault; 0 is the quote currency."""
    for asset in sorted(balances):
        if balances[asset]:
            raise InvariantError(f"INV-001: accounts and funds hold {balances[asset]:+} more than vault {asset}")


def audit(ctx: Context) -> None:
    """INV-001 to INV-008 over the whole committed ledger, and the book index against the stored orders."""
    accounts = dict(ctx.accounts.scan())
    orders = dict(ctx.orders.scan())
    balances = {0: sum(account.cash_quanta for account in accounts.values())}
    for account in accounts.values():
        _add_assets(balances, account, 1)
    for key, fund in ctx.funds.scan():
        check_fund(key, fund.balance_quanta)
        balances[asset_of(key)] = balances.get(asset_of(key), 0) + fund.balance_quanta
    for key, vault in ctx.vault.scan():
        check_vault(key, vault.held_quanta)
        balances[asset_of(key)] = balances.get(asset_of(key), 0) - vault.held_quanta
    check_balances(balances)
    for market, totals in ctx.totals.scan():
        lots: dict[int, int] = {}
        longs: dict[int, int] = {}
        for account in accounts.values():
            _add_lots(lots, longs, account, 1)
        if lots.get(market, 0):
            raise InvariantError(f"INV-002: the lots of market {market} sum to {lots[market]}")
        if totals.open_interest_lots != longs.get(market, 0):
            raise InvariantError(
                f"INV-003: open interest of {market} is {totals.open_interest_lots}, longs {longs.get(market, 0)}"
            )
        try:
            check_not_crossed(ctx, market)
        except MarketFault as fault:
            raise InvariantError(str(fault)) from fault
    _audit_funding(ctx, accounts)
    _audit_orders(accounts, orders)
    _audit_index(ctx, orders.values())
    _audit_holders(ctx, accounts)
    _audit_triggers(ctx)
    _audit_sets(ctx)


def _audit_funding(ctx: Context, accounts: dict[bytes, Account]) -> None:
    """FUND-003: a funding pool and what is not settled yet make up its crumbs, which are never below zero."""
    held = {number: 0 for number, _ in ctx.funding.scan()}
    for account in accounts.values():
        for market, position in account.positions.items():
            held[market] += position.lots * (index_of(ctx, market) - position.funding_index_e9)
    for market, unsettled in held.items():
        pool = ctx.funds.peek(funding_pool(market))
        if (pool.balance_quanta if pool else 0) * E9 + unsettled < 0:
            raise InvariantError(f"FUND-003: the funding pool of market {market} lacks {unsettled} quanta x 10^-9")


def _audit_orders(accounts: dict[bytes, Account], orders: dict[bytes, OpenOrders]) -> None:
    """INV-005: each position's open-order sums are the sums of the account's orders."""
    for key, account in accounts.items():
        sums: dict[tuple[int, int], tuple[int, int]] = {}
        record = orders.get(key)
        for order in record.orders.values() if record else ():
            slot = market_of(order.order_id), order.side
            lots, notional = sums.get(slot, (0, 0))
            sums[slot] = lots + order.open_lots, notional + order.open_lots * order.price_quanta
        for market, held in account.positions.items():
            bought, sold = sums.pop((market, 1), (0, 0)), sums.pop((market, 2), (0, 0))
            if bought != (held.open_buy_lots, held.open_buy_notional_quanta) or sold != (
                held.open_sell_lots,
                held.open_sell_notional_quanta,
            ):
                raise InvariantError(
                    f"INV-005: open orders of account {key.hex()} in market {market} do not sum to its record"
                )
        if sums:
            raise InvariantError(f"INV-005: account {key.hex()} has orders that its record does not count")


def _audit_index(ctx: Context, records: Iterable[OpenOrders]) -> None:
    """INV-006: the book in memory holds the stored orders, in price-time order, and nothing else."""
    stored: dict[tuple[int, int], list[tuple[int, int, int, int]]] = {}
    for record in records:
        for order in record.orders.values():
            rank = -order.price_quanta if order.side == 1 else order.price_quanta
            stored.setdefault((market_of(order.order_id), order.side), []).append(
                (rank, order.priority, order.order_id, order.open_lots)
            )
    for market, book in ctx.books.items():
        for side in (1, 2):
            indexed = [(order.order_id, order.open_lots) for order in book.side(side).best_first()]
            if indexed != [entry[2:] for entry in sorted(stored.get((market, side), []))]:
                raise InvariantError(f"INV-006: the index of market {market}, side {side}, is not what is stored")


def _audit_holders(ctx: Context, accounts: dict[bytes, Account]) -> None:
    """INV-006: who holds anything, in memory, is who does by the records."""
    holding = sorted(key for key, account in accounts.items() if any(held.lots for held in account.positions.values()))
    if list(ctx.holding) != holding:
        raise InvariantError("INV-006: the accounts with lots in memory are not those that are stored")


def _audit_triggers(ctx: Context) -> None:
    """INV-006: the index of triggers is what the stored ones make; reached ones need not wait to follow (TRIG-006)."""
    index, made = ctx.trigger_index, build_index(ctx)
    if _waiting(index) != _waiting(made):
        raise InvariantError("INV-006: the index of triggers is not what is stored")
    reached = {key[1] for batch in made.batches for key in batch.keys}
    if _following(index, reached) != _following(made, reached):
        raise InvariantError("INV-006: the trailing triggers in memory are not those that are stored")


def _audit_sets(ctx: Context) -> None:
    """INV-006: the sets of orders that expire, are pegged or wait to be cleared are what the records make."""
    kept = _sets(ctx)
    made = Context(ctx.reader)
    made.markets, made.orders, made.protections = ctx.markets, ctx.orders, ctx.protections
    rebuild(made)
    if kept != _sets(made):
        raise InvariantError("INV-006: the sets that hooks look at are not what is stored")
    if ctx.filled_groups:
        raise InvariantError("INV-006: a group filled and its triggers were not told")


def _sets(ctx: Context) -> tuple[object, ...]:
    pegged = {market: list(keys) for market, keys in ctx.pegged.items() if keys}
    return list(ctx.expiring_orders), pegged, sorted(ctx.protected), list(ctx.clearing)


def _following(index: TriggerIndex, reached: set[int]) -> dict[Slot, list[object]]:
    """The trailing triggers that still follow, by slot."""
    kept = {slot: [key for key in keys if key[1] not in reached] for slot, keys in index.following.items()}
    return {slot: keys for slot, keys in kept.items() if keys}


def _waiting(index: TriggerIndex) -> tuple[object, ...]:
    """What an index says of triggers that wait, expire or were reached."""
    waiting = {slot: list(keys) for slot, keys in index.waiting.items() if keys}
    batches = [(batch.reached, list(batch.keys)) for batch in index.batches]
    return waiting, list(index.expiring), list(index.switches), batches
