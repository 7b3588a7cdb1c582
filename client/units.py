"""Between decimals for people and the chain's integers, exactly or not at all.

    units = Units.of(market)                    # a Market of GetMarkets
    units.lots("0.25")                          # 250, with a lot of 0.001
    units.price_quanta("46000.5")               # 46000500 quote quanta a lot
    units.lots("0.0005")                        # NotExact: use 0.000 or 0.001
    units.lots(units.floor_size("0.0005001"))   # rounding is the caller's own, visible decision
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, InvalidOperation

from client.errors import NotExact
from novation.v1 import state_pb2

QUANTA_PER_USD = 1_000_000
Amount = Decimal | str | int
"""Never a float: 0.1 + 0.2 is not 0.3 there."""

_EXACT = Context(prec=80)  # enough for any amount that `decimal` lets through


def decimal(value: Amount, what: str = "amount") -> Decimal:
    """`value` as a Decimal. Raises TypeError for a float, ValueError for text that is not a finite number."""
    if isinstance(value, (float, bool)) or not isinstance(value, (Decimal, str, int)):
        raise TypeError(f"{what}: give a Decimal, a str or an int, not {type(value).__name__} (write '0.1', not 0.1)")
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise ValueError(f"{what}: {value!r} is not a number") from None
    if not number.is_finite() or abs(number.adjusted()) > 40:
        raise ValueError(f"{what}: {value!r} is not a sensible number")
    return number


def quanta(usd: Amount) -> int:
    """USD to quote quanta (millionths). Raises NotExact for finer amounts."""
    return _whole("amount", decimal(usd), Decimal(1) / QUANTA_PER_USD)


def usd(amount_quanta: int) -> Decimal:
    """Quote quanta to USD, with all six places."""
    return Decimal(amount_quanta).scaleb(-6, _EXACT)


def _whole(what: str, value: Decimal, unit: Decimal) -> int:
    """How many `unit` are in `value`. Raises NotExact unless that is a whole number."""
    count = _EXACT.divide(value, unit)
    below = count.to_integral_value(ROUND_FLOOR)
    if below != count:
        above = count.to_integral_value(ROUND_CEILING)
        raise NotExact(what, value, int(below) * unit, int(above) * unit, f"{unit:f}")
    return int(below)


@dataclass(frozen=True, slots=True)
class Units:
    """How one market counts. `lot_size` is in the base asset, `tick_size` in USD a unit of base."""

    lot_size: Decimal
    tick_size: Decimal
    tick_quanta: int

    @staticmethod
    def of(market: state_pb2.Market) -> Units:
        """The units of a market. Raises ValueError when its decimals and its integers contradict each other."""
        units = Units(Decimal(market.lot_size), Decimal(market.tick_size), market.tick_quanta)
        if units.tick_size * units.lot_size * QUANTA_PER_USD != units.tick_quanta:
            raise ValueError(f"market {market.symbol}: a tick of {market.tick_size} and a lot of {market.lot_size} "
                             f"do not make {market.tick_quanta} quanta")
        return units

    def lots(self, size: Amount) -> int:
        """A size in the base asset to lots. Raises NotExact between two lots."""
        return _whole("size", decimal(size, "size"), self.lot_size)

    def size(self, lots: int) -> Decimal:
        """Lots to the base asset."""
        return lots * self.lot_size

    def price_quanta(self, price: Amount) -> int:
        """A price in USD a unit of base to quote quanta a lot. Raises NotExact off the tick."""
        return _whole("price", decimal(price, "price"), self.tick_size) * self.tick_quanta

    def price(self, price_quanta: int) -> Decimal:
        """Quote quanta a lot to USD a unit of base; exact for any integer."""
        ticks, rest = divmod(price_quanta, self.tick_quanta)
        if not rest:
            return ticks * self.tick_size
        return _EXACT.divide(Decimal(price_quanta), self.lot_size * QUANTA_PER_USD)

    def floor_size(self, size: Amount) -> Decimal:
        """The largest exact size that is not above `size`."""
        return _round(decimal(size, "size"), self.lot_size, ROUND_FLOOR)

    def floor_price(self, price: Amount) -> Decimal:
        """The highest price on a tick that is not above `price`."""
        return _round(decimal(price, "price"), self.tick_size, ROUND_FLOOR)

    def ceil_price(self, price: Amount) -> Decimal:
        """The lowest price on a tick that is not below `price`."""
        return _round(decimal(price, "price"), self.tick_size, ROUND_CEILING)


def _round(value: Decimal, unit: Decimal, rounding: str) -> Decimal:
    return int(_EXACT.divide(value, unit).to_integral_value(rounding)) * unit
