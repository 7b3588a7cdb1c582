"""Asking others for quotes again and again: a deadline for each try, a longer wait after each failure."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import structlog

from node.prices.aggregate import Quote

log = structlog.get_logger("prices")

Answer = TypeVar("Answer")
Read = Callable[[], Awaitable[Mapping[str, Quote]]]

BACK_OFF_FIRST_S = 0.5
BACK_OFF_LAST_S = 60.0
JITTER = 0.5  # a wait is longer or shorter by so much of it, so that sources that failed together come back apart


class NoQuoteError(Exception):
    """A source answered, but with nothing that can be used."""


class BackOff:
    """How long to wait after a failure: doubled each time, with jitter, forgotten after a success."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._delay_s = 0.0

    def after_failure(self) -> float:
        """The next wait in seconds."""
        self._delay_s = min(2 * self._delay_s, BACK_OFF_LAST_S) or BACK_OFF_FIRST_S
        return self._delay_s * self._chance.uniform(1 - JITTER, 1 + JITTER)

    def after_success(self) -> None:
        """Start from the shortest wait next time."""
        self._delay_s = 0.0


async def within(work: Awaitable[Answer], deadline_s: float) -> Answer:
    """The answer of `work` in time, else TimeoutError. Work that does not let itself be cancelled is left behind, and
    work that was cancelled by others is a failure like any other: neither ends or delays the caller.
    """
    task = asyncio.ensure_future(work)
    task.add_done_callback(_note)
    try:
        await asyncio.wait((task,), timeout=deadline_s)
    finally:
        task.cancel()  # nothing happens to one that is done
    if not task.done():
        raise TimeoutError(f"no answer in {deadline_s:g} s")
    if task.cancelled():
        raise NoQuoteError("the request was cancelled")
    return task.result()


def _note(task: "asyncio.Future[Answer]") -> None:
    """Take note of an error, which for work that was left behind nobody else does."""
    if not task.cancelled():
        task.exception()


async def keep_reading(name: str, read: Read, quotes: dict[str, Quote], every_s: float, deadline_s: float) -> None:
    """Put what `read` gives into `quotes`, every `every_s` seconds, for ever; say once that it fails. Cancel it to end.
    """
    back_off, failing = BackOff(random.Random()), False
    while True:
        began_s = time.monotonic()
        try:
            fresh = await within(read(), deadline_s)
            if not fresh:
                raise NoQuoteError("no usable price")
        except Exception as error:  # noqa: BLE001 - edge of a source: whatever it does must not end the others
            if not failing:
                log.warning("a source fails", source=name, reason=(str(error) or repr(error))[:200])
            failing = True
            await asyncio.sleep(back_off.after_failure())
            continue
        quotes.update(fresh)
        if failing:
            log.info("a source is back", source=name)
        failing = False
        back_off.after_success()
        await asyncio.sleep(max(0.0, every_s - (time.monotonic() - began_s)))
