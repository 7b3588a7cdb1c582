# ruff: noqa: E501 - a slip is quoted as the source has it
"""Laws of funding."""

from typing import Any

from tests.proofs.prover import proof

E9 = 1_000_000_000
PAYMENT = "return -(-lots * (index_now_e9 - index_then_e9) // E9)"


@proof("FUND-001", "rounded against the account by less than one quantum", "funding.payment",
       slips={"funding": [(PAYMENT, "return lots * (index_now_e9 - index_then_e9) // E9"),
                          (PAYMENT, "return -(-abs(lots) * (index_now_e9 - index_then_e9) // E9)"),
                          (PAYMENT, PAYMENT + " + 1"), ("E9 = 1_000_000_000", "E9 = 1_000_000_001")]})
def payment_rounds_up(case: Any, rules: Any) -> None:
    lots, now, then = case.whole("lots"), case.whole("now"), case.whole("then")
    owed, exact = rules.funding.payment(lots, now, then), lots * (now - then)
    case.claim(owed * E9 >= exact, "never below the exact figure")
    case.claim((owed - 1) * E9 < exact, "above it by less than one quantum")


@proof("FUND-003", "what long and short pay together is never below zero and less than two quanta", "funding.payment",
       slips={"funding": [(PAYMENT, "return lots * (index_now_e9 - index_then_e9) // E9"),
                          (PAYMENT, "return -(-abs(lots) * (index_now_e9 - index_then_e9) // E9)")]})
def the_pool_keeps_crumbs(case: Any, rules: Any) -> None:
    lots, now, then = case.whole("lots"), case.whole("now"), case.whole("then")
    kept = rules.funding.payment(lots, now, then) + rules.funding.payment(-lots, now, then)
    case.claim(kept >= 0, "never below zero")
    case.claim(kept < 2, "less than a quantum each")


@proof("FUND-001", "settling on the way never costs less, and less than one quantum more", "funding.payment",
       slips={"funding": [(PAYMENT, "return lots * (index_now_e9 - index_then_e9) // E9"), (PAYMENT, PAYMENT + " + 2")]})
def settling_often_gains_nothing(case: Any, rules: Any) -> None:
    lots = case.whole("lots")
    start, between, end = case.whole("start"), case.whole("between"), case.whole("end")
    apart = rules.funding.payment(lots, between, start) + rules.funding.payment(lots, end, between)
    whole = rules.funding.payment(lots, end, start)
    case.claim(apart >= whole, "never less")
    case.claim(apart <= whole + 1, "at most one quantum more")
