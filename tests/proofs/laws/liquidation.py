# ruff: noqa: E501 - a slip is quoted as the source has it
"""Laws of liquidation: what it may cost, and that nobody pays more than is missing."""

from typing import Any

from tests.proofs.prover import proof

PPM = 1_000_000
MARGIN, MAINTENANCE = 261_013_200, 532_680_000  # of what is closed, of all
GIVEN = "maintenance margin 532,680,000, of which 261,013,200 is freed"


@proof("LIQ-001", "equal is safe, more equity never makes short, and only what is below is", "liquidation.is_short",
       slips={"liquidation": [("return equity < maintenance", "return equity <= maintenance"),
                              ("return equity < maintenance", "return equity > maintenance")]})
def equal_is_safe(case: Any, rules: Any) -> None:
    equity, maintenance, more = case.whole("equity"), case.whole("maintenance"), case.whole("more", low=0)
    case.claim(not rules.liquidation.is_short(maintenance, maintenance), "equal is safe")
    if not rules.liquidation.is_short(equity, maintenance):
        case.claim(equity - maintenance >= 0, "nothing is missing")
        case.claim(not rules.liquidation.is_short(equity + more, maintenance), "monotone")


@proof("LIQ-002", "an order: the other way round is the opposite, and more equity is never worse", "liquidation.worse_health",
       bounds="maintenance margins 300 and 700", slips={"liquidation": [
           ("return equity * other_maintenance - other_equity * maintenance", "return equity * other_maintenance - other_equity"),
           ("return equity * other_maintenance - other_equity * maintenance", "return other_equity * maintenance - equity * other_maintenance")]})
def health_is_an_order(case: Any, rules: Any) -> None:
    one, two, more = case.whole("one"), case.whole("two"), case.whole("more", low=0)
    worse = rules.liquidation.worse_health
    case.claim(worse(one, 300, two, 700) == -worse(two, 700, one, 300), "antisymmetric")
    case.claim(worse(one + more, 300, two, 700) >= worse(one, 300, two, 700), "monotone")


@proof("LIQ-003", "the target is a tenth above the maintenance margin, rounded up", "liquidation.target",
       bounds="maintenance margin >= 0", slips={"liquidation": [
           ("return -(-maintenance * RESTORE_PPM // PPM)", "return maintenance * RESTORE_PPM // PPM"),
           ("RESTORE_PPM = 1_100_000", "RESTORE_PPM = 900_000")]})
def target_is_above(case: Any, rules: Any) -> None:
    maintenance = case.whole("maintenance", low=0)
    aim = rules.liquidation.target(maintenance)
    case.claim(aim >= maintenance, "never below it")
    case.claim(aim * 10 >= maintenance * 11, "at least a tenth above")
    case.claim((aim - 1) * 10 < maintenance * 11, "by less than a quantum more")


@proof("LIQ-004", "what is closed makes up the shortage, and one lot fewer would not; never more than there is",
       "liquidation.restoring_lots", bounds="400 lots that free 552,000,000; shortage >= 1", slips={"liquidation": [
           ("return -(-shortage_quanta * lots // freed_quanta)", "return shortage_quanta * lots // freed_quanta"),
           ("return -(-shortage_quanta * lots // freed_quanta)", "return -(-shortage_quanta * lots // freed_quanta) + 1")]})
def restoring_restores(case: Any, rules: Any) -> None:
    shortage = case.whole("shortage", low=1)
    lots = rules.liquidation.restoring_lots(400, 552_000_000, shortage)
    case.claim(lots <= 400, "no more than there is")
    case.claim(lots >= 1, "something is closed")
    if shortage <= 552_000_000:
        case.claim(lots * 552_000_000 >= shortage * 400, "it is made up")
        case.claim((lots - 1) * 552_000_000 < shortage * 400, "with no lot too many")


@proof("LIQ-005", "at least one lot, at most all, and all of what is small", "liquidation.lots_at_once",
       bounds="mark 46,000,000, a quarter, ten thousand USD; lots >= 1", slips={"liquidation": [
           ("min(lots, max(", "max(lots, max("), ("max(-(-lots // part),", "min(-(-lots // part),")]})
def one_block_closes_a_part(case: Any, rules: Any) -> None:
    lots = case.whole("lots", low=1)
    part = rules.liquidation.lots_at_once(lots, 46_000_000, 4, 10_000_000_000)
    case.claim(part <= lots, "no more than there is")
    case.claim(part * 4 >= lots, "at least a quarter")
    if lots <= 218:
        case.claim(part == lots, "what is worth less goes at once")


@proof("LIQ-006", "a closing at the bankruptcy quote or better never lowers the health of what is left", "liquidation.bankruptcy_quote",
       bounds=GIVEN + "; all equities and values", slips={"liquidation": [
           ("return value_quanta - equity * margin_quanta // maintenance", "return value_quanta - equity * margin_quanta // maintenance - 1"),
           ("return value_quanta - equity * margin_quanta // maintenance", "return value_quanta - equity"),
           ("return value_quanta - equity * margin_quanta // maintenance", "return value_quanta + -equity * margin_quanta // maintenance")]})
def closing_never_worsens(case: Any, rules: Any) -> None:
    equity, value, better = case.whole("equity"), case.whole("value"), case.whole("better", low=0)
    quote = rules.liquidation.bankruptcy_quote(value, MARGIN, equity, MAINTENANCE)
    after = equity - value + quote + better
    case.claim(after * MAINTENANCE >= equity * (MAINTENANCE - MARGIN), "its health does not fall")
    if rules.liquidation.is_short(equity, MAINTENANCE):
        case.claim(after - (MAINTENANCE - MARGIN) > equity - MAINTENANCE, "its excess rises")
    case.claim((quote - 1 - value + equity) * MAINTENANCE < equity * (MAINTENANCE - MARGIN), "a quantum less would lower it")
    case.claim(rules.liquidation.bankruptcy_quote(value, MAINTENANCE, equity, MAINTENANCE) == value - equity, "all of it leaves nothing")


@proof("LIQ-007", "between the value and a maintenance margin below it, and lower the less health", "liquidation.fillable_quote",
       bounds=GIVEN + "; aggression 200%, spread 100%", slips={"liquidation": [
           ("min(max(aggression_ppm * (maintenance - equity), 0), maintenance * PPM)", "max(aggression_ppm * (maintenance - equity), 0)"),
           ("min(max(aggression_ppm * (maintenance - equity), 0), maintenance * PPM)", "min(aggression_ppm * (maintenance - equity), maintenance * PPM)")]})
def fillable_is_bounded(case: Any, rules: Any) -> None:
    equity, value, more = case.whole("equity"), case.whole("value"), case.whole("more", low=0)
    quote = rules.liquidation.fillable_quote(value, MARGIN, equity, MAINTENANCE, 2 * PPM, PPM)
    case.claim(quote <= value, "no more than the value")
    case.claim(quote >= value - MARGIN, "no more than the margin below it")
    case.claim(rules.liquidation.fillable_quote(value, MARGIN, equity + more, MAINTENANCE, 2 * PPM, PPM) >= quote, "monotone")


@proof("LIQ-008", "a fill at the limit brings the quote after the fee; on the tick", "liquidation.limit_price",
       bounds="196 lots either way, fee 500 ppm, tick 500; a quote >= 0 for a sale, <= 0 for a purchase", slips={"liquidation": [
           ("max(tick_quanta, -(-price // tick_quanta) * tick_quanta)", "price // tick_quanta * tick_quanta"),
           ("price // tick_quanta * tick_quanta)", "-(-price // tick_quanta) * tick_quanta)"),
           ("(lots * (PPM - fee_ppm))", "(lots * PPM)")]})
def limit_covers_the_fee(case: Any, rules: Any) -> None:
    quote = case.whole("quote", low=0)
    price = rules.liquidation.limit_price(quote, 196, 500, 500)
    case.claim(price * 196 * (PPM - 500) >= quote * PPM, "a sale")
    case.claim(price % 500 == 0, "on the tick")
    price = rules.liquidation.limit_price(-quote, -196, 500, 500)
    case.claim(price * 196 * (PPM + 500) <= quote * PPM, "a purchase")
    case.claim(price % 500 == 0, "on the tick")


@proof("LIQ-009", "never negative, within the rate, and no more than what is left above the bankruptcy quote", "liquidation.liquidation_fee",
       bounds="rate 5,000 ppm, notional >= 0", slips={"liquidation": [
           ("return max(0, min(received_quanta - bankruptcy_quanta,", "return (min(received_quanta - bankruptcy_quanta,"),
           ("min(received_quanta - bankruptcy_quanta, notional_quanta * fee_ppm // PPM)", "notional_quanta * fee_ppm // PPM"),
           ("min(received_quanta - bankruptcy_quanta, notional_quanta * fee_ppm // PPM)", "received_quanta - bankruptcy_quanta")]})
def fee_is_what_is_left(case: Any, rules: Any) -> None:
    received, bankrupt, notional = case.whole("received"), case.whole("bankrupt"), case.whole("notional", low=0)
    fee = rules.liquidation.liquidation_fee(received, bankrupt, notional, 5_000)
    case.claim(fee >= 0, "never negative")
    case.claim(fee * PPM <= notional * 5_000, "within the rate")
    if received >= bankrupt:
        case.claim(received - fee >= bankrupt, "the bankruptcy quote is left")


@proof("LIQ-010", "the fund takes at most the fee and never passes its cap by it", "liquidation.fund_share",
       bounds="fee >= 0", slips={"liquidation": [
           ("max(0, min(fee_quanta, cap_quanta - balance_quanta))", "min(fee_quanta, cap_quanta - balance_quanta)"),
           ("max(0, min(fee_quanta, cap_quanta - balance_quanta))", "fee_quanta")]})
def fund_keeps_to_its_cap(case: Any, rules: Any) -> None:
    fee, balance, cap = case.whole("fee", low=0), case.whole("balance"), case.whole("cap")
    kept = rules.liquidation.fund_share(fee, balance, cap)
    case.claim((kept >= 0) & (kept <= fee), "a share of the fee")
    if balance <= cap:
        case.claim(balance + kept <= cap, "up to the cap")


@proof("LIQ-012", "the discount grows from nothing to all and no further", "liquidation.discount",
       bounds="a quarter of an hour, elapsed >= 0", slips={"liquidation": [
           ("return min(PPM, elapsed_ns * PPM // duration_ns)", "return elapsed_ns * PPM // duration_ns"),
           ("return min(PPM, elapsed_ns * PPM // duration_ns)", "return min(PPM, PPM - elapsed_ns * PPM // duration_ns)")]})
def discount_grows(case: Any, rules: Any) -> None:
    elapsed, more = case.whole("elapsed", low=0), case.whole("more", low=0)
    now = rules.liquidation.discount(elapsed, 900_000_000_000)
    case.claim((now >= 0) & (now <= PPM), "between none and all")
    case.claim(rules.liquidation.discount(elapsed + more, 900_000_000_000) >= now, "grows")
    case.claim(rules.liquidation.discount(0, 900_000_000_000) == 0, "from nothing")


@proof("LIQ-013", "without a discount exactly the fraction that restores the target, rounded up; lots keep their sign",
       "liquidation.restoring_fraction", "liquidation.lots_of_fraction", "liquidation.target",
       bounds="maintenance margin 532,680,000; 0 < equity < target; a fraction of 579,694 ppm of any lots", slips={"liquidation": [
           ("-(-(aim - equity) * PPM * PPM // (aim * PPM - discount_ppm * equity))", "(aim - equity) * PPM * PPM // (aim * PPM - discount_ppm * equity)"),
           ("taken = -(-abs(lots) * fraction_ppm // PPM)", "taken = abs(lots) * fraction_ppm // PPM"),
           ("return taken if lots > 0 else -taken", "return taken")]})
def fraction_restores(case: Any, rules: Any) -> None:
    aim = rules.liquidation.target(MAINTENANCE)
    equity, lots = case.whole("equity", low=1, high=aim - 1), case.whole("lots")
    fraction = rules.liquidation.restoring_fraction(equity, MAINTENANCE, 0)
    case.claim((fraction > 0) & (fraction <= PPM), "a fraction")
    case.claim(equity * PPM >= (PPM - fraction) * aim, "restored")
    taken = rules.liquidation.lots_of_fraction(lots, 579_694)
    case.claim(abs(taken) <= abs(lots), "no more than there is")
    case.claim(abs(taken) * PPM >= abs(lots) * 579_694, "rounded up")
    case.claim(abs(lots - taken) == abs(lots) - abs(taken), "of the sign held")


@proof("LIQ-014", "a bid never lowers the health of what is left, whatever the discount", "liquidation.discount_paid",
       bounds=GIVEN + "; equity >= 0; discount 0, 503,333 or 1,000,000 ppm", slips={"liquidation": [
           ("return equity * margin_quanta * discount_ppm // (maintenance * PPM)", "return equity * margin_quanta * discount_ppm // (maintenance * PPM) + 1"),
           ("return equity * margin_quanta * discount_ppm // (maintenance * PPM)", "return equity * discount_ppm // PPM")]})
def bid_never_worsens(case: Any, rules: Any) -> None:
    equity = case.whole("equity", low=0)
    for discount in (0, 503_333, PPM):
        paid = rules.liquidation.discount_paid(equity, MARGIN, MAINTENANCE, discount)
        case.claim(paid >= 0, "never negative")
        case.claim((equity - paid) * MAINTENANCE >= equity * (MAINTENANCE - MARGIN), "its health does not fall")


@proof("LIQ-016", "a fund never goes below zero, and pays no more than is missing nor than its limit", "liquidation.fund_pays",
       bounds="balance >= 0, deficit >= 0", slips={"liquidation": [
           ("max(0, min(deficit_quanta, balance_quanta, limit_quanta))", "min(deficit_quanta, balance_quanta, limit_quanta)"),
           ("max(0, min(deficit_quanta, balance_quanta, limit_quanta))", "max(0, min(deficit_quanta, limit_quanta))"),
           ("max(0, min(deficit_quanta, balance_quanta, limit_quanta))", "max(0, balance_quanta)")]})
def fund_never_below_zero(case: Any, rules: Any) -> None:
    deficit, balance, limit = case.whole("deficit", low=0), case.whole("balance", low=0), case.whole("limit")
    paid = rules.liquidation.fund_pays(deficit, balance, limit)
    case.claim((paid >= 0) & (balance - paid >= 0), "the fund stays above zero")
    case.claim(paid <= deficit, "no more than is missing")
    case.claim((paid <= limit) | (paid == 0), "no more than its limit")


@proof("LIQ-016", "on the book the fund pays at most the deficit and the fee, and never below the mark less the fee",
       "liquidation.fund_reach", "liquidation.bankruptcy_quote",
       bounds=GIVEN + "; fee >= 0", slips={"liquidation": [
           ("return max(0, quote_quanta - (value_quanta - fee_quanta))", "return quote_quanta - (value_quanta - fee_quanta)"),
           ("return max(0, quote_quanta - (value_quanta - fee_quanta))", "return max(0, quote_quanta - (value_quanta - 2 * fee_quanta))"),
           ("return max(0, quote_quanta - (value_quanta - fee_quanta))", "return max(0, quote_quanta - value_quanta)")]})
def fund_pays_deficit_and_fee(case: Any, rules: Any) -> None:
    value, equity, fee = case.whole("value"), case.whole("equity"), case.whole("fee", low=0)
    quote = rules.liquidation.bankruptcy_quote(value, MARGIN, equity, MAINTENANCE)
    reach = rules.liquidation.fund_reach(quote, value, fee)
    case.claim(reach >= 0, "never negative")
    case.claim(quote - reach <= value - fee, "as far as the mark less the fee")
    case.claim((quote - reach >= value - fee) | (reach == 0), "and no further")
    if quote >= value:
        case.claim(reach == quote - value + fee, "deficit and fee")
    else:
        case.claim(reach <= fee, "at most the fee where there is equity")


@proof("LIQ-012", "a bid is never asked for more than restores, nor for more than a tenth", "liquidation.least_fraction",
       bounds="a fraction that restores of 1 to 1,000,000 ppm", slips={"liquidation": [
           ("return min(restoring_ppm, LEAST_FRACTION_PPM)", "return max(restoring_ppm, LEAST_FRACTION_PPM)"),
           ("return min(restoring_ppm, LEAST_FRACTION_PPM)", "return LEAST_FRACTION_PPM"),
           ("LEAST_FRACTION_PPM = 100_000", "LEAST_FRACTION_PPM = 10_000")]})
def a_bid_is_no_trifle(case: Any, rules: Any) -> None:
    restoring = case.whole("restoring", low=1, high=PPM)
    least = rules.liquidation.least_fraction(restoring)
    case.claim((least >= 1) & (least <= restoring) & (least <= 100_000), "within both")
    case.claim((least == restoring) | (least == 100_000), "and one of them")


@proof("LIQ-026", "never more in a day than its limit, all of it in a new one", "liquidation.day_room",
       bounds="limit and what was paid >= 0, a day of 86,400", slips={"liquidation": [
           ("max(0, limit_quanta - spent_quanta)", "limit_quanta - spent_quanta"),
           ("if time_ns >= day_ns + length_ns", "if time_ns >= day_ns"),
           ("max(0, limit_quanta - spent_quanta)", "limit_quanta")]})
def a_day_is_bounded(case: Any, rules: Any) -> None:
    limit, spent = case.whole("limit", low=0), case.whole("spent", low=0)
    day, time = case.whole("day", low=0), case.whole("time", low=0)
    room = rules.liquidation.day_room(limit, spent, day, time, 86_400)
    case.claim(room >= 0, "never negative")
    case.claim(room <= limit, "never more than the limit")
    if time - day >= 86_400:
        case.claim(room == limit, "a new day has all of it")
    elif spent <= limit:
        case.claim(room + spent == limit, "the rest of it")
    else:
        case.claim(room == 0, "nothing when more was paid")


@proof("LIQ-027", "no greater loss: what was made may go, but nothing may be lost more", "liquidation.is_no_worse",
       slips={"liquidation": [("after_quanta >= min(before_quanta, 0)", "after_quanta >= before_quanta"),
                              ("after_quanta >= min(before_quanta, 0)", "after_quanta >= max(before_quanta, 0)"),
                              ("after_quanta >= min(before_quanta, 0)", "after_quanta > min(before_quanta, 0)")]})
def losses_do_not_grow(case: Any, rules: Any) -> None:
    before, after = case.whole("before"), case.whole("after")
    fine = rules.liquidation.is_no_worse(after, before)
    if after >= 0:
        case.claim(fine, "no loss at all")
    else:
        case.claim(fine == (after >= before), "no greater loss")


@proof("LIQ-029", "a row of lots has the sign of the move, and as much either way", "liquidation.row_of_lots",
       bounds="mark 46,000,000, weight 277,200 ppm", slips={"liquidation": [
           ("return lots * mark_quanta * spot_ppm * weight_ppm", "return abs(lots) * mark_quanta * spot_ppm * weight_ppm"),
           ("return lots * mark_quanta * spot_ppm * weight_ppm", "return lots * mark_quanta * weight_ppm")]})
def rows_of_lots_are_odd(case: Any, rules: Any) -> None:
    spot = case.whole("spot")
    one = rules.liquidation.row_of_lots(1, 46_000_000, spot, 277_200)
    case.claim(one + rules.liquidation.row_of_lots(-1, 46_000_000, spot, 277_200) == 0, "a sale is the opposite")
    case.claim((one > 0) == (spot > 0), "gains when the price rises")


@proof("LIQ-029", "harmless lots make no row's loss greater, and one more would", "liquidation.harmless_lots",
       "liquidation.row_after", "liquidation.is_no_worse", bounds="a row of 1,000 that 40 lots bring anywhere; one of -1,000",
       slips={"liquidation": [("return max(0, before_quanta) * all_lots // (before_quanta - after_quanta)", "return all_lots // 2"),
                              ("max(0, before_quanta) * all_lots //", "-max(0, before_quanta) * all_lots //"),
                              ("(after_quanta - before_quanta) * lots // all_lots", "-(before_quanta - after_quanta) * lots // all_lots - 1")]})
def harmless_is_the_most(case: Any, rules: Any) -> None:
    lots = case.whole("lots", low=1)
    found, row = rules.liquidation.harmless_lots(1_000, -300, lots), rules.liquidation.row_after
    case.claim(rules.liquidation.is_no_worse(row(1_000, -300, found, lots), 1_000), "harmless")
    case.claim(row(1_000, -300, found + 1, lots) < 0, "one more is not")
    case.claim(found <= lots, "no more than all")
    case.claim(rules.liquidation.harmless_lots(-1_000, -1_001, lots) == 0, "a loss may not grow")
    case.claim(rules.liquidation.harmless_lots(-1_000, -999, lots) == lots, "what helps may be all")


@proof("LIQ-029", "as few lots as reach a level", "liquidation.lots_to_reach", "liquidation.row_after",
       bounds="a row of -1,000 that some lots bring to 300", slips={"liquidation": [
           ("return -(-(level_quanta - before_quanta) * all_lots // (after_quanta - before_quanta))",
            "return (level_quanta - before_quanta) * all_lots // (after_quanta - before_quanta)"),
           ("if after_quanta <= level_quanta:", "if after_quanta > level_quanta:")]})
def few_lots_reach(case: Any, rules: Any) -> None:
    lots = case.whole("lots", low=1)
    few, row = rules.liquidation.lots_to_reach(-1_000, 300, lots, -77), rules.liquidation.row_after
    case.claim(row(-1_000, 300, few, lots) >= -77, "reached")
    case.claim(row(-1_000, 300, few - 1, lots) < -77, "with none too many")
    case.claim(rules.liquidation.lots_to_reach(-1_000, 300, lots, -1_000) == 0, "where it is")
    case.claim(rules.liquidation.lots_to_reach(-1_000, -90, lots, -77) == lots, "all where that is not enough")


@proof("LIQ-031", "half of the excess stays, with no lot too few", "liquidation.bearable_lots",
       bounds="excess 60, without any lots -240 or whatever is at least 30; lots >= 0", slips={"liquidation": [
           ("kept = excess_quanta // 2", "kept = excess_quanta"),
           ("if excess_without_quanta >= kept:", "if excess_without_quanta >= 0 or True:"),
           ("return (excess_quanta - kept) * lots // (excess_quanta - excess_without_quanta)",
            "return -(-(excess_quanta - kept) * lots // (excess_quanta - excess_without_quanta))")]})
def half_of_the_excess_stays(case: Any, rules: Any) -> None:
    lots, without = case.whole("lots", low=0), case.whole("without", low=30)
    found = rules.liquidation.bearable_lots(lots, 60, -240)
    case.claim(60 * lots - 300 * found >= 30 * lots, "along the straight line half is left")
    case.claim(60 * lots - 300 * (found + 1) < 30 * lots, "one more would leave less")
    case.claim(found <= lots, "no more than there are")
    case.claim(rules.liquidation.bearable_lots(lots, 60, without) == lots, "all where half is left without them")


@proof("LIQ-032", "at least one look, more for more positions", "liquidation.looks_for", bounds="positions 0 to 64",
       slips={"liquidation": [("return 1 + 4 * positions", "return 4 * positions"),
                              ("return 1 + 4 * positions", "return 1 - 4 * positions")]})
def looks_grow(case: Any, rules: Any) -> None:
    positions = case.whole("positions", 0, 64)
    looks = rules.liquidation.looks_for(positions)
    case.claim(looks >= 1, "at least one")
    case.claim(rules.liquidation.looks_for(positions + 1) >= looks, "monotone")


@proof("LIQ-018", "never negative, never above the profit, and nothing for a full hedge", "liquidation.net_profit",
       bounds="losses elsewhere >= 0", slips={"liquidation": [
           ("return max(0, profit_quanta - losses_elsewhere_quanta)", "return profit_quanta - losses_elsewhere_quanta"),
           ("return max(0, profit_quanta - losses_elsewhere_quanta)", "return max(0, profit_quanta)")]})
def hedges_have_no_profit(case: Any, rules: Any) -> None:
    profit, losses = case.whole("profit"), case.whole("losses", low=0)
    net = rules.liquidation.net_profit(profit, losses)
    case.claim(net >= 0, "never negative")
    case.claim((net <= profit) | (net == 0), "never above the profit")
    if losses >= profit:
        case.claim(net == 0, "a hedge")


@proof("LIQ-019", "what a holder closes it can pay, and shares never pass what is left nor a cap; the last takes the rest",
       "liquidation.payable_lots", "liquidation.portion", "liquidation.given_up",
       bounds="a deficit of 93,205,000 over 400 lots; weights 3 of 7, then 4 of 4; all numbers >= 0", slips={"liquidation": [
           ("min(lots, room_quanta * all_lots // deficit_quanta)", "room_quanta * all_lots // deficit_quanta"),
           ("min(lots, room_quanta * all_lots // deficit_quanta)", "min(lots, -(-room_quanta * all_lots // deficit_quanta))"),
           ("return min(cap, left * weight // weights_left)", "return left * weight // weights_left"),
           ("return min(cap, left * weight // weights_left)", "return min(cap, -(-left * weight // weights_left) + 1)")]})
def shares_within_means(case: Any, rules: Any) -> None:
    lots, room = case.whole("lots", low=0), case.whole("room", low=0)
    most = rules.liquidation.payable_lots(lots, room, 93_205_000, 400)
    case.claim(most <= lots, "no more than it holds")
    case.claim(rules.liquidation.given_up(93_205_000, 400, 0, most) <= room, "no more than it can bear")
    left, one, two = case.whole("left", low=0), case.whole("one", low=0), case.whole("two", low=0)
    first = rules.liquidation.portion(left, 3, 7, one)
    second = rules.liquidation.portion(left - first, 4, 4, two)
    case.claim((first >= 0) & (second >= 0) & (first + second <= left), "no more than there is")
    case.claim((first <= one) & (second <= two), "within the caps")
    if two >= left:
        case.claim(first + second == left, "nothing is lost to rounding")


@proof("LIQ-020", "parts of a deficit sum to it exactly, whoever closes how many lots", "liquidation.given_up",
       bounds="seven lots in parts of two, one and four; any deficit", slips={"liquidation": [
           ("deficit_quanta * (lots_before + lots) // all_lots - deficit_quanta * lots_before // all_lots", "deficit_quanta * lots // all_lots"),
           ("deficit_quanta * (lots_before + lots) // all_lots - deficit_quanta * lots_before // all_lots", "-(-deficit_quanta * lots // all_lots)")]})
def parts_sum_to_the_deficit(case: Any, rules: Any) -> None:
    deficit = case.whole("deficit", low=0)
    part = rules.liquidation.given_up
    case.claim(part(deficit, 7, 0, 2) + part(deficit, 7, 2, 1) + part(deficit, 7, 3, 4) == deficit, "exactly")
    case.claim((part(deficit, 7, 2, 1) * 7 > deficit - 7) & (part(deficit, 7, 2, 1) * 7 < deficit + 7), "each its share")


@proof("LIQ-025", "the doubt is half of a value and never less", "liquidation.doubt",
       slips={"liquidation": [("return -(-value_quanta // 2)", "return value_quanta // 2"), ("return -(-value_quanta // 2)", "return value_quanta")]})
def the_doubt_is_half(case: Any, rules: Any) -> None:
    value = case.whole("value", low=0)
    more = rules.liquidation.doubt(value)
    case.claim((2 * more >= value) & (2 * more <= value + 1), "half, rounded up")
