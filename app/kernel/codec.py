"""Keys and small encodings: fixed-width integers in big endian, so that byte order is number order."""


def u32(value: int) -> bytes:
    """Four bytes, big endian. 0 <= value < 2^32."""
    return value.to_bytes(4, "big")


def account_key(owner: bytes, number: int) -> bytes:
    """The 24-byte key of an account: owner address and account number."""
    return owner + number.to_bytes(4, "big")


def split_account_key(key: bytes) -> tuple[bytes, int]:
    """The inverse of `account_key`: (owner, number)."""
    return key[:20], int.from_bytes(key[20:], "big")


def identity(key: bytes) -> bytes:
    """The key codec of tables whose keys are bytes already."""
    return key


def u32_from(key: bytes) -> int:
    """The inverse of `u32`."""
    return int.from_bytes(key, "big")


def uvarint(value: int) -> bytes:
    """Protobuf's variable-length encoding of a non-negative integer."""
    if value < 0x80:
        return bytes((value,))
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def decimal_parts(text: str) -> tuple[int, int]:
    """A plain decimal as (digits, places): "0.05" is (5, 2). Raises ValueError for anything else."""
    whole, dot, fraction = text.partition(".")
    if (
        not (whole.isascii() and whole.isdigit())
        or (dot and not (fraction.isascii() and fraction.isdigit()))
        or len(text) > 24
    ):
        raise ValueError(text)
    return int(whole + fraction), len(fraction)
