"""Moves of what an account holds that margin has a say in: transfer, withdraw, isolate."""

from dataclasses import replace
from typing import NamedTuple

from app.accounts.keys import key_of
from app.accounts.state import open_account, require_account
from app.accounts.types import Account
from app.breakers.flows import let_out
from app.clearing.state import check_markets
from app.collateral import rules, state
from app.collateral.types import funding_pool
from app.context import Context
from app.errors import (
    COLLATERAL_DESTINATION,
    COLLATERAL_INSUFFICIENT,
    COLLATERAL_SAME_ACCOUNT,
    MARGIN_INSUFFICIENT,
    MARGIN_MOVE,
    MARGIN_MOVE_SOURCE,
    MARGIN_POSITION_LIMIT,
    ChainError,
)
from app.events import PositionMoved, Transferred, Withdrawn
from app.funding.state import index_of, settled, tell_funding, unsettled
from app.gas import FLOW, POSITION, TOGETHER, TRANSFER
from app.kernel.codec import account_key, split_account_key
from app.limits import MAX_ASSET_UNITS, MAX_DESTINATION_BYTES, MAX_VAULT_QUANTA
from app.margin import rules as margin_rules
from app.margin.state import account_standing, allows_change, is_whole, market_risk, require_trusted
from app.markets.state import require_market, require_trading
from app.markets.types import Market
from app.oracle.rules import WITHDRAW
from novation.v1 import tx_pb2


class Means(NamedTuple):
    """What COLL-004 asks of an account, in quote quanta. `cash` is less unsettled funding, `equity` without assets."""

    cash: int
    entry: int
    equity: int
    margin: int
    assets: int


def means_of(ctx: Context, account: Account) -> Means:
    """COLL-004, COLL-009: what an account has and what must stay of it; unsettled funding is as good as settled
    (FUND-002).
    """
    each = TOGETHER if is_whole(account) else POSITION
    ctx.gas.charge(each * len(account.positions) + POSITION * len(account.assets))
    now = account_standing(ctx, account)
    entry = notional = owed = 0
    for held in account.positions.values():
        entry += held.entry_quanta
        notional += abs(held.lots) * market_risk(ctx, held.market).mark_quanta
        owed += unsettled(ctx, held)
    assets = state.assets_value(ctx, account)
    margin = rules.transfer_margin(now.initial, notional)
    return Means(account.cash_quanta - owed, entry, now.equity - assets, margin, assets)


def free_collateral(ctx: Context, key: bytes) -> int:
    """COLL-004: the cash that may leave the account now, in quote quanta. Raises ACCOUNT_NOT_FOUND."""
    has = means_of(ctx, require_account(ctx.accounts.get(key), key))
    return rules.withdrawable(has.cash, has.entry, has.equity, has.margin, has.assets)


def handle_transfer(ctx: Context, sender: bytes, action: tx_pb2.Transfer) -> tx_pb2.ActionResult:
    """COLL-008: free collateral moves to another account of any owner; an asset as COLL-011 says.

    Raises TX_BAD_ACCOUNT, COLLATERAL_SAME_ACCOUNT, COLLATERAL_AMOUNT, COLLATERAL_NEW_ACCOUNT, COLLATERAL_INSUFFICIENT;
    for an asset COLLATERAL_ASSET, ACCOUNT_NOT_FOUND.
    """
    ctx.gas.charge(TRANSFER)
    receiver, amount = key_of(action.to), action.amount_quanta
    if receiver == sender:
        raise ChainError(COLLATERAL_SAME_ACCOUNT)
    if action.asset:
        require_account(ctx.accounts.get(receiver), receiver)
        require_free_asset(ctx, sender, action.asset, amount)
        state.move_asset(ctx, action.asset, amount, sender, receiver)
    else:
        state.check_amount(amount)
        state.check_receiver(ctx, receiver, amount)
        require_free(ctx, sender, amount)
        state.transfer(ctx, sender, receiver, amount)
    ctx.emit(Transferred(sender, receiver, amount, action.asset))
    return tx_pb2.ActionResult()


def handle_withdraw(ctx: Context, account: bytes, action: tx_pb2.Withdraw) -> tx_pb2.ActionResult:
    """COLL-003: free collateral leaves the chain for `destination`; an asset as COLL-011 says.

    COLL-013: what the vault does not hold cannot, nor what is more than may leave in an hour or a day (BRK-015).
    Raises COLLATERAL_AMOUNT, COLLATERAL_DESTINATION, COLLATERAL_INSUFFICIENT, COLLATERAL_ASSET, COLLATERAL_VAULT_SHORT,
    BREAKER_WITHDRAWALS.
    """
    ctx.gas.charge(TRANSFER + FLOW)
    amount = action.amount_quanta
    state.check_amount(amount, MAX_ASSET_UNITS if action.asset else MAX_VAULT_QUANTA)
    if not 0 < len(action.destination) <= MAX_DESTINATION_BYTES:
        raise ChainError(COLLATERAL_DESTINATION, bytes=len(action.destination), most=MAX_DESTINATION_BYTES)
    if action.asset:
        require_free_asset(ctx, account, action.asset, amount)
        state.check_vault_holds(ctx, action.asset, amount)
        let_out(ctx, action.asset, amount)
        state.move_asset(ctx, action.asset, amount, account, None)
    else:
        require_free(ctx, account, amount)
        state.check_vault_holds(ctx, 0, amount)
        let_out(ctx, 0, amount)
        state.withdraw(ctx, account, amount)
    ctx.emit(Withdrawn(account, amount, action.destination, action.asset))
    return tx_pb2.ActionResult()


def require_free(ctx: Context, key: bytes, amount_quanta: int) -> None:
    """COLLATERAL_INSUFFICIENT when the account's free collateral is less than the amount; ORACLE_UNTRUSTED when it
    cannot be told (ORCL-011).
    """
    require_trusted(ctx, require_account(ctx.accounts.get(key), key), WITHDRAW)
    free = free_collateral(ctx, key)
    if amount_quanta > free:
        raise ChainError(COLLATERAL_INSUFFICIENT, amount_quanta=amount_quanta, free_quanta=free)


def require_free_asset(ctx: Context, key: bytes, asset: int, units: int) -> None:
    """COLL-011: COLLATERAL_INSUFFICIENT unless the account holds the units and may do without them; ORACLE_UNTRUSTED
    when that cannot be told (ORCL-011).
    """
    account = require_account(ctx.accounts.get(key), key)
    require_trusted(ctx, account, WITHDRAW)
    state.require_asset(ctx, asset)
    state.check_amount(units, MAX_ASSET_UNITS)
    held, has = account.units(asset), means_of(ctx, account)
    without = account.copy()
    without.set_units(asset, max(0, held - units))
    left = state.assets_value(ctx, without)
    if units > held or not rules.asset_may_leave(has.cash, has.entry, has.equity, has.margin, left):
        raise ChainError(COLLATERAL_INSUFFICIENT, asset=asset, amount_units=units, held_units=held)


class Move(NamedTuple):
    """What MARG-012 makes of two accounts: copies as they would be, what goes from one to the other, and the funding
    that each owed.
    """

    source: Account
    target: Account
    lots: int
    entry: int
    owed: int
    owed_there: int


def plan_move(market: int, index_e9: int, source: Account, target: Account, lots: int, cash_quanta: int) -> Move:
    """MARG-012: both accounts after `lots` (0: all) of the source's position, what they cost and cash went over.

    Funding of both is settled first. Raises MARGIN_MOVE.
    """
    owed, held = settled(source.position(market), index_e9)
    owed_there, there = settled(target.position(market), index_e9)
    moved = lots or abs(held.lots)
    if not 0 < moved <= abs(held.lots) or held.lots * there.lots < 0:
        raise ChainError(MARGIN_MOVE, lots=moved, held_lots=held.lots, target_lots=there.lots)
    kept, entry = margin_rules.split_entry(held.lots, held.entry_quanta, moved)
    signed = moved if held.lots > 0 else -moved
    source, target = source.copy(), target.copy()
    source.cash_quanta += entry - cash_quanta - owed
    target.cash_quanta += cash_quanta - entry - owed_there
    source.set_position(replace(held, lots=held.lots - signed, entry_quanta=kept))
    target.set_position(replace(there, lots=there.lots + signed, entry_quanta=there.entry_quanta + entry))
    return Move(source, target, signed, entry, owed, owed_there)


def handle_isolate(ctx: Context, sender: bytes, action: tx_pb2.Isolate) -> tx_pb2.ActionResult:
    """MARG-012, MARG-013: move a position, or part of it, with its cost and cash to another account of the owner.

    Raises COLLATERAL_SAME_ACCOUNT, COLLATERAL_AMOUNT, COLLATERAL_NEW_ACCOUNT, MARKET_*, MARGIN_MOVE,
    MARGIN_POSITION_LIMIT, MARGIN_INSUFFICIENT, MARGIN_MOVE_SOURCE, ORACLE_UNTRUSTED.
    """
    ctx.gas.charge(TRANSFER)
    market = require_market(ctx, action.market)
    require_trading(market, reduces=not market.quarantined)
    owner, number = split_account_key(sender)
    if action.to_number == number:
        raise ChainError(COLLATERAL_SAME_ACCOUNT)
    receiver = account_key(owner, action.to_number)
    state.check_amount(action.cash_quanta + 1, MAX_VAULT_QUANTA)
    state.check_receiver(ctx, receiver, action.cash_quanta)
    source = require_account(ctx.accounts.get(sender), sender)
    target = ctx.accounts.get(receiver) or Account()
    require_trusted(ctx, source, WITHDRAW)
    require_trusted(ctx, target, WITHDRAW)
    move = plan_move(market.market, index_of(ctx, market.market), source, target, action.lots, action.cash_quanta)
    check_move(ctx, market, source, target, move)
    ctx.accounts.edit(sender).become(move.source)
    open_account(ctx, receiver).become(move.target)
    state.credit_fund(ctx, funding_pool(market.market), move.owed + move.owed_there)
    tell_funding(ctx, sender, market.market, move.owed)
    tell_funding(ctx, receiver, market.market, move.owed_there)
    ctx.emit(PositionMoved(sender, receiver, market.market, move.lots, move.entry, action.cash_quanta))
    return tx_pb2.ActionResult()


def check_move(ctx: Context, market: Market, source: Account, target: Account, move: Move) -> None:
    """MARG-013: the target takes its new position on as any other; the source lacks nothing afterwards, or no more than
    before.
    """
    there = move.target.position(market.market)
    if abs(there.lots) + max(there.open_buy_lots, there.open_sell_lots) > market.max_position_lots:
        raise ChainError(MARGIN_POSITION_LIMIT, most_lots=market.max_position_lots, would_be_lots=abs(there.lots))
    check_markets(target, there)
    ctx.gas.charge(POSITION * len(move.target.positions))
    before, after = means_of(ctx, source), means_of(ctx, move.source)
    if not allows_change(ctx, target, move.target.cash_quanta, there, with_orders=True):
        raise ChainError(MARGIN_INSUFFICIENT, market=market.market, lots=there.lots)
    kept = move.source.position(market.market)
    if not rules.may_part(rules.free_cash(*before), rules.free_cash(*after)) or not allows_change(
        ctx, source, move.source.cash_quanta, kept, with_orders=True
    ):
        raise ChainError(MARGIN_MOVE_SOURCE, market=market.market, free_quanta=rules.free_cash(*after))
