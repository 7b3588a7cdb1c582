"""The link, both sides over a real socket, with a scripted chain and pool."""

import asyncio
import os
import socket
import stat
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.block import BlockResult
from app.chain import Head
from node.feed.client import LinkClient, LinkClosedError, LinkError
from node.feed.framing import encode_frame
from node.feed.server import FeedServer
from novation.v1 import feed_pb2, tx_pb2
from tests.helpers.gateways import run, until


class ScriptedChain:
    """Records that count the blocks: key b"n" holds the height."""

    def __init__(self, height: int = 5) -> None:
        self.height = height

    @property
    def head(self) -> Head:
        return Head(self.height, self.height * 10, b"hash", "scripted")

    def read_at_head(self, table: str, key: bytes) -> tuple[Head, bytes | None]:
        if table != "orders":
            raise KeyError(table)
        return self.head, str(self.height).encode() if key == b"n" else None

    def snapshot(self, tables: list[str]) -> tuple[Head, Iterable[tuple[str, bytes, bytes]]]:
        if set(tables) - {"orders"}:
            raise KeyError("nonsense")
        rows = [("orders", b"n", str(self.height).encode())] if tables else []
        return self.head, rows + [("orders", b"%d" % n, b"x" * 5_000) for n in range(300 * len(tables))]


class ScriptedPool:
    """Refuses what is longer than three bytes; notes each call."""

    def __init__(self) -> None:
        self.calls: list[list[bytes]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()

    def submit(self, envelopes: list[bytes]) -> list[tx_pb2.EnvelopeResult]:
        self.entered.set()
        self.gate.wait(60)
        self.calls.append(envelopes)
        return [tx_pb2.EnvelopeResult(code=103 if len(raw) > 3 else 0) for raw in envelopes]

    @property
    def count(self) -> int:
        return 4

    @property
    def size_bytes(self) -> int:
        return 44


class Feed:
    """A started server and what is behind it."""

    def __init__(self, folder: Path, **options: int) -> None:
        self.chain, self.pool = ScriptedChain(), ScriptedPool()
        self.path = folder / "link.sock"
        self.server = FeedServer(self.path, self.chain, self.pool, **options)
        self.server.start()

    def block(self, change_bytes: int = 1) -> None:
        """Commit and publish the next block, which sets key b"n"."""
        height = self.chain.height + 1
        changes = [("orders", b"n", str(height).encode()), ("orders", b"big", b"x" * change_bytes)]
        result = BlockResult(height, height * 10, b"hash", [], [], changes)
        self.chain.height = height
        self.server.publish(result)


@contextmanager
def feed(folder: Path, **options: int) -> Iterator[Feed]:
    """A feed that is closed at the end."""
    made = Feed(folder, **options)
    try:
        yield made
    finally:
        made.server.close()


def test_the_socket_is_the_owners_alone_and_goes_with_the_server(tmp_path: Path) -> None:
    """Mode 0600; a leftover of a killed engine is replaced; closing removes it, twice is fine."""
    (tmp_path / "link.sock").write_text("left behind")
    with feed(tmp_path) as made:
        mode = os.stat(made.path).st_mode
        assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600
        made.server.close()
        assert not made.path.exists()


def test_start_says_why_it_cannot_listen(tmp_path: Path) -> None:
    """A path that cannot be bound is an error of start, not a dead thread."""
    server = FeedServer(tmp_path / "no" / "such" / "folder.sock", ScriptedChain(), ScriptedPool())
    with pytest.raises(OSError):
        server.start()
    server.close()


def test_status_and_records(tmp_path: Path) -> None:
    """Both come with the height; absent records are marked, unknown domains are named."""
    async def ask() -> None:
        async with await LinkClient.connect(made.path) as link:
            status = await link.status()
            assert (status.height, status.chain_id, status.mempool_envelopes, status.mempool_bytes) == (
                5, "scripted", 4, 44)
            reply = await link.records([("orders", b"n"), ("orders", b"none")])
            assert reply.height == 5
            assert [(r.value, r.deleted) for r in reply.records] == [(b"5", False), (b"", True)]
            assert len((await link.records([])).records) == 0
            with pytest.raises(LinkError, match="nonsense"):
                await link.records([("nonsense", b"")])
            with pytest.raises(LinkError, match="at most"):
                await link.records([("orders", b"n")] * 2_000)

    with feed(tmp_path) as made:
        run(ask())


def test_submissions_keep_their_order_and_share_calls(tmp_path: Path) -> None:
    """Verdicts and hashes belong to their envelopes; what waits meanwhile goes to the pool in one call."""
    async def ask() -> None:
        async with await LinkClient.connect(made.path) as link:
            made.pool.gate.clear()
            first = asyncio.create_task(link.submit([b"1"]))
            await until(made.pool.entered.is_set)
            rest = [asyncio.create_task(link.submit([b"%d" % n, b"long%d" % n])) for n in range(5)]
            await link.status()  # answered meanwhile, and after those frames were read
            made.pool.gate.set()
            assert [v.code for v in (await first).verdicts] == [0]
            for task in rest:
                reply = await task
                assert [v.code for v in reply.verdicts] == [0, 103]
                assert len(set(reply.hashes)) == 2 and reply.height == 5
            assert made.pool.calls == [[b"1"], [raw for n in range(5) for raw in (b"%d" % n, b"long%d" % n)]]

    with feed(tmp_path) as made:
        run(ask())


def test_a_snapshot_joins_the_blocks_that_follow(tmp_path: Path) -> None:
    """Blocks committed while the snapshot is read follow it: none is missing and none comes twice."""
    async def ask() -> None:
        async with await LinkClient.connect(made.path) as link:
            counted, records, heights = 0, {}, []
            async for message in link.subscribe(0, ["orders"]):
                if isinstance(message, feed_pb2.Snapshot):
                    counted += len(message.records)
                    records |= {record.key: record.value for record in message.records}
                    made.block()
                    base = message.height
                else:
                    heights.append(message.height)
                    records |= {change.key: change.value for change in message.changes}
                    if len(heights) == 3:
                        break
            assert counted == 301
            assert heights == [base + 1, base + 2, base + 3]
            assert records[b"n"] == str(base + 3).encode()

    with feed(tmp_path) as made:
        run(ask())


def test_a_reader_resumes_without_a_snapshot_while_blocks_are_held(tmp_path: Path) -> None:
    """After a height in the ring, at the head, and one that is gone or not yet there."""
    async def first_of(after: int) -> feed_pb2.Snapshot | feed_pb2.CommittedBlock:
        async with await LinkClient.connect(made.path) as link:
            async for message in link.subscribe(after, []):
                return message
            raise AssertionError("the subscription ended")

    async def ask() -> None:
        for _ in range(5):
            made.block()  # 6 to 10; the ring holds 8 to 10
        assert (await first_of(8)).height == 9
        assert isinstance(await first_of(7), feed_pb2.CommittedBlock)
        for gone in (0, 6, 99):
            message = await first_of(gone)
            assert isinstance(message, feed_pb2.Snapshot) and message.last and message.height == 10
        waiting = asyncio.create_task(first_of(10))
        await asyncio.sleep(0)
        made.block()
        assert (await waiting).height == 11

    with feed(tmp_path, blocks_max=3) as made:
        run(ask())


def test_a_new_chain_waits_for_its_first_block(tmp_path: Path) -> None:
    """Before the first commit there is nothing to show, not even an empty snapshot."""
    async def ask() -> None:
        made.chain.height = 0
        async with await LinkClient.connect(made.path) as link:
            messages = link.subscribe(0, ["orders"])
            first = asyncio.create_task(anext(messages))
            await link.status()
            assert not first.done()
            made.block()
            assert (await first).height == 1

    with feed(tmp_path) as made:
        run(ask())


def test_a_slow_reader_is_dropped_with_its_height_and_resumes(tmp_path: Path) -> None:
    """One that does not read while blocks pile up is told where it stood; others see every block."""
    async def ask() -> None:
        async with await LinkClient.connect(made.path) as slow, await LinkClient.connect(made.path) as quick:
            slow_blocks, quick_blocks = slow.subscribe(5, ["orders"]), quick.subscribe(5, ["orders"])
            reads = asyncio.create_task(anext(slow_blocks))
            made.block()
            assert (await reads).height == (await anext(quick_blocks)).height == 6
            for height in range(7, 60):
                made.block(change_bytes=500_000)
                assert (await anext(quick_blocks)).height == height
            last = 6
            with pytest.raises(LinkError, match="too slow: last height sent"):
                async for message in slow_blocks:
                    assert message.height == last + 1
                    last = message.height
            assert last < 59
            async for message in slow.subscribe(last, ["orders"]):  # the connection is still good
                assert message.height > last
                break

    with feed(tmp_path, blocks_max=4) as made:
        run(ask())


def test_publishing_never_waits_for_a_reader(tmp_path: Path) -> None:
    """With a subscriber that reads nothing at all, a hundred blocks of a megabyte are handed over at once."""
    with feed(tmp_path, blocks_max=4) as made, socket.socket(socket.AF_UNIX) as reader:
        reader.connect(str(made.path))
        request = feed_pb2.LinkRequest(id=1, subscribe=feed_pb2.SubscribeRequest(after_height=5))
        reader.sendall(encode_frame(request.SerializeToString()))
        for _ in range(100):
            made.block(change_bytes=1_000_000)

        async def ask() -> int:
            async with await LinkClient.connect(made.path) as link:
                return (await link.status()).height

        assert run(ask()) == 105


@pytest.mark.parametrize("garbage", [b"\xff" * 10, encode_frame(b"\xff\xff\xff"), b"\x05ab", b""])
def test_a_malformed_frame_ends_its_connection_only(tmp_path: Path, garbage: bytes) -> None:
    """The one who sent it is disconnected; others do not notice."""
    async def ask() -> None:
        async with await LinkClient.connect(made.path) as good:
            reader, writer = await asyncio.open_unix_connection(made.path)
            writer.write(garbage)
            writer.write_eof()
            assert await reader.read() == b""
            writer.close()
            assert (await good.status()).height == 5

    with feed(tmp_path) as made:
        run(ask())


def test_an_unknown_request_is_answered(tmp_path: Path) -> None:
    """A newer reader learns that this engine does not know its request."""
    async def ask() -> None:
        async with await LinkClient.connect(made.path) as link:
            with pytest.raises(LinkError, match="unknown request"):
                await link._ask(feed_pb2.LinkRequest())
            assert (await link.status()).height == 5

    with feed(tmp_path) as made:
        run(ask())


def test_everyone_who_waits_learns_that_the_engine_left(tmp_path: Path) -> None:
    """Requests and subscriptions end with LinkClosedError, and so do later ones; nobody hangs."""
    async def ask() -> None:
        async with await LinkClient.connect(made.path) as link:
            made.pool.gate.clear()
            waiting = asyncio.create_task(link.submit([b"1"]))
            blocks = link.subscribe(5, [])
            watching = asyncio.create_task(anext(blocks))
            await link.status()
            closing = asyncio.create_task(asyncio.to_thread(made.server.close))
            for task in (waiting, watching):
                with pytest.raises(LinkClosedError):
                    await task
            made.pool.gate.set()
            await closing
            with pytest.raises(LinkClosedError):
                await link.status()
        with pytest.raises(LinkClosedError, match="novation start"):
            await LinkClient.connect(made.path)

    with feed(tmp_path) as made:
        run(ask())


def test_a_snapshot_brings_the_blocks_before_it_when_asked(tmp_path: Path) -> None:
    """As many as asked for and held, up to the snapshot's height, also when the last one is not published yet."""
    async def history_of(count: int) -> list[int]:
        async with await LinkClient.connect(made.path) as link:
            heights: list[int] = []
            async for message in link.subscribe(0, ["orders"], history_blocks=count):
                assert isinstance(message, feed_pb2.Snapshot)
                heights += [block.height for block in message.history]
                if message.last:
                    return heights
            raise AssertionError("the subscription ended")

    async def ask() -> None:
        assert await history_of(9) == []
        for _ in range(6):
            made.block()  # 6 to 11; the ring holds 8 to 11
        assert await history_of(9) == [8, 9, 10, 11]
        assert await history_of(2) == [10, 11]
        assert await history_of(0) == []
        made.chain.height = 12
        late = asyncio.create_task(history_of(2))
        await history_of(0)
        made.server.publish(BlockResult(12, 120, b"hash", [], [], []))
        assert await late == [11, 12]

    with feed(tmp_path, blocks_max=4) as made:
        run(ask())
