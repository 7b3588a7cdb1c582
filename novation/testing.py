"""A fresh chain for each test: real matching, margin and settlement in this process, in about a tenth of a second.

    # conftest.py
    pytest_plugins = ["novation.testing"]

    # test_bot.py
    def test_a_bot_is_filled(devchain):
        maker, taker = devchain.client("alice"), devchain.client("bob")
        maker.place("BTC-PERP", "sell", "0.1", "46000", time_in_force="post_only")
        assert taker.place("BTC-PERP", "buy", "0.1", "46000").filled_size == Decimal("0.1")
        devchain.set_price("BTC/USD", "40000")
        devchain.mine(seconds=3600)

A block is made for whatever is submitted; time moves a second a block, so a test does the same every time.
"""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from client.sync import SyncClient
from genesis.builder import AppState
from node.devchain.chain import DevChain
from node.devchain.genesis import dev_state
from node.devchain.server import DevServer
from node.keys.dev import dev_key

GENESIS_NS = 1_700_000_000_000_000_000
STEP_NS = 1_000_000_000


class Chain:
    """A devchain with its gateway. `address` is where gRPC clients of any language find it."""

    def __init__(self, state: AppState | None = None, *, strict: bool = False, web: bool = False) -> None:
        """`state` is another genesis; `strict` keeps what the preset says of feeds and halts; `web` serves the page."""
        genesis = state if state is not None else dev_state(strict=strict)
        self.chain = DevChain(genesis, step_ns=STEP_NS, genesis_ns=GENESIS_NS)
        self.server = DevServer(self.chain, web_listen="127.0.0.1:0" if web else "")
        self.address = self.server.address
        self.web_address = self.server.web_address
        self._clients: list[SyncClient] = []

    def client(self, name: str = "", number: int = 0) -> SyncClient:
        """A connected client of a named account (`alice`, `bob`, `carl`, `dave`, `maker-0` ...); without a name one
        that only reads.
        """
        key = dev_key(name) if name else None
        made = SyncClient(self.address, key, account_number=number)
        self._clients.append(made)
        return made

    def mine(self, blocks: int = 1, *, seconds: float = 0) -> int:
        """Make blocks, which take so many seconds together; the height then."""
        return self.server.mine(blocks, seconds)

    def set_price(self, symbol: str, price: Decimal | str, *, mine: bool = True) -> None:
        """The price of a feed such as `BTC/USD`, in USD; with `mine` the chain knows it when this returns."""
        self.chain.set_price(symbol, price)
        if mine:
            self.mine()

    def set_volatility(self, symbol: str, percent: Decimal | str, *, mine: bool = True) -> None:
        """The volatility of options on a feed, in percent a year."""
        self.chain.set_volatility(symbol, percent)
        if mine:
            self.mine()

    def checkpoint(self) -> int:
        """Remember this moment; its number for `revert`."""
        return self.chain.checkpoint()

    def revert(self, number: int) -> None:
        """Go back to a checkpoint. Clients go on working; streams begin anew."""
        self.server.revert(number)

    def close(self) -> None:
        """Stop everything."""
        for client in self._clients:
            client.close()
        self.server.close()
        self.chain.close()


@pytest.fixture
def devchain() -> Iterator[Chain]:
    """A fresh chain."""
    chain = Chain()
    try:
        yield chain
    finally:
        chain.close()
