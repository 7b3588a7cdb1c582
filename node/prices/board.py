"""The engine's side of the prices: a thread that listens for this node's feeder and keeps its last observation.

Who extends a vote asks `latest()`, which waits for nobody. Whatever comes over the socket can only end its own
connection: a feeder that is gone, late or mad means no prices, never a halt.
"""

import asyncio
import contextlib
import os
import threading
import time

import structlog

from node.abci.server import Listener, listen
from node.prices.observation import LINE_BYTES_MAX, MalformedError, Observation, decode

log = structlog.get_logger("prices")

MAX_AGE_S = 5.0
CONNECTIONS_MAX = 8


class PriceBoard:
    """The newest observation, from whichever feeder. `start()` returns when the socket listens; `close()` when
    everything has ended.
    """

    def __init__(self, socket_path: str | os.PathLike[str], max_age_s: float = MAX_AGE_S) -> None:
        self._path = os.fspath(socket_path)
        self._max_age_s = max_age_s
        self._newest: tuple[float, Observation] | None = None  # monotonic seconds of when it was made; replaced whole
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="prices", daemon=True)
        self._listener: Listener | None = None
        self._stop = asyncio.Event()
        self._connections: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Listen. Raises AddressError or OSError when the socket cannot be bound."""
        self._listener = listen(f"unix://{self._path}")
        self._thread.start()

    def close(self) -> None:
        """Disconnect everybody and remove the socket. May be called twice."""
        if self._thread.is_alive():
            with contextlib.suppress(RuntimeError):  # the loop has ended by itself
                self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()
        if self._listener is not None:
            self._listener.close()

    def latest(self) -> Observation | None:
        """What the feeder saw last, None when that is too long ago. From any thread, at once."""
        newest = self._newest
        if newest is None or time.monotonic() - newest[0] > self._max_age_s:
            return None
        return newest[1]

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        except OSError as error:
            log.error("no prices: the socket failed", reason=str(error))
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        assert self._listener is not None
        server = await asyncio.start_unix_server(self._accept, sock=self._listener.socket, limit=LINE_BYTES_MAX)
        await self._stop.wait()
        server.close()
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            if len(self._connections) > CONNECTIONS_MAX:
                raise MalformedError(f"more than {CONNECTIONS_MAX} feeders")
            log.info("a feeder is here")
            while True:
                self._take(decode(await reader.readuntil(b"\n")))
        except asyncio.IncompleteReadError:
            log.info("a feeder is gone")
        except (MalformedError, asyncio.LimitOverrunError, ConnectionError) as error:
            log.warning("a feeder is shut out", reason=str(error) or type(error).__name__)
        except asyncio.CancelledError:
            pass  # the board is closing
        except Exception as error:  # noqa: BLE001 - edge of a connection: the engine must outlive any feeder
            log.error("a feeder failed", reason=repr(error))
        finally:
            self._connections.discard(task)
            writer.close()

    def _take(self, observation: Observation) -> None:
        """Keep it, with its own age: lines may have waited in the socket while a process stood still."""
        age_s = max(0.0, (time.time_ns() - observation.time_ns) / 1e9)
        self._newest = (time.monotonic() - age_s, observation)
