"""ABCI Query: records at committed heights, with proofs on request.

Paths
  /store/<table>/key   `data` is the record's key; `prove` asks for `simple:v` operators, as CometBFT's light proxy
                       checks them (absence, which they cannot show, comes as ICS-23)
  /ics23/<table>/key   the same with ICS-23 commitment proofs
  /p2p/filter/...      always 0: CometBFT asks here whether it may keep a peer

Height 0 is the last committed height; with `prove` the one before it, whose app hash stands in a header already
(see `History.at`). The response's key is that of the leaf, as verifiers need it, and its height that of the state:
the app hash of height H stands in the header of H + 1.
"""

from collections.abc import Callable

from tendermint.abci import types_pb2 as abci
from tendermint.crypto import proof_pb2

from app.chain import Head
from app.errors import QUERY_PATH, ChainError
from app.kernel.hashing import sha
from app.store.tree import tree_key
from node.storage.history import Answer, History, parse_path, query

ReadAtHead = Callable[[str, bytes], tuple[Head, bytes | None]]


class QueryService:
    """Answers ABCI queries from committed state; safe on any thread."""

    def __init__(self, read_at_head: ReadAtHead, history: History) -> None:
        self._read_at_head = read_at_head
        self._history = history

    def query(self, request: abci.RequestQuery) -> abci.ResponseQuery:
        """The response to one query; what cannot be answered has a code of the error registry."""
        if request.path.startswith("/p2p/filter/"):
            return abci.ResponseQuery()
        try:
            if request.prove or request.height:
                answer = query(self._history, request.path, request.data, request.height, request.prove)
            else:
                answer = self._newest(request.path, request.data)
        except ChainError as error:
            code = error.code
            return abci.ResponseQuery(code=code.code, codespace=code.codespace, log=str(error))
        response = abci.ResponseQuery(key=answer.key, value=answer.value, height=answer.height,
                                      log="" if answer.value else "absent")
        if answer.operators:
            response.proof_ops.ops.extend(
                proof_pb2.ProofOp(type=operator.kind, key=operator.key, data=operator.data)
                for operator in answer.operators)
        return response

    def _newest(self, path: str, key: bytes) -> Answer:
        """The committed record from memory; genesis is there before the first block too."""
        table = parse_path(path)[1]
        try:
            head, value = self._read_at_head(table, key)
        except KeyError as error:
            raise ChainError(QUERY_PATH, path=path[:200], table=table) from error
        return Answer(head.height, tree_key(sha(key)), value or b"", [])
