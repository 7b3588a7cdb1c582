"""A gateway in this process over a LittleEngine, and clients of it, for tests that speak real gRPC."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import grpc

from client import Key, NovationClient
from node.gateway.server import Gateway, Limits
from novation.v1 import (
    account_service_pb2_grpc,
    chain_service_pb2_grpc,
    market_data_service_pb2_grpc,
    oracle_service_pb2_grpc,
    risk_service_pb2_grpc,
    trading_service_pb2_grpc,
)
from tests.helpers.builders import Person
from tests.helpers.little_engine import LittleEngine

DEADLINE_SECONDS = 60.0
Result = TypeVar("Result")


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a test's coroutine, with a deadline instead of hanging."""
    async def bounded() -> Result:
        async with asyncio.timeout(3 * DEADLINE_SECONDS):
            return await work

    return asyncio.run(bounded())


async def until(condition: Callable[[], Any]) -> None:
    """Wait until the condition holds."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not condition():
            await asyncio.sleep(0.005)


@dataclass
class Net:
    """An engine, its gateway, and stubs of the services."""

    engine: LittleEngine
    gateway: Gateway
    channel: grpc.aio.Channel
    clients: list[NovationClient] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.trading = trading_service_pb2_grpc.TradingServiceStub(self.channel)
        self.market_data = market_data_service_pb2_grpc.MarketDataServiceStub(self.channel)
        self.accounts = account_service_pb2_grpc.AccountServiceStub(self.channel)
        self.chain = chain_service_pb2_grpc.ChainServiceStub(self.channel)
        self.oracle = oracle_service_pb2_grpc.OracleServiceStub(self.channel)
        self.risk = risk_service_pb2_grpc.RiskServiceStub(self.channel)

    async def client(self, person: Person) -> NovationClient:
        """A connected client with a person's key."""
        client = NovationClient(self.gateway.address, Key(bytes(person.key)))
        await client.connect()
        self.clients.append(client)
        return client

    async def commit(self, *envelopes: bytes) -> int:
        """Make a block of these envelopes and wait until the gateway has it; its height."""
        result = self.engine.run_with(*envelopes)
        await until(lambda: self.gateway.model.height >= result.height)
        return result.height

    async def committing(self, work: Awaitable[Result]) -> Result:
        """Make blocks until the work, which waits for one, is done."""
        task = asyncio.ensure_future(work)
        while not task.done():
            self.engine.block()
            await asyncio.sleep(0.02)
        return task.result()


@asynccontextmanager
async def network(folder: Path, limits: Limits | None = None, **engine_options: Any) -> AsyncIterator[Net]:
    """An engine at height 1 and a gateway that follows it."""
    engine = LittleEngine(folder, **engine_options)
    gateway = Gateway(engine.socket, "127.0.0.1:0", limits)
    net = None
    try:
        engine.block()
        await gateway.start()
        net = Net(engine, gateway, grpc.aio.insecure_channel(gateway.address))
        await until(lambda: gateway.engine.live)
        yield net
    finally:
        if net is not None:
            for client in net.clients:
                await client.close()
            await net.channel.close()
            engine = net.engine
            await net.gateway.stop()  # perhaps another one by now
        await gateway.stop()
        engine.close()


@contextmanager
def serving(folder: Path, *, tick_seconds: float = 0.02, **engine_options: Any) -> Iterator[Net]:
    """A network on a thread of its own that makes blocks by itself, for programs that bring their own event loop."""
    started: list[Net] = []
    ready, done = threading.Event(), threading.Event()

    async def serve() -> None:
        async with network(folder, **engine_options) as net:
            net.engine.tick(tick_seconds)
            started.append(net)
            ready.set()
            while not done.is_set():
                await asyncio.sleep(0.01)

    def work() -> None:
        try:
            asyncio.run(serve())
        finally:
            ready.set()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert ready.wait(DEADLINE_SECONDS) and started, "the gateway did not start"
        yield started[0]
    finally:
        done.set()
        thread.join()
