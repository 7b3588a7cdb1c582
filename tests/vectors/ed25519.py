"""Ed25519 in plain integers, and the edge cases made with it.

`python -m tests.vectors.ed25519` writes tests/vectors/ed25519.json. The verdicts in the file are not computed with the
library under test: each case states by itself what the plain equations say (`cofactorless`, `cofactored`), and
`expected` is what Novation demands. Slow and not constant-time: for vectors only.
"""

import hashlib
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
SQRT_MINUS_ONE = pow(2, (P - 1) // 4, P)
FILE = Path(__file__).with_suffix(".json")

SEED = hashlib.sha256(b"novation test vectors").digest()

# What the rule of Novation accepts; every other family of cases is refused.
ACCEPTED = ("rfc8032", "mixed-key-both-equations", "mixed-both-cancel")

# RFC 8032, 7.1: name, secret key, message. Keys and signatures are computed here; a test compares them with the RFC's.
RFC_8032 = (
    ("TEST 1", "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", ""),
    ("TEST 2", "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "72"),
    ("TEST 3", "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", "af82"),
    ("TEST SHA(abc)", "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
     hashlib.sha512(b"abc").hexdigest()),
)

Point = tuple[int, int]  # affine x, y
IDENTITY: Point = (0, 1)


def add(left: Point, right: Point) -> Point:
    """The sum of two points by the complete twisted Edwards law (a = -1)."""
    (x1, y1), (x2, y2) = left, right
    cross = D * x1 * x2 * y1 * y2 % P
    x3 = (x1 * y2 + x2 * y1) * pow(1 + cross, -1, P) % P
    y3 = (y1 * y2 + x1 * x2) * pow(1 - cross, -1, P) % P
    return x3, y3


def multiply(scalar: int, point: Point) -> Point:
    """`scalar` times `point`, by doubling and adding."""
    result = IDENTITY
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point = add(point, point)
        scalar >>= 1
    return result


def negate(point: Point) -> Point:
    """The point that sums with `point` to the identity."""
    return -point[0] % P, point[1]


def x_of(y: int, sign: int) -> int | None:
    """The x with this y on the curve whose low bit is `sign`, or None if there is none. x = 0 answers either sign."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * SQRT_MINUS_ONE % P
    if (x * x - square) % P:
        return None
    return P - x if x & 1 != sign and x else x


def encode(point: Point) -> bytes:
    """The canonical 32 bytes of a point."""
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def decode(data: bytes) -> Point | None:
    """The point that 32 bytes name, non-canonical ones included (y is reduced, x = 0 takes any sign)."""
    number = int.from_bytes(data, "little")
    y, sign = (number & (1 << 255) - 1) % P, number >> 255
    x = x_of(y, sign)
    return None if x is None else (x, y)


BASE: Point = (x_of(4 * pow(5, -1, P) % P, 0) or 0, 4 * pow(5, -1, P) % P)


def challenge(r: bytes, a: bytes, message: bytes) -> int:
    """SHA-512 of R || A || message, modulo the group order."""
    return int.from_bytes(hashlib.sha512(r + a + message).digest(), "little") % ORDER


def secret_scalar(seed: bytes) -> tuple[int, bytes]:
    """The clamped scalar and the nonce prefix of a 32-byte seed (RFC 8032, 5.1.5)."""
    digest = hashlib.sha512(seed).digest()
    scalar = int.from_bytes(digest[:32], "little")
    return scalar & ((1 << 254) - 8) | 1 << 254, digest[32:]


def public_key(seed: bytes) -> bytes:
    """The public key of a seed."""
    return encode(multiply(secret_scalar(seed)[0], BASE))


def sign(seed: bytes, message: bytes) -> bytes:
    """The signature of RFC 8032, 5.1.6."""
    scalar, prefix = secret_scalar(seed)
    a = public_key(seed)
    nonce = int.from_bytes(hashlib.sha512(prefix + message).digest(), "little") % ORDER
    r = encode(multiply(nonce, BASE))
    s = (nonce + challenge(r, a, message) * scalar) % ORDER
    return r + s.to_bytes(32, "little")


def equations(a: bytes, message: bytes, signature: bytes) -> tuple[bool, bool]:
    """Whether S·B = R + k·A holds, and whether it holds when multiplied by the cofactor 8. Encodings are not judged."""
    point_a, point_r = decode(a), decode(signature[:32])
    if point_a is None or point_r is None:
        return False, False
    s = int.from_bytes(signature[32:], "little")
    right = add(point_r, multiply(challenge(signature[:32], a, message), point_a))
    rest = add(multiply(s, BASE), negate(right))
    return rest == IDENTITY, multiply(8, rest) == IDENTITY


@cache
def torsion_points() -> list[Point]:
    """The eight points of small order, as multiples of one of order 8."""
    y = 2
    while True:  # the ORDER-fold of any point lies in the torsion group; take the first that generates it
        x = x_of(y, 0)
        generator = multiply(ORDER, (x, y)) if x is not None else IDENTITY
        if multiply(4, generator) != IDENTITY:
            return [multiply(i, generator) for i in range(8)]
        y += 1


@cache
def encodings_of_small_order() -> list[tuple[str, bytes]]:
    """Every 32-byte string that decodes to a point of small order, canonical or not, with a name."""
    points = torsion_points()
    found = {encode(point): f"{i}·T" for i, point in enumerate(points)}
    for y in (1, P - 1, P, P + 1):  # the others of order 8 have no second encoding: y + P would not fit in 255 bits
        for sign_bit in (0, 1):
            data = (y | sign_bit << 255).to_bytes(32, "little")
            point = decode(data)
            if point in points:
                second = f"y = {y % P}{' + p' * (y >= P)}, sign {sign_bit}"
                found.setdefault(data, f"{points.index(point)}·T written as {second}")
    return [(name, data) for data, name in found.items()]


Case = dict[str, str | bool]


def case(rule: str, name: str, key: bytes, message: bytes, signature: bytes) -> Case:
    """One line of the file, with the verdicts of the two plain equations."""
    whole = len(key) == 32 and len(signature) == 64
    cofactorless, cofactored = equations(key, message, signature) if whole else (False, False)
    return {"rule": rule, "name": name, "public_key": key.hex(), "message": message.hex(), "signature": signature.hex(),
            "cofactorless": cofactorless, "cofactored": cofactored, "expected": rule in ACCEPTED}


def message_with(wanted: Callable[[int], bool], r: bytes, key: bytes) -> bytes:
    """The first message of a series whose challenge satisfies `wanted`."""
    return next(m for i in range(1000) if wanted(challenge(r, key, m := b"message %d" % i)))


def good_cases() -> list[Case]:
    """RFC 8032's own vectors, and one over a long message."""
    cases = []
    for name, seed, message in RFC_8032:
        secret, text = bytes.fromhex(seed), bytes.fromhex(message)
        cases.append(case("rfc8032", name, public_key(secret), text, sign(secret, text)))
    message = bytes(2_000)
    cases.append(case("rfc8032", "a message of 2,000 bytes", public_key(SEED), message, sign(SEED, message)))
    return cases


def damaged_cases() -> list[Case]:
    """A good signature with one thing wrong."""
    key, message = public_key(SEED), b"an order"
    signature = sign(SEED, message)
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    cases = [
        case("other-message", "one more byte", key, message + b"\x00", signature),
        case("other-key", "key of another seed", public_key(bytes(32)), message, signature),
        case("off-curve", "y = 2 is on no point", (2).to_bytes(32, "little"), message, signature),
        case("off-curve", "R off the curve", key, message, (2).to_bytes(32, "little") + signature[32:]),
        case("length", "key of 31 bytes", key[:31], message, signature),
        case("length", "key of 33 bytes", key + b"\x00", message, signature),
        case("length", "signature of 63 bytes", key, message, signature[:63]),
        case("length", "signature of 65 bytes", key, message, signature + b"\x00"),
        case("length", "nothing at all", b"", b"", b""),
    ]
    for bit in (0, 7, 100, 255, 256, 300, 511):
        flipped = (int.from_bytes(signature, "little") ^ 1 << bit).to_bytes(64, "little")
        cases.append(case("bit-flip", f"bit {bit}", key, message, flipped))
    for times in range(1, 16):  # all that fit in 256 bits
        larger = s + times * ORDER
        if larger < 1 << 256:
            cases.append(case("non-canonical-s", f"S + {times}·L", key, message, r + larger.to_bytes(32, "little")))
    return cases


def small_order_cases() -> list[Case]:
    """Keys and R of small order. The equations hold for many of them, so only a rule about the points can refuse."""
    cases = []
    one = encode(BASE)
    for name, data in encodings_of_small_order():
        torsion = decode(data)
        assert torsion is not None
        # S = 1, R = B - k·A with k·A = 0: such a signature needs no secret at all
        message = message_with(lambda k: multiply(k, torsion) == IDENTITY, one, data)  # noqa: B023
        cases.append(case("small-order-key", name, data, message, one + (1).to_bytes(32, "little")))
        # S = 0 and R = A of small order
        cases.append(case("small-order-both", name, data, b"", data + bytes(32)))
        # an honest key that chose the nonce 0: R is torsion, S = k·a
        scalar, key = secret_scalar(SEED)[0], public_key(SEED)
        s = challenge(data, key, b"zero nonce") * scalar % ORDER
        cases.append(case("small-order-r", name, key, b"zero nonce", data + s.to_bytes(32, "little")))
    return cases


def mixed_order_cases() -> list[Case]:
    """Keys and R with a torsion part beside the big one, where the two equations may differ."""
    cases = []
    scalar, nonce = secret_scalar(SEED)[0], 123_456_789
    for index, torsion in enumerate(torsion_points()[1:], 1):
        mixed_key = encode(add(multiply(scalar, BASE), torsion))
        mixed_r = encode(add(multiply(nonce, BASE), torsion))
        plain_key, plain_r = public_key(SEED), encode(multiply(nonce, BASE))

        def signed(rule: str, key: bytes, r: bytes, message: bytes, name: str = f"T = {index}·T") -> None:
            s = (nonce + challenge(r, key, message) * scalar) % ORDER
            cases.append(case(rule, name, key, message, r + s.to_bytes(32, "little")))

        away = lambda k, t=torsion: multiply(k, t) != IDENTITY  # noqa: E731
        home = lambda k, t=torsion: multiply(k, t) == IDENTITY  # noqa: E731
        cancel = lambda k, t=torsion: add(t, multiply(k, t)) == IDENTITY  # noqa: E731
        signed("mixed-key-only-cofactored", mixed_key, plain_r, message_with(away, plain_r, mixed_key))
        signed("mixed-key-both-equations", mixed_key, plain_r, message_with(home, plain_r, mixed_key))
        signed("mixed-r-only-cofactored", plain_key, mixed_r, b"mixed R")
        signed("mixed-both-cancel", mixed_key, mixed_r, message_with(cancel, mixed_r, mixed_key))
    return cases


def main() -> None:
    cases = good_cases() + damaged_cases() + small_order_cases() + mixed_order_cases()
    FILE.write_text(json.dumps(cases, indent=1) + "\n")


if __name__ == "__main__":
    main()
