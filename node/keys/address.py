"""From a secret seed to the owner address of an account."""

import hashlib

from nacl.signing import SigningKey

ADDRESS_TAG = b"novation/address/v1"
KEY_TYPE_ED25519 = 1
SEED_BYTES = 32


def public_key_of(seed: bytes) -> bytes:
    return bytes(SigningKey(seed).verify_key)


def owner_of(seed: bytes) -> bytes:
    """The 20-byte owner address of the key."""
    return hashlib.sha256(ADDRESS_TAG + bytes([KEY_TYPE_ED25519]) + public_key_of(seed)).digest()[:20]
