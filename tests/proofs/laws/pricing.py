# ruff: noqa: E501 - a slip is quoted as the source has it
"""Laws of prices: what follows from a time value, whatever the tables say of it."""

from typing import Any

from tests.proofs.prover import proof

ONE = 1 << 80
BOTH = "return time_value_q80 + max(0, beyond_q80), time_value_q80 + max(0, -beyond_q80)"
WORTH = "return lots * price_q80 // ONE_Q80"


@proof("PRIC-004", "call - put = forward - strike to the unit, and neither is below its intrinsic value or above its bound",
       "pricing.call_put", bounds="prices >= 0, a time value from 0 to the lesser of them",
       slips={"pricing": [(BOTH, "return time_value_q80 + max(0, beyond_q80), time_value_q80 + max(0, beyond_q80)"),
                          (BOTH, "return time_value_q80 + beyond_q80, time_value_q80 - beyond_q80"),
                          ("beyond_q80 = (forward_quanta - strike_quanta) * ONE_Q80", "beyond_q80 = (forward_quanta - strike_quanta) * ONE_Q80 + 1"),
                          (BOTH, BOTH.replace("return time_value_q80 +", "return 2 * time_value_q80 +"))]})
def parity_is_exact(case: Any, rules: Any) -> None:
    forward, strike, value = case.whole("forward", low=0), case.whole("strike", low=0), case.whole("value", low=0)
    case.assume(value <= forward * ONE, value <= strike * ONE)
    call, put = rules.pricing.call_put(forward, strike, value)
    case.claim(call - put == (forward - strike) * ONE, "parity")
    case.claim((call >= 0) & (call >= (forward - strike) * ONE), "the call is worth exercising at least")
    case.claim((put >= 0) & (put >= (strike - forward) * ONE), "and so is the put")
    case.claim((call <= forward * ONE) & (put <= strike * ONE), "neither is worth more than what it delivers")


@proof("PRIC-004", "both rise with the time value, unit by unit", "pricing.call_put", bounds="all integers",
       slips={"pricing": [(BOTH, "return time_value_q80 + max(0, beyond_q80), time_value_q80 // 2 + max(0, -beyond_q80)"),
                          (BOTH, "return max(time_value_q80, beyond_q80), time_value_q80 + max(0, -beyond_q80)")]})
def both_follow_the_time_value(case: Any, rules: Any) -> None:
    forward, strike = case.whole("forward"), case.whole("strike")
    value, more = case.whole("value"), case.whole("more", low=0)
    call, put = rules.pricing.call_put(forward, strike, value)
    next_call, next_put = rules.pricing.call_put(forward, strike, value + more)
    case.claim((next_call - call == more) & (next_put - put == more), "by as much")


@proof("PRIC-007", "never more than the exact worth, by less than one quantum; long and short together are never worth more than nothing",
       "pricing.worth", bounds="all integers",
       slips={"pricing": [(WORTH, "return -(-lots * price_q80 // ONE_Q80)"), (WORTH, "return lots * (price_q80 // ONE_Q80)"),
                          (WORTH, WORTH + " - 1")]})
def worth_is_against_the_holder(case: Any, rules: Any) -> None:
    lots, price = case.whole("lots"), case.whole("price")
    found = rules.pricing.worth(lots, price)
    case.claim(found * ONE <= lots * price, "never more")
    case.claim(found * ONE + ONE > lots * price, "less than one below")
    both = found + rules.pricing.worth(-lots, price)
    case.claim((both <= 0) & (both >= -1), "a crumb stays")
