"""How prices, sizes, money and times read on the screen, and in which colours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from client.results import MarketInfo
from client.units import usd
from novation.v1 import tx_pb2

SECOND_NS = 10**9
SIDES = {tx_pb2.SIDE_BUY: "buy", tx_pb2.SIDE_SELL: "sell"}


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of the theme in force: of texts, and of bars behind texts."""

    up: str
    down: str
    warn: str
    accent: str
    up_bar: str
    down_bar: str
    chosen: str

    @staticmethod
    def of(variables: Mapping[str, str]) -> Palette:
        """From the variables of a textual theme."""
        return Palette(variables["text-success"], variables["text-error"], variables["text-warning"],
                       variables["text-primary"], variables["success-muted"], variables["error-muted"],
                       variables["primary-muted"])

    def side(self, side: int) -> str:
        """The colour of a side of tx.proto."""
        return self.up if side == tx_pb2.SIDE_BUY else self.down

    def sign(self, amount: Decimal | int) -> str:
        """The colour of a profit or loss."""
        return self.up if amount > 0 else self.down if amount < 0 else ""


def places(unit: Decimal) -> int:
    """Decimal places of a tick or lot."""
    return max(0, -int(unit.normalize().as_tuple().exponent))


def price_text(info: MarketInfo, price_quanta: int) -> str:
    """A price in USD to the tick's places, "-" for none."""
    return decimal_text(info, info.units.price(price_quanta)) if price_quanta else "-"


def decimal_text(info: MarketInfo, price: Decimal) -> str:
    """A price in USD to the tick's places."""
    return f"{price:,.{places(info.units.tick_size)}f}"


def size_text(info: MarketInfo, lots: int, sign: str = "") -> str:
    """A size in the base asset to the lot's places; `sign` "+" shows the sign of longs too."""
    return f"{info.units.size(lots):{sign},.{places(info.units.lot_size)}f}"


def usd_text(amount_quanta: int, sign: str = "") -> str:
    """USD with cents."""
    return f"{usd(amount_quanta):{sign},.2f}"


def percent_text(share: Decimal, decimals: int = 1) -> str:
    """A share of 1 as a percentage."""
    return f"{share * 100:.{decimals}f}%"


def clock(time_ns: int) -> str:
    """A time of day in UTC."""
    return f"{datetime.fromtimestamp(time_ns // SECOND_NS, UTC):%H:%M:%S}"


def bytes_text(count: int) -> str:
    """A count of bytes in a unit that reads well."""
    return f"{count} B" if count < 1_000 else f"{count / 1e3:.1f} kB" if count < 1_000_000 else f"{count / 1e6:.1f} MB"


def widest(texts: Iterable[str], least: int = 0) -> int:
    """The width of the longest text, or `least`."""
    return max([least, *map(len, texts)])


def fitted(text: str, width: int) -> str:
    """`text` in exactly `width` columns, cut with an ellipsis."""
    if width < 1:
        return ""
    return text.ljust(width) if len(text) <= width else text[: width - 1] + "…"
