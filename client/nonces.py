"""Nonces that never repeat, without asking the chain before every envelope.

A nonce is accepted once, and only while it is less than 256 below the highest that was used. So nonces follow the
clock, in steps of 10 ms, and count up by one when envelopes come faster than that. Several processes may use one
account as long as their envelopes reach a block within two seconds or so of each other, and a process that starts anew
begins above what it used before.
"""

from __future__ import annotations

import random
import threading
import time

STEP_NS = 10_000_000
SKIP_MOST = 64


class Nonces:
    """The nonces of one account. Safe from any thread.

        nonces = Nonces()
        nonces.next()   # always higher than the one before
    """

    def __init__(self, highest_used: int = 0) -> None:
        """`highest_used`: what the chain said last (GetAccountResponse.highest_nonce)."""
        self._last = highest_used
        self._lock = threading.Lock()

    def next(self) -> int:
        """A nonce that was not given out before."""
        with self._lock:
            self._last = max(self._last + 1, time.time_ns() // STEP_NS)
            return self._last

    def skip(self) -> None:
        """Somebody else takes the same nonces at this moment: go on a little above, by chance, to get away."""
        with self._lock:
            self._last += random.randrange(1, SKIP_MOST)

    def observe(self, highest_used: int) -> None:
        """Others used this account, up to this nonce: go on above it."""
        with self._lock:
            self._last = max(self._last, highest_used)
