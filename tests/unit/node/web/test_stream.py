"""The stream: what comes first, what follows, resuming after a drop, slow readers, the end."""

import contextlib
import itertools
import json
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from client import envelopes as e
from client.sync import SyncClient
from node.gateway import streams
from node.keys.dev import dev_key
from node.web import live, server
from novation.testing import Chain

BOB = f"{dev_key('bob').owner.hex()}/0"
Event = tuple[str, dict[str, Any], int]


def events(response: httpx.Response) -> Iterator[Event]:
    """The events of a stream, heartbeats left out: name, data, id."""
    name, data, number = "", {}, 0
    for line in response.iter_lines():
        kind, _, text = line.partition(": ")
        if kind == "event":
            name = text
        elif kind == "id":
            number = int(text)
        elif kind == "data":
            data = json.loads(text)
        elif name != "beat":
            yield name, data, number


def until(found: Iterator[Event], wanted: str) -> Event:
    """The next event of that name."""
    return next(event for event in found if event[0] == wanted)


def cross(maker: SyncClient, taker: SyncClient, price: str = "46000") -> None:
    """A trade of a tenth."""
    maker.place("BTC-PERP", "sell", "0.1", price, time_in_force="post_only")
    taker.place("BTC-PERP", "buy", "0.1", price)


def test_a_stream_begins_whole_and_then_tells_what_changes(chain: Chain, http: httpx.Client) -> None:
    maker, taker = chain.client("alice"), chain.client("bob")
    maker.place("BTC-PERP", "sell", "0.3", "46000", time_in_force="post_only")
    with http.stream("GET", "/api/stream", params={"market": 1, "account": BOB}) as response:
        assert response.headers["content-type"] == "text/event-stream"
        found = events(response)
        first = [next(found) for _ in range(4)]
        assert [name for name, _, _ in first] == ["begin", "prices", "book", "account"]
        assert first[2][1]["asks"] == [["46000000", "300", 1]] and first[2][1]["bids"] == []
        assert {price["market"] for price in first[1][1]["prices"]} >= {1, 2}
        taker.place("BTC-PERP", "buy", "0.1", "46000")
        # Options are being listed and their marks move with time: leave these out.
        then = list(itertools.islice((event for event in found if event[0] not in ("prices", "markets")), 5))
        assert [name for name, _, _ in then] == ["block", "trades", "book", "fills", "account"]
        assert {number for _, _, number in then} == {chain.chain.height}
        assert then[1][1]["trades"][0]["size_lots"] == "100" and then[2][1]["asks"] == [["46000000", "200", 1]]
        assert then[3][1]["fills"][0]["is_taker"] is True
        assert then[4][1]["account"]["positions"][0]["position"]["lots"] == "100"
        chain.set_price("BTC/USD", "46100")
        assert until(found, "prices")[1]["prices"][0]["index_quanta"] == "46100000"


def test_after_a_drop_nothing_that_was_traded_is_missing(chain: Chain, http: httpx.Client) -> None:
    maker, taker = chain.client("alice"), chain.client("bob")
    cross(maker, taker)
    with http.stream("GET", "/api/stream", params={"market": 1, "account": BOB}) as response:
        _, _, last = until(events(response), "account")
    for price in ("46010", "46020"):
        cross(maker, taker, price)
    headers = {"last-event-id": str(last)}
    with http.stream("GET", "/api/stream", params={"market": 1, "account": BOB}, headers=headers) as response:
        found = events(response)
        assert next(found)[2] == last
        heights, prices, fills = [], [], []
        while len(fills) < 2:
            name, data, number = next(found)
            heights += [number] if name == "block" else []
            prices += [trade["price_quanta"] for trade in data["trades"]] if name == "trades" else []
            fills += [fill["price_quanta"] for fill in data["fills"]] if name == "fills" else []
    assert prices == fills == ["46010000", "46020000"]
    assert heights == list(range(last + 1, chain.chain.height + 1))


def test_blocks_that_are_gone_are_a_gap(chain: Chain, http: httpx.Client) -> None:
    chain.server.gateway.model.blocks_max = 3
    chain.mine(8)
    with http.stream("GET", "/api/stream", params={"after": 1}) as response:
        found = events(response)
        assert next(found)[0] == "begin"
        assert next(found)[1:] == ({"from_height": "2", "to_height": "9"}, 9)


def test_a_reader_of_another_chain_begins_anew(http: httpx.Client) -> None:
    with http.stream("GET", "/api/stream", params={"after": 5000}) as response:
        name, data, number = next(events(response))
        assert (name, data["model_height"], number) == ("begin", "1", 1)
        assert data["chain_id"] == http.get("/api/status").json()["chain_id"]


def test_markets_that_change_are_told_in_their_block(chain: Chain, http: httpx.Client) -> None:
    with http.stream("GET", "/api/stream") as response:
        found, told = events(response), set()
        until(found, "prices")
        chain.mine(8)
        chain.client("authority").set_market_status("ETH-PERP", "reduce_only")
        while 2 not in told:
            told |= set(until(found, "markets")[1]["markets"])
    known = {one["market"]["market"]: one["market"]["kind"] for one in http.get("/api/markets").json()["markets"]}
    assert told == {2, *(number for number, kind in known.items() if kind == "option")}


def test_a_reader_who_falls_behind_is_told_its_last_height(chain: Chain, http: httpx.Client,
                                                           monkeypatch: pytest.MonkeyPatch) -> None:
    with http.stream("GET", "/api/stream") as response:
        found = events(response)
        _, _, last = until(found, "prices")
        monkeypatch.setattr(chain.server.gateway.model, "block", lambda height: None)  # held no longer
        chain.mine()
        _, data, number = until(found, "end")
        assert (data["reason"], data["last_height"], number) == ("STREAM_TOO_SLOW", str(last), last)


def test_a_reader_who_takes_nothing_is_cut_off(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    web = chain.server.gateway.web
    assert web is not None
    web.streams._write_seconds = 0.3
    monkeypatch.setattr(live, "DEPTH", 10_000)
    maker = chain.client("alice")
    orders = [e.place(market=1, side="sell", price_quanta=46_000_000 + 500 * n, size_lots=1) for n in range(180)]
    host, port = chain.web_address.split(":")
    with socket.socket() as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.connect((host, int(port)))
        reader.sendall(b"GET /api/stream?market=1 HTTP/1.1\r\nhost: x\r\n\r\n")
        reader.recv(100)
        for connection in web._server.server_state.connections:
            connection.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        for _ in range(100):
            if not web.streams.open:
                break
            maker.send(orders)
            maker.cancel_all("BTC-PERP")
        assert web.streams.open == 0
        read = bytearray()
        with contextlib.suppress(ConnectionError):
            while part := reader.recv(65_536):
                read += part
        assert b"\nid: " in read, "from where it may resume"


def test_there_are_only_so_many(chain: Chain, http: httpx.Client) -> None:
    web = chain.server.gateway.web
    assert web is not None and web.streams._streams_max == server.STREAMS_MAX < streams.STREAMS_MAX
    web.streams._streams_max = 1
    with http.stream("GET", "/api/stream") as first:
        lines = first.iter_lines()  # a stream is closed with its iterator
        next(lines)
        second = http.get("/api/stream")
        assert (second.status_code, second.json()["reason"]) == (429, "GATEWAY_BUSY")


def test_a_gateway_that_stops_says_so(chain: Chain, http: httpx.Client) -> None:
    with http.stream("GET", "/api/stream") as response:
        found = events(response)
        until(found, "prices")
        chain.server.close()
        assert until(found, "end")[1]["reason"] == "GATEWAY_STOPPING"
