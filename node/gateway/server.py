"""The gateway put together: engine link, model, services, health and reflection behind one port."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from node.gateway.clients import ClientLimits, Clients
from node.gateway.engine import Engine
from node.gateway.model import BLOCKS_MAX, ReadModel
from node.gateway.services import Services
from node.gateway.streams import HEARTBEAT_SECONDS, STREAMS_MAX, WRITE_SECONDS, Streams
from node.gateway.submissions import Submissions
from node.telemetry.gateway import GatewayMetrics
from novation.v1 import (
    account_service_pb2,
    account_service_pb2_grpc,
    chain_service_pb2,
    chain_service_pb2_grpc,
    market_data_service_pb2,
    market_data_service_pb2_grpc,
    oracle_service_pb2,
    oracle_service_pb2_grpc,
    risk_service_pb2,
    risk_service_pb2_grpc,
    trading_service_pb2,
    trading_service_pb2_grpc,
)

if TYPE_CHECKING:
    from node.web.proofs import Prover
    from node.web.server import WebServer

log = structlog.get_logger("gateway")

SERVICES = (
    trading_service_pb2.DESCRIPTOR.services_by_name["TradingService"].full_name,
    market_data_service_pb2.DESCRIPTOR.services_by_name["MarketDataService"].full_name,
    account_service_pb2.DESCRIPTOR.services_by_name["AccountService"].full_name,
    chain_service_pb2.DESCRIPTOR.services_by_name["ChainService"].full_name,
    risk_service_pb2.DESCRIPTOR.services_by_name["RiskService"].full_name,
    oracle_service_pb2.DESCRIPTOR.services_by_name["OracleService"].full_name,
)

CONCURRENT_CALLS_MAX = 8192
STOP_SECONDS = 2.0
OPTIONS = (
    ("grpc.max_receive_message_length", 1024 * 1024 + 64 * 1024),  # a full batch and its framing
    ("grpc.max_send_message_length", 64 * 1024 * 1024),  # a full block with all its events
    ("grpc.max_metadata_size", 8192),
    # On one connection; above it a client's further calls wait. Waiting for a block holds a call open, hence so many.
    ("grpc.max_concurrent_streams", 2048),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
    ("grpc.http2.max_ping_strikes", 2),
    ("grpc.max_connection_idle_ms", 300_000),
    ("grpc.so_reuseport", 0),  # a second gateway on the same port is a mistake, not a load balancer
)


@dataclass(slots=True)
class Limits:
    """What may be tuned; the defaults suit one validator's gateway."""

    blocks_max: int = BLOCKS_MAX
    streams_max: int = STREAMS_MAX
    write_seconds: float = WRITE_SECONDS
    heartbeat_seconds: float = HEARTBEAT_SECONDS
    clients: ClientLimits = field(default_factory=ClientLimits)


class Gateway:
    """One gateway. `start()` listens at once; health says SERVING when the engine's blocks arrive."""

    def __init__(self, socket_path: str | os.PathLike[str], listen: str, limits: Limits | None = None,
                 add_service: Callable[[grpc.aio.Server], object] = lambda server: None, web_listen: str = "",
                 prover: Prover | None = None) -> None:
        """`listen` is host:port; port 0 takes a free one, see `address` after `start`. `add_service` may add a service
        of its own to the server. `web_listen` serves the web page; empty: no page, and nothing of it is loaded.
        `prover` is where the page's proofs come from."""
        limits = limits or Limits()
        self.address, self.web_address = listen, web_listen
        self._add_service, self._prover = add_service, prover
        self.model = ReadModel(limits.blocks_max)
        self.engine = Engine(socket_path, self.model, self._on_live)
        self._submissions = Submissions(self.engine, self.model)
        self._streams = Streams(self.model, Clients(limits.clients), streams_max=limits.streams_max,
                                write_seconds=limits.write_seconds, heartbeat_seconds=limits.heartbeat_seconds)
        self.metrics = GatewayMetrics(self.model, self.engine, self._streams)
        self.services = Services.of(self.model, self.engine, self._submissions, self._streams)
        self._health = health.aio.HealthServicer()
        self._server: grpc.aio.Server | None = None
        self.web: WebServer | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Listen and begin to follow the engine. Raises OSError when the address cannot be bound."""
        server = grpc.aio.server(options=OPTIONS, maximum_concurrent_rpcs=CONCURRENT_CALLS_MAX)
        services = self.services
        trading_service_pb2_grpc.add_TradingServiceServicer_to_server(services.trading, server)
        market_data_service_pb2_grpc.add_MarketDataServiceServicer_to_server(services.market_data, server)
        account_service_pb2_grpc.add_AccountServiceServicer_to_server(services.account, server)
        chain_service_pb2_grpc.add_ChainServiceServicer_to_server(services.chain, server)
        oracle_service_pb2_grpc.add_OracleServiceServicer_to_server(services.oracle, server)
        risk_service_pb2_grpc.add_RiskServiceServicer_to_server(services.risk, server)
        self._add_service(server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        reflection.enable_server_reflection((*SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
        host, _, port = self.address.rpartition(":")
        try:
            bound = server.add_insecure_port(self.address)
        except RuntimeError as error:  # grpc's way of saying it
            await server.stop(None)
            raise OSError(f"cannot listen on {self.address}: is another gateway running there? "
                          "Choose another port with --listen") from error
        self.address = f"{host}:{bound}" if port == "0" else self.address
        await self._set_health(False)
        if self.web_address:
            try:
                await self._start_web()
            except OSError:
                await server.stop(None)
                raise
        await server.start()
        self._server = server
        self._tasks = [asyncio.create_task(self.engine.run(), name="engine"),
                       asyncio.create_task(self._submissions.run(), name="submissions"),
                       asyncio.create_task(self._streams.run(), name="streams")]
        log.info("gateway listens", address=self.address)

    async def wait(self) -> None:
        """Returns when the gateway stopped, raises what broke it."""
        await asyncio.gather(*self._tasks)

    async def stop(self) -> None:
        """Stop serving; open calls get a moment to end. May be called twice."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._streams.stop()
        self._submissions.stop()
        self.services.risk.stop()
        if self.web is not None:
            await self.web.stop()
        if self._server is not None:
            await self._server.stop(STOP_SECONDS)

    async def _start_web(self) -> None:
        from node.web.server import WebServer  # here, because most gateways do without

        self.web = WebServer(self.services, self.web_address, self._prover)
        await self.web.start()
        self.web_address = self.web.address
        log.info("web page", address=self.web_address)

    def _on_live(self, live: bool) -> None:
        # The set keeps no task: a lost update would be corrected by the next one, and the loop holds running tasks.
        asyncio.ensure_future(self._set_health(live))  # noqa: RUF006

    async def _set_health(self, live: bool) -> None:
        status = health_pb2.HealthCheckResponse.SERVING if live else health_pb2.HealthCheckResponse.NOT_SERVING
        for service in ("", *SERVICES):
            await self._health.set(service, status)
