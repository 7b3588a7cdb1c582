"""A sorted set that stays fast when it is large: keys in runs of bounded length, so that no change moves them all."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from typing import Any

RUN = 512


class SortedKeys:
    """Distinct comparable keys, ascending. Which run holds a key depends on what came before; the order does not."""

    __slots__ = ("lasts", "runs")

    def __init__(self) -> None:
        self.runs: list[list[Any]] = []
        self.lasts: list[Any] = []  # the last key of each run

    def __bool__(self) -> bool:
        return bool(self.runs)

    def __iter__(self) -> Iterator[Any]:
        """All keys, ascending. The set must not change meanwhile."""
        for run in self.runs:
            yield from run

    def __contains__(self, key: Any) -> bool:
        place = bisect_left(self.lasts, key)
        if place == len(self.runs):
            return False
        run = self.runs[place]
        return bool(run[bisect_left(run, key)] == key)

    def first(self) -> Any:
        """The least key. Raises IndexError when there is none."""
        return self.runs[0][0]

    def after(self, key: Any, most: int) -> list[Any]:
        """The first `most` keys that are greater than `key`, ascending."""
        found: list[Any] = []
        for place in range(bisect_right(self.lasts, key), len(self.runs)):
            run = self.runs[place]
            start = 0 if found else bisect_right(run, key)
            found += run[start : start + most - len(found)]
            if len(found) == most:
                break
        return found

    def add(self, key: Any) -> None:
        """Put a key in that is not there."""
        runs, lasts = self.runs, self.lasts
        if not runs:
            runs.append([key])
            lasts.append(key)
            return
        place = min(bisect_left(lasts, key), len(runs) - 1)
        run = runs[place]
        insort(run, key)
        if len(run) > 2 * RUN:
            runs[place : place + 1] = [run[:RUN], run[RUN:]]
            lasts[place : place + 1] = [run[RUN - 1], run[-1]]
        else:
            lasts[place] = run[-1]

    def remove(self, key: Any) -> None:
        """Take a key out. Raises KeyError when it is not there."""
        if key not in self:
            raise KeyError(key)
        place = bisect_left(self.lasts, key)
        run = self.runs[place]
        del run[bisect_left(run, key)]
        if run:
            self.lasts[place] = run[-1]
        else:
            del self.runs[place], self.lasts[place]

    def take_below(self, bound: Any) -> "SortedKeys":
        """Move all keys below `bound` into a set of their own: costs the number of runs, not of keys."""
        taken, place = SortedKeys(), bisect_left(self.lasts, bound)
        taken.runs, self.runs = self.runs[:place], self.runs[place:]
        taken.lasts, self.lasts = self.lasts[:place], self.lasts[place:]
        if self.runs and self.runs[0][0] < bound:
            run = self.runs[0]
            cut = bisect_left(run, bound)
            taken.runs.append(run[:cut])
            taken.lasts.append(run[cut - 1])
            self.runs[0] = run[cut:]
        return taken

    def put_before(self, keys: "SortedKeys") -> None:
        """The inverse of `take_below`: take over keys that all lie below the least one here."""
        self.runs = keys.runs + self.runs
        self.lasts = keys.lasts + self.lasts
