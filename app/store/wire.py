"""A small writer of protobuf messages of other projects (CometBFT's proof operators, ICS-23's proofs).

Their generated code does not belong into `app`; what proofs need of them is a handful of messages without maps,
floats or unknown fields. Fields are written in number order and default values left out, so the bytes are canonical.
"""


def varint(number: int) -> bytes:
    """An unsigned number in base 128, lowest group first. Raises ValueError below zero."""
    if number < 0:
        raise ValueError("negative varint")
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def number_field(field: int, number: int) -> bytes:
    """A varint field; nothing for zero."""
    return varint(field << 3) + varint(number) if number else b""


def bytes_field(field: int, value: bytes) -> bytes:
    """A bytes or string field; nothing when empty."""
    return message_field(field, value) if value else b""


def message_field(field: int, message: bytes) -> bytes:
    """A nested message, or an element of a repeated field; written even when empty."""
    return varint(field << 3 | 2) + varint(len(message)) + message
