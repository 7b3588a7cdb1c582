"""Classes and series of options: genesis, marks, coming and going."""

import json
from typing import Any

import pytest

from app.errors import GenesisError
from app.markets.types import CALL, OPTION, PUT, Market
from app.marks.hooks import make_marks
from app.options.state import add_series, make_series, remove_series
from app.oracle.rules import FRESH, STALE
from app.oracle.types import Surface, VotedPillar
from tests.helpers import builders as b
from tests.helpers.driver import Driver

CLASS: dict[str, Any] = {
    "feed": 1, "symbol": "BTC", "lot_size": "0.01", "tick_size": "1", "tick_quanta": 10_000, "max_order_lots": 10_000,
    "max_position_lots": 100_000, "fund_market": 1,
}
S = 10**9


def genesis(**changes: Any) -> bytes:
    """The usual genesis with a class of BTC options."""
    state = json.loads(b.genesis())
    state["options"] = [{**CLASS, **changes}]
    return json.dumps(state).encode()


@pytest.mark.parametrize(("change", "said"), [
    ({"feed": 9}, "feed"), ({"colour": 1}, "unknown"), ({"fund_market": 2}, "fund_market"),
    ({"symbol": "BITCOIN"}, "symbol"), ({"short_s": 60}, "shorts"), ({"maintenance_ppm": 200_000}, "maintenance_ppm"),
    ({"tick_quanta": 1}, "tick_quanta"), ({"unpaired_initial_ppm": 5}, "unpaired"), ({"strikes": 0}, "strikes"),
    ({"order_band_ppm": 50_000}, "order_band_ppm"),
])
def test_opt_001_genesis(change: dict[str, Any], said: str) -> None:
    """OPT-001: what is wrong with a class is said with its place."""
    with pytest.raises(GenesisError, match=said):
        Driver(genesis(**change))


def series(driver: Driver, number: int, strike_quanta: int, right: int) -> Market:
    """A series a fortnight ahead."""
    terms = driver.chain.ctx.option_classes.get(1)
    assert terms is not None
    expiry_s = driver.time_ns // S + 14 * 86_400
    return make_series(driver.chain.ctx, terms, number, expiry_s, strike_quanta, right, "BTC-X")


def test_series_come_and_go_and_are_marked() -> None:
    """OPT-002, OPT-003, MARK-005, MARK-006, MARK-007: a series is a market with a mark by its curve; it leaves no
    record; all of it can be taken back.
    """
    driver = Driver(genesis())
    ctx = driver.chain.ctx
    ctx.height, ctx.time_ns = 1, driver.time_ns
    expiry_s = driver.time_ns // S + 14 * 86_400
    ctx.surfaces.put(1, Surface((VotedPillar(expiry_s, S, (27_689_108,) * 7, ctx.time_ns),)))
    before = sorted(ctx.books)
    ctx.journal.savepoint()
    for number, strike, right in ((10_000, 460_000_000, CALL), (10_001, 500_000_000, PUT), (10_002, 900_000_000, CALL)):
        add_series(ctx, series(driver, number, strike, right))
    ctx.height = 10_000  # the block in which 10,000 has its turn
    make_marks(ctx)
    market, mark = ctx.markets.get(10_000), ctx.marks.get(10_000)
    assert market is not None and market.kind == OPTION and market.fund_market == 1 and mark is not None
    assert mark.index_quanta == 460_000_000
    assert mark.validity == FRESH
    assert 30_000_000 < mark.price_quanta < 31_000_000  # 6.6 % of the forward
    put = ctx.marks.get(10_001)
    assert put is not None and put.price_quanta > 40_000_000
    ctx.feeds.edit(1).price += 1_000_000_000
    ctx.time_ns += 61 * S
    idle = put.price_quanta
    make_marks(ctx)
    moved, put = ctx.marks.get(10_000), ctx.marks.get(10_001)
    assert moved is not None and moved.price_quanta > mark.price_quanta and moved.validity == STALE
    assert put is not None and put.price_quanta == idle  # nobody is in it
    for number in (10_000, 10_001, 10_002):
        remove_series(ctx, number)
        assert ctx.markets.get(number) is None and ctx.marks.get(number) is None
    assert sorted(ctx.books) == before
    ctx.journal.rollback()
    assert sorted(ctx.books) == before and ctx.markets.get(10_000) is None
