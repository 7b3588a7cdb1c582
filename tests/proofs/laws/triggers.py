# ruff: noqa: E501 - a slip is quoted as the source has it
"""Laws of triggers: what a price reaches, and how a trailing trigger follows."""

from typing import Any

from tests.proofs.prover import proof

ABOVE, BELOW = 1, 2
WAYS = "direction above or below, all integers"
RANK = "price_quanta if direction == AT_OR_ABOVE else -price_quanta"
REACHED = "rank_of(direction, trigger_quanta) <= rank_of(direction, price_quanta)"
STEP = "max(1, offset_quanta // (TRAIL_STEPS * tick_quanta)) * tick_quanta"
TRAILS = "price_quanta - offset_quanta if direction == AT_OR_BELOW else price_quanta + offset_quanta"
RATCHET = "trigger_quanta + reach if direction == AT_OR_BELOW else trigger_quanta - reach"
LEAD = "sign * (price_quanta - trigger_quanta) - offset_quanta"
MOVE = "sign * (max(0, lead) // step_quanta) * step_quanta"


@proof("TRIG-002", "reached from its level on, in its direction, and by every price beyond", "triggers.is_reached",
       bounds=WAYS,
       slips={"triggers": [(REACHED, REACHED.replace("<=", "<")), (REACHED, REACHED.replace("<=", ">=")),
                           (RANK, "price_quanta"), (RANK, RANK.replace("==", "!="))]})
def reached_from_its_level_on(case: Any, rules: Any) -> None:
    way, level, price = case.whole("way", ABOVE, BELOW), case.whole("level"), case.whole("price")
    reached = rules.triggers.is_reached(way, level, price)
    if way == ABOVE:
        case.claim(reached == (price >= level), "at or above")
    else:
        case.claim(reached == (price <= level), "at or below")


@proof("TRIG-005", "sorted by rank, what is reached stands before what is not", "triggers.rank_of", "triggers.is_reached",
       bounds=WAYS, slips={"triggers": [(RANK, "-price_quanta"), (REACHED, REACHED.replace("<=", "=="))]})
def reached_comes_first(case: Any, rules: Any) -> None:
    way, price = case.whole("way", ABOVE, BELOW), case.whole("price")
    near, far = case.whole("near"), case.whole("far")
    case.assume(rules.triggers.rank_of(way, near) <= rules.triggers.rank_of(way, far))
    if rules.triggers.is_reached(way, far, price):
        case.claim(rules.triggers.is_reached(way, near, price), "the nearer one too")
    if way == ABOVE:
        case.claim(near <= far, "above: ascending")
    else:
        case.claim(near >= far, "below: descending")


@proof("TRIG-006", "a step is at least a tick, in whole ticks, and at most a sixteenth of the offset", "triggers.trail_step",
       bounds="tick > 0, offset of at least sixteen ticks",
       slips={"triggers": [(STEP, "max(1, offset_quanta // (TRAIL_STEPS * tick_quanta))"),
                           (STEP, STEP.replace("max(1, offset", "(1 + offset")), (STEP, "offset_quanta // TRAIL_STEPS"),
                           ("TRAIL_STEPS = 16", "TRAIL_STEPS = 15")]})
def steps_are_small(case: Any, rules: Any) -> None:
    tick, offset = case.whole("tick", low=1), case.whole("offset")
    case.assume(offset >= 16 * tick)
    step = rules.triggers.trail_step(offset, tick)
    case.claim(step >= tick, "at least a tick")
    case.claim(step % tick == 0, "whole ticks")
    case.claim(16 * step <= offset, "at most a sixteenth")


@proof("TRIG-006", "it follows from its ratchet on and not before, and is never reached by the price that it trails",
       "triggers.trailing_trigger", "triggers.ratchet_price", "triggers.trail_move", "triggers.is_reached",
       bounds="direction above or below, offset >= step > 0",
       slips={"triggers": [(TRAILS, TRAILS.replace("== AT", "!= AT")), (RATCHET, RATCHET.replace("== AT", "!= AT")),
                           ("reach = offset_quanta + step_quanta", "reach = offset_quanta"),
                           (LEAD, "sign * (price_quanta - trigger_quanta)"), (MOVE, "sign * step_quanta")]})
def it_follows_from_its_ratchet_on(case: Any, rules: Any) -> None:
    way, best, now = case.whole("way", ABOVE, BELOW), case.whole("best"), case.whole("now")
    step, more = case.whole("step", low=1), case.whole("more", low=0)
    offset = step + more
    level = rules.triggers.trailing_trigger(way, best, offset)
    case.claim(abs(best - level) == offset, "at its offset")
    case.claim(rules.triggers.is_reached(way, level, best) == False, "not reached")  # noqa: E712 - symbolic
    ratchet = rules.triggers.ratchet_price(way, level, offset, step)
    opposite = BELOW if way == ABOVE else ABOVE
    moves = rules.triggers.trail_move(way, level, now, offset, step) != 0
    case.claim(moves == rules.triggers.is_reached(opposite, ratchet, now), "moves from its ratchet on")


@proof("TRIG-006", "a move takes all whole steps of the lead, only towards the price, and never back",
       "triggers.trail_move", bounds="direction above or below, offset >= 0, 0 < step <= 64",
       slips={"triggers": [(MOVE, "sign * (lead // step_quanta) * step_quanta"), (MOVE, "sign * max(0, lead)"),
                           (MOVE, "(max(0, lead) // step_quanta) * step_quanta"),
                           ("sign = 1 if direction == AT_OR_BELOW else -1", "sign = 1")]})
def moves_take_the_whole_lead(case: Any, rules: Any) -> None:
    way, level, price = case.whole("way", ABOVE, BELOW), case.whole("level"), case.whole("price")
    offset, step = case.whole("offset", low=0), case.whole("step", 1, 64)
    by = rules.triggers.trail_move(way, level, price, offset, step)
    sign = -1 if way == ABOVE else 1
    lead = sign * (price - level) - offset
    case.claim(sign * by >= 0, "never back")
    case.claim(by % step == 0, "whole steps")
    if lead >= 0:
        case.claim((sign * by <= lead) & (lead - sign * by < step), "less than a step is left")
    else:
        case.claim(by == 0, "no lead, no move")
