"""A validator that dies at every step of a block, and at random moments, always comes back to the same app hash.

The judge is a chain in this process that runs the decided blocks without any crash: the app hash that every header
states, and the one in the engine's database, must be its own.
"""

import random
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.comet.process import kill
from tests.localnet.crashing_engine import TRAPPED
from tests.localnet.single import Node, make_node, replay, wait_until

pytestmark = pytest.mark.localnet

TRAPPED_ENGINE = ("-m", "tests.localnet.crashing_engine")


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    one = make_node(tmp_path / "n")
    try:
        yield one
    finally:
        one.stop()


def check_against_replay(node: Node, more_blocks: int = 2) -> None:
    """Let the node go on until some of the load is committed; then every header and the database must agree with an
    undisturbed replay."""
    looked_at = 0

    def load_arrived() -> bool:
        nonlocal looked_at
        for height in range(looked_at + 1, rpc.status().height):  # the results of the last block may not be there yet
            looked_at = height
            results = rpc.call("block_results", height=str(height))["txs_results"] or []
            if any(result["code"] == 0 for result in results):
                return True
        return False

    with node.rpc as rpc:
        wait_until(load_arrived, "a block with some of the load")
    node.wait_height(node.height() + more_blocks)
    last = node.height()
    undisturbed = replay(node, last)
    assert len(undisturbed.txs) == len(set(undisturbed.txs)), "a transaction was committed twice"
    assert any(code == 0 for code in undisturbed.codes), "no load arrived"
    node.stop()
    height, app_hash = node.stored_head()
    assert height >= last
    node.start_engine()
    node.start_comet()
    node.wait_height(height + 1)
    assert replay(node, height).app_hashes[height] == app_hash.hex().upper()


def test_every_fail_point_of_cometbft(node: Node) -> None:
    """CometBFT ends itself at fail point 0, 1, ... 11 (ten a block). The engine lives on, or is killed too."""
    node.start_load()
    for index in range(12):
        if not node.engine_runs:
            node.start_engine()
        node.start_comet(FAIL_TEST_INDEX=str(index))
        node.wait_comet_end()
        assert f"*** fail-test {index} ***" in node.home.log_file("cometbft").read_text()
        if index % 3 == 1:
            node.kill_engine()
    if not node.engine_runs:
        node.start_engine()
    node.start_comet()
    node.wait_height(3)
    check_against_replay(node)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_the_engine_ends_around_its_write(node: Node, moment: str) -> None:
    """Before the write nothing of the block may be there; after it CometBFT must not run the block again."""
    node.start_load()
    committed = 0
    for count in (1, 2, 4, 3):
        node.start_engine(TRAPPED_ENGINE, "--trap", f"{moment}:{count}")
        node.start_comet()
        node.wait_engine_end()
        assert node.engine is not None
        assert node.engine.exit_code == TRAPPED
        node.end_comet()
        committed += count if moment == "after" else count - 1
        assert node.stored_head()[0] == committed
    node.start_engine()
    node.start_comet()
    node.wait_height(committed + 3)
    check_against_replay(node)


@pytest.mark.parametrize("seed", [1, 2])
def test_kill_at_random_moments(node: Node, seed: int) -> None:
    """SIGKILL to the engine, to CometBFT or to both, somewhere in the first blocks after each start."""
    chance = random.Random(seed)
    moment = threading.Event()
    node.start_load(seed=seed)
    for _ in range(5):
        if not node.engine_runs:
            node.start_engine()
        if not node.comet_runs:
            node.start_comet()
        node.wait_height(1)
        moment.wait(chance.random() * 0.4)  # the random moment itself, not a synchronisation
        victims = chance.choice([("engine",), ("comet",), ("engine", "comet")])
        for victim in victims:
            child = node.engine if victim == "engine" else node.comet
            assert child is not None
            ended = kill(child)
            assert ended == -signal.SIGKILL or victims == ("engine", "comet")  # CometBFT ends itself without an engine
        if "engine" in victims:
            node.end_comet()
    if not node.engine_runs:
        node.start_engine()
    if not node.comet_runs:
        node.start_comet()
    node.wait_height(5)
    check_against_replay(node)
