"""OPT rules: when options expire, at which strikes they are listed, what they are called. Pure functions over integers.

Days are counted from 1970-01-01, a Thursday; all times are UTC, in seconds. No calendar of the language is asked.
"""

from collections.abc import Iterator, Sequence

from app.kernel.integers import PPM, sqrt_floor

DAY_S = 86_400
HOUR_S = 3_600
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
CYCLE_DAYS = 146_097  # four hundred years
MARCH_BEFORE = 719_468  # from 0000-03-01 to 1970-01-01


def civil(day: int) -> tuple[int, int, int]:
    """OPT-004: (year, month, day of the month) of a day >= 0. Years begin in March, so that leap days come last."""
    cycle, of_cycle = divmod(day + MARCH_BEFORE, CYCLE_DAYS)
    year = (of_cycle - of_cycle // 1_460 + of_cycle // 36_524 - of_cycle // 146_096) // 365
    of_year = of_cycle - (365 * year + year // 4 - year // 100)
    march_month = (5 * of_year + 2) // 153
    of_month = of_year - (153 * march_month + 2) // 5 + 1
    month = march_month + 3 if march_month < 10 else march_month - 9
    return year + 400 * cycle + (month <= 2), month, of_month


def first_of_month(year: int, month: int) -> int:
    """OPT-004: the day that begins a month: the inverse of `civil`."""
    march_year, march_month = (year, month - 3) if month > 2 else (year - 1, month + 9)
    cycle, of_cycle = divmod(march_year, 400)
    days = 365 * of_cycle + of_cycle // 4 - of_cycle // 100 + (153 * march_month + 2) // 5
    return cycle * CYCLE_DAYS + days - MARCH_BEFORE


def last_friday(year: int, month: int) -> int:
    """OPT-004: the day of the last Friday of a month."""
    after = first_of_month(year, month + 1) if month < 12 else first_of_month(year + 1, 1)
    return after - 1 - (after - 2) % 7


def fridays(first: int) -> Iterator[int]:
    """OPT-004: every Friday from day `first` on: days that are 1 more than a multiple of 7."""
    day = first + (1 - first) % 7
    while True:
        yield day
        day += 7


def last_fridays(first: int, months: int) -> Iterator[int]:
    """OPT-004: the last Friday of every month (`months` 1) or quarter (3) from day `first` on."""
    year, month, _ = civil(first)
    while True:
        if month % months == 0 and (day := last_friday(year, month)) >= first:
            yield day
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)


def next_days(days: Iterator[int], count: int, known: Sequence[int]) -> list[int]:
    """OPT-004: the next `count` of days that are not known yet."""
    found: list[int] = []
    while len(found) < count:
        day = next(days)
        if day not in known:
            found.append(day)
    return found


def expiry_days(first: int, daily: int, weekly: int, monthly: int, quarterly: int) -> list[int]:
    """OPT-004: the days from `first` on at which options expire, ascending: so many days, then Fridays, last Fridays of
    months and of quarters, of each kind the nearest that are not there yet.
    """
    days = list(range(first, first + daily))
    days += next_days(fridays(first), weekly, days)
    days += next_days(last_fridays(first, 1), monthly, days)
    days += next_days(last_fridays(first, 3), quarterly, days)
    return sorted(days)


def schedule(
    now_s: int,
    hour_s: int,
    daily: int,
    weekly: int,
    monthly: int,
    quarterly: int,
    short_s: int = 0,
    shorts: int = 0,
) -> list[tuple[int, int]]:
    """OPT-004, OPT-005: the expiries ahead of `now_s`, ascending, each with the least time left to it at which anything
    new is listed: an hour, of a short one half of `short_s`.
    """
    first = (now_s - hour_s) // DAY_S + 1
    days = expiry_days(first, daily, weekly, monthly, quarterly)
    found = {(now_s // short_s + 1 + place) * short_s: short_s // 2 for place in range(shorts)} if short_s else {}
    found |= {day * DAY_S + hour_s: HOUR_S for day in days}
    return sorted(found.items())


def round_step(wanted: int) -> int:
    """OPT-006: the greatest of 1, 2, 5, 10, 20, 50, ... that is not above `wanted`; 1 for less."""
    power = 1
    while 10 * power <= wanted:
        power *= 10
    return 5 * power if wanted >= 5 * power else 2 * power if wanted >= 2 * power else power


def strike_step(forward_quanta: int, step_ppm: int, left_s: int, unit: int) -> int:
    """OPT-006: how far apart strikes are: that part of the forward for a day to expiry, for other times as their root
    says, rounded down to a round step of `unit`, the digits of the contract size.
    """
    wanted = sqrt_floor((forward_quanta * step_ppm) ** 2 * left_s // DAY_S) // PPM
    return unit * round_step(wanted // unit)


def strikes(forward_quanta: int, step: int, count: int, most_quanta: int) -> list[int]:
    """OPT-007: the `count` strikes at or below the forward and as many above it, the nearest first, each a multiple of
    the step within 1..most.
    """
    below = forward_quanta // step
    places = [place for near in range(count) for place in (below - near, below + 1 + near)]
    return [place * step for place in places if place > 0 and place * step <= most_quanta]


def date_text(expiry_s: int, hour_s: int) -> str:
    """OPT-008: the expiry in a symbol: 27NOV26; with its time of day where that is not the usual: 27NOV26T051230."""
    day, second = divmod(expiry_s, DAY_S)
    year, month, of_month = civil(day)
    time = f"T{second // HOUR_S:02}{second // 60 % 60:02}{second % 60:02}" if second != hour_s else ""
    return f"{of_month}{MONTHS[month - 1]}{year % 100:02}{time}"


def price_text(quanta: int, digits: int, places: int) -> str:
    """OPT-008: a price in quanta a lot of `digits` x 10^-`places` as a plain decimal, cut after six places: 460,000,000
    at 0.01 is 46000.
    """
    micros = quanta * 10**places // digits
    whole, part = divmod(micros, 10**6)
    return f"{whole}.{part:06}".rstrip("0").rstrip(".")
