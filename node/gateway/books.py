"""A market's book as the public sees it: lots and number of orders at each price."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from novation.v1 import market_data_service_pb2 as market_data
from novation.v1 import state_pb2, tx_pb2

Levels = dict[int, tuple[int, int]]
"""price in quanta -> (lots, orders)"""


@dataclass(slots=True)
class BookLevels:
    """Both sides of one book. `sequence` is the height of the last block that changed it."""

    sequence: int = 0
    bids: Levels = field(default_factory=dict)
    asks: Levels = field(default_factory=dict)
    changed_bids: set[int] = field(default_factory=set)  # prices touched since the last delta
    changed_asks: set[int] = field(default_factory=set)

    def add(self, order: state_pb2.Order, sign: int) -> None:
        """Put an order in (`sign` 1) or take it out (`sign` -1): what it shows (BOOK-016)."""
        is_bid = order.side == tx_pb2.SIDE_BUY
        side = self.bids if is_bid else self.asks
        lots, count = side.get(order.price_quanta, (0, 0))
        if count + sign:
            side[order.price_quanta] = (lots + sign * (order.open_lots - order.hidden_lots), count + sign)
        else:
            side.pop(order.price_quanta, None)
        (self.changed_bids if is_bid else self.changed_asks).add(order.price_quanta)

    def best_bid(self) -> int:
        """Highest price somebody would pay, 0 when nobody would."""
        return max(self.bids, default=0)

    def best_ask(self) -> int:
        """Lowest price somebody would sell at, 0 when nobody would."""
        return min(self.asks, default=0)

    def take_delta(self) -> market_data.Book:
        """The levels touched since the last call, in their present state; a level that is gone has no lots."""
        delta = market_data.Book(bids=_levels(self.bids, self.changed_bids), asks=_levels(self.asks, self.changed_asks))
        self.changed_bids.clear()
        self.changed_asks.clear()
        return delta

    def view(self, depth: int) -> market_data.Book:
        """The best `depth` levels of each side, best first; 0 means all."""
        top = self.top(depth)
        return market_data.Book(bids=_levels(top.bids, top.bids), asks=_levels(top.asks, top.asks))

    def top(self, depth: int) -> BookLevels:
        """A copy with only the best `depth` levels of each side, best first; 0 means all."""
        bids = sorted(self.bids, reverse=True)[:depth or None]
        asks = sorted(self.asks)[:depth or None]
        return BookLevels(self.sequence, {p: self.bids[p] for p in bids}, {p: self.asks[p] for p in asks})


def difference(before: BookLevels, after: BookLevels) -> market_data.Book:
    """The delta that makes `after` of `before`; empty when they are equal."""
    return market_data.Book(bids=_levels(after.bids, _changed(before.bids, after.bids)),
                            asks=_levels(after.asks, _changed(before.asks, after.asks)))


def _changed(before: Levels, after: Levels) -> Iterator[int]:
    for price, level in after.items():
        if before.get(price) != level:
            yield price
    for price in before:
        if price not in after:
            yield price


def _levels(side: Levels, prices: Iterable[int]) -> list[market_data.Level]:
    found = []
    for price in prices:
        lots, count = side.get(price, (0, 0))
        found.append(market_data.Level(price_quanta=price, size_lots=lots, orders=count))
    return found
