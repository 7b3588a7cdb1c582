"""The settlement record of a market that ends."""

from dataclasses import dataclass, replace

from novation.v1 import state_pb2


@dataclass(slots=True)
class Settlement:
    """How far the settlement of a market has come.

    `weighted` is the sum of index price times nanoseconds over `covered_ns` of the window before `ends_ns`.
    `price_quanta` is the settlement price once it is `fixed`. `shortfall_quanta` is what accounts that held the market
    still owe after the insurance fund paid what it could.
    """

    ends_ns: int = 0
    covered_ns: int = 0
    weighted: int = 0
    price_quanta: int = 0
    shortfall_quanta: int = 0
    fixed: bool = False
    stamp: int = 0

    def copy(self) -> "Settlement":
        """A copy that may be changed."""
        return replace(self)


def encode(record: Settlement) -> bytes:
    """Deterministic record bytes."""
    return state_pb2.Settlement(
        ends_ns=record.ends_ns,
        covered_ns=record.covered_ns,
        weighted=record.weighted.to_bytes((record.weighted.bit_length() + 7) >> 3, "little"),
        price_quanta=record.price_quanta,
        shortfall_quanta=record.shortfall_quanta,
        fixed=record.fixed,
    ).SerializeToString(deterministic=True)


def decode(_key: object, data: bytes) -> Settlement:
    """The inverse of `encode`."""
    message = state_pb2.Settlement.FromString(data)
    return Settlement(
        message.ends_ns,
        message.covered_ns,
        int.from_bytes(message.weighted, "little"),
        message.price_quanta,
        message.shortfall_quanta,
        message.fixed,
    )
