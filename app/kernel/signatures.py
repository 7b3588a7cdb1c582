"""Ed25519 verification. The verdict is part of consensus, so the library is pinned and every edge is a test vector.

PyNaCl (libsodium) runs outside the interpreter lock, so many signatures can be checked by a few threads.
"""

from collections.abc import Callable

from nacl.bindings import crypto_core_ed25519_is_valid_point, crypto_sign_open
from nacl.exceptions import BadSignatureError

from app.kernel import zip215

PUBLIC_KEY_BYTES = 32
SIGNATURE_BYTES = 64


def verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """True if `signature` (R || S, 64 bytes) of `message` is good under `public_key` (A, 32 bytes). Never raises.

    The rule is that of the libsodium inside the pinned PyNaCl, each line of it pinned by vectors
    in tests/vectors/ed25519.json:

    - S is canonical: S < L, the group order. S + L, which satisfies the same equation, is refused.
    - A is a canonical encoding of a point on the curve and not one of the eight points of small order.
    - R is not of small order, whatever the equation says. (A non-canonical R of large order has no known secret.)
    - The equation is S·B = R + SHA-512(R || A || message)·A, without the cofactor: a torsion part that would only
      vanish times 8 makes the signature bad. A of mixed order is otherwise allowed.
    """
    if len(public_key) != PUBLIC_KEY_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    try:
        crypto_sign_open(signature + message, public_key)
    except BadSignatureError:
        return False
    return True


def verify_vote(
    public_key: bytes, message: bytes, signature: bytes, strict: Callable[[bytes, bytes, bytes], bool] = verify
) -> bool:
    """The verdict of CometBFT, ZIP-215's, on what a validator signed: `strict` answers first, being fast. Never raises.

    What `verify` accepts, ZIP-215 accepts: S < L is asked by both; A is the canonical encoding of a point, and R, being
    equal byte by byte to the encoding of S·B - h·A, is one too, so ZIP-215 decodes both to those very points; h is made
    from the same bytes; and an equation that holds still holds times 8. The other way it is not so (R or A with a
    torsion part, R of small order), and a vote that CometBFT counted must count here too: a block's record needs more
    than two thirds of the power, and nobody can vote again for a height that is decided.
    """
    return strict(public_key, message, signature) or zip215.verify(public_key, message, signature)


def is_validator_key(public_key: bytes) -> bool:
    """True if `public_key` is the canonical encoding of a point of order L, as every key made from a secret is.

    Under ZIP-215 anybody can sign for a key of small order; a key with a torsion part, or one that is written in a
    second way, would be another key of the same secret, and other verifiers would differ about its signatures.
    """
    return len(public_key) == PUBLIC_KEY_BYTES and crypto_core_ed25519_is_valid_point(public_key)
