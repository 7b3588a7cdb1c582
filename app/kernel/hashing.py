"""SHA-256 and the two hashes that name things: transactions and addresses."""

from hashlib import sha256

ADDRESS_TAG = b"novation/address/v1"
ADDRESS_SIZE = 20


def sha(data: bytes) -> bytes:
    """The SHA-256 of `data`."""
    return sha256(data).digest()


def address_of(key_type: int, public_key: bytes) -> bytes:
    """TX-005: the 20-byte owner address of a public key."""
    return sha256(ADDRESS_TAG + bytes([key_type]) + public_key).digest()[:ADDRESS_SIZE]
