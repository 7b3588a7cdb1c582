
"""Laws of integer arithmetic: each division rounds the way its name says, by less than one."""

from typing import Any

from tests.proofs.prover import proof

DIVISOR = "all integers, denominator > 0"


@proof("KERNEL", "rounds down, by less than one", "kernel.mul_div_floor", bounds=DIVISOR,
       slips={"kernel": ("return value * numerator // denominator", "return -(-value * numerator // denominator)")})
def floor_rounds_down(case: Any, rules: Any) -> None:
    value, numerator, denominator = case.whole("value"), case.whole("numerator"), case.whole("denominator", low=1)
    result = rules.kernel.mul_div_floor(value, numerator, denominator)
    case.claim(result * denominator <= value * numerator, "never above")
    case.claim(value * numerator < result * denominator + denominator, "by less than one")


@proof("KERNEL", "rounds up, by less than one", "kernel.mul_div_ceil", bounds=DIVISOR,
       slips={"kernel": ("return -(-value * numerator // denominator)", "return value * numerator // denominator")})
def ceil_rounds_up(case: Any, rules: Any) -> None:
    value, numerator, denominator = case.whole("value"), case.whole("numerator"), case.whole("denominator", low=1)
    result = rules.kernel.mul_div_ceil(value, numerator, denominator)
    case.claim(result * denominator >= value * numerator, "never below")
    case.claim(value * numerator > result * denominator - denominator, "by less than one")


@proof("KERNEL", "rounds towards zero, by less than one, and mirrors", "kernel.mul_div_toward_zero", bounds=DIVISOR,
       slips={"kernel": ("if product >= 0 else -(-product // denominator)", "")})
def toward_zero_shrinks(case: Any, rules: Any) -> None:
    value, numerator, denominator = case.whole("value"), case.whole("numerator"), case.whole("denominator", low=1)
    result, exact = rules.kernel.mul_div_toward_zero(value, numerator, denominator), value * numerator
    if exact >= 0:
        case.claim(result >= 0, "keeps the sign")
        case.claim((result * denominator <= exact) & (exact < result * denominator + denominator), "down when positive")
    else:
        case.claim(result <= 0, "keeps the sign")
        case.claim((result * denominator >= exact) & (exact > result * denominator - denominator), "up when negative")
    case.claim(rules.kernel.mul_div_toward_zero(-value, numerator, denominator) == -result, "mirrors")


@proof("KERNEL", "rounds parts per million up, by less than one", "kernel.ppm_ceil",
       slips={"kernel": ("return -(-value * rate_ppm // PPM)", "return value * rate_ppm // PPM")})
def ppm_rounds_up(case: Any, rules: Any) -> None:
    value, rate = case.whole("value"), case.whole("rate")
    result = rules.kernel.ppm_ceil(value, rate)
    case.claim(result * 1_000_000 >= value * rate, "never below")
    case.claim(value * rate > (result - 1) * 1_000_000, "by less than one")
