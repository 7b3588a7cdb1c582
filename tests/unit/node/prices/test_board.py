"""The hand-over: what a feeder says last is what the engine knows, until it is too old; nothing else comes through."""

import asyncio
import os
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from node.abci.server import AddressError
from node.prices.board import CONNECTIONS_MAX, PriceBoard
from node.prices.observation import LINE_BYTES_MAX, Observation, encode
from node.prices.push import Pusher

DEADLINE_S = 10.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "prices.sock"


@pytest.fixture
def board(path: Path) -> Iterator[PriceBoard]:
    one = PriceBoard(path)
    one.start()
    yield one
    one.close()


def seen(price: int, time_ns: int | None = None) -> Observation:
    return Observation(time_ns or time.time_ns(), {"BTC/USD": Decimal(price)})


def connect(path: Path) -> socket.socket:
    feeder = socket.socket(socket.AF_UNIX)
    feeder.settimeout(DEADLINE_S)
    feeder.connect(str(path))
    return feeder


def wait_until(condition: Callable[[], object]) -> None:
    deadline_s = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.002)


def price(board: PriceBoard) -> Decimal | None:
    latest = board.latest()
    return None if latest is None else latest.prices.get("BTC/USD")


def test_the_newest_observation_is_known(board: PriceBoard, path: Path) -> None:
    assert board.latest() is None
    with connect(path) as feeder:
        feeder.sendall(encode(seen(1)) + encode(seen(2)))
        wait_until(lambda: price(board) == 2)
        line = encode(seen(3))
        feeder.sendall(line[:20])
        time.sleep(0.05)
        assert price(board) == 2, "half a line is nothing yet"
        feeder.sendall(line[20:])
        wait_until(lambda: price(board) == 3)
    assert price(board) == 3, "still true for a while after the feeder is gone"


@pytest.mark.parametrize("ahead_s", [3_600, 10**9])
def test_a_feeder_s_clock_makes_nothing_younger_than_now(path: Path, ahead_s: int) -> None:
    """What says that it is of the future is of now, and ages from there."""
    board = PriceBoard(path, max_age_s=0.3)
    board.start()
    try:
        with connect(path) as feeder:
            feeder.sendall(encode(seen(1, time.time_ns() + ahead_s * 10**9)))
            wait_until(lambda: price(board) == 1)
            wait_until(lambda: price(board) is None)
    finally:
        board.close()


def test_only_the_owner_may_connect(board: PriceBoard, path: Path) -> None:
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


def test_old_observations_are_none(path: Path) -> None:
    board = PriceBoard(path, max_age_s=0.3)
    board.start()
    try:
        with connect(path) as feeder:
            feeder.sendall(encode(seen(1)))
            wait_until(lambda: price(board) == 1)
            began_s = time.monotonic()
            wait_until(lambda: board.latest() is None)
            assert time.monotonic() - began_s < 0.4
            feeder.sendall(encode(seen(2)))
            wait_until(lambda: price(board) == 2)
    finally:
        board.close()


def test_a_line_that_waited_somewhere_is_as_old_as_it_says(board: PriceBoard, path: Path) -> None:
    with connect(path) as feeder:
        feeder.sendall(encode(seen(1, time.time_ns() - 6 * 10**9)) + encode(seen(2, time.time_ns() - 10**18)))
        time.sleep(0.1)
        assert board.latest() is None
        feeder.sendall(encode(seen(3, time.time_ns() + 10**18)))  # a clock that was set back
        wait_until(lambda: price(board) == 3)


@pytest.mark.parametrize(
    "rubbish",
    [b"\n", b"hello\n", b"[" * 60_000 + b"\n", b"\x00" * 100 + b"\n", b"1" * (LINE_BYTES_MAX + 10),
     os.urandom(4_000) + b"\n", encode(Observation(1, {f"A{index}/USD": Decimal(1) for index in range(200)}))],
)  # fmt: skip
def test_rubbish_ends_its_own_connection_and_nothing_else(board: PriceBoard, path: Path, rubbish: bytes) -> None:
    with connect(path) as good, connect(path) as bad:
        good.sendall(encode(seen(1)))
        wait_until(lambda: price(board) == 1)
        bad.sendall(rubbish)
        assert bad.recv(1) == b""
        assert price(board) == 1
        good.sendall(encode(seen(2)))
        wait_until(lambda: price(board) == 2)


def test_of_two_feeders_the_last_word_counts(board: PriceBoard, path: Path) -> None:
    with connect(path) as one, connect(path) as other:
        for index, feeder in enumerate((one, other, one, one, other)):
            feeder.sendall(encode(seen(index + 1)))
            wait_until(lambda: price(board) == index + 1)  # noqa: B023


def test_too_many_connections_are_refused_and_room_comes_back(board: PriceBoard, path: Path) -> None:
    feeders = [connect(path) for _ in range(CONNECTIONS_MAX)]
    feeders[0].sendall(encode(seen(1)))
    wait_until(lambda: price(board) == 1)
    with connect(path) as late:
        assert late.recv(1) == b""
    for feeder in feeders:
        feeder.close()
    time.sleep(0.1)
    with connect(path) as fresh:
        fresh.sendall(encode(seen(2)))
        wait_until(lambda: price(board) == 2)


def test_latest_waits_for_nobody(board: PriceBoard, path: Path) -> None:
    """A feeder that writes without end does not slow down who asks."""
    stop = threading.Event()

    def flood() -> None:
        with connect(path) as feeder:
            while not stop.is_set():
                feeder.sendall(encode(seen(1)) * 50)

    thread = threading.Thread(target=flood)
    thread.start()
    try:
        wait_until(lambda: price(board) == 1)
        began_s = time.monotonic()
        for _ in range(1_000):
            assert board.latest() is not None
        assert time.monotonic() - began_s < 1.0
    finally:
        stop.set()
        thread.join()


def test_a_second_engine_on_one_home_is_refused_and_a_dead_ones_socket_replaced(board: PriceBoard, path: Path) -> None:
    with pytest.raises(AddressError):
        PriceBoard(path).start()
    board.close()
    board.close()
    assert not path.exists()
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(path))
    dead.close()
    again = PriceBoard(path)
    again.start()
    again.close()


def test_the_feeder_outlives_any_number_of_engines(path: Path) -> None:
    async def push(pusher: Pusher, number: int) -> bool:
        return await pusher.push(seen(number))

    async def check() -> None:
        pusher = Pusher(path)
        assert not await push(pusher, 1), "no engine"
        for number in (2, 3, 4):
            board = PriceBoard(path)
            board.start()
            try:
                assert await push(pusher, number)
                await asyncio.to_thread(wait_until, lambda: price(board) == number)  # noqa: B023
            finally:
                board.close()
            await asyncio.sleep(0.02)
            assert not await push(pusher, 1)
        pusher.close()

    asyncio.run(check())


def test_an_engine_that_does_not_read_holds_up_the_feeder_for_a_second_at_most(path: Path) -> None:
    deaf = socket.socket(socket.AF_UNIX)
    deaf.bind(str(path))
    deaf.listen()
    long = Observation(time.time_ns(), {f"A{index}/USD": Decimal(1) for index in range(1_000)})

    async def check() -> None:
        pusher = Pusher(path)
        slowest_s = 0.0
        results = []
        while not results or results[-1]:
            began_s = time.monotonic()
            results.append(await pusher.push(long))
            slowest_s = max(slowest_s, time.monotonic() - began_s)
        assert slowest_s < 1.5
        pusher.close()

    asyncio.run(check())
    deaf.close()
