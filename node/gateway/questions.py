"""Questions that take a moment: one worker runs them, one after the other, on a fork of the state at one height.

The event loop only makes the fork's records stand still, which copies references, and goes on serving. The engine is
not asked at all. How much work a question may be is bounded by its own rules; how many may wait, here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import grpc

from app.context import Context
from app.errors import FAULTS, MARKET_NOT_FOUND, ChainError
from app.registry import BOOKS
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
    has_books: bool = False

    def context(self, books: bool) -> Context:
        """The context; for the worker alone. With `books`, what is derived from open orders is there too."""
        if self.ctx is None:
            self.ctx = fork_of(self.raw, self.height, self.time_ns)
        if books and not self.has_books:
            for rebuild in BOOKS:
                rebuild(self.ctx)
            self.has_books = True
        return self.ctx


class Questions:
    """The worker and who waits for it."""

    def __init__(self, model: ReadModel) -> None:
        self._model = model
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="questions")
        self._frozen: Frozen | None = None
        self._waiting = 0

    async def ask(self, question: Callable[[Context], Found], *, books: bool = False) -> tuple[Frozen, Found]:
        """The answer, with the height it belongs to. `question` leaves the context as it found it.

        Raises CallError.
        """
        if not self._model.height:
            raise not_ready()
        if self._waiting >= WAITING_MAX:
            raise busy("questions", WAITING_MAX)
        frozen = self._freeze()
        self._waiting += 1
        try:
            found = await asyncio.get_running_loop().run_in_executor(
                self._worker, lambda: question(frozen.context(books)))
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
