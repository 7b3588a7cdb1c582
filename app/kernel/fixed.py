"""Fixed-point functions: integers that stand for reals, times 2^80 (`_q80`) unless `bits` says otherwise.

FIX-001 to FIX-008 in app/pricing/README.md state limits and errors. Every function is total over the integers that its
docstring names; sqrt, ln, exp and cdf never fall as their argument rises. The tables are checked when this is loaded.
"""

from hashlib import sha256

from app.kernel import tables
from app.kernel.integers import sqrt_floor

BITS = 80
ONE_Q80 = 1 << BITS
EXP_MOST_Q80 = 128 << BITS
EXP_LEAST_Q80 = -1024 << BITS

_INNER = 96  # bits after the point inside ln, exp and the normal tail
_GUARD = _INNER - BITS
_ONE = 1 << _INNER
_INVERSE_FACTORIALS = tuple(_ONE // divisor for divisor in (362_880, 40_320, 5_040, 720, 120, 24, 6, 2, 1, 1))

_DEGREE = 11  # of the polynomials of the normal tail: one for each 256th
_WORK = 16  # bits beyond the tables' 128 while the cells are made,
_DROP = 128 + _WORK - _INNER  # and those that go in the end


class TableError(Exception):
    """The tables are not the ones that this was written for: nothing may be computed with them."""


def checked(found: str) -> str:
    """FIX-001: SHA-256 of the tables. Raises TableError unless it is `found`."""
    entries = (tables.LN_2, tables.INV_SQRT_2_PI, tables.NORMAL, tables.LN, tables.EXP)
    digest = sha256(repr(entries).encode()).hexdigest()
    if digest != found:
        raise TableError(f"app/kernel/tables.py hashes to {digest}, not to {found}: install the release anew")
    return digest


def sqrt(value_q80: int) -> int:
    """FIX-002: the square root of a value >= 0."""
    return sqrt_floor(value_q80 << BITS)


def ln(value: int, bits: int = BITS) -> int:
    """FIX-003: the natural logarithm, times 2^80, of `value` / 2^bits, `value` >= 1. Of a plain integer: bits=0."""
    length = value.bit_length()
    excess = length - 1 - _INNER
    mantissa = value << -excess if excess <= 0 else value >> excess  # 1 <= mantissa / 2^96 < 2
    cell = (mantissa >> (_INNER - 8)) - 256
    start = _ONE + (cell << (_INNER - 8))
    ratio = ((mantissa - start) << _INNER) // (mantissa + start)
    square = ratio * ratio >> _INNER
    series = (square * (_ONE // 9) >> _INNER) + _ONE // 7
    series = (square * series >> _INNER) + _ONE // 5
    series = (square * series >> _INNER) + _ONE // 3
    series = (square * series >> _INNER) + _ONE
    return tables.LN[cell] + (ratio * series >> (_INNER - 1)) + (length - 1 - bits) * tables.LN_2 >> _GUARD


def exp(value_q80: int, bits: int = BITS) -> int:
    """FIX-004: e to the power of `value_q80`, times 2^bits. Above 128 it is that of 128, below -1024 that of -1024."""
    doublings, rest = divmod(max(EXP_LEAST_Q80, min(value_q80, EXP_MOST_Q80)) << _GUARD, tables.LN_2)
    cell = rest >> (_INNER - 8)
    rest -= cell << (_INNER - 8)
    series = 0
    for factor in _INVERSE_FACTORIALS:
        series = (series * rest >> _INNER) + factor
    places = 2 * _INNER - bits - doublings
    product = tables.EXP[cell] * series
    return product >> places if places >= 0 else product << -places


def tail(distance_q80: int) -> tuple[int, int]:
    """FIX-005: the probability that a standard normal variable lies above `distance_q80` >= 0, as (n, scale) for
    n / 2^scale, within 2^-90 of itself. 0 beyond 16.
    """
    node = distance_q80 + (1 << 71) >> 72  # a cell is 2^72 wide; numbers, because names cost a tenth of the time here
    if node > 4096:
        return 0, _LAST_SCALE
    scale, a, b, c, d, e, f, g, h, i, j, k, last = _CELLS[node] or _cell(node)
    within = distance_q80 - (node << 72)
    value = (((a * within >> 71) + b) * within >> 71) + c
    value = (((value * within >> 71) + d) * within >> 71) + e
    value = (((value * within >> 71) + f) * within >> 71) + g
    value = (((value * within >> 71) + h) * within >> 71) + i
    value = (((value * within >> 71) + j) * within >> 71) + k
    return (value * within >> 71) + last, scale


def cdf(value_q80: int) -> int:
    """FIX-006: the standard normal distribution, rounded towards 0 or 1. cdf(x) + cdf(-x) = 1, to the unit."""
    value, scale = tail(abs(value_q80))
    below = value >> scale - BITS
    return below if value_q80 < 0 else ONE_Q80 - below


def pdf(value_q80: int, bits: int = BITS) -> int:
    """FIX-007: the density of the standard normal law, times 2^bits."""
    return exp(-(value_q80 * value_q80 >> BITS + 1), bits) * tables.INV_SQRT_2_PI >> _INNER


def _at(row: tuple[int, int, int], index: int, offset: int) -> tuple[int, int]:
    """Tail and density at index/16 + offset/256, from those at index/16. The terms of their series follow from one
    another, because the density's derivative is the density times -x.
    """
    value, density = row[1] << _WORK, 0
    term, before, order = row[2] << _WORK, 0, 0
    while abs(term) + abs(before) >> 8:
        density += term
        order += 1
        value -= term * offset // (256 * order)
        term, before = -(16 * index * offset * term + offset * offset * before) // (65_536 * order), term
    return value, density


def _chebyshev(degree: int) -> list[int]:
    """The factors of the polynomial of this degree that stays between -1 and 1 there and has the greatest last one."""
    lower, upper = [1], [0, 1]
    for _ in range(degree - 1):
        raised = [0] + [2 * factor for factor in upper]
        lower, upper = upper, [have - less for have, less in zip(raised, lower + [0, 0], strict=True)]
    return upper


def _cell(number: int) -> tuple[int, ...]:
    """Make and keep the cell around number/256: its scale, and the factors of powers of the distance to its node in
    halves of its width, the highest first. What lies beyond _DEGREE is spread over the lower powers by the polynomials
    above, which changes the sum least.
    """
    index = number + 8 >> 4
    row = tables.NORMAL[index]
    value, density = _at(row, index, number - 16 * index)
    factors, term, before = [value], -density, 0
    for order in range(1, _DEGREE + len(_SPREAD) + 1):
        factors.append(term // (512 * order))
        term, before = -(2 * number * term + before) // (262_144 * order), term
    for spread in _SPREAD:
        last = factors.pop()
        factors = [factor - (last * share >> len(factors) - 1) for factor, share in zip(factors, spread, strict=False)]
    _CELLS[number] = (_INNER + row[0], *(factor + (1 << _DROP - 1) >> _DROP for factor in reversed(factors)))
    return _CELLS[number]


checked(tables.SHA256)
_SPREAD = [_chebyshev(degree) for degree in range(_DEGREE + 4, _DEGREE, -1)]
_LAST_SCALE = _INNER + tables.NORMAL[-1][0]
_CELLS: list[tuple[int, ...]] = [()] * 4097  # each is made when it is first asked for, always the same
