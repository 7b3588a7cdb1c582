"""MARG rules: what an account must hold. Pure functions over integers, in quote quanta and lots."""

from app.kernel.integers import PPM, mul_div_floor, ppm_ceil

Bracket = tuple[int, int, int]
"""One bracket of a margin scale: (notional from which it counts, rate in ppm, what it takes off, in millionths of a
quantum).
"""

E9 = 1_000_000_000
FIELD_LIMIT_QUANTA = 1 << 62  # half of what a signed 64-bit field holds; fees and transfers move far less


def position_margin(lots: int, mark_quanta: int, rate_ppm: int) -> int:
    """MARG-001: margin of a position: |lots| x mark x rate, rounded up. Never negative."""
    return -(-abs(lots) * mark_quanta * rate_ppm // PPM)


def frozen_margin(lots: int, order_lots: int, mark_quanta: int, rate_ppm: int) -> int:
    """CMP-005: margin in a market in quarantine: all lots, held and on order, at the mark and rate, rounded up.

    It needs none of the market's own rules.
    """
    return ppm_ceil((abs(lots) + order_lots) * mark_quanta, rate_ppm)


def bracket(from_quanta: int, rate_ppm: int, below_rate_ppm: int, below_deduction: int) -> Bracket:
    """MARG-007: the bracket that follows one with `below_rate_ppm` and `below_deduction`.

    What it takes off makes the margin of all brackets one product: what lies below `from_quanta` keeps its own rates.
    """
    return from_quanta, rate_ppm, below_deduction + from_quanta * (rate_ppm - below_rate_ppm)


def tiered_margin(notional_quanta: int, brackets: tuple[Bracket, ...]) -> int:
    """MARG-007: the sum over brackets of (part of the notional in it) x rate, rounded up once. Never negative.

    The first bracket begins at 0 and takes nothing off.
    """
    owed = notional_quanta * brackets[0][1]
    for from_quanta, rate_ppm, deduction in brackets[1:]:
        if notional_quanta <= from_quanta:
            break
        owed = notional_quanta * rate_ppm - deduction
    return -(-owed // PPM)


def open_interest_rate(rate_ppm: int, interest_quanta: int, lower_quanta: int, upper_quanta: int) -> int:
    """MARG-008: the initial rate at an open interest worth `interest_quanta`: `rate_ppm` up to the lower bound, all of
    the notional from the upper one on, and in between along the straight line, rounded up. An upper bound of 0: off.
    """
    if upper_quanta == 0 or interest_quanta <= lower_quanta:
        return rate_ppm
    if interest_quanta >= upper_quanta:
        return PPM
    rise = (PPM - rate_ppm) * (interest_quanta - lower_quanta)
    return rate_ppm - (-rise // (upper_quanta - lower_quanta))


def uncounted_profit(profit_quanta: int, cap_quanta: int) -> int:
    """MARG-009: the part of a market's unrealised profit that no new risk may rest on. A cap of 0: off."""
    return profit_quanta - cap_quanta if cap_quanta and profit_quanta > cap_quanta else 0


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
    brackets: tuple[Bracket, ...],
) -> int:
    """MARG-003: initial margin of a market with its open orders, at the worst side.

    The worst of three: no order fills; all buys fill; all sells fill. A side that fills costs the margin of the
    position it leads to and the loss of buying above, or selling below, the mark. A gain against the mark counts for
    nothing.
    """
    bought_loss = buy_notional_quanta - mark_quanta * buy_lots
    sold_loss = mark_quanta * sell_lots - sell_notional_quanta
    flat = tiered_margin(abs(lots) * mark_quanta, brackets)
    bought = tiered_margin(abs(lots + buy_lots) * mark_quanta, brackets) if buy_lots else flat
    sold = tiered_margin(abs(lots - sell_lots) * mark_quanta, brackets) if sell_lots else flat
    if bought_loss > 0:
        bought += bought_loss
    if sold_loss > 0:
        sold += sold_loss
    return max(flat, bought, sold)


def split_entry(lots: int, entry_quanta: int, moved_lots: int) -> tuple[int, int]:
    """MARG-012: (entry kept, entry moved) when `moved_lots` of `lots` go to another account: what is kept is rounded
    down, as when part is closed, and nothing is lost. `lots` is not 0.
    """
    kept = mul_div_floor(entry_quanta, abs(lots) - moved_lots, abs(lots))
    return kept, entry_quanta - kept


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


def long_level_e9(mark_quanta: int, index_e9: int, rate_ppm: int) -> int:
    """HLTH-002: what a long lot is worth to its holder, in quanta x 10^9: its mark less maintenance margin at
    `rate_ppm` and less what longs have paid. Exact.
    """
    return mark_quanta * (PPM - rate_ppm) * (E9 // PPM) - index_e9


def short_level_e9(mark_quanta: int, index_e9: int, rate_ppm: int) -> int:
    """HLTH-002: what a short lot costs its holder, in quanta x 10^9: its mark and maintenance margin at `rate_ppm`,
    less what longs have paid. Exact.
    """
    return mark_quanta * (PPM + rate_ppm) * (E9 // PPM) - index_e9


def reach(equity_quanta: int, maintenance_quanta: int, slack_quanta: int) -> tuple[int, int]:
    """HLTH-002: (reserve, budget): of what equity exceeds maintenance margin by, less `slack_quanta` for roundings, a
    sixteenth for what the account may spend before it is filed anew, and the rest for prices. Not positive: short.
    """
    excess = equity_quanta - maintenance_quanta - slack_quanta
    reserve = max(0, excess) // 16
    return reserve, excess - reserve


def room(price_quanta: int, budget_quanta: int, total_quanta: int) -> int:
    """HLTH-002: how far a price may move: the part of itself that the budget is of all that is held, rounded down."""
    return mul_div_floor(price_quanta, budget_quanta, total_quanta)


def room_e9(mark_quanta: int, budget_quanta: int, total_quanta: int) -> int:
    """HLTH-002: as `room`, in quanta x 10^9."""
    return mul_div_floor(mark_quanta * E9, budget_quanta, total_quanta)
