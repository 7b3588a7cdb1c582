"""A proxy before a node's RPC that lies: it passes everything on and lets a test alter the results on the way back."""

import contextlib
import json
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import httpx

Alter = Callable[[str, Any], None]
"""(method, result) -> None; changes the result in place."""


class TamperingProxy:
    """Serves `address` until `close`. Set `alter` to lie, None to be honest."""

    def __init__(self, upstream: str) -> None:
        self.alter: Alter | None = None
        parts = urlsplit(upstream)
        self.upstream = (parts.hostname or "", parts.port or 0)
        self._upstream = httpx.Client(base_url=upstream, timeout=60)
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                method = urlsplit(self.path).path.strip("/")
                if method == "websocket":  # the stock client opens one; what it hears there it does not believe
                    self._splice()
                else:
                    self._answer(method, None)

            def _splice(self) -> None:
                head = f"{self.requestline}\r\n{self.headers}".encode()
                with socket.create_connection(proxy.upstream) as upstream:
                    upstream.sendall(head)
                    down = threading.Thread(target=pour, args=(upstream, self.connection), daemon=True)
                    down.start()
                    pour(self.connection, upstream)
                    down.join()
                self.close_connection = True

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self._answer(json.loads(body)["method"], body)

            def _answer(self, method: str, body: bytes | None) -> None:
                raw = proxy.fetch(self.path, method, body)
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_: object) -> None:
                """Requests are not worth a line."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def fetch(self, path: str, method: str, body: bytes | None) -> bytes:
        """The node's answer, altered."""
        if body is None:
            answer = self._upstream.get(path)
        else:
            answer = self._upstream.post(path, content=body, headers={"Content-Type": "application/json"})
        document = answer.json()
        if self.alter is not None and "result" in document:
            self.alter(method, document["result"])
        return json.dumps(document).encode()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._upstream.close()


def pour(source: socket.socket, sink: socket.socket) -> None:
    """Pass bytes on until one side ends."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
