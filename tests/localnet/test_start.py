"""`novation init` and `start`: one validator whose processes die in turn and come back, and which stops cleanly."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.comet.rpc import CometRpc, RpcUnreachable
from node.home import Home
from tests.localnet.commands import DEADLINE_S, Novation, processes_of, wait_until
from tests.localnet.single import free_ports

pytestmark = pytest.mark.localnet


class Node:
    """A home made by `init` and the `start` that runs on it."""

    def __init__(self, folder: Path) -> None:
        self.novation = Novation(folder)
        self.home = Home.at(folder / "home")
        p2p, self.rpc, self.gateway = (f"127.0.0.1:{port}" for port in free_ports(3))
        self.novation.data("init", "--home", self.home.root, "--p2p", p2p, "--rpc", self.rpc,
                           "--gateway", self.gateway)
        self.process = self.start()

    def start(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "node.cli.main", "start", "--home", str(self.home.root)]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def height(self) -> int:
        try:
            with CometRpc(self.rpc, timeout_s=2.0) as rpc:
                return rpc.status().height
        except RpcUnreachable:
            return 0

    def pid(self, process: str) -> int:
        return int(self.home.pid_file(process).read_text())

    def trades(self) -> bool:
        """Whether an order can be sent and is committed."""
        result = self.novation.run("tx", "order", "buy", "0.001", "BTC-PERP", "--price", "100", "--key", "alice",
                                   "--home", self.home.root)
        return result.returncode == 0


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    one = Node(tmp_path_factory.mktemp("one"))
    try:
        yield one
    finally:
        one.process.kill()
        one.process.wait()
        wait_until(lambda: not processes_of(one.home.root), "every child died with the supervisor")


def test_a_validator_of_its_own_makes_blocks_and_takes_orders(node: Node) -> None:
    wait_until(lambda: node.height() >= 3, "block 3")
    wait_until(node.trades, "an order is committed")
    status = node.novation.data("status", "--home", node.home.root)
    assert status["chain_id"] == "novation-test"
    assert all(status["processes"].values())


def test_the_feeder_of_its_settings_moves_the_mark(node: Node) -> None:
    def mark() -> str:
        (market,) = node.novation.data("query", "market", "BTC-PERP", "--home", node.home.root)
        return str(market["mark"])

    first = mark()
    wait_until(lambda: mark() != first, "another mark price")


def test_the_feeder_comes_back_alone(node: Node) -> None:
    engine, feeder = node.pid("engine"), node.pid("feeder")
    os.kill(feeder, signal.SIGKILL)
    wait_until(lambda: node.home.pid_file("feeder").exists() and node.pid("feeder") != feeder, "a new feeder")
    wait_until(lambda: node.home.log_file("feeder").read_text().count("the engine takes prices") >= 2, "it is heard")
    assert node.pid("engine") == engine


def test_a_second_start_on_the_same_home_is_refused(node: Node) -> None:
    result = node.novation.run("start", "--home", node.home.root)
    assert result.returncode == 1
    assert "novation status" in result.stderr


def test_the_gateway_comes_back_alone(node: Node) -> None:
    engine, gateway = node.pid("engine"), node.pid("gateway")
    os.kill(gateway, signal.SIGKILL)
    wait_until(lambda: node.home.pid_file("gateway").exists() and node.pid("gateway") != gateway, "a new gateway")
    wait_until(node.trades, "orders go through again")
    assert node.pid("engine") == engine


@pytest.mark.parametrize("victim", ["engine", "cometbft"])
def test_engine_and_cometbft_come_back_together(node: Node, victim: str) -> None:
    before = {name: node.pid(name) for name in ("engine", "cometbft")}
    height = node.height()
    os.kill(before[victim], signal.SIGKILL)

    def renewed() -> bool:
        files = [node.home.pid_file(name) for name in before]
        return all(file.exists() for file in files) and all(node.pid(name) != before[name] for name in before)

    wait_until(renewed, "both were started again")
    wait_until(lambda: node.height() > height, "blocks go on")
    wait_until(node.trades, "orders go through again")


def test_ctrl_c_stops_everything_and_the_state_stays(node: Node) -> None:
    height = node.height()
    node.process.send_signal(signal.SIGINT)
    assert node.process.wait(DEADLINE_S) == 0
    assert processes_of(node.home.root) == {}
    assert list(node.home.run.glob("*.pid")) == []
    node.process = node.start()
    wait_until(lambda: node.height() > height, "it goes on from where it stopped")


def test_stop_ends_it_from_elsewhere(node: Node) -> None:
    node.novation.text("stop", "--home", node.home.root)
    assert node.process.wait(DEADLINE_S) == 0
    assert processes_of(node.home.root) == {}
    assert node.novation.run("stop", "--home", node.home.root).returncode == 3
