"""The last committed blocks, encoded at most once each, and only when somebody reads them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from node.feed.encoding import encode_block

if TYPE_CHECKING:
    from app.block import BlockResult

BLOCKS_MAX = 256
BYTES_MAX = 64 * 1024 * 1024
# What a block weighs before it is encoded: Python objects are far bigger than their bytes on the wire.
TX_BYTES_ESTIMATE = 600
EVENT_BYTES_ESTIMATE = 300
RESULT_WEIGHT = 5  # times the encoded size


@dataclass(slots=True)
class _Entry:
    height: int
    result: BlockResult | None  # until it is encoded
    encoded: bytes  # a CommittedBlock, once `result` is None
    weight_bytes: int


def weigh(result: BlockResult) -> int:
    """Roughly how many bytes a block's result keeps alive, without looking inside its messages."""
    events = len(result.occurred) + sum(len(outcome.occurred) for outcome in result.txs)
    changes = sum(len(key) + len(value or b"") + 200 for _, key, value in result.changes)
    results = sum(RESULT_WEIGHT * len(outcome.data) for outcome in result.txs)
    return len(result.votes) + len(result.txs) * TX_BYTES_ESTIMATE + events * EVENT_BYTES_ESTIMATE + changes + results


class BlockRing:
    """Consecutive blocks, newest last; the oldest go when there are too many or they weigh too much."""

    def __init__(self, blocks_max: int = BLOCKS_MAX, bytes_max: int = BYTES_MAX) -> None:
        self._entries: deque[_Entry] = deque()
        self._blocks_max = blocks_max
        self._bytes_max = bytes_max
        self._weight_bytes = 0

    @property
    def oldest(self) -> int:
        """The lowest height held, 0 when empty."""
        return self._entries[0].height if self._entries else 0

    @property
    def newest(self) -> int:
        """The highest height held, 0 when empty."""
        return self._entries[-1].height if self._entries else 0

    def add(self, result: BlockResult) -> None:
        """Append the next block. A height that does not follow the newest one empties the ring first."""
        if self._entries and result.height != self.newest + 1:
            self._entries.clear()
            self._weight_bytes = 0
        weight = weigh(result)
        self._entries.append(_Entry(result.height, result, b"", weight))
        self._weight_bytes += weight
        while len(self._entries) > self._blocks_max or self._too_heavy():
            self._weight_bytes -= self._entries.popleft().weight_bytes

    def add_encoded(self, height: int, encoded: bytes) -> None:
        """Append a block that was encoded before, by a ring that is no more."""
        self._entries.append(_Entry(height, None, encoded, len(encoded)))
        self._weight_bytes += len(encoded)

    def blocks(self) -> tuple[tuple[int, bytes], ...]:
        """All blocks held, encoded, ascending."""
        held = ((height, self.get(height)) for height in range(self.oldest, self.newest + 1) if height)
        return tuple((height, encoded) for height, encoded in held if encoded is not None)

    def _too_heavy(self) -> bool:
        return self._weight_bytes > self._bytes_max and len(self._entries) > 1  # the newest block always stays

    def get(self, height: int) -> bytes | None:
        """The encoded block of `height`, or None when it is not held."""
        if not self._entries or not self.oldest <= height <= self.newest:
            return None
        entry = self._entries[height - self.oldest]
        if entry.result is not None:
            entry.encoded = encode_block(entry.result)
            entry.result = None
            self._weight_bytes += len(entry.encoded) - entry.weight_bytes
            entry.weight_bytes = len(entry.encoded)
        return entry.encoded
