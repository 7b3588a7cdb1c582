"""Rates of an account, and what a block's fills leave to be shared out at its end."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.collateral.state import collect_fees
from app.context import Context
from app.fees import rules
from app.fees.types import TERMS_KEY, BlockFees, FeeTerms, Tier, Trade, Trader
from app.kernel.integers import PPM

if TYPE_CHECKING:
    from app.markets.types import Market

OWNER_SIZE = 20
NOBODY = Trader()


def terms_of(ctx: Context) -> FeeTerms:
    """The chain's terms."""
    return ctx.fee_terms.get(TERMS_KEY) or FeeTerms()


def trader_of(ctx: Context, owner: bytes) -> Trader:
    """The owner's record; an empty one that is not stored if there is none."""
    return ctx.traders.get(owner) or NOBODY


def rolling_volume(ctx: Context, trader: Trader) -> int:
    """FEES-004: what the owner traded in the 30 days that end with this block's, in quote quanta."""
    days = ctx.time_ns // rules.DAY_NS - trader.day
    return trader.volume_quanta if days == 0 else sum(rules.volumes_on(trader.volumes, days))


def tier_number(ctx: Context, owner: bytes) -> int:
    """FEES-003: the number of the owner's tier, 0 being the first."""
    trader = ctx.traders.get(owner)
    if trader is None:
        return 0
    return rules.tier_of(rolling_volume(ctx, trader), tuple(tier.volume_quanta for tier in terms_of(ctx).tiers))


def tier_rates(ctx: Context, tier: Tier, market: "Market") -> tuple[int, int]:
    """FEES-003, FEES-005: (maker, taker) rate in ppm of a tier in a market now."""
    charge = market.fee_charge_ppm if ctx.time_ns < market.fee_charge_until_ns else PPM
    return (
        rules.rate(market.maker_fee_ppm, tier.maker_ppm, charge),
        rules.rate(market.taker_fee_ppm, tier.taker_ppm, charge),
    )


def rates(ctx: Context, key: bytes, market: "Market") -> tuple[int, int]:
    """FEES-003: (maker, taker) rate in ppm of an account in a market; the maker's may be negative. The same for a whole
    block.
    """
    found = ctx.fees.rates.get((key, market.market))
    if found is None:
        tier = terms_of(ctx).tiers[tier_number(ctx, key[:OWNER_SIZE])]
        found = ctx.fees.rates[key, market.market] = tier_rates(ctx, tier, market)
    return found


def collect(ctx: Context, market: int, amount_quanta: int, trades: Sequence[Trade] = ()) -> None:
    """FEES-007: take fees of a market, net of rebates, into the fee fund until the block ends; `trades` are the fills
    that they came from, for volume and referrers.
    """
    fees = ctx.fees
    ctx.journal.entries.append((_undo_collect, (fees, len(fees.trades), market), amount_quanta))
    fees.trades += trades
    fees.collected[market] = fees.collected.get(market, 0) + amount_quanta
    collect_fees(ctx, amount_quanta)


def _undo_collect(what: tuple[BlockFees, int, int], amount_quanta: int) -> None:
    fees, trades, market = what
    del fees.trades[trades:]
    fees.collected[market] -= amount_quanta
