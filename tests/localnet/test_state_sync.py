"""A new node joins a running chain by a snapshot, through real CometBFT; one of the two that offer it lies."""

import json
import os
import shutil
from collections.abc import Iterator

import pytest

from node.comet.config import CometSettings, write_config
from node.comet.keys import CometKey, read_key, write_node_key, write_validator_key, write_validator_state
from node.comet.process import log_tail
from node.comet.statesync import TrustError, trusted_by
from node.home import Home
from node.settings import Settings, write_settings
from node.snapshots.keeper import list_kept
from tests.localnet.single import PROJECT, Node, free_ports, make_line, wait_until

pytestmark = pytest.mark.localnet

PROGRAM = (str(PROJECT / "tests" / "localnet" / "snapshot_engine.py"),)
INTERVAL = 50


def address_of(node: Node) -> str:
    """The node's p2p address as peers write it."""
    text = node.home.comet_config_file.read_text()
    listen = next(line for line in text.split("[p2p]")[1].splitlines() if line.startswith("laddr"))
    return f"{read_key(node.home.node_key_file).address.hex()}@{listen.split('tcp://')[1].rstrip(chr(34))}"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Node]]:
    """Two validators that make snapshots and run a load; the second damages every chunk that it gives away."""
    nodes = make_line(tmp_path_factory.mktemp("pair"), [10, 10], timeout_commit_ms=60)
    try:
        for liar, node in enumerate(nodes):
            os.environ["LIAR"] = "1" if liar else ""
            node.start_engine(PROGRAM, "--snapshot-interval", str(INTERVAL), "--keep-blocks", "150")
        for node in nodes:
            node.start_comet()
        nodes[0].wait_height(3)
        nodes[0].start_load()
        nodes[0].wait_height(2 * INTERVAL + 4)
        yield nodes
    finally:
        os.environ.pop("LIAR", None)
        for node in nodes:
            node.stop()


@pytest.fixture(scope="module")
def joined(pair: list[Node], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A third node with nothing but the genesis, the peers, and a block to trust."""
    home = Home.at(tmp_path_factory.mktemp("third"))
    home.create()
    write_node_key(home.node_key_file, CometKey.random())
    write_validator_key(home.validator_key_file, CometKey.random())
    write_validator_state(home.validator_state_file)
    shutil.copyfile(pair[0].home.genesis_file, home.genesis_file)
    rpc, p2p = (f"127.0.0.1:{port}" for port in free_ports(2))
    trust = trusted_by([node.rpc_address for node in pair])
    write_config(home, CometSettings("third", rpc, p2p, [address_of(node) for node in pair], local_network=True,
                                     state_sync=trust, timeout_commit_ms=60))
    write_settings(home, Settings())
    node = Node(home, rpc)
    try:
        node.start_engine()
        node.start_comet()
        wait_until(lambda: "restored" in home.log_file("engine").read_text() or not node.engine_runs, "a state")
        node.wait_height(trust.trust_height + 1)
        yield node
    finally:
        node.stop()


def hashes(nodes: list[Node], height: int) -> set[str]:
    found = set()
    for node in nodes:
        with node.rpc as rpc:
            found.add(rpc.app_hash(height))
    return found


def test_it_starts_from_a_snapshot_and_computes_the_same(pair: list[Node], joined: Node) -> None:
    with joined.rpc as rpc:
        assert int(rpc.call("status")["sync_info"]["earliest_block_height"]) > INTERVAL, "no block since genesis"
    height = joined.height() + 20
    for node in (*pair, joined):
        node.wait_height(height)
    assert len(hashes([*pair, joined], height)) == 1
    assert pair[0].accepted > 0


def test_damaged_chunks_were_refused_and_fetched_elsewhere(joined: Node) -> None:
    """CometBFT chooses whom it asks; tests/unit/node/abci/test_snapshots.py asks the liar for every chunk."""
    log = joined.home.log_file("engine").read_text()
    if "chunk refused" not in log:
        pytest.skip("the liar's offer came too late: nobody asked it")
    assert log.index("chunk refused") < log.index("restored")
    assert list_kept(joined.home.snapshots) == []


def test_it_goes_on_after_a_crash(pair: list[Node], joined: Node) -> None:
    joined.kill_engine()
    joined.end_comet()
    joined.start_engine()
    joined.start_comet()
    height = max(node.height() for node in pair) + 10
    for node in (*pair, joined):
        node.wait_height(height)
    assert len(hashes([*pair, joined], height)) == 1
    assert joined.home.log_file("engine").read_text().count("restored") == 1


def test_old_snapshots_go_and_their_blocks_stay(pair: list[Node]) -> None:
    """Two are kept, and CometBFT keeps every block that they need, but not the first ones."""
    pair[0].wait_height(6 * INTERVAL + 5)
    kept = list_kept(pair[0].home.snapshots)
    assert len(kept) == 2
    assert [path.name for path in pair[0].home.snapshots.iterdir() if path.name.startswith(".")] == []
    with pair[0].rpc as rpc:
        earliest = rpc.status().earliest_height
    assert 1 < earliest <= kept[-1].manifest.height


def test_what_is_trusted_must_be_agreed_on(pair: list[Node]) -> None:
    servers = [node.rpc_address for node in pair]
    with pytest.raises(TrustError, match="shows"):
        trusted_by(servers, f"{pair[0].height()}:{'00' * 32}")
    with pytest.raises(TrustError, match="HEIGHT:HASH"):
        trusted_by(servers, "3")
    with pytest.raises(TrustError):
        trusted_by([servers[0], "127.0.0.1:1"])
    assert len(trusted_by(servers[:1]).servers) == 2


def test_no_engine_logged_an_error(pair: list[Node], joined: Node) -> None:
    for node in (*pair, joined):
        assert [line for line in log_tail(node.home.log_file("engine"), 100_000) if "[error" in line] == []
    assert json.loads(joined.home.genesis_file.read_text()) == json.loads(pair[0].home.genesis_file.read_text())
