"""The integers of app/kernel/tables.py, made with mpmath at 60 digits. A test makes the text anew and compares.

`python -m tests.vectors.fixed_tables > app/kernel/tables.py`
"""

from hashlib import sha256

import mpmath
from mpmath import mpf

DIGITS = 60
NODES, SPACING = 257, 16  # of the normal tail: at 0, 1/16 .. 16
LN_CELLS = EXP_CELLS = 256
EXP_ENTRIES = 178  # up to ln 2

HEADER = '''"""Integer tables of app.kernel.fixed. Made by tests/vectors/fixed_tables.py, not edited by hand.

NORMAL: one row for each sixteenth from 0 to 16, (scale, the upper tail of the standard normal law, its density), both
times 2^(128 + scale). LN: ln(1 + j/256) times 2^96. EXP: e^(j/256) times 2^96. Rounded to the nearest.
"""
# long: one table
'''


def whole(value: mpf, bits: int) -> int:
    """`value` times 2^bits, rounded to the nearest."""
    return int(mpmath.nint(mpmath.ldexp(value, bits)))


def normal_row(index: int) -> tuple[int, int, int]:
    """Tail and density at index/16, scaled so that the tail lies in [1/2, 1]."""
    at = mpf(index) / SPACING
    tail, density = mpmath.erfc(at / mpmath.sqrt(2)) / 2, mpmath.npdf(at)
    scale = -int(mpmath.ceil(mpmath.log(tail, 2)))
    return scale, whole(tail, 128 + scale), whole(density, 128 + scale)


def tables() -> dict[str, list[tuple[int, ...]] | list[int] | int]:
    """Name -> entries."""
    with mpmath.workdps(DIGITS):
        return {
            "LN_2": whole(mpmath.ln(2), 96),
            "INV_SQRT_2_PI": whole(1 / mpmath.sqrt(2 * mpmath.pi), 96),
            "NORMAL": [normal_row(index) for index in range(NODES)],
            "LN": [whole(mpmath.ln(1 + mpf(cell) / LN_CELLS), 96) for cell in range(LN_CELLS)],
            "EXP": [whole(mpmath.exp(mpf(cell) / EXP_CELLS), 96) for cell in range(EXP_ENTRIES)],
        }


def digest(found: dict[str, list[tuple[int, ...]] | list[int] | int]) -> str:
    """SHA-256 of all entries, as app.kernel.fixed checks it."""
    return sha256(repr(tuple(tuple(entry) if isinstance(entry, list) else entry for entry in found.values()))
                  .encode()).hexdigest()


def render() -> str:
    """The text of app/kernel/tables.py."""
    found, lines = tables(), [HEADER]
    for name, entries in found.items():
        if isinstance(entries, int):
            lines.append(f"{name} = {entries}")
            continue
        lines.append(f"{name}: tuple[{'tuple[int, int, int]' if name == 'NORMAL' else 'int'}, ...] = (")
        step = 1 if name == "NORMAL" else 3
        for start in range(0, len(entries), step):
            lines.append(f"    {', '.join(str(entry) for entry in entries[start:start + step])},")
        lines.append(")")
    lines.append(f'SHA256 = "{digest(found)}"')
    return "\n".join(lines)


if __name__ == "__main__":
    print(render())
