# ruff: noqa: E501 - a slip is quoted as the source has it
"""Laws of portfolio margin: what is put together never asks for more than its parts, and nothing worse asks for less."""

from typing import Any

from tests.proofs.prover import proof

PPM = 1_000_000
REQUIREMENT = "return -(total_e6 * factor_ppm // (PPM * PPM)) + contingency_quanta"
LINEAR = "return ppm_ceil(sum(abs(value) for value in values_quanta), rate_ppm)"
NAKED = "return ppm_ceil(sum(max(0, -lots) for lots in strikes_lots) * index_quanta, rate_ppm)"
WEIGHTED = "(profit * PPM + linear_quanta * row.spot_ppm) * row.weight_ppm // (PPM * PPM)"
CREDIT = "credit = min(min(0, *joint) - parts, cap_quanta * PPM)"


@proof("PORT-011", "rounded up by less than one quantum, no less for what is worse, and never more together than apart",
       "portfolio.requirement", bounds="factors of 800,000 and 1,000,000 ppm, totals at most 0, any contingency",
       slips={"portfolio": [(REQUIREMENT, "return -total_e6 * factor_ppm // (PPM * PPM) + contingency_quanta"),
                            (REQUIREMENT, REQUIREMENT.replace("+ contingency_quanta", "- contingency_quanta")),
                            (REQUIREMENT, REQUIREMENT + " + 1")]})
def requirement_rounds_up(case: Any, rules: Any) -> None:
    total, other, charge = case.whole("total", high=0), case.whole("other", high=0), case.whole("charge")
    more = case.whole("more", low=0)
    for factor in (800_000, PPM):
        asked = rules.portfolio.requirement(total, factor, 0)
        case.claim(asked * PPM * PPM >= -total * factor, "not below")
        case.claim((asked - 1) * PPM * PPM < -total * factor, "above by less than one")
        case.claim(rules.portfolio.requirement(total, factor, charge) == asked + charge, "contingencies are added")
        case.claim(rules.portfolio.requirement(total - more, factor, 0) >= asked, "worse asks for no less")
        together = rules.portfolio.requirement(total + other, factor, 0)
        case.claim(together <= asked + rules.portfolio.requirement(other, factor, 0), "together no more")


@proof("PORT-009", "a charge for what is linear: rounded up, none for nothing, never more for one sum than for its parts",
       "portfolio.linear_contingency", bounds="3 % (30,000 ppm), two markets, any values",
       slips={"portfolio": [(LINEAR, "return ppm_ceil(abs(sum(values_quanta)), rate_ppm)"), (LINEAR, "return ppm_ceil(sum(values_quanta), rate_ppm)"),
                            (LINEAR, LINEAR + " + 1")]})
def linear_charge_is_subadditive(case: Any, rules: Any) -> None:
    one, two, more = case.whole("one"), case.whole("two"), case.whole("more")
    charge = rules.portfolio.linear_contingency
    asked = charge([one, two], 30_000)
    case.claim(asked * PPM >= (abs(one) + abs(two)) * 30_000, "not below, whatever hedges")
    case.claim((asked - 1) * PPM < (abs(one) + abs(two)) * 30_000, "above by less than one")
    case.claim(charge([one + more, two], 30_000) <= asked + charge([more], 30_000), "together no more")
    case.claim(charge([two, one], 30_000) == asked, "in any order")


@proof("PORT-009", "a charge for naked shorts: calls and puts of a strike together, none for what is held, never more together than apart",
       "portfolio.option_contingency", bounds="index 50,000,000 and 3,000 ppm, two strikes, any lots",
       slips={"portfolio": [(NAKED, NAKED.replace("max(0, -lots)", "abs(lots)")), (NAKED, NAKED.replace("max(0, -lots)", "-lots")),
                            (NAKED, NAKED.replace("max(0, -lots)", "max(0, lots)"))]})
def naked_charge_is_subadditive(case: Any, rules: Any) -> None:
    one, two, more = case.whole("one"), case.whole("two"), case.whole("more")
    charge, index, rate = rules.portfolio.option_contingency, 50_000_000, 3_000
    asked = charge([one, two], index, rate)
    case.claim(asked >= 0, "never negative")
    if (one >= 0) & (two >= 0):
        case.claim(asked == 0, "nothing naked")
    if (one < 0) & (two < 0):
        case.claim(asked == -(one + two) * 150_000, "all of it")
    case.claim(charge([one + more, two], index, rate) <= asked + charge([more], index, rate), "together no more")


@proof("PORT-008", "rounded down by less than one quantum, no less for more profit, and never less together than apart",
       "portfolio.weighted_rows", bounds="the rows of +18 % and of +500 % with 2.772 %; any profits and values",
       slips={"portfolio": [(WEIGHTED, "-((-profit * PPM - linear_quanta * row.spot_ppm) * row.weight_ppm // (PPM * PPM))"),
                            (WEIGHTED, WEIGHTED.replace("linear_quanta", "abs(linear_quanta)")), (WEIGHTED, WEIGHTED.replace("row.weight_ppm", "PPM")),
                            ("    found += option_rows[len(rows) :]\n", "")]})
def rows_are_superadditive(case: Any, rules: Any) -> None:
    grid = (rules.portfolio.Row(180_000, 1, PPM), rules.portfolio.Row(5_000_000, 1, 27_720))
    one, two = ([case.whole(f"{name}{row}") for row in range(3)] for name in ("a", "b"))
    held, other, better = case.whole("held"), case.whole("other"), case.whole("better", low=0)
    found = rules.portfolio.weighted_rows(one, held, grid)
    case.claim(len(found) == 3, "what lies beyond the grid stays")
    for profit, row, made in zip(one, grid, found, strict=False):
        exact = (profit * PPM + held * row.spot_ppm) * row.weight_ppm
        case.claim((made * PPM * PPM <= exact) & ((made + 1) * PPM * PPM > exact), "rounded down")
    case.claim(found[2] == one[2], "in full")
    raised = rules.portfolio.weighted_rows([profit + better for profit in one], held, grid)
    apart = rules.portfolio.weighted_rows(two, other, grid)
    both = rules.portfolio.weighted_rows([a + b for a, b in zip(one, two, strict=True)], held + other, grid)
    for row in range(3):
        case.claim(raised[row] >= found[row], "more profit")
        case.claim(both[row] >= found[row] + apart[row], "together no less")


@proof("PORT-010", "between the sum of the worst rows and the worst of the sums; the credit has its cap, and is none alone",
       "portfolio.scan_of", bounds="two underlyings of two rows, offset 400,000 ppm, cap >= 0, any profits",
       slips={"portfolio": [(CREDIT, "credit = min(0, *joint) - parts"), (CREDIT, "credit = cap_quanta * PPM"),
                            ("base += worst\n", "base -= worst\n"), ("parts += worst * offset_ppm", "parts += worst")]})
def offsets_lie_between(case: Any, rules: Any) -> None:
    one, two = ([case.whole(f"{name}{row}") for row in range(2)] for name in ("a", "b"))
    cap = case.whole("cap", low=0)
    scan = rules.portfolio.scan_of([one, two], [400_000, 400_000], cap)
    base = min(0, *one) + min(0, *two)
    joint = min(0, one[0] + two[0], one[1] + two[1])
    case.claim(scan.base_e6 == base * PPM, "each by its worst")
    case.claim((scan.credit_e6 >= 0) & (scan.credit_e6 <= cap * PPM), "the credit")
    case.claim(scan.credit_e6 <= (joint - base) * 400_000, "no more than the offset")
    case.claim(scan.base_e6 + scan.credit_e6 <= 0, "a loss")
    case.claim(rules.portfolio.scan_of([one], [400_000], cap).credit_e6 == 0, "none alone")


@proof("PORT-010", "whoever gains in a row does not stand worse", "portfolio.scan_of",
       bounds="two underlyings of two rows, offset 400,000 ppm, cap >= 0, any profits",
       slips={"portfolio": [(CREDIT, "credit = min(parts - min(0, *joint), cap_quanta * PPM)"), ("parts += worst * offset_ppm", "parts += 3 * worst * offset_ppm")]})
def hedges_never_hurt(case: Any, rules: Any) -> None:
    one, two = ([case.whole(f"{name}{row}") for row in range(2)] for name in ("a", "b"))
    cap, better = case.whole("cap", low=0), [case.whole(f"better{row}", low=0) for row in range(2)]
    before = rules.portfolio.scan_of([one, two], [400_000, 400_000], cap)
    raised = [profit + more for profit, more in zip(one, better, strict=True)]
    after = rules.portfolio.scan_of([raised, two], [400_000, 400_000], cap)
    case.claim(after.base_e6 + after.credit_e6 >= before.base_e6 + before.credit_e6, "no worse")
