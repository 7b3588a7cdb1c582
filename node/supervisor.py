"""`novation start`: runs a validator's processes, keeps them running, and stops them all.

CometBFT ends, with exit status 0, whenever its application ends, and an engine without CometBFT does nothing. So these
two are one *core*: when either ends, both are stopped and started in order. Gateway and feeder come and go without
consensus noticing; each is restarted alone. Every restart waits longer than the last, until one run went well.

Run as `python -m node.supervisor --home H`.
"""

import argparse
import fcntl
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from node.comet.process import (
    STOP_PATIENCE_S,
    Child,
    Command,
    comet_command,
    log_tail,
    request_stop,
    spawn,
    wait,
)
from node.home import Home
from node.settings import Settings, read_settings

BACK_OFF_FIRST_S = 0.25
BACK_OFF_LAST_S = 15.0
HEALTHY_AFTER_S = 20.0
ENGINE_READY_S = 60.0
WATCH_S = 0.1
ORPHAN_PATIENCE_S = 1.0
"""CometBFT without its engine often hangs instead of ending. It may be killed at any moment without harm."""

Report = Callable[[str], None]


class Flag:
    """As much of `threading.Event` as is safe here: a signal handler sets it in the very thread that waits for it.

    An Event's handler would wait for the Event's own lock if the signal came while that thread held it.
    """

    __slots__ = ("_set",)

    def __init__(self) -> None:
        self._set = False

    def set(self) -> None:
        """For good."""
        self._set = True

    def is_set(self) -> bool:
        return self._set

    def wait(self, seconds: float) -> None:
        """Sleep so long, or not at all when it is set already."""
        if not self._set:
            time.sleep(seconds)


@dataclass(slots=True)
class BackOff:
    """How long to wait before the next start: doubled at each early death, forgotten after a healthy run."""

    delay_s: float = 0.0

    def after_run(self, run_s: float) -> float:
        if run_s >= HEALTHY_AFTER_S or not self.delay_s:
            self.delay_s = BACK_OFF_FIRST_S
        else:
            self.delay_s = min(2 * self.delay_s, BACK_OFF_LAST_S)
        return self.delay_s


@dataclass(slots=True)
class Group:
    """Processes that live and die together, started in the order of `commands`, stopped in reverse. None is of use
    without the first."""

    name: str
    commands: list[Command]
    ready_files: dict[str, Path] = field(default_factory=dict)  # process → file that appears when it listens
    children: list[Child] = field(default_factory=list)
    back_off: BackOff = field(default_factory=BackOff)
    start_at_s: float = 0.0

    def ended(self) -> Child | None:
        return next((child for child in self.children if child.exit_code is not None), None)


class Supervisor:
    """Keeps groups of processes running. `folder` gets a file with the pid of each."""

    def __init__(self, folder: Path, groups: list[Group], report: Report) -> None:
        self.folder = folder
        self.groups = groups
        self.report = report
        self.stopping = Flag()

    def run(self, pulse: Callable[[], None] = lambda: None) -> None:
        """Start everything and watch it until `stopping` is set; then stop everything. Never leaves a child behind.

        `pulse` is called at every look.
        """
        try:
            while not self.stopping.is_set():
                self.tend()
                pulse()
                self.stopping.wait(WATCH_S)
        finally:
            self.stop()

    def tend(self) -> None:
        """One look at every group: start what is due, take down what lost a member."""
        for group in self.groups:
            self._tend(group)

    def stop(self, together: bool = False) -> None:
        """Stop every group, the last first; or all at once, for groups that need not wait for one another."""
        self.stopping.set()
        if together:
            for group in self.groups:
                for child in group.children:
                    request_stop(child)
        for group in reversed(self.groups):
            self._stop(group)

    def _tend(self, group: Group) -> None:
        if not group.children:
            if time.monotonic() >= group.start_at_s and not self.stopping.is_set():
                self._start(group)
            return
        ended = group.ended()
        if ended is None:
            return
        run_s = max(child.age_s for child in group.children)
        delay_s = group.back_off.after_run(run_s)
        self.report(f"{ended.command.name} ended with {describe_exit(ended)} after {ended.age_s:.1f} s; "
                    f"starting {group.name} again in {delay_s:.2g} s")
        for line in log_tail(ended.command.log_file, 5):
            self.report(f"  {ended.command.name}: {line}")
        self._stop(group, ORPHAN_PATIENCE_S if ended is group.children[0] else STOP_PATIENCE_S)
        group.start_at_s = time.monotonic() + delay_s

    def _start(self, group: Group) -> None:
        for command in group.commands:
            ready_file = group.ready_files.get(command.name)
            if ready_file is not None:
                ready_file.unlink(missing_ok=True)
            child = spawn(command)
            group.children.append(child)
            write_pid(self._pid_file(child), child.pid)
            if ready_file is not None and not self._wait_ready(child, ready_file):
                return

    def _wait_ready(self, child: Child, ready_file: Path) -> bool:
        """Whether to start the next process: when the socket of `child` appeared, or did not in a long time though
        `child` runs, because the next one tries again until it answers. Otherwise the next look at the group tells."""
        deadline_s = time.monotonic() + ENGINE_READY_S
        while time.monotonic() < deadline_s and child.exit_code is None and not self.stopping.is_set():
            if ready_file.exists():
                return True
            self.stopping.wait(0.02)
        return child.exit_code is None and not self.stopping.is_set()

    def _stop(self, group: Group, patience_s: float = STOP_PATIENCE_S) -> None:
        for child in reversed(group.children):
            request_stop(child)
            wait(child, patience_s)
            self._pid_file(child).unlink(missing_ok=True)
        group.children.clear()

    def _pid_file(self, child: Child) -> Path:
        return self.folder / f"{child.command.name}.pid"


def write_pid(path: Path, pid: int) -> None:
    """Note a process. The file appears whole: somebody may be reading it."""
    fresh = path.with_suffix(".pid-new")
    fresh.write_text(f"{pid}\n", encoding="ascii")
    fresh.replace(path)


def describe_exit(child: Child) -> str:
    code = child.exit_code
    if code is not None and code < 0:
        return signal.Signals(-code).name
    return f"status {code}"


def node_groups(home: Home, settings: Settings) -> list[Group]:
    """The processes of one node, as its settings say."""
    in_json = settings.logs.format == "json"
    log_format = ["--log-format", "json"] if in_json else []
    engine = ["--home", str(home.root), "--keep-blocks", str(settings.engine.keep_blocks), *log_format]
    if settings.snapshots.interval:
        engine += ["--snapshot-interval", str(settings.snapshots.interval),
                   "--snapshot-keep", str(settings.snapshots.keep)]
    if settings.telemetry.engine:
        engine += ["--metrics", settings.telemetry.engine]
    core = Group(
        "engine and cometbft",
        [_python(home, "engine", "node.engine", *engine), comet_command(home, "json" if in_json else "")],
        ready_files={"engine": home.abci_socket},
    )
    groups = [core]
    if settings.gateway.listen:
        arguments = ["--home", str(home.root), "--listen", settings.gateway.listen,
                     "--address-streams", str(settings.gateway.address_streams),
                     "--address-envelopes", str(settings.gateway.address_envelopes), *log_format]
        if settings.telemetry.gateway:
            arguments += ["--metrics", settings.telemetry.gateway]
        if settings.gateway.web_listen:
            arguments += ["--web-listen", settings.gateway.web_listen]
        gateway = _python(home, "gateway", "node.gateway", *arguments)
        if in_json:  # gRPC's own library writes lines of another kind; what matters comes to us as errors
            gateway = replace(gateway, environment={"GRPC_VERBOSITY": "NONE"})
        groups.append(Group("gateway", [gateway]))
    if settings.feeds:
        groups.append(Group("feeder", [_python(home, "feeder", "node.prices", "--home", str(home.root), *log_format)]))
    return groups


def _python(home: Home, name: str, module: str, *arguments: str) -> Command:
    return python_command(name, home.log_file(name), module, *arguments)


def python_command(name: str, log_file: Path, module: str, *arguments: str) -> Command:
    return Command(name, [sys.executable, "-m", module, *arguments], log_file)


def run_node(home: Home, settings: Settings, report: Report, pulse: Callable[[], None] = lambda: None) -> None:
    """Run the node at `home` until SIGINT or SIGTERM. Raises BlockingIOError when it runs already."""
    home.create()
    with open(home.run / "lock", "w", encoding="ascii") as lock:
        _take(lock, home)
        supervisor = Supervisor(home.run, node_groups(home, settings), report)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: supervisor.stopping.set())
        write_pid(home.pid_file("supervisor"), os.getpid())
        try:
            supervisor.run(pulse)
        finally:
            home.pid_file("supervisor").unlink(missing_ok=True)
            if home.sockets != home.run:
                shutil.rmtree(home.sockets, ignore_errors=True)


def _take(lock: object, home: Home) -> None:
    """Hold the home for this process alone. The kernel frees it however the process ends."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # type: ignore[arg-type]
    except BlockingIOError as error:
        text = f"the node at {home.root} runs already: see `novation status --home {home.root}`"
        raise BlockingIOError(text) from error


def reporter(log_format: str, say: Report) -> Report:
    """How a supervisor talks: by `say`, or in JSON as all processes of the node log."""
    if log_format != "json":
        return say
    import structlog  # here, because commands that only look at a node do without

    from node.logs import configure_logs

    configure_logs("info", log_format, "supervisor")
    log = structlog.get_logger("supervisor")
    return lambda line: log.info(line.strip())


def main() -> None:
    parser = argparse.ArgumentParser(description="run the processes of one node")
    parser.add_argument("--home", required=True)
    home = Home.at(parser.parse_args().home)
    settings = read_settings(home)
    run_node(home, settings, reporter(settings.logs.format, lambda line: print(line, flush=True)))


if __name__ == "__main__":
    main()
