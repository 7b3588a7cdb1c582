"""Laws of voting power."""

from typing import Any

from tests.proofs.prover import proof


@proof("VAL-002", "two quorums share more than a third of the power: they cannot agree on two things",
       "validators.is_quorum",
       slips={"validators": [("return 3 * power > 2 * total", "return 2 * power > total"),
                             ("return 3 * power > 2 * total", "return 3 * power >= 2 * total")]})
def quorums_meet(case: Any, rules: Any) -> None:
    one, other, total = case.whole("one", low=0), case.whole("other", low=0), case.whole("total", low=1)
    case.assume(one <= total)
    case.assume(other <= total)
    if rules.validators.is_quorum(one, total) and rules.validators.is_quorum(other, total):
        case.claim(3 * (one + other - total) > total, "more than a third in both")
