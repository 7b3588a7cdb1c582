"""Auctions of accounts that fall short, and what each market lost."""

from dataclasses import dataclass, replace


@dataclass(slots=True)
class Auction:
    """An account's book on offer. `bids` counts what was taken of it, so that a bid can say which state it saw."""

    started_ns: int = 0
    bids: int = 0
    stamp: int = 0

    def copy(self) -> "Auction":
        """A copy that may be changed."""
        return Auction(self.started_ns, self.bids)


@dataclass(slots=True)
class Losses:
    """What accounts of a market could not pay, in quote quanta: by whom it was paid, and how much of it winners gave
    up in the day that began at `day_ns`. `wind_down_ends_ns` is 0 unless that passed the market's limit. The fund paid
    `fund_day_quanta` in the day that began at `fund_day_ns`.
    """

    fund_paid_quanta: int = 0
    given_up_quanta: int = 0
    day_ns: int = 0
    day_quanta: int = 0
    wind_down_ends_ns: int = 0
    fund_day_ns: int = 0
    fund_day_quanta: int = 0
    stamp: int = 0

    def copy(self) -> "Losses":
        """A copy that may be changed."""
        return replace(self)
