"""Orders, the open orders of an account, and the counters of a book."""

from dataclasses import dataclass, field

from app.kernel.codec import uvarint
from novation.v1 import state_pb2

BUY = 1
SELL = 2
SEQUENCE_BITS = 40

GOOD_TIL_CANCEL = 1
IMMEDIATE_OR_CANCEL = 2
FILL_OR_KILL = 3
POST_ONLY = 4


def order_id_of(market: int, sequence: int) -> int:
    """BOOK-001: an order id names its market: market << 40 | sequence."""
    return market << SEQUENCE_BITS | sequence


def market_of(order_id: int) -> int:
    """The market that an order id names."""
    return order_id >> SEQUENCE_BITS


@dataclass(slots=True)
class Order:
    """One resting order. A value: it is replaced, never changed, but for `wire`, the cache of its own encoding."""

    order_id: int
    account: bytes
    side: int
    price_quanta: int
    open_lots: int
    reduce_only: bool
    client_id: int
    priority: int
    wire: bytes = b""

    def with_open_lots(self, open_lots: int) -> "Order":
        """The same order with another open size."""
        return Order(
            self.order_id,
            self.account,
            self.side,
            self.price_quanta,
            open_lots,
            self.reduce_only,
            self.client_id,
            self.priority,
        )


@dataclass(slots=True)
class OpenOrders:
    """All open orders of one account, by id, with its client ids."""

    orders: dict[int, Order] = field(default_factory=dict)
    client_ids: dict[int, int] = field(default_factory=dict)
    stamp: int = 0

    def copy(self) -> "OpenOrders":
        """A copy whose orders can be added and removed without touching this one."""
        return OpenOrders(self.orders.copy(), self.client_ids.copy())

    def add(self, order: Order) -> None:
        """Put an order in."""
        self.orders[order.order_id] = order
        if order.client_id:
            self.client_ids[order.client_id] = order.order_id

    def remove(self, order: Order) -> None:
        """Take an order out."""
        del self.orders[order.order_id]
        if order.client_id:
            del self.client_ids[order.client_id]


@dataclass(slots=True)
class BookState:
    """The only numbers of a book that its orders do not hold."""

    next_sequence: int = 1
    next_trade: int = 1
    last_price_quanta: int = 0
    stamp: int = 0

    def copy(self) -> "BookState":
        """A copy that may be changed."""
        return BookState(self.next_sequence, self.next_trade, self.last_price_quanta)


def order_message(order: Order) -> state_pb2.Order:
    """The protobuf form of an order."""
    return state_pb2.Order(
        order_id=order.order_id,
        side=order.side,  # type: ignore[arg-type]
        price_quanta=order.price_quanta,
        open_lots=order.open_lots,
        reduce_only=order.reduce_only,
        client_id=order.client_id,
        priority=order.priority,
    )


def encode_open_orders(record: OpenOrders) -> bytes:
    """Deterministic bytes of an OpenOrders message: orders ascending by id.

    Each order keeps its own encoding, so that a record of many orders costs what changed in it.
    """
    parts = []
    orders = record.orders
    for order_id in sorted(orders):
        order = orders[order_id]
        if not order.wire:
            body = order_message(order).SerializeToString(deterministic=True)
            order.wire = b"\x0a" + uvarint(len(body)) + body  # field 1, length-delimited
        parts.append(order.wire)
    return b"".join(parts)


def decode_open_orders(key: bytes, data: bytes) -> OpenOrders:
    """The inverse of `encode_open_orders`; `key` is the account."""
    orders, client_ids = {}, {}
    for stored in state_pb2.OpenOrders.FromString(data).orders:
        orders[stored.order_id] = Order(
            stored.order_id,
            key,
            stored.side,
            stored.price_quanta,
            stored.open_lots,
            stored.reduce_only,
            stored.client_id,
            stored.priority,
        )
        if stored.client_id:
            client_ids[stored.client_id] = stored.order_id
    return OpenOrders(orders, client_ids)
