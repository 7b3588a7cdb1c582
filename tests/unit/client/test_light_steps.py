"""The light client's way through changing validator sets, over a made-up chain behind a fake node."""

import asyncio
import base64
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from client.light import LightClient, LightError, TrustOptions
from client.light_headers import BlockId, LightBlock
from tests.unit.client.test_light_headers import CHAIN, SECOND, START_NS, block


def rolling(height: int) -> list[int]:
    """The validators of a height: every twenty heights one of four leaves and another comes."""
    first = height // 20
    return [(first + offset) % 8 for offset in range(4)]


def chain(length: int) -> dict[int, LightBlock]:
    """A chain whose validators change."""
    blocks: dict[int, LightBlock] = {}
    last = BlockId(b"", 0, b"")
    for height in range(1, length + 1):
        made = block(height, rolling(height), after=rolling(height + 1), last_block=last)
        blocks[height], last = made, made.commit.block
    return blocks


def time_text(time_ns: int) -> str:
    seconds, nanos = divmod(time_ns, SECOND)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{nanos:09}Z"


def block_id(made: BlockId) -> dict[str, Any]:
    return {"hash": made.hash.hex(), "parts": {"total": made.parts_total, "hash": made.parts_hash.hex()}}


def commit_json(made: LightBlock) -> dict[str, Any]:
    """A block's header and commit as JSON-RPC shows them."""
    header, commit = made.header, made.commit
    names = ("last_commit_hash", "data_hash", "validators_hash", "next_validators_hash", "consensus_hash", "app_hash",
             "last_results_hash", "evidence_hash")
    return {"signed_header": {
        "header": {"version": {"block": "11", "app": "1"}, "chain_id": header.chain_id, "height": str(header.height),
                   "time": time_text(header.time_ns), "last_block_id": block_id(header.last_block),
                   "proposer_address": header.proposer.hex(),
                   **{name: getattr(header, name).hex() for name in names}},
        "commit": {"height": str(commit.height), "round": commit.round, "block_id": block_id(commit.block),
                   "signatures": [{"block_id_flag": place.flag, "validator_address": place.validator.hex(),
                                   "timestamp": time_text(place.time_ns) if place.time_ns else "0001-01-01T00:00:00Z",
                                   "signature": base64.b64encode(place.signature).decode()}
                                  for place in commit.signatures]}}}


def validators_json(made: LightBlock, page: int) -> dict[str, Any]:
    """One page of two validators."""
    members = [{"pub_key": {"type": "tendermint/PubKeyEd25519", "value": base64.b64encode(
        validator.public_key).decode()}, "voting_power": str(validator.power)} for validator in made.validators]
    return {"validators": members[2 * page - 2 : 2 * page], "total": str(len(members))}


class FakeNode:
    """Serves a chain and remembers which heights were asked for."""

    def __init__(self, blocks: dict[int, LightBlock]) -> None:
        self.blocks = blocks
        self.asked: list[int] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        height = int(request.url.params["height"].strip('"'))
        if height not in self.blocks:
            return httpx.Response(200, json={"error": {"data": f"height {height} must be less than or equal"}})
        if request.url.path == "/commit":
            self.asked.append(height)
            return httpx.Response(200, json={"result": commit_json(self.blocks[height])})
        page = int(request.url.params["page"].strip('"'))
        return httpx.Response(200, json={"result": validators_json(self.blocks[height], page)})


def follow(node: Callable[[httpx.Request], httpx.Response], trusted: LightBlock, height: int) -> bytes:
    """The hash of the header that a client ends with."""

    async def ask() -> bytes:
        trust = TrustOptions(CHAIN, trusted.header.height, trusted.header.hash())
        async with LightClient("http://node", trust, now_ns=lambda: START_NS + 1_000 * SECOND) as client:
            await client._http.aclose()
            client._http = httpx.AsyncClient(transport=httpx.MockTransport(node))
            return (await client.header(height)).hash()

    return asyncio.run(ask())


def test_near_header_takes_one_step() -> None:
    blocks = chain(30)
    node = FakeNode(blocks)
    assert follow(node, blocks[1], 30) == blocks[30].header.hash()
    assert node.asked == [1, 30]


def test_far_header_is_reached_over_others() -> None:
    """At height 90 no validator of height 1 is left, so headers in between must vouch."""
    blocks = chain(90)
    node = FakeNode(blocks)
    assert follow(node, blocks[1], 90) == blocks[90].header.hash()
    assert 2 < len(node.asked) < 20


def test_backwards() -> None:
    blocks = chain(12)
    assert follow(FakeNode(blocks), blocks[10], 4) == blocks[4].header.hash()
    with pytest.raises(LightError, match="out of reach"):
        follow(FakeNode(blocks), blocks[10], 0)


def test_backwards_over_a_foreign_header() -> None:
    blocks = chain(12)
    blocks[7] = block(7, range(4), last_block=blocks[6].commit.block, app_hash=b"\x05" * 32)
    with pytest.raises(LightError, match="successor"):
        follow(FakeNode(blocks), blocks[10], 4)


def test_chain_of_strangers_is_refused() -> None:
    """Another chain from height 60 on, signed by its own validators only, is never reached."""
    blocks = chain(99)
    strangers = {height: block(height, [8, 9, 10, 11]) for height in range(60, 101)}
    with pytest.raises(LightError, match="announced"):
        follow(FakeNode({**blocks, **strangers}), blocks[1], 100)


def test_height_that_is_not_there() -> None:
    blocks = chain(5)
    with pytest.raises(LightError, match="must be less"):
        follow(FakeNode(blocks), blocks[1], 6)


@pytest.mark.parametrize("body", [b"not json", b"[]", b"{}", b'{"result": null}', b'{"result": {"signed_header": 5}}',
                                  b'{"result": {"signed_header": {"header": {}, "commit": {}}, "validators": [],'
                                  b' "total": "0"}}'])
def test_garbage_is_an_error_of_the_light_client(body: bytes) -> None:
    with pytest.raises(LightError):
        follow(lambda _: httpx.Response(200, content=body), chain(1)[1], 1)
