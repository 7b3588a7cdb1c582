"""The book in memory: an index over the open orders, sorted by price, then priority. Rebuilt from records at start."""

from bisect import bisect_left, insort
from collections.abc import Iterator

from app.book.types import BUY, Order


class BookSide:
    """One side of one book.

    `ranks` are the prices with the best one last: as they are for bids, negated for asks. Each level maps order id to
    order; a dict keeps the order of insertion, which is priority.
    """

    __slots__ = ("levels", "ranks", "sign")

    def __init__(self, side: int) -> None:
        self.sign = 1 if side == BUY else -1
        self.ranks: list[int] = []
        self.levels: dict[int, dict[int, Order]] = {}

    def insert(self, order: Order) -> None:
        """Add an order behind all others of its price."""
        level = self.levels.get(order.price_quanta)
        if level is None:
            self.levels[order.price_quanta] = {order.order_id: order}
            insort(self.ranks, self.sign * order.price_quanta)
        else:
            level[order.order_id] = order

    def remove(self, order: Order) -> None:
        """Take an order out."""
        price = order.price_quanta
        level = self.levels[price]
        del level[order.order_id]
        if not level:
            del self.levels[price]
            rank = self.sign * price
            if self.ranks[-1] == rank:
                self.ranks.pop()
            else:
                del self.ranks[bisect_left(self.ranks, rank)]

    def replace(self, order: Order) -> None:
        """Put a changed order where the one with its id stands; price and priority must be the same."""
        self.levels[order.price_quanta][order.order_id] = order

    def restore(self, order: Order) -> None:
        """Undo a removal: the order goes back to its own place in the queue."""
        self.insert(order)
        level = self.levels[order.price_quanta]
        if len(level) > 1:
            self.levels[order.price_quanta] = dict(sorted(level.items(), key=lambda entry: entry[1].priority))

    def best_first(self) -> Iterator[Order]:
        """All orders, best price first, then by priority. The side must not change meanwhile."""
        for rank in reversed(self.ranks):
            yield from self.levels[self.sign * rank].values()

    def best_price(self) -> int:
        """The best price in quote quanta a lot, or 0 when the side is empty."""
        return self.sign * self.ranks[-1] if self.ranks else 0


class MarketBook:
    """Both sides of one market."""

    __slots__ = ("asks", "bids")

    def __init__(self) -> None:
        self.bids = BookSide(1)
        self.asks = BookSide(2)

    def side(self, side: int) -> BookSide:
        """The side that orders of `side` rest on."""
        return self.bids if side == BUY else self.asks

    def opposite(self, side: int) -> BookSide:
        """The side that orders of `side` trade against."""
        return self.asks if side == BUY else self.bids
