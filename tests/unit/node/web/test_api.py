"""The JSON API over a devchain: the same answers as gRPC, errors with reason and next step, bounds."""

import socket

import httpx
import pytest

from client import envelopes as e
from client.errors import NovationError, RateLimited
from node.keys.dev import dev_key
from node.web import api
from node.web.api import CALLS
from novation.testing import Chain
from novation.v1 import tx_pb2

ALICE = f"{dev_key('alice').owner.hex()}/0"


def signed(chain: Chain, action: tx_pb2.Action, nonce: int) -> bytes:
    """An envelope of alice's."""
    key = dev_key("alice")
    body = e.make_body(key.account(), [action], nonce=nonce, gas_price_e6=10_000)
    return e.sign_envelope(key, chain.chain.parts.chain.head.chain_id, body)


def crossing(chain: Chain) -> None:
    """Alice sells a tenth of a bitcoin to bob."""
    chain.client("alice").place("BTC-PERP", "sell", "0.1", "46000", time_in_force="post_only")
    chain.client("bob").place("BTC-PERP", "buy", "0.1", "46000")


def test_every_call_that_needs_nothing_answers(chain: Chain, http: httpx.Client) -> None:
    crossing(chain)
    needs = {"book": {"market": 1}, "trades": {"market": 1}, "account": {"account": ALICE},
             "orders": {"account": ALICE}, "fees": {"account": ALICE}, "tx": {"hash": chain_tx(http)}}
    for path in CALLS:
        answer = http.get(f"/api/{path}", params=needs.get(path, {}))
        assert answer.status_code == 200, (path, answer.text)
        assert answer.headers["cache-control"] == "no-store"
        assert int(answer.json()["height"]) == 3


def chain_tx(http: httpx.Client) -> str:
    """The hash of a transaction in the last block."""
    found: str = http.get("/api/block", params={"with_txs": "true"}).json()["block"]["txs"][0]["hash"]
    return found


def test_wide_integers_are_text_and_enums_words(chain: Chain, http: httpx.Client) -> None:
    crossing(chain)
    trade = http.get("/api/trades", params={"market": 1}).json()["trades"][0]
    assert trade == {"market": 1, "trade_id": "1", "taker_side": "buy", "price_quanta": "46000000", "size_lots": "100",
                     "height": "3", "time_ns": trade["time_ns"], "block": False}
    account = http.get("/api/account", params={"account": ALICE}).json()
    assert account["positions"][0]["position"]["lots"] == "-100" and account["exists"] is True
    assert http.get("/api/markets").json()["markets"][0]["market"]["kind"] == "perpetual"


def test_a_question_says_what_an_order_would_do_before_it_is_signed(chain: Chain, http: httpx.Client) -> None:
    chain.client("bob").place("BTC-PERP", "sell", "0.1", "46000", time_in_force="post_only")
    order = {"market": 1, "side": 1, "price_quanta": "46000000", "size_lots": "250", "time_in_force": 1}
    answer = http.post("/api/risk", json={"account": ALICE, "actions": [{"place_order": order}]}).json()
    assert answer["results"][0]["filled_lots"] == "100" and answer["results"][0]["open_lots"] == "150"
    assert int(answer["after"]["initial_quanta"]) > int(answer["before"]["initial_quanta"]) == 0
    assert answer["after"]["positions"][0]["safe"] == {"lower_quanta": "0", "upper_quanta": "0"}
    refused = http.post("/api/risk", json={"account": ALICE, "actions": [{"place_order": order | {"market": 99}}]})
    assert refused.json()["results"][0]["reason"] == "MARKET_NOT_FOUND"


def test_an_envelope_takes_effect_once_and_says_so(chain: Chain, http: httpx.Client) -> None:
    raw = signed(chain, e.place(market=1, side="buy", price_quanta=45_000_000, size_lots=10), 1)
    outcome = http.post("/api/submit", content=raw).json()["outcome"]
    assert outcome["state"] == "committed" and outcome["result"]["actions"][0]["open_lots"] == "10"
    assert http.post("/api/submit", content=raw).json()["outcome"]["height"] == outcome["height"]
    assert len(http.get("/api/orders", params={"account": ALICE}).json()["orders"]) == 1
    again = signed(chain, e.place(market=1, side="buy", price_quanta=45_000_000, size_lots=11), 1)
    refused = http.post("/api/submit", content=again).json()["outcome"]
    assert refused["state"] == "refused" and refused["result"]["reason"] == "TX_NONCE_USED"


def test_envelopes_count_with_those_that_the_address_sends_by_grpc(chain: Chain, http: httpx.Client) -> None:
    """Two ways in are no two allowances: neither for the page, nor for gRPC after it."""
    clients, bob = chain.server.gateway.services.clients, chain.client("bob")
    clients._addresses.rate, clients._addresses.burst = 0, 2  # time changes nothing
    bob.place("BTC-PERP", "buy", "0.1", "45000")
    raws = [signed(chain, e.place(market=1, side="buy", price_quanta=45_000_000, size_lots=10), n) for n in (1, 2)]
    assert http.post("/api/submit", content=raws[0]).json()["outcome"]["state"] == "committed"
    refused = http.post("/api/submit", content=raws[1])
    assert (refused.status_code, refused.json()["reason"]) == (429, "CLIENT_LIMIT") and refused.json()["next"]
    assert refused.json()["metadata"]["of"] == "envelopes a second from this address"
    with pytest.raises(RateLimited):
        bob.place("BTC-PERP", "buy", "0.1", "45000")


@pytest.mark.parametrize(("path", "status", "reason"), [
    ("/api/book?market=99", 404, "MARKET_NOT_FOUND"),
    ("/api/book?depth=x", 400, "BAD_ARGUMENT"),
    ("/api/book?colour=1", 400, "BAD_ARGUMENT"),
    ("/api/account?account=abc", 400, "BAD_ARGUMENT"),
    ("/api/account", 400, "BAD_ARGUMENT"),
    ("/api/tx?hash=zz", 400, "BAD_ARGUMENT"),
    ("/api/block?height=7", 404, "BLOCK_NOT_HELD"),
    ("/api/candles?market=1&interval=2m", 400, "BAD_ARGUMENT"),
    ("/api/candles?interval=1m", 400, "BAD_ARGUMENT"),
    ("/api/stream?market=99", 404, "MARKET_NOT_FOUND"),
    ("/api/stream?market=-1", 400, "BAD_ARGUMENT"),
    ("/api/nothing", 404, "NOT_FOUND"),
    ("/../pyproject.toml", 404, "NOT_FOUND"),
])
def test_what_cannot_be_served_says_why_and_what_next(http: httpx.Client, path: str, status: int, reason: str) -> None:
    answer = http.get(path)
    assert answer.status_code == status, answer.text
    assert answer.json()["reason"] == reason and answer.json()["message"] and answer.json()["next"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"[" * 5000, b'{"account": 1, "x": 2}', b'{"account": "zz/0"}'])
def test_a_question_that_is_none_is_refused(http: httpx.Client, body: bytes) -> None:
    answer = http.post("/api/risk", content=body)
    assert (answer.status_code, answer.json()["reason"]) == (400, "BAD_ARGUMENT")


def test_all_markets_are_told_once_a_second(chain: Chain, http: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    first = http.get("/api/markets").json()
    assert chain.mine(8) > int(first["height"])
    before = http.get("/api/markets").json()
    assert len(before["markets"]) > len(first["markets"]), "until others are listed"
    before, height = before["height"], chain.mine()
    assert http.get("/api/markets").json()["height"] == before
    assert http.get("/api/markets", params={"markets": "1"}).json()["height"] == str(height)
    monkeypatch.setattr(api, "SHARED_SECONDS", -1.0)
    assert http.get("/api/markets").json()["height"] == str(height)


def test_bodies_are_bounded_whether_their_length_is_told_or_not(http: httpx.Client) -> None:
    for content in (b"x" * 70_000, iter([b"x" * 40_000, b"x" * 40_000])):
        answer = http.post("/api/submit", content=content)
        assert (answer.status_code, answer.json()["reason"]) == (413, "BODY_TOO_LARGE")


def test_a_body_that_ends_too_soon_harms_nobody(chain: Chain, http: httpx.Client,
                                                capsys: pytest.CaptureFixture[str]) -> None:
    host, port = chain.web_address.split(":")
    with socket.create_connection((host, int(port))) as half:
        half.sendall(b"POST /api/submit HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nabc")
    assert http.get("/api/status").status_code == 200
    assert "request failed" not in capsys.readouterr().out


def test_methods_are_those_that_are_documented(http: httpx.Client) -> None:
    assert http.post("/api/book").json()["reason"] == "METHOD"
    assert http.get("/api/submit").json()["reason"] == "METHOD"


def test_reasons_of_the_chain_are_told_with_their_meaning(chain: Chain, http: httpx.Client) -> None:
    meanings = http.get("/api/errors").json()
    with pytest.raises(NovationError) as refused:
        chain.client("alice").place("BTC-PERP", "buy", "0.1", "90000")
    assert meanings[refused.value.reason]


def test_a_gateway_without_a_page_loads_nothing_of_it(tmp_path: object) -> None:
    import subprocess
    import sys

    script = "import sys, node.gateway.server; sys.exit('starlette' in sys.modules or 'uvicorn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0
