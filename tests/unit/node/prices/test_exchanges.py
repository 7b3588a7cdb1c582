"""Real ccxt against exchanges on this machine that behave badly: what comes out is right, or absent, and in time."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from itertools import cycle
from typing import Any

import pytest

from node.prices import reading
from node.prices.exchanges import ExchangeMissingError, Exchanges, number, open_exchange, quote_of
from node.prices.feeder import Feeder
from node.settings import FeedSettings, Settings
from tests.helpers import bad_exchanges

NOW_NS = 1_000 * 10**9
DEADLINE_S = 20.0
THREE = ["bitstamp:BTC/USD", "kraken:BTC/USD", "coinbaseexchange:BTC/USD"]
MOODS = [
    "slow", "error", "busy", "garbage", "truncated", "empty", "list", "hangs_up", "dead", "nan", "infinite", "zero",
    "negative", "words", "nothing", "nested", "stale", "ancient", "ahead",
]


@pytest.fixture(autouse=True)
def _quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "BACK_OFF_FIRST_S", 0.05)
    monkeypatch.setattr(reading, "BACK_OFF_LAST_S", 0.2)


@asynccontextmanager
async def feeding(stand_in: bad_exchanges.Exchanges, *feeds: FeedSettings) -> AsyncIterator[Feeder]:
    exchanges = Exchanges(stand_in.options, every_s=0.05, deadline_s=1.0, stream_deadline_s=0.3)
    feeder = Feeder(Settings(feeds=list(feeds)), exchanges)
    job = asyncio.create_task(exchanges.run())
    try:
        yield feeder
    finally:
        job.cancel()
        await asyncio.gather(job, return_exceptions=True)


async def until(condition: Callable[[], bool], deadline_s: float = DEADLINE_S) -> float:
    """How long it took until `condition` held."""
    began_s = time.monotonic()
    while not condition():
        assert time.monotonic() - began_s < deadline_s
        await asyncio.sleep(0.01)
    return time.monotonic() - began_s


def price(feeder: Feeder, symbol: str = "BTC/USD") -> Decimal | None:
    began_s = time.monotonic()
    found = feeder.observe(time.time_ns()).prices.get(symbol)
    assert time.monotonic() - began_s < 0.1, "looking waits for nobody"
    return found


def bitcoin(*sources: str, **terms: Any) -> FeedSettings:
    return FeedSettings("BTC/USD", list(sources) or THREE, **({"max_age_s": 2.0} | terms))


def test_three_good_exchanges_give_their_median() -> None:
    async def check() -> None:
        async with bad_exchanges.standing_in() as them, feeding(them, bitcoin(min_sources=3)) as feeder:
            await until(lambda: price(feeder) is not None)
            assert price(feeder) == 50_010
            them.kraken.prices["BTC/USD"] = "50050.25"
            await until(lambda: price(feeder) == 50_020)
            them.bitstamp.prices["BTC/USD"] = "50060"
            await until(lambda: price(feeder) == Decimal("50050.25"))

    asyncio.run(check())


@pytest.mark.parametrize(("mood", "sick"), list(zip(MOODS, cycle(["bitstamp", "coinbaseexchange"]), strict=False)))
def test_one_that_behaves_badly_moves_nothing(mood: str, sick: str) -> None:
    """From the start, and after it was good: the price stays between the honest ones, and never goes away."""
    async def check() -> None:
        async with bad_exchanges.standing_in() as them, feeding(them, bitcoin()) as feeder:
            exchange = getattr(them, sick)
            exchange.mood = mood
            await until(lambda: price(feeder) is not None, 5.0)
            assert 50_000 <= price(feeder) <= 50_020
            exchange.mood = "good"
            feed = feeder.feeds[0]
            await until(lambda: all(one.price(time.time_ns(), 2 * 10**9) for one in feed.sources))
            assert price(feeder) == 50_010
            exchange.mood = mood
            asked = exchange.asked
            ends_s = time.monotonic() + 0.4
            while time.monotonic() < ends_s:
                found = price(feeder)
                assert found is not None
                assert 50_000 <= found <= 50_020
                await asyncio.sleep(0.02)
            assert exchange.asked > asked

    asyncio.run(check())


@pytest.mark.parametrize("sick", ["bitstamp", "coinbaseexchange"])
def test_a_hundred_times_the_price_is_outvoted_and_after_a_good_one_not_even_believed(sick: str) -> None:
    async def check() -> None:
        async with bad_exchanges.standing_in() as them:
            getattr(them, sick).mood = "absurd"
            async with feeding(them, bitcoin()) as feeder:
                await until(lambda: price(feeder) is not None, 5.0)
                assert 50_000 <= price(feeder) <= 50_020
            getattr(them, sick).mood = "good"
            async with feeding(them, bitcoin(f"{sick}:BTC/USD")) as feeder:
                await until(lambda: price(feeder) is not None, 5.0)
                getattr(them, sick).mood = "absurd"
                await until(lambda: price(feeder) is None)
                getattr(them, sick).mood = "good"
                await until(lambda: price(feeder) is not None)

    asyncio.run(check())


@pytest.mark.parametrize("mood", ["slow", "error", "truncated", "nan", "absurd", "stale"])
def test_two_of_three_bad_means_no_price_in_time(mood: str) -> None:
    async def check() -> None:
        async with bad_exchanges.standing_in() as them, feeding(them, bitcoin(max_age_s=0.5)) as feeder:
            await until(lambda: price(feeder) is not None)
            them.bitstamp.mood = them.coinbaseexchange.mood = mood
            await until(lambda: price(feeder) is None, 2.0)
            them.bitstamp.mood = "good"
            await until(lambda: price(feeder) is not None, 5.0)

    asyncio.run(check())


def test_a_price_in_another_money_is_converted() -> None:
    feeds = (FeedSettings("BTC/USD", ["kraken:BTC/USDT", "bitstamp:BTC/USDT", "coinbaseexchange:BTC/USDT"]),
             FeedSettings("USDT/USD", ["kraken:USDT/USD", "bitstamp:USDT/USD"]))

    async def check() -> None:
        async with bad_exchanges.standing_in() as them, feeding(them, *feeds) as feeder:
            await until(lambda: price(feeder) is not None)
            assert price(feeder, "USDT/USD") == Decimal("0.98")
            await until(lambda: price(feeder) == Decimal("50009.40"))  # 51,030 at 0.98

    asyncio.run(check())


def test_a_pair_that_an_exchange_does_not_trade_harms_no_other() -> None:
    feeds = (bitcoin("kraken:BTC/USD"), FeedSettings("DOGE/USD", ["kraken:DOGE/USD"]))

    async def check() -> None:
        async with bad_exchanges.standing_in() as them, feeding(them, *feeds) as feeder:
            await until(lambda: price(feeder) is not None)
            assert price(feeder, "DOGE/USD") is None

    asyncio.run(check())


@pytest.mark.parametrize("mood", ["garbage", "truncated", "nan", "zero", "negative", "words", "nothing", "absurd"])
def test_a_websocket_tells_prices_and_survives_what_comes(mood: str) -> None:
    async def check() -> None:
        feed = bitcoin("kraken+ws:BTC/USD", max_age_s=0.5)
        async with bad_exchanges.standing_in() as them, feeding(them, feed) as feeder:
            await until(lambda: price(feeder) == 50_010)
            them.kraken.prices["BTC/USD"] = "50011"
            await until(lambda: price(feeder) == 50_011)
            them.kraken.mood = mood
            await until(lambda: price(feeder) is None, 5.0)
            them.kraken.mood = "good"
            await until(lambda: price(feeder) == 50_011)
            for stream in them.kraken.feeds:
                await stream.close()
            them.kraken.prices["BTC/USD"] = "50012"
            await until(lambda: price(feeder) == 50_012)

    asyncio.run(check())


@pytest.mark.parametrize(
    ("ticker", "found"),
    [
        ({"bid": 99.0, "last": 100.0, "ask": 101.0}, "100.0"),
        ({"bid": 99.0, "last": 250.0, "ask": 101.0}, "101.0"),  # the last trade is old: drawn to the book
        ({"bid": 99.0, "last": 1.0, "ask": 101.0}, "99.0"),
        ({"bid": 99.0, "last": None, "ask": 101.0}, "100.0"),
        ({"bid": 101.0, "last": 100.0, "ask": 99.0}, "100.0"),  # a crossed book says nothing
        ({"bid": None, "last": 100.0, "ask": 101.0}, "100.0"),
        ({"bid": float("nan"), "last": 100.0, "ask": 101.0}, "100.0"),
        ({"bid": 99.0, "last": float("inf"), "ask": 101.0}, "100.0"),
        ({"bid": 0.0, "last": 100.0, "ask": 0.0}, "100.0"),
        ({"last": 0.1 + 0.2}, "0.30000000000000004"),
        ({"last": "100.5"}, "100.5"),
        ({"last": float("nan")}, None),
        ({"last": -1.0}, None),
        ({"last": True}, None),
        ({"last": "1e999999999"}, None),
        ({"last": [1]}, None),
        ({}, None),
        (None, None),
        ("100", None),
    ],
)
def test_what_a_ticker_says(ticker: Any, found: str | None) -> None:
    quote = quote_of(ticker, NOW_NS)
    assert (None if quote is None else quote.price) == (None if found is None else Decimal(found))


@pytest.mark.parametrize(("said_ms", "time_ns"), [
    (None, NOW_NS), (999_000, 999 * 10**9), (1_000_001, NOW_NS), (9e15, NOW_NS), (0, 0), (-1, 0), (float("nan"), 0),
    ("x", 0),
])
def test_when_a_ticker_was_true(said_ms: Any, time_ns: int) -> None:
    """No word is now; the future is now; what is no time is long ago."""
    quote = quote_of({"last": 1.0, "timestamp": said_ms}, NOW_NS)
    assert quote is not None
    assert quote.time_ns == time_ns


def test_numbers_keep_what_they_mean() -> None:
    assert number(1e-7) == Decimal("1e-7")
    assert number(46000.1) == Decimal("46000.1")


@pytest.mark.parametrize("name", ["nowhere", "Exchange", "__init__", "base", "kraken.x"])
def test_an_exchange_that_does_not_exist_is_named(name: str) -> None:
    async def check() -> None:
        for one in (name, f"{name}+ws"):
            with pytest.raises(ExchangeMissingError, match="no exchange"):
                open_exchange(one, {})

    asyncio.run(check())


def test_ccxt_is_imported_by_nobody_who_does_not_need_it() -> None:
    code = "import sys, node.engine, node.prices.__main__, node.cli.main; sys.exit('ccxt' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
