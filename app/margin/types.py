"""What margin says of a market and of an account."""

from dataclasses import dataclass
from typing import NamedTuple

Bracket = tuple[int, int, int]
"""One bracket of a margin scale: (notional from which it counts, rate in ppm, what it takes off, in quanta x 10^6)."""


@dataclass(slots=True)
class MarketRisk:
    """All that margin needs to know of a market, in one value that is kept until one of its sources changes.

    `initial` and `maintenance` are the brackets of MARG-001, ascending; the rates of the lowest stand beside them.
    """

    market: int
    mark_quanta: int
    funding_index_e9: int
    initial_ppm: int
    maintenance_ppm: int
    initial: tuple[Bracket, ...]
    maintenance: tuple[Bracket, ...]
    quarantined: bool = False


class Standing(NamedTuple):
    """An account against the marks, in quote quanta. `initial` includes open orders where the function that made it
    says so.
    """

    equity: int
    initial: int
    maintenance: int

    @property
    def excess(self) -> int:
        """Equity beyond maintenance margin; negative when the account owes more than it should."""
        return self.equity - self.maintenance
