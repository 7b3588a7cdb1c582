"""Streams that survive: they reconnect, resume where they stood, and say so when something cannot be shown any more.

    async for book in client.watch_book("BTC-PERP"):
        print(book.best_bid, book.best_ask)

    async for item in client.watch_fills():
        if isinstance(item, Gap):
            ...   # the gateway no longer holds some blocks: ask for the account's state again
        else:
            print(item.price_quanta, item.size_lots)

A stream ends only when the caller stops reading it, or with an error that trying again cannot mend.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import grpc

from client.errors import NotAvailable, error_from_call
from novation.v1 import account_service_pb2 as account_service
from novation.v1 import chain_service_pb2 as chain_service
from novation.v1 import market_data_service_pb2 as market_data

SILENCE_SECONDS = 20.0  # gateways send a heartbeat every 5 s; silence means that the connection is dead
BACK_OFF_FIRST_SECONDS = 0.1
BACK_OFF_LAST_SECONDS = 5.0


@dataclass(slots=True, frozen=True)
class Gap:
    """Blocks from `from_height` (0: unknown) to `to_height` may hold items that nobody showed."""

    from_height: int
    to_height: int


class OutOfSequence(Exception):
    """A delta does not fit the book: something in between was lost."""


@dataclass(slots=True)
class LocalBook:
    """A copy of one market's book. Levels are (lots, orders) by price in quanta."""

    market: int
    height: int = 0
    time_ns: int = 0
    sequence: int = 0
    bids: dict[int, tuple[int, int]] = field(default_factory=dict)
    asks: dict[int, tuple[int, int]] = field(default_factory=dict)

    @property
    def best_bid(self) -> int:
        """Highest bid in quanta, 0 when there is none."""
        return max(self.bids, default=0)

    @property
    def best_ask(self) -> int:
        """Lowest ask in quanta, 0 when there is none."""
        return min(self.asks, default=0)

    def apply(self, message: market_data.WatchBookResponse) -> bool:
        """Take in one message; whether it changed the book. Raises OutOfSequence for a delta that does not follow."""
        kind = message.WhichOneof("kind")
        if kind == "snapshot":
            self.bids, self.asks = {}, {}
            _set_levels(self.bids, message.snapshot.bids)
            _set_levels(self.asks, message.snapshot.asks)
        elif message.previous_sequence != self.sequence:
            raise OutOfSequence(f"book {self.market}: {message.previous_sequence} does not follow {self.sequence}")
        elif kind == "delta":
            _set_levels(self.bids, message.delta.bids)
            _set_levels(self.asks, message.delta.asks)
        self.height, self.time_ns, self.sequence = message.height, message.time_ns, message.sequence
        return kind in ("snapshot", "delta")


def _set_levels(side: dict[int, tuple[int, int]], levels: Any) -> None:
    for level in levels:
        if level.size_lots:
            side[level.price_quanta] = (level.size_lots, level.orders)
        else:
            side.pop(level.price_quanta, None)


async def resume(open_call: Callable[[int], Any], after_height: int = 0, *,
                 silence_seconds: float = SILENCE_SECONDS) -> AsyncIterator[Any]:
    """Messages of a stream, reopened after whatever height was reached whenever it breaks.

    `open_call(after_height)` makes the gRPC call. Raises NovationError when trying again cannot help.
    """
    height, delay = after_height, BACK_OFF_FIRST_SECONDS
    while True:
        call = open_call(height)
        try:
            while True:
                async with asyncio.timeout(silence_seconds):
                    message = await call.read()
                if message is grpc.aio.EOF:
                    break  # the gateway stopped in good order
                yield message
                height, delay = max(height, message.height), BACK_OFF_FIRST_SECONDS
        except TimeoutError:
            pass  # silent for too long
        except grpc.aio.AioRpcError as error:
            if not worth_retrying(error):
                raise error_from_call(error) from None
        finally:
            call.cancel()
        await asyncio.sleep(delay * random.uniform(0.5, 1.0))
        delay = min(2 * delay, BACK_OFF_LAST_SECONDS)


def worth_retrying(error: grpc.aio.AioRpcError) -> bool:
    """Whether the same call may succeed later: the gateway is away, starting, busy, or found us too slow."""
    if error.code() in (grpc.StatusCode.CANCELLED, grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL):
        return True  # the connection broke in the middle, or the gateway did
    return isinstance(error_from_call(error), NotAvailable)


async def books(open_call: Callable[[], Any], market: int) -> AsyncIterator[LocalBook]:
    """The book after each change. It is one object, brought up to date: copy what you keep."""
    while True:
        book = LocalBook(market)
        messages = resume(lambda _: open_call())
        try:
            async for message in messages:
                if book.apply(message):
                    yield book
        except OutOfSequence:
            continue  # a new stream begins with a snapshot
        finally:
            await messages.aclose()  # type: ignore[attr-defined]


async def trades(open_call: Callable[[int], Any], after_height: int) -> AsyncIterator[market_data.Trade | Gap]:
    """Trades in order, with a Gap where some may be missing."""
    async for message in resume(open_call, after_height):
        if message.HasField("gap"):
            yield Gap(message.gap.from_height, message.gap.to_height)
        for trade in message.trades.trades:
            yield trade


async def fills(open_call: Callable[[int], Any], after_height: int) -> AsyncIterator[account_service.AccountFill | Gap]:
    """The account's fills in order, with a Gap where some may be missing."""
    async for message in resume(open_call, after_height):
        if message.HasField("gap"):
            yield Gap(message.gap.from_height, message.gap.to_height)
        for fill in message.fills.fills:
            yield fill


async def cash(open_call: Callable[[int], Any], after_height: int) -> AsyncIterator[account_service.CashChange | Gap]:
    """Every change of the account's cash in order, with a Gap where some may be missing."""
    async for message in resume(open_call, after_height):
        if message.HasField("gap"):
            yield Gap(message.gap.from_height, message.gap.to_height)
        for change in message.changes.changes:
            yield change


async def orders(open_call: Callable[[int], Any], after_height: int,
                 ) -> AsyncIterator[account_service.OrdersSnapshot | account_service.OrderUpdate]:
    """All open orders at first, and again after a hole; then each update in order."""
    async for message in resume(open_call, after_height):
        if message.HasField("snapshot"):
            yield message.snapshot
        for update in message.updates.updates:
            yield update


async def blocks(open_call: Callable[[int], Any], after_height: int) -> AsyncIterator[chain_service.BlockSummary | Gap]:
    """Every block in order, with a Gap where some are missing."""
    async for message in resume(open_call, after_height):
        if message.HasField("gap"):
            yield Gap(message.gap.from_height, message.gap.to_height)
        elif message.HasField("block"):
            yield message.block
