"""The read model: records, books, and what it holds of the past."""

import pytest

from node.gateway.model import ReadModel, split_orders
from novation.v1 import events_pb2, feed_pb2, state_pb2, tx_pb2

ALICE, BOB = b"a" * 20 + b"\0\0\0\0", b"b" * 20 + b"\0\0\0\1"
MARKET = state_pb2.Market(market=1, symbol="BTC-PERP")


def order(number: int, price: int, lots: int, side: int = tx_pb2.SIDE_BUY, market: int = 1) -> state_pb2.Order:
    """An open order."""
    return state_pb2.Order(order_id=market << 40 | number, side=side, price_quanta=price, open_lots=lots)


def open_orders(*orders: state_pb2.Order) -> bytes:
    """An encoded record."""
    return state_pb2.OpenOrders(orders=orders).SerializeToString()


def change(domain: str, key: bytes, value: bytes | None) -> feed_pb2.RecordChange:
    """A change of a record."""
    return feed_pb2.RecordChange(domain=domain, key=key, value=value or b"", deleted=value is None)


def block(height: int, *changes: feed_pb2.RecordChange, hashes: tuple[bytes, ...] = ()) -> feed_pb2.CommittedBlock:
    """A block with these changes."""
    return feed_pb2.CommittedBlock(height=height, time_ns=height * 10, app_hash=b"%d" % height, changes=changes,
                                   txs=[feed_pb2.CommittedTx(hash=tx_hash) for tx_hash in hashes])


def loaded(*records: feed_pb2.RecordChange, blocks_max: int = 256) -> ReadModel:
    """A model at height 10."""
    model = ReadModel(blocks_max)
    model.load(feed_pb2.Snapshot(height=10, time_ns=100), [
        change("markets", b"\0\0\0\1", MARKET.SerializeToString()), *records])
    return model


def levels(model: ReadModel) -> tuple[list[tuple[int, int, int]], list[tuple[int, int, int]]]:
    """Both sides as (price, lots, orders), best first."""
    view = model.book(1).view(0)
    return ([(x.price_quanta, x.size_lots, x.orders) for x in view.bids],
            [(x.price_quanta, x.size_lots, x.orders) for x in view.asks])


def test_books_are_sums_over_open_orders() -> None:
    """Same prices add up over orders and accounts; sides are apart; best prices come first."""
    model = loaded(change("orders", ALICE, open_orders(order(1, 500, 3), order(2, 500, 4), order(3, 700, 1, side=2))),
                   change("orders", BOB, open_orders(order(4, 500, 5), order(5, 600, 2), order(6, 650, 9, side=2))))
    assert levels(model) == ([(600, 2, 1), (500, 12, 3)], [(650, 9, 1), (700, 1, 1)])


def test_a_block_moves_only_what_changed() -> None:
    """The delta has the touched levels in their new state, and says which book it applies to."""
    model = loaded(change("orders", ALICE, open_orders(order(1, 500, 3), order(2, 600, 4))))
    model.apply(block(11, change("orders", ALICE, open_orders(order(2, 600, 1), order(3, 700, 1, side=2)))))
    delta = model.block(11).book_deltas[1]
    assert (delta.previous_sequence, delta.sequence, delta.height) == (10, 11, 11)
    assert {(x.price_quanta, x.size_lots) for x in delta.delta.bids} == {(500, 0), (600, 1)}
    assert {(x.price_quanta, x.size_lots) for x in delta.delta.asks} == {(700, 1)}
    model.apply(block(12))
    model.apply(block(13, change("orders", ALICE, None)))
    assert 1 not in model.block(12).book_deltas
    assert (model.block(13).book_deltas[1].previous_sequence, levels(model)) == (11, ([], []))


def test_markets_have_books_of_their_own() -> None:
    """An order's id names its market."""
    model = loaded(change("orders", ALICE, open_orders(order(1, 500, 3), order(1, 900, 7, market=2))))
    assert model.book(2).best_bid() == 900 and model.book(1).best_bid() == 500


def test_blocks_follow_each_other() -> None:
    """A hole in the feed is an error, never silently skipped."""
    model = loaded()
    with pytest.raises(ValueError, match="12 does not follow 10"):
        model.apply(block(12))
    model.apply(block(11))
    with pytest.raises(ValueError, match="11 does not follow 11"):
        model.apply(block(11))


def test_old_blocks_go_and_take_their_transactions_along() -> None:
    """Memory is bounded, and the index of transactions with it."""
    model = loaded(blocks_max=2)
    for height in (11, 12, 13):
        model.apply(block(height, hashes=(b"%d" % height,)))
    assert model.block(11) is None and model.block(12).height == 12
    assert set(model.txs) == {b"12", b"13"}
    assert model.holds_after(11) and model.holds_after(13) and not model.holds_after(10) and not model.holds_after(14)


def test_a_snapshot_starts_over() -> None:
    """Nothing of before remains but the generation, which tells streams of it."""
    model = loaded(change("orders", ALICE, open_orders(order(1, 500, 3))),
                   change("accounts", ALICE, state_pb2.Account(cash_quanta=5).SerializeToString()))
    model.apply(block(11, hashes=(b"h",)))
    before = model.generation
    model.load(feed_pb2.Snapshot(height=90), [change("markets", b"\0\0\0\1", MARKET.SerializeToString())])
    assert (model.height, model.generation, len(model.blocks), model.txs) == (90, before + 1, 0, {})
    assert levels(model) == ([], []) and model.account(ALICE) is None
    assert model.holds_after(90) and not model.holds_after(89)


def test_accounts_come_and_go() -> None:
    """A deleted record is gone; one that encodes to nothing is an account all the same."""
    model = loaded(change("accounts", ALICE, b""))
    assert model.account(ALICE) == state_pb2.Account()
    model.apply(block(11, change("accounts", ALICE, None)))
    assert model.account(ALICE) is None


@pytest.mark.parametrize("record", [
    b"",
    open_orders(order(1, 500, 3)),
    open_orders(*(state_pb2.Order(order_id=2**64 - n, side=1, price_quanta=2**64 - n, open_lots=2**64 - n,
                                  reduce_only=True, client_id=2**64 - n, priority=2**64 - n) for n in range(1, 200))),
])
def test_splitting_a_record_is_decoding_it(record: bytes) -> None:
    """The short cut finds the same orders as protobuf does, the largest included."""
    expected = {one.SerializeToString() for one in state_pb2.OpenOrders.FromString(record).orders}
    assert split_orders(record) == expected


def test_splitting_falls_back_on_lengths_it_does_not_know() -> None:
    """An order of 128 bytes or more, should the record ever grow, is decoded the slow way."""
    unknown = bytes([0x7A, 120]) + b"u" * 120  # a field of a later version
    long_order = order(1, 500, 3).SerializeToString() + unknown
    record = b"\x0a" + bytes([len(long_order) & 0x7F | 0x80, len(long_order) >> 7]) + long_order
    assert split_orders(record) == {long_order}


def test_trades_of_a_market_are_bounded_and_in_order() -> None:
    """Fills become trades, with the block's height and time."""
    model = loaded()
    fills = [events_pb2.Fill(market=1, trade_id=n, price_quanta=5, size_lots=1) for n in range(1, 1_500)]
    one = block(11)
    one.txs.add(events=[events_pb2.Event(fill=fill) for fill in fills])
    model.apply(one)
    held = model.trades[1]
    assert len(held) == 1_000 and held[-1].trade_id == 1_499 and held[0].trade_id == 500
    assert (held[-1].height, held[-1].time_ns) == (11, 110)


def test_a_market_that_goes_leaves_nothing() -> None:
    """Series of options end: their records, their books and their trades go."""
    model = loaded(change("marks", b"\0\0\0\1", state_pb2.MarkPrice(price_quanta=5).SerializeToString()),
                   change("orders", ALICE, open_orders(order(1, 500, 3))))
    assert model.mark(1).price_quanta == 5
    model.apply(block(11, change("orders", ALICE, None), change("marks", b"\0\0\0\1", None),
                      change("markets", b"\0\0\0\1", None)))
    assert model.markets == {} and model.mark(1).price_quanta == 0
    assert model.record("markets", b"\0\0\0\1") is None
    assert model.block(11).marks == {}  # type: ignore[union-attr]
