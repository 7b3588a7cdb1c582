"""Children start, stop politely or for certain, and never outlive whoever started them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from node.comet.process import Command, Identity, identify, kill, log_tail, spawn, stop, stop_by_pid

DEADLINE_S = 60.0
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
PARENT = """
import sys, time
from pathlib import Path
from node.comet.process import Command, spawn
child = spawn(Command("sleeper", ["sleep", "60"], Path(sys.argv[1])))
print(child.pid, flush=True)
time.sleep(60)
"""


def wait_for(condition, what: str) -> None:
    deadline_s = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline_s, what
        time.sleep(0.01)


def test_output_goes_to_the_log_and_environment_is_added(tmp_path: Path) -> None:
    log = tmp_path / "deep" / "echo.log"
    child = spawn(Command("echo", ["sh", "-c", "echo $WORD"], log, {"WORD": "hello"}))
    assert child.process.wait(DEADLINE_S) == 0
    assert log_tail(log) == ["hello"]


def test_stop_is_polite_first(tmp_path: Path) -> None:
    child = spawn(Command("sleeper", ["sleep", "60"], tmp_path / "log"))
    assert child.exit_code is None
    assert stop(child) == -signal.SIGTERM


def test_stop_kills_what_does_not_listen(tmp_path: Path) -> None:
    child = spawn(Command("stubborn", [sys.executable, "-c", STUBBORN], tmp_path / "log"))
    wait_for(lambda: log_tail(tmp_path / "log") == ["up"], "the child did not start")
    assert stop(child, patience_s=0.1) == -signal.SIGKILL


def test_stopping_what_has_ended_gives_its_exit_code(tmp_path: Path) -> None:
    child = spawn(Command("three", ["sh", "-c", "exit 3"], tmp_path / "log"))
    child.process.wait(DEADLINE_S)
    assert stop(child) == kill(child) == 3


def test_a_child_dies_with_its_parent(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path / "log")], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    child = identify(int(parent.stdout.readline()))
    assert child is not None
    assert child.is_alive()
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_for(lambda: not child.is_alive(), "the child outlived its parent")


def test_an_identity_is_not_fooled_by_a_reused_pid() -> None:
    own = identify(os.getpid())
    assert own is not None
    assert own.is_alive()
    assert not Identity(own.pid, own.start_ticks + 1).is_alive()
    assert not Identity(own.pid, own.start_ticks + 1).signal(signal.SIGKILL)


def test_stop_by_pid_ends_a_process_that_is_not_a_child() -> None:
    shell = subprocess.Popen(["sh", "-c", "sleep 60 & echo $!; wait"], stdout=subprocess.PIPE)
    assert shell.stdout is not None
    sleeper = int(shell.stdout.readline())
    assert stop_by_pid(sleeper)
    shell.wait(DEADLINE_S)
    shell.stdout.close()
    assert not stop_by_pid(sleeper)


def test_the_tail_of_a_log_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert log_tail(tmp_path / "none") == []
