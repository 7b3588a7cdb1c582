# ruff: noqa: E501 - a slip is quoted as the source has it
"""Laws of a fill: nothing is made or lost but the fees, and entries round against the account."""

from typing import Any

from tests.proofs.prover import proof

CASH = "cash_quanta - signed_lots * price_quanta - fee_quanta"
ADDING = "return entry_quanta + signed_lots * price_quanta"
PART = "return mul_div_floor(entry_quanta, abs(after), abs(lots))"
FLIP = "return after * price_quanta"
SAME_SIDE = "if lots == 0 or (lots > 0) == (signed_lots > 0):"


@proof("CLR-001", "taker and maker together lose the fees and nothing else", "clearing.cash_after_fill",
       "book.signed_lots", bounds="side buy or sell, all integers",
       slips={"clearing": [(CASH, CASH.replace("- fee", "+ fee")), (CASH, "cash_quanta - abs(signed_lots) * price_quanta - fee_quanta"),
                           (CASH, "cash_quanta - signed_lots * price_quanta")],
              "book": ("else -size_lots", "else size_lots")})
def fills_conserve_cash(case: Any, rules: Any) -> None:
    side, size, price = case.whole("side", 1, 2), case.whole("size"), case.whole("price")
    taker, taker_fee = case.whole("taker"), case.whole("taker_fee")
    maker, maker_fee = case.whole("maker"), case.whole("maker_fee")
    lots = rules.book.signed_lots(side, size)
    taker_after = rules.clearing.cash_after_fill(taker, lots, price, taker_fee)
    maker_after = rules.clearing.cash_after_fill(maker, rules.book.signed_lots(3 - side, size), price, maker_fee)
    case.claim(taker_after + maker_after + taker_fee + maker_fee == taker + maker, "the sum is the same")


@proof("CLR-008", "no leg is too small because it is split or priced otherwise", "clearing.block_worth",
       bounds="lots and indexes >= 0", slips={"clearing": [("return size_lots * index_quanta", "return size_lots + index_quanta"),
                                                           ("return size_lots * index_quanta", "return size_lots * index_quanta + 1")]})
def worth_is_additive(case: Any, rules: Any) -> None:
    one, two, index = case.whole("one", low=0), case.whole("two", low=0), case.whole("index", low=0)
    worth = rules.clearing.block_worth
    case.claim(worth(one + two, index) == worth(one, index) + worth(two, index), "additive")
    case.claim(worth(1, index) == index, "a lot is worth the index")


@proof("CLR-002", "at the fill's own price, an account's equity falls by the fee", "clearing.cash_after_fill",
       slips={"clearing": [(CASH, CASH.replace("- signed", "+ signed")), (CASH, CASH.replace("- fee", "- 2 * fee"))]})
def equity_falls_by_the_fee(case: Any, rules: Any) -> None:
    cash, held, lots = case.whole("cash"), case.whole("held"), case.whole("lots")
    price, fee = case.whole("price"), case.whole("fee")
    after = rules.clearing.cash_after_fill(cash, lots, price, fee)
    case.claim(after + (held + lots) * price == cash + held * price - fee, "bought at what it is worth")


@proof("CLR-003", "closing all leaves no entry, whatever it was", "clearing.entry_after_fill",
       bounds="all integers", slips={"clearing": ("    if after == 0:\n        return 0\n", "    if after == 0:\n        return entry_quanta\n")})
def closing_leaves_nothing(case: Any, rules: Any) -> None:
    lots, entry, price = case.whole("lots"), case.whole("entry"), case.whole("price")
    case.assume(lots != 0)
    case.claim(rules.clearing.entry_after_fill(lots, entry, -lots, price) == 0, "nothing is left")


@proof("CLR-003", "closing part keeps the share of what stays, rounded down by less than one, and never grows it",
       "clearing.entry_after_fill", bounds="0 < closed lots < |lots|, all other integers",
       slips={"clearing": [(PART, "return -(-entry_quanta * abs(after) // abs(lots))"), (PART, "return entry_quanta + 1"),
                           (PART, "return mul_div_floor(entry_quanta, abs(lots), abs(after))"),
                           ("if (after > 0) == (lots > 0):", "if (after > 0) != (lots > 0):")],
              "kernel": ("return value * numerator // denominator", "return -(-value * numerator // denominator)")})
def part_rounds_down(case: Any, rules: Any) -> None:
    size, entry, price = case.whole("size", low=2), case.whole("entry"), case.whole("price")
    closed, long = case.whole("closed", low=1), case.whole("long", 0, 1)
    case.assume(closed < size)
    sign = 1 if long == 1 else -1
    rest = rules.clearing.entry_after_fill(sign * size, entry, -sign * closed, price)
    share = entry * (size - closed)
    case.claim((rest * size <= share) & (share < rest * size + size), "down, by less than one")
    case.claim(abs(rest) <= abs(entry), "never larger than it was")


@proof("CLR-003", "adding costs its price: profit at that price stays, and both sides cancel",
       "clearing.entry_after_fill", "margin.unrealised_profit",
       bounds="added on the side that is held, or from flat; all integers",
       slips={"clearing": [(ADDING, ADDING.replace("+ signed", "- signed")), (ADDING, "return signed_lots * price_quanta"),
                           (SAME_SIDE, "if (lots > 0) != (signed_lots > 0):")]})
def adding_costs_its_price(case: Any, rules: Any) -> None:
    held, added, entry = case.whole("held", low=0), case.whole("added", low=1), case.whole("entry")
    price, long = case.whole("price"), case.whole("long", 0, 1)
    sign = 1 if long == 1 else -1
    after = rules.clearing.entry_after_fill(sign * held, entry, sign * added, price)
    before = rules.margin.unrealised_profit(sign * held, entry, price)
    now = rules.margin.unrealised_profit(sign * (held + added), after, price)
    case.claim(now == before, "no profit is made by adding")
    mirror = rules.clearing.entry_after_fill(-sign * held, -entry, -sign * added, price)
    case.claim(after + mirror == 0, "the other side's entry is the opposite")


@proof("CLR-003", "what opens or turns a position has no profit at its own price", "clearing.entry_after_fill",
       "margin.unrealised_profit", bounds="filled lots beyond |lots| on the other side, or from flat; all integers",
       slips={"clearing": [(FLIP, "return entry_quanta + signed_lots * price_quanta"), (FLIP, "return signed_lots * price_quanta"),
                           (FLIP, "return -after * price_quanta")]})
def turning_starts_anew(case: Any, rules: Any) -> None:
    held, beyond, entry = case.whole("held", low=0), case.whole("beyond", low=1), case.whole("entry")
    price, long = case.whole("price"), case.whole("long", 0, 1)
    sign = 1 if long == 1 else -1
    before = entry if held > 0 else 0
    after = rules.clearing.entry_after_fill(sign * held, before, -sign * (held + beyond), price)
    case.claim(rules.margin.unrealised_profit(-sign * beyond, after, price) == 0, "no profit yet")


@proof("CLR-003", "closing part at a price keeps no more than its share of the profit on paper",
       "clearing.entry_after_fill", "margin.unrealised_profit", bounds="0 < closed lots < |lots|, all other integers",
       slips={"clearing": [(PART, "return entry_quanta"), (PART, "return -(-entry_quanta * abs(after) // abs(lots))")]})
def part_keeps_its_profit(case: Any, rules: Any) -> None:
    size, entry, price = case.whole("size", low=2), case.whole("entry"), case.whole("price")
    closed, long = case.whole("closed", low=1), case.whole("long", 0, 1)
    case.assume(closed < size)
    sign = 1 if long == 1 else -1
    rest = rules.clearing.entry_after_fill(sign * size, entry, -sign * closed, price)
    before = rules.margin.unrealised_profit(sign * size, entry, price)
    after = rules.margin.unrealised_profit(sign * (size - closed), rest, price)
    crumb = after * size - before * (size - closed)
    case.claim((crumb >= 0) & (crumb < size), "the share, and less than one quantum")
