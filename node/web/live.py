"""What a page follows: one stream of server-sent events with everything that moves, made once a block for all readers.

Each message carries `id: HEIGHT`. A browser that lost its connection sends the last one back and gets the trades and
fills of every block since; book, prices and account come whole. Events: begin, block, markets, prices, trades, book,
account, fills, gap, end. One whose height is far beyond the chain's knew another chain: it begins anew.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from node.gateway.activity import account_key
from node.gateway.chain import summarise
from node.gateway.errors import market_not_found, not_ready
from node.gateway.model import BlockView, ReadModel
from node.gateway.oracle import price_of
from node.gateway.services import Services
from node.gateway.streams import AHEAD_MAX, Quiet, Rebuilt, Streams
from node.web.plain import compact, plain
from novation.v1 import account_service_pb2 as account_service
from novation.v1 import tx_pb2

DEPTH = 40  # levels of each side of the book
ACCOUNT_NS = 1_000_000_000  # an account whose positions only move in value is shown anew after so long
FILLS_MAX = 200  # of an account and block
TRADES_MAX = 200  # of a market and block


@dataclass(slots=True)
class Frames:
    """Events that are written together; `height` is that of the last."""

    height: int
    data: bytes


@dataclass(slots=True, frozen=True)
class Wanted:
    """What one reader follows: a market (0: none), an account (None: none), and blocks after a height."""

    market: int = 0
    account: tx_pb2.AccountId | None = None
    after_height: int = 0


def frame(event: str, body: Any, height: int) -> bytes:
    """One event on the wire."""
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (height, event.encode(), compact(body))


class Live:
    """Makes the messages of all readers."""

    def __init__(self, services: Services, streams: Streams) -> None:
        self._services = services
        self._model: ReadModel = services.model
        self._streams = streams

    async def follow(self, wanted: Wanted) -> AsyncIterator[Frames]:
        """The messages of one reader. Raises CallError."""
        if not self._model.height:
            raise not_ready()
        if wanted.market and wanted.market not in self._model.markets:
            raise market_not_found(wanted.market)
        key = account_key(wanted.account) if wanted.account else b""
        first, shown_ns = True, 0
        book_owed = account_owed = False  # what changed while a later block was in the model already
        known = wanted.after_height <= self._model.height + AHEAD_MAX
        async for step in self._streams.follow(wanted.after_height if known else 0):
            if first or isinstance(step, Rebuilt):
                first, shown_ns, book_owed, account_owed = False, self._model.time_ns, False, False
                data = self._beginning(step, wanted) + await self._account(wanted, step.height)
            elif isinstance(step, Quiet):
                data = frame("beat", {"time_ns": str(step.time_ns)}, step.height)
            else:
                newest = step.height == self._model.height
                data = self._block(step) + (self._trades(step, wanted.market) if wanted.market else b"")
                book_owed = book_owed or wanted.market in step.book_deltas
                if book_owed and newest:
                    data, book_owed = data + self._book_once(step, wanted.market), False
                if touched := bool(key) and (key in step.activity.orders or key in step.activity.fills
                                             or key in step.activity.triggers or key in step.cash):
                    data += self._fills(step, key)
                account_owed = account_owed or touched
                if key and newest and (account_owed or (step.marks and step.time_ns - shown_ns >= ACCOUNT_NS)):
                    data, shown_ns = data + await self._account(wanted, step.height), step.time_ns
                    account_owed = False
            yield Frames(step.height, data)

    def _beginning(self, step: BlockView | Rebuilt | Quiet, wanted: Wanted) -> bytes:
        """Where the stream stands, and what is whole: prices and the book."""
        model = self._model
        data = frame("begin", {"time_ns": str(model.time_ns), "model_height": str(model.height),
                               "chain_id": model.params.chain_id}, step.height)
        if isinstance(step, Rebuilt):
            data += frame("gap", plain(step.gap), step.height)
        prices = [plain(price_of(market, model.mark(market))) for market in sorted(model.markets)]
        data += frame("prices", {"prices": prices}, step.height)
        return data + (self._book(wanted.market, step.height) if wanted.market else b"")

    def _block(self, view: BlockView) -> bytes:
        """The block, the markets that came, changed or went with it, and the prices that it changed, for everybody."""
        def make() -> bytes:
            data = frame("block", plain(summarise(view, with_txs=False)), view.height)
            if view.markets:
                data += frame("markets", {"markets": view.markets}, view.height)
            if view.marks:
                prices = [plain(price_of(market, mark)) for market, mark in view.marks.items()]
                data += frame("prices", {"prices": prices}, view.height)
            return data
        return self._model.once(view, "page block", make)

    def _trades(self, view: BlockView, market: int) -> bytes:
        """Trades of the block."""
        def make() -> bytes:
            rows = [plain(trade) for trade in view.trades if trade.market == market][-TRADES_MAX:]
            return frame("trades", {"trades": rows}, view.height) if rows else b""
        return self._model.once(view, ("page trades", market), make)

    def _book_once(self, view: BlockView, market: int) -> bytes:
        """The book after the newest block."""
        return self._model.once(view, ("page book", market), lambda: self._book(market, view.height))

    def _book(self, market: int, height: int) -> bytes:
        """The best levels: [price, lots, orders] each."""
        book = self._model.book(market).view(DEPTH)
        sides = {name: [[str(level.price_quanta), str(level.size_lots), level.orders] for level in side]
                 for name, side in (("bids", book.bids), ("asks", book.asks))}
        return frame("book", {"market": market, **sides}, height)

    def _fills(self, view: BlockView, key: bytes) -> bytes:
        rows = [plain(fill) | {"time_ns": str(view.time_ns)} for fill in view.activity.fills.get(key, ())]
        return frame("fills", {"fills": rows[-FILLS_MAX:]}, view.height) if rows else b""

    async def _account(self, wanted: Wanted, height: int) -> bytes:
        """The whole account, as the services tell it; written as of `height`, from where a reader would resume."""
        if wanted.account is None:
            return b""
        service: Any = self._services.account
        now = await type(service).GetAccount.__wrapped__(
            service, account_service.GetAccountRequest(account=wanted.account), None)
        orders = await type(service).GetOrders.__wrapped__(
            service, account_service.GetOrdersRequest(account=wanted.account), None)
        body = {"account": plain(now), "orders": plain(orders)}
        return frame("account", body, height)
