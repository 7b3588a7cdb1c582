"""MARK rules: what a lot is worth now. Pure functions over integers, in quote quanta a lot."""

from collections.abc import Sequence

from app.kernel.integers import PPM

E3 = 1_000


def smoothed(basis_e3: int, sample_quanta: int, elapsed_ns: int, window_ns: int) -> int:
    """MARK-002: the basis, in thousandths of a quantum, after `elapsed_ns` at `sample_quanta`: it goes as much of the
    way as the time is of the window, all of it at most; rounded down.
    """
    way = min(elapsed_ns, window_ns)
    return basis_e3 + (sample_quanta * E3 - basis_e3) * way // window_ns


def middle(prices: Sequence[int]) -> int:
    """MARK-003: the median of one to three prices; of two the mean, rounded down."""
    ascending = sorted(prices)
    half = len(ascending) // 2
    return ascending[half] if len(ascending) % 2 else (ascending[half - 1] + ascending[half]) // 2


def banded(price: int, index: int, band_ppm: int) -> int:
    """MARK-004: `price`, but no farther from the index than the band: up to index x (1 + band) rounded down, down to
    index x (1 - band) rounded up, never below 1.
    """
    highest, lowest = index * (PPM + band_ppm) // PPM, -(-index * (PPM - band_ppm) // PPM)
    return max(1, min(max(price, lowest), highest))
