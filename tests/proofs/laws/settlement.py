# ruff: noqa: E501 - a slip is quoted as the source has it
"""Laws of how markets end."""

from typing import Any

from tests.proofs.prover import proof

PRICE = "return weighted // covered_ns if covered_ns else last_quanta"
UNTIL = "until = min(now_ns, last_ns + most_ns, ends_ns)"
COUNTED = "return max(0, until - max(last_ns, opens_ns))"
PAYS = "return max(0, min(-cash_quanta, fund_quanta))"


@proof("SETL-002", "never negative, never more than the time, the window or what a price may stand for", "settlement.counted_ns",
       bounds="times that ascend, a window that is not empty, most >= 0",
       slips={"settlement": [(COUNTED, "return until - max(last_ns, opens_ns)"), (UNTIL, "until = min(now_ns, ends_ns)"),
                             (UNTIL, "until = min(now_ns, last_ns + most_ns)"), (COUNTED, "return max(0, until - last_ns)")]})
def counted_time_is_within(case: Any, rules: Any) -> None:
    last, opens = case.whole("last", low=0), case.whole("opens", low=0)
    now, ends = last + case.whole("passed", low=0), opens + case.whole("window", low=1)
    most = case.whole("most", low=0)
    counted = rules.settlement.counted_ns(last, now, opens, ends, most)
    case.claim(counted >= 0, "never negative")
    case.claim((counted <= now - last) & (counted <= most) & (counted <= ends - opens), "never more than there is")
    if now <= opens or last >= ends:
        case.claim(counted == 0, "outside the window nothing counts")
    if last >= opens and now <= ends and now - last <= most:
        case.claim(counted == now - last, "inside the window all counts")


@proof("SETL-002", "two blocks count what one would, while no gap is too long", "settlement.counted_ns",
       bounds="times that ascend, a window that is not empty, gaps within what a price may stand for",
       slips={"settlement": [(COUNTED, "return max(0, until - max(last_ns, opens_ns)) + 1"), (UNTIL, "until = min(now_ns, last_ns + 1, ends_ns)")]})
def counted_time_adds_up(case: Any, rules: Any) -> None:
    last, opens = case.whole("last", low=0), case.whole("opens", low=0)
    between = last + case.whole("first", low=0)
    now, ends = between + case.whole("second", low=0), opens + case.whole("window", low=1)
    most = now - last
    count = rules.settlement.counted_ns
    whole = count(last, now, opens, ends, most)
    case.claim(count(last, between, opens, ends, most) + count(between, now, opens, ends, most) == whole, "they add up")


@proof("SETL-003", "between the lowest and the highest price of the window, rounded down; the last price without any",
       "settlement.settlement_price", bounds="two prices, one for 600, the other for 1,200 seconds",
       slips={"settlement": [(PRICE, "return -(-weighted // covered_ns) if covered_ns else last_quanta"), (PRICE, "return last_quanta"),
                             (PRICE, "return weighted // covered_ns if covered_ns else 0")]})
def price_is_a_mean(case: Any, rules: Any) -> None:
    first, second, last = case.whole("one", low=1), case.whole("two", low=1), case.whole("last", low=1)
    weighted = first * 600 + second * 1_200
    price = rules.settlement.settlement_price(weighted, 1_800, last)
    case.claim((price >= min(first, second)) & (price <= max(first, second)), "between the two")
    case.claim((price * 1_800 <= weighted) & ((price + 1) * 1_800 > weighted), "rounded down")
    case.claim(rules.settlement.settlement_price(0, 0, last) == last, "nothing covered")


@proof("SETL-006", "never more than the debt or the fund, never negative, all of the lesser", "settlement.fund_pays",
       slips={"settlement": [(PAYS, "return min(-cash_quanta, fund_quanta)"), (PAYS, "return max(0, -cash_quanta)"),
                             (PAYS, "return max(0, fund_quanta)"), (PAYS, "return 0")]})
def fund_pays_within_its_means(case: Any, rules: Any) -> None:
    cash, fund = case.whole("cash"), case.whole("fund", low=0)
    paid = rules.settlement.fund_pays(cash, fund)
    case.claim((paid >= 0) & (paid <= fund), "the fund never falls below zero")
    if cash < 0:
        case.claim(cash + paid <= 0, "never more than the debt")
        case.claim((cash + paid == 0) | (paid == fund), "all of it, or all there is")
    else:
        case.claim(paid == 0, "nothing without a debt")
