"""The book in memory: an index over the open orders, sorted by price, then priority. Rebuilt from records at start."""

from bisect import bisect_left, insort
from collections.abc import Iterator

from app.book.types import BUY, Order


class Level:
    """The orders of one price. `queue` holds their priorities, ascending; an order is found and taken out of the
    longest queue in a moment, and an undone removal goes back to its own place as fast.
    """

    __slots__ = ("orders", "queue")

    def __init__(self) -> None:
        self.queue: list[int] = []
        self.orders: dict[int, Order] = {}


class BookSide:
    """One side of one book.

    `ranks` are the prices with the best one last: as they are for bids, negated for asks.
    """

    __slots__ = ("impact", "levels", "ranks", "sign")

    def __init__(self, side: int) -> None:
        self.sign = 1 if side == BUY else -1
        self.ranks: list[int] = []
        self.levels: dict[int, Level] = {}
        self.impact: tuple[int, int] | None = None  # (notional, its impact price) until the side changes (FUND-004)

    def insert(self, order: Order) -> None:
        """Add an order at the place of its priority: behind all others of its price, unless it comes back."""
        self.impact = None
        level = self.levels.get(order.price_quanta)
        if level is None:
            level = self.levels[order.price_quanta] = Level()
            insort(self.ranks, self.sign * order.price_quanta)
        priority, queue = order.priority, level.queue
        level.orders[priority] = order
        if queue and queue[-1] > priority:
            insort(queue, priority)
        else:
            queue.append(priority)

    def remove(self, order: Order) -> None:
        """Take an order out."""
        self.impact = None
        price, priority = order.price_quanta, order.priority
        level = self.levels[price]
        del level.orders[priority]
        queue = level.queue
        del queue[0 if queue[0] == priority else bisect_left(queue, priority)]
        if not queue:
            del self.levels[price]
            rank = self.sign * price
            if self.ranks[-1] == rank:
                self.ranks.pop()
            else:
                del self.ranks[bisect_left(self.ranks, rank)]

    def replace(self, order: Order) -> None:
        """Put a changed order where the one with its price and priority stands."""
        self.impact = None
        self.levels[order.price_quanta].orders[order.priority] = order

    def best_first(self) -> Iterator[Order]:
        """All orders, best price first, then by priority. The side must not change meanwhile."""
        for rank in reversed(self.ranks):
            level = self.levels[self.sign * rank]
            orders = level.orders
            for priority in level.queue:
                yield orders[priority]

    def sweep(self, again: list[Order]) -> Iterator[Order]:
        """As `best_first`; orders that the caller adds to `again` meanwhile come at the end of the present level."""
        for rank in reversed(self.ranks):
            level = self.levels[self.sign * rank]
            orders = level.orders
            for priority in level.queue:
                yield orders[priority]
            if again:
                yield from again  # which grows meanwhile
                again.clear()

    def best_price(self) -> int:
        """The best price in quote quanta a lot, or 0 when the side is empty."""
        return self.sign * self.ranks[-1] if self.ranks else 0


class MarketBook:
    """Both sides of one market."""

    __slots__ = ("asks", "bids", "immediate")

    def __init__(self) -> None:
        self.bids = BookSide(1)
        self.asks = BookSide(2)
        self.immediate: list[tuple[bytes, int]] = []  # (account, order id) that go when the block is over

    def side(self, side: int) -> BookSide:
        """The side that orders of `side` rest on."""
        return self.bids if side == BUY else self.asks

    def opposite(self, side: int) -> BookSide:
        """The side that orders of `side` trade against."""
        return self.asks if side == BUY else self.bids
