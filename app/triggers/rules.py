"""TRIG rules: when a trigger is reached, and how a trailing one follows. Pure functions over integers."""

AT_OR_ABOVE = 1
AT_OR_BELOW = 2
TRAIL_STEPS = 16


def rank_of(direction: int, price_quanta: int) -> int:
    """TRIG-002: the place of a price among triggers of one direction: the first to be reached has the least rank."""
    return price_quanta if direction == AT_OR_ABOVE else -price_quanta


def is_reached(direction: int, trigger_quanta: int, price_quanta: int) -> bool:
    """TRIG-002: a price at the trigger or beyond it, in its direction, reaches it."""
    return rank_of(direction, trigger_quanta) <= rank_of(direction, price_quanta)


def trail_step(offset_quanta: int, tick_quanta: int) -> int:
    """TRIG-006: how far a trailing trigger moves at once: a sixteenth of its offset in whole ticks, at least one."""
    return max(1, offset_quanta // (TRAIL_STEPS * tick_quanta)) * tick_quanta


def trailing_trigger(direction: int, price_quanta: int, offset_quanta: int) -> int:
    """TRIG-006: where a trigger stands that trails `price_quanta`: below it when falls fire it, else above."""
    return price_quanta - offset_quanta if direction == AT_OR_BELOW else price_quanta + offset_quanta


def ratchet_price(direction: int, trigger_quanta: int, offset_quanta: int, step_quanta: int) -> int:
    """TRIG-006: the price at which a trailing trigger follows: a step beyond the price that it trails now."""
    reach = offset_quanta + step_quanta
    return trigger_quanta + reach if direction == AT_OR_BELOW else trigger_quanta - reach


def trail_move(
    direction: int, trigger_quanta: int, price_quanta: int, offset_quanta: int, step_quanta: int
) -> int:
    """TRIG-006: what is added to trigger and limit when the price stands at `price_quanta`: the whole steps by which it
    leads the trigger by more than its offset, towards the price; never back.
    """
    sign = 1 if direction == AT_OR_BELOW else -1
    lead = sign * (price_quanta - trigger_quanta) - offset_quanta
    return sign * (max(0, lead) // step_quanta) * step_quanta
