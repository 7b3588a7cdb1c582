"""Clients of a gateway by the hundred, in a process of their own: `python -m tests.bench.crowd KIND ADDRESS`, the kind
readers or senders.

It takes one JSON command a line from its input and answers each with one JSON line; it ends with its input. Every
client has a connection of its own. Readers: `open` so many streams, `take` what came since the last `take`, `close`
all. Senders: `prepare` signed orders for so many seconds, and `send` them, one at a time, at times fixed in advance.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Callable
from statistics import median, quantiles
from typing import Any

import grpc

from novation.v1 import account_service_pb2 as account_service
from novation.v1 import (
    account_service_pb2_grpc,
    chain_service_pb2_grpc,
    market_data_service_pb2_grpc,
    oracle_service_pb2_grpc,
    trading_service_pb2_grpc,
    tx_pb2,
)
from novation.v1 import chain_service_pb2 as chain_service
from novation.v1 import market_data_service_pb2 as market_data
from novation.v1 import oracle_service_pb2 as oracle_service
from novation.v1 import trading_service_pb2 as trading
from tests.helpers import builders
from tests.helpers.trace import Flow, Trader, crowd

CHANNEL = (("grpc.use_local_subchannel_pool", 1),)  # or all clients of the process would share one connection
OPENING_AT_ONCE = 25
SILENT_SECONDS = 30.0
ORDER_GAS = 245_000
SENDERS = 200
Row = dict[str, Any]


def channel_to(address: str) -> grpc.aio.Channel:
    """A connection that is nobody else's."""
    return grpc.aio.insecure_channel(address, options=CHANNEL)


def subscribe(channel: grpc.aio.Channel, index: int) -> Any:
    """The stream of the reader `index`: of ten, four follow a book, the others one thing each."""
    owner = tx_pb2.AccountId(owner=crowd(SENDERS)[index % SENDERS].person.owner)
    market = builders.BTC if index // 10 % 2 else builders.ETH
    markets, accounts = (market_data_service_pb2_grpc.MarketDataServiceStub(channel),
                         account_service_pb2_grpc.AccountServiceStub(channel))
    kinds: list[Callable[[], Any]] = [
        lambda: markets.WatchBook(market_data.WatchBookRequest(market=market)),
        lambda: markets.WatchBook(market_data.WatchBookRequest(market=market)),
        lambda: markets.WatchBook(market_data.WatchBookRequest(market=market, depth=20)),
        lambda: markets.WatchBook(market_data.WatchBookRequest(market=market, depth=20)),
        lambda: markets.WatchTrades(market_data.WatchTradesRequest()),
        lambda: oracle_service_pb2_grpc.OracleServiceStub(channel).WatchPrices(oracle_service.WatchPricesRequest()),
        lambda: accounts.WatchOrders(account_service.WatchOrdersRequest(account=owner)),
        lambda: accounts.WatchFills(account_service.WatchFillsRequest(account=owner)),
        lambda: accounts.WatchCash(account_service.WatchCashRequest(account=owner)),
        lambda: chain_service_pb2_grpc.ChainServiceStub(channel).WatchBlocks(chain_service.WatchBlocksRequest()),
    ]
    return kinds[index % len(kinds)]()


class Readers:
    """Streams, and when what came from them."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._channels: list[grpc.aio.Channel] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._first: dict[int, float] = {}  # height -> when the first stream told of it
        self._behind: list[float] = []  # seconds of each message behind that
        self._bytes = 0
        self._ended: list[str] = []

    async def open(self, streams: int) -> Row:
        """Open streams until there are so many; each has had its first message then. Raises RuntimeError."""
        while len(self._channels) < streams:
            first = len(self._channels)
            some = range(first, min(first + OPENING_AT_ONCE, streams))
            ready = [asyncio.Event() for _ in some]
            for index, begun in zip(some, ready, strict=True):
                self._channels.append(channel_to(self._address))
                self._tasks.append(asyncio.create_task(self._read(subscribe(self._channels[-1], index), begun)))
            async with asyncio.timeout(SILENT_SECONDS):
                await asyncio.gather(*(begun.wait() for begun in ready))
            if self._ended:
                raise RuntimeError(f"streams ended at once: {self._ended}")
        return {"streams": len(self._channels)}

    async def _read(self, call: Any, begun: asyncio.Event) -> None:
        try:
            async for message in call:
                now = time.monotonic()
                begun.set()
                self._bytes += message.ByteSize()
                self._behind.append(now - self._first.setdefault(message.height, now))
        except grpc.aio.AioRpcError as error:
            self._ended.append(error.code().name)
            begun.set()

    async def take(self) -> Row:
        """What came since the last time."""
        behind, self._behind = self._behind, []
        size, self._bytes = self._bytes, 0
        ended, self._ended = self._ended, []
        self._first.clear()
        return {"messages": len(behind), "bytes": size, "behind_seconds": spread(behind), "ended": ended}

    async def close(self) -> Row:
        """End all streams and their connections."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(channel.close() for channel in self._channels))
        self._channels, self._tasks = [], []
        return await self.take()


class Senders:
    """Traders, each with a connection and an account of its own: half quote, half take."""

    def __init__(self, address: str) -> None:
        self._stubs = [trading_service_pb2_grpc.TradingServiceStub(channel_to(address)) for _ in range(SENDERS)]
        self._traders = crowd(SENDERS)
        self._flow = Flow(self._traders)
        self._nonces = [0] * SENDERS
        self._prepared: list[list[bytes]] = []

    async def prepare(self, seconds: float, each_a_second: float, chain_id: str) -> Row:
        """Sign what `send` sends: so many orders a second for every client."""
        count = max(1, round(seconds * each_a_second))
        self._prepared = [[self._order(index, chain_id) for _ in range(count)] for index in range(SENDERS)]
        return {"orders": count * SENDERS}

    async def send(self, each_a_second: float) -> Row:
        """Send it. Every client waits until each order is admitted; its wait runs from when the order was due."""
        waits: list[float] = []
        late: list[float] = []
        other: list[str] = []
        started = time.monotonic() + 0.1

        async def client(index: int) -> None:
            for number, raw in enumerate(self._prepared[index]):
                due = started + (number + index / SENDERS) / each_a_second
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                late.append(time.monotonic() - due)
                try:
                    reply = await self._stubs[index].Submit(trading.SubmitEnvelopeRequest(
                        envelope=raw, wait=trading.WAIT_FOR_ADMISSION))
                except grpc.aio.AioRpcError as error:
                    other.append(error.code().name)
                    continue
                waits.append(time.monotonic() - due)
                if reply.outcome.state == trading.SUBMISSION_STATE_REFUSED:
                    other.append(reply.outcome.result.reason)

        await asyncio.gather(*(client(index) for index in range(SENDERS)))
        return {"sent": len(late), "not_admitted": sorted(set(other)), "admission_seconds": waits,
                "late_seconds": spread(late)}

    def _order(self, index: int, chain_id: str) -> bytes:
        trader: Trader = self._traders[index]
        self._flow.step(1)
        action = self._flow.maker_action(trader) if trader.maker else self._flow.taker_action()
        self._nonces[index] += 1
        return builders.envelope(trader.person, [action], self._nonces[index], chain_id=chain_id, gas_limit=ORDER_GAS)


def spread(values: list[float]) -> dict[str, float]:
    """Median, 99th percentile and maximum."""
    if len(values) < 2:
        return {"p50": 0.0, "p99": 0.0, "max": max(values, default=0.0)}
    return {"p50": median(values), "p99": quantiles(values, n=100)[98], "max": max(values)}


async def commands() -> AsyncIterator[Row]:
    """The lines of the input, until it ends."""
    while line := await asyncio.to_thread(sys.stdin.readline):
        yield json.loads(line)


async def serve(kind: str, address: str) -> None:
    """Answer commands until the input ends."""
    work: Any = Readers(address) if kind == "readers" else Senders(address)
    async for command in commands():
        print(json.dumps(await getattr(work, command.pop("do"))(**command)), flush=True)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], sys.argv[2]))
