"""What of a surface others pass on: the curve of one expiry."""

from typing import NamedTuple


class Curve(NamedTuple):
    """SURF-009: the forward of an expiry in units of the feed x 10^9, in the part that is fixed and the part that moves
    with the index; the seven variances up to then (x 10^18); the time left.
    """

    fixed_e9: int
    live_e9: int
    slice_e18: tuple[int, ...]
    left_ns: int
