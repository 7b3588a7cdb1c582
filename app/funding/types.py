"""The funding record of a market."""

from dataclasses import dataclass


@dataclass(slots=True)
class Funding:
    """What a long of one lot has paid since the market began, and what it pays now.

    `index_e9` is quote quanta a lot times 10^9; `rate_e9` is in force, a share of the index price per eight hours;
    `premium_e9` is what the book said when it was last measured.
    """

    index_e9: int = 0
    rate_e9: int = 0
    premium_e9: int = 0
    stamp: int = 0

    def copy(self) -> "Funding":
        """A copy that may be changed."""
        return Funding(self.index_e9, self.rate_e9, self.premium_e9)
