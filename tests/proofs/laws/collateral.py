
# ruff: noqa: E501 - a slip is quoted as the source has it
"""Laws of what may leave an account."""

from typing import Any

from tests.proofs.prover import proof

WITHDRAWABLE = "max(0, min(realised, equity_quanta) - max(0, margin_quanta - assets_quanta))"
MARGIN = "max(initial_margin_quanta, ppm_ceil(notional_quanta, TRANSFER_MARGIN_PPM))"


@proof("COLL-004", "never negative, and what leaves leaves the initial margin behind", "collateral.withdrawable",
       "margin.may_take_on", bounds="all integers, margin and assets >= 0, 0 <= taken <= withdrawable",
       slips={"collateral": [(WITHDRAWABLE, "min(realised, equity_quanta) - max(0, margin_quanta - assets_quanta)"),
                             (WITHDRAWABLE, "max(0, max(realised, equity_quanta) - max(0, margin_quanta - assets_quanta))"),
                             (WITHDRAWABLE, "max(0, realised - max(0, margin_quanta - assets_quanta))"),
                             (WITHDRAWABLE, "max(0, min(realised, equity_quanta))")]})
def withdrawal_leaves_the_margin(case: Any, rules: Any) -> None:
    cash, entry, equity = case.whole("cash"), case.whole("entry"), case.whole("equity")
    initial, taken = case.whole("initial", low=0), case.whole("taken", low=0)
    assets = case.whole("assets", low=0)
    free = rules.collateral.withdrawable(cash, entry, equity, initial, assets)
    case.claim(free >= 0, "never negative")
    case.assume(taken <= free)
    if taken > 0:
        case.claim(rules.margin.may_take_on(equity + assets - taken, initial), "equity still covers the margin")
        case.claim(cash + entry - taken >= 0, "nobody borrows against assets")
    rest = rules.collateral.withdrawable(cash - taken, entry, equity - taken, initial, assets)
    case.claim(rest == free - taken, "taking part leaves the rest, taking all leaves nothing")


@proof("COLL-004", "unrealised profit never leaves, unrealised loss counts", "collateral.withdrawable",
       "margin.unrealised_profit", bounds="one position, mark >= 0, margin >= 0, no other assets",
       slips={"collateral": [(WITHDRAWABLE, "max(0, equity_quanta - max(0, margin_quanta - assets_quanta))"),
                             (WITHDRAWABLE, "max(0, realised - max(0, margin_quanta - assets_quanta))"),
                             ("realised = cash_quanta + entry_quanta", "realised = cash_quanta - entry_quanta")],
              "margin": ("return lots * mark_quanta - entry_quanta", "return lots * mark_quanta + entry_quanta")})
def profit_on_paper_stays(case: Any, rules: Any) -> None:
    cash, lots, entry = case.whole("cash"), case.whole("lots"), case.whole("entry")
    mark, initial = case.whole("mark", low=0), case.whole("initial", low=0)
    equity = cash + lots * mark
    free = rules.collateral.withdrawable(cash, entry, equity, initial, 0)
    profit = rules.margin.unrealised_profit(lots, entry, mark)
    if free > 0:
        case.claim(free <= equity - profit - initial, "without the profit on paper it is covered too")
        case.claim(free <= equity - initial, "and with a loss on paper")


@proof("COLL-004", "more margin never frees, more cash never locks", "collateral.withdrawable",
       slips={"collateral": [(WITHDRAWABLE, "max(0, min(realised, equity_quanta) + max(0, margin_quanta - assets_quanta))"),
                             (WITHDRAWABLE, "max(0, -min(realised, equity_quanta) - max(0, margin_quanta - assets_quanta))")]})
def withdrawable_is_monotone(case: Any, rules: Any) -> None:
    cash, entry, equity = case.whole("cash"), case.whole("entry"), case.whole("equity")
    margin, assets, more = case.whole("margin"), case.whole("assets", low=0), case.whole("more", low=0)
    free = rules.collateral.withdrawable
    now = free(cash, entry, equity, margin, assets)
    case.claim(free(cash, entry, equity, margin + more, assets) <= now, "antitone in margin")
    case.claim(free(cash + more, entry, equity + more, margin, assets) >= now, "monotone in cash")
    case.claim(free(cash, entry, equity + more, margin, assets) >= now, "monotone in equity")
    case.claim(free(cash, entry, equity, margin, assets + more) >= now, "monotone in assets")


@proof("COLL-009", "at least the initial margin and a tenth of the notional, rounded up by less than one quantum",
       "collateral.transfer_margin", bounds="notional >= 0, any initial margin",
       slips={"collateral": [(MARGIN, MARGIN.replace("max", "min")), (MARGIN, "initial_margin_quanta"),
                             (MARGIN, "ppm_ceil(notional_quanta, TRANSFER_MARGIN_PPM)"), ("TRANSFER_MARGIN_PPM = 100_000", "TRANSFER_MARGIN_PPM = 10_000")]})
def a_tenth_stays(case: Any, rules: Any) -> None:
    initial, notional, more = case.whole("initial"), case.whole("notional", low=0), case.whole("more", low=0)
    stays = rules.collateral.transfer_margin(initial, notional)
    case.claim(stays >= initial, "the initial margin")
    case.claim(stays * 10 >= notional, "a tenth of the notional")
    if stays > initial:
        case.claim((stays - 1) * 10 < notional, "rounded up by less than one")
    case.claim(rules.collateral.transfer_margin(initial, notional + more) >= stays, "monotone")
