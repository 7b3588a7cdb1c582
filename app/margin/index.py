"""Where accounts are filed by the levels at which a price could hurt them: health.py files them and asks."""

from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush

# What a level follows: a market seen by its longs or its shorts, at the rate of its first or its last bracket; or the
# price of an asset. Of what is margined together: a market seen by its longs or its shorts, an option's index, and how
# far its anchor has moved in all.
LONG_FIRST, LONG_LAST, SHORT_FIRST, SHORT_LAST, ASSET, LONG_WHOLE, SHORT_WHOLE, INDEX, ANCHOR = range(9)
Slot = tuple[int, int]  # one of the above, and the number of the market or asset
NOWHERE = -(1 << 200)  # a level that nothing has crossed
SPARE_LEVELS = 64  # how many dead entries a heap may hold beside as many as live


@dataclass(slots=True)
class Filed:
    """Where an account is filed. There it may stay while it holds just `shape` and `assets`, and `least_cash_quanta` or
    more.
    """

    stamp: int
    slots: list[Slot]
    shape: list[tuple[int, int, int]]
    assets: tuple[tuple[int, int], ...]
    least_cash_quanta: int
    portfolio: bool = False


@dataclass(slots=True)
class HealthIndex:
    """Levels by slot, lowest first, each with the stamp of its filing and the account; dead ones go when they are met.

    `near` are accounts without a level: they are candidates until they are filed anew. `travelled` is how far the
    anchors of options have moved since they have a slot, there and back, in quanta a lot.
    """

    levels: dict[Slot, list[tuple[int, int, bytes]]] = field(default_factory=dict)
    live: dict[Slot, int] = field(default_factory=dict)
    filed: dict[bytes, Filed] = field(default_factory=dict)
    near: set[bytes] = field(default_factory=set)
    terms: dict[Slot, object] = field(default_factory=dict)
    travelled: dict[int, int] = field(default_factory=dict)
    stamp: int = 0

    def unfile(self, key: bytes) -> None:
        """Forget where an account is filed; its levels are dead from here on."""
        filed = self.filed.pop(key, None)
        if filed is not None:
            for slot in filed.slots:
                self.live[slot] -= 1

    def open(self, slot: Slot, terms: object) -> None:
        """Begin a slot, with what its levels are made with besides prices."""
        self.levels[slot] = []
        self.live[slot] = 0
        self.terms[slot] = terms

    def add(self, slot: Slot, level: int, key: bytes) -> None:
        """File one level in a slot that is open. When most of a slot's levels are dead, they go."""
        heap = self.levels[slot]
        heappush(heap, (level, self.stamp, key))
        self.live[slot] += 1
        if len(heap) > SPARE_LEVELS + 2 * self.live[slot]:
            heap[:] = [entry for entry in heap if self.is_live(entry)]
            heapify(heap)

    def is_live(self, entry: tuple[int, int, bytes]) -> bool:
        """Whether a level is of the account's present filing."""
        filed = self.filed.get(entry[2])
        return filed is not None and filed.stamp == entry[1]

    def recall(self, slot: Slot, below: int | None = None) -> None:
        """Bring near whoever is filed in `slot` under a level lower than `below`; None: everyone."""
        heap = self.levels.get(slot, [])
        while heap and (below is None or heap[0][0] < below):
            entry = heappop(heap)
            if self.is_live(entry):
                self.near.add(entry[2])
                self.unfile(entry[2])

    def drop(self, slot: Slot) -> None:
        """Forget a slot whose market is no more; whoever was filed there is looked at."""
        self.recall(slot)
        del self.levels[slot], self.live[slot], self.terms[slot]
        if slot[0] == ANCHOR:
            self.travelled.pop(slot[1], None)
