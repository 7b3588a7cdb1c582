"""Where Prometheus fetches the figures: plain HTTP on a loopback address, for this machine alone."""

import ipaddress
from wsgiref.simple_server import WSGIServer

import structlog
from prometheus_client import CollectorRegistry, start_http_server

log = structlog.get_logger("telemetry")


class MetricsServer:
    """Serves one registry from a thread of its own until `close`. `address` is host:port, empty when it serves nothing.
    """

    def __init__(self, listen: str, registry: CollectorRegistry) -> None:
        """`listen` is HOST:PORT of the loopback (port 0: a free one), or empty for none. Figures are no reason to stop
        a node: an address that cannot be had is logged, and that is all.
        """
        self._server: WSGIServer | None = None
        self.address = ""
        if not listen:
            return
        host, _, port = listen.rpartition(":")
        try:
            if not ipaddress.ip_address(host.strip("[]")).is_loopback:
                raise ValueError("only 127.0.0.1:PORT or [::1]:PORT: put a proxy with access control in front")
            self._server, self._thread = start_http_server(int(port), host.strip("[]"), registry)
        except (OSError, ValueError) as error:
            log.warning("no metrics", listen=listen, reason=str(error))
            return
        self.address = f"{host}:{self._server.server_port}"
        log.info("metrics", address=self.address)

    def close(self) -> None:
        """Stop serving. May be called twice."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
            self._server = None
