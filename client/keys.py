"""Keys, addresses and sign bytes.

    key = Key.generate()
    print(key.owner.hex())          # the address: fund this one
    key = Key.from_hex(os.environ["NOVATION_KEY"])
"""

from __future__ import annotations

import hashlib
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from nacl.signing import SigningKey

from novation.v1 import tx_pb2

SEED_BYTES = 32
OWNER_BYTES = 20
ADDRESS_TAG = b"novation/address/v1"
SIGN_TAG = b"novation/tx/v1\x00"
BLOCK_TAG = b"novation/block/v1\x00"


def owner_of(public_key: bytes, key_type: int = tx_pb2.KEY_TYPE_ED25519) -> bytes:
    """The address (20 bytes) that owns a public key's accounts."""
    return hashlib.sha256(ADDRESS_TAG + bytes([key_type]) + public_key).digest()[:OWNER_BYTES]


def sign_bytes(chain_id: str, body: bytes) -> bytes:
    """What a signature is over: a tag, the chain id with its length in one byte, the encoded Body."""
    name = chain_id.encode()
    if not 1 <= len(name) <= 255:
        raise ValueError(f"a chain id has 1 to 255 bytes, not {len(name)}")
    return SIGN_TAG + bytes([len(name)]) + name + body


def block_bytes(chain_id: str, terms: tx_pb2.BlockTerms) -> bytes:
    """What the counterparty of a block trade signs."""
    return BLOCK_TAG + sign_bytes(chain_id, terms.SerializeToString(deterministic=True))[len(SIGN_TAG):]


@dataclass(frozen=True, slots=True)
class Key:
    """An Ed25519 key. Made from a secret seed of 32 bytes, which it never prints."""

    seed: bytes = field(repr=False)
    public_key: bytes = field(init=False)
    owner: bytes = field(init=False)
    _signer: SigningKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.seed) != SEED_BYTES:
            raise ValueError(f"a key's seed has {SEED_BYTES} bytes, not {len(self.seed)}")
        signer = SigningKey(self.seed)
        object.__setattr__(self, "_signer", signer)
        object.__setattr__(self, "public_key", bytes(signer.verify_key))
        object.__setattr__(self, "owner", owner_of(self.public_key))

    @staticmethod
    def generate() -> Key:
        """A new random key."""
        return Key(secrets.token_bytes(SEED_BYTES))

    @staticmethod
    def from_hex(text: str) -> Key:
        """The key whose seed is written as 64 hexadecimal digits. Raises ValueError on anything else."""
        try:
            return Key(bytes.fromhex(text.strip()))
        except ValueError:
            raise ValueError(f"a key is written as {2 * SEED_BYTES} hexadecimal digits") from None

    @staticmethod
    def from_file(path: str | os.PathLike[str]) -> Key:
        """The key in a file that holds 64 hexadecimal digits. Keep such a file readable by yourself only."""
        return Key.from_hex(Path(path).read_text(encoding="ascii", errors="replace"))

    def sign(self, message: bytes) -> bytes:
        """The signature (64 bytes) of a message."""
        return self._signer.sign(message).signature

    def account(self, number: int = 0) -> tx_pb2.AccountId:
        """The id of one of this key's accounts; each number is a compartment of its own."""
        return tx_pb2.AccountId(owner=self.owner, number=number)
