"""The engine's side of the link: serves submissions, records, status and the block feed from a thread of its own.

The consensus thread only ever calls `publish`, which hands the block over and returns. All reading, encoding and
writing happens on the feed's event loop; admission of envelopes, which checks signatures, happens on a worker thread.

A subscriber has no queue of its own: it is a position in the ring of recent blocks. One that reads too slowly falls
out of the ring's tail and is dropped with the height it had reached, so no reader can make the engine hold more than
the ring.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol

import structlog

from node.feed.connection import Connection
from node.feed.framing import FrameError
from node.feed.ring import BLOCKS_MAX, BYTES_MAX, BlockRing
from novation.v1 import tx_pb2

if TYPE_CHECKING:
    from app.block import BlockResult
    from app.chain import Head

log = structlog.get_logger("feed")

CONNECTIONS_MAX = 64
WRITE_BUFFER_BYTES = 1024 * 1024  # beyond this much unread output a writer waits


class Records(Protocol):
    """What the feed reads of the chain: committed state, from any thread. `node.committed.Committed` is one."""

    @property
    def head(self) -> Head:
        """The last committed block; its height is 0 before the first."""

    def read_at_head(self, table: str, key: bytes) -> tuple[Head, bytes | None]:
        """A record and the head it belongs to. Raises KeyError for an unknown table."""

    def snapshot(self, tables: list[str]) -> tuple[Head, Iterable[tuple[str, bytes, bytes]]]:
        """The head and all records of the tables at that head, however long the reading takes."""


class Pool(Protocol):
    """What the feed asks of the mempool, which is safe from any thread."""

    def submit(self, envelopes: list[bytes]) -> list[tx_pb2.EnvelopeResult]:
        """Admit envelopes; one verdict each, in order. Never raises for what an envelope holds."""

    @property
    def count(self) -> int:
        """How many envelopes wait."""

    @property
    def size_bytes(self) -> int:
        """How many bytes of envelopes wait."""


class FeedServer:
    """Serves one Unix socket. `start()` returns when the socket listens; `close()` when everything has ended."""

    def __init__(self, socket_path: str | os.PathLike[str], records: Records, pool: Pool, *,
                 blocks_max: int = BLOCKS_MAX, bytes_max: int = BYTES_MAX,
                 history: Iterable[tuple[int, bytes]] = ()) -> None:
        """`history` are encoded blocks up to the head, ascending, that readers may still ask for."""
        self._path = os.fspath(socket_path)
        self._records = records
        self._pool = pool
        self._ring = BlockRing(blocks_max, bytes_max)
        for height, encoded in history:
            self._ring.add_encoded(height, encoded)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)
        self._workers = ThreadPoolExecutor(max_workers=4, thread_name_prefix="feed-submit")
        self._started = threading.Event()
        self._start_error: OSError | None = None
        self._stop: asyncio.Event | None = None
        self._arrived: asyncio.Event | None = None  # set and replaced whenever a block arrives
        self._connections: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Listen. Raises OSError when the socket cannot be bound."""
        self._thread.start()
        self._started.wait()
        if self._start_error is not None:
            raise self._start_error

    def publish(self, result: BlockResult) -> None:
        """Hand a committed block to the readers. Called after Commit, from the consensus thread; never blocks."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: the engine is stopping
            self._loop.call_soon_threadsafe(self._on_block, result)

    def blocks(self) -> tuple[tuple[int, bytes], ...]:
        """The recent blocks, encoded, ascending, once all that was published has arrived. From any other thread."""
        async def held() -> tuple[tuple[int, bytes], ...]:
            return self._ring.blocks()

        return asyncio.run_coroutine_threadsafe(held(), self._loop).result()

    def close(self) -> None:
        """Disconnect everybody and remove the socket. May be called twice."""
        if self._thread.is_alive():
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._request_stop)
            self._thread.join()
        self._workers.shutdown(wait=False, cancel_futures=True)

    def _request_stop(self) -> None:
        if self._stop is not None:
            self._stop.set()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        except OSError as error:
            self._start_error = error
        finally:
            self._loop.close()
            self._started.set()

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        self._arrived = asyncio.Event()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)
        # The mask holds while the socket is made, so that nobody else can connect before chmod.
        mask = os.umask(0o177)
        try:
            server = await asyncio.start_unix_server(self._accept, self._path)
        finally:
            os.umask(mask)
        os.chmod(self._path, 0o600)
        self._started.set()
        await self._stop.wait()
        server.close()
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)

    def _on_block(self, result: BlockResult) -> None:
        self._ring.add(result)
        if self._arrived is not None:
            self._arrived.set()
            self._arrived = asyncio.Event()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            if len(self._connections) > CONNECTIONS_MAX:
                log.warning("link refused", reason="too many connections", limit=CONNECTIONS_MAX)
                return
            writer.transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)
            await Connection(self, reader, writer).run()
        except (FrameError, ConnectionError) as error:
            log.warning("link closed", reason=str(error) or type(error).__name__)
        except asyncio.CancelledError:
            pass  # the feed is closing
        except Exception as error:  # noqa: BLE001 - edge of a connection: the engine must outlive any reader
            log.error("link failed", reason=repr(error))
        finally:
            self._connections.discard(task)
            writer.close()

    # What a connection uses of the server.

    async def next_block(self) -> None:
        """Returns when a block arrives."""
        assert self._arrived is not None
        await self._arrived.wait()

    @property
    def ring(self) -> BlockRing:
        """The recent blocks."""
        return self._ring

    @property
    def records(self) -> Records:
        """Committed state."""
        return self._records

    @property
    def pool(self) -> Pool:
        """The mempool."""
        return self._pool

    async def on_worker(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Run something that takes its time, off the loop."""
        return await self._loop.run_in_executor(self._workers, function, *arguments)
