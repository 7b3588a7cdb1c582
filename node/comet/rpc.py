"""A small client of CometBFT's JSON-RPC: what the node, the localnet and the tests ask of it, async and sync."""

from dataclasses import dataclass
from typing import Any

import httpx

TIMEOUT_S = 5.0
# CometBFT's RPC speaks http alone: loading certificates would cost fifty milliseconds a client.
PLAIN_HTTP: dict[str, Any] = {"trust_env": False, "verify": False}


class RpcError(Exception):
    """CometBFT answered with an error: `code` and `message` are its own."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{message} (code {code})")
        self.code = code
        self.message = message


class RpcUnreachable(Exception):
    """Nothing answered as CometBFT does at this address."""


@dataclass(frozen=True, slots=True)
class CometStatus:
    """Where a node is. `app_hash` is the state after block `height - 1`, as its header states it."""

    node_id: str
    moniker: str
    chain_id: str
    height: int
    app_hash: str
    block_time: str
    catching_up: bool
    validator_address: str
    voting_power: int
    earliest_height: int = 0  # of the blocks that it still has


def _request(method: str, params: dict[str, Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


def _result(response: httpx.Response) -> dict[str, Any]:
    try:
        reply = response.json()
    except ValueError as error:
        raise RpcUnreachable(f"{response.url} does not answer as CometBFT's RPC does") from error
    if reply.get("error"):
        error_body = reply["error"]
        raise RpcError(int(error_body.get("code", 0)), f"{error_body.get('message')}: {error_body.get('data', '')}")
    result: dict[str, Any] = reply["result"]
    return result


def _height(height: int | None) -> dict[str, Any]:
    return {} if height is None else {"height": str(height)}


def read_status(result: dict[str, Any]) -> CometStatus:
    node, sync, validator = result["node_info"], result["sync_info"], result["validator_info"]
    return CometStatus(
        node_id=node["id"],
        moniker=node["moniker"],
        chain_id=node["network"],
        height=int(sync["latest_block_height"]),
        app_hash=sync["latest_app_hash"],
        block_time=sync["latest_block_time"],
        catching_up=sync["catching_up"],
        validator_address=validator["address"],
        voting_power=int(validator["voting_power"]),
        earliest_height=int(sync["earliest_block_height"]),
    )


class CometRpc:
    """The sync client, for tools and tests. Raises RpcUnreachable or RpcError."""

    def __init__(self, address: str, timeout_s: float = TIMEOUT_S) -> None:
        self.url = f"http://{address}"
        self._client = httpx.Client(timeout=timeout_s, **PLAIN_HTTP)

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        try:
            return _result(self._client.post(self.url, json=_request(method, params)))
        except httpx.HTTPError as error:
            raise RpcUnreachable(f"no CometBFT RPC at {self.url}: {error}") from error

    def status(self) -> CometStatus:
        return read_status(self.call("status"))

    def block(self, height: int | None = None) -> dict[str, Any]:
        return self.call("block", **_height(height))

    def app_hash(self, height: int) -> str:
        """The app hash that block `height` states: the state after block `height - 1`."""
        app_hash: str = self.block(height)["block"]["header"]["app_hash"]
        return app_hash

    def validators(self, height: int | None = None) -> list[dict[str, Any]]:
        validators: list[dict[str, Any]] = self.call("validators", **_height(height))["validators"]
        return validators

    def peers(self) -> int:
        return int(self.call("net_info")["n_peers"])

    def close(self) -> None:
        self._client.close()

    def __enter__(self) -> "CometRpc":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncCometRpc:
    """The same for asyncio."""

    def __init__(self, address: str, timeout_s: float = TIMEOUT_S) -> None:
        self.url = f"http://{address}"
        self._client = httpx.AsyncClient(timeout=timeout_s, **PLAIN_HTTP)

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        try:
            return _result(await self._client.post(self.url, json=_request(method, params)))
        except httpx.HTTPError as error:
            raise RpcUnreachable(f"no CometBFT RPC at {self.url}: {error}") from error

    async def status(self) -> CometStatus:
        return read_status(await self.call("status"))

    async def block(self, height: int | None = None) -> dict[str, Any]:
        return await self.call("block", **_height(height))

    async def peers(self) -> int:
        return int((await self.call("net_info"))["n_peers"])

    async def close(self) -> None:
        await self._client.aclose()

    async def __aenter__(self) -> "AsyncCometRpc":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
