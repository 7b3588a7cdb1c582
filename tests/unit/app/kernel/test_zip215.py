"""The verdict on what validators sign: ZIP-215's in every corner, and never stricter than libsodium's."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.signing import SigningKey

from app.kernel import zip215
from app.kernel.signatures import is_validator_key, verify, verify_vote
from tests.vectors import ed25519
from tests.vectors.zip215 import MESSAGE, NONCE, cases, mixed_order, odd, small_order

seeds = st.binary(min_size=32, max_size=32)


def test_every_edge_case() -> None:
    """Each has the verdict that the rule has by construction."""
    for case in cases():
        assert zip215.verify(case.public_key, case.message, case.signature) == case.good, case.name
        assert case.good or not verify(case.public_key, case.message, case.signature), case.name


def test_the_196_and_the_mixed_ones() -> None:
    """The families are whole, and they are what libsodium's rule refuses: all of small order, most of mixed order."""
    small, mixed = list(small_order()), [case for case in mixed_order() if case.good]
    assert len({case[1:] for case in small}) == 196 and all(case.good for case in small)
    assert not any(verify(case.public_key, case.message, case.signature) for case in small)
    assert len(mixed) == 64
    strict = [verify(case.public_key, case.message, case.signature) for case in mixed]
    assert 0 < sum(strict) < 32 and strict[0]


def test_constants_and_points_are_those_of_the_plain_implementation() -> None:
    """Written another way, the same curve."""
    assert (zip215.BASE_X, zip215.BASE_Y) == ed25519.BASE
    assert (zip215.PRIME, zip215.ORDER, zip215.D) == (ed25519.P, ed25519.ORDER, ed25519.D)
    for number in [*range(60), *range(ed25519.P - 30, 2**255)]:
        for sign in (0, 1):
            data = (number | sign << 255).to_bytes(32, "little")
            point, plain = zip215.decode(data), ed25519.decode(data)
            assert (point and point[:2]) == plain
            assert point is None or point[2:] == (1, point[0] * point[1] % ed25519.P)


@settings(deadline=None, max_examples=40)
@given(seeds, st.binary(max_size=200))
def test_libsodium_signs_and_zip215_agrees(seed: bytes, message: bytes) -> None:
    """An ordinary signature is good under both."""
    key = SigningKey(seed)
    public_key, signature = bytes(key.verify_key), key.sign(message).signature
    assert verify(public_key, message, signature) and zip215.verify(public_key, message, signature)
    assert is_validator_key(public_key)


@settings(deadline=None, max_examples=60)
@given(seeds, st.integers(0, 7), st.integers(0, 7), st.integers(0, ed25519.ORDER - 1), st.integers(0, 8 * 112 - 1),
       st.booleans())
def test_what_libsodium_accepts_zip215_accepts(
    seed: bytes, in_key: int, in_r: int, nonce: int, bit: int, turn: bool
) -> None:
    """However oddly signed, whichever bit is turned: libsodium accepts nothing that ZIP-215 refuses. Signed by the
    owner it is good under ZIP-215; with a bit turned under neither.
    """
    key, signature = odd(seed, MESSAGE, in_key, in_r, nonce=nonce)
    whole = key + MESSAGE + signature
    if turn:
        whole = (int.from_bytes(whole, "little") ^ 1 << bit % (8 * len(whole))).to_bytes(len(whole), "little")
    key, message, signature = whole[:32], whole[32:-64], whole[-64:]
    ours = zip215.verify(key, message, signature)
    assert ours != turn and verify_vote(key, message, signature) == ours
    assert ours or not verify(key, message, signature)


@settings(deadline=None)
@given(st.binary(max_size=70), st.binary(max_size=9), st.binary(max_size=70))
def test_noise_has_an_answer(key: bytes, message: bytes, signature: bytes) -> None:
    """Never an exception, whatever the bytes and lengths."""
    assert not verify_vote(key, message, signature)
    assert not is_validator_key(key) or len(key) == 32


def test_the_first_verdict_is_asked_first() -> None:
    """What `strict` accepts is accepted: only what it refuses costs more."""
    assert verify_vote(b"", b"", b"", lambda *_: True)
    assert not verify_vote(b"", b"", b"", lambda *_: False)
    key, signature = odd(ed25519.SEED, MESSAGE, 0, 0)
    assert verify_vote(key, MESSAGE, signature, lambda *_: False)


@pytest.mark.parametrize("length", [0, 1, 31, 33, 63, 65, 1000])
def test_wrong_lengths_are_false(length: int) -> None:
    """A key or signature of another length is a bad one."""
    key, signature = odd(ed25519.SEED, MESSAGE, 0, 1)
    assert zip215.verify(key, MESSAGE, signature)
    assert not zip215.verify(key[:length] + bytes(max(0, length - 32)), MESSAGE, signature)
    assert not zip215.verify(key, MESSAGE, signature[:length] + bytes(max(0, length - 64)))
    assert not is_validator_key(key[:length] + bytes(max(0, length - 32)))


def is_of_the_order(data: bytes) -> bool:
    """By plain arithmetic: a canonical encoding of a point of order L."""
    point = ed25519.decode(data)
    return (point not in (None, ed25519.IDENTITY) and ed25519.encode(point) == data
            and ed25519.multiply(ed25519.ORDER, point) == ed25519.IDENTITY)


def test_validator_keys() -> None:
    """No small order, no torsion part of any order, two among them; one encoding; a point."""
    for name, data in ed25519.encodings_of_small_order():
        assert not is_validator_key(data), name
    for torsion in range(8):
        for number in (1, 2, NONCE):
            point = ed25519.add(ed25519.multiply(number, ed25519.BASE), ed25519.torsion_points()[torsion])
            assert is_validator_key(ed25519.encode(point)) == (torsion == 0)
    for number in [*range(10), *range(ed25519.P - 5, 2**255)]:
        for sign in (0, 1):
            data = (number | sign << 255).to_bytes(32, "little")
            assert is_validator_key(data) == is_of_the_order(data), data.hex()


@settings(deadline=None, max_examples=40)
@given(st.integers(0, ed25519.ORDER - 1), st.integers(0, 7))
def test_doubling_is_adding(number: int, torsion: int) -> None:
    """The short way gives the same point as the long one, and both what the plain implementation says."""
    plain = ed25519.add(ed25519.multiply(number, ed25519.BASE), ed25519.torsion_points()[torsion])
    point = zip215.decode(ed25519.encode(plain))
    assert point is not None
    for x, y, z, t in (zip215.double(point), zip215.add(point, point)):
        twice = ed25519.add(plain, plain)
        assert (x - twice[0] * z) % ed25519.P == (y - twice[1] * z) % ed25519.P == (x * y - t * z) % ed25519.P == 0
        assert z
