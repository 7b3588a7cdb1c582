"""One reader of the feed: its requests, its submissions in order, its subscriptions."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Coroutine
from typing import TYPE_CHECKING, Any

import structlog
from google.protobuf.message import DecodeError

from node.feed.framing import FrameError, encode_frame, read_frame
from novation.v1 import feed_pb2

if TYPE_CHECKING:
    from app.chain import Head
    from node.feed.server import FeedServer, Records

log = structlog.get_logger("feed")

REQUEST_BYTES_MAX = 24 * 1024 * 1024  # 256 envelopes of 65,536 bytes and some
REQUESTS_WAITING_MAX = 256  # of one connection; then the feed stops reading from it
ENVELOPES_MAX = 4096  # after which no further request joins a call of the pool
KEYS_MAX = 1_000
READ_ATTEMPTS = 5
SUBSCRIPTIONS_MAX = 16
SNAPSHOT_BYTES = 512 * 1024  # of records in one snapshot message
WRITE_TIMEOUT_SECONDS = 30  # a reader that takes nothing for so long is gone


class Connection:
    """Submissions keep their order: they are admitted one call of the pool after the other, several in one call."""

    def __init__(self, server: FeedServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._server = server
        self._reader = reader
        self._writer = writer
        self._submissions: asyncio.Queue[tuple[int, list[bytes]]] = asyncio.Queue(REQUESTS_WAITING_MAX)
        self._tasks: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        """Serve until the peer leaves. Raises FrameError when it sends what is not a request."""
        self._start(self._admit())
        try:
            while (frame := await read_frame(self._reader, REQUEST_BYTES_MAX)) is not None:
                request = feed_pb2.LinkRequest()
                try:
                    request.ParseFromString(frame)
                except DecodeError as error:
                    raise FrameError("a frame that is not a request") from error
                await self._handle(request)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        if len(self._tasks) > SUBSCRIPTIONS_MAX:
            work.close()
            raise FrameError(f"more than {SUBSCRIPTIONS_MAX} subscriptions on one connection")
        self._tasks.append(asyncio.create_task(self._guard(work)))

    async def _guard(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a part of the connection; when it fails the whole connection ends, and nothing else does."""
        try:
            await work
        except ConnectionError:
            pass  # the peer left; reading ends too
        except Exception as error:  # noqa: BLE001 - edge of a connection: the engine must outlive any reader
            log.error("link failed", reason=repr(error))
            self._writer.transport.abort()

    async def _handle(self, request: feed_pb2.LinkRequest) -> None:
        kind = request.WhichOneof("kind")
        if kind == "submit":
            await self._submissions.put((request.id, list(request.submit.envelopes)))
        elif kind == "records":
            await self._send(await self._server.on_worker(self._records, request))
        elif kind == "status":
            await self._send(self._status(request.id))
        elif kind == "subscribe":
            self._start(self._follow(request.id, request.subscribe))
        else:
            await self._send(feed_pb2.LinkReply(id=request.id, error="unknown request"))

    async def _send(self, reply: feed_pb2.LinkReply) -> None:
        self._writer.write(encode_frame(reply.SerializeToString()))
        await self._drain()

    async def _drain(self) -> None:
        """Wait until the reader has taken most of what was written."""
        try:
            async with asyncio.timeout(WRITE_TIMEOUT_SECONDS):
                await self._writer.drain()
        except TimeoutError as error:
            log.warning("link closed", reason=f"the reader took nothing for {WRITE_TIMEOUT_SECONDS} s")
            self._writer.transport.abort()
            raise ConnectionAbortedError("the reader does not read") from error

    def _records(self, request: feed_pb2.LinkRequest) -> feed_pb2.LinkReply:
        reply = feed_pb2.LinkReply(id=request.id)
        if len(request.records.keys) > KEYS_MAX:
            reply.error = f"at most {KEYS_MAX} keys a request"
            return reply
        wanted = [(key.domain, key.key) for key in request.records.keys]
        try:
            head, values = _read_together(self._server.records, wanted)
        except LookupError as error:
            reply.error = f"no domain named {error}" if isinstance(error, KeyError) else str(error)
            return reply
        reply.records.height, reply.records.time_ns = head.height, head.time_ns
        for (domain, key), value in zip(wanted, values, strict=True):
            reply.records.records.add(domain=domain, key=key, value=value or b"", deleted=value is None)
        return reply

    def _status(self, request_id: int) -> feed_pb2.LinkReply:
        head = self._server.records.head
        pool = self._server.pool
        return feed_pb2.LinkReply(id=request_id, status=feed_pb2.StatusReply(
            height=head.height, time_ns=head.time_ns, app_hash=head.app_hash, chain_id=head.chain_id,
            mempool_envelopes=pool.count, mempool_bytes=pool.size_bytes))

    async def _admit(self) -> None:
        """Admit what is submitted; requests that wait meanwhile share the next call."""
        while True:
            waiting = [await self._submissions.get()]
            count = len(waiting[0][1])
            while not self._submissions.empty() and count < ENVELOPES_MAX:
                waiting.append(self._submissions.get_nowait())
                count += len(waiting[-1][1])
            envelopes = [raw for _, group in waiting for raw in group]
            verdicts = await self._server.on_worker(self._server.pool.submit, envelopes) if envelopes else []
            height = self._server.records.head.height
            start = 0
            for request_id, group in waiting:
                reply = feed_pb2.LinkReply(id=request_id)
                reply.submit.height = height
                reply.submit.verdicts.extend(verdicts[start:start + len(group)])
                reply.submit.hashes.extend(hashlib.sha256(raw).digest() for raw in group)
                start += len(group)
                self._writer.write(encode_frame(reply.SerializeToString()))
            await self._drain()

    async def _follow(self, request_id: int, request: feed_pb2.SubscribeRequest) -> None:
        """A subscription: a snapshot if needed, then every block; at the end, for a reader too slow, an error."""
        ring, sent = self._server.ring, request.after_height
        if not self._can_resume(sent):
            try:
                sent = await self._send_snapshot(request_id, request)
            except KeyError as error:
                await self._send(feed_pb2.LinkReply(id=request_id, error=f"no domain named {error}"))
                return
        while True:
            if ring.newest <= sent:
                await self._server.next_block()
                continue
            encoded = ring.get(sent + 1)
            if encoded is None:
                log.warning("subscriber dropped", reason="reads too slowly", height=sent)
                await self._send(feed_pb2.LinkReply(id=request_id, error=f"too slow: last height sent {sent}"))
                return
            sent += 1
            self._writer.write(encode_frame(_block_reply(request_id, encoded)))
            await self._drain()

    def _can_resume(self, after_height: int) -> bool:
        """Whether every block after `after_height` is, or will be, in the ring."""
        ring, head = self._server.ring, self._server.records.head.height
        if after_height == 0 or after_height > head:
            return False
        return after_height == head or bool(ring.oldest and ring.oldest <= after_height + 1 <= ring.newest + 1)

    async def _send_snapshot(self, request_id: int, request: feed_pb2.SubscribeRequest) -> int:
        """Send all records of the domains at one height, which is returned. Waits for the first block."""
        while not self._server.records.head.height:
            await self._server.next_block()
        head, records = await self._server.on_worker(self._server.records.snapshot, list(request.snapshot_domains))
        async for message in self._history(head, request.history_blocks):
            await self._send(feed_pb2.LinkReply(id=request_id, snapshot=message))
        message, weight = _snapshot_message(head), 0
        for domain, key, value in records:
            message.records.add(domain=domain, key=key, value=value)
            weight += len(key) + len(value) + 16
            if weight >= SNAPSHOT_BYTES:
                await self._send(feed_pb2.LinkReply(id=request_id, snapshot=message))
                await asyncio.sleep(0)  # draining returns at once when the reader keeps up; others want the loop too
                message, weight = _snapshot_message(head), 0
        message.last = True
        await self._send(feed_pb2.LinkReply(id=request_id, snapshot=message))
        return int(head.height)


    async def _history(self, head: Head, count: int) -> AsyncIterator[feed_pb2.Snapshot]:
        """The last `count` blocks up to the head, as far as they are held, one a message."""
        ring = self._server.ring
        if not count or not ring.oldest:
            return
        while ring.newest < head.height:  # committed, but not published yet
            await self._server.next_block()
        for height in range(max(ring.oldest, head.height - count + 1), head.height + 1):
            if (encoded := ring.get(height)) is not None:
                message = _snapshot_message(head)
                message.history.add().ParseFromString(encoded)
                yield message


def _read_together(records: Records, wanted: list[tuple[str, bytes]]) -> tuple[Head, list[bytes | None]]:
    """All records at one height; read again if a block comes in between. Raises LookupError if one always does."""
    for _ in range(READ_ATTEMPTS):
        found = [records.read_at_head(domain, key) for domain, key in wanted]
        if not found:
            return records.head, []
        head = found[0][0]
        if all(other.height == head.height for other, _ in found):
            return head, [value for _, value in found]
    raise LookupError("blocks come too fast to read so many records at one height: ask for fewer")


def _snapshot_message(head: Any) -> feed_pb2.Snapshot:
    return feed_pb2.Snapshot(height=head.height, time_ns=head.time_ns, app_hash=head.app_hash)


def _block_reply(request_id: int, encoded: bytes) -> bytes:
    """A LinkReply around a block that is already encoded: the block is not parsed and copied for every reader."""
    reply = feed_pb2.LinkReply(id=request_id).SerializeToString()
    size, length = len(encoded), bytearray(b"\x2a")  # field 5 `block`, length-delimited
    while size >= 0x80:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    length.append(size)
    return reply + bytes(length) + encoded
