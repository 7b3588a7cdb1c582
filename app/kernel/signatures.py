"""Ed25519 verification. The verdict is part of consensus, so the library is pinned and every edge is a test vector.

PyNaCl (libsodium) runs outside the interpreter lock, so many signatures can be checked by a few threads.
"""

from nacl.bindings import crypto_sign_open
from nacl.exceptions import BadSignatureError

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
