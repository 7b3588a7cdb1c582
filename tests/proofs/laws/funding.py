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
       bounds="1, -1, 7 or -1,000 lots, all indices",
       slips={"funding": [(PAYMENT, "return lots * (index_now_e9 - index_then_e9) // E9"), (PAYMENT, PAYMENT + " + 2")]})
def settling_often_gains_nothing(case: Any, rules: Any) -> None:
    start, between, end = case.whole("start"), case.whole("between"), case.whole("end")
    for lots in (1, -1, 7, -1_000):
        apart = rules.funding.payment(lots, between, start) + rules.funding.payment(lots, end, between)
        whole = rules.funding.payment(lots, end, start)
        case.claim(apart >= whole, "never less")
        case.claim(apart <= whole + 1, "at most one quantum more")


CLAMP = "return max(low, min(high, value))"
BID = "return -(-value // count) if up else value // count"
MEAN = "value, count = notional_quanta * price, lots * price + notional_quanta - spent"


@proof("FUND-006", "within its ends, and the value itself when it is", "funding.clamp",
       slips={"funding": [(CLAMP, "return min(low, max(high, value))"), (CLAMP, "return max(low, value)"), (CLAMP, "return low")]})
def clamp_is_within(case: Any, rules: Any) -> None:
    value, low, high = case.whole("value"), case.whole("low"), case.whole("high")
    case.assume(low <= high)
    clamped = rules.funding.clamp(value, low, high)
    case.claim((clamped >= low) & (clamped <= high), "within")
    if low <= value and value <= high:
        case.claim(clamped == value, "untouched")


@proof("FUND-004", "the impact price lies between the best price and the last that is needed; without depth there is none",
       "funding.impact_price", bounds="a best price of 100 and one beyond it by any amount, lots from 1, any notional",
       slips={"funding": [(MEAN, "value, count = notional_quanta * price, lots * price"), (BID, "return value // count if up else -(-value // count) + 1"),
                          ("return 0", "return 1")]})
def impact_price_is_a_mean(case: Any, rules: Any) -> None:
    notional, first, second = case.whole("notional", low=1), case.whole("first", low=1), case.whole("second", low=1)
    for best, next_best in ((100, 97), (100, 104)):
        orders = [(best, first), (next_best, second)]
        up = next_best > best
        price = rules.funding.impact_price(orders, notional, up=up)
        if best * first + next_best * second < notional:
            case.claim(price == 0, "too little depth")
        elif best * first >= notional:
            case.claim(price == best, "the best price alone")
        else:
            case.claim((price >= min(best, next_best)) & (price <= max(best, next_best)), "between the two")
            beyond = notional - best * first  # what is traded at the second price
            exact_lots = first * next_best + beyond  # lots, times the second price
            if up:
                case.claim(price * exact_lots >= notional * next_best, "never below the mean of asks")
            else:
                case.claim(price * exact_lots <= notional * next_best, "never above the mean of bids")


@proof("FUND-005", "a premium has the sign of what the book says, mirrors it, and is at most a whole", "funding.premium",
       bounds="an index of 1, 997 or 46,000,000; all impact prices from 1",
       slips={"funding": [("return clamp(mul_div_toward_zero(above - below, E9, index_quanta), -E9, E9)", "return (above - below) * E9 // index_quanta"),
                          ("above = max(0, impact_bid_quanta - index_quanta)", "above = impact_bid_quanta - index_quanta"),
                          ("mul_div_toward_zero(above - below", "mul_div_toward_zero(above + below")]})
def premium_follows_the_book(case: Any, rules: Any) -> None:
    bid, beyond = case.whole("bid", low=1), case.whole("beyond", low=1)
    for index in (1, 997, 46_000_000):
        ask = bid + beyond
        found = rules.funding.premium(bid, ask, index)
        case.claim((found <= E9) & (found >= -E9), "at most a whole")
        if bid <= index and index <= ask:
            case.claim(found == 0, "no premium while the index lies inside")
        if bid > index:
            case.claim(found >= 0, "longs pay")
            case.claim(found * index <= (bid - index) * E9, "never more than it is")
        if ask < index:
            case.claim(found <= 0, "shorts pay")
            case.claim(found * index >= (ask - index) * E9, "never more than it is")


@proof("FUND-006", "within the cap, no further from the premium than the band, and rising with it", "funding.rate",
       bounds="band and cap >= 0",
       slips={"funding": [("return clamp(premium_e9 + clamp(interest_e9 - premium_e9, -band_e9, band_e9), -cap_e9, cap_e9)",
                           "return premium_e9 + clamp(interest_e9 - premium_e9, -band_e9, band_e9)"),
                          ("clamp(interest_e9 - premium_e9, -band_e9, band_e9), -cap_e9", "interest_e9 - premium_e9, -cap_e9"),
                          ("premium_e9 + clamp(interest_e9 - premium_e9", "interest_e9 + clamp(interest_e9 - premium_e9")]})
def rate_is_bounded(case: Any, rules: Any) -> None:
    premium, interest, more = case.whole("premium"), case.whole("interest"), case.whole("more", low=0)
    band, cap = case.whole("band", low=0), case.whole("cap", low=0)
    found = rules.funding.rate(premium, interest, band, cap)
    case.claim((found <= cap) & (found >= -cap), "within the cap")
    case.claim(rules.funding.rate(premium + more, interest, band, cap) >= found, "rising with the premium")
    if premium + band < cap and premium - band > -cap:
        case.claim((found - premium <= band) & (premium - found <= band), "at most the band away")
        if interest - premium <= band and premium - interest <= band:
            case.claim(found == interest, "inside the band it is the interest")


STEP = "step = mul_div_toward_zero(price_quanta * rate_e9, elapsed_ns, PERIOD_NS)"


@proof("FUND-007", "the index moves as the rate says, by no more than is exact and less than one below it, within its field",
       "funding.next_index", bounds="rates of 300,000 and -9,500,000, a time of 1 or 30 seconds, index within 2^62, prices >= 0",
       slips={"funding": [("INDEX_LIMIT_E9 = 1 << 62", "INDEX_LIMIT_E9 = 1 << 64"), (STEP, STEP.replace("mul_div_toward_zero(", "-mul_div_toward_zero(")),
                          (STEP, STEP + " - 1"), ("PERIOD_NS = 8 * 3600 * E9", "PERIOD_NS = 8 * 3601 * E9")]})
def index_moves_as_the_rate_says(case: Any, rules: Any) -> None:
    most = 1 << 62
    index, price = case.whole("index", -most, most), case.whole("price", low=0)
    for rate in (300_000, -9_500_000):
        for seconds in (1, 30):
            after = rules.funding.next_index(index, price, rate, seconds * E9)
            case.claim((after <= most) & (after >= -most), "within its field")
            moved, exact = after - index, price * rate * seconds  # exact: times 28,800
            if rate > 0:
                case.claim((moved >= 0) & (moved * 28_800 <= exact), "up, never more than exact")
                if after < most:
                    case.claim((moved + 1) * 28_800 > exact, "less than one below it")
            else:
                case.claim((moved <= 0) & (moved * 28_800 >= exact), "down, never more than exact")
                if after > -most:
                    case.claim((moved - 1) * 28_800 < exact, "less than one above it")
