"""What margin says of an account."""

from typing import NamedTuple


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
