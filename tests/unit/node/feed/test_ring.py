"""The ring of recent blocks."""

from app.block import BlockResult, TxOutcome
from app.book.types import Order
from app.events import Filled
from node.feed.ring import BlockRing
from novation.v1 import feed_pb2, tx_pb2


def result(height: int, change_bytes: int = 10) -> BlockResult:
    """A block with one transaction, one event and two changes."""
    order = Order(1 << 40 | 9, b"o" * 20 + bytes(4), 2, 500, 1, False, 0, 9)
    fill = Filled(height, order, 1, 0, b"p" * 20 + bytes(4), 1, 1 << 40 | 10, 0, 0)
    outcome = TxOutcome(b"h" * 32, b"o" * 20 + b"\0\0\0\7", 3, 0, "", b"", 1, 1, [fill],
                        tx_pb2.EnvelopeResult(gas_used=5))
    return BlockResult(height, height * 10, b"a" * 32, [outcome], [fill],
                       [("orders", b"k", b"v" * change_bytes), ("orders", b"gone", None)])


def test_a_block_is_encoded_whole() -> None:
    """What readers decode is what the block did."""
    ring = BlockRing()
    ring.add(result(1))
    block = feed_pb2.CommittedBlock.FromString(ring.get(1))
    assert (block.height, block.time_ns, block.app_hash) == (1, 10, b"a" * 32)
    assert (block.txs[0].account.owner, block.txs[0].account.number, block.txs[0].nonce) == (b"o" * 20, 7, 3)
    assert block.txs[0].result.gas_used == 5
    assert block.txs[0].events[0].fill.trade_id == block.events[0].fill.trade_id == 1
    assert [(c.key, c.value, c.deleted) for c in block.changes] == [(b"k", b"v" * 10, False), (b"gone", b"", True)]


def test_it_encodes_once_and_only_when_read(monkeypatch) -> None:
    """Blocks that nobody reads cost nothing; two readers share one encoding."""
    encoded = []
    monkeypatch.setattr("node.feed.ring.encode_block", lambda block: encoded.append(block.height) or b"x")
    ring = BlockRing()
    ring.add(result(1))
    ring.add(result(2))
    assert encoded == []
    assert ring.get(2) == ring.get(2) == b"x"
    assert encoded == [2]


def test_the_oldest_go_when_there_are_too_many() -> None:
    """Bounded in number."""
    ring = BlockRing(blocks_max=3)
    for height in range(1, 6):
        ring.add(result(height))
    assert (ring.oldest, ring.newest) == (3, 5)
    assert ring.get(2) is None and ring.get(6) is None
    assert ring.get(3) is not None


def test_the_oldest_go_when_they_weigh_too_much() -> None:
    """Bounded in bytes; the newest block stays however heavy it is."""
    ring = BlockRing(bytes_max=5_000)
    for height in range(1, 5):
        ring.add(result(height, change_bytes=1_000))
    assert ring.newest == 4
    assert ring.oldest > 1
    ring.add(result(5, change_bytes=100_000))
    assert (ring.oldest, ring.newest) == (5, 5)


def test_heights_in_the_ring_follow_each_other() -> None:
    """After a jump only what comes after it is held: the ring never has a hole."""
    ring = BlockRing()
    ring.add(result(1))
    ring.add(result(7))
    assert (ring.oldest, ring.newest) == (7, 7)
    assert ring.get(1) is None
