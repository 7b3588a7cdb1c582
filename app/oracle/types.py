"""The mark price: what a lot is worth for margin and profit."""

from dataclasses import dataclass


@dataclass(slots=True)
class MarkPrice:
    """Quote quanta a lot, and when it was set."""

    price_quanta: int = 0
    height: int = 0
    time_ns: int = 0
    stamp: int = 0

    def copy(self) -> "MarkPrice":
        """A copy that may be changed."""
        return MarkPrice(self.price_quanta, self.height, self.time_ns)
