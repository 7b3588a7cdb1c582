"""FEES rules: what a fill costs, and who gets it. Pure functions over integers; amounts are quote quanta."""

from app.kernel.integers import PPM, mul_div_floor, ppm_ceil

VOLUME_DAYS = 30
DAY_NS = 86_400_000_000_000
MAX_DAY_QUANTA = 1 << 58  # thirty of them fit a signed 64-bit field


def trading_fee(notional_quanta: int, rate_ppm: int) -> int:
    """FEES-001: the fee of one side of one fill, rounded up: the crumb goes to the chain.

    `notional_quanta` >= 0 is price x lots. A negative rate gives a negative fee, a rebate, which is thereby rounded
    down.
    """
    return ppm_ceil(notional_quanta, rate_ppm)


def maker_fee(notional_quanta: int, rate_ppm: int, taker_fee_quanta: int) -> int:
    """FEES-002: the maker's fee of one fill; a rebate never exceeds what the taker pays in that fill."""
    return max(trading_fee(notional_quanta, rate_ppm), -taker_fee_quanta)


def rate(market_ppm: int, tier_ppm: int, charge_ppm: int) -> int:
    """FEES-003, FEES-005: a market's rate in ppm, at the share that the owner's tier pays and the share that the
    market charges now, rounded towards plus infinity: fees up, rebates down.
    """
    return -(-market_ppm * tier_ppm * charge_ppm // (PPM * PPM))


def tier_of(volume_quanta: int, thresholds_quanta: tuple[int, ...]) -> int:
    """FEES-003: the number of the last tier whose threshold the volume reaches. Thresholds ascend from 0."""
    reached = 0
    for number, threshold in enumerate(thresholds_quanta):
        if volume_quanta >= threshold:
            reached = number
    return reached


def volumes_on(volumes: tuple[int, ...], days: int) -> tuple[int, ...]:
    """FEES-004: the daily volumes, newest first, `days` >= 0 days later: zeros in front, what is 30 days old falls
    out.
    """
    if days == 0:
        return volumes
    return ((0,) * min(days, VOLUME_DAYS) + volumes)[:VOLUME_DAYS] if days < VOLUME_DAYS else ()


def with_volume(volumes: tuple[int, ...], amount_quanta: int) -> tuple[int, ...]:
    """FEES-004: the daily volumes after `amount_quanta` more today. A day counts at most MAX_DAY_QUANTA."""
    today = volumes[0] if volumes else 0
    return (min(today + amount_quanta, MAX_DAY_QUANTA), *volumes[1:])


def shareable(taker_fee_quanta: int, maker_fee_quanta: int) -> int:
    """FEES-006: what the maker's rebate leaves of the taker's fee: what a referrer has a share of. Never negative."""
    return taker_fee_quanta + min(0, maker_fee_quanta)


def referral(shareable_quanta: int, referral_ppm: int) -> int:
    """FEES-006: the referrer's share, rounded down."""
    return mul_div_floor(shareable_quanta, referral_ppm, PPM)


def split(
    amount_quanta: int, insurance_ppm: int, stakers_ppm: int, insured_quanta: int, cap_quanta: int
) -> tuple[int, int, int]:
    """FEES-007: (insurance, stakers, treasury) of a market's fees of a block; together exactly `amount_quanta` >= 0.

    Each share is rounded down and the treasury gets the rest, so the crumbs too. A fund that holds `insured_quanta`
    gets no more than it lacks to `cap_quanta`. The two rates are at most PPM together.
    """
    room = max(0, cap_quanta - insured_quanta)
    insurance = min(mul_div_floor(amount_quanta, insurance_ppm, PPM), room)
    stakers = mul_div_floor(amount_quanta, stakers_ppm, PPM)
    return insurance, stakers, amount_quanta - insurance - stakers
