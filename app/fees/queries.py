"""What an owner pays and traded, for whoever asks; by the very code that charges it."""

from dataclasses import dataclass

from app.context import Context
from app.fees.state import rolling_volume, terms_of, tier_number, tier_rates, trader_of


@dataclass(frozen=True, slots=True)
class FeeStanding:
    """An owner's tier and rates as of the last block. `rates` are (market, maker ppm, taker ppm), ascending."""

    volume_quanta: int
    tier: int
    next_tier_quanta: int
    referrer: bytes
    rates: tuple[tuple[int, int, int], ...]


def fee_standing(ctx: Context, owner: bytes) -> FeeStanding:
    """FEES-003 to FEES-005: volume of 30 days, tier, where the next one begins (0: there is none), and rates."""
    tiers, number, trader = terms_of(ctx).tiers, tier_number(ctx, owner), trader_of(ctx, owner)
    beyond = tiers[number + 1].volume_quanta if number + 1 < len(tiers) else 0
    rates = tuple((key, *tier_rates(ctx, tiers[number], market)) for key, market in ctx.markets.scan())
    return FeeStanding(rolling_volume(ctx, trader), number, beyond, trader.referrer, rates)
