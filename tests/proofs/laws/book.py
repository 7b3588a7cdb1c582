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


@proof("COMB-003", "what is bought costs, what is sold brings as much", "book.leg_cost", bounds=SIDES,
       slips={"book": [("return quote_quanta if side == BUY else -quote_quanta", "return quote_quanta"),
                       ("return quote_quanta if side == BUY else -quote_quanta", "return -quote_quanta if side == BUY else quote_quanta")]})
def legs_cost_or_bring(case: Any, rules: Any) -> None:
    quote = case.whole("quote", low=0)
    case.claim(rules.book.leg_cost(BUY, quote) == quote, "a purchase costs its quote")
    case.claim(rules.book.leg_cost(BUY, quote) + rules.book.leg_cost(SELL, quote) == 0, "a sale brings it back")


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


HIDDEN = "hidden_lots if open_lots > hidden_lots else max(0, open_lots - display_lots)"


@proof("BOOK-016", "something is shown of every order, never more than a peak and never more than there is",
       "book.hidden_left", bounds="display > 0, 0 <= hidden <= open before, shown before at most a peak, a fill of what is shown",
       slips={"book": [(HIDDEN, HIDDEN.replace("> hidden", ">= hidden")), (HIDDEN, "hidden_lots"),
                       (HIDDEN, HIDDEN.replace("max(0, open_lots - display_lots)", "open_lots - display_lots"))]})
def something_is_shown(case: Any, rules: Any) -> None:
    display, shown, hidden = case.whole("display", low=1), case.whole("shown", low=1), case.whole("hidden", low=0)
    lots = case.whole("lots", low=1)
    case.assume(shown <= display, lots <= shown)
    left = shown + hidden - lots
    case.assume(left > 0)
    after = rules.book.hidden_left(left, hidden, display)
    case.claim((after >= 0) & (after < left), "something is shown, nothing is owed")
    case.claim(left - after <= display, "never more than a peak")
    case.claim(after <= hidden, "nothing hides again")


@proof("BOOK-015", "over only after its time, and never without one", "book.is_over", bounds="times >= 0",
       slips={"book": [("return 0 < expiry_time_ns < time_ns", "return 0 < expiry_time_ns <= time_ns"),
                       ("return 0 < expiry_time_ns < time_ns", "return expiry_time_ns < time_ns")]})
def over_only_after_its_time(case: Any, rules: Any) -> None:
    expiry, now = case.whole("expiry", low=0), case.whole("now", low=0)
    over = bool(rules.book.is_over(expiry, now))
    if expiry == 0:
        case.claim(over == False, "for ever")  # noqa: E712 - symbolic
    else:
        case.claim((now > expiry) == over, "after its time")


BID = "price = (twice_reference_quanta // (2 * tick_quanta) + offset_ticks) * tick_quanta"
ASK = "price = (-(-twice_reference_quanta // (2 * tick_quanta)) + offset_ticks) * tick_quanta"
BELOW_ASK = "return opposite_quanta - tick_quanta if opposite_quanta and price >= opposite_quanta else price"
ABOVE_BID = "return opposite_quanta + tick_quanta if opposite_quanta and price <= opposite_quanta else price"


@proof("BOOK-017", "a pegged order never crosses, never passes its limit but to stand off the other side, and stands on the tick",
       "book.peg_price", bounds="tick in 1, 5, 100; reference >= 0; limit and other side on the tick",
       slips={"book": [(BELOW_ASK, "return price"), (ABOVE_BID, "return price"),
                       (BELOW_ASK, BELOW_ASK.replace("price >= opp", "price > opp")),
                       ("if limit_quanta and price > limit_quanta", "if limit_quanta and price < limit_quanta"),
                       (BID, BID.replace(") * tick_quanta", ")")), (ASK, ASK.replace(") * tick_quanta", ")"))]})
def a_peg_never_crosses(case: Any, rules: Any) -> None:
    side, twice, offset = case.whole("side", BUY, SELL), case.whole("twice", low=0), case.whole("offset")
    limit, other = case.whole("limit", low=0), case.whole("other", low=0)
    for tick in (1, 5, 100):
        price = rules.book.peg_price(side, twice, offset, tick, limit * tick, other * tick)
        case.claim(price % tick == 0, "on the tick")
        if other != 0:
            case.claim(price < other * tick if side == BUY else price > other * tick, "off the other side")
        if (limit != 0) & (other == 0):
            case.claim(price <= limit * tick if side == BUY else price >= limit * tick, "within its limit")


@proof("BOOK-017", "with nothing in its way a peg stands within a tick of its reference and offset, on its own side of it",
       "book.peg_price", bounds="tick in 1, 5, 100; reference >= 0",
       slips={"book": [(BID, BID.replace("twice_reference_quanta //", "-(-twice_reference_quanta //").replace(" + off", ") + off")),
                       (ASK, BID), (BID, BID.replace("(2 * tick", "(1 * tick"))]})
def a_peg_stands_by_its_reference(case: Any, rules: Any) -> None:
    side, twice, offset = case.whole("side", BUY, SELL), case.whole("twice", low=0), case.whole("offset")
    for tick in (1, 5, 100):
        lead = 2 * (rules.book.peg_price(side, twice, offset, tick, 0, 0) - offset * tick) - twice
        sign = -1 if side == BUY else 1
        case.claim((sign * lead >= 0) & (sign * lead < 2 * tick), "less than a tick, away from the other side")


DRAIN = "return max(drained_ns, time_ns) - (-lots * window_ns // limit_lots)"


@proof("BOOK-018", "what was filled drains no faster than a limit a window, and less than a nanosecond slower",
       "book.drained_after", bounds="limit 1 to 64, all else >= 0",
       slips={"book": [(DRAIN, DRAIN.replace("- (-lots * window_ns // limit_lots)", "+ lots * window_ns // limit_lots")),
                       (DRAIN, DRAIN.replace("max(drained_ns, time_ns)", "drained_ns")),
                       (DRAIN, DRAIN.replace("max(drained_ns, time_ns)", "time_ns"))]})
def levels_drain_evenly(case: Any, rules: Any) -> None:
    drained, now, lots = case.whole("drained", low=0), case.whole("now", low=0), case.whole("lots", low=0)
    window, limit = case.whole("window", low=1), case.whole("limit", 1, 64)
    after = rules.book.drained_after(drained, now, lots, window, limit)
    start = drained if drained > now else now
    case.claim((after - start) * limit >= lots * window, "no faster")
    case.claim((after - start) * limit < lots * window + limit, "less than a nanosecond slower")
    case.claim((after >= now) & (after >= drained), "never back in time")


@proof("BOOK-018", "the limit at once trips an empty level, and one lot less does not", "book.drained_after",
       "book.is_tripped", bounds="limit 1 to 64, window of at least so many nanoseconds",
       slips={"book": [("return drained_ns - time_ns >= window_ns", "return drained_ns - time_ns > window_ns"),
                       ("return drained_ns - time_ns >= window_ns", "return drained_ns >= window_ns"),
                       (DRAIN, DRAIN.replace("-lots", "-2 * lots"))]})
def the_limit_trips(case: Any, rules: Any) -> None:
    drained, now, window = case.whole("drained", low=0), case.whole("now", low=0), case.whole("window", low=1)
    limit = case.whole("limit", 1, 64)
    case.assume(drained <= now, window >= limit)
    full = rules.book.drained_after(drained, now, limit, window, limit)
    case.claim(rules.book.is_tripped(full, now, window), "the limit trips")
    less = rules.book.drained_after(drained, now, limit - 1, window, limit)
    case.claim(rules.book.is_tripped(less, now, window) == False, "a lot less does not")  # noqa: E712 - symbolic


MIDDLE = "return middle - middle % tick_quanta"


@proof("BOOK-022", "on the tick, no bid that meets pays more than its limit, no ask gets less", "book.uniform_price",
       bounds="a tick of 1, 5 or 500; the ask on the tick, the bid at or above it",
       slips={"book": [(MIDDLE, "return middle"), (MIDDLE, MIDDLE + " + tick_quanta"),
                       ("middle = (lowest_quanta + highest_quanta) // 2", "middle = lowest_quanta // 2"),
                       (MIDDLE, "return middle - tick_quanta")]})
def uniform_price_is_within_both_limits(case: Any, rules: Any) -> None:
    steps, more = case.whole("steps", low=1), case.whole("more", low=0)
    for tick in (1, 5, 500):
        ask, bid = steps * tick, (steps + more) * tick
        price = rules.book.uniform_price(ask, bid, tick)
        case.claim((price >= ask) & (price <= bid), "within both limits")
        case.claim(price % tick == 0, "on the tick")
        case.claim((price - ask <= bid - price) & (bid - price < price - ask + 2 * tick), "the middle, rounded down")
