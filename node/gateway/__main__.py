"""`python -m node.gateway --home H --listen 127.0.0.1:PORT`: the gateway of one node, until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from typing import TYPE_CHECKING

import structlog

from node.comet.config import rpc_address
from node.gateway.clients import ClientLimits
from node.gateway.server import Gateway, Limits
from node.home import Home, default_home
from node.interpreter import tune_collector
from node.logs import configure_logs
from node.settings import LOG_FORMATS
from node.telemetry.server import MetricsServer

if TYPE_CHECKING:
    from node.web.proofs import CometProver

log = structlog.get_logger("gateway")


async def serve(home: Home, listen: str, metrics_listen: str, web_listen: str, clients: ClientLimits) -> None:
    """Run until SIGTERM or SIGINT."""
    gateway = Gateway(home.link_socket, listen, Limits(clients=clients), web_listen=web_listen,
                      prover=prover_of(home) if web_listen else None)
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    await gateway.start()
    metrics = MetricsServer(metrics_listen, gateway.metrics.registry)
    waiting = [asyncio.create_task(gateway.wait()), asyncio.create_task(stopped.wait())]
    done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    await gateway.stop()
    metrics.close()
    for task in waiting:
        task.cancel()
    for task in done:
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error


def prover_of(home: Home) -> CometProver | None:
    """Proofs come from the CometBFT of the same home; None where there is none."""
    from node.web.proofs import CometProver  # here, because most gateways do without

    try:
        return CometProver(rpc_address(home))
    except (OSError, ValueError) as error:
        log.warning("no proofs on the page", reason=str(error))
        return None


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m node.gateway", description=__doc__)
    parser.add_argument("--home", default=str(default_home()), help="home folder of the node")
    parser.add_argument("--listen", default="127.0.0.1:26602", help="host:port of the gRPC server")
    parser.add_argument("--metrics", default="", help="127.0.0.1:PORT where Prometheus fetches figures; empty: none")
    parser.add_argument("--web-listen", default="", help="host:port of the web page; empty: none")
    parser.add_argument("--address-streams", type=int, default=ClientLimits.address_streams,
                        help="streams that clients of one address may have; behind a proxy all have its address")
    parser.add_argument("--address-envelopes", type=int, default=ClientLimits.address_envelopes,
                        help="envelopes a second that clients of one address may send")
    parser.add_argument("--log-format", default="console", choices=LOG_FORMATS)
    arguments = parser.parse_args()
    configure_logs("info", arguments.log_format, "gateway")
    clients = ClientLimits(address_streams=arguments.address_streams, address_envelopes=arguments.address_envelopes)
    tune_collector()
    try:
        asyncio.run(serve(Home.at(arguments.home), arguments.listen, arguments.metrics, arguments.web_listen,
                          clients))
    except OSError as error:
        log.error("gateway cannot start", reason=str(error))
        sys.exit(1)


if __name__ == "__main__":
    main()
