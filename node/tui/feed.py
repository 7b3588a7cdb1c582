"""What keeps the view true: streams of market, account and chain, and short questions for what has no stream.

Streams resume by themselves (client/streams.py); a gateway that is away is noticed by the question that is asked every
second, and said. Each `follow_…` runs until it is cancelled and raises nothing that a gateway can cause.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any

from client.client import NovationClient
from client.errors import NotAvailable, NovationError, RequestTimeout
from client.streams import Gap
from node.comet.rpc import AsyncCometRpc, RpcError, RpcUnreachable
from node.tui.problems import problem_text
from node.tui.view import LIVE, LOST, RESUMING, View
from node.tui.words import SIDES, price_text, size_text
from novation.v1 import account_service_pb2 as account_service

ASK_SECONDS = 1.0  # between two questions about the status
ANSWER_SECONDS = 3.0
SLOW_SECONDS = 2.0  # between two questions about market, oracle and account when nothing happens
FAST_SECONDS = 0.2  # between two about the account when much happens
PEERS_SECONDS = 5.0
AGAIN_SECONDS = 1.0
BOOK_DEPTH = 200
TRADES = 1_000


class Feed:
    """Follows for one view. `changed` is called after every change; `anew` when the chain is another than before."""

    def __init__(self, client: NovationClient, view: View, changed: Callable[[], None],
                 anew: Callable[[], None]) -> None:
        self.client = client
        self.view = view
        self._changed = changed
        self._anew = anew
        self._account_moved = asyncio.Event()
        self._said: dict[str, str] = {}  # by what is followed: the trouble that was told

    async def follow_market(self) -> None:
        """Book, trades, prices and terms of the view's market."""
        await self._all(self._book, self._trades, self._prices, self._summary)

    async def follow_account(self) -> None:
        """Money, positions, orders and fills of the client's account."""
        await self._all(self._orders, self._fills, self._account)

    async def follow_node(self, rpc: str = "") -> None:
        """Status, blocks, votes; with the address of CometBFT's RPC its peers too."""
        works = [self._status, self._blocks, self._oracle]
        if rpc:
            works.append(lambda: self._peers(rpc))
        await self._all(*works)

    def account_moved(self) -> None:
        """Ask about the account now: something of its own has happened."""
        self._account_moved.set()

    async def _all(self, *works: Callable[[], Awaitable[None]]) -> None:
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(self._keep(work))

    async def _keep(self, work: Callable[[], Awaitable[None]]) -> None:
        """`work` for ever: begun again when it ends, and when it fails, which is said once."""
        name = getattr(work, "__name__", "")
        while True:
            try:
                await work()
                self._said.pop(name, None)
            except NotAvailable:
                pass  # `_status` notices and says so
            except NovationError as error:
                text = problem_text(error)
                if self._said.get(name) != text:
                    self._said[name] = text
                    self._say(text, "bad")
            await asyncio.sleep(AGAIN_SECONDS)

    def _say(self, text: str, kind: str) -> None:
        self.view.say(text, kind)
        self._changed()

    # The market.

    async def _book(self) -> None:
        async with aclosing(self.client.watch_book(self.view.info.market, BOOK_DEPTH)) as books:
            async for book in books:
                self.view.book = book
                if self.view.link.state == RESUMING:
                    self._live()
                self._changed()

    async def _trades(self) -> None:
        """Trades so far, then each; all anew after a hole."""
        view, market = self.view, self.view.info.market
        height = (await self.client.status()).height
        found = (await self.client.trades(market, TRADES))[::-1]
        view.trades.clear()
        view.candles.forget(market)
        self._take_trades(found)
        last = found[-1].trade_id if found else 0
        async with aclosing(self.client.watch_trades(market, height)) as trades:
            async for trade in trades:
                if isinstance(trade, Gap):
                    return
                if trade.trade_id > last:
                    last = trade.trade_id
                    self._take_trades([trade])

    def _take_trades(self, trades: list[Any]) -> None:
        self.view.trades.extend(trades)
        self.view.candles.add(trades)
        self._changed()

    async def _prices(self) -> None:
        async with aclosing(self.client.watch_prices(self.view.info.market)) as prices:
            async for price in prices:
                self.view.price = price
                self._changed()

    async def _summary(self) -> None:
        while True:
            self.view.summary = await self.client.summary(self.view.info.market)
            self._changed()
            await asyncio.sleep(SLOW_SECONDS)

    # The account.

    async def _orders(self) -> None:
        async with aclosing(self.client.watch_orders()) as updates:
            async for _ in updates:
                self._account_moved.set()

    async def _fills(self) -> None:
        async with aclosing(self.client.watch_fills()) as fills:
            async for fill in fills:
                self._account_moved.set()
                if not isinstance(fill, Gap) and not fill.is_taker:  # what took is told by whoever sent it
                    await self._tell_fill(fill)

    async def _tell_fill(self, fill: account_service.AccountFill) -> None:
        info = await self.client.find(fill.market)
        self._say(f"Filled while resting: {SIDES.get(fill.side, '?')} {size_text(info, fill.size_lots)} {info.symbol} "
                  f"at {price_text(info, fill.price_quanta)}.", "good")

    async def _account(self) -> None:
        """Ask whenever something happened, and now and then: marks move too."""
        client, view = self.client, self.view
        while True:
            self._account_moved.clear()
            account, found = await client.account(), await client.own_orders()
            risk = (await client.risk()).before if account.positions else None
            view.account, view.risk = account, risk
            view.orders, view.triggers = list(found.orders), list(found.triggers)
            await self._know_markets()
            self._changed()
            await asyncio.sleep(FAST_SECONDS)
            try:
                async with asyncio.timeout(SLOW_SECONDS):
                    await self._account_moved.wait()
            except TimeoutError:
                pass

    async def _know_markets(self) -> None:
        """Series of options come and go: learn those that the account has something in."""
        view = self.view
        wanted = {one.position.market for one in view.account.positions} if view.account else set()
        wanted |= {one.order_id >> 40 for one in view.orders} | {one.trigger_id >> 40 for one in view.triggers}
        for market in wanted - view.infos.keys():
            view.infos[market] = await self.client.find(market)

    # The node.

    async def _status(self) -> None:
        while True:
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    status = await self.client.status()
                    if self.view.link.state == LOST:
                        await self.client.connect(ANSWER_SECONDS)  # parameters, markets, nonces may be others now
            except (NovationError, TimeoutError) as error:
                self._lost(error)
            else:
                before, self.view.status = self.view.status, status
                if self.view.link.state == LOST:
                    self.view.link.state = RESUMING
                    self._account_moved.set()
                if before is not None and (status.height < before.height or status.chain_id != before.chain_id):
                    self._anew()
            self._changed()
            await asyncio.sleep(ASK_SECONDS)

    def _lost(self, error: Exception) -> None:
        link = self.view.link
        if link.state == LIVE:
            link.since = time.monotonic()
            problem = error if isinstance(error, NovationError) else RequestTimeout("NO_ANSWER", "no answer in time")
            self._say(problem_text(problem), "bad")
        link.state, link.why = LOST, getattr(error, "reason", "no answer")

    def _live(self) -> None:
        """The book came again: what is shown is true."""
        link = self.view.link
        link.state = LIVE
        height = self.view.status.height if self.view.status else 0
        self._say(f"Connected again after {time.monotonic() - link.since:.0f} s: resumed at block {height:,}.", "good")

    async def _blocks(self) -> None:
        async with aclosing(self.client.watch_blocks()) as blocks:
            async for block in blocks:
                if isinstance(block, Gap):
                    self.view.blocks.clear()
                else:
                    self.view.blocks.append(block)
                self._changed()

    async def _oracle(self) -> None:
        while True:
            self.view.oracle = await self.client.oracle()
            self._changed()
            await asyncio.sleep(SLOW_SECONDS)

    async def _peers(self, rpc: str) -> None:
        async with AsyncCometRpc(rpc) as comet:
            while True:
                try:
                    self.view.peers = await comet.peers()
                except (RpcError, RpcUnreachable):
                    self.view.peers = None
                await asyncio.sleep(PEERS_SECONDS)
