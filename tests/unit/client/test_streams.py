"""Streams of the client: across restarts, gaps and lost messages."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from client import Gap, errors, streams
from client.streams import LocalBook, OutOfSequence
from node.gateway.server import Gateway
from novation.v1 import account_service_pb2 as account_service
from novation.v1 import market_data_service_pb2 as market_data
from tests.helpers import builders as b
from tests.helpers.gateways import Net, network, run, until
from tests.helpers.little_engine import LittleEngine

BTC = "BTC-PERP"


@pytest.fixture(autouse=True)
def short_back_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests need not be patient."""
    monkeypatch.setattr(streams, "BACK_OFF_FIRST_SECONDS", 0.02)


async def take(items: AsyncIterator[Any], count: int) -> list[Any]:
    """The next few items."""
    return [await anext(items) for _ in range(count)]


async def restart(net: Net, *while_away: bytes, forget: bool = False) -> None:
    """Another gateway on the same port; a block is made meanwhile if there are envelopes for it.

    `forget`: the engine starts anew after that block, so that nobody holds it any more.
    """
    address = net.gateway.address
    await net.gateway.stop()
    if while_away:
        net.engine.run_with(*while_away)
    if forget:
        net.engine.close()
        net.engine = LittleEngine(net.engine.socket.parent)
    net.gateway = Gateway(net.engine.socket, address)
    await net.gateway.start()
    await until(lambda: net.gateway.engine.live)


def test_the_book_survives_a_restart_of_the_gateway(tmp_path: Path) -> None:
    """After it, the copy is the book again, changes made meanwhile included."""
    async def work() -> None:
        async with network(tmp_path) as net:
            watcher = await net.client(b.ALICE)
            books = watcher.watch_book(BTC)
            assert (await anext(books)).best_bid == 0
            await net.commit(b.envelope(b.BOB, [b.buy(45_000_000, 4)], 1))
            assert (await anext(books)).bids == {45_000_000: (4, 1)}
            await restart(net, b.envelope(b.BOB, [b.buy(45_000_500, 2)], 2))
            book = await anext(books)
            assert book.bids == {45_000_000: (4, 1), 45_000_500: (2, 1)} and book.best_bid == 45_000_500
            await net.commit(b.envelope(b.BOB, [b.cancel_all()], 3))
            assert (await anext(books)).bids == {}

    run(work())


def test_fills_and_blocks_say_what_a_restart_hid(tmp_path: Path) -> None:
    """A new gateway shows the blocks that its engine still holds; where nobody does, there is a Gap."""
    async def work() -> None:
        async with network(tmp_path) as net:
            alice = await net.client(b.ALICE)
            fills, blocks = alice.watch_fills(), alice.watch_blocks()
            first_fill, first_block = asyncio.create_task(anext(fills)), asyncio.create_task(anext(blocks))
            await until(lambda: net.gateway._streams.open == 2)
            await net.commit(b.envelope(b.ALICE, [b.sell(46_000_000, 9)], 1))
            height = await net.commit(b.envelope(b.BOB, [b.buy(46_000_000, 1)], 1))
            assert (await first_fill).size_lots == 1 and (await first_block).height == height - 1
            assert (await anext(blocks)).height == height
            await restart(net, b.envelope(b.BOB, [b.buy(46_000_000, 2)], 2))
            assert (await anext(fills)).size_lots == 2 and (await anext(blocks)).height == height + 1
            await restart(net, b.envelope(b.BOB, [b.buy(46_000_000, 3)], 3), forget=True)
            assert await anext(fills) == await anext(blocks) == Gap(height + 2, height + 2)
            await net.commit(b.envelope(b.BOB, [b.buy(46_000_000, 1)], 4))
            assert (await anext(fills)).size_lots == 1 and (await anext(blocks)).height == height + 3

    run(work())


def test_orders_come_whole_again_after_a_hole(tmp_path: Path) -> None:
    """Snapshot, updates, and a snapshot where updates were lost."""
    async def work() -> None:
        async with network(tmp_path) as net:
            alice = await net.client(b.ALICE)
            orders = alice.watch_orders()
            assert await anext(orders) == account_service.OrdersSnapshot()
            await net.commit(b.envelope(b.ALICE, [b.buy(45_000_000, 4, client_id=1)], 1))
            assert (await anext(orders)).open_lots == 4
            await restart(net, b.envelope(b.ALICE, [b.buy(45_000_000, 5, client_id=2)], 2), forget=True)
            snapshot = await anext(orders)
            assert [order.client_id for order in snapshot.orders] == [1, 2]
            await net.commit(b.envelope(b.ALICE, [b.cancel(client_id=1)], 3))
            update = await anext(orders)
            assert (update.status, update.client_id, update.cancelled_lots) == (
                account_service.ORDER_STATUS_CANCELLED, 1, 4)

    run(work())


def test_trades_can_be_read_from_a_height(tmp_path: Path) -> None:
    """What the gateway still holds comes first, then what happens."""
    async def work() -> None:
        async with network(tmp_path) as net:
            watcher = await net.client(b.CAROL)
            start = net.gateway.model.height
            await net.commit(b.envelope(b.ALICE, [b.sell(46_000_000, 9), b.sell(24_000_000, 9, market=b.ETH)], 1))
            await net.commit(b.envelope(b.BOB, [b.buy(46_000_000, 1), b.buy(24_000_000, 2, market=b.ETH)], 1))
            everything, btc = watcher.watch_trades(after_height=start), watcher.watch_trades(BTC, after_height=start)
            assert [trade.size_lots for trade in await take(everything, 2)] == [1, 2]
            assert (await anext(btc)).size_lots == 1
            await net.commit(b.envelope(b.BOB, [b.buy(46_000_000, 3)], 2))
            assert (await anext(everything)).size_lots == (await anext(btc)).size_lots == 3

    run(work())


def test_what_trying_again_cannot_mend_is_raised(tmp_path: Path) -> None:
    """A height that this chain has not reached by far."""
    async def work() -> None:
        async with network(tmp_path) as net:
            watcher = await net.client(b.CAROL)
            with pytest.raises(errors.BadRequest, match="after_height"):
                await anext(watcher.watch_blocks(after_height=10**6))

    run(work())


def message(sequence: int, previous: int, **kind: Any) -> market_data.WatchBookResponse:
    """A message of a book's stream."""
    return market_data.WatchBookResponse(market=1, height=sequence, sequence=sequence, previous_sequence=previous,
                                         **kind)


def level(price: int, lots: int) -> market_data.Level:
    """One level."""
    return market_data.Level(price_quanta=price, size_lots=lots, orders=1)


SNAPSHOT = message(5, 0, snapshot=market_data.Book(bids=[level(10, 1)], asks=[level(20, 2)]))


def test_a_local_book_refuses_what_does_not_follow() -> None:
    """A delta for another book is not applied, a heartbeat of another one neither."""
    book = LocalBook(1)
    assert book.apply(SNAPSHOT)
    assert not book.apply(message(5, 5, heartbeat=market_data.Heartbeat()))
    assert book.apply(message(7, 5, delta=market_data.Book(bids=[level(10, 0), level(11, 3)])))
    assert (book.bids, book.asks, book.best_bid, book.best_ask) == ({11: (3, 1)}, {20: (2, 1)}, 11, 20)
    for late in (message(9, 8, delta=market_data.Book(bids=[level(12, 1)])), message(8, 8, heartbeat={})):
        with pytest.raises(OutOfSequence):
            book.apply(late)
    assert book.bids == {11: (3, 1)} and book.sequence == 7


class Script:
    """Calls that say what the script says: messages, errors, or silence."""

    def __init__(self, *calls: list[Any]) -> None:
        self.calls = list(calls)
        self.heights: list[int] = []

    def open(self, after_height: int = 0) -> "Script":
        self.heights.append(after_height)
        self.now = iter(self.calls.pop(0))
        return self

    async def read(self) -> Any:
        item = next(self.now, grpc.aio.EOF)
        if item == "silence":
            await asyncio.Event().wait()
        if isinstance(item, grpc.StatusCode):
            raise grpc.aio.AioRpcError(item, grpc.aio.Metadata(), grpc.aio.Metadata(), details="scripted")
        return item

    def cancel(self) -> None:
        pass


def block(height: int) -> Any:
    """A message of the blocks' stream."""
    return streams.chain_service.WatchBlocksResponse(
        height=height, block=streams.chain_service.BlockSummary(height=height))


def test_every_kind_of_break_resumes_after_the_last_height() -> None:
    """Away, too slow, internal, cancelled, silent, ended in good order: none is lost, none comes twice."""
    script = Script([block(1), grpc.StatusCode.UNAVAILABLE], [grpc.StatusCode.RESOURCE_EXHAUSTED],
                    [block(2), block(3), grpc.StatusCode.INTERNAL], [grpc.StatusCode.CANCELLED], [block(4)],
                    ["silence"], [block(5), grpc.StatusCode.INVALID_ARGUMENT])

    async def work() -> None:
        seen = []
        with pytest.raises(errors.BadRequest):
            async for one in streams.resume(script.open, silence_seconds=0.05):
                seen.append(one.height)
        assert seen == [1, 2, 3, 4, 5]
        assert script.heights == [0, 1, 1, 3, 3, 4, 4]

    run(work())


def test_a_lost_delta_opens_a_new_stream() -> None:
    """The reader never sees a book that is wrong."""
    script = Script(
        [SNAPSHOT, message(9, 8, delta=market_data.Book(bids=[level(12, 1)]))],
        [message(9, 0, snapshot=market_data.Book(bids=[level(12, 1)])), grpc.StatusCode.INVALID_ARGUMENT])

    async def work() -> None:
        seen = []
        with pytest.raises(errors.BadRequest):
            async for book in streams.books(script.open, 1):
                seen.append(dict(book.bids))
        assert seen == [{10: (1, 1)}, {12: (1, 1)}]

    run(work())
