"""The end of a block: its fees go where they belong, its volume counts from the next block on."""

from functools import partial

from app.accounts.state import open_account
from app.collateral.state import credit_fund, fund_of
from app.collateral.types import FEES_FUND, STAKERS_FUND, TREASURY_FUND
from app.compartment import guarded
from app.context import Context
from app.events import FeesShared, ReferralPaid
from app.fees import rules
from app.fees.state import OWNER_SIZE, terms_of, trader_of
from app.fees.types import BlockFees, Trade, Trader
from app.kernel.codec import account_key
from app.limits import MAX_CASH_QUANTA


def forget_rates(ctx: Context) -> None:
    """FEES-003: a new block, new rates: time has moved and the last block's volume counts."""
    ctx.fees.rates.clear()


def share_fees(ctx: Context) -> None:
    """FEES-004, FEES-006, FEES-007: count the block's volume once an owner, pay referrers, share out the rest."""
    done = ctx.fees
    if not done.collected and not done.trades:
        return
    ctx.fees = BlockFees(rates=done.rates)
    ctx.journal.entries.append((_undo_share, ctx, done))
    count_volumes(ctx, done.trades)
    paid = pay_referrers(ctx, done.trades)
    for market in sorted(done.collected):
        collected, referrals = done.collected[market], paid.get(market, 0)
        guarded(ctx, market, partial(share_market, collected=collected, referrals=referrals), in_quarantine=True)


def _undo_share(ctx: Context, done: BlockFees) -> None:
    ctx.fees = done


def count_volumes(ctx: Context, trades: list[Trade]) -> None:
    """FEES-004: each owner's record once, whatever the number of its fills. Trades with oneself count for nothing."""
    volumes: dict[bytes, int] = {}
    for taker, maker, _, notional, _ in trades:
        buyer, seller = taker[:OWNER_SIZE], maker[:OWNER_SIZE]
        if buyer != seller:
            volumes[buyer] = volumes.get(buyer, 0) + notional
            volumes[seller] = volumes.get(seller, 0) + notional
    today = ctx.time_ns // rules.DAY_NS
    for owner in sorted(volumes):
        if ctx.traders.get(owner) is None:
            ctx.traders.put(owner, Trader(today))
        trader = ctx.traders.edit(owner)
        before = rules.volumes_on(trader.volumes, today - trader.day)
        trader.volumes, trader.day = rules.with_volume(before, volumes[owner]), today
        trader.volume_quanta = sum(trader.volumes)


def pay_referrers(ctx: Context, trades: list[Trade]) -> dict[int, int]:
    """FEES-006: each referrer's share of the block goes to its account 0. Returns what was paid by market.

    A share whose account does not exist, or could not hold it, stays with the market's fees.
    """
    shareable: dict[tuple[bytes, int], int] = {}
    for taker, _, market, _, left in trades:
        owner = taker[:OWNER_SIZE]
        shareable[owner, market] = shareable.get((owner, market), 0) + left
    share_ppm = terms_of(ctx).referral_ppm
    paid: dict[int, int] = {}
    for owner, market in sorted(shareable):
        referrer = trader_of(ctx, owner).referrer
        amount = rules.referral(shareable[owner, market], share_ppm) if referrer else 0
        key = account_key(referrer, 0)
        account = ctx.accounts.get(key) if amount else None
        if account is not None and account.cash_quanta + amount <= MAX_CASH_QUANTA:
            open_account(ctx, key).cash_quanta += amount
            paid[market] = paid.get(market, 0) + amount
            ctx.emit(ReferralPaid(referrer, owner, market, amount))
    return paid


def share_market(ctx: Context, market: int, collected: int, referrals: int) -> None:
    """FEES-007: what a market collected leaves the fee fund: referrals are paid, the rest is split."""
    terms, fund, left = terms_of(ctx), fund_of(ctx, market), collected - referrals
    insured, traded = ctx.funds.get(fund), ctx.markets.get(market)
    insurance, stakers, treasury = rules.split(
        left,
        terms.insurance_ppm,
        terms.stakers_ppm,
        insured.balance_quanta if insured else 0,
        traded.insurance_cap_quanta if traded else 0,
    )
    credit_fund(ctx, FEES_FUND, -collected)
    credit_fund(ctx, fund, insurance)
    credit_fund(ctx, STAKERS_FUND, stakers)
    credit_fund(ctx, TREASURY_FUND, treasury)
    if collected:
        ctx.emit(FeesShared(market, referrals, insurance, stakers, treasury))
