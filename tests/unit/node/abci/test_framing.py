"""Frames survive splits at any byte, many to a read, and garbage is told apart from waiting."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.abci.framing import FrameReader, encode_frame, encode_length

PAYLOADS = [b"", b"a", b"b" * 127, b"c" * 128, b"d" * 300, b"", b"e" * 20_000]
STREAM = b"".join(encode_frame(payload) for payload in PAYLOADS)


def test_length_encoding_is_the_protobuf_varint() -> None:
    assert [encode_length(n) for n in (0, 1, 127, 128, 300, 2**31 - 1)] == [
        b"\x00", b"\x01", b"\x7f", b"\x80\x01", b"\xac\x02", b"\xff\xff\xff\xff\x07"]


def test_split_at_every_byte() -> None:
    stream = b"".join(encode_frame(payload) for payload in PAYLOADS[:6])
    for cut in range(len(stream) + 1):
        reader = FrameReader()
        assert reader.feed(stream[:cut]) + reader.feed(stream[cut:]) == PAYLOADS[:6]
        assert (reader.waiting_bytes, reader.failure) == (0, "")


def test_byte_by_byte() -> None:
    reader = FrameReader()
    frames = [frame for byte in STREAM for frame in reader.feed(bytes([byte]))]
    assert frames == PAYLOADS


@given(st.lists(st.binary(max_size=400), max_size=12), st.lists(st.integers(0, 4_000), max_size=12))
def test_any_split(payloads: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(encode_frame(payload) for payload in payloads)
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    reader = FrameReader()
    frames: list[bytes] = []
    for start, end in itertools.pairwise(edges):
        frames += reader.feed(stream[start:end])
    assert frames == payloads
    assert reader.waiting_bytes == 0


@given(st.lists(st.binary(min_size=1, max_size=64), max_size=20))
def test_garbage_never_raises_and_is_bounded(chunks: list[bytes]) -> None:
    reader = FrameReader(limit_bytes=100)
    for chunk in chunks:
        for frame in reader.feed(chunk):
            assert len(frame) <= 100
        assert reader.waiting_bytes <= 100 + 5 + 64
    if reader.failure:
        assert reader.feed(encode_frame(b"good")) == []


def test_frames_before_a_malformed_one_are_delivered() -> None:
    reader = FrameReader(limit_bytes=1_000)
    assert reader.feed(encode_frame(b"one") + encode_frame(b"two") + encode_length(1_001)) == [b"one", b"two"]
    assert "1001" in reader.failure


@pytest.mark.parametrize("split", range(6))
def test_length_that_never_ends(split: int) -> None:
    endless = b"\x80" * 6
    reader = FrameReader()
    assert reader.feed(endless[:split]) == []
    assert reader.feed(endless[split:]) == []
    assert "5 bytes" in reader.failure


def test_largest_frame_passes_and_one_more_byte_does_not() -> None:
    reader = FrameReader(limit_bytes=1_000)
    assert reader.feed(encode_frame(b"x" * 1_000)) == [b"x" * 1_000]
    assert reader.failure == ""
    assert reader.feed(encode_frame(b"x" * 1_001)) == []
    assert reader.failure
