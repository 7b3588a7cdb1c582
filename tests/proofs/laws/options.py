# ruff: noqa: E501 - a slip is quoted as the source has it
"""Laws of options: Fridays are Fridays, strikes are round and on both sides."""

from typing import Any

from tests.proofs.prover import proof

FRIDAY = "return after - 1 - (after - 2) % 7"
STEP = "return 5 * power if wanted >= 5 * power else 2 * power if wanted >= 2 * power else power"
PLACES = "places = [place for near in range(count) for place in (below - near, below + 1 + near)]"


@proof("OPT-004", "the last Friday of a month is a Friday less than a week before the month ends", "options.last_friday",
       bounds="years 1970 to 2400", slips={"options": [(FRIDAY, FRIDAY.replace("after - 2", "after - 1")), (FRIDAY, FRIDAY.replace("after - 1 -", "after -"))]})
def last_fridays(case: Any, rules: Any) -> None:
    year, month = case.whole("year", 1970, 2400), case.whole("month", 1, 11)
    day = rules.options.last_friday(year, month)
    after = rules.options.first_of_month(year, month + 1)
    case.claim(day % 7 == 1, "a Friday")
    case.claim((day < after) & (day + 7 >= after), "the last")


@proof("OPT-006", "a round step is not above what is wanted, and more than two fifths of it", "options.round_step",
       bounds="1 to 999", slips={"options": [(STEP, STEP.replace("wanted >= 5 * power", "wanted >= 4 * power")), (STEP, "return power")]})
def steps_are_near(case: Any, rules: Any) -> None:
    wanted = case.whole("wanted", 1, 999)
    step = rules.options.round_step(wanted)
    case.claim(step <= wanted, "not above")
    case.claim(5 * step > 2 * wanted, "near")


@proof("OPT-007", "as many strikes on each side, all on the step, none twice, the nearest first", "options.strikes",
       bounds="steps of 1, 50 and 10,000; three on each side; forwards with room for them",
       slips={"options": [(PLACES, PLACES.replace("below + 1 + near", "below + 2 + near")), (PLACES, PLACES.replace("below - near", "below - near - 1"))]})
def strikes_stand_around(case: Any, rules: Any) -> None:
    for step in (1, 50, 10_000):
        forward = case.whole(f"forward{step}", low=3 * step)
        found = rules.options.strikes(forward, step, 3, 1 << 60) if forward < (1 << 60) - 4 * step else []
        if found:
            case.claim(len(found) == 6, "three on each side")
            case.claim((found[0] <= forward) & (found[1] > forward) & (found[0] + step == found[1]), "around")
            for place in range(2, 6):
                case.claim(found[place] == found[place - 2] + (step if place % 2 else -step), "a step farther")
