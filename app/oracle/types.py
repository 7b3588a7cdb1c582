"""Records of the oracle: feeds, marks, voted volatility, who reported."""

from dataclasses import dataclass, replace
from typing import NamedTuple

from app.oracle.rules import FRESH
from novation.v1 import state_pb2

REPORTERS_KEY = b"reporters"


class Pillar(NamedTuple):
    """The volatility of one underlying up to one expiry: the forward over the feed's price, and total variances at
    fixed points, in billionths.
    """

    feed: int
    expiry_s: int
    forward_e9: int
    variances_e9: tuple[int, ...]


class Vote(NamedTuple):
    """What one validator saw: feeds ascending, the price of each, pillars ascending by feed and expiry."""

    feeds: tuple[int, ...] = ()
    prices: tuple[int, ...] = ()
    pillars: tuple[Pillar, ...] = ()


class Reported(NamedTuple):
    """A checked vote with the address and power of who cast it."""

    address: bytes
    power: int
    vote: Vote


@dataclass(slots=True)
class Votes:
    """The votes that a block brings, cast in `round` by a set with `total` power; `present` are the addresses of the
    whole set.
    """

    total: int
    present: tuple[bytes, ...]
    cast: list[Reported]
    round: int = 0


@dataclass(slots=True)
class MarkPrice:
    """Mark and index of a market, quote quanta a lot; when the mark last changed; the validity of its feed; the
    smoothed basis (MARK-002).
    """

    price_quanta: int = 0
    height: int = 0
    time_ns: int = 0
    index_quanta: int = 0
    validity: int = FRESH
    basis_e3: int = 0
    stamp: int = 0

    def copy(self) -> "MarkPrice":
        """A copy that may be changed."""
        return MarkPrice(
            self.price_quanta, self.height, self.time_ns, self.index_quanta, self.validity, self.basis_e3
        )


@dataclass(slots=True)
class Feed:
    """What something is worth in USD, in units of 10^-decimals. See state.proto for each field."""

    feed: int = 0
    symbol: str = ""
    decimals: int = 0
    move_ppm: int = 0
    move_ppm_a_second: int = 0
    max_age_ns: int = 0
    warm_up_ns: int = 0
    price: int = 0
    voted_ns: int = 0
    median: int = 0
    validity: int = FRESH
    warm_from_ns: int = 0
    weighted: int = 0
    covered_ns: int = 0
    absent_from_ns: int = 0
    stamp: int = 0

    def copy(self) -> "Feed":
        """A copy that may be changed."""
        return replace(self)


class VotedPillar(NamedTuple):
    """What was voted of one underlying and expiry, and when."""

    expiry_s: int
    forward_e9: int
    variances_e9: tuple[int, ...]
    voted_ns: int


@dataclass(slots=True)
class Surface:
    """What was voted of the volatility of one underlying, ascending by expiry."""

    pillars: tuple[VotedPillar, ...] = ()
    stamp: int = 0

    def copy(self) -> "Surface":
        """A copy that may be changed."""
        return Surface(self.pillars)


@dataclass(slots=True)
class Reporters:
    """How validators took part, by address: [blocks, votes, prices, deviations]."""

    rows: dict[bytes, list[int]]
    stamp: int = 0

    def copy(self) -> "Reporters":
        """A copy that may be changed."""
        return Reporters({address: list(counts) for address, counts in self.rows.items()})


FEED_FIELDS = tuple(name for name in Feed.__dataclass_fields__ if name not in ("stamp", "weighted"))


def encode_feed(record: Feed) -> bytes:
    """Deterministic record bytes."""
    message = state_pb2.Feed(**{name: getattr(record, name) for name in FEED_FIELDS})
    message.weighted = record.weighted.to_bytes((record.weighted.bit_length() + 7) >> 3, "little")
    return message.SerializeToString(deterministic=True)


def decode_feed(_key: int, data: bytes) -> Feed:
    """The inverse of `encode_feed`."""
    message = state_pb2.Feed.FromString(data)
    fields = {name: getattr(message, name) for name in FEED_FIELDS}
    return Feed(weighted=int.from_bytes(message.weighted, "little"), **fields)


def encode_surface(record: Surface) -> bytes:
    """Deterministic record bytes."""
    rows = [state_pb2.VotedPillar(**pillar._asdict()) for pillar in record.pillars]
    return state_pb2.Surface(pillars=rows).SerializeToString(deterministic=True)


def decode_surface(_key: int, data: bytes) -> Surface:
    """The inverse of `encode_surface`."""
    rows = state_pb2.Surface.FromString(data).pillars
    return Surface(
        tuple(VotedPillar(row.expiry_s, row.forward_e9, tuple(row.variances_e9), row.voted_ns) for row in rows)
    )


def encode_reporters(record: Reporters) -> bytes:
    """Deterministic record bytes."""
    addresses = sorted(record.rows)
    columns = [[record.rows[address][column] for address in addresses] for column in range(4)]
    return state_pb2.Reporters(
        addresses=b"".join(addresses), blocks=columns[0], votes=columns[1], prices=columns[2], deviations=columns[3]
    ).SerializeToString(deterministic=True)


def decode_reporters(_key: bytes, data: bytes) -> Reporters:
    """The inverse of `encode_reporters`."""
    message = state_pb2.Reporters.FromString(data)
    rows = zip(message.blocks, message.votes, message.prices, message.deviations, strict=True)
    return Reporters({message.addresses[20 * place : 20 * place + 20]: list(row) for place, row in enumerate(rows)})
