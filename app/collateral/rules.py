"""COLL rules: what may leave an account. Pure functions over integers."""

from app.kernel.integers import ppm_ceil

TRANSFER_MARGIN_PPM = 100_000


def transfer_margin(initial_margin_quanta: int, notional_quanta: int) -> int:
    """COLL-009: what must stay behind when money leaves: the initial margin, and at least a tenth of what the
    positions are worth, rounded up.
    """
    return max(initial_margin_quanta, ppm_ceil(notional_quanta, TRANSFER_MARGIN_PPM))


def withdrawable(
    cash_quanta: int, entry_quanta: int, equity_quanta: int, margin_quanta: int, assets_quanta: int
) -> int:
    """COLL-004: the most cash that may leave an account; never below 0.

    `entry_quanta` is the sum of the positions' entries, so cash + entry is the account's realised value;
    `equity_quanta` is cash and positions at their marks; other assets count `assets_quanta`, in neither.
    Unrealised loss counts, unrealised profit does not: it may not be there tomorrow. Other assets may stand for
    margin, never for cash: nobody borrows.
    """
    realised = cash_quanta + entry_quanta
    return max(0, min(realised, equity_quanta) - max(0, margin_quanta - assets_quanta))
