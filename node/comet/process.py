"""Child processes: started so that none outlives its parent, watched by pid, stopped politely and then for certain."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from node.comet.install import cometbft_binary
from node.home import Home

STOP_PATIENCE_S = 10.0
POLL_S = 0.02
LOG_TAIL_BYTES = 64_000

_PR_SET_PDEATHSIG = 1
_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class Command:
    """What to run, under which name it appears in logs and pid files, and what to add to its environment."""

    name: str
    arguments: list[str]
    log_file: Path
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Child:
    """A running (or ended) child. `started_s` is monotonic time."""

    command: Command
    process: subprocess.Popen[bytes]
    started_s: float

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; a negative number names the signal that ended it."""
        return self.process.poll()

    @property
    def age_s(self) -> float:
        return time.monotonic() - self.started_s


def spawn(command: Command) -> Child:
    """Start `command`, its output appended to its log file.

    Call it from the main thread: the kernel kills the child when the thread that started it ends. The child leads a
    session of its own, so that Ctrl-C at a terminal reaches the parent alone, which stops the children in order.
    """
    command.log_file.parent.mkdir(parents=True, exist_ok=True)
    parent = os.getpid()
    with open(command.log_file, "ab") as log:
        process = subprocess.Popen(
            command.arguments,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **command.environment},
            start_new_session=True,
            preexec_fn=lambda: _die_with_parent(parent),
        )
    return Child(command, process, time.monotonic())


def _die_with_parent(parent: int) -> None:
    """Runs in the child before it becomes the command."""
    if _prctl is not None:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # the parent ended before the kernel was told
            os._exit(1)


def stop(child: Child, patience_s: float = STOP_PATIENCE_S) -> int:
    """SIGTERM, wait, then SIGKILL. Returns the exit code; a child that has ended already is only collected."""
    request_stop(child)
    return wait(child, patience_s)


def request_stop(child: Child) -> None:
    if child.exit_code is None:
        with contextlib.suppress(ProcessLookupError):
            child.process.terminate()


def wait(child: Child, patience_s: float = STOP_PATIENCE_S) -> int:
    """Wait for a child to end, at most `patience_s`, then kill it."""
    try:
        return child.process.wait(patience_s)
    except subprocess.TimeoutExpired:
        child.process.kill()
        return child.process.wait()


def kill(child: Child) -> int:
    """SIGKILL at once: what a crash test wants."""
    child.process.kill()
    return child.process.wait()


def log_tail(path: Path, lines: int = 10) -> list[str]:
    """The last lines of a log, for error messages. Reads at most the last 64 kB."""
    try:
        with open(path, "rb") as file:
            file.seek(max(0, path.stat().st_size - LOG_TAIL_BYTES))
            return file.read().decode("utf-8", "replace").splitlines()[-lines:]
    except FileNotFoundError:
        return []


def comet_command(home: Home, log_format: str = "") -> Command:
    """CometBFT on `home`; `log_format` (plain or json) wins over config.toml.

    A relaxed garbage collector is worth a few percent of throughput for some memory.
    """
    arguments = [str(cometbft_binary()), "start", "--home", str(home.root)]
    environment = {"GOGC": os.environ.get("GOGC", "400")}
    if log_format:
        environment["CMT_LOG_FORMAT"] = log_format
    return Command("cometbft", arguments, home.log_file("cometbft"), environment)


@dataclass(frozen=True, slots=True)
class Identity:
    """A process that outlives the command that started it: a pid alone may be reused, a pid with its start time not."""

    pid: int
    start_ticks: int

    def is_alive(self) -> bool:
        return identify(self.pid) == self

    def signal(self, number: int) -> bool:
        """Send a signal if it is still this very process. False when it is gone."""
        if not self.is_alive():
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)
            return True
        return False


def identify(pid: int) -> Identity | None:
    """Pid and start time of a process, None when there is none or it is a zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return _identify_without_proc(pid)
    fields = text[text.rindex(")") + 2 :].split()
    return None if fields[0] in "ZX" else Identity(pid, int(fields[19]))


def stop_by_pid(pid: int, patience_s: float = STOP_PATIENCE_S) -> bool:
    """SIGTERM to a process that is not our child, wait, then SIGKILL. False when there was none."""
    identity = identify(pid)
    if identity is None or not identity.signal(signal.SIGTERM):
        return False
    deadline_s = time.monotonic() + patience_s
    while identity.is_alive():
        if time.monotonic() > deadline_s:
            identity.signal(signal.SIGKILL)
        time.sleep(POLL_S)
    return True


def _identify_without_proc(pid: int) -> Identity | None:
    """Systems without /proc: whether the pid takes signals is all that is known."""
    if Path("/proc/self").exists():
        return None
    try:
        os.kill(pid, 0)
    except OSError:
        return None
    return Identity(pid, 0)
