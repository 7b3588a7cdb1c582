"""What the gateway knows: committed records, books, recent trades, blocks and transactions, at one height.

Everything here follows from the feed alone. One task writes (`load`, `apply`), everything runs on one event loop, so
that between two awaits a reader always sees one height.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from app.context import Context
from app.registry import TABLES
from node.gateway.activity import Activity, derive_activity, trades_of
from node.gateway.books import BookLevels
from node.gateway.cash import Changes, cash_changes
from node.gateway.fork import fork_of
from novation.v1 import feed_pb2, state_pb2
from novation.v1 import market_data_service_pb2 as market_data

DOMAINS = tuple(TABLES)
BLOCKS_MAX = 256
BLOCK_BYTES_MAX = 48 * 1024 * 1024  # of all blocks held, as they came over the link
TRADES_MAX = 1000  # held for each market
Made = TypeVar("Made")


class BlockView:
    """One committed block and what the streams need of it."""

    def __init__(self, block: feed_pb2.CommittedBlock) -> None:
        """The block loses its record changes: they belong into the model. Kept are the marks that it set, and
        the numbers of markets that came, changed or went."""
        self.size_bytes = block.ByteSize()
        self.marks = {int.from_bytes(change.key, "big"): state_pb2.MarkPrice.FromString(change.value)
                      for change in block.changes if change.domain == "marks" and not change.deleted}
        self.markets = [int.from_bytes(change.key, "big") for change in block.changes if change.domain == "markets"]
        block.ClearField("changes")
        self.block = block
        self.height = block.height
        self.time_ns = block.time_ns
        self.book_deltas: dict[int, market_data.WatchBookResponse] = {}  # market -> the delta of the whole book
        self.trades: list[market_data.Trade] = trades_of(block)

    @cached_property
    def activity(self) -> Activity:
        """Order updates and fills by account; worked out only when somebody watches."""
        return derive_activity(self.block)

    @cached_property
    def cash(self) -> Changes:
        """Every change of cash by account; worked out only when somebody watches."""
        return cash_changes(self.block)


@dataclass(slots=True)
class _Records:
    """Committed records, decoded where every query would decode them."""

    params: state_pb2.Params = field(default_factory=state_pb2.Params)
    markets: dict[int, state_pb2.Market] = field(default_factory=dict)
    totals: dict[int, state_pb2.MarketTotals] = field(default_factory=dict)
    marks: dict[int, state_pb2.MarkPrice] = field(default_factory=dict)
    book_states: dict[int, state_pb2.BookState] = field(default_factory=dict)
    raw: dict[str, dict[bytes, bytes]] = field(default_factory=lambda: {name: {} for name in DOMAINS})  # as stored
    books: dict[int, BookLevels] = field(default_factory=dict)


class ReadModel:
    """The gateway's memory. `height` is 0 until the first snapshot."""

    def __init__(self, blocks_max: int = BLOCKS_MAX) -> None:
        self.height = 0
        self.time_ns = 0
        self.app_hash = b""
        self.listings = 0  # grows as a market comes, changes or goes
        self.generation = 0  # grows when the model is rebuilt from a snapshot: streams cannot simply go on
        self.blocks: deque[BlockView] = deque()
        self.trades: dict[int, deque[market_data.Trade]] = {}
        self.txs: dict[bytes, tuple[BlockView, int]] = {}  # hash -> block and index
        self.on_block: Callable[[BlockView], None] | None = None
        self.blocks_max = blocks_max
        self._blocks_bytes = 0
        self._records = _Records()
        self._moved = asyncio.Event()
        self._frozen: tuple[tuple[int, int], dict[str, dict[bytes, bytes]]] = ((0, 0), {})
        self._made: dict[Hashable, Any] = {}  # of the newest block, for all streams

    # Writing: the task that follows the feed.

    def load(self, snapshot: feed_pb2.Snapshot, records: Iterable[feed_pb2.RecordChange],
             history: Sequence[feed_pb2.CommittedBlock] = ()) -> None:
        """Start over from a complete snapshot; `history` are the consecutive blocks up to its height."""
        self._records = _Records()
        self.blocks.clear()
        self.txs.clear()
        self.trades.clear()
        self._blocks_bytes = 0
        for record in records:
            self._set_record(record)
        for book in self._records.books.values():
            book.sequence = snapshot.height
            book.changed_bids.clear()
            book.changed_asks.clear()
        for block in history:
            self._keep(BlockView(block))
        self.generation += 1
        self._advance(snapshot.height, snapshot.time_ns, snapshot.app_hash)

    def forget(self) -> None:
        """Height 0 again: what comes next is a snapshot, whatever was known. For a chain that went back."""
        self.height = 0

    def apply(self, block: feed_pb2.CommittedBlock) -> None:
        """The next block. Raises ValueError when it is not the next."""
        if block.height != self.height + 1:
            raise ValueError(f"block {block.height} does not follow {self.height}")
        for change in block.changes:
            self._set_record(change)
        view = BlockView(block)
        self._note_books(view)
        self._keep(view)
        self._advance(block.height, block.time_ns, block.app_hash)
        if self.on_block is not None:
            self.on_block(view)

    def _advance(self, height: int, time_ns: int, app_hash: bytes) -> None:
        self.height, self.time_ns, self.app_hash = height, time_ns, app_hash
        self._made.clear()
        self.wake()

    def wake(self) -> None:
        """Let everyone who waits look again."""
        self._moved.set()
        self._moved = asyncio.Event()

    def _keep(self, view: BlockView) -> None:
        """Hold a block, with its trades and transactions, and let the oldest go."""
        for trade in view.trades:
            if trade.market not in self.trades:
                self.trades[trade.market] = deque(maxlen=TRADES_MAX)
            self.trades[trade.market].append(trade)
        for index, tx in enumerate(view.block.txs):
            self.txs[tx.hash] = (view, index)
        self.blocks.append(view)
        self._blocks_bytes += view.size_bytes
        while len(self.blocks) > self.blocks_max or (self._blocks_bytes > BLOCK_BYTES_MAX and len(self.blocks) > 1):
            old = self.blocks.popleft()
            self._blocks_bytes -= old.size_bytes
            for tx in old.block.txs:
                self.txs.pop(tx.hash, None)

    def _note_books(self, view: BlockView) -> None:
        for market, book in self._records.books.items():
            if book.changed_bids or book.changed_asks:
                view.book_deltas[market] = market_data.WatchBookResponse(
                    height=view.height, time_ns=view.time_ns, market=market, sequence=view.height,
                    previous_sequence=book.sequence, delta=book.take_delta())
                book.sequence = view.height

    def _set_record(self, change: feed_pb2.RecordChange) -> None:
        records, domain, key, value = self._records, change.domain, change.key, change.value
        if domain == "orders":
            self._set_orders(key, value)
        self.listings += domain == "markets"
        raw = records.raw.setdefault(domain, {})
        if change.deleted:
            raw.pop(key, None)
            self._forget(domain, key)
            return
        raw[key] = value
        if domain == "params":
            records.params = state_pb2.Params.FromString(value)
        elif domain == "markets":
            records.markets[int.from_bytes(key, "big")] = state_pb2.Market.FromString(value)
        elif domain == "marks":
            records.marks[int.from_bytes(key, "big")] = state_pb2.MarkPrice.FromString(value)
        elif domain == "totals":
            records.totals[int.from_bytes(key, "big")] = state_pb2.MarketTotals.FromString(value)
        elif domain == "books":
            records.book_states[int.from_bytes(key, "big")] = state_pb2.BookState.FromString(value)

    def _forget(self, domain: str, key: bytes) -> None:
        """A record is no more; of a market that goes nothing stays."""
        records = self._records
        by_market = {"markets": records.markets, "marks": records.marks, "totals": records.totals,
                     "books": records.book_states}
        if domain in by_market:
            by_market[domain].pop(int.from_bytes(key, "big"), None)
        if domain == "markets":
            records.books.pop(int.from_bytes(key, "big"), None)
            self.trades.pop(int.from_bytes(key, "big"), None)

    def _set_orders(self, key: bytes, value: bytes) -> None:
        """Move the books from the account's old open orders to its new ones, touching only those that differ."""
        before, after = split_orders(self._records.raw["orders"].get(key, b"")), split_orders(value)
        for raw in before - after:
            self._add_to_book(raw, -1)
        for raw in after - before:
            self._add_to_book(raw, 1)

    def _add_to_book(self, raw: bytes, sign: int) -> None:
        order = state_pb2.Order.FromString(raw)
        market = order.order_id >> 40
        book = self._records.books.get(market)
        if book is None:
            book = self._records.books[market] = BookLevels(sequence=self.height)
        book.add(order, sign)

    # Reading.

    async def moved(self) -> None:
        """Returns at the next block or snapshot."""
        await self._moved.wait()

    async def reached(self, height: int) -> None:
        """Returns once the model stands at `height` or beyond."""
        while self.height < height:
            await self._moved.wait()

    @property
    def params(self) -> state_pb2.Params:
        """The chain's parameters."""
        return self._records.params

    @property
    def markets(self) -> dict[int, state_pb2.Market]:
        """All markets by number."""
        return self._records.markets

    def mark(self, market: int) -> state_pb2.MarkPrice:
        """The mark price; all zero when none was set."""
        return self._records.marks.get(market) or state_pb2.MarkPrice()

    def totals(self, market: int) -> state_pb2.MarketTotals:
        """A market's totals."""
        return self._records.totals.get(market) or state_pb2.MarketTotals()

    def book_state(self, market: int) -> state_pb2.BookState:
        """A book's counters."""
        return self._records.book_states.get(market) or state_pb2.BookState()

    def book(self, market: int) -> BookLevels:
        """A market's book; empty, with the present height as its sequence, when nobody ever quoted."""
        book = self._records.books.get(market)
        if book is None:
            book = self._records.books[market] = BookLevels(sequence=self.height)
        return book

    def account(self, key: bytes) -> state_pb2.Account | None:
        """An account's record, None when there is none."""
        raw = self._records.raw["accounts"].get(key)
        return None if raw is None else state_pb2.Account.FromString(raw)

    def orders(self, key: bytes) -> state_pb2.OpenOrders:
        """An account's open orders."""
        return state_pb2.OpenOrders.FromString(self._records.raw["orders"].get(key, b""))

    def triggers(self, key: bytes) -> state_pb2.Triggers:
        """An account's triggers."""
        return state_pb2.Triggers.FromString(self._records.raw["triggers"].get(key, b""))

    def record(self, table: str, key: bytes) -> bytes | None:
        """A record as it is stored, None when there is none."""
        return self._records.raw[table].get(key)

    def records(self, table: str) -> Mapping[bytes, bytes]:
        """All records of a table as they are stored."""
        return self._records.raw[table]

    def fork(self) -> Context:
        """The state machine's own context over the records of the present height, for one question."""
        return fork_of(self._records.raw, self.height, self.time_ns)

    def frozen_records(self) -> dict[str, dict[bytes, bytes]]:
        """All records of the present height, in dicts of their own that no later block changes: nor may the caller."""
        at = self.generation, self.height
        if self._frozen[0] != at:
            self._frozen = at, {name: records.copy() for name, records in self._records.raw.items()}
        return self._frozen[1]

    def once(self, view: BlockView, what: Hashable, make: Callable[[], Made]) -> Made:
        """What `make` makes of a block: once for all who ask while it is the newest. Nobody may change it."""
        if view.height != self.height:
            return make()
        if what not in self._made:
            self._made[what] = make()
        made: Made = self._made[what]
        return made

    def block(self, height: int) -> BlockView | None:
        """A recent block, None when it is not held."""
        if not self.blocks or not self.blocks[0].height <= height <= self.height:
            return None
        return self.blocks[height - self.blocks[0].height]

    def holds_after(self, height: int) -> bool:
        """Whether every block from `height + 1` to the present one is held."""
        oldest = self.blocks[0].height if self.blocks else self.height + 1
        return oldest <= height + 1 <= self.height + 1


def split_orders(record: bytes) -> set[bytes]:
    """The encoded orders in an OpenOrders record, without decoding them.

    A record is a row of orders, each a tag, a length below 128 and the order; an order is at most 60 bytes.
    """
    found, position, end = set(), 0, len(record)
    while position < end:
        if record[position] != 0x0A or position + 1 >= end or record[position + 1] >= 0x80:
            return {order.SerializeToString() for order in state_pb2.OpenOrders.FromString(record).orders}
        start = position + 2
        position = start + record[position + 1]
        found.add(record[start:position])
    return found
