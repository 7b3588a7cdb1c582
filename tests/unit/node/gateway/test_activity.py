"""Order updates and fills, worked out of events."""

from node.gateway.activity import account_key, derive_activity, trades_of
from novation.v1 import account_service_pb2 as account_service
from novation.v1 import events_pb2, feed_pb2, state_pb2, tx_pb2

MAKER, TAKER = tx_pb2.AccountId(owner=b"m" * 20), tx_pb2.AccountId(owner=b"t" * 20, number=3)
OPEN, FILLED = account_service.ORDER_STATUS_OPEN, account_service.ORDER_STATUS_FILLED
CANCELLED = account_service.ORDER_STATUS_CANCELLED


def fill(trade_id: int, lots: int, maker_left: int, taker_order: int = 9) -> events_pb2.Event:
    """The taker buys from the maker."""
    return events_pb2.Event(fill=events_pb2.Fill(
        market=1, trade_id=trade_id, taker_side=tx_pb2.SIDE_BUY, price_quanta=500, size_lots=lots, maker=MAKER,
        maker_order_id=4, maker_client_id=44, maker_fee_quanta=1, maker_open_lots=maker_left, taker=TAKER,
        taker_order_id=taker_order, taker_fee_quanta=2))


def rested(order_id: int, lots: int) -> events_pb2.Event:
    """The rest of the taker's order."""
    return events_pb2.Event(order_rested=events_pb2.OrderRested(
        market=1, account=TAKER, order=state_pb2.Order(order_id=order_id, side=1, price_quanta=500, open_lots=lots)))


def cancelled(order_id: int, lots: int, reason: int) -> events_pb2.Event:
    """The rest of the taker's order is no more."""
    return events_pb2.Event(order_cancelled=events_pb2.OrderCancelled(
        market=1, account=TAKER, order_id=order_id, side=1, price_quanta=500, cancelled_lots=lots, reason=reason))


def block(*txs: list[events_pb2.Event]) -> feed_pb2.CommittedBlock:
    """A block of transactions with these events."""
    return feed_pb2.CommittedBlock(height=7, time_ns=70, txs=[
        feed_pb2.CommittedTx(hash=bytes([number]) * 32, events=events) for number, events in enumerate(txs)])


def story(made: feed_pb2.CommittedBlock, account: tx_pb2.AccountId) -> list[tuple[int, int, int, int]]:
    """(status, open, filled, cancelled) of each update of an account."""
    updates = derive_activity(made).orders[account_key(account)]
    return [(u.status, u.open_lots, u.filled_lots, u.cancelled_lots) for u in updates]


def test_a_taker_that_is_filled_whole_ends_filled() -> None:
    """Only its last update says so."""
    made = block([fill(1, 2, 3), fill(2, 3, 0)])
    assert story(made, TAKER) == [(OPEN, 0, 2, 0), (FILLED, 0, 3, 0)]
    assert story(made, MAKER) == [(OPEN, 3, 2, 0), (FILLED, 0, 3, 0)]


def test_a_taker_that_rests_is_open() -> None:
    """Filled in part, then on the book."""
    assert story(block([fill(1, 2, 3), rested(9, 5)]), TAKER) == [(OPEN, 0, 2, 0), (OPEN, 5, 0, 0)]


def test_a_taker_whose_rest_is_cancelled_ends_cancelled() -> None:
    """Immediate-or-cancel."""
    made = block([fill(1, 2, 3), cancelled(9, 5, events_pb2.CANCEL_REASON_IMMEDIATE)])
    assert story(made, TAKER) == [(OPEN, 0, 2, 0), (CANCELLED, 0, 0, 5)]


def test_orders_of_one_transaction_are_told_apart() -> None:
    """Two takers in one envelope: one is filled, the other rests."""
    made = block([fill(1, 2, 9, taker_order=8), fill(2, 1, 8, taker_order=9), rested(9, 4)])
    assert story(made, TAKER) == [(FILLED, 0, 2, 0), (OPEN, 0, 1, 0), (OPEN, 4, 0, 0)]


def test_an_order_reduced_in_place_stays_open() -> None:
    """It says how much was taken off."""
    event = events_pb2.Event(order_reduced=events_pb2.OrderReduced(
        market=1, account=MAKER, order_id=4, open_lots=2, removed_lots=3))
    assert story(block([event]), MAKER) == [(OPEN, 2, 0, 3)]


def test_fills_carry_side_role_and_fee_of_the_account() -> None:
    """Each side sees its own half of the trade."""
    activity = derive_activity(block([], [fill(1, 2, 3)]))
    made, took = activity.fills[account_key(MAKER)][0], activity.fills[account_key(TAKER)][0]
    assert (made.side, made.is_taker, made.fee_quanta, made.order_id, made.client_id) == (2, False, 1, 4, 44)
    assert (took.side, took.is_taker, took.fee_quanta, took.order_id, took.tx_hash) == (1, True, 2, 9, b"\1" * 32)


def test_trades_come_from_transactions_and_hooks() -> None:
    """Fills that no transaction made (of the chain's own hooks) are trades too."""
    made = block([fill(1, 2, 3), rested(9, 5)])
    made.events.append(fill(2, 4, 0))
    assert [(t.trade_id, t.size_lots, t.height, t.time_ns) for t in trades_of(made)] == [(1, 2, 7, 70), (2, 4, 7, 70)]
