"""A market: what is traded, in what steps, under what limits."""

from dataclasses import dataclass, replace
from typing import NamedTuple

ACTIVE = 1
REDUCE_ONLY = 2
HALTED = 3
ANNOUNCED = 4
AUCTION = 5
SETTLING = 6
SETTLED = 7
QUARANTINED = 8

PERPETUAL = 1
FUTURE = 2
OPTION = 3

CALL = 1
PUT = 2

CONTINUOUS = 1
BATCH = 2


class MarginTier(NamedTuple):
    """A further bracket of a market's margin: what lies above `from_notional_quanta` counts at these rates."""

    from_notional_quanta: int
    initial_ppm: int
    maintenance_ppm: int


@dataclass(slots=True)
class Market:
    """One market. `lot_size` and `tick_size` are decimals for people; the chain counts in lots and quanta.

    The rates of funding are per eight hours, `expiry_ns` is a future's or an option's.
    """

    market: int = 0
    symbol: str = ""
    status: int = ACTIVE
    lot_size: str = ""
    tick_size: str = ""
    tick_quanta: int = 0
    max_order_lots: int = 0
    initial_margin_ppm: int = 0
    maintenance_margin_ppm: int = 0
    maker_fee_ppm: int = 0
    taker_fee_ppm: int = 0
    max_position_lots: int = 0
    quarantine_ends_ns: int = 0  # 0: not in quarantine
    liquidation_fee_ppm: int = 5_000
    insurance_event_quanta: int = 10**16
    insurance_day_quanta: int = 10**17
    wind_down_loss_quanta: int = 0
    wind_down_ns: int = 86_400_000_000_000
    sealed: bool = False  # in quarantine and closed to every order, because an invariant broke
    tiers: tuple[MarginTier, ...] = ()
    open_interest_lower_quanta: int = 0
    open_interest_upper_quanta: int = 0
    profit_cap_quanta: int = 0
    kind: int = PERPETUAL
    matching: int = CONTINUOUS
    opens_ns: int = 0
    auction_ns: int = 0
    expiry_ns: int = 0
    impact_notional_quanta: int = 0
    interest_e9: int = 0
    funding_band_e9: int = 0
    funding_cap_e9: int = 0
    fee_charge_ppm: int = 0  # of the fees, until fee_charge_until_ns
    fee_charge_until_ns: int = 0
    insurance_cap_quanta: int = 0
    order_band_ppm: int = 0  # these are breakers' (app/breakers), 0: off
    fill_band_ppm: int = 0
    halt_move_ppm: int = 0
    halt_window_ns: int = 0
    halt_auction_ns: int = 0
    halt_extensions: int = 0
    max_open_interest_lots: int = 0
    max_open_interest_quanta: int = 0
    feed: int = 0
    index_multiplier: int = 1
    index_divisor: int = 1
    mark_band_ppm: int = 0
    mark_window_ns: int = 150_000_000_000
    resumed_ns: int = 0
    strike_quanta: int = 0  # these are options' (app/options)
    right: int = 0
    fund_market: int = 0  # whose insurance fund stands behind it; 0: its own
    stamp: int = 0

    def copy(self) -> "Market":
        """A copy that may be changed."""
        return replace(self)

    @property
    def quarantined(self) -> bool:
        """CMP-001: whether its rules are not to be trusted: it stands still, valued by a frozen rule (CMP-005)."""
        return self.quarantine_ends_ns > 0

    def quarantine(self, ends_ns: int, *, sealed: bool) -> None:
        """CMP-001: cancel and reduce only until `ends_ns`; sealed: cancel only, as where a settlement price stands."""
        self.sealed = sealed or self.status in (SETTLING, SETTLED)
        self.status = QUARANTINED
        self.quarantine_ends_ns = ends_ns


@dataclass(slots=True)
class OptionClass:
    """What is listed of options on one underlying, and their terms; see state.proto for each field."""

    feed: int = 0
    symbol: str = ""
    lot_size: str = ""
    tick_size: str = ""
    tick_quanta: int = 0
    max_order_lots: int = 0
    max_position_lots: int = 0
    max_open_interest_lots: int = 0
    maker_fee_ppm: int = 0
    taker_fee_ppm: int = 0
    index_multiplier: int = 1
    index_divisor: int = 1
    fund_market: int = 0
    order_band_ppm: int = 0
    fill_band_ppm: int = 0
    surface_max_age_ns: int = 0
    hour_s: int = 0
    daily: int = 0
    weekly: int = 0
    monthly: int = 0
    quarterly: int = 0
    short_s: int = 0
    shorts: int = 0
    strikes: int = 0
    step_ppm: int = 0
    max_series: int = 0
    margin_most_ppm: int = 0
    margin_least_ppm: int = 0
    maintenance_ppm: int = 0
    initial_offset_ppm: int = 0
    unpaired_initial_ppm: int = 0
    unpaired_maintenance_ppm: int = 0
    stamp: int = 0

    def copy(self) -> "OptionClass":
        """A copy that may be changed."""
        return replace(self)


@dataclass(slots=True)
class Listing:
    """The number of the next series."""

    next_market: int = 0
    stamp: int = 0

    def copy(self) -> "Listing":
        """A copy that may be changed."""
        return Listing(self.next_market)


@dataclass(slots=True)
class MarketTotals:
    """Sums over a market: open interest is the lots of all longs, which are the lots of all shorts."""

    open_interest_lots: int = 0
    stamp: int = 0

    def copy(self) -> "MarketTotals":
        """A copy that may be changed."""
        return MarketTotals(self.open_interest_lots)
