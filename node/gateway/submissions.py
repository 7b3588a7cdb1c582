"""Envelopes on their way: each is handed to the engine once, and everyone who sent the same bytes shares its fate.

The path of an envelope is kept short: one hash, no decoding. Envelopes that arrive while the engine answers about
others go to it together.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from node.gateway.engine import Engine
from node.gateway.errors import CallError, busy, engine_down, stopping
from node.gateway.model import BlockView, ReadModel
from novation.v1 import trading_service_pb2 as trading
from novation.v1 import tx_pb2

PENDING_MAX = 100_000
QUEUED_BYTES_MAX = 64 * 1024 * 1024  # of envelopes that the engine has not answered for; then the bytes are let go
PENDING_SECONDS = 120  # then it is forgotten here; the engine still knows it, and answers if it is sent again
HAND_OVER_ENVELOPES = 1024
HAND_OVER_BYTES = 4 * 1024 * 1024
CATCH_UP_SECONDS = 2

WAITING_ALREADY = "MEMPOOL_DUPLICATE"
NONCE_REASONS = frozenset({"TX_NONCE_USED", "TX_NONCE_TOO_LOW"})


@dataclass(slots=True)
class Submission:
    """One envelope. `admitted` holds the engine's verdict, `committed` the outcome once a block has it."""

    hash: bytes
    raw: bytes
    since_seconds: float
    admitted: asyncio.Future[tx_pb2.EnvelopeResult]
    committed: asyncio.Future[trading.SubmissionOutcome]


class Submissions:
    """All envelopes that are pending here. `run` hands them over; the model tells of blocks."""

    def __init__(self, engine: Engine, model: ReadModel) -> None:
        self._engine = engine
        self._model = model
        self._pending: dict[bytes, Submission] = {}  # oldest first
        self._queue: deque[Submission] = deque()
        self._queued = asyncio.Event()
        self._queued_bytes = 0
        self._stopping = False
        model.on_block = self._note_block

    async def submit(self, envelopes: Sequence[bytes], wait_seconds: float) -> list[trading.SubmissionOutcome]:
        """Admit envelopes and, when `wait_seconds` > 0, wait that long for their blocks. One outcome each, in order.

        Raises CallError when the engine is away or too much waits; nothing is known of the envelopes then, and sending
        the same bytes again is safe.
        """
        known = [self._find(raw) for raw in envelopes]
        for submission in known:
            if isinstance(submission, Submission) and not submission.admitted.done():
                # Shielded: others may have sent the same bytes, and a caller who leaves must not take them along.
                await asyncio.shield(submission.admitted)
        if wait_seconds > 0:
            waiting = [s.committed for s in known if isinstance(s, Submission) and not _refused(s)]
            if waiting:
                await asyncio.wait(waiting, timeout=wait_seconds)
            if self._stopping and not all(future.done() and not future.cancelled() for future in waiting):
                raise stopping()
        return [s if isinstance(s, trading.SubmissionOutcome) else self._outcome(s) for s in known]

    def stop(self) -> None:
        """Nobody is to wait any longer: callers are told to send the same bytes to the next gateway."""
        self._stopping = True
        for submission in self._pending.values():
            submission.committed.cancel()

    def _find(self, raw: bytes) -> Submission | trading.SubmissionOutcome:
        """The outcome if a recent block holds the envelope, else its submission, begun now if it is new."""
        tx_hash = hashlib.sha256(raw).digest()
        if (held := self._model.txs.get(tx_hash)) is not None:
            return _committed(*held)
        submission = self._pending.get(tx_hash)
        if submission is None:
            if self._stopping:
                raise stopping()
            if not self._engine.live:
                raise engine_down()
            if len(self._pending) >= PENDING_MAX:
                raise busy("pending envelopes", PENDING_MAX)
            if self._queued_bytes + len(raw) > QUEUED_BYTES_MAX:
                raise busy("bytes of envelopes on their way to the engine", QUEUED_BYTES_MAX)
            loop = asyncio.get_running_loop()
            submission = Submission(tx_hash, raw, time.monotonic(), loop.create_future(), loop.create_future())
            self._pending[tx_hash] = submission
            self._queue.append(submission)
            self._queued_bytes += len(raw)
            self._queued.set()
        return submission

    def _outcome(self, submission: Submission) -> trading.SubmissionOutcome:
        if _is_committed(submission):
            return submission.committed.result()
        state = trading.SUBMISSION_STATE_REFUSED if _refused(submission) else trading.SUBMISSION_STATE_PENDING
        return trading.SubmissionOutcome(hash=submission.hash, state=state, result=submission.admitted.result())

    async def run(self) -> None:
        """Hand queued envelopes to the engine, one group after the other, so that they keep their order."""
        while True:
            await self._queued.wait()
            group: list[Submission] = []
            size_bytes = 0
            while self._queue and len(group) < HAND_OVER_ENVELOPES and size_bytes < HAND_OVER_BYTES:
                group.append(self._queue.popleft())
                size_bytes += len(group[-1].raw)
            if not self._queue:
                self._queued.clear()
            try:
                await self._hand_over(group)
            finally:
                self._queued_bytes -= size_bytes

    async def _hand_over(self, group: list[Submission]) -> None:
        try:
            reply = await self._engine.submit([submission.raw for submission in group])
        except CallError as error:
            for submission in group:
                self._give_up(submission, error)
            return
        for submission, verdict in zip(group, reply.verdicts, strict=True):
            submission.raw = b""  # no longer needed, and there may be many
            if verdict.reason in NONCE_REASONS and self._model.height < reply.height:
                # Perhaps this very envelope is in a block that has not reached us yet.
                asyncio.get_running_loop().create_task(self._judge_later(submission, verdict, reply.height))
            else:
                self._judge(submission, verdict)

    def _give_up(self, submission: Submission, error: CallError) -> None:
        self._forget(submission)
        if _is_committed(submission):  # a block was faster than the verdict
            submission.admitted.set_result(tx_pb2.EnvelopeResult())
        else:
            submission.admitted.set_exception(error)
            submission.admitted.exception()  # seen: the caller may have left already

    async def _judge_later(self, submission: Submission, verdict: tx_pb2.EnvelopeResult, height: int) -> None:
        try:
            async with asyncio.timeout(CATCH_UP_SECONDS):
                await self._model.reached(height)
        except TimeoutError:
            pass  # the feed is slow or gone: the verdict stands
        self._judge(submission, verdict)

    def _judge(self, submission: Submission, verdict: tx_pb2.EnvelopeResult) -> None:
        if (held := self._model.txs.get(submission.hash)) is not None and not submission.committed.done():
            submission.committed.set_result(_committed(*held))
        if _is_committed(submission):
            verdict = tx_pb2.EnvelopeResult()  # a block was faster than the verdict
        elif verdict.reason == WAITING_ALREADY and _detail(verdict, "waiting_hash") == submission.hash.hex():
            verdict = tx_pb2.EnvelopeResult()  # these very bytes wait already, sent through somebody else
        if verdict.code or _is_committed(submission):
            self._forget(submission)
        if not submission.admitted.done():
            submission.admitted.set_result(verdict)

    def _note_block(self, view: BlockView) -> None:
        if self._pending:
            for index, tx in enumerate(view.block.txs):
                submission = self._pending.pop(tx.hash, None)
                if submission is not None and not submission.committed.done():
                    submission.committed.set_result(_committed(view, index))
        limit_seconds = time.monotonic() - PENDING_SECONDS
        while self._pending and (oldest := next(iter(self._pending.values()))).since_seconds < limit_seconds:
            self._forget(oldest)

    def _forget(self, submission: Submission) -> None:
        if self._pending.get(submission.hash) is submission:
            del self._pending[submission.hash]


def _is_committed(submission: Submission) -> bool:
    return submission.committed.done() and not submission.committed.cancelled()


def _refused(submission: Submission) -> bool:
    return not _is_committed(submission) and submission.admitted.result().code != 0


def _committed(view: BlockView, index: int) -> trading.SubmissionOutcome:
    tx = view.block.txs[index]
    return trading.SubmissionOutcome(hash=tx.hash, state=trading.SUBMISSION_STATE_COMMITTED, height=view.height,
                                     result=tx.result)


def _detail(verdict: tx_pb2.EnvelopeResult, key: str) -> str:
    return next((detail.value for detail in verdict.metadata if detail.key == key), "")
