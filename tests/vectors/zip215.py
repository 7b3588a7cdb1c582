"""Edge cases for ZIP-215, each with the verdict that the rule has by construction; made with `ed25519.py`."""

import json
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from tests.vectors import ed25519
from tests.vectors.ed25519 import BASE, ORDER, P, add, challenge, encode, multiply

MESSAGE = b"a vote extension"
NONCE = 987_654_321


class Case(NamedTuple):
    """A signature, and whether ZIP-215 takes it."""

    name: str
    public_key: bytes
    message: bytes
    signature: bytes
    good: bool


def small_order() -> Iterator[Case]:
    """The 196 of ZIP-215: R and A over all encodings of the eight torsion points, S = 0. Times 8 all vanishes."""
    encodings = ed25519.encodings_of_small_order()
    for name_a, a in encodings:
        for name_r, r in encodings:
            yield Case(f"small order: A {name_a}, R {name_r}", a, MESSAGE, r + bytes(32), True)


def scalar(seed: bytes) -> int:
    """The secret number of a seed, by which a signer may sign as oddly as it likes."""
    return ed25519.secret_scalar(seed)[0]


@cache
def times_base(number: int) -> ed25519.Point:
    """A multiple of the base point."""
    return multiply(number, BASE)


def odd(
    seed: bytes, message: bytes, in_key: int, in_r: int, add_to_s: int = 0, nonce: int = NONCE
) -> tuple[bytes, bytes]:
    """A key and a signature by its owner, with a torsion point in the key and in R, and with another S."""
    torsion = ed25519.torsion_points()
    a = encode(add(times_base(scalar(seed)), torsion[in_key]))
    r = encode(add(times_base(nonce), torsion[in_r]))
    s = (nonce + challenge(r, a, message) * scalar(seed)) % ORDER + add_to_s
    return a, r + s.to_bytes(32, "little")


def mixed_order() -> Iterator[Case]:
    """Torsion in the key, in R, in both; once more with an S that is one too great, and with one not reduced."""
    for in_key in range(8):
        for in_r in range(8):
            for more, what in ((0, ""), (1, ", S + 1"), (ORDER, ", S + L")):
                key, signature = odd(ed25519.SEED, MESSAGE, in_key, in_r, more)
                yield Case(f"mixed: A + {in_key}·T, R + {in_r}·T{what}", key, MESSAGE, signature, not more)


def zero_nonce() -> Iterator[Case]:
    """R of small order in every encoding under a plain key."""
    key = ed25519.public_key(ed25519.SEED)
    for name, r in ed25519.encodings_of_small_order():
        s = challenge(r, key, MESSAGE) * scalar(ed25519.SEED) % ORDER
        yield Case(f"plain A, R {name}", key, MESSAGE, r + s.to_bytes(32, "little"), True)


def not_signed() -> Iterator[Case]:
    """Encodings around the prime as A and as R, on the curve or not: nobody knows a secret for them."""
    key, signature = odd(ed25519.SEED, MESSAGE, 0, 0)
    small = {data for _, data in ed25519.encodings_of_small_order()}
    for y in [*range(2, 30), *range(P - 12, P + 19)]:
        for sign in (0, 1):
            data = (y | sign << 255).to_bytes(32, "little")
            yield Case(f"A = {data.hex()}", data, MESSAGE, signature, False)
            if data not in small:
                yield Case(f"R = {data.hex()}", key, MESSAGE, data + signature[32:], False)


def scalars() -> Iterator[Case]:
    """A key of small order asks only that 8·S·B = 8·R: S at the bounds, with the R that it needs."""
    key = encode(ed25519.torsion_points()[3])
    for s in (0, 1, ORDER - 1, ORDER, ORDER + 1, 2 * ORDER - 1, 2**252 - 1, 2**252, 2**253, 2**255, 2**256 - 1):
        r = encode(multiply(s % ORDER, BASE))
        yield Case(f"S = {s}", key, MESSAGE, r + s.to_bytes(32, "little"), s < ORDER)


def strict() -> Iterator[Case]:
    """The vectors of the strict rule with the verdict that ZIP-215 has: it asks no more than S < L and the equation."""
    for one in json.loads(ed25519.FILE.read_text()):
        key, message, signature = (bytes.fromhex(one[part]) for part in ("public_key", "message", "signature"))
        good = one["cofactored"] and one["rule"] != "non-canonical-s"
        yield Case(f"{one['rule']}: {one['name']}", key, message, signature, good)


@cache
def cases() -> list[Case]:
    """All of them."""
    families = (small_order, mixed_order, zero_nonce, not_signed, scalars, strict)
    return [case for family in families for case in family()]
