"""MKT rules: open interest. Pure functions over integers."""


def open_interest_change(lots_before: int, lots_after: int) -> int:
    """MKT-003: what one account's move adds to open interest: the change of its long lots."""
    return (lots_after if lots_after > 0 else 0) - (lots_before if lots_before > 0 else 0)
