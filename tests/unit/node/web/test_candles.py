"""Candles from trades: opened, highest, lowest, closed, traded; bounded."""

import httpx
import pytest

from node.gateway.model import ReadModel
from node.web import candles as module
from node.web.candles import Candles
from novation.testing import Chain
from novation.v1 import market_data_service_pb2 as market_data

SECOND = 10**9


def trade(time_s: int, price: int, lots: int, market: int = 1) -> market_data.Trade:
    """A trade."""
    return market_data.Trade(market=market, time_ns=time_s * SECOND, price_quanta=price, size_lots=lots)


def test_a_candle_holds_the_trades_of_its_period() -> None:
    candles = Candles(ReadModel())
    candles.add([trade(60, 10, 1), trade(61, 14, 2), trade(119, 8, 3), trade(120, 9, 4)])
    assert candles.rows(1, "1m") == [[60, 10, 14, 8, 8, 6], [120, 9, 9, 9, 9, 4]]
    assert candles.rows(1, "10s") == [[60, 10, 14, 10, 14, 3], [110, 8, 8, 8, 8, 3], [120, 9, 9, 9, 9, 4]]
    assert candles.rows(1, "1h") == [[0, 10, 14, 8, 9, 10]] and candles.rows(2, "1h") == []


def test_candles_and_markets_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MARKETS_MAX", 2)
    candles = Candles(ReadModel())
    candles.add(trade(60 * minute, 10, 1) for minute in range(1000))
    assert len(candles.rows(1, "1m")) == module.CANDLES_MAX and candles.rows(1, "1m")[-1][0] == 60 * 999
    candles.add([trade(1, 1, 1, 2), trade(2, 1, 1, 1), trade(3, 1, 1, 3)])
    assert candles.rows(2, "1h") == [] and candles.rows(1, "1h") and candles.rows(3, "1h")


def test_the_gateway_makes_them_of_what_it_saw(chain: Chain, http: httpx.Client) -> None:
    maker, taker = chain.client("alice"), chain.client("bob")
    for price in ("46000", "46100", "45900"):
        maker.place("BTC-PERP", "sell", "0.1", price, time_in_force="post_only")
        taker.place("BTC-PERP", "buy", "0.1", price)
    rows = http.get("/api/candles", params={"market": 1, "interval": "1h"}).json()["candles"]
    assert [row[1:] for row in rows] == [[46_000_000, 46_100_000, 45_900_000, 45_900_000, 300]]


def test_a_chain_that_goes_back_takes_its_candles_along(chain: Chain, http: httpx.Client) -> None:
    number = chain.checkpoint()
    chain.client("alice").place("BTC-PERP", "sell", "0.1", "46000", time_in_force="post_only")
    chain.client("bob").place("BTC-PERP", "buy", "0.1", "46000")
    asked = {"market": 1, "interval": "1m"}
    assert http.get("/api/candles", params=asked).json()["candles"]
    chain.revert(number)
    assert http.get("/api/candles", params=asked).json()["candles"] == []
