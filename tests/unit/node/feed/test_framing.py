"""Frames of the link."""

import asyncio

import pytest

from node.feed.framing import FRAME_BYTES_MAX, FrameError, encode_frame, read_frame


def read_all(data: bytes, bytes_max: int = FRAME_BYTES_MAX) -> list[bytes]:
    """All messages in `data`, as one side of a connection would see them."""
    async def read() -> list[bytes]:
        reader = asyncio.StreamReader()
        reader.feed_data(data)
        reader.feed_eof()
        found = []
        while (message := await read_frame(reader, bytes_max)) is not None:
            found.append(message)
        return found

    return asyncio.run(read())


@pytest.mark.parametrize("size", [0, 1, 127, 128, 16_383, 16_384, 300_000])
def test_frames_survive_the_way(size: int) -> None:
    """Any length arrives as it was sent, several in a row."""
    message = bytes(index % 251 for index in range(size))
    assert read_all(encode_frame(message) + encode_frame(b"next")) == [message, b"next"]


@pytest.mark.parametrize(("data", "reason"), [
    (b"\x80", "inside a length"),
    (b"\x05abc", "after 3 of 5 bytes"),
    (b"\xff\xff\xff\xff\xff", "length of more than"),
    (b"\xff\xff\xff\x7f", "exceeds the limit"),
])
def test_what_is_not_a_frame_is_refused(data: bytes, reason: str) -> None:
    """Cut or absurd frames are errors, not data."""
    with pytest.raises(FrameError, match=reason):
        read_all(data)


def test_the_reader_chooses_the_bound() -> None:
    """A frame above the reader's own bound is refused before it is read."""
    with pytest.raises(FrameError, match="limit of 10"):
        read_all(encode_frame(b"x" * 11), bytes_max=10)
