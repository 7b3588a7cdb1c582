"""Frames of the link: a varint length, then one protobuf message. Used by both sides."""

from asyncio import IncompleteReadError, StreamReader

FRAME_BYTES_MAX = 128 * 1024 * 1024
LENGTH_BYTES_MAX = 4  # 28 bits of length: more than FRAME_BYTES_MAX needs


class FrameError(Exception):
    """The peer sent something that is not a frame; the connection is of no further use."""


def encode_frame(message: bytes) -> bytes:
    """`message` with its length in front."""
    length = len(message)
    if length > FRAME_BYTES_MAX:
        raise FrameError(f"a message of {length} bytes exceeds the frame limit of {FRAME_BYTES_MAX}")
    head = bytearray()
    while length >= 0x80:
        head.append(length & 0x7F | 0x80)
        length >>= 7
    head.append(length)
    return bytes(head) + message


async def read_frame(reader: StreamReader, bytes_max: int = FRAME_BYTES_MAX) -> bytes | None:
    """The next message, or None when the peer closed between two frames. Raises FrameError on anything else."""
    length = 0
    for position in range(LENGTH_BYTES_MAX):
        byte = await reader.read(1)
        if not byte:
            if position == 0:
                return None
            raise FrameError("the connection ended inside a length")
        length |= (byte[0] & 0x7F) << (7 * position)
        if byte[0] < 0x80:
            break
    else:
        raise FrameError(f"a length of more than {LENGTH_BYTES_MAX} bytes")
    if length > bytes_max:
        raise FrameError(f"a frame of {length} bytes exceeds the limit of {bytes_max}")
    try:
        return await reader.readexactly(length)
    except IncompleteReadError as error:
        raise FrameError(f"the connection ended after {len(error.partial)} of {length} bytes") from error
