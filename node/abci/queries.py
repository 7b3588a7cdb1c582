"""ABCI Query: committed records, with proofs where a prover is given.

Paths
  /store/<table>/key   `data` is the record's key; `prove` asks for proof operators; `height` 0 means the last committed
  /p2p/filter/...      always 0: CometBFT asks here whether it may keep a peer
"""

from collections.abc import Callable
from dataclasses import dataclass

from tendermint.abci import types_pb2 as abci
from tendermint.crypto import proof_pb2

from app.chain import Head
from app.errors import QUERY_HEIGHT, QUERY_PATH, QUERY_PROOF, ChainError


@dataclass(frozen=True, slots=True)
class Proven:
    """A record at a height with the operators that prove it, or its absence, against the next header's app hash."""

    height: int
    value: bytes | None
    operators: list[proof_pb2.ProofOp]


Prove = Callable[[str, bytes, int], Proven]
"""(table, key, height; 0 for the last) -> the proven record. Raises ChainError and KeyError for an unknown table."""

ReadAtHead = Callable[[str, bytes], tuple[Head, bytes | None]]


class QueryService:
    """Answers ABCI queries from committed state; safe on any thread."""

    def __init__(self, read_at_head: ReadAtHead, prove: Prove | None = None) -> None:
        self._read_at_head = read_at_head
        self._prove = prove

    def query(self, request: abci.RequestQuery) -> abci.ResponseQuery:
        """The response to one query; what cannot be answered has a code of the error registry."""
        if request.path.startswith("/p2p/filter/"):
            return abci.ResponseQuery()
        try:
            return self._record(request)
        except ChainError as error:
            code = error.code
            return abci.ResponseQuery(code=code.code, codespace=code.codespace, log=str(error))

    def _record(self, request: abci.RequestQuery) -> abci.ResponseQuery:
        table = _table_of(request.path)
        try:
            if request.prove:
                return self._proven(table, request.data, request.height)
            head, value = self._read_at_head(table, request.data)
        except KeyError as error:
            raise ChainError(QUERY_PATH, path=request.path, table=table) from error
        if request.height not in (0, head.height):
            proven = self._proven(table, request.data, request.height)
            proven.ClearField("proof_ops")
            return proven
        return abci.ResponseQuery(key=request.data, value=value or b"", height=head.height, log=_presence(value))

    def _proven(self, table: str, key: bytes, height: int) -> abci.ResponseQuery:
        if height < 0:
            raise ChainError(QUERY_HEIGHT, height=height)
        if self._prove is None:
            raise ChainError(QUERY_PROOF, reason="this node keeps no proofs")
        proven = self._prove(table, key, height)
        return abci.ResponseQuery(
            key=key, value=proven.value or b"", height=proven.height, log=_presence(proven.value),
            proof_ops=proof_pb2.ProofOps(ops=proven.operators))


def _presence(value: bytes | None) -> str:
    return "absent" if value is None else ""


def _table_of(path: str) -> str:
    parts = path.split("/")
    if len(parts) != 4 or parts[0] or parts[1] != "store" or parts[3] != "key":
        raise ChainError(QUERY_PATH, path=path, known="/store/<table>/key")
    return parts[2]

