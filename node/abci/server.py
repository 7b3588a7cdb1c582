"""The socket server: one thread a connection, pipelined reads, one write for each burst of requests.

The protocol has no authentication: whoever connects can commit a block. So a Unix socket is made for its owner
alone, and a TCP address must be a loopback one.
"""

import contextlib
import ipaddress
import os
import socket
import stat
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from node.abci.dispatch import BadRequest, Dispatcher
from node.abci.framing import MAX_FRAME_BYTES, FrameReader, encode_length
from node.home import SOCKET_PATH_BYTES_MAX

log = structlog.get_logger("abci")

READ_BYTES = 256 * 1024
WRITE_BYTES = 1024 * 1024
"""Replies of one burst are written early once they are this large, so that a peer cannot make us hold much more."""
WRITE_AFTER_SECONDS = 0.002
"""And once the burst has taken this long, so that a quick answer does not wait behind many slow ones."""
MAX_CONNECTIONS = 32


class AddressError(Exception):
    """The server cannot listen where it was told to."""


@dataclass(frozen=True, slots=True)
class Listener:
    """A listening socket; `path` is its file, empty for TCP."""

    socket: socket.socket
    path: str = ""

    def close(self) -> None:
        """Stop listening, wake whoever waits in accept, remove the file."""
        _shut(self.socket, socket.SHUT_RDWR)
        self.socket.close()
        if self.path:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path)


def listen(address: str) -> Listener:
    """A listener on `unix://PATH` or `tcp://LOOPBACK:PORT` (port 0: any free one).

    A socket file that a dead process left behind is replaced. Raises AddressError for anything else.
    """
    if address.startswith("unix://"):
        return _listen_unix(address.removeprefix("unix://"))
    if address.startswith("tcp://"):
        return _listen_tcp(address.removeprefix("tcp://"))
    raise AddressError(f"{address!r} is neither unix://PATH nor tcp://127.0.0.1:PORT")


def _listen_unix(path: str) -> Listener:
    if len(os.fsencode(path)) > SOCKET_PATH_BYTES_MAX:
        raise AddressError(f"the socket path {path} is too long for the system (100 bytes): choose a shorter --home")
    if os.path.exists(path):
        _remove_stale(path)
    unfinished = f"{path}~"  # the final name appears when the socket is private and answers
    with contextlib.suppress(FileNotFoundError):
        os.unlink(unfinished)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(unfinished)
    os.chmod(unfinished, 0o600)
    listener.listen(MAX_CONNECTIONS)
    os.rename(unfinished, path)
    return Listener(listener, path)


def _remove_stale(path: str) -> None:
    if not stat.S_ISSOCK(os.stat(path).st_mode):
        raise AddressError(f"{path} is in the way and is not a socket: move it, then start again")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
            return
    raise AddressError(f"another process answers on {path}: stop it first (`novation status` shows what runs)")


def _listen_tcp(place: str) -> Listener:
    host, _, port = place.rpartition(":")
    try:
        loopback = ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        loopback = host == "localhost"
    if not loopback or not port.isdecimal():
        raise AddressError(f"tcp://{place}: ABCI has no authentication, so only 127.0.0.1:PORT or [::1]:PORT will do")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return Listener(socket.create_server((host, int(port)), family=family, backlog=MAX_CONNECTIONS))


class AbciServer:
    """Serves one or more listening sockets until `stop`."""

    def __init__(self, dispatcher: Dispatcher, limit_bytes: int = MAX_FRAME_BYTES) -> None:
        self._dispatcher = dispatcher
        self._limit_bytes = limit_bytes
        self._listeners: list[Listener] = []
        self._connections: dict[socket.socket, threading.Thread] = {}
        self._acceptors: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._stopping = threading.Event()

    def serve(self, listener: Listener) -> None:
        """Accept connections on `listener`, in the background; `stop` closes it."""
        self._listeners.append(listener)
        thread = threading.Thread(target=self._accept, args=(listener.socket,), name="abci-accept", daemon=True)
        self._acceptors.append(thread)
        thread.start()

    def stop(self, timeout_seconds: float = 30.0) -> bool:
        """Take no more requests, answer those already read, close everything.

        False when a handler was still running after `timeout_seconds`.
        """
        self._stopping.set()
        for listener in self._listeners:
            listener.close()
        for acceptor in self._acceptors:
            acceptor.join(timeout_seconds)
        with self._lock:
            open_now = dict(self._connections)
        for connection in open_now:
            _shut(connection, socket.SHUT_RD)  # wakes a thread that waits in recv; a running burst is still answered
        deadline = time.monotonic() + timeout_seconds
        for thread in open_now.values():
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in open_now.values())

    @property
    def connection_count(self) -> int:
        """Connections open now."""
        with self._lock:
            return len(self._connections)

    def _accept(self, listener: socket.socket) -> None:
        while not self._stopping.is_set():
            try:
                connection, _ = listener.accept()
            except OSError as error:
                if self._stopping.is_set():
                    return
                log.warning("accept failed", error=repr(error))
                time.sleep(0.05)  # out of file descriptors, say: do not spin
                continue
            self._admit(connection)

    def _admit(self, connection: socket.socket) -> None:
        with self._lock:
            if self._stopping.is_set() or len(self._connections) >= MAX_CONNECTIONS:
                log.warning("connection refused", open=len(self._connections), most=MAX_CONNECTIONS)
                connection.close()
                return
            thread = threading.Thread(target=self._serve_connection, args=(connection,), name="abci", daemon=True)
            self._connections[connection] = thread
        thread.start()

    def _serve_connection(self, connection: socket.socket) -> None:
        reason = "closed by the peer"
        try:
            reason = _converse(connection, self._dispatcher.answer, FrameReader(self._limit_bytes)) or reason
        except OSError as error:
            reason = repr(error)
        except BadRequest as error:
            reason = str(error)
        finally:
            with self._lock:
                self._connections.pop(connection, None)
            connection.close()
            level = log.info if reason == "closed by the peer" else log.warning
            level("connection closed", reason="the server stops" if self._stopping.is_set() else reason)


def _converse(connection: socket.socket, answer: Callable[[bytes], bytes], reader: FrameReader) -> str:
    """Read, answer, write until the stream ends; the reason when it ended because it was malformed."""
    while data := connection.recv(READ_BYTES):
        _answer_burst(connection, answer, reader.feed(data))
        if reader.failure:
            return reader.failure
    return f"the stream ended inside a frame, after {reader.waiting_bytes} bytes of it" if reader.waiting_bytes else ""


def _answer_burst(connection: socket.socket, answer: Callable[[bytes], bytes], frames: list[bytes]) -> None:
    parts: list[bytes] = []
    size = 0
    started = time.monotonic()
    try:
        for frame in frames:
            reply = answer(frame)
            parts.append(encode_length(len(reply)))
            parts.append(reply)
            size += len(reply)
            if size > WRITE_BYTES or time.monotonic() - started > WRITE_AFTER_SECONDS:
                connection.sendall(b"".join(parts))
                parts.clear()
                size = 0
                started = time.monotonic()
    finally:  # what was answered before a bad request is still owed
        if parts:
            connection.sendall(b"".join(parts))


def _shut(connection: socket.socket, how: int) -> None:
    with contextlib.suppress(OSError):  # it was closed already
        connection.shutdown(how)
