"""What all streams share: a position in the blocks held, heartbeats, and an end for readers that are too slow.

A stream has no queue. It is a height; the blocks are held once for all. Writing waits for the reader (HTTP/2 flow
control), and a reader whose next block is no longer held, or who takes nothing for WRITE_SECONDS, is told to resume.

All streams wait for the same blocks, and writing to hundreds of them takes a while: `run` wakes a few at a time, and
between them calls of everybody else have their turn. It also keeps the time for all, which is cheaper than a timer for
each message.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from node.gateway.clients import Clients
from node.gateway.errors import TOO_SLOW, CallError, bad_argument, busy, not_ready, stopping, too_slow
from node.gateway.model import BlockView, ReadModel
from novation.v1 import market_data_service_pb2 as market_data

STREAMS_MAX = 1000
WRITE_SECONDS = 30.0
HEARTBEAT_SECONDS = 5.0
AHEAD_MAX = 100  # a reader may come from a gateway that is this many blocks ahead; it waits
AT_ONCE = 8  # streams that are woken together: a millisecond or two of work
LOOKS = 4  # at the clock, in the shorter of the two times above


@dataclass(slots=True)
class Quiet:
    """Everything up to `height` was shown."""

    height: int
    time_ns: int


@dataclass(slots=True)
class Rebuilt:
    """The gateway started over, at `height`: blocks in between cannot be shown."""

    height: int
    time_ns: int
    gap: market_data.Gap


class Streams:
    """Counts and serves the streams of all services. They move only while `run` does."""

    def __init__(self, model: ReadModel, clients: Clients, *, streams_max: int = STREAMS_MAX,
                 write_seconds: float = WRITE_SECONDS, heartbeat_seconds: float = HEARTBEAT_SECONDS) -> None:
        self.model = model
        self.clients = clients
        self.open = 0
        self.opened = 0
        self.dropped = 0
        self._stopping = False
        self._streams_max = streams_max
        self._write_seconds = write_seconds
        self._heartbeat_seconds = heartbeat_seconds
        self._waiting: dict[asyncio.Future[None], float] = {}  # of each stream that wants a block: when it beats
        self._writing: dict[asyncio.Task[Any], float] = {}  # streams and when their writing began, oldest first
        self._late: set[asyncio.Task[Any]] = set()  # ended by `run`: the reader took nothing

    async def run(self) -> None:
        """Wake streams when there is a block for them or the time for a heartbeat, and end those that take nothing."""
        model, clock, seen = self.model, asyncio.get_running_loop().time, (-1, -1)
        while True:
            now = model.height, model.generation
            if now == seen:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(min(self._heartbeat_seconds, self._write_seconds) / LOOKS):
                        await model.moved()
                now = model.height, model.generation
            if now != seen:
                seen = now
                await self._wake(list(self._waiting))
            await self._wake([one for one, beat_at in self._waiting.items() if beat_at <= clock()])
            for task, since in self._writing.items():
                if since > clock() - self._write_seconds:
                    break
                if task not in self._late:
                    self._late.add(task)
                    task.cancel()

    async def _wake(self, waiting: list[asyncio.Future[None]]) -> None:
        for number, one in enumerate(waiting, 1):
            if not one.done():
                one.set_result(None)
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)

    async def _next(self, beat_at: float) -> None:
        """Returns when there may be something to show, at about `beat_at` at the latest."""
        one = asyncio.get_running_loop().create_future()
        self._waiting[one] = beat_at
        try:
            await one
        finally:
            del self._waiting[one]

    async def serve(self, messages: AsyncIterator[Any], context: Any, peer: str) -> None:
        """Write a stream's messages until it ends. Raises CallError: too many streams, of all clients or of this one
        (`peer`, as gRPC names it), or a reader too slow."""
        if self.open >= self._streams_max:
            raise busy("streams", self._streams_max)
        with self.clients.stream(peer):
            await self._write(messages, context)

    async def _write(self, messages: AsyncIterator[Any], context: Any) -> None:
        task, clock = asyncio.current_task(), asyncio.get_running_loop().time
        assert task is not None
        self.open += 1
        self.opened += 1
        height = 0
        try:
            async for message in messages:
                height = message.height  # what is being written still arrives, before the status, if the time is over
                self._writing[task] = clock()
                await context.write(message)
                del self._writing[task]
        except asyncio.CancelledError:
            if task not in self._late:
                raise  # the reader has left
            task.uncancel()
            self.dropped += 1
            raise too_slow(height) from None
        except CallError as error:
            self.dropped += error.reason == TOO_SLOW
            raise
        finally:
            self.open -= 1
            self._writing.pop(task, None)
            self._late.discard(task)

    def stop(self) -> None:
        """End every stream: its reader is told to come back."""
        self._stopping = True
        for one in self._waiting:
            if not one.done():
                one.set_result(None)

    async def follow(self, after_height: int) -> AsyncIterator[BlockView | Rebuilt | Quiet]:
        """Every block after `after_height` (0: from now on).

        Begins with Quiet or Rebuilt, so that the reader learns where the stream begins; Quiet comes again now and then,
        so that it knows that the stream lives.
        """
        model, clock = self.model, asyncio.get_running_loop().time
        if not model.height:
            raise not_ready()
        height, generation = after_height or model.height, model.generation
        if height > model.height + AHEAD_MAX:
            raise bad_argument("after_height", f"at most {model.height}, the present height")
        if height < model.height and not model.holds_after(height):
            gap = market_data.Gap(from_height=height + 1, to_height=model.height)
            height = model.height
            yield Rebuilt(height, model.time_ns, gap)
        else:
            yield Quiet(height, model.time_ns)
        beat_at = clock() + self._heartbeat_seconds
        while True:
            if self._stopping:
                raise stopping()
            if model.generation != generation:
                generation = model.generation
                gap = market_data.Gap(from_height=height + 1 if height < model.height else 0, to_height=model.height)
                height = model.height
                yield Rebuilt(height, model.time_ns, gap)
            elif height < model.height:
                view = model.block(height + 1)
                if view is None:
                    raise too_slow(height)
                height += 1
                yield view
            elif clock() >= beat_at:
                beat_at = clock() + self._heartbeat_seconds
                yield Quiet(height, model.time_ns)
            else:
                await self._next(beat_at)
