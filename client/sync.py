"""The client for programs without asyncio: the same methods, without `await`.

    with SyncClient("127.0.0.1:26602", Key.from_hex(secret)) as client:
        order = client.place("BTC-PERP", "buy", "0.25", "46000.5")
        for fill in client.watch_fills():
            print(fill)

The real client runs on an event loop in a thread of its own; any thread may call, and several at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from types import TracebackType
from typing import Any, TypeVar

from client.client import NovationClient
from client.keys import Key

Result = TypeVar("Result")


class SyncClient:
    """Every public method of NovationClient; those that watch return plain iterators."""

    def __init__(self, address: str, key: Key | None = None, **options: Any) -> None:
        """Connects. The arguments are NovationClient's; raises what its `connect` raises."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="novation-client", daemon=True)
        self._thread.start()
        try:
            self.client = self.run(self._open(address, key, options))
        except BaseException:
            self._stop_loop()
            raise

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run a coroutine of the client's on its loop, and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def close(self) -> None:
        """Leave the gateway and end the thread. May be called twice."""
        if self._thread.is_alive():
            self.run(self.client.close())
            self._stop_loop()

    def __enter__(self) -> SyncClient:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.client, name)
        if not callable(found):
            return found
        return lambda *arguments, **options: self._call(found, *arguments, **options)

    def _call(self, method: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        async def call() -> Any:
            result = method(*arguments, **options)  # on the loop: streams open their calls there
            return await result if asyncio.iscoroutine(result) else result

        result = self.run(call())
        return self._iterate(result) if isinstance(result, AsyncIterator) else result

    def _iterate(self, items: AsyncIterator[Any]) -> Iterator[Any]:
        async def following() -> Any:
            return await anext(items)

        try:
            with contextlib.suppress(StopAsyncIteration):
                while True:
                    yield self.run(following())
        finally:
            self.run(items.aclose())  # type: ignore[attr-defined]

    @staticmethod
    async def _open(address: str, key: Key | None, options: dict[str, Any]) -> NovationClient:
        client = NovationClient(address, key, **options)
        try:
            await client.connect()
        except BaseException:
            await client.close()
            raise
        return client

    def _stop_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
