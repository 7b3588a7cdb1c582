"""CLR rules: what a fill does to an account. Pure functions over integers.

A fill moves lots one way and quote the other, for the taker and, with the opposite sign, for the maker; so both sums
are zero by construction (CLR-001) and only fees leave the pair, to the fee fund.
"""

from app.kernel.integers import mul_div_floor


def cash_after_fill(cash_quanta: int, signed_lots: int, price_quanta: int, fee_quanta: int) -> int:
    """CLR-002: cash after buying `signed_lots` (negative: selling) at `price_quanta` and paying the fee. Exact,
    never a division.
    """
    return cash_quanta - signed_lots * price_quanta - fee_quanta


def block_worth(size_lots: int, index_quanta: int) -> int:
    """CLR-008: how large a leg of a block trade is: its lots at the index, for options too."""
    return size_lots * index_quanta


def entry_after_fill(lots: int, entry_quanta: int, signed_lots: int, price_quanta: int) -> int:
    """CLR-003: signed cost of the open lots after a fill of `signed_lots` at `price_quanta`.

    Adding lots adds their cost. Closing some takes away their share, the rest rounded down, against the account.
    Closing all leaves none, and what flips the position costs its own price. The figure informs people and bounds
    withdrawals; it never settles.
    """
    after = lots + signed_lots
    if lots == 0 or (lots > 0) == (signed_lots > 0):
        return entry_quanta + signed_lots * price_quanta
    if after == 0:
        return 0
    if (after > 0) == (lots > 0):
        return mul_div_floor(entry_quanta, abs(after), abs(lots))
    return after * price_quanta
