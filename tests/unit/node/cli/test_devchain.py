"""`novation devchain` and `novation dev` as a person uses them: another process, and commands that talk to it."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture
def node(tmp_path: Path) -> Iterator[str]:
    """A devchain in a process of its own; its address."""
    address = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "node.cli.main", "devchain", "--listen", address, "--price", "BTC/USD=45000",
               "--output", "json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        said = ""
        while not said.rstrip().endswith("}") or said.count("{") != said.count("}"):
            line = process.stdout.readline()
            assert line, process.communicate()[1]
            said += line
        data = json.loads(said)
        assert data["address"] == address and data["height"] == 1 and len(data["accounts"]) == 4
        yield address
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0


def test_a_day_with_a_devchain(node: str, run: Run, tmp_path: Path) -> None:
    """Trade, set a price, let time pass, go back, save."""
    def say(*arguments: str) -> Any:
        result = run(*arguments, "--node", node, "--output", "json")
        assert result.exit_code == 0, result.stdout + result.stderr
        return json.loads(result.stdout)

    say("tx", "agent", "dave", "--days", "1", "--key", "alice")
    order = ("tx", "order", "buy", "0.1", "BTC-PERP", "--price", "44000", "--key", "dave", "--owner", "alice")
    assert say(*order)["order_id"]
    say("tx", "cancel-all", "--key", "dave", "--owner", "alice")
    say("tx", "agent", "dave", "--days", "0", "--key", "alice")
    refused = run(*order, "--node", node)
    assert refused.exit_code == 1 and "TX_WRONG_KEY" in refused.stderr
    assert run("tx", "agent", "xyz", "--key", "alice", "--node", node).exit_code == 2
    assert say("dev", "status")["feeds"]["BTC/USD"]["price"] == "45000"
    say("tx", "order", "sell", "0.1", "BTC-PERP", "--price", "45000", "--key", "alice")
    mark = say("dev", "checkpoint")["checkpoint"]
    say("tx", "order", "buy", "0.1", "BTC-PERP", "--price", "45000", "--key", "bob")
    dry = say("tx", "order", "sell", "0.2", "BTC-PERP", "--price", "44000", "--key", "carl", "--dry-run")
    assert dry["dry_run"] and dry["fills"] == [] and dry["account"][0]["USD"] == "cash"
    assert "nothing was sent" in run("tx", "order", "buy", "0.2", "BTC-PERP", "--price", "44000", "--key", "carl",
                                     "--dry-run", "--node", node).stdout
    before = say("dev", "price", "BTC/USD", "44000")
    after = say("dev", "mine", "--blocks", "10", "--seconds", "600")
    assert after["height"] == before["height"] + 10
    say("dev", "volatility", "BTC/USD", "80")
    assert say("dev", "revert", str(mark))["height"] == 6
    found = say("dev", "save", str(tmp_path / "chain"))
    assert (tmp_path / "chain").exists() and found["checkpoints"] == [1]
    wrong = run("dev", "revert", "9", "--node", node)
    assert wrong.exit_code == 1 and "no checkpoint 9" in wrong.stderr
    wrong = run("dev", "save", "/nowhere/at/all", "--node", node)
    assert wrong.exit_code == 1 and "/nowhere" in wrong.stderr


def test_what_is_wrong_is_said(run: Run, tmp_path: Path) -> None:
    """No devchain there; a file that is none; a price of nothing."""
    gone = run("dev", "status", "--node", f"127.0.0.1:{free_port()}")
    assert gone.exit_code == 3
    (tmp_path / "no").write_text("hello")
    wrong = run("devchain", "--load", str(tmp_path / "no"))
    assert wrong.exit_code == 2 and "not written by" in wrong.stderr
    wrong = run("devchain", "--price", "BTC/USD", "--listen", f"127.0.0.1:{free_port()}")
    assert wrong.exit_code == 2 and "decimal" in wrong.stderr
