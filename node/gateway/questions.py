"""Questions that take a moment: one worker runs them, one after the other, on a fork of the state at one height.

The event loop only makes the fork's records stand still, which copies references, and goes on serving. The engine is
not asked at all. How much work a question may be is bounded by its own rules; how many may wait, here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

import grpc

from app.context import Context
from app.errors import FAULTS, MARKET_NOT_FOUND, ChainError
from app.registry import Hook
from node.gateway.errors import CallError, busy, not_ready
from node.gateway.fork import Raw, fork_of
from node.gateway.model import ReadModel

Found = TypeVar("Found")
WAITING_MAX = 32


@dataclass(slots=True)
class Frozen:
    """The records of one height, and the context that the worker made of them."""

    height: int
    time_ns: int
    raw: Raw
    ctx: Context | None = None
    made: set[Hook] = field(default_factory=set)

    def context(self, needs: Sequence[Hook]) -> Context:
        """The context, with what of the derived is needed; for the worker alone."""
        if self.ctx is None:
            self.ctx = fork_of(self.raw, self.height, self.time_ns)
        for rebuild in needs:
            if rebuild not in self.made:
                rebuild(self.ctx)
                self.made.add(rebuild)
        return self.ctx


class Questions:
    """The worker and who waits for it."""

    def __init__(self, model: ReadModel, waiting_max: int = WAITING_MAX) -> None:
        self._model = model
        self._waiting_max = waiting_max
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="questions")
        self._frozen: Frozen | None = None
        self._waiting = 0

    async def ask(self, question: Callable[[Context], Found], needs: Sequence[Hook] = ()) -> tuple[Frozen, Found]:
        """The answer, with the height it belongs to. `needs` are those of registry.REBUILD without which the question
        cannot be asked. `question` leaves the context as it found it.

        Raises CallError.
        """
        if not self._model.height:
            raise not_ready()
        if self._waiting >= self._waiting_max:
            raise busy("questions", self._waiting_max)
        frozen = self._freeze()
        self._waiting += 1
        try:
            found = await asyncio.get_running_loop().run_in_executor(
                self._worker, lambda: question(frozen.context(needs)))
        except ChainError as error:
            code = grpc.StatusCode.NOT_FOUND if error.code is MARKET_NOT_FOUND else grpc.StatusCode.INVALID_ARGUMENT
            raise CallError(code, error.code.reason, error.code.meaning, error.code.codespace,
                            error.metadata) from error
        except FAULTS as error:
            raise CallError(grpc.StatusCode.FAILED_PRECONDITION, "MARKET_FAULT",
                            f"the rules of a market of this account are broken: {error}", "compartments") from error
        finally:
            self._waiting -= 1
        return frozen, found

    def _freeze(self) -> Frozen:
        """The records as they are now, kept until the height moves."""
        frozen, model = self._frozen, self._model
        if frozen is None or (frozen.height, frozen.time_ns) != (model.height, model.time_ns):
            frozen = self._frozen = Frozen(model.height, model.time_ns, model.frozen_records())
        return frozen

    def stop(self) -> None:
        """End the worker: questions that wait are dropped."""
        self._worker.shutdown(wait=False, cancel_futures=True)
