"""Work goes on with another gateway when one fails."""

import asyncio

import pytest

from client.errors import NotAvailable
from node.keys.dev import AUTHORITY, dev_key
from node.localnet import working


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

    monkeypatch.setattr(working, "NovationClient", Gateway)
    monkeypatch.setattr(working, "RETRY_S", 0.0)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(working.keep_working("bot", ["a", "b"], dev_key(AUTHORITY), work))
    assert seen == ["a", "b", "a"]
