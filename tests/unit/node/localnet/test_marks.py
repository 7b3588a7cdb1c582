"""Marks are set on ticks, in one envelope."""

import asyncio
from dataclasses import dataclass, field
from decimal import Decimal

import pytest

from client.errors import NotAvailable, PermissionDenied
from client.results import Sent
from client.units import Units
from node.localnet.marks import set_marks, to_tick
from node.prices.models import static
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
    models = {1: static(Decimal(46_000)), 2: static(Decimal("3700.26")), 3: static(Decimal("0.1"))}
    with pytest.raises(NotAvailable):
        asyncio.run(set_marks(client, models, 0, 0.0))
    prices = [[(one.set_mark_price.market, one.set_mark_price.price_quanta) for one in sent] for sent in client.sent]
    assert prices == 2 * [[(1, 46_000_000), (2, 3_700_500), (3, 500)]]


def test_a_refusal_of_the_chain_is_an_error() -> None:
    refused = tx_pb2.ActionResult(code=701, codespace="oracle", reason="ORACLE_NOT_AUTHORITY")
    with pytest.raises(PermissionDenied):
        asyncio.run(set_marks(FakeClient(5, (refused,)), {1: static(Decimal(1))}, 0, 0.0))


def test_prices_are_rounded_to_the_nearest_tick_but_never_to_zero() -> None:
    assert to_tick(Decimal("46000.26"), Decimal("0.5")) == Decimal("46000.5")
    assert to_tick(Decimal("0.1"), Decimal("0.5")) == Decimal("0.5")
