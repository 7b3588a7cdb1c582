"""Signature verdicts: every vector, the RFC's own bytes, and the versions that the verdicts were pinned with."""

import json
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from app.kernel.signatures import verify
from tests.vectors import ed25519

PROJECT = Path(__file__).resolve().parents[4]
CASES = json.loads(ed25519.FILE.read_text())

# RFC 8032, 7.1, copied from the RFC: public key and signature of the cases in ed25519.RFC_8032, in order.
RFC_ANSWERS = (
    ("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe2465514"
     "1438e7a100b"),
    ("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d2"
     "91612bb0c00"),
    ("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027b"
     "eceea1ec40a"),
    ("ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
     "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef"
     "1177331a704"),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['rule']}: {case['name']}")
def test_verdict(case: dict[str, str]) -> None:
    """The library says of each vector what the rule says."""
    key, message, signature = (bytes.fromhex(case[part]) for part in ("public_key", "message", "signature"))
    assert verify(key, message, signature) is case["expected"]


def test_vectors_hold_every_family() -> None:
    """The families exist in the numbers that make them complete, with the equations they were made to satisfy."""
    families: dict[str, list[tuple[bool, bool]]] = {}
    for case in CASES:
        families.setdefault(case["rule"], []).append((case["cofactorless"], case["cofactored"]))
    assert len(families["small-order-key"]) == 14, "8 points and 6 second encodings"
    assert set(families["small-order-key"]) == {(True, True)}, "refused although the equation holds"
    assert (True, True) in families["small-order-r"]
    assert len(families["non-canonical-s"]) == 15 and set(families["non-canonical-s"]) == {(True, True)}
    assert set(families["mixed-key-only-cofactored"]) == {(False, True)}
    assert set(families["mixed-r-only-cofactored"]) == {(False, True)}
    assert set(families["mixed-key-both-equations"]) == {(True, True)}
    assert set(families["mixed-both-cancel"]) == {(True, True)}


def test_plain_implementation_agrees_with_the_rfc() -> None:
    """The generator of the vectors is right where the RFC can tell."""
    for (_, seed, message), (key, signature) in zip(ed25519.RFC_8032, RFC_ANSWERS, strict=True):
        assert ed25519.public_key(bytes.fromhex(seed)).hex() == key
        assert ed25519.sign(bytes.fromhex(seed), bytes.fromhex(message)).hex() == signature


@pytest.mark.parametrize("length", [0, 1, 31, 33, 64, 1000])
def test_wrong_lengths_are_false(length: int) -> None:
    """A key or signature of another length is a bad signature, never an exception."""
    seed = bytes(32)
    key, signature = ed25519.public_key(seed), ed25519.sign(seed, b"m")
    assert verify(key, b"m", signature)
    assert not verify(bytes(length), b"m", signature)
    assert length == 64 or not verify(key, b"m", bytes(length))


@pytest.mark.parametrize("package", ["protobuf", "PyNaCl", "plyvel"])
def test_installed_version_is_the_pinned_one(package: str) -> None:
    """What touches consensus is installed in exactly the version that pyproject pins."""
    dependencies = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert f"{package}=={metadata.version(package)}" in dependencies
