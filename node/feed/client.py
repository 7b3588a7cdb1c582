"""The reader's side of the link, for the gateway, the price feeder and tools on the same machine.

    async with await LinkClient.connect(path) as link:
        print((await link.status()).height)
        async for message in link.subscribe(0, ["markets", "orders"]):
            ...   # Snapshot messages first, then CommittedBlock

A client that subscribes should submit over a second client: blocks that wait to be read hold up the replies
behind them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Iterable
from types import TracebackType

from google.protobuf.message import DecodeError

from node.feed.framing import FrameError, encode_frame, read_frame
from novation.v1 import feed_pb2

BLOCKS_WAITING_MAX = 8  # read but not yet taken by the subscriber; beyond it the socket is not read


class LinkError(Exception):
    """The engine refused a request, or dropped a subscription; the text says why."""


class LinkClosedError(ConnectionError):
    """The engine cannot be reached, or left. Connecting anew may help."""


class LinkClient:
    """One connection to the engine. Requests may be in flight together; replies find their request by its id."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._next_id = 1
        self._waiting: dict[int, asyncio.Future[feed_pb2.LinkReply]] = {}
        self._subscriptions: dict[int, asyncio.Queue[feed_pb2.LinkReply | None]] = {}
        self._closed_reason = ""
        self._reading = asyncio.create_task(self._read(), name="link-read")

    @classmethod
    async def connect(cls, path: str | os.PathLike[str]) -> LinkClient:
        """Connect to the engine's socket. Raises LinkClosedError when nobody listens there."""
        try:
            reader, writer = await asyncio.open_unix_connection(os.fspath(path), limit=1024 * 1024)
        except OSError as error:
            raise LinkClosedError(f"no engine listens at {os.fspath(path)} ({error.strerror or error}): "
                                  "start it with `novation start`") from error
        return cls(reader, writer)

    async def __aenter__(self) -> LinkClient:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        trace: TracebackType | None) -> None:
        await self.close()

    async def close(self) -> None:
        """Leave; whatever still waits gets LinkClosedError."""
        self._reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reading
        self._end("closed")
        self._writer.close()

    async def submit(self, envelopes: Iterable[bytes]) -> feed_pb2.SubmitReply:
        """Offer signed envelopes to the pool: a verdict and a hash for each, in order."""
        request = feed_pb2.LinkRequest()
        request.submit.envelopes.extend(envelopes)
        return (await self._ask(request)).submit

    async def records(self, keys: Iterable[tuple[str, bytes]]) -> feed_pb2.RecordsReply:
        """Committed records by (domain, key). Raises LinkError for an unknown domain."""
        request = feed_pb2.LinkRequest()
        request.records.SetInParent()
        for domain, key in keys:
            request.records.keys.add(domain=domain, key=key)
        return (await self._ask(request)).records

    async def status(self) -> feed_pb2.StatusReply:
        """Where the engine stands."""
        request = feed_pb2.LinkRequest()
        request.status.SetInParent()
        return (await self._ask(request)).status

    async def subscribe(self, after_height: int, domains: Iterable[str] = (), history_blocks: int = 0,
                        ) -> AsyncIterator[feed_pb2.Snapshot | feed_pb2.CommittedBlock]:
        """Blocks after `after_height` without a hole, behind a snapshot of `domains` when that height is 0 or too old.

        A snapshot carries up to `history_blocks` of the blocks up to its height, if the engine still holds them.
        Raises LinkError when the engine drops a subscriber that reads too slowly, LinkClosedError when it leaves.
        """
        request = feed_pb2.LinkRequest(id=self._take_id())
        request.subscribe.after_height = after_height
        request.subscribe.snapshot_domains.extend(domains)
        request.subscribe.history_blocks = history_blocks
        queue: asyncio.Queue[feed_pb2.LinkReply | None] = asyncio.Queue(BLOCKS_WAITING_MAX)
        self._subscriptions[request.id] = queue
        try:
            await self._write(request)
            while True:
                if queue.empty() and self._closed_reason:
                    raise LinkClosedError(f"the link is down: {self._closed_reason}")
                reply = await queue.get()
                if reply is None:
                    continue
                if reply.error:
                    raise LinkError(reply.error)
                yield reply.block if reply.WhichOneof("kind") == "block" else reply.snapshot
        finally:
            self._subscriptions.pop(request.id, None)
            while not queue.empty():  # the reading task may be waiting to put one more
                queue.get_nowait()

    def _take_id(self) -> int:
        self._next_id += 1
        return self._next_id - 1

    async def _ask(self, request: feed_pb2.LinkRequest) -> feed_pb2.LinkReply:
        request.id = self._take_id()
        answer: asyncio.Future[feed_pb2.LinkReply] = asyncio.get_running_loop().create_future()
        self._waiting[request.id] = answer
        try:
            await self._write(request)
            reply = await answer
        finally:
            self._waiting.pop(request.id, None)
        if reply.error:
            raise LinkError(reply.error)
        return reply

    async def _write(self, request: feed_pb2.LinkRequest) -> None:
        if self._closed_reason:
            raise LinkClosedError(f"the link is down: {self._closed_reason}")
        try:
            self._writer.write(encode_frame(request.SerializeToString()))
            await self._writer.drain()
        except OSError as error:
            raise LinkClosedError(f"the link is down: {error}") from error

    async def _read(self) -> None:
        reason = "the engine closed the connection"
        try:
            while (frame := await read_frame(self._reader)) is not None:
                reply = feed_pb2.LinkReply()
                reply.ParseFromString(frame)
                if (answer := self._waiting.get(reply.id)) is not None:
                    if not answer.done():
                        answer.set_result(reply)
                elif (queue := self._subscriptions.get(reply.id)) is not None:
                    await queue.put(reply)
        except (OSError, FrameError, DecodeError) as error:
            reason = str(error) or type(error).__name__
        self._end(reason)

    def _end(self, reason: str) -> None:
        self._closed_reason = self._closed_reason or reason
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(LinkClosedError(f"the link is down: {reason}"))
        for queue in self._subscriptions.values():
            with contextlib.suppress(asyncio.QueueFull):  # a full queue has something to wake its reader with
                queue.put_nowait(None)
