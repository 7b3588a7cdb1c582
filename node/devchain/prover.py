"""Proofs of a devchain's records. It has no CometBFT, so no header: the app hash is what its one process says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.errors import ChainError
from client.light_proofs import Operator
from node.gateway.errors import CallError, Code
from node.storage.history import query
from node.web.proofs import Proven

if TYPE_CHECKING:
    from node.devchain.chain import DevChain


class DevProver:
    """See node.web.proofs.Prover."""

    def __init__(self, chain: DevChain) -> None:
        self._chain = chain

    async def prove(self, table: str, key: bytes) -> Proven:
        """A record of the newest state but one, as on a node. Raises CallError."""
        history = self._chain.parts.committed.history
        try:
            answer = query(history, f"/ics23/{table}/key", key, 0, True)
            app_hash = history.at(answer.height).app_hash
        except ChainError as error:
            raise CallError(Code.UNAVAILABLE, error.code.reason, str(error)) from error
        operators = tuple(Operator(one.kind, one.key, one.data) for one in answer.operators)
        return Proven(answer.height, answer.value, operators, app_hash, None)

    async def close(self) -> None:
        """Nothing to let go."""
