"""Keys, addresses and sign bytes are the chain's."""

import hashlib

import pytest
from nacl.signing import SigningKey

from app.kernel import hashing, signatures
from app.tx import sign_bytes as app_sign_bytes
from client.keys import Key, owner_of, sign_bytes

SEED = bytes(range(32))


def test_a_fixed_seed_has_a_fixed_address() -> None:
    """Pinned: RFC 8032's public key for this seed, and the owner that follows from it."""
    key = Key(SEED)
    assert key.public_key.hex() == "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8"
    digest = hashlib.sha256(b"novation/address/v1\x01" + key.public_key).hexdigest()
    assert key.owner.hex() == digest[:40] == "7265a51cb91bb96adec3d70aa99a791aec2d789e"


def test_addresses_sign_bytes_and_signatures_are_the_apps() -> None:
    """Both sides compute the same, and the app's verifier accepts what the client signs."""
    key = Key(SEED)
    assert owner_of(key.public_key) == hashing.address_of(1, key.public_key)
    message = sign_bytes("novation-1", b"body")
    assert message == app_sign_bytes("novation-1", b"body") == b"novation/tx/v1\x00\x0anovation-1body"
    assert signatures.verify(key.public_key, message, key.sign(message))
    assert not signatures.verify(key.public_key, sign_bytes("novation-2", b"body"), key.sign(message))


def test_keys_come_from_text_and_files(tmp_path) -> None:
    """Hexadecimal, with or without white space around it."""
    file = tmp_path / "key"
    file.write_text(SEED.hex() + "\n")
    assert Key.from_hex(SEED.hex()) == Key.from_file(file) == Key(SEED)
    assert Key.generate() != Key.generate()


@pytest.mark.parametrize("text", ["", "00", "zz" * 32, "00" * 33])
def test_what_is_not_a_key_is_refused_without_repeating_it(text: str) -> None:
    """The error does not hold the secret."""
    with pytest.raises(ValueError, match="64 hexadecimal") as caught:
        Key.from_hex(text)
    assert not text or text not in str(caught.value)


def test_a_key_does_not_print_its_seed() -> None:
    """Nor anything that signs."""
    assert SEED.hex() not in repr(Key(SEED)) and repr(SEED) not in repr(Key(SEED))
    assert "SigningKey" not in repr(Key(SEED))


def test_accounts_of_a_key() -> None:
    """One owner, many compartments."""
    key = Key(SEED)
    assert (key.account(7).owner, key.account(7).number) == (key.owner, 7)


def test_chain_ids_have_a_length_that_fits_one_byte() -> None:
    """Otherwise two chains could share sign bytes."""
    for name in ("", "x" * 256):
        with pytest.raises(ValueError, match="chain id"):
            sign_bytes(name, b"")


def test_signing_is_deterministic() -> None:
    """The same message has one signature, PyNaCl's."""
    assert Key(SEED).sign(b"m") == SigningKey(SEED).sign(b"m").signature
