
# ruff: noqa: E501 - a slip is quoted as the source has it
"""Laws of what may leave an account."""

from typing import Any

from tests.proofs.prover import proof

WITHDRAWABLE = "min(realised, equity_quanta) - max(0, margin_quanta - assets_quanta)"
FLOOR = "max(0, free_cash(cash_quanta, entry_quanta, equity_quanta, margin_quanta, assets_quanta))"
MARGIN = "max(initial_margin_quanta, ppm_ceil(notional_quanta, TRANSFER_MARGIN_PPM))"


@proof("COLL-004", "never negative, and what leaves leaves the initial margin behind", "collateral.withdrawable", "collateral.free_cash",
       "margin.may_take_on", bounds="all integers, margin and assets >= 0, 0 <= taken <= withdrawable",
       slips={"collateral": [(FLOOR, FLOOR.replace("max(0, free", "(free")),
                             (WITHDRAWABLE, "max(realised, equity_quanta) - max(0, margin_quanta - assets_quanta)"),
                             (WITHDRAWABLE, "realised - max(0, margin_quanta - assets_quanta)"),
                             (WITHDRAWABLE, "min(realised, equity_quanta)")]})
def withdrawal_leaves_the_margin(case: Any, rules: Any) -> None:
    cash, entry, equity = case.whole("cash"), case.whole("entry"), case.whole("equity")
    initial, taken = case.whole("initial", low=0), case.whole("taken", low=0)
    assets = case.whole("assets", low=0)
    free = rules.collateral.withdrawable(cash, entry, equity, initial, assets)
    case.claim(free >= 0, "never negative")
    case.claim(free >= rules.collateral.free_cash(cash, entry, equity, initial, assets), "never less than what is free")
    case.assume(taken <= free)
    if taken > 0:
        case.claim(rules.margin.may_take_on(equity + assets - taken, initial), "equity still covers the margin")
        case.claim(cash + entry - taken >= 0, "nobody borrows against assets")
    rest = rules.collateral.withdrawable(cash - taken, entry, equity - taken, initial, assets)
    case.claim(rest == free - taken, "taking part leaves the rest, taking all leaves nothing")


@proof("COLL-004", "unrealised profit never leaves, unrealised loss counts", "collateral.withdrawable",
       "margin.unrealised_profit", bounds="one position, mark >= 0, margin >= 0, no other assets",
       slips={"collateral": [(WITHDRAWABLE, "equity_quanta - max(0, margin_quanta - assets_quanta)"),
                             (WITHDRAWABLE, "realised - max(0, margin_quanta - assets_quanta)"),
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
       slips={"collateral": [(WITHDRAWABLE, "min(realised, equity_quanta) + max(0, margin_quanta - assets_quanta)"),
                             (WITHDRAWABLE, "-min(realised, equity_quanta) - max(0, margin_quanta - assets_quanta)")]})
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


VALUE = "return mul_div_floor(units * price_quanta, PPM - haircut_ppm, units_a_price * PPM)"
TAKEN = "mul_div_ceil(paid, units_a_price * PPM, price_quanta * (PPM - haircut_ppm))"
PAID = "min(owed_quanta, purse_quanta, asset_value(units, price_quanta, units_a_price, haircut_ppm))"
ASSETS = ((46_000_000, 100_000, 100_000), (1_080_000, 100, 50_000), (3, 1, 100_000))  # price, units a price, haircut in ppm
AT_ASSETS = "(price, units a price, haircut) one of (46,000,000, 100,000, 10 %), (1,080,000, 100, 5 %), (3, 1, 10 %)"


def terms(case: Any) -> tuple[int, int, int]:
    """One of ASSETS."""
    chosen = case.whole("asset", 0, len(ASSETS) - 1)
    return next(one for number, one in enumerate(ASSETS) if chosen == number)


@proof("COLL-010", "never negative, never above the price, rounded down by less than one quantum",
       "collateral.asset_value", bounds=AT_ASSETS + "; units >= 0",
       slips={"collateral": [(VALUE, VALUE.replace("mul_div_floor", "mul_div_ceil")), (VALUE, VALUE.replace("PPM - haircut_ppm", "PPM + haircut_ppm")),
                             (VALUE, VALUE.replace("units_a_price * PPM", "PPM"))]})
def collateral_is_worth_no_more(case: Any, rules: Any) -> None:
    units, (price, a_price, haircut) = case.whole("units", low=0), terms(case)
    value = rules.collateral.asset_value(units, price, a_price, haircut)
    exact = units * price * (1_000_000 - haircut)
    case.claim(value >= 0, "never negative")
    case.claim(value * a_price <= units * price, "never above the price")
    case.claim(value * a_price * 1_000_000 <= exact, "never above the value after the haircut")
    case.claim((value + 1) * a_price * 1_000_000 > exact, "below it by less than one quantum")


@proof("COLL-010", "monotone in units and price, antitone in the haircut", "collateral.asset_value",
       bounds="one of: any units at 46,000,000 for 100,000 units less 10 %; 5 units at any price; 5 units at 46,000,000 with any haircut",
       slips={"collateral": [(VALUE, VALUE.replace("PPM - haircut_ppm", "PPM + haircut_ppm")), (VALUE, VALUE.replace("units * price_quanta", "-units * price_quanta"))]})
def collateral_is_monotone(case: Any, rules: Any) -> None:
    value = rules.collateral.asset_value
    units, price, more = case.whole("units", low=0), case.whole("price", low=0), case.whole("more", low=0)
    haircut, deeper = case.whole("haircut", 0, 1_000_000), case.whole("deeper", 0, 1_000_000)
    case.claim(value(units + more, 46_000_000, 100_000, 100_000) >= value(units, 46_000_000, 100_000, 100_000), "in units")
    case.claim(value(5, price + more, 100_000, 100_000) >= value(5, price, 100_000, 100_000), "in the price")
    if deeper >= haircut:
        case.claim(value(5, 46_000_000, 100_000, deeper) <= value(5, 46_000_000, 100_000, haircut), "in the haircut")


@proof("COLL-011", "what is left covers what must stay, and fewer assets never help", "collateral.asset_may_leave",
       "margin.may_take_on", bounds="all integers",
       slips={"collateral": [("+ assets_after_quanta >= margin_quanta", ">= margin_quanta"), ("+ assets_after_quanta >= margin_quanta", "+ assets_after_quanta <= margin_quanta"),
                             ("return min(cash_quanta + entry_quanta, equity_quanta) +", "return cash_quanta + entry_quanta +"),
                             ("return min(cash_quanta + entry_quanta, equity_quanta) +", "return max(cash_quanta + entry_quanta, equity_quanta) +")]})
def assets_that_must_stay(case: Any, rules: Any) -> None:
    cash, entry, equity = case.whole("cash"), case.whole("entry"), case.whole("equity")
    margin, left, more = case.whole("margin"), case.whole("left"), case.whole("more", low=0)
    may = rules.collateral.asset_may_leave(cash, entry, equity, margin, left)
    if may:
        case.claim(rules.margin.may_take_on(equity + left, margin), "equity covers it")
        case.claim(rules.margin.may_take_on(cash + entry + left, margin), "without profit on paper too")
        case.claim(rules.collateral.asset_may_leave(cash, entry, equity, margin, left + more), "more left is as good")
    else:
        case.claim((equity + left < margin) | (cash + entry + left < margin), "refused for a reason")


@proof("COLL-012", "pays at most what is owed, held in the purse and worth it; takes at most what counts, and less than one unit more than is worth it",
       "collateral.seizure", bounds=AT_ASSETS + "; units >= 0, any debt and purse",
       slips={"collateral": [(PAID, PAID.replace("min(", "max(")), (PAID, PAID.replace("purse_quanta, ", "")), (PAID, PAID.replace("owed_quanta, ", "")),
                             (TAKEN, TAKEN.replace("mul_div_ceil", "mul_div_floor")), (TAKEN, TAKEN + " + 1"), ("if paid <= 0:", "if paid < -9:")]})
def seizure_is_fair(case: Any, rules: Any) -> None:
    units, (price, a_price, haircut) = case.whole("units", low=0), terms(case)
    owed, purse = case.whole("owed"), case.whole("purse")
    taken, paid = rules.collateral.seizure(units, price, a_price, haircut, owed, purse)
    worth = taken * price * (1_000_000 - haircut)
    case.claim(paid >= 0, "pays, never takes cash")
    case.claim(taken >= 0, "takes, never gives units")
    case.claim(taken <= units, "at most what counts as collateral")
    if paid > 0:
        case.claim(paid <= owed, "at most what is owed")
        case.claim(paid <= purse, "at most what the purse holds")
    case.claim(paid * a_price * 1_000_000 <= worth, "the purse never overpays")
    if taken > 0:
        fewer = (taken - 1) * price * (1_000_000 - haircut)
        case.claim(paid * a_price * 1_000_000 > fewer, "and one unit less would not be worth it")
        case.claim(paid > 0, "nothing is taken for nothing")


PART = "return free_after >= min(0, free_before)"


@proof("MARG-013", "what could be withdrawn may go, what lacks nothing more may go, nothing else", "collateral.may_part",
       "collateral.withdrawable", "collateral.free_cash", bounds="all integers, cash moved >= 0",
       slips={"collateral": [(PART, PART.replace("min", "max")), (PART, PART.replace(">=", ">")), (PART, "return free_after >= 0"),
                             (PART, "return free_after >= free_before - 1"), (PART, "return True")]})
def parting_is_withdrawing(case: Any, rules: Any) -> None:
    cash, entry, equity = case.whole("cash"), case.whole("entry"), case.whole("equity")
    margin, assets, moved = case.whole("margin"), case.whole("assets", low=0), case.whole("moved", low=0)
    before = rules.collateral.free_cash(cash, entry, equity, margin, assets)
    after = rules.collateral.free_cash(cash - moved, entry, equity - moved, margin, assets)
    case.claim(rules.collateral.may_part(before, before), "nothing may be given up")
    if rules.collateral.may_part(before, after):
        case.claim((moved == 0) | (moved <= rules.collateral.withdrawable(cash, entry, equity, margin, assets)), "cash alone")
    else:
        case.claim(after < 0, "only what lacks something is refused")
        case.claim(after < before, "and lacks more than before")
