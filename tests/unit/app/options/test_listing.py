"""Listing by rule: what is listed when, and what keeps a class from listing."""

from typing import Any

import pytest

from app.context import Context
from app.events import SeriesListed
from app.limits import LAST_SERIES, MAX_LISTED_A_BLOCK
from app.markets.types import ACTIVE, CALL, HALTED, PUT, OptionClass
from app.options import hooks
from app.options.state import LISTING_KEY
from tests.helpers import builders as b
from tests.helpers.driver import Driver
from tests.helpers.listed import expiries, flat, listed, series, with_options

S = 10**9
ONE = {"daily": 1, "weekly": 0, "monthly": 0, "quarterly": 0}


def listed_in(result: Any) -> list[SeriesListed]:
    """What a block listed."""
    return [event for event in result.occurred if isinstance(event, SeriesListed)]


def test_opt_007_opt_009_each_expiry_gets_its_strikes() -> None:
    """OPT-004, OPT-007, OPT-009: two expiries of each kind, eight strikes on each side, calls and puts; no block lists
    more than its bound, and once all is there nothing more.
    """
    driver = Driver(with_options(b.genesis()))
    driver.surface = flat(600_000)
    counts = [len(listed_in(driver.run([]))) for _ in range(60)]
    ctx = driver.chain.ctx
    assert max(counts) == MAX_LISTED_A_BLOCK and sum(counts) == 8 * 32 and counts[-20:] == [0] * 20
    assert sorted(expiry for _, expiry in ctx.series) == expiries(driver.time_ns)
    for group in ctx.series.values():
        strikes = sorted({strike for strike, _ in group})
        assert len(group) == 32 and len(strikes) == 16
        assert strikes[7] <= 460_000_000 < strikes[8]
        assert all((strike, right) in group for strike in strikes for right in (CALL, PUT))
    driver.restart()
    assert driver.chain.ctx.series == ctx.series
    assert driver.run([]).app_hash


def test_opt_008_numbers_and_symbols() -> None:
    """OPT-002, OPT-008: nearest strike first, its call before its put, numbers from 10,000 on, terms of the class."""
    driver = Driver(with_options(b.genesis(), **ONE))
    driver.surface = flat(600_000, **ONE)
    driver.run([])
    events = listed_in(driver.run([]))
    assert [event.market for event in events] == list(range(10_000, 10_000 + MAX_LISTED_A_BLOCK))
    assert [event.symbol for event in events[:4]] == [
        "BTC-15NOV23-46000-C", "BTC-15NOV23-46000-P", "BTC-15NOV23-46200-C", "BTC-15NOV23-46200-P"]
    first = events[0]
    assert (first.feed, first.strike_quanta, first.right) == (1, 460_000_000, CALL)
    market = driver.chain.view.markets.get(10_000)
    assert market is not None and (market.fund_market, market.expiry_ns) == (1, first.expiry_s * S)
    assert (market.order_band_ppm, market.maker_fee_ppm) == (20_000, 3_000)
    assert driver.chain.ctx.listing.get(LISTING_KEY).next_market == 10_020  # type: ignore[union-attr]


def test_opt_007_new_strikes_as_the_forward_moves() -> None:
    """OPT-007: a rise of 1,000 brings the strikes above, and none goes."""
    driver = listed(5, **ONE)
    before = series(driver)
    driver.mark(47_000_000)
    driver.run([])
    for _ in range(3):
        driver.run([])
    after = series(driver)
    assert before.items() <= after.items()
    assert "BTC-15NOV23-47800-C" in after and "BTC-15NOV23-47800-C" not in before


def test_opt_009_not_more_than_its_bound_alive() -> None:
    """OPT-009: `max_series`."""
    driver = listed(20, max_series=33, daily=2, weekly=0, monthly=0, quarterly=0)
    assert len(series(driver)) == 33


def unhalted(driver: Driver) -> list[SeriesListed]:
    """What is listed in the blocks in which the market behind trades again, and after."""
    found = []
    for txs in ([driver.envelope(b.ORACLE, b.set_status(ACTIVE))], [], []):
        found += listed_in(driver.run(txs))
    return found


@pytest.mark.parametrize("cause", ["nothing", "another expiry", "old pillar", "stale price", "numbers", "too near"])
def test_opt_009_what_keeps_a_class_from_listing(cause: str) -> None:
    """OPT-009: the market behind does not trade, no pillar of just that expiry, an old one, a stale price, no number
    left; OPT-005: less than an hour left.
    """
    terms = {**ONE, "hour_s": 80_700} if cause == "too near" else ONE  # genesis is at 22:13:20
    seen = {**ONE, "daily": 0, "weekly": 1} if cause == "another expiry" else terms
    feeds = {1: {"max_age_ns": 5 * S}}
    driver = Driver(with_options(b.genesis(feeds=feeds), surface_max_age_ns=20 * S, **terms))
    driver.do(b.ORACLE, b.set_status(HALTED))
    driver.surface = flat(600_000, **seen)
    assert listed_in(driver.run([])) + listed_in(driver.run([])) == []
    if cause == "old pillar":
        driver.surface = None
        for _ in range(21):
            driver.run([])
    if cause == "stale price":
        driver.record = list  # type: ignore[method-assign]
        for _ in range(6):
            driver.run([])
    if cause == "numbers":
        listing = driver.chain.ctx.listing.get(LISTING_KEY)
        assert listing is not None
        listing.next_market = LAST_SERIES - MAX_LISTED_A_BLOCK + 1
    assert bool(unhalted(driver)) == (cause == "nothing")


def test_cmp_006_a_class_whose_rules_raise_lists_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """CMP-006, OPT-009: what it did is undone, and the block goes on."""

    def broken(ctx: Context, terms: OptionClass, expiry_s: int, strike: int, right: int) -> None:
        list_one(ctx, terms, expiry_s, strike, right)
        raise ZeroDivisionError

    list_one = hooks.list_one
    monkeypatch.setattr(hooks, "list_one", broken)
    driver = listed(5, **ONE)
    assert series(driver) == {} and sorted(driver.chain.ctx.books) == [b.BTC, b.ETH]
    assert driver.chain.ctx.listing.get(LISTING_KEY).next_market == 10_000  # type: ignore[union-attr]
    monkeypatch.undo()
    driver.run([])
    assert len(series(driver)) == MAX_LISTED_A_BLOCK
