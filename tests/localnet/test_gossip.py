"""An envelope reaches validators that its first node has never met, and is committed once."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.oracle.record import split_record
from node.comet.keys import read_key
from tests.helpers.builders import ALICE, BOB, MARK_QUANTA, buy, envelope
from tests.localnet.single import Node, make_line, wait_until

pytestmark = pytest.mark.localnet


@pytest.fixture
def line(tmp_path: Path) -> Iterator[list[Node]]:
    """Three validators; the last has nearly all the power, so that nearly every proposal is its own."""
    nodes = make_line(tmp_path, [1, 1, 1_000], timeout_commit_ms=100)
    try:
        for node in nodes:
            node.start_engine()
            node.start_comet()
        for node in nodes:
            node.wait_height(2)
        wait_until(lambda: [node.rpc.peers() for node in nodes] == [1, 2, 1], "the line of peers")
        # A node that still fetches old blocks has committed some, but takes no transactions yet.
        wait_until(lambda: not any(node.rpc.status().catching_up for node in nodes), "consensus on every node")
        yield nodes
    finally:
        for node in nodes:
            node.stop()


def test_an_envelope_travels_down_the_line(line: list[Node]) -> None:
    first, _, last = line
    sent = [envelope(person, [buy(MARK_QUANTA[1] - 5_000, 1)], nonce) for person in (ALICE, BOB) for nonce in (1, 2, 3)]
    start = last.height()
    for raw in sent:
        assert first.rpc.call("broadcast_tx_sync", tx=base64.b64encode(raw).decode())["code"] == 0
    found: dict[bytes, str] = {}
    looked_at = start

    def all_found() -> bool:
        nonlocal looked_at
        for height in range(looked_at + 1, rpc.status().height + 1):
            looked_at = height
            block = rpc.block(height)["block"]
            for raw in envelopes(block):
                assert raw not in found, "committed twice"
                found[raw] = block["header"]["proposer_address"]
        return len(found) == len(sent)

    with last.rpc as rpc:
        wait_until(all_found, "every envelope in a block")
    assert sorted(found) == sorted(sent)
    mighty = read_key(last.home.validator_key_file).address.hex().upper()
    assert mighty in found.values()
    height = looked_at + 5
    for node in line:
        node.wait_height(height)
    assert len({node.rpc.app_hash(height) for node in line}) == 1
    assert all(not envelopes(node.rpc.block(at)["block"]) for node in line for at in range(looked_at + 1, height))


def envelopes(block: dict[str, Any]) -> list[bytes]:
    """The transactions of a block, without the record of votes that it begins with."""
    return split_record([base64.b64decode(tx) for tx in block["data"]["txs"] or []])[1]
