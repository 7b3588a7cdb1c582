# ruff: noqa: E501 - a slip is quoted as the source has it
"""Laws of standard margin for options: never more than can be lost, and an order asks for no less than its fill."""

from typing import Any

from tests.proofs.prover import proof

USD = 1_000_000
INDEX = 1_500 * USD
RATES = (150_000, 130_000, 90_000, 90_000, 90_000, 1_050_000, 1_200_000, 1_100_000)  # as genesis gives them
AT_RATES = "index 1,500 USD, rates of mainnet"
KEPT = "return index_quanta * call_ppm if is_call else max(index_quanta * put_ppm, mark_quanta * put_value_ppm)"
AWAY = "away = max(0, leg.strike_quanta - index_quanta if leg.is_call else index_quanta - leg.strike_quanta)"
ASKED = "asked = max(index_quanta * terms.least_ppm, index_quanta * terms.most_ppm - away * PPM)"
UNPAIRED = "return ppm_ceil(max(0, -net_calls) * index_quanta, rate_ppm)"
WORSE = "return max(0, buy_lots * buy_each + max(0, buy_loss), sell_lots * sell_each + max(0, sell_loss))"


@proof("MARG-014", "maintenance between 0 and initial margin; further out of the money never asks for more; not above the most",
       "margin.short_maintenance", "margin.short_initial", bounds=AT_RATES + ", any strike and mark >= 0, call and put",
       slips={"margin": [(KEPT, KEPT.replace("index_quanta * call_ppm", "-index_quanta * call_ppm")), (ASKED, ASKED.replace("- away", "+ away")),
                         ("return max(asked, kept)", "return asked - kept"), (AWAY, AWAY.replace("max(0, leg", "max(1, leg").replace("max(1, leg.strike_quanta - index_quanta if", "max(0, index_quanta - leg.strike_quanta if"))]})
def short_margins_are_ordered(case: Any, rules: Any) -> None:
    terms = rules.margin.OptionTerms(*RATES)
    mark, strike, further = case.whole("mark", low=0), case.whole("strike", low=0), case.whole("further", low=0)
    for is_call in (True, False):
        kept = rules.margin.short_maintenance(mark, INDEX, is_call, terms.call_ppm, terms.put_ppm, terms.put_value_ppm)
        asked = rules.margin.short_initial(rules.margin.Leg(-1, mark, strike, is_call), INDEX, terms)
        case.claim(kept >= INDEX * 90_000, "a part of the index at least")
        case.claim(asked >= kept, "initial is no less")
        away = strike + further if is_call else strike - further
        beyond = rules.margin.short_initial(rules.margin.Leg(-1, mark, away, is_call), INDEX, terms)
        case.claim(beyond <= asked, "further out asks for no more")
        if is_call:
            case.claim(asked <= INDEX * 150_000, "the most")


@proof("MARG-015", "long: all of its value; short: rounded up, initial no less than maintenance, more for more lots", "margin.lone_margins",
       bounds=AT_RATES + ", calls at 1,900 USD and puts at 1,300 USD, marks 0 to 2,000 USD, any lots",
       slips={"margin": [("return leg.lots * leg.mark_quanta, leg.lots * leg.mark_quanta", "return 0, 0"), ("ppm_ceil(-leg.lots * kept, 1)", "ppm_ceil(leg.lots * kept, 1)"),
                         ("ppm_ceil(-leg.lots * kept, 1)", "ppm_ceil(-leg.lots * kept, 2)")]})
def alone_is_its_value_or_its_rates(case: Any, rules: Any) -> None:
    terms = rules.margin.OptionTerms(*RATES)
    lots, more = case.whole("lots", low=1), case.whole("more", low=0)
    for mark, strike, is_call in ((6 * USD, 1_900 * USD, True), (14 * USD, 1_300 * USD, False), (2_000 * USD, 1_300 * USD, False)):
        leg = rules.margin.Leg
        held = rules.margin.lone_margins(leg(lots, mark, strike, is_call), INDEX, terms)
        case.claim((held[0] == lots * mark) & (held[1] == lots * mark), "all of it")
        initial, kept = rules.margin.lone_margins(leg(-lots, mark, strike, is_call), INDEX, terms)
        case.claim((initial >= kept) & (kept >= 0), "in order")
        case.claim(kept * 1_000_000 >= lots * INDEX * 90_000, "rounded up")
        beyond = rules.margin.lone_margins(leg(-lots - more, mark, strike, is_call), INDEX, terms)
        case.claim((beyond[0] >= initial) & (beyond[1] >= kept), "more for more")


@proof("MARG-016", "no settlement price pays less than the worst payoff, while calls are paired", "margin.worst_payoff",
       bounds="a call and a put at strikes 100 and 130, either way round, any lots; calls not net short; any price >= 0",
       slips={"margin": [("slope, price = slope + lots, strike", "slope, price = slope - lots, strike"), ("least = min(least, payoff)", "least = payoff"),
                         ("payoff += slope * (strike - price)", "payoff -= slope * (strike - price)"), ("least = -sum(leg.lots for leg in legs if not leg.is_call), 0, min(0, payoff)", "least = -sum(leg.lots for leg in legs if not leg.is_call), 0, 0")]})
def nothing_pays_less(case: Any, rules: Any) -> None:
    calls, puts, price = case.whole("calls", low=0), case.whole("puts"), case.whole("price", low=0)
    leg = rules.margin.Leg
    for call_at, put_at in ((100, 130), (130, 100)):
        worst = rules.margin.worst_payoff([leg(calls, 1, call_at, True), leg(puts, 1, put_at, False)])
        paid = calls * max(0, price - call_at) + puts * max(0, put_at - price)
        case.claim(worst <= paid, "no less than the worst")
        case.claim(worst <= 0, "no credit")
        case.claim(worst >= min(0, puts) * 130, "no more than all of it")


@proof("MARG-016", "a spread loses no more than the distance of its strikes, and what can be lost is never below 0", "margin.most_loss",
       "margin.worst_payoff", "margin.unpaired", bounds="calls at any two strikes, any lots, any marks",
       slips={"margin": [("return max(0, value_quanta - worst_quanta)", "return value_quanta - worst_quanta"), ("return max(0, value_quanta - worst_quanta)", "return max(0, value_quanta + worst_quanta)"),
                         (UNPAIRED, "return ppm_ceil(abs(net_calls) * index_quanta, rate_ppm)"), (UNPAIRED, "return ppm_ceil(-net_calls * index_quanta, rate_ppm)")]})
def spreads_lose_their_width(case: Any, rules: Any) -> None:
    low, width, lots = case.whole("low", low=0), case.whole("width", low=1), 3
    value, net = case.whole("value"), case.whole("net")
    leg = rules.margin.Leg
    worst = rules.margin.worst_payoff([leg(-lots, 1, low, True), leg(lots, 1, low + width, True)])
    case.claim(worst == -lots * width, "the distance")
    asked = rules.margin.most_loss(value, worst)
    case.claim(asked >= 0, "never below 0")
    case.claim(value - asked <= -lots * width, "all of it is there")
    if value >= -lots * width:
        case.claim(value - asked == -lots * width, "and no more")
    charge = rules.margin.unpaired(net, INDEX, 1_200_000)
    case.claim((charge >= 0) & ((net < 0) | (charge == 0)), "for shorts alone")
    case.claim(rules.margin.unpaired(net - lots, INDEX, 1_200_000) <= charge + rules.margin.unpaired(-lots, INDEX, 1_200_000), "together no more")


SHARED = "upto = total_quanta * seen // whole if whole else total_quanta"


@proof("RISK-002", "parts are never negative, sum to the whole, and each is off by less than one", "margin.shared_out",
       bounds="weights 3, 0 and 4 or none, any total >= 0",
       slips={"margin": [(SHARED, "upto = total_quanta * weight // whole if whole else total_quanta"), (SHARED, SHARED + " + 1"),
                         ("        given = upto\n", "")]})
def parts_sum_to_the_whole(case: Any, rules: Any) -> None:
    total = case.whole("total", low=0)
    for weights in ((3, 0, 4), (0, 0)):
        parts = rules.margin.shared_out(total, weights)
        case.claim(sum(parts) == total, "all of it")
        for part, weight in zip(parts, weights, strict=True):
            case.claim(part >= 0, "never negative")
            if sum(weights):
                case.claim((part * 7 > total * weight - 7) & (part * 7 < total * weight + 7), "off by less than one")


@proof("MARG-017", "never below 0, no less than either side, and filling part of a side leaves no more than was asked", "margin.worse_side",
       bounds="one lot asks for 79 or 225, any lots >= 0, any losses",
       slips={"margin": [(WORSE, "return max(0, buy_lots * buy_each + buy_loss, sell_lots * sell_each + sell_loss)"), (WORSE, "return buy_lots * buy_each + max(0, buy_loss)"),
                         (WORSE, WORSE.replace("max(0, buy_lots", "min(0, buy_lots"))]})
def orders_ask_for_their_worse_side(case: Any, rules: Any) -> None:
    buys, filled, sells = case.whole("buys", low=0), case.whole("filled", low=0), case.whole("sells", low=0)
    buy_loss, sell_loss = case.whole("buy_loss"), case.whole("sell_loss")
    asked = rules.margin.worse_side(buys + filled, 79, buy_loss, sells, 225, sell_loss)
    case.claim(asked >= 0, "never below 0")
    case.claim((asked >= (buys + filled) * 79) & (asked >= sells * 225), "either side")
    case.claim((asked >= (buys + filled) * 79 + buy_loss) & (asked >= sells * 225 + sell_loss), "with what it loses")
    case.claim(filled * 79 + rules.margin.worse_side(buys, 79, buy_loss, 0, 0, 0) <= rules.margin.worse_side(buys + filled, 79, buy_loss, 0, 0, 0), "a part that fills")
