# ruff: noqa: E501 - a slip is quoted as the source has it
"""Laws of meeting: who trades with whom, and what a reduce-only order may do."""

from typing import Any

from tests.proofs.prover import proof

BUY, SELL = 1, 2
SIDES = "side buy or sell, all integers"
CROSSES = "maker_quanta <= limit_quanta if side == BUY else maker_quanta >= limit_quanta"
REDUCIBLE = "max(0, -position_lots if side == BUY else position_lots)"


@proof("BOOK-002", "a fill is never worse than the limit, and nothing that fits is missed", "book.crosses",
       "book.signed_lots", bounds=SIDES,
       slips={"book": [(CROSSES, CROSSES.replace("maker_quanta >= limit", "maker_quanta <= limit")),
                       (CROSSES, CROSSES.replace("<=", "<")), (CROSSES, CROSSES.replace("== BUY", "!= BUY"))]})
def fills_respect_the_limit(case: Any, rules: Any) -> None:
    side, limit, maker = case.whole("side", BUY, SELL), case.whole("limit"), case.whole("maker")
    gain = rules.book.signed_lots(side, 1) * (limit - maker)  # of a lot, against trading at the limit
    case.claim(rules.book.crosses(side, limit, maker) == (gain >= 0), "crosses exactly when the maker is no worse")


@proof("BOOK-002", "two orders meet whichever comes first, and a better limit meets no less", "book.crosses",
       bounds=SIDES, slips={"book": [(CROSSES, CROSSES.replace(">=", ">")), (CROSSES, "maker_quanta == limit_quanta - 1"),
                                     (CROSSES, "maker_quanta == limit_quanta")]})
def crossing_is_symmetric(case: Any, rules: Any) -> None:
    bid, ask, more = case.whole("bid"), case.whole("ask"), case.whole("more", low=0)
    meet = rules.book.crosses(BUY, bid, ask)
    case.claim(rules.book.crosses(SELL, ask, bid) == meet, "whoever comes first")
    if meet:
        case.claim(rules.book.crosses(BUY, bid + more, ask), "a higher bid meets too")
        case.claim(rules.book.crosses(SELL, ask - more, bid), "a lower ask meets too")


@proof("CLR-001", "what one side gains the other loses, and the size is kept", "book.signed_lots",
       bounds="all integers", slips={"book": [("else -size_lots", "else size_lots"), ("return size_lots", "return 0")]})
def signed_lots_cancel(case: Any, rules: Any) -> None:
    size = case.whole("size")
    case.claim(rules.book.signed_lots(BUY, size) + rules.book.signed_lots(SELL, size) == 0, "cancels")
    case.claim(rules.book.signed_lots(BUY, size) == size, "a buy adds its size")


@proof("BOOK-003", "a reduce-only fill never grows the position nor turns it", "book.reducible_lots",
       "book.signed_lots", bounds="side buy or sell, all integers, 0 <= filled <= reducible lots",
       slips={"book": [(REDUCIBLE, REDUCIBLE.replace("max(0, -", "max(0, ")), (REDUCIBLE, "abs(position_lots)"),
                       (REDUCIBLE, REDUCIBLE.replace("max(0", "max(1"))]})
def reducing_reduces(case: Any, rules: Any) -> None:
    side, position, filled = case.whole("side", BUY, SELL), case.whole("position"), case.whole("filled", low=0)
    reducible = rules.book.reducible_lots(side, position)
    case.claim((reducible >= 0) & (reducible <= abs(position)), "between nothing and the position")
    case.assume(filled <= reducible)
    after = position + rules.book.signed_lots(side, filled)
    case.claim(abs(after) == abs(position) - filled, "each lot takes one off")
    case.claim(after >= 0 if position >= 0 else after <= 0, "the position does not turn")


@proof("BOOK-003", "all that reduces is allowed: one lot more would not", "book.reducible_lots", "book.signed_lots",
       bounds=SIDES, slips={"book": [(REDUCIBLE, "max(0, position_lots if side == BUY else position_lots)"),
                                     (REDUCIBLE, "0")]})
def reducing_is_not_cut_short(case: Any, rules: Any) -> None:
    side, position = case.whole("side", BUY, SELL), case.whole("position")
    reducible = rules.book.reducible_lots(side, position)
    after = position + rules.book.signed_lots(side, reducible)
    further = after + rules.book.signed_lots(side, 1)
    case.claim(abs(further) > abs(after), "the next lot would add")
