"""Sources are asked again and again: deadlines, waits that grow, and failures that stay their own."""

import asyncio
import random
from decimal import Decimal

import pytest

from node.prices import reading
from node.prices.aggregate import Quote
from node.prices.reading import BACK_OFF_LAST_S, BackOff, NoQuoteError, keep_reading, within


def test_waits_double_with_jitter_up_to_a_minute_and_are_forgotten_after_a_success() -> None:
    back_off = BackOff(random.Random(1))
    waits = [back_off.after_failure() for _ in range(12)]
    for index, wait in enumerate(waits):
        plain = min(0.5 * 2**index, BACK_OFF_LAST_S)
        assert 0.5 * plain <= wait <= 1.5 * plain
    assert waits[-1] != waits[-2], "jitter"
    back_off.after_success()
    assert back_off.after_failure() <= 0.75


async def stubborn() -> None:
    """Does not let itself be cancelled."""
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            await asyncio.sleep(0.2)
            return


async def cancelled() -> None:
    raise asyncio.CancelledError


def test_a_deadline_holds_whatever_the_work_does() -> None:
    async def check() -> None:
        for work in (asyncio.sleep(3600), stubborn()):
            began_s = asyncio.get_running_loop().time()
            with pytest.raises(TimeoutError):
                await within(work, 0.05)
            assert asyncio.get_running_loop().time() - began_s < 0.15
        with pytest.raises(NoQuoteError):
            await within(cancelled(), 1.0)
        assert await within(asyncio.sleep(0, "done"), 1.0) == "done"

    asyncio.run(check())


def test_cancelling_the_reader_ends_what_it_waits_for() -> None:
    ended = []

    async def read() -> dict[str, Quote]:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append(True)
        return {}

    async def check() -> None:
        job = asyncio.create_task(keep_reading("a", read, {}, 0.0, 3600.0))
        await asyncio.sleep(0.02)
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
        await asyncio.sleep(0)

    asyncio.run(check())
    assert ended == [True]


def test_a_source_that_fails_in_every_way_is_asked_again_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "BACK_OFF_FIRST_S", 0.001)
    monkeypatch.setattr(reading, "BACK_OFF_LAST_S", 0.001)
    quotes: dict[str, Quote] = {}
    good = {"BTC/USD": Quote(Decimal(1), 1)}
    answers = [OSError("down"), {}, asyncio.CancelledError(), RecursionError(), good, ValueError("garbage"), good]

    async def read() -> dict[str, Quote]:
        answer = answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    async def check() -> None:
        job = asyncio.create_task(keep_reading("a", read, quotes, 0.0, 1.0))
        while answers:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.01)
        assert not job.done() or answers == []
        job.cancel()

    asyncio.run(check())
    assert quotes == good
