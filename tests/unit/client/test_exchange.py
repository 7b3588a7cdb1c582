"""The client under ccxt's names, candles, and dry runs, over a devchain."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from client.candles import candles_of
from client.errors import BadRequest, InsufficientFunds, OrderNotFound
from client.exchange import Exchange
from client.sync import SyncClient
from client.units import Units
from novation.testing import Chain, devchain
from novation.v1 import market_data_service_pb2 as market_data

__all__ = ["devchain"]
D = Decimal
UNITS = Units(D("0.001"), D("0.5"), 500)


class Sync:
    """An Exchange whose methods wait."""

    def __init__(self, client: SyncClient) -> None:
        self.client, self.exchange = client, Exchange(client.client)

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: self.client.run(getattr(self.exchange, name)(*arguments))


@pytest.fixture
def traders(devchain: Chain) -> Iterator[tuple[Sync, Sync]]:
    """Alice and Bob."""
    yield Sync(devchain.client("alice")), Sync(devchain.client("bob"))


def test_a_trade_under_ccxts_names(traders: tuple[Sync, Sync]) -> None:
    """Markets, orders, book, trades, candles, positions, balance."""
    alice, bob = traders
    market = alice.load_markets()["BTC-PERP"]
    assert (market["type"], market["active"], market["precision"]["amount"]) == ("swap", True, D("0.001"))
    made = alice.create_order("BTC-PERP", "limit", "sell", "0.5", "46000", {"postOnly": True, "clientOrderId": 7})
    assert (made["status"], made["remaining"], made["filled"]) == ("open", D("0.5"), 0)
    assert bob.fetch_order_book("BTC-PERP")["asks"] == [[D(46_000), D("0.5")]]
    taken = bob.create_order("BTC-PERP", "limit", "buy", "0.2", "46100", {"timeInForce": "IOC"})
    assert (taken["status"], taken["average"]) == ("closed", D(46_000))
    (left,) = alice.fetch_open_orders()
    assert (left["id"], left["clientOrderId"], left["remaining"]) == (made["id"], "7", D("0.3"))
    (trade,) = bob.fetch_trades("BTC-PERP")
    assert (trade["side"], trade["price"], trade["amount"], trade["cost"]) == ("buy", D(46_000), D("0.2"), D(9_200))
    ((_, opened, high, low, close, volume),) = bob.fetch_ohlcv("BTC-PERP", "1h")
    assert opened == high == low == close == 46_000 and volume == D("0.2")
    (held,) = alice.fetch_positions()
    assert (held["side"], held["contracts"], held["symbol"]) == ("short", D("0.2"), "BTC-PERP")
    balance = bob.fetch_balance()["USD"]
    assert balance["total"] == balance["free"] + balance["used"] and balance["used"] > 900
    ticker = bob.fetch_ticker("BTC-PERP")
    assert (ticker["ask"], ticker["bid"], ticker["last"]) == (D(46_000), None, D(46_000))
    assert bob.fetch_funding_rate("BTC-PERP")["interval"] == "8h"
    assert alice.cancel_order(made["id"])["status"] == "canceled"
    with pytest.raises(OrderNotFound):
        alice.cancel_order(made["id"])
    alice.cancel_all_orders()


@pytest.mark.parametrize(("kind", "price", "params", "said"), [
    ("market", None, {}, "limit orders only"), ("limit", "46000", {"timeInForce": "DAY"}, "timeInForce")])
def test_what_the_chain_does_not_know_is_said(traders: tuple[Sync, Sync], kind: str, price: str | None,
                                              params: dict[str, Any], said: str) -> None:
    """No order at any price, no other times in force, no other candles."""
    with pytest.raises(BadRequest, match=said):
        traders[0].create_order("BTC-PERP", kind, "buy", "1", price, params)
    with pytest.raises(BadRequest, match="2m"):
        traders[0].fetch_ohlcv("BTC-PERP", "2m")


def test_streams_under_ccxts_names(devchain: Chain) -> None:
    """A book and a trade as they come."""
    alice, bob = devchain.client("alice"), devchain.client("bob")

    async def first_trade() -> Any:
        async for trade in Exchange(bob.client).watch_trades("BTC-PERP", 1):
            return trade

    async def first_book() -> Any:
        async for book in Exchange(bob.client).watch_order_book("BTC-PERP"):
            if book["asks"]:
                return book

    alice.place("BTC-PERP", "sell", "0.1", "46000")
    alice.place("BTC-PERP", "sell", "0.1", "46001")
    assert bob.run(first_book())["asks"] == [[D(46_000), D("0.1")], [D(46_001), D("0.1")]]
    bob.place("BTC-PERP", "buy", "0.1", "46000")
    assert bob.run(first_trade())["price"] == 46_000


def test_candles() -> None:
    """By time, whatever order trades come in; nothing where nothing was traded."""
    def trade(number: int, second: int, price: int, lots: int) -> market_data.Trade:
        return market_data.Trade(trade_id=number, time_ns=second * 10**9, price_quanta=price * 1_000, size_lots=lots)

    trades = [trade(4, 200, 90, 1), trade(1, 0, 100, 2), trade(3, 59, 95, 4), trade(2, 59, 110, 3)]
    first, second = candles_of(trades, UNITS, 60)
    assert (first.open, first.high, first.low, first.close, first.volume, first.trades) == (
        100, 110, 95, 95, D("0.009"), 3)
    assert (second.start_ns, second.open, second.trades) == (180 * 10**9, 90, 1)
    assert candles_of([], UNITS) == []
    with pytest.raises(ValueError, match="second"):
        candles_of(trades, UNITS, 0)


def test_a_dry_run_sends_nothing(devchain: Chain) -> None:
    """It says what would fill and what margin it takes; errors are those of the block; the height stays."""
    alice, bob = devchain.client("alice"), devchain.client("bob")
    alice.place("BTC-PERP", "sell", "0.5", "46000")
    height = bob.status().height
    placed = bob.place("BTC-PERP", "buy", "0.7", "46000", dry_run=True)
    assert not placed.committed and placed.filled_size == D("0.5") and placed.open_size == D("0.2")
    preview = bob.preview
    assert len(preview.fills) == 1 and preview.after.initial_quanta > preview.before.initial_quanta == 0
    with pytest.raises(InsufficientFunds):
        bob.place("BTC-PERP", "buy", "900", "46000", dry_run=True)
    assert bob.status().height == height and not bob.open_orders()
