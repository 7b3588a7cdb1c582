"""Options in tests: a class, a flat surface for its expiries, a chain that lists them."""

import json
from collections.abc import Callable
from typing import Any

from app.options.rules import schedule
from app.oracle.types import Pillar
from app.pricing.rules import YEAR_NS
from tests.helpers import builders
from tests.helpers.driver import Driver

S = 10**9
CLASS: dict[str, Any] = {
    "feed": 1, "symbol": "BTC", "lot_size": "0.01", "tick_size": "1", "tick_quanta": 10_000, "max_order_lots": 10_000,
    "max_position_lots": 100_000, "fund_market": 1, "maker_fee_ppm": 3_000, "taker_fee_ppm": 6_000,
}
DATES: dict[str, int] = {"daily": 2, "weekly": 2, "monthly": 2, "quarterly": 2}


def with_options(state: bytes, **changes: Any) -> bytes:
    """A genesis with a class of BTC options; `changes` are terms that differ from `CLASS`."""
    document = json.loads(state)
    document["options"] = [{**CLASS, **changes}]
    return json.dumps(document).encode()


def expiries(time_ns: int, **terms: int) -> list[int]:
    """The expiries of a class with these terms ahead of a time."""
    kinds = {**DATES, "short_s": 0, "shorts": 0, "hour_s": 28_800}
    named = {name: terms.get(name, usual) for name, usual in kinds.items()}
    return [expiry_s for expiry_s, _ in schedule(time_ns // S, **named)]


def flat(volatility_ppm: int, feed: int = 1, forward_e9: int = S, **terms: int) -> Callable[[int], tuple[Pillar, ...]]:
    """A surface of one volatility for all expiries of a class with these terms."""

    def pillars(time_ns: int) -> tuple[Pillar, ...]:
        made = []
        for expiry_s in expiries(time_ns, **terms):
            left_ns = expiry_s * S - time_ns
            variance_e9 = max(1, volatility_ppm**2 * left_ns // (YEAR_NS * 1_000))
            made.append(Pillar(feed, expiry_s, forward_e9, (variance_e9,) * 7))
        return tuple(made)

    return pillars


def listed(blocks: int = 60, *, volatility_ppm: int = 600_000, genesis: bytes = b"", step_ns: int = S,
           **terms: int) -> Driver:
    """A chain with series of BTC options, as many as these blocks list; `terms` are those of the class."""
    driver = Driver(with_options(genesis or builders.genesis(), **terms))
    driver.surface = flat(volatility_ppm, **terms)
    for _ in range(blocks):
        driver.run([], step_ns)
    return driver


def series(driver: Driver) -> dict[str, int]:
    """The series that are listed, by symbol."""
    found = {}
    for group in driver.chain.ctx.series.values():
        for number in group.values():
            market = driver.chain.view.markets.get(number)
            assert market is not None
            found[market.symbol] = number
    return found
