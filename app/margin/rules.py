"""MARG rules: what an account must hold. Pure functions over integers, in quote quanta and lots."""

from app.kernel.integers import PPM, ppm_ceil

FIELD_LIMIT_QUANTA = 1 << 62  # half of what a signed 64-bit field holds; fees and transfers move far less


def position_margin(lots: int, mark_quanta: int, rate_ppm: int) -> int:
    """MARG-001: margin of a position: |lots| x mark x rate, rounded up. Never negative."""
    return -(-abs(lots) * mark_quanta * rate_ppm // PPM)


def frozen_margin(lots: int, order_lots: int, mark_quanta: int, rate_ppm: int) -> int:
    """CMP-005: margin in a market in quarantine: all lots, held and on order, at the mark and rate, rounded up.

    It needs none of the market's own rules.
    """
    return ppm_ceil((abs(lots) + order_lots) * mark_quanta, rate_ppm)


def unrealised_profit(lots: int, entry_quanta: int, mark_quanta: int) -> int:
    """MARG-002: what closing at the mark would add: lots x mark less what the open lots cost. Exact."""
    return lots * mark_quanta - entry_quanta


def initial_margin(
    lots: int,
    buy_lots: int,
    buy_notional_quanta: int,
    sell_lots: int,
    sell_notional_quanta: int,
    mark_quanta: int,
    rate_ppm: int,
) -> int:
    """MARG-003: initial margin of a market with its open orders, at the worst side.

    The worst of three: no order fills; all buys fill; all sells fill. A side that fills costs the margin of the
    position it leads to and the loss of buying above, or selling below, the mark. A gain against the mark counts for
    nothing.
    """
    bought_loss = buy_notional_quanta - mark_quanta * buy_lots
    sold_loss = mark_quanta * sell_lots - sell_notional_quanta
    flat = position_margin(lots, mark_quanta, rate_ppm)
    bought = position_margin(lots + buy_lots, mark_quanta, rate_ppm) if buy_lots else flat
    sold = position_margin(lots - sell_lots, mark_quanta, rate_ppm) if sell_lots else flat
    if bought_loss > 0:
        bought += bought_loss
    if sold_loss > 0:
        sold += sold_loss
    return max(flat, bought, sold)


def may_take_on(equity_after: int, initial_after: int) -> bool:
    """MARG-004: an account may do what leaves it with its initial margin."""
    return equity_after >= initial_after


def may_reduce(initial_before: int, initial_after: int, excess_before: int, excess_after: int) -> bool:
    """MARG-005: an account short of initial margin may still do what makes it safer.

    Its initial margin must not grow, and its excess (equity less maintenance margin) must not fall: what it pays in
    price and fees is at most the maintenance margin that it frees, so it cannot be bled by trading far from the mark.
    """
    return initial_after <= initial_before and excess_after >= excess_before


def fits_record(cash_quanta: int, entry_quanta: int, buy_notional_quanta: int, sell_notional_quanta: int) -> bool:
    """MARG-006: whether the figures stay within +-FIELD_LIMIT_QUANTA, so that the account's record can hold them."""
    limit = FIELD_LIMIT_QUANTA
    return (
        -limit <= cash_quanta <= limit
        and -limit <= entry_quanta <= limit
        and buy_notional_quanta <= limit
        and sell_notional_quanta <= limit
    )
