"""How far a long task is: a bar on a terminal, a line every five seconds elsewhere, nothing for JSON."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from node.cli.session import Session

LINE_SECONDS = 5.0


class Ticker:
    """Lines: what is done, of how much, how fast, how long it will take."""

    def __init__(self, session: Session, what: str, unit: str) -> None:
        self._session, self._what, self._unit = session, what, unit
        self._started = self._told = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        """So much is done."""
        now = time.monotonic()
        if now - self._told >= LINE_SECONDS:
            self._told = now
            rate = done / (now - self._started)
            left = (total - done) / rate if rate else 0.0
            self._session.talk.print(f"{self._what}: {done} of {total} {self._unit}, {rate:,.0f} a second, "
                                     f"about {left:.0f} s left", soft_wrap=True)


@contextmanager
def ticking(session: Session, what: str, unit: str) -> Iterator["Ticker | Bar | Silent"]:
    """A function that is told (done, total) as often as one likes."""
    if session.json:
        yield Silent()
    elif session.talk.is_terminal:
        columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TextColumn(unit), TimeRemainingColumn())
        with Progress(*columns, console=session.talk) as progress:
            yield Bar(progress)
    else:
        yield Ticker(session, what, unit)


class Silent:
    """Says nothing."""

    def __call__(self, done: int, total: int) -> None:
        """So much is done."""


class Bar:
    """A bar with the time that is left."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=None)

    def __call__(self, done: int, total: int) -> None:
        """So much is done."""
        self._progress.update(self._task, completed=done, total=total)
