"""Expiries, strikes and symbols: the README's numbers, and the calendar of the standard library."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.options import rules

HOUR_S = 8 * 3_600
EPOCH = date(1970, 1, 1)
TWO = (HOUR_S, 2, 2, 2, 2)


def at(*when: int) -> int:
    """Seconds since 1970 of a time in UTC."""
    return int(datetime(*when, tzinfo=UTC).timestamp())  # type: ignore[arg-type,misc]


def days(*dates: tuple[int, int, int]) -> list[int]:
    """Eight o'clock on these dates."""
    return [at(*one, 8) for one in dates]


def test_opt_004_the_calendar_is_that_of_everybody() -> None:
    """OPT-004: every day to the year 2140: date, first of the month, last Friday."""
    for day in range(62_000):
        one = EPOCH + timedelta(days=day)
        assert rules.civil(day) == (one.year, one.month, one.day)
        if one.day == 1:
            assert rules.first_of_month(one.year, one.month) == day
            last = EPOCH + timedelta(days=rules.last_friday(one.year, one.month))
            assert (last.year, last.month, last.weekday()) == (one.year, one.month, 4)
            assert (last + timedelta(days=7)).month != one.month


def test_opt_004_two_of_each_kind() -> None:
    """OPT-004: the dates of the README; at eight o'clock itself today's is gone."""
    found = [expiry for expiry, _ in rules.schedule(at(2026, 11, 26, 9), *TWO)]
    assert found == days((2026, 11, 27), (2026, 11, 28), (2026, 12, 4), (2026, 12, 11), (2026, 12, 25), (2027, 1, 29),
                         (2027, 3, 26), (2027, 6, 25))
    assert rules.schedule(at(2026, 11, 26, 7, 59, 59), HOUR_S, 1, 0, 0, 0) == [(at(2026, 11, 26, 8), 3_600)]
    assert rules.schedule(at(2026, 11, 26, 8), HOUR_S, 1, 0, 0, 0) == [(at(2026, 11, 27, 8), 3_600)]
    assert rules.schedule(at(2026, 11, 26, 8), HOUR_S, 0, 0, 0, 0) == []


def test_opt_005_short_ones() -> None:
    """OPT-005: multiples of a minute, each with half of it as the least time."""
    now = at(2026, 11, 26, 5, 23, 7)
    shorts = rules.schedule(now, HOUR_S, 0, 0, 0, 0, 60, 3)
    assert shorts == [(at(2026, 11, 26, 5, minute), 30) for minute in (24, 25, 26)]
    both = rules.schedule(at(2026, 11, 26, 7, 59), HOUR_S, 1, 0, 0, 0, 60, 2)
    assert both == [(at(2026, 11, 26, 8), 3_600), (at(2026, 11, 26, 8, 1), 30)]


@given(now=st.integers(0, 4_000_000_000), later=st.integers(0, 40 * 86_400), hour_s=st.integers(0, 86_399),
       counts=st.tuples(*[st.integers(0, 12)] * 4), shorts=st.integers(0, 12), short_s=st.integers(1, 86_400))
def test_opt_004_what_is_ahead_stays_ahead(now: int, later: int, hour_s: int, counts: tuple[int, int, int, int],
                                           shorts: int, short_s: int) -> None:
    """OPT-004, OPT-005: all ahead, distinct, as many as asked for; none goes before it expires."""
    calendar = [one for one, _ in rules.schedule(now, hour_s, *counts)]
    assert len(calendar) == len(set(calendar)) == sum(counts)
    whole = [one for one, _ in rules.schedule(now, hour_s, *counts, short_s, shorts)]
    assert whole == sorted(set(whole)) and all(now < one for one in whole)
    assert set(calendar) <= set(whole) and len(whole) >= shorts
    then = [one for one, _ in rules.schedule(now + later, hour_s, *counts, short_s, shorts)]
    assert {one for one in whole if one > now + later} <= set(then)


@pytest.mark.parametrize(("left_s", "usd"), [(3_600, 50), (86_400, 200), (7 * 86_400, 1_000), (30 * 86_400, 2_000),
                                             (365 * 86_400, 5_000)])
def test_opt_006_steps(left_s: int, usd: int) -> None:
    """OPT-006: 46,000 and 1 %, a contract of 0.01: 10,000 quanta are a dollar."""
    assert rules.strike_step(460_000_000, 10_000, left_s, 1) == usd * 10_000


def test_opt_006_steps_are_round_in_the_price() -> None:
    """OPT-006: contracts of 0.25 BTC: a step is 25 x a round number, so one of the price is round."""
    step = rules.strike_step(25 * 460_000_000, 10_000, 86_400, 25)
    assert step == 25 * 2_000_000
    assert rules.price_text(step, 25, 2) == "200"
    assert [rules.round_step(wanted) for wanted in (0, 1, 4, 5, 9, 10, 19, 49, 51)] == [1, 1, 2, 5, 5, 10, 10, 20, 50]
    assert rules.strike_step(1, 1_000, 1, 25) == 25


def test_opt_007_around_the_forward() -> None:
    """OPT-007: the README's strikes, nearest first by turns; none at 0 or beyond what a price may be."""
    usd = 10_000
    found = rules.strikes(46_012 * usd, 500 * usd, 2, 1 << 50)
    assert [one // usd for one in found] == [46_000, 46_500, 45_500, 47_000]
    assert rules.strikes(46_000, 1_000, 1, 1 << 50) == [46_000, 47_000]
    assert rules.strikes(1_500, 1_000, 3, 3_000) == [1_000, 2_000, 3_000]


def test_opt_008_symbols() -> None:
    """OPT-008: as the README has them."""
    assert rules.date_text(at(2026, 11, 27, 8), HOUR_S) == "27NOV26"
    assert rules.date_text(at(2026, 11, 27, 5, 12), HOUR_S) == "27NOV26T051200"
    assert rules.date_text(at(2100, 2, 1, 8), HOUR_S) == "1FEB00"
    assert rules.price_text(460_000_000, 1, 2) == "46000"
    assert rules.price_text(3, 1, 3) == "0.003"
    assert rules.price_text(1, 3, 0) == "0"
