"""The feeder sets marks on ticks, in one envelope, and goes on with another gateway when one fails."""

import asyncio
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from pathlib import Path

import pytest

from client.errors import NotAvailable, PermissionDenied
from client.results import Sent
from client.units import Units
from node.keys.dev import PRICE_AUTHORITY, dev_key
from node.prices import feeder
from node.prices.provider import PricesError
from node.settings import PricesSettings
from novation.v1 import tx_pb2


@dataclass
class Info:
    units: Units


@dataclass
class FakeClient:
    """Takes envelopes; after `most` of them the gateway is gone."""

    most: int
    results: tuple[tx_pb2.ActionResult, ...] = ()
    sent: list[list[tx_pb2.Action]] = field(default_factory=list)

    def market(self, market: int) -> Info:
        return Info(Units(Decimal("0.001"), Decimal("0.5"), 500))

    async def send(self, actions: list[tx_pb2.Action], **_: object) -> Sent:
        if len(self.sent) == self.most:
            raise NotAvailable("UNAVAILABLE")
        self.sent.append(actions)
        return Sent(b"", b"", True, 1, Decimal(0), self.results)


def test_every_market_is_set_to_its_nearest_tick_in_one_envelope() -> None:
    client = FakeClient(most=2)
    sources = {1: map(Decimal, count(46_000)), 2: iter([Decimal("3700.26"), Decimal("0.1"), Decimal(1)])}
    with pytest.raises(NotAvailable):
        asyncio.run(feeder.feed(client, sources, 0.0))
    prices = [[(one.set_mark_price.market, one.set_mark_price.price_quanta) for one in sent] for sent in client.sent]
    assert prices == [[(1, 46_000_000), (2, 3_700_500)], [(1, 46_001_000), (2, 500)]]


def test_a_refusal_of_the_chain_is_an_error() -> None:
    refused = tx_pb2.ActionResult(code=701, codespace="oracle", reason="ORACLE_NOT_AUTHORITY")
    with pytest.raises(PermissionDenied):
        asyncio.run(feeder.feed(FakeClient(5, (refused,)), {1: iter([Decimal(1)])}, 0.0))


def test_work_goes_on_with_the_next_gateway_whatever_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    class Gateway:
        def __init__(self, address: str, key: object) -> None:
            self.address = address

        async def __aenter__(self) -> "Gateway":
            return self

        async def __aexit__(self, *_: object) -> None:
            pass

    async def work(client: Gateway) -> None:
        seen.append(client.address)
        if len(seen) == 1:
            raise NotAvailable("UNAVAILABLE")
        if len(seen) == 2:
            raise RuntimeError("a mistake")
        raise asyncio.CancelledError

    monkeypatch.setattr(feeder, "NovationClient", Gateway)
    monkeypatch.setattr(feeder, "RETRY_S", 0.0)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(feeder.keep_working("bot", ["a", "b"], dev_key(PRICE_AUTHORITY), work))
    assert seen == ["a", "b", "a"]


def test_settings_choose_the_provider(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("time,price\n0,10\n60,70\n")
    replayed = feeder.provider(PricesSettings("csv", str(tmp_path / "p.csv"), interval_ms=500, speed=60.0), Decimal(5))
    assert [next(replayed) for _ in range(3)] == [10, 40, 70]
    assert next(feeder.provider(PricesSettings("walk"), Decimal(5))) == 5
    with pytest.raises(ValueError, match="csv and walk"):
        feeder.provider(PricesSettings("oracle"), Decimal(5))
    with pytest.raises(PricesError):
        next(feeder.provider(PricesSettings("csv", "none.csv"), Decimal(5)))
