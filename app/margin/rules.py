"""MARG rules: what an account must hold. Pure functions over integers, in quote quanta and lots."""

from collections.abc import Sequence
from typing import NamedTuple

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


def frozen_option(lots: int, order_lots: int, mark_quanta: int, index_quanta: int, rate_ppm: int) -> int:
    """CMP-007: initial margin of an option in quarantine, whose last mark says little of what it will pay: all its
    worth for what is held long; for what is short or on order the rate of the index; never less than CMP-005.
    """
    asked = max(0, lots) * mark_quanta + ppm_ceil((max(0, -lots) + order_lots) * index_quanta, rate_ppm)
    return max(asked, frozen_margin(lots, order_lots, mark_quanta, rate_ppm))


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


class OptionTerms(NamedTuple):
    """MARG-014 to MARG-017: the rates of standard margin for the options of one underlying, in ppm."""

    most_ppm: int
    least_ppm: int
    call_ppm: int
    put_ppm: int
    put_value_ppm: int
    put_offset_ppm: int
    unpaired_ppm: int
    unpaired_maintenance_ppm: int


class Leg(NamedTuple):
    """Lots of one option, what a lot is worth at its mark, and its terms."""

    lots: int
    mark_quanta: int
    strike_quanta: int
    is_call: bool


def short_maintenance(
    mark_quanta: int, index_quanta: int, is_call: bool, call_ppm: int, put_ppm: int, put_value_ppm: int
) -> int:
    """MARG-014: maintenance margin of a short lot of an option beside its value, in quanta x 10^6: a part of the index;
    of a put no less than a part of what it is worth.
    """
    return index_quanta * call_ppm if is_call else max(index_quanta * put_ppm, mark_quanta * put_value_ppm)


def short_initial(leg: Leg, index_quanta: int, terms: OptionTerms) -> int:
    """MARG-014: initial margin of a short lot of an option beside its value, in quanta x 10^6: `most` of the index less
    what it is out of the money, at least `least` of it; of a put no less than a part of value and maintenance margin.
    """
    kept = short_maintenance(
        leg.mark_quanta, index_quanta, leg.is_call, terms.call_ppm, terms.put_ppm, terms.put_value_ppm
    )
    away = max(0, leg.strike_quanta - index_quanta if leg.is_call else index_quanta - leg.strike_quanta)
    asked = max(index_quanta * terms.least_ppm, index_quanta * terms.most_ppm - away * PPM)
    if leg.is_call:
        return max(asked, kept)
    value = leg.mark_quanta * PPM
    return max(asked, -(-(value + kept) * terms.put_offset_ppm // PPM) - value)


def lone_margins(leg: Leg, index_quanta: int, terms: OptionTerms) -> tuple[int, int]:
    """MARG-014, MARG-015: (initial, maintenance margin) of lots of one option alone, beside their value; what is held
    long asks for all its value, so that nothing else rests on it. Rounded up once.
    """
    if leg.lots >= 0:
        return leg.lots * leg.mark_quanta, leg.lots * leg.mark_quanta
    kept = short_maintenance(
        leg.mark_quanta, index_quanta, leg.is_call, terms.call_ppm, terms.put_ppm, terms.put_value_ppm
    )
    return ppm_ceil(-leg.lots * short_initial(leg, index_quanta, terms), 1), ppm_ceil(-leg.lots * kept, 1)


def worst_payoff(legs: Sequence[Leg]) -> int:
    """MARG-016: the least that options of one expiry pay together at any settlement price of 0 or one of their strikes,
    but no more than 0. Between those prices payoffs are lines; above the last they fall only with net short calls.
    """
    payoff = sum(leg.lots * leg.strike_quanta for leg in legs if not leg.is_call)
    slope, price, least = -sum(leg.lots for leg in legs if not leg.is_call), 0, min(0, payoff)
    for strike, lots in sorted((leg.strike_quanta, leg.lots) for leg in legs):
        payoff += slope * (strike - price)
        least = min(least, payoff)
        slope, price = slope + lots, strike
    return least


def most_loss(value_quanta: int, worst_quanta: int) -> int:
    """MARG-016: what options that are worth `value` now lose if they pay the worst: at least 0."""
    return max(0, value_quanta - worst_quanta)


def unpaired(net_calls: int, index_quanta: int, rate_ppm: int) -> int:
    """MARG-016: the charge for calls that are short and not paired by long ones: a part of the index each."""
    return ppm_ceil(max(0, -net_calls) * index_quanta, rate_ppm)


def worse_side(buy_lots: int, buy_each: int, buy_loss: int, sell_lots: int, sell_each: int, sell_loss: int) -> int:
    """MARG-017: what open orders of one market ask for: of either side its lots at what one asks for alone, and what
    buying above or selling below the mark would lose; the worse of both. A gain against the mark counts for nothing.
    """
    return max(0, buy_lots * buy_each + max(0, buy_loss), sell_lots * sell_each + max(0, sell_loss))


def shared_out(total_quanta: int, weights: Sequence[int]) -> list[int]:
    """RISK-002: `total` in parts by weights >= 0, each off by less than a quantum; all of it to the first when no
    weight is above 0. Exact in sum.
    """
    whole, seen, given, parts = sum(weights), 0, 0, []
    for weight in weights:
        seen += weight
        upto = total_quanta * seen // whole if whole else total_quanta
        parts.append(upto - given)
        given = upto
    return parts


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
