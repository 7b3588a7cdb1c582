
"""Laws of what may leave an account."""

from typing import Any

from tests.proofs.prover import proof

WITHDRAWABLE = "max(0, min(realised, equity_quanta) - initial_margin_quanta)"


@proof("COLL-004", "never negative, and what leaves leaves the initial margin behind", "collateral.withdrawable",
       "margin.may_take_on", bounds="all integers, initial margin >= 0, 0 <= taken <= withdrawable",
       slips={"collateral": [(WITHDRAWABLE, "min(realised, equity_quanta) - initial_margin_quanta"),
                             (WITHDRAWABLE, "max(0, max(realised, equity_quanta) - initial_margin_quanta)"),
                             (WITHDRAWABLE, "max(0, realised - initial_margin_quanta)"),
                             (WITHDRAWABLE, "max(0, min(realised, equity_quanta))")]})
def withdrawal_leaves_the_margin(case: Any, rules: Any) -> None:
    cash, entry, equity = case.whole("cash"), case.whole("entry"), case.whole("equity")
    initial, taken = case.whole("initial", low=0), case.whole("taken", low=0)
    free = rules.collateral.withdrawable(cash, entry, equity, initial)
    case.claim(free >= 0, "never negative")
    case.assume(taken <= free)
    if taken > 0:
        case.claim(rules.margin.may_take_on(equity - taken, initial), "equity still covers the initial margin")
    rest = rules.collateral.withdrawable(cash - taken, entry, equity - taken, initial)
    case.claim(rest == free - taken, "taking part leaves the rest, taking all leaves nothing")


@proof("COLL-004", "unrealised profit never leaves, unrealised loss counts", "collateral.withdrawable",
       "margin.unrealised_profit", bounds="one position, mark >= 0, initial margin >= 0",
       slips={"collateral": [(WITHDRAWABLE, "max(0, equity_quanta - initial_margin_quanta)"),
                             (WITHDRAWABLE, "max(0, realised - initial_margin_quanta)"),
                             ("realised = cash_quanta + entry_quanta", "realised = cash_quanta - entry_quanta")],
              "margin": ("return lots * mark_quanta - entry_quanta", "return lots * mark_quanta + entry_quanta")})
def profit_on_paper_stays(case: Any, rules: Any) -> None:
    cash, lots, entry = case.whole("cash"), case.whole("lots"), case.whole("entry")
    mark, initial = case.whole("mark", low=0), case.whole("initial", low=0)
    equity = cash + lots * mark
    free = rules.collateral.withdrawable(cash, entry, equity, initial)
    profit = rules.margin.unrealised_profit(lots, entry, mark)
    if free > 0:
        case.claim(free <= equity - profit - initial, "without the profit on paper it is covered too")
        case.claim(free <= equity - initial, "and with a loss on paper")


@proof("COLL-004", "more margin never frees, more cash never locks", "collateral.withdrawable",
       slips={"collateral": [(WITHDRAWABLE, "max(0, min(realised, equity_quanta) + initial_margin_quanta)"),
                             (WITHDRAWABLE, "max(0, -min(realised, equity_quanta) - initial_margin_quanta)")]})
def withdrawable_is_monotone(case: Any, rules: Any) -> None:
    cash, entry, equity = case.whole("cash"), case.whole("entry"), case.whole("equity")
    initial, more = case.whole("initial"), case.whole("more", low=0)
    free = rules.collateral.withdrawable(cash, entry, equity, initial)
    case.claim(rules.collateral.withdrawable(cash, entry, equity, initial + more) <= free, "antitone in margin")
    case.claim(rules.collateral.withdrawable(cash + more, entry, equity + more, initial) >= free, "monotone in cash")
    case.claim(rules.collateral.withdrawable(cash, entry, equity + more, initial) >= free, "monotone in equity")
