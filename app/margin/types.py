"""What margin says of a market and of an account."""

from dataclasses import dataclass
from typing import NamedTuple

from app.margin.rules import Bracket


@dataclass(slots=True)
class MarketRisk:
    """All that margin needs to know of a market, in one value that is kept until one of its sources changes.

    `initial` and `maintenance` are the brackets of MARG-007, ascending, initial rates already raised by open interest
    (MARG-008). `tiered`: there is more than one; without, `initial_ppm` and `maintenance_ppm` say all. `plain`: neither
    tiers nor a profit cap nor quarantine ask for more than MARG-001 to MARG-003. `frozen_index_quanta`: the index of an
    option in quarantine (CMP-007).
    """

    market: int
    mark_quanta: int
    funding_index_e9: int
    initial_ppm: int
    maintenance_ppm: int
    initial: tuple[Bracket, ...]
    maintenance: tuple[Bracket, ...]
    quarantined: bool = False
    tiered: bool = False
    profit_cap_quanta: int = 0
    plain: bool = True
    frozen_index_quanta: int = 0


class Standing(NamedTuple):
    """An account against the marks, in quote quanta. `initial` includes open orders where the function that made it
    says so. `uncounted` is the part of equity that is profit beyond the caps of its markets (MARG-009).
    """

    equity: int
    initial: int
    maintenance: int
    uncounted: int = 0

    @property
    def excess(self) -> int:
        """Equity beyond maintenance margin; negative when the account owes more than it should."""
        return self.equity - self.maintenance

    @property
    def usable(self) -> int:
        """The equity that new risk may rest on."""
        return self.equity - self.uncounted
