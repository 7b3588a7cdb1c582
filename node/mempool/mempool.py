"""The mempool as the engine uses it: three ways in (CheckTx, InsertTx, the link), each through `admit` and the pool.

`admit` (the chain's: decode, signature, committed-state checks) runs outside every lock. An envelope from a peer is
only queued by InsertTx, because CometBFT makes that call inside the peer's receive loop and its votes wait
behind it; one thread of ours checks the queue.
"""

import hashlib
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog

from app.block import TxOutcome
from app.errors import MEMPOOL_DUPLICATE, ChainError
from app.tx import Tx
from node.mempool.limits import Limits
from node.mempool.pool import Pool
from novation.v1 import tx_pb2

log = structlog.get_logger("mempool")

BATCH = 64
BLOCK_PATIENCE_SECONDS = 0.25
"""So long the link and the checking thread stand back for a running block; then they do one envelope and wait again."""


@dataclass(slots=True)
class Counters:
    """Since the start."""

    admitted: int = 0
    refused: int = 0
    dropped_unchecked: int = 0


@dataclass(slots=True)
class _Inbox:
    raws: deque[tuple[bytes, bool]] = field(default_factory=deque)  # (envelope, it waits already and is checked again)
    size_bytes: int = 0


class Mempool:
    """Admission, waiting and gossip of envelopes. Every method may be called from any thread."""

    def __init__(self, admit: Callable[[bytes], Tx], limits: Limits | None = None) -> None:
        """`admit` returns the decoded envelope or raises ChainError; it must be safe in several threads at once."""
        self._admit = admit
        self._limits = limits or Limits()
        self._pool = Pool(self._limits)
        self._inbox = _Inbox()
        self._wake = threading.Condition()
        self._stopping = False
        self._busy = False
        self._idle = threading.Event()  # no block runs
        self._idle.set()
        self._thread = threading.Thread(target=self._check_inbox, name="mempool", daemon=True)
        self.counters = Counters()

    def start(self) -> None:
        """Start the thread that checks what peers sent."""
        self._thread.start()

    def stop(self) -> None:
        """Stop that thread; what it has not checked is forgotten."""
        with self._wake:
            self._stopping = True
            self._wake.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    @contextmanager
    def standing_back(self) -> Iterator[None]:
        """While a block runs: the link and the checking thread wait, because they share the interpreter with it.

        Without this, a flood of submissions makes blocks several times slower. CheckTx and InsertTx never wait.
        """
        self._idle.clear()
        try:
            yield
        finally:
            self._idle.set()

    def insert(self, raw: bytes) -> bool:
        """InsertTx: queue an envelope from a peer, in microseconds. False when the queue is full."""
        limits, inbox = self._limits, self._inbox
        with self._wake:
            if len(inbox.raws) >= limits.inbox_count or inbox.size_bytes + len(raw) > limits.inbox_bytes:
                self.counters.dropped_unchecked += 1
                return False
            self._queue(raw, False)
        return True

    def check(self, raw: bytes) -> Tx:
        """CheckTx: check an envelope and let it wait. Raises ChainError."""
        tx_hash = hashlib.sha256(raw).digest()
        if tx_hash in self._pool:
            raise ChainError(MEMPOOL_DUPLICATE, waiting_hash=tx_hash)
        self._pool.require_room(len(raw))
        tx = self._admit(raw)
        self._pool.add(tx)
        self.counters.admitted += 1
        return tx

    def submit(self, envelopes: Sequence[bytes]) -> list[tx_pb2.EnvelopeResult]:
        """The link: check envelopes and let them wait; one verdict each, in order, code 0 for those that wait now."""
        return [self._verdict(raw) for raw in envelopes]

    def _verdict(self, raw: bytes) -> tx_pb2.EnvelopeResult:
        self._idle.wait(BLOCK_PATIENCE_SECONDS)
        try:
            self.check(raw)
        except ChainError as error:
            self.counters.refused += 1
            code = error.code
            details = [tx_pb2.Detail(key=key, value=value) for key, value in error.metadata.items()]
            return tx_pb2.EnvelopeResult(
                code=code.code, codespace=code.codespace, reason=code.reason, metadata=details)
        return tx_pb2.EnvelopeResult()

    def reap(self, max_bytes: int, max_gas: int) -> list[bytes]:
        """ReapTxs: what peers are to be told of, each envelope once (and rarely again while no block takes it)."""
        return self._pool.reap(max_bytes, max_gas)

    def candidates(self) -> list[Tx]:
        """Everything a proposer may choose from, in the order of arrival."""
        return self._pool.candidates()

    def after_commit(self, height: int, time_ns: int, used: Iterable[TxOutcome]) -> None:
        """Drop what the committed block used, made stale or let expire; have the overdue checked again."""
        overdue = self._pool.after_commit(height, time_ns, used)
        if overdue:
            with self._wake:
                for raw in overdue:
                    self._queue(raw, True)

    @property
    def count(self) -> int:
        """How many envelopes wait."""
        return self._pool.totals().count

    @property
    def size_bytes(self) -> int:
        """How many bytes of envelopes wait."""
        return self._pool.totals().size_bytes

    def wait_until_checked(self, timeout_seconds: float) -> bool:
        """Wait until nothing from peers is left to check; False after the timeout. For tests and for shutdown."""
        with self._wake:
            return self._wake.wait_for(lambda: not self._inbox.raws and not self._busy, timeout_seconds)

    def _queue(self, raw: bytes, again: bool) -> None:
        """Under `_wake`."""
        self._inbox.raws.append((raw, again))
        self._inbox.size_bytes += len(raw)
        if len(self._inbox.raws) == 1:
            self._wake.notify_all()

    def _check_inbox(self) -> None:
        while True:
            with self._wake:
                self._busy = False
                self._wake.notify_all()
                self._wake.wait_for(lambda: self._inbox.raws or self._stopping)
                if self._stopping:
                    return
                batch = [self._inbox.raws.popleft() for _ in range(min(BATCH, len(self._inbox.raws)))]
                self._inbox.size_bytes -= sum(len(raw) for raw, _ in batch)
                self._busy = True
            for raw, again in batch:
                self._idle.wait(BLOCK_PATIENCE_SECONDS)
                self._check_one(raw, again)

    def _check_one(self, raw: bytes, again: bool) -> None:
        tx_hash = hashlib.sha256(raw).digest()
        try:
            if again:
                self._check_again(raw, tx_hash)
            else:
                self._check_new(raw, tx_hash)
        except Exception as error:  # the edge of this thread: it must live on
            self._pool.discard(tx_hash)
            log.error("the check of an envelope failed", hash=tx_hash.hex(), error=repr(error), exc_info=True)

    def _check_new(self, raw: bytes, tx_hash: bytes) -> None:
        if tx_hash in self._pool:
            return
        try:
            self._pool.require_room(len(raw))
            self._pool.add(self._admit(raw), from_peer=True)
            self.counters.admitted += 1
        except ChainError:
            self.counters.refused += 1

    def _check_again(self, raw: bytes, tx_hash: bytes) -> None:
        if tx_hash not in self._pool:
            return
        try:
            self._admit(raw)
            self._pool.tell_again(tx_hash)
        except ChainError:
            self._pool.discard(tx_hash)
