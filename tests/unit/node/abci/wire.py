"""A client of the ABCI socket and handlers that answer plainly: what the server's tests talk with."""

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from google.protobuf.message import Message
from tendermint.abci import types_pb2 as abci

from node.abci.dispatch import Handlers
from node.abci.framing import FrameReader, encode_frame

METHODS = [field.name for field in abci.Request.DESCRIPTOR.oneofs_by_name["value"].fields]


def request(method: str, **fields: Any) -> abci.Request:
    """The request of `method`, such as `check_tx`."""
    message = getattr(abci.Request(), method)
    return abci.Request(**{method: type(message)(**fields)})


def response_type(method: str) -> type[Message]:
    """The class of the response message of `method`."""
    return type(getattr(abci.Response(), method))


def plain_handlers(**replaced: Callable[[Any], Message]) -> Handlers:
    """Handlers that answer an empty response, but for the ones given by name."""
    functions: dict[str, Callable[[Any], Message]] = {name: _empty(name) for name in Handlers.__slots__}
    return Handlers(**{**functions, **replaced})


def _empty(method: str) -> Callable[[Any], Message]:
    kind = response_type(method)
    return lambda _: kind()


class Client:
    """One connection. `send` writes, `receive` reads so many responses; replies come in the order of requests."""

    def __init__(self, address: str | Path | tuple[str, int], timeout_seconds: float = 60.0) -> None:
        if isinstance(address, tuple):
            self.socket = socket.create_connection(address, timeout_seconds)
        else:
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.socket.settimeout(timeout_seconds)
            self.socket.connect(str(address))
        self._reader = FrameReader()
        self._frames: list[bytes] = []

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, *requests: abci.Request) -> None:
        self.socket.sendall(b"".join(encode_frame(one.SerializeToString()) for one in requests))

    def receive(self, count: int) -> list[abci.Response]:
        while len(self._frames) < count:
            data = self.socket.recv(1 << 18)
            if not data:
                raise ConnectionError(f"closed after {len(self._frames)} of {count} responses")
            self._frames += self._reader.feed(data)
        taken, self._frames = self._frames[:count], self._frames[count:]
        return [abci.Response.FromString(frame) for frame in taken]

    def call(self, method: str, **fields: Any) -> Any:
        """Send one request and a flush, as CometBFT does; the response message of `method`."""
        self.send(request(method, **fields), request("flush"))
        response, flushed = self.receive(2)
        if response.WhichOneof("value") != method or flushed.WhichOneof("value") != "flush":
            raise AssertionError(f"{method} was answered by {response} and {flushed}")
        return getattr(response, method)

    def is_closed(self) -> bool:
        """Whether the server has closed this connection (waits for it, up to the timeout)."""
        try:
            while self.socket.recv(65_536):
                pass
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False
        return True
