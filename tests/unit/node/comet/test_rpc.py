"""The RPC client against answers as CometBFT gives them."""

import json

import httpx
import pytest

from node.comet.rpc import CometRpc, RpcError, RpcUnreachable

STATUS = {
    "node_info": {"id": "ab", "moniker": "one", "network": "chain-1"},
    "sync_info": {"latest_block_height": "12", "latest_app_hash": "FF", "latest_block_time": "t", "catching_up": False,
                  "earliest_block_height": "3"},
    "validator_info": {"address": "AA", "voting_power": "10"},
}


def client(answer) -> CometRpc:
    rpc = CometRpc("127.0.0.1:1")
    rpc._client = httpx.Client(transport=httpx.MockTransport(answer))
    return rpc


def test_status_is_read() -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(json.loads(request.content)["method"])
        return httpx.Response(200, json={"jsonrpc": "2.0", "id": 1, "result": STATUS})

    status = client(answer).status()
    assert (status.height, status.chain_id, status.voting_power, status.catching_up) == (12, "chain-1", 10, False)
    assert status.earliest_height == 3
    assert asked == ["status"]


def test_heights_are_sent_as_texts() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert json.loads(request.content)["params"] == {"height": "7"}
        return httpx.Response(200, json={"result": {"block": {"header": {"app_hash": "AB"}}}})

    assert client(answer).app_hash(7) == "AB"


def test_an_error_of_cometbft_keeps_its_code() -> None:
    body = {"error": {"code": -32603, "message": "Internal error", "data": "height 9 must be less"}}
    with pytest.raises(RpcError, match="height 9") as caught:
        client(lambda _: httpx.Response(500, json=body)).block(9)
    assert caught.value.code == -32603


def test_a_server_that_is_not_cometbft_is_unreachable() -> None:
    with pytest.raises(RpcUnreachable):
        client(lambda _: httpx.Response(200, text="<html>")).status()


def test_nobody_there_is_unreachable() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(RpcUnreachable, match="refused"):
        client(refuse).status()
