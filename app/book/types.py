"""Orders, the open orders of an account, and the counters of a book."""

from dataclasses import dataclass, field, fields, replace

from app.book.rules import hidden_left
from app.kernel.codec import u32, uvarint
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


@dataclass(slots=True, frozen=True)
class Terms:
    """What an order may have beyond side, price and size; all 0: it has none of it, and no Terms."""

    expiry_time_ns: int = 0
    display_lots: int = 0
    oco_id: int = 0
    peg_reference: int = 0
    peg_offset_ticks: int = 0
    peg_limit_quanta: int = 0


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
    terms: Terms | None = None
    hidden_lots: int = 0  # of open_lots
    wire: bytes = b""

    def with_open_lots(self, open_lots: int) -> "Order":
        """The same order after fills: what is shown goes first, then the next peak is shown (BOOK-016)."""
        hidden = self.hidden_lots
        if hidden and self.terms is not None:
            hidden = hidden_left(open_lots, hidden, self.terms.display_lots)
        return Order(
            self.order_id,
            self.account,
            self.side,
            self.price_quanta,
            open_lots,
            self.reduce_only,
            self.client_id,
            self.priority,
            self.terms,
            hidden,
        )

    def shrunk(self, open_lots: int) -> "Order":
        """The same order made smaller by its owner: what is hidden goes first."""
        hidden = max(0, self.hidden_lots - (self.open_lots - open_lots))
        return replace(self, open_lots=open_lots, hidden_lots=hidden, wire=b"")

    def moved(self, price_quanta: int, priority: int) -> "Order":
        """The same order at another price or rank."""
        return replace(self, price_quanta=price_quanta, priority=priority, wire=b"")


NO_TERMS = Terms()
TERMS = tuple(each.name for each in fields(Terms))


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
    last_time_ns: int = 0
    stamp: int = 0

    def copy(self) -> "BookState":
        """A copy that may be changed."""
        return BookState(self.next_sequence, self.next_trade, self.last_price_quanta, self.last_time_ns)


def order_message(order: Order) -> state_pb2.Order:
    """The protobuf form of an order."""
    message = state_pb2.Order(
        order_id=order.order_id,
        side=order.side,  # type: ignore[arg-type]
        price_quanta=order.price_quanta,
        open_lots=order.open_lots,
        reduce_only=order.reduce_only,
        client_id=order.client_id,
        priority=order.priority,
    )
    if order.terms is not None:
        write_terms(message, order)
    return message


def write_terms(message: state_pb2.Order, order: Order) -> None:
    """The terms of an order that has some, into its protobuf form."""
    for name in TERMS:
        setattr(message, name, getattr(order.terms, name))
    message.hidden_lots = order.hidden_lots


def terms_in(stored: state_pb2.Order) -> Terms | None:
    """The terms in the protobuf form of an order."""
    found = Terms(**{name: getattr(stored, name) for name in TERMS})
    return None if found == NO_TERMS else found


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
            terms_in(stored),
            stored.hidden_lots,
        )
        if stored.client_id:
            client_ids[stored.client_id] = stored.order_id
    return OpenOrders(orders, client_ids)


@dataclass(slots=True)
class Protection:
    """Market-maker protection of an account in a market (BOOK-018)."""

    limit_lots: int = 0
    window_ns: int = 0
    freeze_ns: int = 0
    drained_ns: int = 0
    frozen_ns: int = 0
    clearing: bool = False
    stamp: int = 0

    def copy(self) -> "Protection":
        """A copy that may be changed."""
        return replace(self)


def protection_key(account: bytes, market: int) -> bytes:
    """The key of an account's protection in a market: account, then market in big endian."""
    return account + u32(market)
