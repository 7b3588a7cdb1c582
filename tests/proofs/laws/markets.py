# ruff: noqa: E501 - a slip is quoted as the source has it
"""Laws of open interest."""

from typing import Any

from tests.proofs.prover import proof

CHANGE = "(lots_after if lots_after > 0 else 0) - (lots_before if lots_before > 0 else 0)"


@proof("MKT-003", "counted over longs or over shorts, a fill changes open interest by the same",
       "markets.open_interest_change",
       slips={"markets": [(CHANGE, CHANGE.replace("lots_after > 0 else 0", "lots_after < 0 else 0")),
                          (CHANGE, "lots_after if lots_after > 0 else 0"), (CHANGE, CHANGE.replace(") - (", ") + ("))]})
def longs_equal_shorts(case: Any, rules: Any) -> None:
    taker, maker, filled = case.whole("taker"), case.whole("maker"), case.whole("filled")
    change = rules.markets.open_interest_change
    longs = change(taker, taker + filled) + change(maker, maker - filled)
    shorts = change(-taker, -taker - filled) + change(-maker, -maker + filled)
    case.claim(longs == shorts, "the same from either side")
    case.claim((longs <= abs(filled)) & (longs >= -abs(filled)), "by at most what was filled")


@proof("MKT-003", "the changes of an account's life sum to what it is long now, never below zero",
       "markets.open_interest_change",
       slips={"markets": [(CHANGE, CHANGE.replace("lots_before > 0", "lots_before < 0")), (CHANGE, "lots_after - lots_before"),
                          (CHANGE, "abs(lots_after) - abs(lots_before)"), (CHANGE, "0")]})
def changes_sum_to_the_longs(case: Any, rules: Any) -> None:
    before, between, after = case.whole("before"), case.whole("between"), case.whole("after")
    change = rules.markets.open_interest_change
    case.claim(change(before, between) + change(between, after) == change(before, after), "steps add up")
    total = change(0, after)
    case.claim(total >= 0, "never negative from nothing")
    case.claim(total == after if after > 0 else total == 0, "the long lots")
