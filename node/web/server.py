"""The web page's server: uvicorn in the gateway's event loop, on a port of its own, within bounds."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn

from node.gateway.clients import Rates
from node.gateway.services import Services
from node.gateway.streams import Streams
from node.web.api import Api
from node.web.candles import Candles
from node.web.changes import Changes
from node.web.guard import BURST, RATE_A_SECOND
from node.web.proofs import Prover
from node.web.site import make_app

CONNECTIONS_MAX = 1024
STREAMS_MAX = 500
KEEP_ALIVE_SECONDS = 15
HEAD_BYTES_MAX = 16 * 1024  # of a request's line and headers
STOP_SECONDS = 2


class WebServer:
    """Serves the site until `stop`."""

    def __init__(self, services: Services, listen: str, prover: Prover | None = None, **stream_limits: Any) -> None:
        """`listen` is host:port; port 0 takes a free one, see `address` after `start`. `prover` is where proofs come
        from. `stream_limits`: those of Streams, for tests."""
        self.address = listen
        self._model = services.model
        self.streams = Streams(services.model, services.clients, **{"streams_max": STREAMS_MAX, **stream_limits})
        self._candles, self._changes = Candles(services.model), Changes(services.model)
        self._prover = prover
        api = Api(services, self._candles, self._changes, prover)
        self.rates = Rates(RATE_A_SECOND, BURST)
        app = make_app(services, self.streams, api, self.rates, self._abort)
        self._server = _Server(uvicorn.Config(
            app, http="h11", ws="none", lifespan="off", log_config=None, access_log=False, server_header=False,
            proxy_headers=False, limit_concurrency=CONNECTIONS_MAX, timeout_keep_alive=KEEP_ALIVE_SECONDS,
            h11_max_incomplete_event_size=HEAD_BYTES_MAX, timeout_graceful_shutdown=STOP_SECONDS))
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Listen. Raises OSError when the address cannot be bound."""
        host, _, port = self.address.rpartition(":")
        try:
            listening = socket.create_server((host.strip("[]"), int(port)), backlog=256, family=_family(host))
        except (OSError, ValueError, OverflowError) as error:
            raise OSError(f"the web page cannot listen on {self.address}: {error}. Choose another address with "
                          "--web-listen, or leave it out") from error
        listening.setblocking(False)
        self.address = f"{host}:{listening.getsockname()[1]}"
        self._tasks = [asyncio.create_task(self._server.serve([listening]), name="web"),
                       asyncio.create_task(self.streams.run(), name="streams"),
                       asyncio.create_task(self._follow_blocks(), name="follow")]
        while not self._server.started and not self._tasks[0].done():
            await asyncio.sleep(0.005)

    async def stop(self) -> None:
        """Stop serving; open requests get a moment to end."""
        self.streams.stop()
        self._server.should_exit = True
        for task in reversed(self._tasks):
            if task.get_name() != "web":
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        if self._prover is not None:
            await self._prover.close()

    async def _follow_blocks(self) -> None:
        while True:
            self._candles.catch_up()
            self._changes.catch_up()
            await self._model.moved()

    def _abort(self, client: Any) -> None:
        """Close the connection of a client without waiting for it."""
        for connection in list(self._server.server_state.connections):
            if getattr(connection, "client", None) == client and connection.transport is not None:
                connection.transport.abort()


class _Server(uvicorn.Server):
    """Leaves signals to the gateway."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """None are captured."""
        yield


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
