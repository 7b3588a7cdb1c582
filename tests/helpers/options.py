"""Forks of a chain on which options are listed and held, for tests of what depends on them."""

import json
from collections.abc import Mapping
from typing import Any

from app.accounts.types import Position
from app.context import Context
from app.markets.types import CALL, PUT
from app.options.state import add_series, make_series
from app.oracle.types import Surface, VotedPillar
from tests.helpers import builders as b
from tests.helpers.driver import GENESIS_TIME_NS, Driver
from tests.helpers.forks import fork

S = 10**9
FORTNIGHT_S = GENESIS_TIME_NS // S + 14 * 86_400
MONTH_S = GENESIS_TIME_NS // S + 28 * 86_400
FLAT_E9 = 27_689_108  # 84.96 % over a fortnight
CLASS: dict[str, Any] = {
    "feed": 1, "symbol": "BTC", "lot_size": "0.01", "tick_size": "1", "tick_quanta": 10_000, "max_order_lots": 10_000,
    "max_position_lots": 100_000, "fund_market": 1,
}
STRIKES = (300_000_000, 400_000_000, 460_000_000, 500_000_000, 600_000_000)  # quanta a lot of 0.01: 30,000 USD ...


def genesis(**fields: Any) -> bytes:
    """The usual genesis with a class of BTC options."""
    state = json.loads(b.genesis(**fields))
    state["options"] = [CLASS]
    return json.dumps(state).encode()


def number_of(strike_quanta: int, right: int, expiry_s: int = FORTNIGHT_S) -> int:
    """The number of a listed series."""
    place = STRIKES.index(strike_quanta) * 2 + (right == PUT) + 10 * (expiry_s == MONTH_S)
    return 10_000 + place


def listed(**fields: Any) -> Context:
    """A fork in which series are listed (`list_series`)."""
    driver = Driver(genesis(**fields))
    driver.run([])
    ctx = fork(driver)
    list_series(ctx)
    return ctx


def list_series(ctx: Context) -> None:
    """List calls and puts at STRIKES for two expiries, forwards at the index, volatility flat."""
    ctx.surfaces.put(1, Surface(tuple(
        VotedPillar(expiry_s, S, (FLAT_E9 * weeks // 2,) * 7, ctx.time_ns)
        for expiry_s, weeks in ((FORTNIGHT_S, 2), (MONTH_S, 4)))))
    terms = ctx.option_classes.get(1)
    assert terms is not None
    for expiry_s in (FORTNIGHT_S, MONTH_S):
        for strike in STRIKES:
            for right in (CALL, PUT):
                symbol = f"BTC-{expiry_s % 1_000}-{strike // 10_000}-{'CP'[right - 1]}"
                add_series(ctx, make_series(ctx, terms, number_of(strike, right, expiry_s), expiry_s, strike, right,
                                            symbol))


def keep(driver: Driver) -> None:
    """Commit what a test changed by hand, as a block would."""
    chain = driver.chain
    driver.app_hash, _, batch = chain._stage()
    driver.reader.write(batch)
    chain._merge()


def holds(ctx: Context, key: bytes, lots: Mapping[int, int], cash_quanta: int) -> None:
    """The account holds these lots, by market, at what they are worth, and so much cash; nobody stands on the other
    side.
    """
    account = ctx.accounts.edit(key)
    account.cash_quanta = cash_quanta
    for market, held in lots.items():
        mark = ctx.marks.get(market)
        assert mark is not None
        account.set_position(Position(market=market, lots=held, entry_quanta=held * mark.price_quanta))
