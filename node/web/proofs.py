"""Records with their proofs: what a browser needs to check them itself, and where a gateway gets it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from client.light_headers import LightBlock, LightError, parse_commit, parse_header, parse_validator
from client.light_proofs import Operator
from node.comet.rpc import AsyncCometRpc, RpcError, RpcUnreachable
from node.gateway.errors import CallError, Code, bad_argument, busy
from node.records import RECORDS
from node.web.plain import plain

KEY_BYTES_MAX = 128
ASKED_MAX = 4  # at once: each asks CometBFT three times or more
VALIDATORS_PAGE = 100
PAGES_MAX = 100


@dataclass(frozen=True, slots=True)
class Proven:
    """A record (empty: there is none) of the state after `height`, with its ICS-23 proof and what that leads to.

    `block` is the next block's header, whose app hash this is, with the commit and the validators that vouch for it;
    None where blocks have no headers.
    """

    height: int
    value: bytes
    operators: tuple[Operator, ...]
    app_hash: bytes
    block: LightBlock | None


class Prover(Protocol):
    """Where proofs come from."""

    async def prove(self, table: str, key: bytes) -> Proven:
        """A record of the newest state that can be proven. Raises CallError."""
        ...

    async def close(self) -> None:
        """No more will be asked."""
        ...


class CometProver:
    """Proofs and headers from CometBFT's RPC of the same node."""

    def __init__(self, address: str) -> None:
        self._rpc = AsyncCometRpc(address)
        self._asked = 0

    async def prove(self, table: str, key: bytes) -> Proven:
        """See Prover."""
        if self._asked >= ASKED_MAX:
            raise busy("proofs", ASKED_MAX)
        self._asked += 1
        try:
            return await self._prove(table, key)
        except (RpcError, RpcUnreachable, LightError) as error:
            raise CallError(Code.UNAVAILABLE, "PROOF_NOT_THERE", f"CometBFT of this node has none: {error}") from error
        finally:
            self._asked -= 1

    async def _prove(self, table: str, key: bytes) -> Proven:
        asked: dict[str, Any] = {"path": f"/ics23/{table}/key", "data": key.hex(), "prove": True}
        reply = (await self._rpc.call("abci_query", **asked))["response"]
        if reply.get("code"):
            raise RpcError(int(reply["code"]), str(reply.get("log", "")))
        height = int(reply["height"])
        steps = (reply.get("proofOps") or {}).get("ops") or []
        operators = tuple(
            Operator(one["type"], base64.b64decode(one["key"]), base64.b64decode(one["data"])) for one in steps)
        signed = (await self._rpc.call("commit", height=str(height + 1)))["signed_header"]
        header = parse_header(signed["header"])
        validators = tuple(parse_validator(one) for one in await self._validators(height + 1))
        value = base64.b64decode(reply.get("value") or "")
        return Proven(height, value, operators, header.app_hash,
                      LightBlock(header, parse_commit(signed["commit"]), validators))

    async def _validators(self, height: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for page in range(1, PAGES_MAX + 1):
            reply = await self._rpc.call("validators", height=str(height), page=str(page),
                                         per_page=str(VALIDATORS_PAGE))
            found += reply["validators"]
            if len(found) >= int(reply["total"]) or not reply["validators"]:
                break
        return found

    async def close(self) -> None:
        """See Prover."""
        await self._rpc.close()


async def proof_document(prover: Prover | None, parameters: Mapping[str, str]) -> dict[str, Any]:
    """The record of `table` under `key` (hexadecimal) as a browser takes it. Raises CallError."""
    table, text = parameters.get("table", ""), parameters.get("key", "")
    if table not in RECORDS:
        raise bad_argument("table", f"one of {', '.join(sorted(RECORDS))}")
    try:
        key = bytes.fromhex(text)
    except ValueError as error:
        raise bad_argument("key", "hexadecimal digits") from error
    if not 0 < len(key) <= KEY_BYTES_MAX:
        raise bad_argument("key", f"1 to {KEY_BYTES_MAX} bytes")
    if prover is None:
        raise CallError(Code.UNAVAILABLE, "PROOFS_NOT_SERVED", "this gateway runs apart from CometBFT")
    found = await prover.prove(table, key)
    record = plain(RECORDS[table].FromString(found.value)) if found.value else None
    return {"table": table, "key": key.hex(), "height": str(found.height), "value": found.value.hex(),
            "record": record, "app_hash": found.app_hash.hex(),
            "operators": [written(asdict(one)) for one in found.operators],
            "block": written(asdict(found.block)) if found.block else None}


def written(value: Any) -> Any:
    """Integers as text, bytes in hexadecimal, as everywhere in this API."""
    if isinstance(value, dict):
        return {name: written(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [written(one) for one in value]
    if isinstance(value, bytes):
        return value.hex()
    return str(value) if isinstance(value, int) else value
