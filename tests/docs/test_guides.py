"""The guides' own commands and programs, run as they stand against a devchain with a book.

A line of a guide's block that begins with `novation` is run; so is every Python block of the developer's guide. What
cannot be run here is named below with the reason. The operator's guide has a network: test_operator_guide.py.
"""

import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from node.cli.main import cli
from node.devchain.chain import DevChain
from node.devchain.genesis import dev_state
from node.devchain.server import DevServer
from node.keys.dev import dev_key
from tests.helpers.guides import commands, programs

# What stands for something of the reader's own.
MEANS = {"mine.json": "mine.json", "OWNER": dev_key("alice").owner.hex(), "DESTINATION": "bank"}
# Not run here: beginning -> why.
ELSEWHERE = {
    "novation devchain": "it is what the commands are run against",
    "novation top": "needs a terminal: tests/unit/node/tui, tests/unit/node/cli/test_top.py",
    "novation query risk alice --offline": "proofs need CometBFT: tests/localnet",
    "novation query risk alice --inputs": "proofs need CometBFT: tests/localnet",
    "novation tx block submit": "what somebody signed a moment ago: tests/unit/client/test_client.py",
    "novation keys": "asks for a passphrase: tests/unit/node/cli/test_keys.py",
    "novation faucet mine": "that key",
    "novation tx order buy 0.01 BTC-PERP --price 46000 --key mine": "that key",
}
# Refused by the state of things, as the text around them says: beginning -> REASON.
REFUSED = {
    "novation tx cancel --order-id": "ORDER_NOT_FOUND",
    "novation tx cancel-trigger --trigger-id": "TRIGGER_NOT_FOUND",
    "novation tx bid": "AUCTION_NOT_OPEN",
    "novation tx combo": "ORDER_NOT_FILLABLE",
}


@pytest.mark.parametrize(("guide", "gateway"), [
    ("developer.md", "127.0.0.1:26650"), ("../README.md", "127.0.0.1:26602")])
def test_the_first_program(address: str, tmp_path: Path, guide: str, gateway: str) -> None:
    """As it stands, but for the gateway; it ends with a filled order."""
    (source,) = [block for block in programs(guide) if block.startswith("# first.py")]
    assert gateway in source
    (tmp_path / "first.py").write_text(source.replace(gateway, address), encoding="utf-8")
    done = subprocess.run([sys.executable, "first.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and ": filled 0." in done.stdout, done.stdout + done.stderr


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A devchain with quotes of two makers, in an empty folder; commands find it by themselves."""
    chain = DevChain(dev_state())
    server = DevServer(chain)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NOVATION_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NOVATION_NODE", server.address)
    for side, price in (("buy", "45900"), ("sell", "46100")):
        assert say(f"novation tx order {side} 2 BTC-PERP --price {price} --key maker-0").exit_code == 0
    try:
        yield server.address
    finally:
        server.close()
        chain.close()


def say(line: str) -> Any:
    """Run a command as a reader would type it."""
    return CliRunner().invoke(cli, [MEANS.get(word, word) for word in shlex.split(line)[1:]])


def expected(line: str, table: dict[str, str]) -> str:
    return next((why for start, why in table.items() if line.startswith(start)), "")


@pytest.mark.parametrize("guide", ["trader.md", "developer.md"])
def test_every_command_of_a_guide(address: str, guide: str) -> None:
    """In the order of the guide: done, or refused as the guide says."""
    lines = [line for line in commands(guide) if not expected(line, ELSEWHERE)]
    assert len(lines) > 9
    wrong = []
    for line in lines:
        result = say(line.replace(" N ", " 9 ").replace("-id N", "-id 9").replace(" | show mine", ""))
        reason = expected(line, REFUSED)
        good = result.exit_code == 1 and reason in result.stderr if reason else result.exit_code == 0
        if not good:
            wrong.append(f"{line}\n    {result.exit_code}: {result.output.strip()[-300:]} {result.exception or ''}")
    assert not wrong, "\n".join(wrong)


def test_every_exception_is_needed() -> None:
    """What is named above stands in a guide."""
    every = [line for guide in ("trader.md", "developer.md") for line in commands(guide)]
    for start in (*ELSEWHERE, *REFUSED):
        assert any(line.startswith(start) for line in every), start


def test_the_pytest_example(tmp_path: Path) -> None:
    """The fixture as the guide shows it, in a folder of its own."""
    for block in programs("developer.md"):
        name = re.match(r"# (\w+\.py)\n", block)
        if name:
            (tmp_path / name[1]).write_text(block, encoding="utf-8")
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)], cwd=tmp_path,
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "1 passed" in done.stdout, done.stdout + done.stderr


def test_the_sdk_example(address: str) -> None:
    """The program of the guide runs to its end."""
    run: Callable[[str], None] = lambda source: exec(  # noqa: E731
        compile(source, "developer.md", "exec"), {"address": address, "secret": dev_key("carl").seed.hex()})
    blocks = [block for block in programs("developer.md") if not block.startswith("# ")]
    assert blocks
    for block in blocks:
        run(block)
