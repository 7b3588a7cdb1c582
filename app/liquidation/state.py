"""What liquidation reads and keeps: who is short, auctions, funds and losses of markets."""

from dataclasses import replace
from functools import cmp_to_key

from app.accounts.types import Account, Position
from app.collateral.state import asset_allows, behind, counted_value, credit_fund, fund_of
from app.collateral.types import TREASURY_FUND
from app.context import Context
from app.errors import MarketFault
from app.limits import DAY_NS, WHOLE_HELD
from app.liquidation import rules
from app.liquidation.types import Auction, Losses
from app.margin.health import candidates
from app.margin.rules import FIELD_LIMIT_QUANTA
from app.margin.state import (
    account_standing,
    is_whole,
    maintenance_margin,
    market_risk,
    standing,
    untrusted_market,
)
from app.margin.types import Standing
from app.markets.state import require_market
from app.markets.types import ACTIVE, OPTION, REDUCE_ONLY, Market
from app.oracle.rules import LIQUIDATE
from app.oracle.state import allows, index_price

Short = tuple[bytes, Standing]


def short_accounts(ctx: Context) -> list[Short]:
    """LIQ-001, LIQ-002: all accounts that are short at present marks, the worst health first, then by key, as
    far as their prices can be trusted (LIQ-025).

    One that a faulty market keeps from being valued is left out, and nothing else: candidates are not the same on every
    node, so a look at one must change nothing. The first action of a holder quarantines the market.
    """
    short = []
    for key, account in _accounts(ctx, candidates(ctx)):
        try:
            now = trusted_standing(ctx, account)
        except MarketFault:
            continue
        if rules.is_short(now.equity, now.maintenance):
            short.append((key, now))
    short.sort(key=cmp_to_key(_worse))
    return short


def _worse(one: Short, other: Short) -> int:
    health = rules.worse_health(one[1].equity, one[1].maintenance, other[1].equity, other[1].maintenance)
    return health or (one[0] > other[0]) - (one[0] < other[0])


def _accounts(ctx: Context, keys: list[bytes]) -> list[tuple[bytes, Account]]:
    found = [(key, ctx.accounts.get(key)) for key in keys]
    return [(key, account) for key, account in found if account is not None and account.positions]


def positions_by_margin(ctx: Context, account: Account) -> list[Position]:
    """The positions with lots in markets that can be closed, the one that frees most maintenance margin first; of those
    that are margined together only the largest are asked what they free, the others follow.
    """
    found = [held for held in account.positions.values() if held.lots and is_open(ctx, held.market)]
    if is_whole(account):
        found.sort(key=lambda held: (-held_worth(ctx, held), held.market))
        found, others = found[:WHOLE_HELD], found[WHOLE_HELD:]
    else:
        others = []
    freed = {held.market: margin_freed(ctx, account, held, held.lots) for held in found}
    found.sort(key=lambda held: (-freed[held.market], held.market))
    return found + others


def filed_under(ctx: Context, account: Account) -> int:
    """LIQ-002: the market in whose queue an account stands: where closing frees most, or where it has most at the index
    if its positions are margined together; 0 if none is open.
    """
    if not is_whole(account):
        held = positions_by_margin(ctx, account)
        return held[0].market if held else 0
    found = [held for held in account.positions.values() if held.lots and is_open(ctx, held.market)]
    return min(found, key=lambda held: (-held_worth(ctx, held), held.market)).market if found else 0


def effort(account: Account) -> int:
    """LIQ-032: how many looks an account counts for: margined together, some positions are asked beside all others."""
    return rules.looks_for(len(account.positions)) if is_whole(account) else 1


def held_worth(ctx: Context, held: Position) -> int:
    """The lots of a position, whichever side it is, at `lot_worth`."""
    return abs(held.lots) * lot_worth(ctx, require_market(ctx, held.market))


def lot_worth(ctx: Context, market: Market) -> int:
    """How large a lot is: at the mark, of an option at the index, since its premium says little."""
    return index_price(ctx, market.market) if market.kind == OPTION else market_risk(ctx, market.market).mark_quanta


def is_open(ctx: Context, number: int) -> bool:
    """LIQ-001: whether liquidation may touch the market: it trades, or reduces; its rules and its price are trusted."""
    market = ctx.markets.get(number)
    return market is not None and market.status in (ACTIVE, REDUCE_ONLY) and allows(ctx, number, LIQUIDATE)


def trusted_standing(ctx: Context, account: Account) -> Standing:
    """LIQ-025: the standing of an account with the benefit of the doubt: what it holds at a price that cannot be
    trusted now is worth half as much more to it, and asks for no maintenance margin.
    """
    now = account_standing(ctx, account)
    if not untrusted_market(ctx, account, LIQUIDATE):
        return now
    doubt, freed, whole = 0, 0, is_whole(account)
    for held in account.positions.values():
        if not allows(ctx, held.market, LIQUIDATE):
            doubt += rules.doubt(abs(held.lots) * market_risk(ctx, held.market).mark_quanta)
            freed += 0 if whole else maintenance_margin(ctx, held)
    if whole:
        trusted = [held for held in account.positions.values() if allows(ctx, held.market, LIQUIDATE)]
        freed = max(0, now.maintenance - standing(ctx, 0, trusted, portfolio=account.portfolio).maintenance)
    doubt += assets_doubt(ctx, account)
    return now._replace(equity=now.equity + doubt, maintenance=now.maintenance - freed)


def assets_doubt(ctx: Context, account: Account) -> int:
    """LIQ-025: by how much an account's assets might count for more than they do, as far as their prices cannot be
    trusted.
    """
    return sum(
        rules.doubt(counted_value(ctx, number, units))
        for number, units in account.assets
        if not asset_allows(ctx, number, LIQUIDATE)
    )


def margin_freed(ctx: Context, account: Account, held: Position, lots: int) -> int:
    """The maintenance margin that closing `lots` (of the sign of those held) frees, in quote quanta. Where positions
    are margined together it is what the whole asks for less without them; 0 when that is more: they hedge others.
    """
    left = replace(held, lots=held.lots - lots)
    if not is_whole(account):
        return maintenance_margin(ctx, held) - (maintenance_margin(ctx, left) if left.lots else 0)
    after = account.copy()
    after.set_position(left)
    return max(0, account_standing(ctx, account).maintenance - account_standing(ctx, after).maintenance)


def value_of(ctx: Context, market: int, lots: int) -> int:
    """Lots at the mark, in quote quanta."""
    return lots * market_risk(ctx, market).mark_quanta


def fund_balance(ctx: Context, market: int) -> int:
    """The balance of a market's insurance fund."""
    fund = ctx.funds.get(fund_of(ctx, market))
    return fund.balance_quanta if fund else 0


def fund_purse(ctx: Context, market: int) -> int:
    """LIQ-026: what a market's insurance fund may pay now: its balance, and no more than is left of its day."""
    backing = behind(ctx, market)
    losses, limit = ctx.losses.get(backing) or Losses(), require_market(ctx, backing).insurance_day_quanta
    room = rules.day_room(limit, losses.fund_day_quanta, losses.fund_day_ns, ctx.time_ns, DAY_NS)
    return min(fund_balance(ctx, market), room)


def collect_fee(ctx: Context, market: Market, fee_quanta: int) -> None:
    """LIQ-010: a liquidation fee that was taken from an account: to the market's fund up to its cap, then treasury."""
    kept = rules.fund_share(fee_quanta, fund_balance(ctx, market.market), market.insurance_cap_quanta)
    credit_fund(ctx, fund_of(ctx, market.market), kept)
    credit_fund(ctx, TREASURY_FUND, fee_quanta - kept)


def pay_from_fund(ctx: Context, key: bytes, market: int, amount_quanta: int) -> None:
    """LIQ-016: the market's fund makes up what an account lacks."""
    if amount_quanta:
        spend(ctx, market, amount_quanta)
        ctx.accounts.edit(key).cash_quanta += amount_quanta


def spend(ctx: Context, market: int, amount_quanta: int) -> None:
    """LIQ-026: the market's fund pays, and it counts for its day."""
    if not amount_quanta:
        return
    credit_fund(ctx, fund_of(ctx, market), -amount_quanta)
    losses = losses_of(ctx, behind(ctx, market))
    losses.fund_paid_quanta += amount_quanta
    if ctx.time_ns >= losses.fund_day_ns + DAY_NS:
        losses.fund_day_ns, losses.fund_day_quanta = ctx.time_ns, 0
    losses.fund_day_quanta += amount_quanta


def losses_of(ctx: Context, market: int) -> Losses:
    """The losses of a market, ready to be changed."""
    if ctx.losses.get(market) is None:
        ctx.losses.put(market, Losses())
    return ctx.losses.edit(market)


def note_given_up(ctx: Context, market: int, amount_quanta: int) -> None:
    """LIQ-021: winners gave something up: it counts for the market's day."""
    if not amount_quanta:
        return
    losses = losses_of(ctx, market)
    if ctx.time_ns >= losses.day_ns + DAY_NS:
        losses.day_ns, losses.day_quanta = ctx.time_ns, 0
    losses.day_quanta = min(losses.day_quanta + amount_quanta, FIELD_LIMIT_QUANTA)
    losses.given_up_quanta = min(losses.given_up_quanta + amount_quanta, FIELD_LIMIT_QUANTA)


def open_auction(ctx: Context, key: bytes) -> bool:
    """LIQ-011: put the account on offer unless it is. Returns whether that is news."""
    if ctx.auctions.get(key) is not None:
        return False
    ctx.auctions.put(key, Auction(ctx.time_ns))
    return True


def rebuild_offers(ctx: Context) -> None:
    """LIQ-011: who is on offer, from the stored auctions, at start."""
    ctx.offered = {key for key, _ in ctx.auctions.scan()}


def note_offers(ctx: Context) -> None:
    """LIQ-011: the block is durable: whose auctions it opened or ended."""
    for key, _, auction in ctx.auctions.touched():
        if auction is None:
            ctx.offered.discard(key)
        else:
            ctx.offered.add(key)
