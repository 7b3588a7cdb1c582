"""LIQ rules: when an account is closed, at what price, and who bears what it cannot pay. Pure functions over integers.

Quotes are what the account gets for what is closed, in quote quanta; negative when it pays, as a short does. Margins
are maintenance margins.
"""

from app.kernel.integers import PPM

# a liquidation aims at this much of the maintenance margin, so that it need not come again soon
RESTORE_PPM = 1_100_000
# a bid takes at least this much of an account, so that none is made only to fail the bids of others
LEAST_FRACTION_PPM = 100_000


def is_short(equity: int, maintenance: int) -> bool:
    """LIQ-001: an account is short when its equity is below its maintenance margin; equal is safe."""
    return equity < maintenance


def worse_health(equity: int, maintenance: int, other_equity: int, other_maintenance: int) -> int:
    """LIQ-002: below 0 when the first account's health (equity / maintenance margin) is the worse, 0 when equal; by
    cross-multiplication, exact.
    """
    return equity * other_maintenance - other_equity * maintenance


def target(maintenance: int) -> int:
    """LIQ-003: the equity that a liquidation aims at: 110% of the maintenance margin, rounded up."""
    return -(-maintenance * RESTORE_PPM // PPM)


def restoring_lots(lots: int, freed_quanta: int, shortage_quanta: int) -> int:
    """LIQ-004: the fewest of `lots` > 0 whose closing makes up a shortage, if closing all of them frees `freed_quanta`
    of it; all when that is not enough.
    """
    if freed_quanta <= shortage_quanta:
        return lots
    return -(-shortage_quanta * lots // freed_quanta)


def lots_at_once(lots: int, mark_quanta: int, part: int, least_notional_quanta: int) -> int:
    """LIQ-005: the most of `lots` that one block closes on the book: a `part`-th, or what is worth `least_notional` if
    that is more; both rounded up.
    """
    return min(lots, max(-(-lots // part), -(-least_notional_quanta // mark_quanta)))


def bankruptcy_quote(value_quanta: int, margin_quanta: int, equity: int, maintenance: int) -> int:
    """LIQ-006: the quote at which closing lots worth `value_quanta`, which free `margin_quanta` of `maintenance`,
    leaves the account its share of the equity less theirs: value - equity x margin / maintenance, rounded so that the
    fund pays nothing at that price.
    """
    return value_quanta - equity * margin_quanta // maintenance


def fillable_quote(
    value_quanta: int, margin_quanta: int, equity: int, maintenance: int, aggression_ppm: int, spread_ppm: int
) -> int:
    """LIQ-007: the least quote asked for on the book: value less a share of the margin freed, which grows with what the
    account is short: aggression x (1 - equity / maintenance), within 0 and 1, times the spread. Rounded up.
    """
    depth = min(max(aggression_ppm * (maintenance - equity), 0), maintenance * PPM)
    return value_quanta - margin_quanta * spread_ppm * depth // (maintenance * PPM * PPM)


def limit_price(quote_quanta: int, lots: int, fee_ppm: int, tick_quanta: int) -> int:
    """LIQ-008: the worst price a lot at which closing `lots` (> 0: selling a long) for at least `quote_quanta` after
    the taker's fee is possible, on the tick: up for sales, down for purchases. 0: no price.
    """
    if lots > 0:
        price = -(-quote_quanta * PPM // (lots * (PPM - fee_ppm)))
        return max(tick_quanta, -(-price // tick_quanta) * tick_quanta)
    price = quote_quanta * PPM // (lots * (PPM + fee_ppm))
    return max(0, price // tick_quanta * tick_quanta)


def liquidation_fee(received_quanta: int, bankruptcy_quanta: int, notional_quanta: int, fee_ppm: int) -> int:
    """LIQ-009: the fee of a closing: the market's rate on its notional, rounded down, and never more than what was
    received above the bankruptcy quote.
    """
    return max(0, min(received_quanta - bankruptcy_quanta, notional_quanta * fee_ppm // PPM))


def fund_share(fee_quanta: int, balance_quanta: int, cap_quanta: int) -> int:
    """LIQ-010: how much of a fee the market's insurance fund takes: up to its cap. The rest is the treasury's."""
    return max(0, min(fee_quanta, cap_quanta - balance_quanta))


def discount(elapsed_ns: int, duration_ns: int) -> int:
    """LIQ-012: the share of its equity that an auctioned account gives a bidder, in ppm: grows evenly from 0 to all."""
    return min(PPM, elapsed_ns * PPM // duration_ns)


def restoring_fraction(equity: int, maintenance: int, discount_ppm: int) -> int:
    """LIQ-013: the largest fraction of an account that may be taken, in ppm, rounded up: what restores it to its target
    T: f with E - d f E = (1 - f) T. `equity` is above 0 and below the target.
    """
    aim = target(maintenance)
    return min(PPM, -(-(aim - equity) * PPM * PPM // (aim * PPM - discount_ppm * equity)))


def least_fraction(restoring_ppm: int) -> int:
    """LIQ-012: the smallest fraction that a bid may take, in ppm: a tenth of the account, or what restores it if that
    is less.
    """
    return min(restoring_ppm, LEAST_FRACTION_PPM)


def lots_of_fraction(lots: int, fraction_ppm: int) -> int:
    """LIQ-013: the lots of a fraction of `lots` (negative: short), the size rounded up."""
    taken = -(-abs(lots) * fraction_ppm // PPM)
    return taken if lots > 0 else -taken


def discount_paid(equity: int, margin_quanta: int, maintenance: int, discount_ppm: int) -> int:
    """LIQ-014: what a bidder is paid for taking lots that free `margin_quanta` of `maintenance`: that share of the
    equity, times the discount, rounded down, so that the account's health never falls.
    """
    return equity * margin_quanta * discount_ppm // (maintenance * PPM)


def fund_pays(deficit_quanta: int, balance_quanta: int, limit_quanta: int) -> int:
    """LIQ-016: what the market's fund pays of a deficit: no more than it has, nor than its limit an event."""
    return max(0, min(deficit_quanta, balance_quanta, limit_quanta))


def day_room(limit_quanta: int, spent_quanta: int, day_ns: int, time_ns: int, length_ns: int) -> int:
    """LIQ-026: what a fund may still pay in the day that began at `day_ns`, when it has paid `spent_quanta` in it; all
    of its limit once that day is over.
    """
    return limit_quanta if time_ns >= day_ns + length_ns else max(0, limit_quanta - spent_quanta)


def fund_reach(quote_quanta: int, value_quanta: int, fee_quanta: int) -> int:
    """LIQ-016: how far the fund helps a closing on the book that needs `quote_quanta` to leave nothing missing: down to
    the value at the mark less the taker's fee, so by the account's deficit and that fee, and never by the distance of
    an order from the mark. Nothing where the account's equity reaches as far.
    """
    return max(0, quote_quanta - (value_quanta - fee_quanta))


def net_profit(profit_quanta: int, losses_elsewhere_quanta: int) -> int:
    """LIQ-018: a holder's profit in the market less the account's losses elsewhere (>= 0), never below 0: a hedge that
    lost as much as this side won has no net profit, so it comes last.
    """
    return max(0, profit_quanta - losses_elsewhere_quanta)


def payable_lots(lots: int, room_quanta: int, deficit_quanta: int, all_lots: int) -> int:
    """LIQ-019: the most of a holder's `lots` that can be closed so that its share of the deficit, which is spread
    evenly over `all_lots`, stays within `room_quanta`. Rounded down.
    """
    return min(lots, room_quanta * all_lots // deficit_quanta) if deficit_quanta else lots


def portion(left: int, weight: int, weights_left: int, cap: int) -> int:
    """LIQ-019: what one of several gets of what is left: its share of the weights not yet served, up to its cap. Who is
    served last gets all that its cap allows, so nothing is lost to rounding.
    """
    return min(cap, left * weight // weights_left)


def given_up(deficit_quanta: int, all_lots: int, lots_before: int, lots: int) -> int:
    """LIQ-020: the deficit that closing `lots` takes when `lots_before` of `all_lots` were closed before it: each lot
    bears the same, and the sum over all lots is the deficit exactly.
    """
    return deficit_quanta * (lots_before + lots) // all_lots - deficit_quanta * lots_before // all_lots


def doubt(value_quanta: int) -> int:
    """LIQ-025: what a value that cannot be trusted now may be more to its holder: half of it, rounded up."""
    return -(-value_quanta // 2)


def looks_for(positions: int) -> int:
    """LIQ-032: the looks that an account counts for whose positions are margined together: one, and four more for each
    of them.
    """
    return 1 + 4 * positions


def bearable_lots(lots: int, excess_quanta: int, excess_without_quanta: int) -> int:
    """LIQ-031: the most of a winner's lots that can be closed with half of its excess left, when it would have
    `excess_without_quanta` with none of them: all where that is not below the half. Excess is concave in lots, so in
    between it is no less than along a straight line. `excess_quanta` >= 0.
    """
    kept = excess_quanta // 2
    if excess_without_quanta >= kept:
        return lots
    return (excess_quanta - kept) * lots // (excess_quanta - excess_without_quanta)


def is_no_worse(after_quanta: int, before_quanta: int) -> bool:
    """LIQ-027: whether a row's loss is no greater than it was: its profit is at least that, or at least 0."""
    return after_quanta >= min(before_quanta, 0)


def row_of_lots(lots: int, mark_quanta: int, spot_ppm: int, weight_ppm: int) -> int:
    """LIQ-029: what lots of a perpetual or future add to a row of moves, in quanta x 10^12."""
    return lots * mark_quanta * spot_ppm * weight_ppm


def row_after(before_quanta: int, after_quanta: int, lots: int, all_lots: int) -> int:
    """LIQ-029: a row after `lots` of an order of `all_lots` which all together make `after` of `before`: in between
    along a straight line, rounded down. What options make of it is no less, as rows are concave.
    """
    return before_quanta + (after_quanta - before_quanta) * lots // all_lots


def harmless_lots(before_quanta: int, after_quanta: int, all_lots: int) -> int:
    """LIQ-029: the most lots of an order after which a row's loss is no greater (`is_no_worse`)."""
    if is_no_worse(after_quanta, before_quanta):
        return all_lots
    return max(0, before_quanta) * all_lots // (before_quanta - after_quanta)


def lots_to_reach(before_quanta: int, after_quanta: int, all_lots: int, level_quanta: int) -> int:
    """LIQ-029: the fewest lots of an order after which a row is at least at a level; 0 where it is there already, and
    all where it never comes so far.
    """
    if before_quanta >= level_quanta:
        return 0
    if after_quanta <= level_quanta:
        return all_lots
    return -(-(level_quanta - before_quanta) * all_lots // (after_quanta - before_quanta))
