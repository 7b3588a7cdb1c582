"""What the chain knows of an owner's trading, the terms of its fees, and what a block collected so far."""

from dataclasses import dataclass, field, replace

from app.kernel.integers import PPM
from novation.v1 import state_pb2

TERMS_KEY = b"terms"
Trade = tuple[bytes, bytes, int, int, int]
"""(taker's account, maker's account, market, notional, what the maker's rebate left of the taker's fee)."""


@dataclass(slots=True)
class Trader:
    """What an owner traded in the last 30 days, over all accounts, and who sent it here.

    `volumes` are quote quanta a day, newest first; the first is that of `day`, in days since 1970. `volume_quanta` is
    their sum.
    """

    day: int = 0
    volume_quanta: int = 0
    volumes: tuple[int, ...] = ()
    referrer: bytes = b""
    stamp: int = 0

    def copy(self) -> "Trader":
        """A copy that may be changed."""
        return Trader(self.day, self.volume_quanta, self.volumes, self.referrer)


@dataclass(frozen=True, slots=True)
class Tier:
    """From `volume_quanta` in 30 days on, an owner pays these shares of a market's rates; negative: a rebate."""

    volume_quanta: int
    maker_ppm: int
    taker_ppm: int


# Shares of a market's rates. With 100 and 500 ppm: maker 100, 80, 60, 30, 0, -50 and taker 500 down to 250.
DEFAULT_TIERS = (
    Tier(0, PPM, PPM),
    Tier(1_000_000_000_000, 800_000, 900_000),
    Tier(5_000_000_000_000, 600_000, 800_000),
    Tier(25_000_000_000_000, 300_000, 700_000),
    Tier(100_000_000_000_000, 0, 600_000),
    Tier(500_000_000_000_000, -500_000, 500_000),
)


@dataclass(slots=True)
class FeeTerms:
    """The chain's terms: tiers ascending by volume, the referrer's share, and who gets the rest."""

    tiers: tuple[Tier, ...] = DEFAULT_TIERS
    referral_ppm: int = 100_000
    insurance_ppm: int = 300_000
    stakers_ppm: int = 400_000
    stamp: int = 0

    def copy(self) -> "FeeTerms":
        """A copy that may be changed."""
        return replace(self)


@dataclass(slots=True)
class BlockFees:
    """What the running block's fills left to share out at its end. Never stored; every change has its undo.

    `rates` remembers the rates that were looked up, by account and market. They are the same for a whole block, because
    volume counts from the next block on.
    """

    trades: list[Trade] = field(default_factory=list)
    collected: dict[int, int] = field(default_factory=dict)
    rates: dict[tuple[bytes, int], tuple[int, int]] = field(default_factory=dict)


def encode_terms(terms: FeeTerms) -> bytes:
    """Deterministic record bytes."""
    message = state_pb2.FeeTerms(
        referral_ppm=terms.referral_ppm, insurance_ppm=terms.insurance_ppm, stakers_ppm=terms.stakers_ppm
    )
    for tier in terms.tiers:
        message.tiers.add(volume_quanta=tier.volume_quanta, maker_ppm=tier.maker_ppm, taker_ppm=tier.taker_ppm)
    return message.SerializeToString(deterministic=True)


def decode_terms(_key: bytes, data: bytes) -> FeeTerms:
    """The inverse of `encode_terms`."""
    message = state_pb2.FeeTerms.FromString(data)
    tiers = tuple(Tier(tier.volume_quanta, tier.maker_ppm, tier.taker_ppm) for tier in message.tiers)
    return FeeTerms(tiers, message.referral_ppm, message.insurance_ppm, message.stakers_ppm)


def encode_trader(trader: Trader) -> bytes:
    """Deterministic record bytes."""
    return state_pb2.Trader(
        day=trader.day, volume_quanta=trader.volume_quanta, volumes=trader.volumes, referrer=trader.referrer
    ).SerializeToString(deterministic=True)


def decode_trader(_key: bytes, data: bytes) -> Trader:
    """The inverse of `encode_trader`."""
    message = state_pb2.Trader.FromString(data)
    return Trader(message.day, message.volume_quanta, tuple(message.volumes), message.referrer)
