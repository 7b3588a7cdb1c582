"""Pieces of work that take turns, so that a busy machine is as busy for each."""

import time
from collections.abc import Callable


def least(work: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Microseconds of each piece of work, the least of `rounds` in which all take turns."""
    found: dict[str, float] = {}
    for _ in range(rounds):
        for name, piece in work.items():
            started = time.process_time()
            piece()
            spent = (time.process_time() - started) * 1e6
            found[name] = min(found.get(name, spent), spent)
    return found
