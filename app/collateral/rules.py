"""COLL rules: what may leave an account. Pure functions over integers."""

from app.kernel.integers import PPM, mul_div_ceil, mul_div_floor, ppm_ceil

TRANSFER_MARGIN_PPM = 100_000


def transfer_margin(initial_margin_quanta: int, notional_quanta: int) -> int:
    """COLL-009: what must stay behind when money leaves: the initial margin, and at least a tenth of what the
    positions are worth, rounded up.
    """
    return max(initial_margin_quanta, ppm_ceil(notional_quanta, TRANSFER_MARGIN_PPM))


def free_cash(cash_quanta: int, entry_quanta: int, equity_quanta: int, margin_quanta: int, assets_quanta: int) -> int:
    """COLL-004: the cash that an account could do without; negative: what it lacks.

    `entry_quanta` is the sum of the positions' entries, so cash + entry is the account's realised value;
    `equity_quanta` is cash and positions at their marks; other assets count `assets_quanta`, in neither.
    Unrealised loss counts, unrealised profit does not: it may not be there tomorrow. Other assets may stand for
    margin, never for cash: nobody borrows.
    """
    realised = cash_quanta + entry_quanta
    return min(realised, equity_quanta) - max(0, margin_quanta - assets_quanta)


def withdrawable(
    cash_quanta: int, entry_quanta: int, equity_quanta: int, margin_quanta: int, assets_quanta: int
) -> int:
    """COLL-004: the most cash that may leave an account; never below 0."""
    return max(0, free_cash(cash_quanta, entry_quanta, equity_quanta, margin_quanta, assets_quanta))


def may_part(free_before: int, free_after: int) -> bool:
    """MARG-013: whether an account may give up what leads from one free cash to another: it must lack nothing after
    it, or no more than before.
    """
    return free_after >= min(0, free_before)


def asset_value(units: int, price_quanta: int, units_a_price: int, haircut_ppm: int) -> int:
    """COLL-010: what `units` of an asset count for: at the price of `units_a_price` of them, less the haircut, rounded
    down.
    """
    return mul_div_floor(units * price_quanta, PPM - haircut_ppm, units_a_price * PPM)


def asset_may_leave(
    cash_quanta: int, entry_quanta: int, equity_quanta: int, margin_quanta: int, assets_after_quanta: int
) -> bool:
    """COLL-011: whether an account may be left with other assets worth `assets_after_quanta`: with its realised value,
    or its equity in cash and positions if that is less, they cover what COLL-009 wants to stay.
    """
    return min(cash_quanta + entry_quanta, equity_quanta) + assets_after_quanta >= margin_quanta


def seizure(
    units: int, price_quanta: int, units_a_price: int, haircut_ppm: int, owed_quanta: int, purse_quanta: int
) -> tuple[int, int]:
    """COLL-012: (units taken, quanta paid) when a purse buys collateral of an account that owes `owed_quanta`.

    `units` are those that count as collateral, at most the asset's cap an account: nothing else may be bought. The
    purse pays their value, as far as is owed, held and in the purse; and takes as few units as are worth it.
    """
    paid = min(owed_quanta, purse_quanta, asset_value(units, price_quanta, units_a_price, haircut_ppm))
    if paid <= 0:
        return 0, 0
    return mul_div_ceil(paid, units_a_price * PPM, price_quanta * (PPM - haircut_ppm)), paid
