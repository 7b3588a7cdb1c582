# ruff: noqa: E501 - a slip is quoted as the source has it
"""Laws of breakers."""

from typing import Any

from tests.proofs.prover import proof

PPM = 1_000_000
LOW = "return max(tick_quanta, -(-(mark_quanta - width) // tick_quanta) * tick_quanta)"
HIGH = "return (mark_quanta + width) // tick_quanta * tick_quanta"
WIDTH = "return max(tick_quanta, mark_quanta * band_ppm // PPM)"
TERMS = ((500, 50_000), (1, 10_000), (500, 1_000), (100, 1_000_000))  # tick, band in ppm
AT_TERMS = "(tick, band) one of (500, 5 %), (1, 1 %), (500, 0.1 %), (100, 100 %); any mark >= the tick"


def terms(case: Any) -> tuple[int, int]:
    """One of TERMS."""
    chosen = case.whole("terms", 0, len(TERMS) - 1)
    return next(one for number, one in enumerate(TERMS) if chosen == number)


@proof("BRK-004", "on the tick, around the mark, no farther than the band or a tick", "breakers.lowest_price", "breakers.highest_price",
       bounds=AT_TERMS, slips={"breakers": [
           (LOW, LOW.replace("-(-(mark_quanta - width) // tick_quanta)", "((mark_quanta - width) // tick_quanta)")),
           (HIGH, "return -(-(mark_quanta + width) // tick_quanta) * tick_quanta"),
           (LOW, "return -(-(mark_quanta - width) // tick_quanta) * tick_quanta"), (HIGH, "return mark_quanta + width")]})
def bands_hold_the_mark(case: Any, rules: Any) -> None:
    tick, band = terms(case)
    mark = case.whole("mark", low=tick)
    low, high = rules.breakers.lowest_price(mark, band, tick), rules.breakers.highest_price(mark, band, tick)
    case.claim((low % tick == 0) & (high % tick == 0), "on the tick")
    case.claim((low <= mark) & (high >= mark), "the mark is within")
    case.claim(low >= tick, "a price")
    case.claim(((high - mark) * PPM <= mark * band) | (high - mark <= tick), "no farther above")
    case.claim(((mark - low) * PPM <= mark * band) | (mark - low <= tick), "no farther below")


@proof("BRK-004", "a tick next to the mark is always within, and a price on the tick that the band holds is not lost", "breakers.band_width",
       "breakers.lowest_price", "breakers.highest_price", bounds=AT_TERMS + "; a price on the tick", slips={"breakers": [
           (WIDTH, "return mark_quanta * band_ppm // PPM"), (HIGH, HIGH + " - tick_quanta")]})
def bands_are_never_empty(case: Any, rules: Any) -> None:
    tick, band = terms(case)
    mark, ticks = case.whole("mark", low=tick), case.whole("ticks", low=1)
    low, high = rules.breakers.lowest_price(mark, band, tick), rules.breakers.highest_price(mark, band, tick)
    case.claim(rules.breakers.band_width(mark, band, tick) >= tick, "a tick at least")
    case.claim(high >= mark // tick * tick + tick, "a tick above")
    case.claim(low <= mark // tick * tick, "and the one below")
    price = ticks * tick
    if (price - mark) * PPM <= mark * band and (mark - price) * PPM <= mark * band:
        case.claim((low <= price) & (price <= high), "what the band holds")


BUY = "return min(price_quanta, highest_price(mark_quanta, band_ppm, tick_quanta, base_quanta))"
SELL = "return max(price_quanta, lowest_price(mark_quanta, band_ppm, tick_quanta, base_quanta))"


@proof("BRK-004", "a limit becomes never more aggressive, a passive one stays, and what comes out would be accepted", "breakers.banded_price",
       bounds=AT_TERMS, slips={"breakers": [(BUY, BUY.replace("min", "max")), (SELL, SELL.replace("max", "min")),
                                            (BUY, "return highest_price(mark_quanta, band_ppm, tick_quanta)"), (SELL, "return price_quanta")]})
def drawn_to_the_band(case: Any, rules: Any) -> None:
    tick, band = terms(case)
    mark, price = case.whole("mark", low=tick), case.whole("price", low=1)
    drawn = rules.breakers.banded_price
    low, high = rules.breakers.lowest_price(mark, band, tick), rules.breakers.highest_price(mark, band, tick)
    bought, sold = drawn(1, price, mark, band, tick), drawn(2, price, mark, band, tick)
    case.claim((bought <= price) & (bought <= high), "a buy pays no more")
    case.claim((sold >= price) & (sold >= low), "a sale gets no less")
    case.claim(drawn(1, bought, mark, band, tick) == bought, "drawn once is enough")
    case.claim(drawn(2, sold, mark, band, tick) == sold, "for a sale too")
    if price <= high:
        case.claim(bought == price, "a passive buy stays")
    if price >= low:
        case.claim(sold == price, "a passive sale stays")


MOVED = "return abs(mark_quanta - reference_quanta) * PPM > reference_quanta * move_ppm"


@proof("BRK-007", "no move is none; farther is no less; at exactly the limit it trades on", "breakers.moved",
       bounds="reference >= 0; moves of 10 %, 0.1 % and 100 %", slips={"breakers": [
           (MOVED, MOVED.replace(" > ", " >= ")), (MOVED, MOVED.replace("abs(mark_quanta - reference_quanta)", "(mark_quanta - reference_quanta)")),
           (MOVED, MOVED.replace("> reference_quanta", "> mark_quanta"))]})
def a_move_is_symmetric(case: Any, rules: Any) -> None:
    reference, by, more = case.whole("reference", low=0), case.whole("by", low=0), case.whole("more", low=0)
    for move in (100_000, 1_000, 1_000_000):
        moved = rules.breakers.moved
        case.claim(not moved(reference, reference, move), "no move")
        case.claim(moved(reference + by, reference, move) == moved(reference - by, reference, move), "up as down")
        case.claim(moved(reference + by, reference, move) == (by * PPM > reference * move), "beyond the share")
        if moved(reference + by, reference, move):
            case.claim(moved(reference + by + more, reference, move), "farther is no less")


CAP = "return min(most_lots, by_value) if most_lots else by_value"
VALUE = "by_value = most_quanta // mark_quanta if most_quanta else NO_CAP"


@proof("BRK-010", "no more lots than stated, worth no more than stated, and one more would be", "breakers.open_interest_cap",
       bounds="at marks of 46,000,000, 48 and 1; all limits from 0 to 2^50", slips={"breakers": [
           (CAP, "return min(most_lots, by_value)"), (CAP, CAP.replace("min", "max")), (VALUE, VALUE.replace("most_quanta // mark_quanta", "-(-most_quanta // mark_quanta)")),
           (VALUE, VALUE.replace("NO_CAP", "0"))]})
def the_cap_is_the_lower_one(case: Any, rules: Any) -> None:
    lots, worth = case.whole("lots", 0, 1 << 50), case.whole("worth", 0, 1 << 50)
    for mark in (46_000_000, 48, 1):
        cap = rules.breakers.open_interest_cap(lots, worth, mark)
        if lots > 0:
            case.claim(cap <= lots, "in lots")
        if worth > 0:
            case.claim(cap * mark <= worth, "by value")
        if lots == 0 and worth == 0:
            case.claim(cap == 1 << 62, "none")
        else:
            case.claim((cap == lots) | ((cap + 1) * mark > worth), "and no lower than it must be")


OPEN = "return change_lots <= 0 or interest_lots + change_lots <= cap_lots"
WITHIN = "return min(lots, buyer_short_lots + seller_long_lots + room_lots)"


@proof("BRK-010", "reducing is always allowed, opening up to the cap and no further", "breakers.may_open",
       slips={"breakers": [(OPEN, "return interest_lots + change_lots <= cap_lots"), (OPEN, OPEN.replace("<= cap_lots", "< cap_lots")), (OPEN, "return True"),
                           (OPEN, "return change_lots <= 0")]})
def opening_stays_below_the_cap(case: Any, rules: Any) -> None:
    interest, change, cap = case.whole("interest", low=0), case.whole("change"), case.whole("cap", low=0)
    may = rules.breakers.may_open(interest, change, cap)
    if change <= 0:
        case.claim(may, "never refused")
    else:
        case.claim(may == (interest + change <= cap), "up to the cap")


@proof("BRK-010", "who takes only to reduce never raises open interest", "breakers.may_open", "book.reducible_lots", "markets.open_interest_change",
       bounds="one maker, any positions, any cap",
       slips={"breakers": (OPEN, "return interest_lots + change_lots <= cap_lots"), "markets": ("(lots_after if lots_after > 0 else 0)", "(abs(lots_after))"),
              "book": ("return max(0, -position_lots if side == BUY else position_lots)", "return abs(position_lots)")})
def reducing_needs_no_room(case: Any, rules: Any) -> None:
    taker, maker, lots = case.whole("taker"), case.whole("maker"), case.whole("lots", low=0)
    interest, cap = case.whole("interest", low=0), case.whole("cap", low=0)
    change = rules.markets.open_interest_change
    for side, sign in ((1, 1), (2, -1)):
        if lots <= rules.book.reducible_lots(side, taker):
            grown = change(taker, taker + sign * lots) + change(maker, maker - sign * lots)
            case.claim(rules.breakers.may_open(interest, grown, cap), "allowed at any cap")


@proof("BRK-011", "the lots of a pair raise open interest by no more than the room, and one more would", "breakers.lots_within_cap", "markets.open_interest_change",
       bounds="any two positions, lots and room >= 0", slips={"breakers": [
           (WITHIN, "return min(lots, buyer_short_lots + room_lots)"), (WITHIN, "return min(lots, buyer_short_lots + seller_long_lots + room_lots + 1)"), (WITHIN, "return lots"),
           (WITHIN, "return min(lots, room_lots)")]})
def a_pair_fills_the_room(case: Any, rules: Any) -> None:
    buyer, seller = case.whole("buyer"), case.whole("seller")
    lots, room = case.whole("lots", low=0), case.whole("room", low=0)
    change = rules.markets.open_interest_change
    most = rules.breakers.lots_within_cap(lots, max(0, -buyer), max(0, seller), room)
    case.claim((most >= 0) & (most <= lots), "of what is wanted")
    case.claim(change(buyer, buyer + most) + change(seller, seller - most) <= room, "within the room")
    if most < lots:
        case.claim(change(buyer, buyer + most + 1) + change(seller, seller - most - 1) > room, "all of it")


WORTH = "return mul_div_ceil(units, price_quanta, units_a_price)"
LIMIT = "return max(most_quanta, mul_div_floor(held_quanta, most_ppm, PPM))"
DRAINED = "return max(0, level - limit_quanta * elapsed_ns)"
ROOM = "return max(0, (limit_quanta * window_ns - level) // window_ns)"
WAIT = "return max(0, -(-(level + (amount_quanta - limit_quanta) * window_ns) // limit_quanta))"
HOUR, DAY = 3_600_000_000_000, 86_400_000_000_000
BUCKETS = ((1_000_000_000_000, HOUR), (5_000_000_000_001, DAY), (7, HOUR))
AT_BUCKETS = "(limit, window) one of (10^12, an hour), (5 x 10^12 + 1, a day), (7, an hour)"


@proof("BRK-014", "what leaves counts no less than its price, and less than a quantum more", "breakers.worth",
       bounds="(price, units a price) one of (46,000,001, 100,000), (1,080,000, 7), (3, 1); units >= 0",
       slips={"breakers": [(WORTH, WORTH.replace("ceil", "floor")), (WORTH, WORTH + " + 1"), (WORTH, "return units * price_quanta")]})
def what_leaves_is_not_made_small(case: Any, rules: Any) -> None:
    units = case.whole("units", low=0)
    for price, a_price in ((46_000_001, 100_000), (1_080_000, 7), (3, 1)):
        worth = rules.breakers.worth(units, price, a_price)
        case.claim(worth * a_price >= units * price, "no less")
        case.claim((worth - 1) * a_price < units * price, "and less than a quantum more")


@proof("BRK-015", "the greater of the two, and no more", "breakers.flow_limit", bounds="shares of 5 %, 0 and 100 %; amounts >= 0",
       slips={"breakers": [(LIMIT, LIMIT.replace("max", "min")), (LIMIT, LIMIT.replace("floor", "ceil")), (LIMIT, "return most_quanta")]})
def the_limit_is_the_greater_one(case: Any, rules: Any) -> None:
    most, held, more = case.whole("most", low=0), case.whole("held", low=0), case.whole("more", low=0)
    for share in (50_000, 0, PPM):
        limit = rules.breakers.flow_limit(most, held, share)
        case.claim(limit >= most, "the amount")
        case.claim((limit + 1) * PPM > held * share, "the share, but for less than a quantum")
        case.claim((limit == most) | (limit * PPM <= held * share), "no more")
        case.claim(rules.breakers.flow_limit(most, held + more, share) >= limit, "more held, no less")


@proof("BRK-016", "never below empty, empty after a window, and the same in two steps as in one", "breakers.drained", bounds=AT_BUCKETS + "; level and times >= 0",
       slips={"breakers": [(DRAINED, "return level - limit_quanta * elapsed_ns"), (DRAINED, "return max(0, level - limit_quanta)"), (DRAINED, "return level")]})
def buckets_drain_evenly(case: Any, rules: Any) -> None:
    level, first, second = case.whole("level", low=0), case.whole("first", low=0), case.whole("second", low=0)
    for limit, window in BUCKETS:
        drained = rules.breakers.drained
        case.claim(drained(level, limit, first) >= 0, "never below empty")
        case.claim(drained(level, limit, first) <= level, "only down")
        case.claim(drained(drained(level, limit, first), limit, second) == drained(level, limit, first + second), "in steps as at once")
        case.claim(drained(limit * window, limit, window) == 0, "a full one in its window")


@proof("BRK-016", "what fits leaves the level at or below the limit; one quantum more would not", "breakers.flow_room", bounds=AT_BUCKETS + "; level >= 0",
       slips={"breakers": [(ROOM, "return (limit_quanta * window_ns - level) // window_ns"), (ROOM, "return max(0, -(-(limit_quanta * window_ns - level) // window_ns))"),
                           (ROOM, "return limit_quanta"), (ROOM, ROOM.replace("- level", "- 2 * level"))]})
def the_room_is_all_there_is(case: Any, rules: Any) -> None:
    level = case.whole("level", low=0)
    for limit, window in BUCKETS:
        room = rules.breakers.flow_room(level, limit, window)
        case.claim((room >= 0) & (room <= limit), "something from nothing to the limit")
        if room > 0:
            case.claim(level + room * window <= limit * window, "at or below the limit")
        case.claim(level + (room + 1) * window > limit * window, "one more passes it")


@proof("BRK-017", "after the wait the amount fits, and not a nanosecond before", "breakers.flow_wait", "breakers.flow_room", "breakers.drained",
       bounds=AT_BUCKETS + "; level >= 0, an amount up to the limit", slips={"breakers": [
           (WAIT, WAIT.replace("-(-(", "((")), (WAIT, "return 0"), (WAIT, WAIT.replace("max(0, ", "(")),
           (WAIT, WAIT.replace("(amount_quanta - limit_quanta)", "amount_quanta"))]})
def waiting_helps_exactly_then(case: Any, rules: Any) -> None:
    level, amount = case.whole("level", low=0), case.whole("amount", low=1)
    for limit, window in BUCKETS:
        if amount <= limit:
            wait = rules.breakers.flow_wait(level, amount, limit, window)
            case.claim(wait >= 0, "a time")
            case.claim(amount <= rules.breakers.flow_room(rules.breakers.drained(level, limit, wait), limit, window), "then it fits")
            if wait > 0:
                case.claim(amount > rules.breakers.flow_room(rules.breakers.drained(level, limit, wait - 1), limit, window), "not before")


SHOCKED = "moved = price_quanta + mul_div_floor(price_quanta, quarters * stress_ppm, 4 * PPM)"
PRICE = "return max(1, min(moved, most_quanta))"
SUM = "return min(SUM_LIMIT_QUANTA, sum_quanta + max(0, -equity_quanta))"
COVERED = "return max(shortfalls_quanta, default=0) <= insured_quanta"


@proof("BRK-021", "a price in its bounds, as far away as the shock says, rounded down; more quarters move it no less", "breakers.shocked_price",
       bounds="shocks of 10 % and 50 %, prices from 1 to 2^50", slips={"breakers": [
           (SHOCKED, SHOCKED.replace("4 * PPM", "PPM")), (SHOCKED, SHOCKED.replace("floor", "ceil")), (PRICE, "return min(moved, most_quanta)"), (PRICE, "return max(1, moved)")]})
def shocks_are_what_they_say(case: Any, rules: Any) -> None:
    price, most = case.whole("price", 1, 1 << 50), 1 << 50
    for stress in (100_000, 500_000):
        last = 0
        for quarters in (-4, -3, -2, -1, 0, 1, 2, 3, 4):
            moved = rules.breakers.shocked_price(price, quarters, stress, most)
            exact = price * (4 * PPM + quarters * stress)
            case.claim((moved >= 1) & (moved <= most), "a price")
            case.claim((moved * 4 * PPM <= exact) | (moved == 1), "no more than the shock says")
            case.claim(((moved + 1) * 4 * PPM > exact) | (moved == most), "and no less")
            case.claim(moved >= last, "in order")
            last = moved


@proof("BRK-021", "debts add up as long as the field holds them, wealth takes nothing off", "breakers.with_shortfall", bounds="sums from 0 to 2^62",
       slips={"breakers": [(SUM, "return sum_quanta + max(0, -equity_quanta)"), (SUM, "return min(SUM_LIMIT_QUANTA, sum_quanta - equity_quanta)"),
                           (SUM, SUM.replace("-equity", "equity"))]})
def debts_add_up(case: Any, rules: Any) -> None:
    so_far, equity = case.whole("sum", 0, 1 << 62), case.whole("equity")
    after = rules.breakers.with_shortfall(so_far, equity)
    case.claim((after >= so_far) & (after <= 1 << 62), "never less, and it fits")
    if equity >= 0:
        case.claim(after == so_far, "wealth takes nothing off")
    else:
        case.claim((after == so_far - equity) | (after == 1 << 62), "a debt adds itself")


@proof("BRK-022", "covered means that every row is", "breakers.is_covered", bounds="three rows, all amounts",
       slips={"breakers": [(COVERED, COVERED.replace("max", "min")), (COVERED, COVERED.replace("<=", "<")), (COVERED, "return sum(shortfalls_quanta) <= insured_quanta")]})
def the_worst_row_counts(case: Any, rules: Any) -> None:
    one, two, three, insured = (case.whole(name, low=0) for name in ("one", "two", "three", "insured"))
    covered = rules.breakers.is_covered((one, two, three), insured)
    case.claim(covered == ((one <= insured) & (two <= insured) & (three <= insured)), "all of them")
