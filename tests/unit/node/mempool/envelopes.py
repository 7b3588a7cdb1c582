"""Envelopes that need no chain, and rules for them."""

import hashlib
from dataclasses import dataclass

from app.errors import TX_MALFORMED, ChainError
from node.mempool.mempool import Mempool


@dataclass(frozen=True, slots=True)
class FakeTx:
    """As much of an envelope as the mempool looks at. Its highest fee is its gas limit."""

    raw: bytes
    hash: bytes
    account: bytes
    nonce: int
    lane: int = 2
    gas_limit: int = 1
    expiry_height: int = 0
    expiry_time_ns: int = 0
    kinds: tuple[str, ...] = ("place_order",)

    @property
    def weight_bytes(self) -> int:
        """An action weighs nothing here."""
        return len(self.raw)


def fake_tx(account: int, nonce: int, size: int = 100, gas: int = 1, height: int = 0, time_ns: int = 0,
            variant: int = 0, lane: int = 2, kind: str = "place_order") -> FakeTx:
    """An envelope of `size` bytes that says what it is; `variant` makes another one with the same nonce."""
    raw = f"{account},{nonce},{gas},{height},{time_ns},{variant},{lane},{kind},".encode().ljust(size, b".")
    return decode(raw)


def decode(raw: bytes) -> FakeTx:
    """Decodes what `fake_tx` made. Raises TX_MALFORMED for everything else."""
    try:
        account, nonce, gas, height, time_ns, _, lane, kind, _ = raw.decode().split(",")
        numbers = int(nonce), int(lane), int(gas), int(height), int(time_ns)
        owner = int(account).to_bytes(24, "big")
    except (ValueError, OverflowError) as error:
        raise ChainError(TX_MALFORMED) from error
    return FakeTx(raw, hashlib.sha256(raw).digest(), owner, *numbers, (kind,))


class FakeRules:
    """A chain on which every envelope is good and every account rich, unless a test says otherwise."""

    def __init__(self) -> None:
        self.refusals: dict[bytes, ChainError] = {}  # account -> why its envelopes are refused
        self.equities: dict[bytes, int] = {}
        self.admitted: list[bytes] = []

    def admit(self, raw: bytes) -> FakeTx:
        self.admitted.append(raw)
        tx = decode(raw)
        if tx.account in self.refusals:
            raise self.refusals[tx.account]
        return tx

    def decode(self, raw: bytes) -> FakeTx:
        return decode(raw)

    def highest_fee(self, tx: FakeTx) -> int:
        return tx.gas_limit

    def equity(self, key: bytes) -> int:
        return self.equities.get(key, 10**12)


def waiting(mempool: Mempool) -> list[FakeTx]:
    """What a proposer would be offered, in order."""
    offered: list[FakeTx] = []

    def take_all(candidates: object) -> list[bytes]:
        offered.extend(candidates)  # type: ignore[call-overload]
        return [tx.raw for tx in offered]

    mempool.propose(take_all)
    return offered
