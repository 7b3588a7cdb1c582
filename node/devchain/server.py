"""A devchain with a gateway in front, as a node has it, and the service that only a devchain has."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import grpc

from node.devchain.chain import DevChain, DevChainError
from node.devchain.prover import DevProver
from node.devchain.saved import write_saved
from node.gateway.clients import ClientLimits
from node.gateway.errors import CallError, Code, unary
from node.gateway.server import Gateway, Limits
from novation.v1 import dev_service_pb2 as dev_service
from novation.v1 import dev_service_pb2_grpc

READY_SECONDS = 10.0
POLL_SECONDS = 0.002
SECOND_NS = 10**9
MOST_BLOCKS = 100_000
NO_LIMITS = ClientLimits(10**6, 10**6, 10**6, 10**6)  # whoever runs a devchain is its only client


class DevServer:
    """Serves a devchain on `listen` (port 0: a free one, see `address`) from a thread of its own, until `close`."""

    def __init__(self, chain: DevChain, listen: str = "127.0.0.1:0", web_listen: str = "") -> None:
        """Makes the first block and waits until the gateway serves it; with `web_listen`, a web page too. Raises
        OSError when it cannot listen."""
        self.chain = chain
        if not chain.height:
            chain.mine()
        self.gateway = Gateway(chain.socket, listen, Limits(clients=NO_LIMITS), add_service=self._add_service,
                               web_listen=web_listen, prover=DevProver(chain) if web_listen else None)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="gateway", daemon=True)
        self._thread.start()
        try:
            self._run(self.gateway.start()).result()
            self.catch_up()
        except BaseException:
            self.close()
            raise

    def _run(self, work: Any) -> Future[Any]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def _add_service(self, server: grpc.aio.Server) -> None:
        dev_service_pb2_grpc.add_DevServiceServicer_to_server(DevService(self), server)

    @property
    def address(self) -> str:
        """host:port of the gateway."""
        return self.gateway.address

    @property
    def web_address(self) -> str:
        """host:port of the web page; empty: there is none."""
        return self.gateway.web_address

    def catch_up(self) -> None:
        """Returns when the gateway shows the last block, or raises DevChainError."""
        deadline = time.monotonic() + READY_SECONDS
        while not (self.gateway.engine.live and self.gateway.model.height >= self.chain.height):
            if time.monotonic() > deadline:
                raise DevChainError("the gateway does not follow the chain")
            time.sleep(POLL_SECONDS)

    def mine(self, blocks: int = 1, seconds: float = 0) -> int:
        """As DevChain's, and whoever asks the gateway afterwards sees them."""
        height = self.chain.mine(blocks, seconds)
        self.catch_up()
        return height

    def revert(self, number: int) -> None:
        """As DevChain's; no block is made before the gateway has begun anew."""
        with self.chain.lock:
            self.chain.require_checkpoint(number)
            self._loop.call_soon_threadsafe(self.gateway.model.forget)
            self.chain.revert(number)
            self.catch_up()

    def close(self) -> None:
        """Stop serving; the chain stays. May be called twice."""
        if self._thread.is_alive():
            self._run(self.gateway.stop()).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()


class DevService(dev_service_pb2_grpc.DevServiceServicer):
    """See dev_service.proto."""

    def __init__(self, server: DevServer) -> None:
        self._server = server

    async def _do(self, work: Callable[[], object]) -> dev_service.DevStatus:
        """Run something of the chain's off the loop, which the gateway needs meanwhile; then how things stand."""
        try:
            await asyncio.to_thread(work)
        except DevChainError as error:
            raise CallError(Code.FAILED_PRECONDITION, "DEVCHAIN", str(error)) from error
        except OSError as error:
            raise CallError(Code.FAILED_PRECONDITION, "DEVCHAIN_FILE", f"{error.filename}: {error.strerror}") from error
        return status(self._server.chain)

    @unary
    async def Mine(self, request: dev_service.MineRequest, context: Any) -> dev_service.DevStatus:
        if request.blocks > MOST_BLOCKS:
            raise CallError(Code.INVALID_ARGUMENT, "DEVCHAIN", f"at most {MOST_BLOCKS} blocks at once")
        return await self._do(lambda: self._server.mine(request.blocks or 1, request.elapsed_ns / SECOND_NS))

    @unary
    async def SetPrice(self, request: dev_service.SetPriceRequest, context: Any) -> dev_service.DevStatus:
        return await self._do(lambda: self._server.chain.set_price(request.symbol, request.price))

    @unary
    async def SetVolatility(self, request: dev_service.SetVolatilityRequest, context: Any) -> dev_service.DevStatus:
        return await self._do(lambda: self._server.chain.set_volatility(request.symbol, request.percent))

    @unary
    async def Checkpoint(self, request: dev_service.CheckpointRequest, context: Any) -> dev_service.CheckpointResponse:
        made: list[int] = []
        found = await self._do(lambda: made.append(self._server.chain.checkpoint()))
        return dev_service.CheckpointResponse(checkpoint=made[0], height=found.height)

    @unary
    async def Revert(self, request: dev_service.RevertRequest, context: Any) -> dev_service.DevStatus:
        return await self._do(lambda: self._server.revert(request.checkpoint))

    @unary
    async def Save(self, request: dev_service.SaveRequest, context: Any) -> dev_service.DevStatus:
        return await self._do(lambda: write_saved(Path(request.path), self._server.chain.moment()))

    @unary
    async def GetDevStatus(self, request: dev_service.GetDevStatusRequest, context: Any) -> dev_service.DevStatus:
        return status(self._server.chain)


def status(chain: DevChain) -> dev_service.DevStatus:
    """How things stand."""
    head = chain.parts.chain.head
    found = dev_service.DevStatus(height=head.height, time_ns=head.time_ns, app_hash=head.app_hash,
                                  checkpoints=sorted(chain.checkpoints))
    for symbol in sorted(chain.seen.prices):
        found.feeds.add(symbol=symbol, price=f"{chain.seen.prices[symbol]:f}",
                        volatility_percent=f"{chain.seen.volatilities[symbol]:f}")
    return found
