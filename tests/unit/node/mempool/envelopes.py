"""Envelopes that need no chain, and an `admit` for them."""

import hashlib
from dataclasses import dataclass

from app.errors import TX_MALFORMED, ChainError


@dataclass(frozen=True, slots=True)
class FakeTx:
    """As much of an envelope as the mempool looks at."""

    raw: bytes
    hash: bytes
    account: bytes
    nonce: int
    lane: int = 2
    gas_limit: int = 1
    expiry_height: int = 0
    expiry_time_ns: int = 0


def fake_tx(account: int, nonce: int, size: int = 100, gas: int = 1, height: int = 0, time_ns: int = 0,
            variant: int = 0, lane: int = 2) -> FakeTx:
    """An envelope of `size` bytes that says what it is; `variant` makes another one with the same nonce."""
    raw = f"{account},{nonce},{gas},{height},{time_ns},{variant},{lane},".encode().ljust(size, b".")
    return admit(raw)


def admit(raw: bytes) -> FakeTx:
    """Decodes what `fake_tx` made. Raises TX_MALFORMED for everything else."""
    try:
        account, nonce, gas, height, time_ns, _, lane, _ = raw.decode().split(",")
        numbers = int(nonce), int(lane), int(gas), int(height), int(time_ns)
        owner = int(account).to_bytes(24, "big")
    except (ValueError, OverflowError) as error:
        raise ChainError(TX_MALFORMED) from error
    return FakeTx(raw, hashlib.sha256(raw).digest(), owner, *numbers)
