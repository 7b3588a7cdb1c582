# ruff: noqa: E501 - a slip is quoted as the source has it
"""Laws of what an account must hold."""

from typing import Any

from app.limits import MAX_ORDER_LOTS, MAX_ORDER_NOTIONAL_QUANTA, MAX_PRICE_QUANTA, MAX_VAULT_QUANTA
from tests.proofs.prover import proof

PPM = 1_000_000
FIELD_MOST = (1 << 63) - 1  # a signed 64-bit field
MARGIN = "return -(-abs(lots) * mark_quanta * rate_ppm // PPM)"
NOT_NEGATIVE = "mark >= 0, rate >= 0, all lots"
WORST = "return max(flat, bought, sold)"
BOUGHT = "tiered_margin(abs(lots + buy_lots) * mark_quanta, brackets) if buy_lots else flat"
SOLD = "tiered_margin(abs(lots - sell_lots) * mark_quanta, brackets) if sell_lots else flat"
PAIRS = ((46_000_000, 50_000), (333, 5_000))  # (mark in quanta, rate in ppm)
AT_PAIRS = "(mark, rate ppm) one of (46,000,000, 50,000), (333, 5,000)"
ORDERS = AT_PAIRS + "; order lots and notionals >= 0, all lots"


@proof("MARG-001", "never negative, rounded up by less than one quantum", "margin.position_margin", bounds=NOT_NEGATIVE,
       slips={"margin": [(MARGIN, "return abs(lots) * mark_quanta * rate_ppm // PPM"),
                         (MARGIN, "return -(-lots * mark_quanta * rate_ppm // PPM)"),
                         (MARGIN, "return -(-abs(lots) * mark_quanta * rate_ppm // PPM) + 1")]})
def margin_rounds_up(case: Any, rules: Any) -> None:
    lots, mark, rate = case.whole("lots"), case.whole("mark", low=0), case.whole("rate", low=0)
    margin = rules.margin.position_margin(lots, mark, rate)
    exact = abs(lots) * mark * rate
    case.claim(margin >= 0, "never negative")
    case.claim(margin * PPM >= exact, "never below the exact margin")
    case.claim((margin - 1) * PPM < exact, "above it by less than one quantum")


@proof("MARG-001", "monotone in size, mark and rate; long and short alike", "margin.position_margin",
       bounds=NOT_NEGATIVE,
       slips={"margin": [(MARGIN, "return -(-lots * mark_quanta * rate_ppm // PPM)"),
                         (MARGIN, "return -(-abs(lots) * mark_quanta * -rate_ppm // PPM)"),
                         (MARGIN, "return -(abs(lots) * mark_quanta * rate_ppm // PPM)")]})
def margin_is_monotone(case: Any, rules: Any) -> None:
    lots, mark, rate = case.whole("lots", low=0), case.whole("mark", low=0), case.whole("rate", low=0)
    more = case.whole("more", low=0)
    margin = rules.margin.position_margin(lots, mark, rate)
    case.claim(rules.margin.position_margin(-lots, mark, rate) == margin, "long and short alike")
    case.claim(rules.margin.position_margin(lots + more, mark, rate) >= margin, "monotone in size")
    case.claim(rules.margin.position_margin(lots, mark + more, rate) >= margin, "monotone in mark")
    case.claim(rules.margin.position_margin(lots, mark, rate + more) >= margin, "monotone in rate")


@proof("MARG-001", "merging positions never asks for more, at most the whole value", "margin.position_margin",
       bounds="mark >= 0, 0 <= rate <= 1,000,000 ppm, all lots",
       slips={"margin": [(MARGIN, "return abs(lots) * mark_quanta * rate_ppm // PPM"), (MARGIN, MARGIN + " + 1")]})
def margin_nets(case: Any, rules: Any) -> None:
    one, two = case.whole("one"), case.whole("two")
    mark, rate = case.whole("mark", low=0), case.whole("rate", low=0, high=PPM)
    apart = rules.margin.position_margin(one, mark, rate) + rules.margin.position_margin(two, mark, rate)
    case.claim(rules.margin.position_margin(one + two, mark, rate) <= apart, "netted is no more than apart")
    case.claim(rules.margin.position_margin(one, mark, rate) <= abs(one) * mark, "at most the value")


@proof("CMP-005", "in quarantine never negative, rounded up, and no less than the market's own margin at that rate",
       "margin.frozen_margin", "margin.position_margin", bounds=AT_PAIRS + "; order lots >= 0, all lots",
       slips={"margin": [("(abs(lots) + order_lots) * mark_quanta", "(abs(lots) - order_lots) * mark_quanta"),
                         ("(abs(lots) + order_lots) * mark_quanta", "(lots + order_lots) * mark_quanta")]})
def frozen_margin_is_no_less(case: Any, rules: Any) -> None:
    lots, orders = case.whole("lots"), case.whole("orders", low=0)
    mark, rate = mark_and_rate(case)
    frozen = rules.margin.frozen_margin(lots, orders, mark, rate)
    case.claim(frozen >= rules.margin.position_margin(lots, mark, rate), "no less than the own margin")
    case.claim(frozen * PPM >= (abs(lots) + orders) * mark * rate, "rounded up")


@proof("MARG-002", "zero at cost, gains the lots when the mark gains one, and the other side's is the opposite",
       "margin.unrealised_profit",
       slips={"margin": [("return lots * mark_quanta - entry_quanta", "return lots * mark_quanta + entry_quanta"),
                         ("return lots * mark_quanta - entry_quanta", "return abs(lots) * mark_quanta - entry_quanta")]})
def profit_mirrors(case: Any, rules: Any) -> None:
    lots, entry, mark, price = case.whole("lots"), case.whole("entry"), case.whole("mark"), case.whole("price")
    profit = rules.margin.unrealised_profit(lots, entry, mark)
    case.claim(rules.margin.unrealised_profit(lots, lots * price, price) == 0, "zero at cost")
    case.claim(rules.margin.unrealised_profit(lots, entry, mark + 1) == profit + lots, "moves with the mark")
    case.claim(rules.margin.unrealised_profit(-lots, -entry, mark) == -profit, "zero-sum")


def mark_and_rate(case: Any) -> tuple[int, int]:
    """One of PAIRS: with both known the margin is linear, and z3 decides it for all sizes."""
    chosen = case.whole("pair", 0, len(PAIRS) - 1)
    return next(pair for number, pair in enumerate(PAIRS) if chosen == number)


def market(case: Any) -> tuple[Any, ...]:
    """A position with open orders on both sides."""
    return (case.whole("lots"), case.whole("buys", low=0), case.whole("buy_notional", low=0),
            case.whole("sells", low=0), case.whole("sell_notional", low=0), *mark_and_rate(case))


def one_bracket(rate: Any) -> tuple[tuple[int, Any, int], ...]:
    """The scale of a market without tiers."""
    return ((0, rate, 0),)


@proof("MARG-003", "never below the margin of what is held, and just that without orders", "margin.initial_margin",
       "margin.tiered_margin", "margin.position_margin", bounds=ORDERS,
       slips={"margin": (WORST, "return min(flat, bought, sold)")})
def orders_never_lower_margin(case: Any, rules: Any) -> None:
    lots, buys, buy_notional, sells, sell_notional, mark, rate = market(case)
    held = rules.margin.position_margin(lots, mark, rate)
    initial = rules.margin.initial_margin(lots, buys, buy_notional, sells, sell_notional, mark, one_bracket(rate))
    case.claim(initial >= held, "never below what is held")
    case.claim(initial >= 0, "never negative")
    case.claim(rules.margin.initial_margin(lots, 0, 0, 0, 0, mark, one_bracket(rate)) == held, "no orders: what is held")


@proof("MARG-003", "whoever has it can carry all buys filling, or all sells, at their prices", "margin.initial_margin",
       "margin.tiered_margin", "margin.position_margin", "margin.may_take_on", "clearing.cash_after_fill",
       bounds=ORDERS + "; all orders of a side at one price, fee 0",
       slips={"margin": [(WORST, "return max(flat, bought)"), (WORST, "return max(flat, sold)"), (WORST, "return flat"),
                         ("bought += bought_loss", "pass"), ("sold += sold_loss", "pass"),
                         (BOUGHT, BOUGHT.replace("lots + buy_lots", "lots - buy_lots")),
                         (SOLD, SOLD.replace("lots - sell_lots", "lots")),
                         ("sold_loss = mark_quanta * sell_lots - sell_notional_quanta",
                          "sold_loss = sell_notional_quanta - mark_quanta * sell_lots")]})
def either_side_may_fill(case: Any, rules: Any) -> None:
    lots, (mark, rate) = case.whole("lots"), mark_and_rate(case)
    buys, bid = case.whole("buys", low=1), case.whole("bid", low=0)
    sells, ask = case.whole("sells", low=1), case.whole("ask", low=0)
    cash = case.whole("cash")
    initial = rules.margin.initial_margin(lots, buys, buys * bid, sells, sells * ask, mark, one_bracket(rate))
    case.assume(rules.margin.may_take_on(cash + lots * mark, initial))
    for filled, price in ((buys, bid), (-sells, ask)):
        equity = rules.clearing.cash_after_fill(cash, filled, price, 0) + (lots + filled) * mark
        after = rules.margin.position_margin(lots + filled, mark, rate)
        case.claim(rules.margin.may_take_on(equity, after), "the position it leads to is covered")


@proof("MARG-003", "an order that leads away from flat, no better than the mark, never lowers it",
       "margin.initial_margin", bounds=ORDERS + "; the side's orders lead away from flat, the new price is at the mark or "
       "worse for the account",
       slips={"margin": [(WORST, "return flat - bought"), ("if bought_loss > 0:", "if bought_loss < 0:"),
                         (BOUGHT, BOUGHT.replace("lots + buy_lots", "lots - buy_lots")), ("sold += sold_loss", "sold -= sold_loss")]})
def another_order_adds(case: Any, rules: Any) -> None:
    lots, buys, buy_notional, sells, sell_notional, mark, rate = market(case)
    more, worse = case.whole("more", low=1), case.whole("worse", low=0)
    before = rules.margin.initial_margin(lots, buys, buy_notional, sells, sell_notional, mark, one_bracket(rate))
    bid = buy_notional + more * (mark + worse)
    if lots + buys >= 0:
        after = rules.margin.initial_margin(lots, buys + more, bid, sells, sell_notional, mark, one_bracket(rate))
        case.claim(after >= before, "another bid")
    if lots - sells <= 0 and worse <= mark:
        ask = sell_notional + more * (mark - worse)
        after = rules.margin.initial_margin(lots, buys, buy_notional, sells + more, ask, mark, one_bracket(rate))
        case.claim(after >= before, "another ask")


@proof("MARG-003", "any further order never lowers it", "margin.initial_margin", breaks=True, slips={},
       bounds="mark >= 0, a single further bid of one lot far below the mark")
def any_order_adds(case: Any, rules: Any) -> None:
    lots, buys, buy_notional, mark = case.whole("lots"), case.whole("buys", low=1), case.whole("buy_notional", low=0), 100
    before = rules.margin.initial_margin(lots, buys, buy_notional, 0, 0, mark, one_bracket(50_000))
    after = rules.margin.initial_margin(lots, buys + 1, buy_notional + 1, 0, 0, mark, one_bracket(50_000))
    case.claim(after >= before, "a bid below the mark makes up for one above it, as the README says")


DEDUCTION = "below_deduction + from_quanta * (rate_ppm - below_rate_ppm)"
TIERS = (50_000, 80_000, 200_000)  # rates in ppm of three brackets; where they begin is free


def scale(case: Any, rules: Any) -> tuple[tuple[Any, int, Any], ...]:
    """Three brackets of TIERS, wherever the further two begin."""
    second = case.whole("second", low=1)
    third = second + case.whole("width", low=1)
    one = rules.margin.bracket(0, TIERS[0], 0, 0)
    two = rules.margin.bracket(second, TIERS[1], TIERS[0], one[2])
    return one, two, rules.margin.bracket(third, TIERS[2], TIERS[1], two[2])


@proof("MARG-007", "the sum over brackets of part x rate, rounded up by less than one quantum", "margin.tiered_margin",
       "margin.bracket", bounds="rates 5 %, 8 % and 20 %, brackets anywhere, notional >= 0",
       slips={"margin": [("    return -(-owed // PPM)", "    return owed // PPM"), (DEDUCTION, "from_quanta * (rate_ppm - below_rate_ppm)"),
                         (DEDUCTION, "below_deduction + from_quanta * rate_ppm"), ("        owed = notional_quanta * rate_ppm - deduction", "        owed += notional_quanta * rate_ppm - deduction")]})
def tiers_are_the_sum_of_their_parts(case: Any, rules: Any) -> None:
    brackets = scale(case, rules)
    notional = case.whole("notional", low=0)
    margin = rules.margin.tiered_margin(notional, brackets)
    exact, above = 0, notional
    for start, rate, _ in reversed(brackets):
        part = above - start if above > start else 0
        exact += part * rate
        above = above - part
    case.claim(margin * PPM >= exact, "never below the exact sum")
    case.claim((margin - 1) * PPM < exact, "above it by less than one quantum")


@proof("MARG-007", "never negative, monotone in the notional, and no step at a bound", "margin.tiered_margin",
       "margin.bracket", bounds="rates 5 %, 8 % and 20 %, brackets anywhere, notional >= 0",
       slips={"margin": [(DEDUCTION, "from_quanta * (rate_ppm - below_rate_ppm)"), (DEDUCTION, "below_deduction - from_quanta * (rate_ppm - below_rate_ppm)"),
                         ("if notional_quanta <= from_quanta:", "if notional_quanta >= from_quanta:")]})
def brackets_are_monotone(case: Any, rules: Any) -> None:
    brackets = scale(case, rules)
    notional, more = case.whole("notional", low=0), case.whole("more", low=0)
    margin = rules.margin.tiered_margin(notional, brackets)
    larger = rules.margin.tiered_margin(notional + more, brackets)
    case.claim(margin >= 0, "never negative")
    case.claim(larger >= margin, "monotone")
    case.claim((larger - margin - 1) * PPM < more * TIERS[-1], "what is added costs at most the highest rate")
    case.claim((larger - margin + 1) * PPM > more * TIERS[0], "and at least the lowest")


@proof("MARG-007", "monotone in the rate of a bracket; one bracket is the plain margin", "margin.tiered_margin",
       "margin.bracket", "margin.position_margin", bounds=AT_PAIRS + "; a second bracket at 10 % or 12 %",
       slips={"margin": [(DEDUCTION, "below_deduction + 2 * from_quanta * (rate_ppm - below_rate_ppm)"), ("        owed = notional_quanta * rate_ppm - deduction", "        owed = notional_quanta * rate_ppm - 2 * deduction"),
                         ("if notional_quanta <= from_quanta:", "if notional_quanta < from_quanta - 1_000:")]})
def tiers_grow_with_rates(case: Any, rules: Any) -> None:
    lots, (mark, rate) = case.whole("lots"), mark_and_rate(case)
    one = rules.margin.bracket(0, rate, 0, 0)
    plain = rules.margin.position_margin(lots, mark, rate)
    case.claim(rules.margin.tiered_margin(abs(lots) * mark, (one,)) == plain, "one bracket")
    start = case.whole("start", low=1)
    low, high = (rules.margin.bracket(start, further, rate, 0) for further in (100_000, 120_000))
    lower = rules.margin.tiered_margin(abs(lots) * mark, (one, low))
    case.claim(lower >= plain, "a further bracket never lowers it")
    case.claim(rules.margin.tiered_margin(abs(lots) * mark, (one, high)) >= lower, "nor a higher rate")


@proof("MARG-008", "between the rate and all of the notional, and the bounds are met", "margin.open_interest_rate",
       bounds="0 <= rate <= 1,000,000 ppm, 0 <= lower < upper or upper 0, interest >= 0",
       slips={"margin": [("rise = (PPM - rate_ppm) * (interest_quanta - lower_quanta)", "rise = (PPM + rate_ppm) * (interest_quanta - lower_quanta)"),
                         ("return rate_ppm - (-rise // (upper_quanta - lower_quanta))", "return rate_ppm - (rise // (upper_quanta - lower_quanta))"),
                         ("if interest_quanta >= upper_quanta:\n        return PPM", "if interest_quanta >= upper_quanta:\n        return rate_ppm")]})
def interest_rate_is_bounded(case: Any, rules: Any) -> None:
    rate, interest = case.whole("rate", 0, PPM), case.whole("interest", low=0)
    lower, width = case.whole("lower", low=0), case.whole("width", low=1)
    raised = rules.margin.open_interest_rate(rate, interest, lower, lower + width)
    case.claim(raised >= rate, "never below the rate")
    case.claim(raised <= PPM, "never beyond the notional")
    case.claim(rules.margin.open_interest_rate(rate, lower, lower, lower + width) == rate, "the lower bound")
    case.claim(rules.margin.open_interest_rate(rate, lower + width, lower, lower + width) == PPM, "the upper bound")
    case.claim(rules.margin.open_interest_rate(rate, interest, lower, 0) == rate, "off")


@proof("MARG-008", "monotone in open interest and in the rate, rounded up by less than one ppm",
       "margin.open_interest_rate", bounds="lower 20, upper 50 (millions); rate 5 % and 10 %; any interest",
       slips={"margin": [("return rate_ppm - (-rise // (upper_quanta - lower_quanta))", "return rate_ppm + rise // (upper_quanta - lower_quanta)"),
                         ("rise = (PPM - rate_ppm) * (interest_quanta - lower_quanta)", "rise = (PPM - rate_ppm) * (upper_quanta - interest_quanta)")]})
def interest_rate_is_monotone(case: Any, rules: Any) -> None:
    interest, more = case.whole("interest", low=0), case.whole("more", low=0)
    lower, upper = 20_000_000, 50_000_000
    rate = rules.margin.open_interest_rate(50_000, interest, lower, upper)
    case.claim(rules.margin.open_interest_rate(50_000, interest + more, lower, upper) >= rate, "in open interest")
    case.claim(rules.margin.open_interest_rate(100_000, interest, lower, upper) >= rate, "in the rate")
    if lower <= interest <= upper:
        exact = 950_000 * (interest - lower)
        case.claim((rate - 50_000) * (upper - lower) >= exact, "never below the line")
        case.claim((rate - 50_001) * (upper - lower) < exact, "above it by less than one ppm")


@proof("MARG-009", "what counts is the profit up to the cap; losses always count", "margin.uncounted_profit",
       bounds="cap >= 0, any profit",
       slips={"margin": [("if cap_quanta and profit_quanta > cap_quanta else 0", "if profit_quanta > cap_quanta else 0"),
                         ("return profit_quanta - cap_quanta if cap_quanta", "return profit_quanta if cap_quanta"),
                         ("profit_quanta > cap_quanta else 0", "profit_quanta < cap_quanta else 0")]})
def profit_counts_up_to_the_cap(case: Any, rules: Any) -> None:
    profit, cap, more = case.whole("profit"), case.whole("cap", low=0), case.whole("more", low=0)
    counted = profit - rules.margin.uncounted_profit(profit, cap)
    case.claim(counted <= profit, "never more than there is")
    if profit <= 0:
        case.claim(counted == profit, "a loss counts")
    if cap > 0:
        case.claim(counted <= cap, "at most the cap")
        if profit <= cap:
            case.claim(counted == profit, "all up to it")
    else:
        case.claim(counted == profit, "no cap: all")
    case.claim(profit + more - rules.margin.uncounted_profit(profit + more, cap) >= counted, "monotone in profit")


@proof("MARG-004", "more equity never forbids, more margin never allows, and enough is enough", "margin.may_take_on",
       slips={"margin": [("return equity_after >= initial_after", "return equity_after <= initial_after"),
                         ("return equity_after >= initial_after", "return equity_after > initial_after")]})
def taking_on_is_monotone(case: Any, rules: Any) -> None:
    equity, initial, more = case.whole("equity"), case.whole("initial"), case.whole("more", low=0)
    case.claim(rules.margin.may_take_on(initial, initial), "just enough is enough")
    if rules.margin.may_take_on(equity, initial):
        case.claim(rules.margin.may_take_on(equity + more, initial), "more equity")
        case.claim(rules.margin.may_take_on(equity, initial - more), "less margin")
        case.claim(equity - initial >= 0, "nothing is short")


@proof("MARG-005", "a reduction never lowers the excess: price and fee cost at most the maintenance margin it frees",
       "margin.may_reduce", "margin.position_margin", "clearing.cash_after_fill",
       bounds="one position, mark 46,000,000, initial 50,000 and maintenance 30,000 ppm; price and fee >= 0, all lots",
       slips={"margin": [(" and excess_after >= excess_before", ""), ("excess_after >= excess_before", "excess_after <= excess_before"),
                         ("initial_after <= initial_before and", ""), ("initial_after <= initial_before", "initial_after >= initial_before")]})
def reducing_never_bleeds(case: Any, rules: Any) -> None:
    cash, lots, filled = case.whole("cash"), case.whole("lots"), case.whole("filled")
    price, fee = case.whole("price", low=0), case.whole("fee", low=0)
    mark, initial, maintenance = 46_000_000, 50_000, 30_000
    after = rules.clearing.cash_after_fill(cash, filled, price, fee)
    margin = rules.margin.position_margin
    excess = cash + lots * mark - margin(lots, mark, maintenance)
    excess_after = after + (lots + filled) * mark - margin(lots + filled, mark, maintenance)
    case.assume(rules.margin.may_reduce(margin(lots, mark, initial), margin(lots + filled, mark, initial), excess, excess_after))
    freed = margin(lots, mark, maintenance) - margin(lots + filled, mark, maintenance)
    case.claim(filled * (price - mark) + fee <= freed, "it costs at most the margin it frees")
    case.claim(margin(lots + filled, mark, initial) <= margin(lots, mark, initial), "initial margin does not grow")


@proof("MARG-005", "reductions chain: two that are allowed are together allowed, and doing nothing is",
       "margin.may_reduce",
       slips={"margin": [("initial_after <= initial_before and", "initial_after <= initial_before + 1 and"),
                         ("excess_after >= excess_before", "excess_after > excess_before")]})
def reductions_chain(case: Any, rules: Any) -> None:
    first, second, third = ((case.whole(f"initial_{name}"), case.whole(f"excess_{name}")) for name in "abc")
    may = rules.margin.may_reduce
    case.claim(may(first[0], first[0], first[1], first[1]), "nothing may be done")
    case.assume(may(first[0], second[0], first[1], second[1]), may(second[0], third[0], second[1], third[1]))
    case.claim(may(first[0], third[0], first[1], third[1]), "together they are allowed")


@proof("MARG-006", "what fits may trade, pay, receive or place once more and still fits 64 bits", "margin.fits_record",
       "clearing.cash_after_fill", "clearing.entry_after_fill",
       bounds="lots, prices, notionals, deposits within limits.py, 0 <= fee <= notional, notionals >= 0",
       slips={"margin": [("FIELD_LIMIT_QUANTA = 1 << 62", "FIELD_LIMIT_QUANTA = 1 << 63"),
                         ("-limit <= cash_quanta <= limit", "cash_quanta <= limit"),
                         ("-limit <= cash_quanta <= limit", "-limit <= cash_quanta"),
                         ("-limit <= entry_quanta <= limit", "entry_quanta <= limit"),
                         ("-limit <= entry_quanta <= limit", "-limit <= entry_quanta"),
                         ("        and buy_notional_quanta <= limit\n", ""), ("        and sell_notional_quanta <= limit\n", "")]})
def one_more_fits_the_record(case: Any, rules: Any) -> None:
    cash, entry, lots = case.whole("cash"), case.whole("entry"), case.whole("lots")
    buys, sells = case.whole("buys", low=0), case.whole("sells", low=0)
    case.assume(rules.margin.fits_record(cash, entry, buys, sells))
    filled, price = case.whole("filled", -MAX_ORDER_LOTS, MAX_ORDER_LOTS), case.whole("price", 0, MAX_PRICE_QUANTA)
    moved, fee = case.whole("moved", 0, MAX_VAULT_QUANTA), case.whole("fee", low=0)
    notional = case.whole("notional", 0, MAX_ORDER_NOTIONAL_QUANTA)
    case.assume(abs(filled) * price <= MAX_ORDER_NOTIONAL_QUANTA)
    case.assume(fee <= abs(filled) * price)  # as fee_is_at_most_the_notional proves
    cash_after = rules.clearing.cash_after_fill(cash, filled, price, fee)
    entry_after = rules.clearing.entry_after_fill(lots, entry, filled, price)
    for figure, words in ((cash_after, "cash after a fill"), (cash + moved, "cash after a deposit"),
                          (cash - moved, "cash after a withdrawal"), (entry_after, "entry after a fill"),
                          (buys + notional, "bids after another"), (sells + notional, "asks after another")):
        case.claim((figure <= FIELD_MOST) & (figure >= -FIELD_MOST), words)


@proof("MARG-006", "whatever is within the limit fits", "margin.fits_record",
       bounds="all four figures within 2^62 of zero",
       slips={"margin": [("and buy_notional_quanta <= limit", "and buy_notional_quanta < limit"),
                         ("-limit <= cash_quanta <= limit", "limit <= cash_quanta <= limit"),
                         ("FIELD_LIMIT_QUANTA = 1 << 62", "FIELD_LIMIT_QUANTA = 1 << 61")]})
def nothing_is_refused_in_vain(case: Any, rules: Any) -> None:
    most = 1 << 62
    figures = [case.whole(name, -most, most) for name in ("cash", "entry", "buys", "sells")]
    case.claim(rules.margin.fits_record(*figures), "fits")


LONG = "mark_quanta * (PPM - rate_ppm) * (E9 // PPM) - index_e9"
SHORT = "mark_quanta * (PPM + rate_ppm) * (E9 // PPM) - index_e9"
E9 = 1_000_000_000


@proof("HLTH-002", "one bracket: excess and level move together, so a level that is not crossed costs no more than its room",
       "margin.long_level_e9", "margin.short_level_e9", "margin.position_margin", "funding.payment",
       bounds="10 lots, rate 30,000 ppm, marks >= 0, any funding indexes; long and short",
       slips={"margin": [(LONG, LONG.replace("PPM - rate_ppm", "PPM + rate_ppm")), (LONG, LONG.replace("- index_e9", "+ index_e9")),
                         (SHORT, SHORT.replace("PPM + rate_ppm", "PPM - rate_ppm")), (SHORT, SHORT.replace("- index_e9", "+ index_e9"))]})
def levels_follow_excess(case: Any, rules: Any) -> None:
    lots, rate, then_e9 = 10, 30_000, case.whole("settled")
    mark, index = case.whole("mark", low=0), case.whole("index")
    mark_after, index_after, room = case.whole("mark_after", low=0), case.whole("index_after"), case.whole("room", low=0)

    def excess(held: int, at: Any, funding: Any) -> Any:
        return held * at - rules.funding.payment(held, funding, then_e9) - rules.margin.position_margin(held, at, rate)

    long, short = rules.margin.long_level_e9, rules.margin.short_level_e9
    if long(mark_after, index_after, rate) >= long(mark, index, rate) - room:
        lost = excess(lots, mark, index) - excess(lots, mark_after, index_after)
        case.claim((lost - 2) * E9 < lots * room, "a long loses at most its room, and what roundings cost")
    if short(mark_after, index_after, rate) <= short(mark, index, rate) + room:
        lost = excess(-lots, mark, index) - excess(-lots, mark_after, index_after)
        case.claim((lost - 2) * E9 < lots * room, "a short loses at most its room, and what roundings cost")


@proof("HLTH-002", "two brackets: while neither level is crossed, no more than the room is lost", "margin.long_level_e9",
       "margin.short_level_e9", "margin.tiered_margin", "margin.bracket",
       bounds="10 lots, rates 30,000 and 200,000 ppm, the second bracket anywhere, marks >= 0, any change of the index",
       slips={"margin": [(LONG, LONG.replace("PPM - rate_ppm", "PPM + rate_ppm")), (SHORT, SHORT.replace("PPM + rate_ppm", "PPM - rate_ppm"))]})
def levels_of_tiers_cover_the_excess(case: Any, rules: Any) -> None:
    lots, first, last = 10, 30_000, 200_000
    one = rules.margin.bracket(0, first, 0, 0)
    brackets = (one, rules.margin.bracket(case.whole("start", low=1), last, first, one[2]))
    mark, after = case.whole("mark", low=0), case.whole("mark_after", low=0)
    paid, room = case.whole("paid"), case.whole("room", low=0)  # what the index moves by, quanta x 10^9
    kept = rules.margin.tiered_margin(lots * after, brackets) - rules.margin.tiered_margin(lots * mark, brackets)
    long, short = rules.margin.long_level_e9, rules.margin.short_level_e9
    if long(after, paid, first) >= long(mark, 0, first) - room and long(after, paid, last) >= long(mark, 0, last) - room:
        lost = (lots * (mark - after) + kept) * E9 + lots * paid
        case.claim(lost - E9 < lots * room, "a long")
    if short(after, paid, first) <= short(mark, 0, first) + room and short(after, paid, last) <= short(mark, 0, last) + room:
        lost = (lots * (after - mark) + kept) * E9 - lots * paid
        case.claim(lost - E9 < lots * room, "a short")


RESERVE = "max(0, excess) // 16"


@proof("HLTH-002", "reserve and budget are the excess after roundings, and only the short have no budget", "margin.reach",
       bounds="slack >= 0, any equity and margin",
       slips={"margin": [(RESERVE, "max(0, excess) // 16 + 1"), ("return reserve, excess - reserve", "return reserve, excess"),
                         ("excess = equity_quanta - maintenance_quanta - slack_quanta", "excess = equity_quanta - maintenance_quanta"),
                         ("excess = equity_quanta - maintenance_quanta - slack_quanta", "excess = equity_quanta - slack_quanta")]})
def reach_is_shared(case: Any, rules: Any) -> None:
    equity, maintenance, slack = case.whole("equity"), case.whole("maintenance"), case.whole("slack", low=0)
    reserve, budget = rules.margin.reach(equity, maintenance, slack)
    case.claim(reserve >= 0, "never negative")
    case.claim(reserve + budget + slack == equity - maintenance, "nothing is counted twice")
    case.claim(reserve * 16 <= max(0, equity - maintenance - slack), "a sixteenth")
    if budget > 0:
        case.claim(equity - maintenance > slack, "whoever has a budget is not short")


@proof("HLTH-002", "rooms of two markets, all used at once, cost no more than the budget", "margin.room", "margin.room_e9",
       bounds="marks 46,000,000 and 24,000,000, 10 and 7 lots, budget >= 0, total at least the notional",
       slips={"margin": [("return mul_div_floor(mark_quanta * E9, budget_quanta, total_quanta)", "return mul_div_floor(mark_quanta * E9, budget_quanta, total_quanta) + 1"),
                         ("return mul_div_floor(price_quanta, budget_quanta, total_quanta)", "return -mul_div_floor(-price_quanta, budget_quanta, total_quanta) + 1")]})
def rooms_fit_the_budget(case: Any, rules: Any) -> None:
    budget = case.whole("budget", low=0)
    total = 10 * 46_000_000 + 7 * 24_000_000
    first, second = (rules.margin.room_e9(mark, budget, total) for mark in (46_000_000, 24_000_000))
    case.claim(10 * first + 7 * second <= budget * E9, "together within the budget")
    first, second = (rules.margin.room(price, budget, total) for price in (46_000_000, 24_000_000))
    case.claim(10 * first + 7 * second <= budget, "assets too")
    case.claim(first >= 0, "never negative")


KEPT = "kept = mul_div_floor(entry_quanta, abs(lots) - moved_lots, abs(lots))"


@proof("MARG-012", "nothing of the entry is lost; what is kept is its share, rounded down by less than one quantum",
       "margin.split_entry", bounds="10 or -7 lots, 0 <= moved <= |lots|, any entry",
       slips={"margin": [(KEPT, KEPT.replace("abs(lots) - moved_lots", "moved_lots")), (KEPT, KEPT + " + 1"),
                         ("return kept, entry_quanta - kept", "return kept, entry_quanta"), (KEPT, KEPT.replace("mul_div_floor(entry_quanta", "-mul_div_floor(-entry_quanta"))]})
def moved_entry_is_conserved(case: Any, rules: Any) -> None:
    entry, short = case.whole("entry"), case.whole("short", 0, 1)
    lots = -7 if short == 1 else 10
    moved = case.whole("moved", low=0, high=abs(lots))
    kept, gone = rules.margin.split_entry(lots, entry, moved)
    case.claim(kept + gone == entry, "nothing is lost")
    case.claim(kept * abs(lots) <= entry * (abs(lots) - moved), "rounded down")
    case.claim((kept + 1) * abs(lots) > entry * (abs(lots) - moved), "by less than one quantum")
    if moved == abs(lots):
        case.claim(kept == 0, "all of it moves with all lots")

