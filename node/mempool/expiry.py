"""When envelopes expire: two heaps, with entries left behind by removed envelopes and swept away now and then."""

import heapq
from collections.abc import Collection

from app.tx import Tx


class Expiries:
    """Expiry by height and by time, in two heaps of (expiry, hash)."""

    __slots__ = ("_heights", "_times")

    def __init__(self) -> None:
        self._heights: list[tuple[int, bytes]] = []
        self._times: list[tuple[int, bytes]] = []

    def __len__(self) -> int:
        return len(self._heights) + len(self._times)

    def add(self, tx: Tx) -> None:
        """Remember when `tx` expires, if it does."""
        if tx.expiry_height:
            heapq.heappush(self._heights, (tx.expiry_height, tx.hash))
        if tx.expiry_time_ns:
            heapq.heappush(self._times, (tx.expiry_time_ns, tx.hash))

    def pop_expired(self, height: int, time_ns: int) -> list[bytes]:
        """Hashes that no block after the committed one (`height`, `time_ns`) may hold; block time always rises."""
        expired: list[bytes] = []
        for heap, now in ((self._heights, height), (self._times, time_ns)):
            while heap and heap[0][0] <= now:
                expired.append(heapq.heappop(heap)[1])
        return expired

    def compact(self, alive: Collection[bytes]) -> None:
        """Forget hashes that are not in `alive`, once they could be the larger part."""
        for heap in (self._heights, self._times):
            if len(heap) > 2 * len(alive) + 1_024:
                heap[:] = sorted({item for item in heap if item[1] in alive})  # a sorted list is a heap
