"""The client without asyncio."""

import asyncio
import threading
from itertools import islice
from pathlib import Path

import pytest

from client import Key, errors
from client.sync import SyncClient
from tests.helpers import builders as b
from tests.helpers.gateways import network, run


def test_the_same_methods_without_await(tmp_path: Path) -> None:
    """Orders, queries, errors and streams, from a thread that knows nothing of loops."""
    def trade(address: str) -> None:
        with SyncClient(address, Key(bytes(b.ALICE.key))) as client:
            order = client.place("BTC-PERP", "buy", "0.005", "45000", client_id=3)
            assert order.committed and client.open_orders()[0].client_id == 3
            assert client.params.chain_id == b.CHAIN_ID and client.market(1).symbol == "BTC-PERP"
            with pytest.raises(errors.OrderNotFound):
                client.cancel(client_id=9)
            blocks = [block.height for block in islice(client.watch_blocks(after_height=order.height), 3)]
            assert blocks == [order.height + 1, order.height + 2, order.height + 3]
            assert next(client.watch_book("BTC-PERP")).best_bid == 45_000_000
            with pytest.raises(AttributeError):
                client.nonsense()
        client.close()
        assert not any(thread.name == "novation-client" for thread in threading.enumerate())

    async def work() -> None:
        async with network(tmp_path) as net:
            net.engine.tick(0.03)
            await asyncio.to_thread(trade, net.gateway.address)

    run(work())


def test_a_gateway_that_is_not_there_leaves_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error is the async client's."""
    connect = SyncClient._open.__globals__["NovationClient"].connect
    monkeypatch.setattr("client.client.NovationClient.connect", lambda self: connect(self, timeout_seconds=0.1))
    with pytest.raises(errors.NotAvailable):
        SyncClient("127.0.0.1:1")
    assert not any(thread.name == "novation-client" for thread in threading.enumerate())
