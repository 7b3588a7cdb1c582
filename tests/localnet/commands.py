"""The `novation` command as a person runs it, and a look at the processes it leaves."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DEADLINE_S = 180.0


@dataclass(frozen=True)
class Novation:
    """Runs commands in `folder`, with a home of its own so that nothing of the machine leaks in."""

    folder: Path

    def run(self, *arguments: object, timeout_s: float = 300.0) -> subprocess.CompletedProcess[str]:
        """The command, run to its end, whatever the exit status."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("NOVATION_")}
        return subprocess.run(
            [sys.executable, "-m", "node.cli.main", *map(str, arguments)], cwd=self.folder, env=environment,
            capture_output=True, text=True, timeout=timeout_s, stdin=subprocess.DEVNULL)

    def text(self, *arguments: object) -> str:
        """What a command that must succeed prints."""
        result = self.run(*arguments)
        assert result.returncode == 0, f"novation {' '.join(map(str, arguments))}: {result.stdout}{result.stderr}"
        return result.stdout

    def data(self, *arguments: object) -> Any:
        """What a command that must succeed prints as JSON."""
        return json.loads(self.text(*arguments, "--output", "json"))


def processes_of(folder: Path) -> dict[int, str]:
    """Pid and command line of every process that names `folder`; a zombie has no command line and does not count."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
            if str(folder) in command:
                found[int(entry.name)] = command
    return found


def environment_of(pid: int, name: str) -> str | None:
    """A variable in the environment a process was started with."""
    for line in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
        key, _, value = line.decode("utf-8", "replace").partition("=")
        if key == name:
            return value
    return None


def wait_until(condition: Callable[[], Any], what: str, deadline_s: float = DEADLINE_S) -> Any:
    """Poll until `condition` gives something true, and return that."""
    end_s = time.monotonic() + deadline_s
    while not (found := condition()):
        assert time.monotonic() < end_s, f"not within {deadline_s:.0f} s: {what}"
        time.sleep(0.1)
    return found
