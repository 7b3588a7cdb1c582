"""Where the chain stands, as part of its state: whoever takes over records under an app hash has its time with them."""

from dataclasses import dataclass, replace

CLOCK_KEY = b"clock"


@dataclass(slots=True)
class Clock:
    """Height of the last block, and the rules' time in it."""

    height: int = 0
    time_ns: int = 0
    stamp: int = 0

    def copy(self) -> "Clock":
        """A copy that may be changed."""
        return replace(self)
