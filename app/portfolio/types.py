"""Records of portfolio margin: terms of an underlying, anchors of its expiries; and what its report is made of."""

from dataclasses import dataclass, field
from typing import NamedTuple

from app.kernel.integers import PPM
from app.markets.types import Market
from app.portfolio.rules import DOWN, STEADY, UP, Row, Scan, Terms
from app.pricing.rules import DAY_NS
from app.surface.types import Curve
from novation.v1 import state_pb2

ENDS_PPM = (180_000, -180_000)  # with volatility up alone
MOVES_PPM = (135_000, 90_000, 45_000, 0, -45_000, -90_000, -135_000)  # with volatility up, as it is, down
TAILS_PPM = (  # (move, weight): a move times its weight is about the same for all
    (-660_000, 210_000),
    (-330_000, 420_000),
    (500_000, 277_200),
    (1_000_000, 138_600),
    (2_000_000, 69_300),
    (3_000_000, 46_200),
    (4_000_000, 34_650),
    (5_000_000, 27_720),
)
ROWS = (
    *(Row(spot, UP, PPM) for spot in ENDS_PPM),
    *(Row(spot, volatility, PPM) for spot in MOVES_PPM for volatility in (UP, STEADY, DOWN)),
    *(Row(spot, UP, weight) for spot, weight in TAILS_PPM),
)
DEFAULT = Terms(
    rows=ROWS,
    up_ppm=500_000,
    down_ppm=300_000,
    near_power_ppm=300_000,
    far_power_ppm=130_000,
    shortest_ns=DAY_NS,
    least_volatility_ppm=400_000,
    skew_ppm=150_000,
    skew_root_ppm=-50_000,
    skew_least_ppm=10_000,
    skew_reach_ppm=2_400_000,
    skew_reach_root_ppm=-400_000,
    basis_up_ppm=45_000,
    basis_down_ppm=-45_000,
    basis_ppm=500_000,
    basis_year_ppm=2_000_000,
    long_ppm=950_000,
    long_year_ppm=80_000,
    short_ppm=PPM,
    short_year_ppm=0,
    linear_maintenance_ppm=30_000,
    linear_initial_ppm=10_000,
    option_maintenance_ppm=3_000,
    option_initial_ppm=2_000,
    offset_ppm=400_000,
)


@dataclass(slots=True)
class PortfolioTerms:
    """PORT-012: how portfolios of one underlying are margined. A value: it is replaced, never changed in place."""

    feed: int = 0
    terms: Terms = DEFAULT
    stamp: int = 0

    def copy(self) -> "PortfolioTerms":
        """A copy."""
        return PortfolioTerms(self.feed, self.terms)


@dataclass(slots=True)
class Anchor:
    """PORT-013: the curve that the arrays of one underlying and expiry are made on, and when it was made. A value."""

    curve: Curve
    made_ns: int
    stamp: int = 0

    def copy(self) -> "Anchor":
        """A copy."""
        return Anchor(self.curve, self.made_ns)


class Holding(NamedTuple):
    """Lots of a market at its mark."""

    market: Market
    lots: int
    mark_quanta: int


@dataclass(slots=True)
class Array:
    """PORT-005 of one option; and what a lot alone asks for, bought and sold, with the mark and index it was asked at:
    filled in when it is first needed.
    """

    changes_q80: list[int]
    alone: tuple[tuple[int, int], tuple[int, int]] = ((-1, -1), (0, 0))


@dataclass(slots=True)
class ExpiryRisk:
    """PORT-004 to PORT-007 of one account's options of one underlying and expiry: what they are worth, and their
    profits: unweighted rows, both skews, basis.
    """

    expiry_ns: int
    value: int
    profits: list[int]


@dataclass(slots=True)
class UnderlyingRisk:
    """PORT-008, PORT-009: one account's positions on one underlying, in quote quanta.

    `rows` are weighted profits: those of `terms.rows`, then the linear and the absolute skew, then basis; `worst_row`
    is the number of the least of them. `linear` is what perpetuals and futures are worth.
    """

    feed: int
    terms: Terms
    holdings: list[Holding]
    linear: int = 0
    expiries: list[ExpiryRisk] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    kept_quanta: int = 0  # contingencies of maintenance margin
    more_quanta: int = 0  # and those that initial margin adds

    @property
    def worst_row(self) -> int:
        """The number of the row in which it loses most."""
        return self.rows.index(min(self.rows))


@dataclass(slots=True)
class PortfolioRisk:
    """PORT-010, PORT-011: what a portfolio asks for, and all that it follows from."""

    underlyings: list[UnderlyingRisk]
    scan: Scan
    initial: int
    maintenance: int


def encode_terms(record: PortfolioTerms) -> bytes:
    """Deterministic record bytes."""
    fields = record.terms._asdict()
    message = state_pb2.PortfolioTerms(feed=record.feed, rows=[row._asdict() for row in fields.pop("rows")], **fields)
    return message.SerializeToString(deterministic=True)


def decode_terms(_key: int, data: bytes) -> PortfolioTerms:
    """The inverse of `encode_terms`."""
    message = state_pb2.PortfolioTerms.FromString(data)
    rows = tuple(Row(row.spot_ppm, row.volatility, row.weight_ppm) for row in message.rows)
    return PortfolioTerms(message.feed, Terms(rows, *(getattr(message, name) for name in Terms._fields[1:])))


def encode_anchor(record: Anchor) -> bytes:
    """Deterministic record bytes."""
    curve = record.curve
    return state_pb2.Anchor(
        fixed_e9=little(curve.fixed_e9),
        live_e9=little(curve.live_e9),
        slice_e18=[little(part) for part in curve.slice_e18],
        left_ns=curve.left_ns,
        made_ns=record.made_ns,
    ).SerializeToString(deterministic=True)


def decode_anchor(_key: bytes, data: bytes) -> Anchor:
    """The inverse of `encode_anchor`."""
    message = state_pb2.Anchor.FromString(data)
    curve = Curve(
        int.from_bytes(message.fixed_e9, "little"),
        int.from_bytes(message.live_e9, "little"),
        tuple(int.from_bytes(part, "little") for part in message.slice_e18),
        message.left_ns,
    )
    return Anchor(curve, message.made_ns)


def little(value: int) -> bytes:
    """A number without a sign, as short as it goes."""
    return value.to_bytes((value.bit_length() + 7) >> 3, "little")
