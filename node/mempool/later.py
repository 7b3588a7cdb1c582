"""Envelopes from peers that were refused for a reason which may pass: they are checked again after the next commits.

CometBFT offers a peer's envelope once. A node that is a block behind does not know the account yet, or not its money;
without a second look it would be the only one that never has the envelope.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from app.errors import ACCOUNT_NOT_FOUND, MEMPOOL_ACCOUNT_QUOTA, MEMPOOL_FULL, TX_CANNOT_PAY_FEE, Code
from node.mempool.limits import Limits

MAY_PASS = frozenset({ACCOUNT_NOT_FOUND, TX_CANNOT_PAY_FEE, MEMPOOL_FULL, MEMPOOL_ACCOUNT_QUOTA})


def may_pass(code: Code) -> bool:
    """Whether an envelope refused with `code` may be good after another block."""
    return code in MAY_PASS


@dataclass(frozen=True, slots=True)
class _Due:
    raw: bytes
    height: int


class Later:
    """Bounded in number and bytes. Not for several threads at once."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._turns: list[deque[_Due]] = [deque() for _ in limits.later_after_blocks]  # each ascending by height
        self._size_bytes = 0

    def __len__(self) -> int:
        return sum(len(turn) for turn in self._turns)

    def add(self, raw: bytes, checks: int, height: int) -> bool:
        """Keep an envelope that was checked `checks` times after its first refusal, now at `height`.

        False when it had all its checks or there is no room.
        """
        limits = self._limits
        if (checks >= len(self._turns) or len(self) >= limits.later_count
                or self._size_bytes + len(raw) > limits.later_bytes):
            return False
        self._turns[checks].append(_Due(raw, height + limits.later_after_blocks[checks]))
        self._size_bytes += len(raw)
        return True

    def take_due(self, height: int) -> Iterator[tuple[bytes, int]]:
        """What is to be checked after the commit of `height`, oldest first: (envelope, its checks with this one)."""
        most = self._limits.later_checks
        for checks, turn in enumerate(self._turns, 1):
            while turn and turn[0].height <= height and most:
                most -= 1
                raw = turn.popleft().raw
                self._size_bytes -= len(raw)
                yield raw, checks
