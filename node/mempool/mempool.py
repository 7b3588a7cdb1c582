"""The mempool as the engine uses it: three ways in (CheckTx, InsertTx, the link), each through `admit` and the pool,
and one way out, `propose`.

`admit` (the chain's: decode, signature, committed-state checks) runs outside every lock. An envelope from a peer is
only queued by InsertTx, because CometBFT makes that call inside the peer's receive loop and its votes wait
behind it; one thread of ours checks the queue.
"""

import hashlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from app.block import TxOutcome
from app.errors import MEMPOOL_DUPLICATE, ChainError
from app.tx import Tx
from node.mempool.later import Later, may_pass
from node.mempool.limits import Limits
from node.mempool.pool import Pool, Waiting
from novation.v1 import tx_pb2

log = structlog.get_logger("mempool")

BATCH = 64
BLOCK_PATIENCE_SECONDS = 0.25
"""So long the link and the checking thread stand back for a running block; then they do one envelope and wait again."""


class Rules(Protocol):
    """What the mempool asks of the chain, from several threads at once: `app.chain.Chain`, on committed state."""

    def admit(self, raw: bytes) -> Tx:
        """The decoded envelope if the next block could hold it. Raises ChainError."""
        ...

    def decode(self, raw: bytes) -> Tx:
        """The decoded envelope, whatever its account. Raises ChainError."""
        ...

    def highest_fee(self, tx: Tx) -> int:
        """The most it may cost, in quote quanta."""
        ...

    def equity(self, key: bytes) -> int:
        """What an account is worth, in quote quanta."""
        ...


@dataclass(slots=True)
class Counters:
    """Since the start."""

    admitted: int = 0
    refused: int = 0
    dropped_unchecked: int = 0


@dataclass(frozen=True, slots=True)
class _Unchecked:
    raw: bytes
    waits: bool = False  # it waits already and is checked again
    later_checks: int = 0  # it was refused before, and this is so many checks later


@dataclass(slots=True)
class _Inbox:
    queue: deque[_Unchecked] = field(default_factory=deque)
    size_bytes: int = 0


class Mempool:
    """Admission, waiting and gossip of envelopes. Every method may be called from any thread."""

    def __init__(self, rules: Rules, limits: Limits | None = None) -> None:
        self._rules = rules
        self._limits = limits or Limits()
        self._pool = Pool(self._limits)
        self._inbox = _Inbox()
        self._later = Later(self._limits)
        self._height = 0
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
        """InsertTx: queue an envelope from a peer, in microseconds. False when the queue or the pool is full: CometBFT
        takes the same envelope once more when somebody repeats it."""
        limits, inbox = self._limits, self._inbox
        with self._wake:
            if (len(inbox.queue) >= limits.inbox_count or inbox.size_bytes + len(raw) > limits.inbox_bytes
                    or not self._pool.has_room(len(raw))):
                self.counters.dropped_unchecked += 1
                return False
            self._queue(_Unchecked(raw))
        return True

    def check(self, raw: bytes) -> Tx:
        """CheckTx: check an envelope and let it wait. Raises ChainError."""
        tx_hash = hashlib.sha256(raw).digest()
        if tx_hash in self._pool:
            raise ChainError(MEMPOOL_DUPLICATE, waiting_hash=tx_hash)
        self._pool.require_room(len(raw))
        return self._admit(raw)

    def _admit(self, raw: bytes, from_peer: bool = False) -> Tx:
        tx = self._rules.admit(raw)
        self._pool.add(tx, self._rules.highest_fee(tx), self._rules.equity(tx.account), from_peer)
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

    def propose(self, prepare: Callable[[Iterator[Tx]], list[bytes]]) -> list[bytes]:
        """The proposal that `prepare` makes of what waits; it takes candidates until it has enough.

        What it took and left is checked: what can never be good any more is dropped, what cannot pay now, alone or
        beside the others of its account, rests for some blocks. So envelopes that died while they waited fill no
        second proposal's candidates.
        """
        offered: list[Waiting] = []
        txs = prepare(self._offer(offered))
        chosen = set(txs)
        for entry in offered:
            if entry.raw not in chosen:
                self._review(entry)
        return txs

    def _offer(self, offered: list[Waiting]) -> Iterator[Tx]:
        deadline = time.monotonic() + self._limits.offer_seconds
        for entry in self._pool.candidates()[:self._limits.offer_count]:
            if time.monotonic() > deadline:
                return
            try:
                tx = self._rules.decode(entry.raw)
            except ChainError:  # it was good once, but the engine must not rest on that
                self._pool.discard(entry.hash)
                continue
            offered.append(entry)
            yield tx

    def _review(self, entry: Waiting) -> None:
        try:
            self._rules.admit(entry.raw)
            if not entry.unpaid and self._pool.fees_waiting(entry.account) > self._rules.equity(entry.account):
                self._pool.rest(entry.hash)
        except ChainError as error:
            if may_pass(error.code):
                self._pool.rest(entry.hash)
            else:
                self._pool.discard(entry.hash)

    def after_commit(self, height: int, time_ns: int, used: Iterable[TxOutcome]) -> None:
        """Drop what the committed block used, made stale or let expire; have the overdue checked again, and what was
        refused for a reason that may have passed."""
        overdue = self._pool.after_commit(height, time_ns, used)
        with self._wake:
            self._height = height
            for raw in overdue:
                self._queue(_Unchecked(raw, waits=True))
            for raw, checks in self._later.take_due(height):
                self._queue(_Unchecked(raw, later_checks=checks))

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
            return self._wake.wait_for(lambda: not self._inbox.queue and not self._busy, timeout_seconds)

    def _queue(self, item: _Unchecked) -> None:
        """Under `_wake`."""
        self._inbox.queue.append(item)
        self._inbox.size_bytes += len(item.raw)
        if len(self._inbox.queue) == 1:
            self._wake.notify_all()

    def _check_inbox(self) -> None:
        while True:
            with self._wake:
                self._busy = False
                self._wake.notify_all()
                self._wake.wait_for(lambda: self._inbox.queue or self._stopping)
                if self._stopping:
                    return
                batch = [self._inbox.queue.popleft() for _ in range(min(BATCH, len(self._inbox.queue)))]
                self._inbox.size_bytes -= sum(len(item.raw) for item in batch)
                self._busy = True
            for item in batch:
                self._idle.wait(BLOCK_PATIENCE_SECONDS)
                self._check_one(item)

    def _check_one(self, item: _Unchecked) -> None:
        tx_hash = hashlib.sha256(item.raw).digest()
        try:
            if item.waits:
                self._check_again(item.raw, tx_hash)
            else:
                self._check_new(item, tx_hash)
        except Exception as error:  # the edge of this thread: it must live on
            self._pool.discard(tx_hash)
            log.error("the check of an envelope failed", hash=tx_hash.hex(), error=repr(error), exc_info=True)

    def _check_new(self, item: _Unchecked, tx_hash: bytes) -> None:
        if tx_hash in self._pool:
            return
        try:
            self._pool.require_room(len(item.raw))
            self._admit(item.raw, from_peer=True)
        except ChainError as error:
            self.counters.refused += 1
            if may_pass(error.code):
                with self._wake:
                    self._later.add(item.raw, item.later_checks, self._height)

    def _check_again(self, raw: bytes, tx_hash: bytes) -> None:
        if tx_hash not in self._pool:
            return
        try:
            self._rules.admit(raw)
            self._pool.tell_again(tx_hash)
        except ChainError:
            self._pool.discard(tx_hash)
