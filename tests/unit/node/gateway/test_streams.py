"""Streams of a real gateway over a real chain: what they add up to, resuming, gaps, slow readers."""

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from client.streams import LocalBook
from node.gateway import chain
from node.gateway import market_data as market_data_module
from node.gateway.server import Limits
from node.gateway.streams import AT_ONCE
from node.web.live import Live, Wanted
from novation.v1 import account_service_pb2 as account_service
from novation.v1 import chain_service_pb2 as chain_service
from novation.v1 import chain_service_pb2_grpc, state_pb2, tx_pb2
from novation.v1 import market_data_service_pb2 as market_data
from tests.helpers import builders as b
from tests.helpers.gateways import Net, network, run, until
from tests.helpers.little_engine import LittleEngine

PEOPLE = (b.ALICE, b.BOB, b.CAROL)
Side = dict[int, tuple[int, int]]


def rebuilt_book(engine: LittleEngine, market: int) -> tuple[Side, Side]:
    """Bids and asks from nothing but the open orders in the database."""
    sides: tuple[Side, Side] = ({}, {})
    for _, _, record in engine.committed.snapshot(["orders"])[1]:
        for order in state_pb2.OpenOrders.FromString(record).orders:
            if order.order_id >> 40 == market:
                side = sides[order.side == tx_pb2.SIDE_SELL]
                lots, count = side.get(order.price_quanta, (0, 0))
                side[order.price_quanta] = (lots + order.open_lots, count + 1)
    return sides


def best(side: Side, depth: int, *, is_bid: bool) -> Side:
    """The best levels of a side."""
    return {price: side[price] for price in sorted(side, reverse=is_bid)[:depth]}


def some_actions(chance: random.Random) -> list[tx_pb2.Action]:
    """A few orders around one price, cancels and replacements, so that books grow, shrink and trade."""
    actions: list[tx_pb2.Action] = []
    for _ in range(chance.randint(1, 6)):
        price = 46_000_000 + 500 * chance.randint(-8, 8)
        size, side = chance.randint(1, 9), chance.choice((b.BUY, b.SELL))
        kind = chance.random()
        if kind < 0.7:
            force = chance.choice((b.GOOD_TIL_CANCEL, b.GOOD_TIL_CANCEL, b.IMMEDIATE_OR_CANCEL, b.POST_ONLY))
            actions.append(b.place(side, price, size, market=chance.choice((b.BTC, b.ETH)), time_in_force=force,
                                   client_id=chance.randint(0, 5)))
        elif kind < 0.85:
            actions.append(b.cancel(client_id=chance.randint(1, 5)))
        elif kind < 0.95:
            actions.append(b.replace(price, size, client_id=chance.randint(1, 5)))
        else:
            actions.append(b.cancel_all())
    return actions


class Trading:
    """Random trading, block after block."""

    def __init__(self, net: Net, seed: int) -> None:
        self.net = net
        self.chance = random.Random(seed)
        self.nonce = 0

    async def block(self) -> int:
        """One block; its height."""
        self.nonce += 1
        people = self.chance.sample(PEOPLE, self.chance.randint(0, 3))
        return await self.net.commit(*(b.envelope(p, some_actions(self.chance), self.nonce) for p in people))


@pytest.mark.parametrize("depth", [0, 3])
def test_snapshot_and_deltas_are_the_book_at_every_sequence(tmp_path: Path, depth: int) -> None:
    """After each message the copy equals the book rebuilt from the committed orders of that height; a stream opened
    later tells the same.
    """
    async def work() -> None:
        async with network(tmp_path, Limits(heartbeat_seconds=0.1)) as net:
            trading, expected = Trading(net, seed=depth + 11), {}
            request = market_data.WatchBookRequest(market=b.BTC, depth=depth)
            early, copy = net.market_data.WatchBook(request), LocalBook(b.BTC)
            copy.apply(await early.read())
            for round_ in range(40):
                height = await trading.block()
                expected[height] = rebuilt_book(net.engine, b.BTC)
                if round_ == 20:
                    late, late_copy = net.market_data.WatchBook(request), LocalBook(b.BTC)
                    late_copy.apply(await late.read())
                    assert late_copy.height == height
            deltas = 0
            for stream, book in ((early, copy), (late, late_copy)):
                for message in await _read_until(stream, height):
                    deltas += book.apply(message)
                    if message.height in expected:
                        assert (book.bids, book.asks) == _top(expected[message.height], depth), message.height
                assert book.height >= height
            assert deltas > 20

    run(work())


async def _after_two_blocks(net: Net, told: AsyncIterator[Any]) -> list[Any]:
    """What a stream tells when its turn comes only after two blocks, of which the first alone has an order."""
    found = [await anext(told)]
    net.engine.run_with(b.envelope(b.ALICE, [b.buy(45_000_000, 3)], 1))
    height = net.engine.run_with().height
    await until(lambda: net.gateway.model.height >= height)
    while found[-1].height < height:
        found.append(await anext(told))
    return found


def test_the_best_levels_are_told_also_to_who_looks_late(tmp_path: Path) -> None:
    """The block that changed the book is not the newest any more, and the newest did not change it."""
    async def work() -> None:
        async with network(tmp_path, Limits(heartbeat_seconds=0.1)) as net:
            request, copy = market_data.WatchBookRequest(market=b.BTC, depth=2), LocalBook(b.BTC)
            for message in await _after_two_blocks(net, net.gateway.services.market_data._watch_top(request)):
                copy.apply(message)
            assert copy.bids == {45_000_000: (3, 1)}

    run(work())


def test_a_page_is_told_also_when_it_looks_late(tmp_path: Path) -> None:
    """The same for the page's stream: book and account."""
    async def work() -> None:
        async with network(tmp_path, Limits(heartbeat_seconds=0.1)) as net:
            alice = tx_pb2.AccountId(owner=b.ALICE.owner)
            live = Live(net.gateway.services, net.gateway._streams)
            told = await _after_two_blocks(net, live.follow(Wanted(b.BTC, alice)))
            after = b"".join(frames.data for frames in told[1:])
            assert b'"bids":[["45000000","3",1]]' in after
            assert b"event: account" in after

    run(work())


def _top(sides: tuple[Side, Side], depth: int) -> tuple[Side, Side]:
    return (best(sides[0], depth, is_bid=True), best(sides[1], depth, is_bid=False)) if depth else sides


def test_order_updates_add_up_to_the_open_orders(tmp_path: Path) -> None:
    """Snapshot, then updates: the same orders with the same open sizes as the chain holds, at every height."""
    async def work() -> None:
        async with network(tmp_path) as net:
            trading = Trading(net, seed=5)
            await trading.block()
            alice = tx_pb2.AccountId(owner=b.ALICE.owner)
            stream = net.accounts.WatchOrders(account_service.WatchOrdersRequest(account=alice))
            first = await stream.read()
            open_lots = {order.order_id: order.open_lots for order in first.snapshot.orders}
            seen = 0
            for _ in range(60):
                height = await trading.block()
                view = net.gateway.model.block(height)
                updates = view.activity.orders.get(b.ALICE.account(), [])
                if updates:
                    message = await stream.read()
                    assert message.height == height and list(message.updates.updates) == updates
                for update in updates:
                    seen += 1
                    _apply(open_lots, update)
                chain = net.engine.chain.view.orders.get(b.ALICE.account())
                held = {order.order_id: order.open_lots for order in chain.orders.values()} if chain else {}
                assert open_lots == held, height
            assert seen > 40

    run(work())


def _apply(open_lots: dict[int, int], update: account_service.OrderUpdate) -> None:
    if update.status != account_service.ORDER_STATUS_OPEN:
        open_lots.pop(update.order_id, None)
    elif update.open_lots:
        open_lots[update.order_id] = update.open_lots


def test_fills_and_trades_add_up(tmp_path: Path) -> None:
    """Read afterwards, from the first block on: fills sum to the positions; each trade is two fills."""
    async def work() -> None:
        async with network(tmp_path, Limits(heartbeat_seconds=0.1)) as net:
            trading = Trading(net, seed=6)
            for _ in range(30):
                height = await trading.block()
            lots: dict[tuple[bytes, int], int] = defaultdict(int)
            halves: dict[tuple[int, int], int] = defaultdict(int)
            for person in PEOPLE:
                account = tx_pb2.AccountId(owner=person.owner)
                request = account_service.WatchFillsRequest(account=account, after_height=1)
                for message in await _read_until(net.accounts.WatchFills(request), height):
                    for fill in message.fills.fills:
                        lots[person.account(), fill.market] += fill.size_lots if fill.side == b.BUY else -fill.size_lots
                        halves[fill.market, fill.trade_id] += 1
                positions = net.engine.chain.view.accounts.get(person.account()).positions
                for market in (b.BTC, b.ETH):
                    held = positions[market].lots if market in positions else 0
                    assert lots[person.account(), market] == held
            request = market_data.WatchTradesRequest(after_height=1)
            messages = await _read_until(net.market_data.WatchTrades(request), height)
            trades = [(t.market, t.trade_id) for message in messages for t in message.trades.trades]
            assert len(trades) > 20 and sorted(trades) == sorted(halves) and set(halves.values()) == {2}

    run(work())


async def _read_until(stream: Any, height: int) -> list[Any]:
    """Messages until the heartbeat that says that everything up to `height` was sent."""
    messages = []
    while not messages or messages[-1].height < height or not messages[-1].HasField("heartbeat"):
        messages.append(await stream.read())
    return messages


@pytest.fixture
def quick() -> Limits:
    """Heartbeats that tests can wait for, few blocks held."""
    return Limits(blocks_max=5, heartbeat_seconds=0.1)


def test_streams_resume_after_a_height_or_say_what_is_gone(tmp_path: Path, quick: Limits) -> None:
    """Inside the blocks held: all after it. Before them: a gap, or a snapshot of the orders. Far ahead: refused."""
    async def work() -> None:
        async with network(tmp_path, quick) as net:
            for nonce in range(1, 11):
                order = b.sell(46_000_000 + 500 * nonce, 1, client_id=nonce)
                height = await net.commit(b.envelope(b.ALICE, [order], nonce))
            blocks = await _read_until(_watch_blocks(net, height - 3), height)
            assert [m.block.height for m in blocks if m.HasField("block")] == [height - 2, height - 1, height]
            assert blocks[0].HasField("heartbeat") and blocks[0].height == height - 3
            gone = await _watch_blocks(net, 2).read()
            assert (gone.gap.from_height, gone.gap.to_height, gone.height) == (3, height, height)
            alice = tx_pb2.AccountId(owner=b.ALICE.owner)
            held = net.accounts.WatchOrders(account_service.WatchOrdersRequest(account=alice, after_height=height - 1))
            kinds = [message.WhichOneof("kind") for message in await _read_until(held, height)]
            assert kinds == ["heartbeat", "updates", "heartbeat"]
            lost = net.accounts.WatchOrders(account_service.WatchOrdersRequest(account=alice, after_height=2))
            assert len((await lost.read()).snapshot.orders) == 10
            ahead = _watch_blocks(net, height + 2)
            assert (await ahead.read()).HasField("heartbeat")
            for _ in range(3):
                height = await net.commit()
            assert (await _read_until(ahead, height))[-2].block.height == height
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await _watch_blocks(net, height + 1_000).read()
            assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT

    run(work())


def _watch_blocks(net: Net, after_height: int, *, with_txs: bool = False) -> Any:
    return net.chain.WatchBlocks(chain_service.WatchBlocksRequest(after_height=after_height, with_txs=with_txs))


def test_trades_resume_after_a_trade_id(tmp_path: Path) -> None:
    """Those up to it are left out, of one market only."""
    async def work() -> None:
        async with network(tmp_path, Limits(heartbeat_seconds=0.1)) as net:
            offers = [b.sell(46_000_000 + 500 * n, 1) for n in range(3)]
            await net.commit(b.envelope(b.ALICE, offers, 1))
            height = await net.commit(b.envelope(b.BOB, [b.buy(46_001_000, 3)], 1))
            first = net.gateway.model.trades[b.BTC][0].trade_id
            request = market_data.WatchTradesRequest(market=b.BTC, after_height=1, after_trade_id=first)
            messages = await _read_until(net.market_data.WatchTrades(request), height)
            assert [t.price_quanta for m in messages for t in m.trades.trades] == [46_000_500, 46_001_000]
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await net.market_data.WatchTrades(market_data.WatchTradesRequest(after_trade_id=1)).read()
            assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT

    run(work())


def test_a_quiet_stream_has_heartbeats_even_while_blocks_pass(tmp_path: Path, quick: Limits) -> None:
    """A market where nothing happens: the height of the heartbeats follows the chain, however many come in between."""
    async def work() -> None:
        async with network(tmp_path, quick) as net:
            stream = net.market_data.WatchBook(market_data.WatchBookRequest(market=b.ETH))
            assert (await stream.read()).HasField("snapshot")
            net.engine.tick(0.02)
            heights: list[int] = []
            while len(set(heights)) < 4:
                message = await stream.read()
                assert message.HasField("heartbeat")
                heights.append(message.height)
            assert heights == sorted(heights)

    run(work())


def test_a_slow_reader_is_told_where_to_resume_and_can(tmp_path: Path) -> None:
    """It stops reading while large blocks pass: it gets what was on its way, then an error with its height."""
    async def work() -> None:
        async with network(tmp_path, Limits(blocks_max=3, write_seconds=0.3)) as net:
            orders = [b.buy(45_000_000, 1, client_id=n) for n in range(1, 100)] + [b.cancel_all()]
            narrow = grpc.aio.insecure_channel(net.gateway.address, options=[  # a client that buffers little itself
                ("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 65_536)])
            slow = chain_service_pb2_grpc.ChainServiceStub(narrow).WatchBlocks(
                chain_service.WatchBlocksRequest(after_height=1, with_txs=True))
            first = await slow.read()
            assert first.HasField("heartbeat") and first.height == 1
            for nonce in range(1, 41):
                height = await net.commit(*(b.envelope(p, orders, nonce) for p in PEOPLE))
            got = [1]
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                while True:
                    got.append((await slow.read()).height)
            assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
            assert got == list(range(1, got[-1] + 1)) and got[-1] < height
            status, info = status_pb2.Status(), error_details_pb2.ErrorInfo()
            status.ParseFromString(dict(caught.value.trailing_metadata())["grpc-status-details-bin"])
            status.details[0].Unpack(info)
            assert (info.reason, int(info.metadata["last_height"])) == ("STREAM_TOO_SLOW", got[-1])
            again = _watch_blocks(net, height - 1)
            assert [m.height for m in (await again.read(), await again.read())] == [height - 1, height]
            await until(lambda: net.gateway._streams.open == 1)
            await narrow.close()

    run(work())


def test_others_have_their_turn_while_many_streams_are_told_of_a_block(tmp_path: Path) -> None:
    """Between two turns of anybody else, only a few of the waiting streams are woken."""
    async def work() -> None:
        async with network(tmp_path) as net:
            calls = [_watch_blocks(net, 0) for _ in range(10 * AT_ONCE)]
            for call in calls:
                await call.read()
            waiting = net.gateway._streams._waiting
            await until(lambda: len(waiting) == len(calls))
            woken: list[int] = []
            net.engine.run_with()
            while sum(woken) < len(calls):
                before = set(waiting)
                await asyncio.sleep(0)
                woken.append(len(before - set(waiting)))
            assert max(woken) == AT_ONCE
            heights = {(await call.read()).block.height for call in calls}
            assert heights == {net.gateway.model.height}

    run(work())


def test_what_all_streams_are_told_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five follow blocks and five the top of a book: a block is summarised once, its change worked out once."""
    made: list[str] = []
    for module, name in ((chain, "summarise"), (market_data_module, "difference")):
        make = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *given, make=make, name=name: (made.append(name), make(*given))[1])

    async def work() -> None:
        async with network(tmp_path) as net:
            request = market_data.WatchBookRequest(market=b.BTC, depth=5)
            streams = [_watch_blocks(net, 0) for _ in range(5)] + [net.market_data.WatchBook(request) for _ in range(5)]
            for stream in streams:
                await stream.read()
            for nonce in range(1, 4):
                height = await net.commit(b.envelope(b.ALICE, [b.buy(45_000_000 + 500 * nonce, 1)], nonce))
                told = [await stream.read() for stream in streams]
                assert {message.height for message in told} == {height}
                assert len({message.SerializeToString() for message in told}) == 2
            assert sorted(made) == 3 * ["difference"] + 3 * ["summarise"]

    run(work())


def test_streams_are_limited_in_number(tmp_path: Path) -> None:
    """One too many is told so, and may come back when another has ended."""
    async def work() -> None:
        async with network(tmp_path, Limits(streams_max=2)) as net:
            streams = [_watch_blocks(net, 0) for _ in range(2)]
            for stream in streams:
                await stream.read()
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await _watch_blocks(net, 0).read()
            assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
            streams[0].cancel()
            await until(lambda: net.gateway._streams.open == 1)
            assert (await _watch_blocks(net, 0).read()).HasField("heartbeat")

    run(work())


def test_after_a_hole_in_the_feed_streams_say_so(tmp_path: Path) -> None:
    """The engine comes back further on, without the blocks between: book and orders start anew, others get a gap."""
    async def work() -> None:
        async with network(tmp_path) as net:
            height = await net.commit(b.envelope(b.ALICE, [b.buy(45_000_000, 1)], 1))
            alice = tx_pb2.AccountId(owner=b.ALICE.owner)
            book = net.market_data.WatchBook(market_data.WatchBookRequest(market=b.BTC))
            top = net.market_data.WatchBook(market_data.WatchBookRequest(market=b.BTC, depth=2))
            orders = net.accounts.WatchOrders(account_service.WatchOrdersRequest(account=alice))
            fills = net.accounts.WatchFills(account_service.WatchFillsRequest(account=alice))
            for stream in (book, top, orders, fills):
                assert (await stream.read()).height == height
            net.engine.close()
            away = LittleEngine(tmp_path, socket="elsewhere.sock")
            away.run_with(b.envelope(b.ALICE, [b.buy(45_000_500, 2)], 2))
            away.run_with(b.envelope(b.BOB, [b.sell(45_000_500, 1)], 1))
            away.close()
            net.engine = LittleEngine(tmp_path)
            for stream in (book, top):
                message = await stream.read()
                assert message.WhichOneof("kind") == "snapshot" and message.sequence == height + 2
                assert [(x.price_quanta, x.size_lots) for x in message.snapshot.bids] == [
                    (45_000_500, 1), (45_000_000, 1)]
            assert len((await orders.read()).snapshot.orders) == 2
            gap = (await fills.read()).gap
            assert (gap.from_height, gap.to_height) == (height + 1, height + 2)
            net.engine.run_with(b.envelope(b.BOB, [b.sell(45_000_500, 1)], 2))
            delta = await book.read()
            assert (delta.previous_sequence, delta.sequence) == (height + 2, height + 3)
            assert (await fills.read()).fills.fills[0].size_lots == 1

    run(work())
