"""Ed25519 by the rule of ZIP-215, in plain integers: the one CometBFT verifies votes and their extensions by.

Slow: about three milliseconds a signature. Only what libsodium refuses comes here (`signatures.verify_vote`). Those who
sign oddly hold less than a third of the power, or the chain is not safe anyway: of 150 equal validators 49, which cost
a record 0.15 seconds; of any 150 at most 149, 0.45 seconds. A record is checked once; the first bad vote ends that.
"""

import hashlib

PRIME = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493  # of the base point
Point = tuple[int, int, int, int]  # X, Y, Z, T with x = X / Z, y = Y / Z, x·y = T / Z


def _power(base: int, exponent: int) -> int:
    """`base` to the power of `exponent`, modulo the prime."""
    result = 1
    while exponent:
        if exponent & 1:
            result = result * base % PRIME
        base = base * base % PRIME
        exponent >>= 1
    return result


D = -121665 * _power(121666, PRIME - 2) % PRIME
SQRT_MINUS_ONE = _power(2, (PRIME - 1) // 4)
BASE_X = 15112221349535400772501151409588531511454012693041857206046113283949847762202
BASE_Y = 4 * _power(5, PRIME - 2) % PRIME
BASE: Point = (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % PRIME)
IDENTITY: Point = (0, 1, 1, 0)


def decode(data: bytes) -> Point | None:
    """The point that 32 bytes name, None when there is none on the curve.

    As ZIP-215 has it: bit 255 is the sign, the lower bits are y and may be the prime or more; x = 0 takes either sign.
    """
    number = int.from_bytes(data, "little")
    y, sign = (number & (1 << 255) - 1) % PRIME, number >> 255
    above, below = (y * y - 1) % PRIME, (D * y * y + 1) % PRIME  # x² = above / below; D is no square: below is not 0
    x = above * below**3 * _power(above * below**7, (PRIME - 5) // 8) % PRIME
    if (below * x * x - above) % PRIME:
        x = x * SQRT_MINUS_ONE % PRIME
    if (below * x * x - above) % PRIME:
        return None
    if x & 1 != sign:
        x = -x % PRIME
    return x, y, 1, x * y % PRIME


def add(left: Point, right: Point) -> Point:
    """The sum of any two points, equal ones included."""
    x1, y1, z1, t1 = left
    x2, y2, z2, t2 = right
    minus, plus = (y1 - x1) * (y2 - x2), (y1 + x1) * (y2 + x2)
    cross, twice = 2 * D * t1 * t2 % PRIME, 2 * z1 * z2
    e, f, g, h = plus - minus, twice - cross, twice + cross, plus + minus
    return e * f % PRIME, g * h % PRIME, f * g % PRIME, e * h % PRIME


def double(point: Point) -> Point:
    """Twice a point, in fewer steps than `add` takes."""
    x, y, z, _ = point
    xx, yy = x * x, y * y
    g = (yy - xx) % PRIME
    f, e, h = g - 2 * z * z, 2 * x * y, -xx - yy
    return e * f % PRIME, g * h % PRIME, f * g % PRIME, e * h % PRIME


def negate(point: Point) -> Point:
    """The point that sums with `point` to the identity."""
    x, y, z, t = point
    return -x, y, z, -t


def combine(first: int, left: Point, second: int, right: Point) -> Point:
    """`first` times `left` plus `second` times `right`, both at once from the highest bit down."""
    terms = (IDENTITY, left, right, add(left, right))
    result = IDENTITY
    for bit in range(max(first.bit_length(), second.bit_length()) - 1, -1, -1):
        result = double(result)
        chosen = first >> bit & 1 | (second >> bit & 1) << 1
        if chosen:
            result = add(result, terms[chosen])
    return result


def verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """True if `signature` (R || S, 64 bytes) of `message` is good under `public_key` (A, 32 bytes). Never raises.

    - A and R are encodings of points on the curve, canonical or not, of whatever order.
    - S is canonical: S < L, the group order.
    - 8·S·B = 8·R + 8·SHA-512(R || A || message)·A, the bytes of R and A being hashed as they stand.
    """
    if len(public_key) != 32 or len(signature) != 64:
        return False
    s, a, r = int.from_bytes(signature[32:], "little"), decode(public_key), decode(signature[:32])
    if s >= ORDER or a is None or r is None:
        return False
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + public_key + message).digest(), "little") % ORDER
    rest = add(combine(s, BASE, challenge, negate(a)), negate(r))
    for _ in range(3):
        rest = double(rest)
    x, y, z, _ = rest
    return x == 0 and y == z
