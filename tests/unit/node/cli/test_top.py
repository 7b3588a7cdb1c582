"""`novation top` before its screen opens: help, no terminal, no textual, in a real terminal of 80x24."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from novation.testing import Chain

Run = Callable[..., Any]
DEADLINE_SECONDS = 60.0


def test_help_is_complete_without_a_gateway(run: Run) -> None:
    result = run("top", "--help")
    assert result.exit_code == 0
    for said in ("--key", "--owner", "--theme", "--rpc", "novation[tui]", "cancel all", "80x24"):
        assert said in result.stdout, said


def test_without_a_terminal_it_names_what_scripts_use(run: Run) -> None:
    result = run("top", "--key", "alice")
    assert result.exit_code == 2 and "needs a terminal" in result.stderr and "query book" in result.stderr


def test_without_textual_it_says_what_to_install(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("node.tui") or name.partition(".")[0] == "textual"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "textual", None)
    monkeypatch.setitem(sys.modules, "textual.app", None)
    result = run("top")
    assert result.exit_code == 1 and "pip install 'novation[tui]'" in result.stderr


@pytest.fixture
def chain(devchain: Chain) -> Chain:
    """A fresh chain."""
    return devchain


def test_in_a_terminal(chain: Chain) -> None:
    """The real command on a pseudo terminal: it shows the market and quits with the terminal as it was."""
    leader, follower = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"}
    process = subprocess.Popen(
        [sys.executable, "-m", "node.cli.main", "top", "eth-perp", "--key", "alice", "--node", chain.address],
        stdin=follower, stdout=follower, stderr=follower, env=environment, start_new_session=True)
    os.close(follower)
    try:
        seen = read_until(leader, b"1,000,000.00")
        assert b"ETH-PERP" in seen and b"alice/0" in seen
        os.write(leader, b"q")
        assert b"\x1b[?1049l" in read_until(leader, b"\x1b[?1049l"), "it leaves the alternate screen"
        assert process.wait(DEADLINE_SECONDS) == 0
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            process.wait()
        os.close(leader)


def read_until(terminal: int, wanted: bytes) -> bytes:
    """What a program writes until that comes."""
    deadline, seen = time.monotonic() + DEADLINE_SECONDS, b""
    while wanted not in seen:
        assert time.monotonic() < deadline, seen[-2_000:]
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                seen += os.read(terminal, 65_536)
            except OSError:  # the program has ended
                assert wanted in seen, seen[-2_000:]
    return seen
