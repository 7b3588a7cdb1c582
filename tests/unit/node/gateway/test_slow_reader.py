"""A reader that stops, as a process that hangs does: its sockets fill, it is dropped, and nobody else notices."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from node.gateway.server import Limits
from novation.v1 import chain_service_pb2 as chain_service
from tests.helpers import builders as b
from tests.helpers.gateways import DEADLINE_SECONDS, Net, network, run, until

HTTP2_WINDOW_BYTES = 65_536
SOCKETS_WINDOW_BYTES = 64 * 1024 * 1024  # more than the kernel takes: the sockets fill, not the window
BLOCKS_MOST = 256  # all of them are still held


@contextlib.asynccontextmanager
async def patient_reader(net: Net, after_height: int, window_bytes: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """tests/helpers/patient_reader.py; killed at the end."""
    reader = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.helpers.patient_reader", net.gateway.address, str(after_height),
        str(window_bytes), stdout=asyncio.subprocess.PIPE, limit=2**20)
    try:
        yield reader
    finally:
        reader.kill()
        await reader.wait()


async def line_of(reader: asyncio.subprocess.Process) -> list[str]:
    """The next line, in words."""
    assert reader.stdout is not None
    async with asyncio.timeout(DEADLINE_SECONDS):
        return (await reader.stdout.readline()).decode().split()


def narrow_sockets(port: int) -> None:
    """Let the kernel hold little of what this process writes to clients of `port`: by itself it holds megabytes."""
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(int(name))) as one:
            if one.family in (socket.AF_INET, socket.AF_INET6) and one.getsockname()[1] == port:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)


async def block_height(stream: Any) -> int:
    """That of the next block of a stream, which may have heartbeats before it."""
    while (message := await stream.read()).WhichOneof("kind") == "heartbeat":
        pass
    height: int = message.block.height
    return height


async def busy_block(net: Net, nonce: int) -> int:
    """A block of a hundred trades, 13 kB for those who follow blocks; its height."""
    asks = [b.sell(46_000_000, 1) for _ in range(100)]
    return await net.commit(b.envelope(b.ALICE, asks, nonce), b.envelope(b.BOB, [b.buy(46_000_000, 100)], nonce))


@pytest.mark.parametrize("window_bytes", [HTTP2_WINDOW_BYTES, SOCKETS_WINDOW_BYTES])
def test_a_reader_that_hangs_is_dropped_and_goes_on_where_it_stood(tmp_path: Path, window_bytes: int) -> None:
    """What is written for it ends when its sockets are full. It learns the last height that was, goes on from there by
    itself, and has every trade once. A reader beside it has every block when it is made.
    """
    async def work() -> None:
        async with network(tmp_path, Limits(write_seconds=0.5)) as net:
            other = net.chain.WatchBlocks(chain_service.WatchBlocksRequest())
            first = (await other.read()).height
            async with patient_reader(net, first, window_bytes) as reader:
                await until(lambda: net.gateway._streams.open == 2)
                height = await busy_block(net, 1)
                assert await block_height(other) == height
                lines = [await line_of(reader)]
                narrow_sockets(int(net.gateway.address.rpartition(":")[2]))
                reader.send_signal(signal.SIGSTOP)
                while not net.gateway._streams.dropped:
                    height = await busy_block(net, height)
                    assert height < BLOCKS_MOST, "its sockets never fill"
                    assert await block_height(other) == height
                reader.send_signal(signal.SIGCONT)
                while lines[-1][0] != str(height):
                    lines.append(await line_of(reader))
            [end] = [line for line in lines if line[0] == "ended"]
            before = int(lines[lines.index(end) - 1][0])
            assert end == ["ended", "STREAM_TOO_SLOW", str(before)] and before < height
            lines.remove(end)
            assert [int(line[0]) for line in lines] == list(range(first + 1, height + 1))
            trades = [int(trade) for line in lines for trade in line[1:]]
            assert trades == list(range(trades[0], trades[0] + 100 * (height - first)))
            other.cancel()

    run(work())
