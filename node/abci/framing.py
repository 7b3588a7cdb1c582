"""Frames of the ABCI socket protocol: an unsigned varint length, then that many bytes.

A read from a socket may end anywhere, inside a length too, and may hold many frames. `FrameReader` takes whatever
bytes came and gives back the frames they complete.
"""

MAX_FRAME_BYTES = 128 * 1024 * 1024
"""Far above any block (CometBFT caps one at 100 MB), far below what could exhaust memory."""

_MAX_LENGTH_BYTES = 5  # 5 x 7 bits hold every length up to 2^31 - 1, the protocol's own bound


def encode_length(length: int) -> bytes:
    """`length` (0 or more) as an unsigned varint."""
    encoded = bytearray()
    while length > 0x7F:
        encoded.append(length & 0x7F | 0x80)
        length >>= 7
    encoded.append(length)
    return bytes(encoded)


def encode_frame(payload: bytes) -> bytes:
    """`payload` with its length in front."""
    return encode_length(len(payload)) + payload


class FrameReader:
    """Cuts one connection's byte stream into frames.

    `failure` is empty until the stream cannot be a sequence of frames any more (a length above the bound or longer
    than five bytes); from then on nothing more is returned and the connection must be closed.
    """

    __slots__ = ("_limit_bytes", "_pending", "failure")

    def __init__(self, limit_bytes: int = MAX_FRAME_BYTES) -> None:
        self.failure = ""
        self._limit_bytes = limit_bytes
        self._pending = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """The frames that `data` completes, in order; what is left over waits for the next call."""
        if self.failure:
            return []
        source: bytes | bytearray = data
        if self._pending:
            self._pending += data
            source = self._pending
        frames: list[bytes] = []
        position = 0
        end = len(source)
        while position < end:
            length, start = self._length_at(source, position)
            if start < 0 or start + length > end:
                break
            position = start + length
            frames.append(bytes(source[start:position]))
        if self.failure:
            self._pending = bytearray()
        elif source is self._pending:
            del self._pending[:position]
        else:
            self._pending += source[position:]
        return frames

    @property
    def waiting_bytes(self) -> int:
        """Bytes of a frame that has not come whole yet."""
        return len(self._pending)

    def _length_at(self, source: bytes | bytearray, position: int) -> tuple[int, int]:
        """(length of the frame, where its payload starts); the start is -1 when the length has not come whole."""
        length = shift = 0
        for index in range(position, min(position + _MAX_LENGTH_BYTES, len(source))):
            byte = source[index]
            length |= (byte & 0x7F) << shift
            if byte < 0x80:
                if length > self._limit_bytes:
                    self.failure = f"a frame of {length} bytes is above the bound of {self._limit_bytes}"
                    return 0, -1
                return length, index + 1
            shift += 7
        if len(source) - position >= _MAX_LENGTH_BYTES:
            self.failure = f"a frame length runs over {_MAX_LENGTH_BYTES} bytes"
        return 0, -1
