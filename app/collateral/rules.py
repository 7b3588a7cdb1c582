"""COLL rules: what may leave an account. Pure functions over integers."""


def withdrawable(cash_quanta: int, entry_quanta: int, equity_quanta: int, initial_margin_quanta: int) -> int:
    """COLL-004: the most that may leave an account: its equity without unrealised profit, less its initial margin;
    never below 0.

    `entry_quanta` is the sum of the positions' entries, so cash + entry is the account's realised value.
    Unrealised loss counts, unrealised profit does not: it may not be there tomorrow.
    """
    realised = cash_quanta + entry_quanta
    return max(0, min(realised, equity_quanta) - initial_margin_quanta)
