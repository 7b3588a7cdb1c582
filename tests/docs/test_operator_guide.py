"""The operator's guide, walked from its beginning to its end on real networks: whatever it tells to type is typed.

On the way the test looks at what the guide promises: a node that joins, by blocks or by a snapshot, computes the same
app hashes; a lost state comes back; a chain that begins with the state of another has its balances and trades on.
"""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from node.cli.main import cli
from node.comet.config import rpc_address
from node.comet.rpc import CometRpc, RpcError, RpcUnreachable
from node.home import Home
from node.localnet.plan import metrics_ports, node_ports, reserve_ports
from tests.helpers.guides import everything_typed
from tests.localnet.commands import processes_of, wait_until

pytestmark = pytest.mark.localnet

INTERVAL = 20  # blocks between snapshots
HOMES = ("H", "J", "NEW")
# Lines that are no commands of ours, or of another machine: beginning -> why they are not typed.
ELSEWHERE = {"make setup": "it was done before the tests", "make localnet": "tests/localnet/test_localnet.py"}
# What the node of H must do meanwhile.
STOPPED = ("novation snapshots create", "novation snapshots restore FOLDER --home H", "novation debug hashes --home H$",
           "novation debug diff H J$", r"novation export .* exported\.json$")
RUNNING = ("novation query", "novation tx", "novation replay", "novation init --home J", "novation status", "curl",
           "novation stop", "novation snapshots restore FOLDER --home J", "novation debug diff H J --height",
           "novation export .*--from-snapshot", "novation debug hashes .*--height")
BOTH_OUTPUTS = ("novation doctor", "novation status", "novation debug hashes", "novation snapshots list",
                "novation genesis validate", "novation query oracle", "novation localnet status",
                "novation replay .*from")


class Walk:
    """A reader with an empty folder, who types one line after another."""

    def __init__(self, folder: Path, base_port: int) -> None:
        self.folder, self.base_port = folder, base_port
        self.nodes: dict[str, subprocess.Popen[bytes]] = {}
        self.snapshot = 0  # height of the copy in FOLDER

    def type(self, line: str) -> None:
        """One line of the guide, with what it needs before it and what it promises after it."""
        self.prepare(line)
        if line.startswith("curl"):
            port = metrics_ports(self.ports("H")[0])[0]
            done = subprocess.run(shlex.split(line.replace("26604", str(port))), capture_output=True, text=True)
            assert "novation_block_stage_seconds" in done.stdout
        elif line == "novation start --home H":
            self.start("H")
        else:
            result = self.run(self.meant(line))
            good = (0, 1) if line == "novation debug diff H J" else (0,)  # they were not stopped at one height
            assert result.exit_code in good, f"{line}\n{result.output}\n{result.exception or ''}"
            if matches(line, BOTH_OUTPUTS):
                json.loads(self.run([*self.meant(line), "--output", "json"]).stdout)
        self.look(line)

    def run(self, words: list[str]) -> Result:
        return CliRunner().invoke(cli, words)

    def data(self, *words: str) -> Any:
        result = self.run([*words, "--output", "json"])
        assert result.exit_code == 0, f"{words}: {result.output}"
        return json.loads(result.stdout)

    def meant(self, line: str) -> list[str]:
        """The words of a line after `novation`, with what stands for something of the reader's own."""
        words = shlex.split(line)[1:]
        newest = str(height_of(self.folder / "H")) if "N" in words else ""
        means = {"SYMBOL": "BTC-PERP", "N": newest, "HEIGHT": str(self.snapshot), "FOLDER": "copied"}
        if words[:2] == ["init", "--home"] or words[0] == "import":
            home = words[words.index("--home") + 1]
            if home == "J":
                means |= self.of_the_chain()
            p2p, rpc, gateway, web = (f"127.0.0.1:{port}" for port in self.ports(home))
            words += ["--p2p", p2p, "--rpc", rpc, "--gateway", gateway, "--web", web,
                      "--metrics-port", str(metrics_ports(self.ports(home)[0])[0])]
        if words[0] == "import":
            words += ["--log-format", "json"]
        if line.startswith("novation localnet up"):
            words += ["--validators", "1"]
        return [means.get(word, word) for word in words]

    def of_the_chain(self) -> dict[str, str]:
        """What somebody who joins must know."""
        p2p, rpc, _, _ = (f"127.0.0.1:{port}" for port in self.ports("H"))
        with CometRpc(rpc) as comet:
            status = comet.status()
            trusted = comet.block(status.height - 1)["block_id"]["hash"]
        return {"ID@HOST:26600": f"{status.node_id}@{p2p}", "HOST-A:26601,HOST-B:26601": f"{rpc},{rpc}",
                "HEIGHT:HASH": f"{status.height - 1}:{trusted}"}

    def prepare(self, line: str) -> None:
        if matches(line, STOPPED):
            for name in ("J", "H"):
                self.stop(name)
        if matches(line, RUNNING) and (self.folder / "H" / "config").exists():
            self.start("H")
        if line.startswith("novation init --home J"):
            self.stop("J")
            shutil.rmtree(self.folder / "J", ignore_errors=True)
        if line.startswith("novation snapshots restore FOLDER --home H"):
            self.copy_snapshot()
        if line.startswith("novation debug diff H J --height"):
            self.common_snapshot()
        elif "--from-snapshot" in line or line.endswith("--height HEIGHT"):
            self.snapshot = self.data("snapshots", "list", "--home", "H")[0]["height"]
        if line.startswith("novation replay --home H --from-snapshot"):
            wait_until(lambda: height_of(self.folder / "H") > self.snapshot + 2, "blocks after the snapshot")
        if line.startswith("novation genesis diff a.json"):
            for name in ("a.json", "b.json"):
                shutil.copyfile("state.json", name)

    def look(self, line: str) -> None:
        """What the guide promises of some lines."""
        if line.startswith("novation init --home H"):
            self.make_snapshots("H")
        elif line == "novation start --home H":
            self.trade("H")
            shutil.copyfile("H/config/genesis.json", "genesis.json")
        elif line.startswith("novation stop --home H"):
            self.ended("H")
        elif line.startswith("novation init --home J"):
            self.make_snapshots("J")
            if "--trust" not in line:
                self.start("J")
                self.same_hashes("J")
                restored = "restored" in (self.folder / "J/logs/engine.log").read_text()
                assert restored == ("--state-sync" in line)
        elif line == "novation snapshots restore FOLDER --home J":
            self.start("J")
            self.same_hashes("J")
            assert f"height={self.snapshot} records=" in (self.folder / "J/logs/engine.log").read_text()
        elif line.startswith("novation snapshots restore FOLDER --home H"):
            before = height_of(self.folder / "H")
            self.start("H")
            wait_until(lambda: height_of(self.folder / "H") > before + 3, "blocks after the restored state")
            assert any(path.name.startswith("engine.before-") for path in (self.folder / "H").iterdir())
        elif line.startswith("novation import"):
            self.goes_on()

    def ports(self, home: str) -> tuple[int, int, int, int]:
        return node_ports(self.base_port, HOMES.index(home))

    def start(self, name: str) -> None:
        """`novation start`, until its gateway answers with a block."""
        if name not in self.nodes:
            with open(self.folder / f"{name}.out", "ab") as out:
                self.nodes[name] = subprocess.Popen([sys.executable, "-m", "node.cli.main", "start", "--home", name],
                                                    cwd=self.folder, stdout=out, stderr=out)
        node = f"127.0.0.1:{self.ports(name)[2]}"
        wait_until(lambda: self.run(["query", "market", "--node", node]).exit_code == 0, f"{name} answers")

    def stop(self, name: str) -> None:
        if name in self.nodes:
            self.run(["stop", "--home", name])
            self.ended(name)

    def ended(self, name: str) -> None:
        assert self.nodes.pop(name).wait(30) == 0
        assert processes_of(self.folder / name / "run") == {}

    def make_snapshots(self, name: str) -> None:
        settings = self.folder / name / "config" / "novation.toml"
        text = settings.read_text().replace("interval = 0", f"interval = {INTERVAL}").replace("keep = 2", "keep = 5")
        settings.write_text(text)

    def copy_snapshot(self) -> None:
        """As from a friend: FOLDER is gone from the node that made it before long."""
        kept = self.data("snapshots", "list", "--home", "H")[0]
        self.snapshot = kept["height"]
        shutil.rmtree("copied", ignore_errors=True)
        shutil.copytree(kept["folder"], "copied")

    def common_snapshot(self) -> None:
        def common() -> set[int]:
            heights = [{one["height"] for one in self.data("snapshots", "list", "--home", name)} for name in ("H", "J")]
            return heights[0] & heights[1]

        self.start("J")
        wait_until(common, "a snapshot of one height on both")
        self.snapshot = max(common())

    def trade(self, name: str) -> None:
        """Alice buys of Bob, at 45 thousand or so."""
        node = f"127.0.0.1:{self.ports(name)[2]}"
        mark = float(self.data("query", "market", "BTC-PERP", "--node", node)[0]["mark"])
        for side, who in (("buy", "alice"), ("sell", "bob")):
            words = ("tx", "order", side, "0.01", "BTC-PERP", "--price", str(round(mark)), "--key", who)
            self.data(*words, "--node", node)

    def size(self, name: str) -> str:
        """How much of BTC-PERP alice holds."""
        account = self.data("query", "account", "alice", "--node", f"127.0.0.1:{self.ports(name)[2]}")
        return str([one["size"] for one in account["positions"]])

    def same_hashes(self, name: str) -> None:
        height = max(height_of(self.folder / one) for one in ("H", name)) + 3
        wait_until(lambda: min(height_of(self.folder / one) for one in ("H", name)) > height, f"{name} is in step")
        assert hash_of(self.folder / "H", height) == hash_of(self.folder / name, height)

    def goes_on(self) -> None:
        """The new chain has the old one's position, and fills orders."""
        first = int(json.loads((self.folder / "exported.json").read_text())["initial_height"])
        self.start("NEW")
        wait_until(lambda: height_of(self.folder / "NEW") > first + 3, "blocks of the new chain")
        self.start("H")
        before = self.size("NEW")
        assert before == self.size("H") != "[]"
        self.trade("NEW")
        assert self.size("NEW") != before
        self.kill("gateway", "NEW")
        self.stop("NEW")
        self.every_line_is_json("NEW")

    def kill(self, process: str, name: str) -> None:
        """So that the supervisor has something to tell."""
        log = self.folder / f"{name}.out"
        os.kill(int((self.folder / name / "run" / f"{process}.pid").read_text()), signal.SIGKILL)
        wait_until(lambda: f"{process} ended with SIGKILL" in log.read_text(), "the supervisor noticed")

    def every_line_is_json(self, name: str) -> None:
        logs = {path.stem: path.read_text() for path in [self.folder / f"{name}.out",
                                                         *(self.folder / name / "logs").iterdir()]}
        assert {"engine", "gateway", "feeder", "cometbft", name} <= logs.keys()
        for which, text in logs.items():
            for one in map(json.loads, text.splitlines()):
                wanted = {"ts", "level", "_msg"} if which == "cometbft" else {"time", "level", "process", "event"}
                assert wanted <= one.keys(), f"{which}: {one}"
        assert '"event": "block"' in logs["engine"]


def matches(line: str, patterns: tuple[str, ...]) -> bool:
    return any(re.match(pattern, line) for pattern in patterns)


def height_of(home: Path) -> int:
    """0 while its CometBFT does not answer."""
    try:
        with CometRpc(rpc_address(Home.at(home))) as rpc:
            return rpc.status().height
    except (RpcUnreachable, RpcError):
        return 0


def hash_of(home: Path, height: int) -> str:
    with CometRpc(rpc_address(Home.at(home))) as rpc:
        return rpc.app_hash(height)


def typed() -> list[str]:
    """The guide's lines, as typed where `novation` is on the path."""
    return [line.removeprefix(".venv/bin/") for line in everything_typed("operator.md")]


@pytest.fixture
def walk(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Walk]:
    """A short folder, three homes' worth of ports, and nothing left running."""
    folder = tmp_path_factory.mktemp("op")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("NOVATION_HOME", str(folder / "H"))
    with ExitStack() as stack:
        base_port = stack.enter_context(reserve_ports(None, len(HOMES)))
        monkeypatch.setenv("NOVATION_NODE", f"127.0.0.1:{node_ports(base_port, 0)[2]}")
        walk = Walk(folder, base_port)
        try:
            yield walk
        finally:
            walk.run(["localnet", "down"])
            for node in walk.nodes.values():
                node.terminate()
            for node in walk.nodes.values():
                node.wait(60)
            wait_until(lambda: not processes_of(folder), "everything stopped")


@pytest.mark.timeout(1_500)  # two minutes on a quiet machine
def test_the_guide(walk: Walk) -> None:
    """From the first line to the last."""
    lines = [line for line in typed() if line.startswith(("novation ", "curl "))]
    assert len(lines) > 40
    for line in lines:
        walk.type(line)


def test_what_is_not_typed_is_known() -> None:
    """Every other line of a block without a language is a command of somebody else's."""
    settings = re.compile(r"[a-z_]+ = |\[\[?\w+\]\]?$")
    rest = [line for line in typed() if not line.startswith(("novation ", "curl ")) and not settings.match(line)]
    assert [line for line in rest if not line.startswith(tuple(ELSEWHERE))] == []
    assert [start for start in ELSEWHERE if not any(line.startswith(start) for line in rest)] == []
