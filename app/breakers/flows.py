"""What leaves the chain, hour by hour and day by day: two leaky buckets over the whole of it."""

from typing import NamedTuple

from app.breakers import rules
from app.breakers.state import trip, tripped, write
from app.breakers.types import CHAIN, DAY, HOUR, WITHDRAWALS, Breaker, Flow
from app.collateral.rules import asset_value
from app.collateral.state import asset_price, require_asset
from app.collateral.types import VAULT_KEY, asset_vault
from app.context import Context
from app.errors import BREAKER_WITHDRAWALS, ChainError
from app.limits import MAX_ASSETS, MAX_CASH_QUANTA


class Bucket(NamedTuple):
    """One of the two: its key, its reason, its window, and what its two parameters say."""

    key: bytes
    reason: int
    window_ns: int
    most_quanta: int
    most_ppm: int


def buckets(ctx: Context) -> list[Bucket]:
    """BRK-015: the buckets that are on."""
    params = ctx.params
    both = (
        Bucket(b"hour", HOUR, 3_600 * 10**9, params.withdraw_hour_quanta, params.withdraw_hour_ppm),
        Bucket(b"day", DAY, 86_400 * 10**9, params.withdraw_day_quanta, params.withdraw_day_ppm),
    )
    return [bucket for bucket in both if bucket.most_quanta or bucket.most_ppm]


def held_value(ctx: Context) -> int:
    """BRK-015: what the vaults hold: cash, and assets at their index less the haircut, each rounded down; but none that
    nobody votes a price of or that counts for nothing as collateral, so that no listing makes room. At most
    MAX_CASH_QUANTA, so that a limit and what would pass it fit their fields.
    """
    vault = ctx.vault.get(VAULT_KEY)
    value = vault.held_quanta if vault else 0
    for number in range(1, MAX_ASSETS + 1):
        asset = ctx.assets.get(number)
        vault = ctx.vault.get(asset_vault(number)) if asset else None
        if asset and vault and asset.price_market and asset.account_cap_units:
            value += asset_value(vault.held_quanta, asset_price(ctx, asset), asset.units_a_price, asset.haircut_ppm)
    return min(value, MAX_CASH_QUANTA)


def worth_of(ctx: Context, asset: int, amount: int) -> int:
    """BRK-014: what an amount of an asset, 0 for cash, counts for when it leaves."""
    if not asset:
        return amount
    found = require_asset(ctx, asset)
    return rules.worth(amount, asset_price(ctx, found), found.units_a_price)


def level_of(ctx: Context, bucket: Bucket, limit_quanta: int) -> int:
    """BRK-016: the level of a bucket now."""
    flow = ctx.flows.get(bucket.key)
    return rules.drained(flow.level, limit_quanta, ctx.time_ns - flow.time_ns) if flow else 0


def let_out(ctx: Context, asset: int, amount: int) -> None:
    """BRK-014 to BRK-017: count what is about to leave, or refuse it, saying until when. Raises BREAKER_WITHDRAWALS."""
    on = buckets(ctx)
    if not on:
        return
    value = worth_of(ctx, asset, amount)
    held = held_value(ctx) if any(bucket.most_ppm for bucket in on) else 0
    levels: list[int] = []
    for bucket in on:
        limit = rules.flow_limit(bucket.most_quanta, held, bucket.most_ppm)
        level = level_of(ctx, bucket, limit)
        if value > rules.flow_room(level, limit, bucket.window_ns):
            refuse(ctx, bucket, value, level, limit)
        levels.append(level + value * bucket.window_ns)
    for bucket, level in zip(on, levels, strict=True):
        ctx.flows.put(bucket.key, Flow(level, ctx.time_ns))


def refuse(ctx: Context, bucket: Bucket, value: int, level: int, limit: int) -> None:
    """BRK-017: say what fits now, and when this would; one that could fit is noted for `note_refusals`, because an
    action that fails leaves no trace of its own. Raises BREAKER_WITHDRAWALS.
    """
    ready_ns = 0
    if value <= limit:
        ready_ns = ctx.time_ns + rules.flow_wait(level, value, limit, bucket.window_ns)
        would_be = -(-level // bucket.window_ns) + value
        ctx.refusals.append(Breaker(WITHDRAWALS, bucket.reason, True, ctx.time_ns, ready_ns, would_be, limit))
    raise ChainError(
        BREAKER_WITHDRAWALS,
        window=bucket.key.decode(),
        value_quanta=value,
        room_quanta=rules.flow_room(level, limit, bucket.window_ns),
        limit_quanta=limit,
        try_again_ns=ready_ns,
    )


def note_refusals(ctx: Context) -> None:
    """BRK-017: the limiter is tripped from the block that refused something, until the last of what it refused would
    fit.
    """
    refusals, ctx.refusals = ctx.refusals, []
    for row in refusals:
        before = tripped(ctx, CHAIN, WITHDRAWALS)
        if before is None:
            trip(ctx, CHAIN, row)
        elif row.ends_ns > before.ends_ns:
            write(ctx, CHAIN, row._replace(started_ns=before.started_ns))
