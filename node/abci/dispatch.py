"""From a request's bytes to its reply's bytes: 18 methods, and what happens when a handler fails.

CometBFT ends itself when it sees one `ResponseException`, on any connection, a query's too. So none is ever sent:
a handler that may fail harmlessly answers a coded error, a refusal or an empty list; a handler whose failure means
that this node's state cannot be trusted any more (InitChain, FinalizeBlock, Commit, Info) ends the engine.

CometBFT ends itself too when one of its connections is closed. It writes strings without asking whether they are
UTF-8, and we cannot parse such a request; the path of a query is such a string, and anybody may choose it. So a whole
frame that names a method with a harmless answer gets that answer, whatever is inside.
"""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import structlog
from google.protobuf.message import DecodeError, Message
from tendermint.abci import types_pb2 as abci

log = structlog.get_logger("abci")

INTERNAL_CODE = 1
INTERNAL_CODESPACE = "internal"
RETRY_CODE = 32_000
"""CometBFT offers an envelope again soon when its code is at least this, and not for a long while below it."""

EXIT_BROKEN = 70

Handler = Callable[[Any], Message]


class BadRequest(Exception):
    """The frame is not one of the 18 requests, or is an unreadable one that must not be answered with a guess; the
    connection that sent it must be closed."""


@dataclass(frozen=True, slots=True)
class Handlers:
    """What the application answers; each takes the method's request message and returns its response message."""

    info: Handler
    init_chain: Handler
    query: Handler
    check_tx: Handler
    insert_tx: Handler
    reap_txs: Handler
    prepare_proposal: Handler
    process_proposal: Handler
    extend_vote: Handler
    verify_vote_extension: Handler
    finalize_block: Handler
    commit: Handler
    list_snapshots: Handler
    offer_snapshot: Handler
    load_snapshot_chunk: Handler
    apply_snapshot_chunk: Handler


def end_process(method: str, error: BaseException) -> NoReturn:
    """Ends the engine at once: after a failure in consensus code, going on would be wrong."""
    log.critical("the engine stops: a consensus call failed", method=method, error=repr(error))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(EXIT_BROKEN)


# A refused proposal costs one round; an accepted wrong one costs the chain. An empty proposal is always valid.
_HARMLESS: dict[str, Callable[[], Message]] = {
    "echo": abci.ResponseEcho,
    "query": lambda: abci.ResponseQuery(
        code=INTERNAL_CODE, codespace=INTERNAL_CODESPACE, log="the query cannot be read or answered"),
    "check_tx": lambda: abci.ResponseCheckTx(
        code=RETRY_CODE + INTERNAL_CODE, codespace=INTERNAL_CODESPACE, log="the check failed"),
    "insert_tx": lambda: abci.ResponseInsertTx(code=RETRY_CODE + INTERNAL_CODE),
    "reap_txs": abci.ResponseReapTxs,
    "prepare_proposal": abci.ResponsePrepareProposal,
    "process_proposal": lambda: abci.ResponseProcessProposal(status=abci.ResponseProcessProposal.REJECT),
    "extend_vote": abci.ResponseExtendVote,
    "verify_vote_extension": lambda: abci.ResponseVerifyVoteExtension(
        status=abci.ResponseVerifyVoteExtension.REJECT),
    "list_snapshots": abci.ResponseListSnapshots,
    "offer_snapshot": lambda: abci.ResponseOfferSnapshot(result=abci.ResponseOfferSnapshot.ABORT),
    "load_snapshot_chunk": abci.ResponseLoadSnapshotChunk,
    "apply_snapshot_chunk": lambda: abci.ResponseApplySnapshotChunk(result=abci.ResponseApplySnapshotChunk.ABORT),
}

_METHODS = {field.number: field.name for field in abci.Request.DESCRIPTOR.oneofs_by_name["value"].fields}
_LENGTH_DELIMITED = 2

_FLUSHED = abci.Response(flush=abci.ResponseFlush()).SerializeToString()


class Dispatcher:
    """Answers one request at a time; any number of threads may use it, so the handlers must allow for that."""

    __slots__ = ("_end", "_table", "_timed")

    def __init__(self, handlers: Handlers, end: Callable[[str, BaseException], NoReturn] = end_process,
                 timed: Callable[[str, float], None] = lambda method, seconds: None) -> None:
        """`end(method, error)` is called when a method fails that must not fail, and does not return;
        `timed(method, seconds)` after each answer.
        """
        self._table: dict[str, Handler] = {name: getattr(handlers, name) for name in Handlers.__slots__}
        self._end = end
        self._timed = timed

    def answer(self, frame: bytes) -> bytes:
        """The encoded reply to the encoded request `frame`. Raises BadRequest when it is none."""
        try:
            request = abci.Request.FromString(frame)
        except DecodeError as error:
            return _answer_unreadable(frame, error)
        method = request.WhichOneof("value")
        if method == "flush":
            return _FLUSHED
        if method is None:
            raise BadRequest("a request without a method, or with one this version does not know")
        if method == "echo":
            return abci.Response(echo=abci.ResponseEcho(message=request.echo.message)).SerializeToString()
        return self._call(method, getattr(request, method))

    def _call(self, method: str, request: Message) -> bytes:
        started = time.perf_counter()
        try:
            reply = _encoded(method, self._table[method](request))
        except Exception as error:  # the edge: one escaped exception would end CometBFT
            if method not in _HARMLESS:
                self._end(method, error)
            log.error("a handler failed", method=method, error=repr(error), exc_info=True)
            reply = _encoded(method, _HARMLESS[method]())
        self._timed(method, time.perf_counter() - started)
        return reply


def _answer_unreadable(frame: bytes, error: DecodeError) -> bytes:
    """The harmless answer of the method that `frame` names. Raises BadRequest when there is none."""
    method = _method_named(frame)
    if method not in _HARMLESS:
        raise BadRequest(f"undecodable request of {len(frame)} bytes ({method or 'no method'})") from error
    log.warning("an unreadable request", method=method, size_bytes=len(frame))
    return _encoded(method, _HARMLESS[method]())


def _method_named(frame: bytes) -> str:
    """The method of a frame that is exactly one field with a length, "" for any other."""
    tag, start = _varint_at(frame, 0)
    length, start = _varint_at(frame, start)
    if tag & 7 != _LENGTH_DELIMITED or start + length != len(frame):
        return ""
    return _METHODS.get(tag >> 3, "")


def _varint_at(data: bytes, position: int) -> tuple[int, int]:
    """(the unsigned varint at `position`, where it ends); 0 when it does not end in five bytes."""
    value = 0
    for index, byte in enumerate(data[position:position + 5]):
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value, position + index + 1
    return 0, position


def _encoded(method: str, message: Any) -> bytes:
    return abci.Response(**{method: message}).SerializeToString()
