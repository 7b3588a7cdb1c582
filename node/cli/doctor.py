"""`novation doctor`: what usually goes wrong on a machine, looked at before it does."""

import json
import platform
import re
import resource
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as package_version
from urllib.parse import urlsplit

from rich.table import Table

from node import generated
from node.cli.node_verbs import read_pid
from node.cli.session import Session, command, fail, simple_table
from node.comet.config import listen_addresses
from node.comet.install import cometbft_binary
from node.comet.version import COMETBFT_MODULE, COMETBFT_VERSION, GO_MINIMUM
from node.export import plain
from node.home import Home
from node.localnet.plan import DEFAULT_BASE_PORT, busy_ports
from node.prices.feeder import Feeder
from node.settings import SettingsError, read_settings

FILES_MIN = 4096
DISK_MIN_BYTES = 2 * 1024**3
LOGS_MAX_BYTES = 1024**3
COMMAND_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One look: `state` is ok, warning or error; `next` says what to do about it."""

    name: str
    state: str
    text: str
    next: str = ""


def ok(name: str, text: str) -> Finding:
    return Finding(name, "ok", text)


def python_version() -> Finding:
    text = platform.python_version()
    if (3, 11) <= sys.version_info[:2] <= (3, 12):
        return ok("python", text)
    return Finding("python", "error", text, "use Python 3.11 or 3.12: make PYTHON=python3.12 setup")


def optimisation() -> Finding:
    if not sys.flags.optimize:
        return ok("python -O", "off")
    return Finding("python -O", "error", "on", "start without -O and PYTHONOPTIMIZE: checks would be stripped")


def packages() -> Finding:
    """The versions consensus rests on, against those the project pins."""
    pins = {"protobuf": "7.36.2", "PyNaCl": "1.6.2", "plyvel": "1.5.1", "grpcio": "1.85.1"}
    try:
        found = {name: package_version(name) for name in pins}
    except PackageNotFoundError as error:
        return Finding("packages", "error", f"{error.name} is missing", "run `make setup`")
    wrong = [f"{name} {found[name]} instead of {pin}" for name, pin in pins.items() if found[name] != pin]
    if wrong:
        return Finding("packages", "error", ", ".join(wrong), "run `make setup`: these decide about consensus")
    return ok("packages", ", ".join(f"{name} {one}" for name, one in found.items()))


def generated_code() -> Finding:
    if generated.is_stale():
        return Finding("gen/", "error", "out of date", generated.ADVICE)
    return ok("gen/", "up to date")


def cometbft() -> Finding:
    """The binary, and the module version it was built from where Go can tell: v0.40.0 calls itself 0.39.0."""
    try:
        binary = cometbft_binary()
        said = _output(str(binary), "version")
    except FileNotFoundError as error:
        return Finding("cometbft", "error", str(error), "run `make setup`")
    except (OSError, subprocess.SubprocessError) as error:
        return Finding("cometbft", "error", f"does not run: {error}", "remove build/bin and run `make setup`")
    path = shutil.which("go")
    built = re.search(r"^\s*mod\s+(\S+)\s+(\S+)", _output(path, "version", "-m", str(binary)) if path else "", re.M)
    if built and built[1] == COMETBFT_MODULE and built[2] not in (COMETBFT_VERSION, "(devel)"):
        return Finding("cometbft", "error", f"{binary} is {built[2]}, wanted is {COMETBFT_VERSION}", "run `make setup`")
    return ok("cometbft", f"{built[2] if built else 'calls itself ' + said.strip()}, {binary}")


def _output(*arguments: str) -> str:
    """What a command prints; raises FileNotFoundError, OSError, subprocess.SubprocessError."""
    return subprocess.run(arguments, capture_output=True, text=True, timeout=COMMAND_TIMEOUT_S, check=True).stdout


def go() -> Finding:
    """Go is only needed to build CometBFT."""
    path = shutil.which("go")
    wanted = ".".join(map(str, GO_MINIMUM))
    advice = f"install Go {wanted} or later, or bring a binary: COMETBFT=/path"
    if path is None:
        return Finding("go", "warning", "not found", advice)
    run = subprocess.run([path, "env", "GOVERSION"], capture_output=True, text=True, timeout=COMMAND_TIMEOUT_S)
    match = re.match(r"go(\d+)\.(\d+)", run.stdout)
    if match and (int(match[1]), int(match[2])) >= GO_MINIMUM:
        return ok("go", run.stdout.strip())
    return Finding("go", "warning", run.stdout.strip() or "does not run", advice)


def file_limit() -> Finding:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= FILES_MIN:
        return ok("open files", str(soft))
    return Finding("open files", "warning", f"limit {soft}", f"raise it: ulimit -n {FILES_MIN}")


def disk(home: Home) -> Finding:
    folder = next(path for path in (home.root, *home.root.parents) if path.exists())
    free = shutil.disk_usage(folder).free
    text = f"{free / 1024**3:.1f} GiB free at {folder}"
    if free >= DISK_MIN_BYTES:
        return ok("disk", text)
    return Finding("disk", "warning", text, "free some space: a node that cannot write stops")


def clock() -> Finding:
    """Whether the clock is disciplined. A validator whose clock runs a minute slow stops at its first block."""
    if time.time() < 1_700_000_000:
        return Finding("clock", "error", "is before 2023", "set the clock, and run NTP")
    tool = shutil.which("timedatectl")
    if tool is None:
        return Finding("clock", "warning", "cannot see whether NTP runs", "make sure that NTP runs on a validator")
    run = subprocess.run([tool, "show", "--property=NTPSynchronized", "--value"], capture_output=True, text=True,
                         timeout=COMMAND_TIMEOUT_S)
    if run.stdout.strip() == "yes":
        return ok("clock", "synchronised")
    return Finding("clock", "warning", "not synchronised, as far as can be seen", "run NTP on a validator")


def ports(home: Home) -> Finding:
    """The ports of this home, or of a localnet when there is no home."""
    if not home.exists():
        busy = busy_ports(DEFAULT_BASE_PORT, 4)
        if busy:
            return Finding("ports", "warning", f"in use: {', '.join(map(str, busy))}", "a localnet will choose others")
        return ok("ports", f"{DEFAULT_BASE_PORT} ff. are free for a localnet")
    try:
        settings = read_settings(home)
        addresses = [*listen_addresses(home), settings.gateway.listen, settings.gateway.web_listen,
                     settings.telemetry.engine, settings.telemetry.gateway]
    except (SettingsError, ValueError) as error:
        return Finding("ports", "error", str(error), "mend the file, or make a new home with `novation init`")
    addresses = [address for address in addresses if address]
    used = [address for address in addresses if _answers(address)]
    if not used:
        return ok("ports", f"{', '.join(addresses)} free")
    if read_pid(home, "supervisor"):
        return ok("ports", f"{', '.join(used)} in use by this node")
    return Finding("ports", "error", f"{', '.join(used)} in use, but this node does not run",
                   "stop who listens there, or choose other ports in config.toml and novation.toml")


def _answers(address: str) -> bool:
    parts = urlsplit(f"//{address}")
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((parts.hostname or "127.0.0.1", parts.port or 0)) == 0


def sockets(home: Home) -> Finding:
    if home.sockets == home.run:
        return ok("sockets", str(home.abci_socket))
    return Finding("sockets", "warning", f"the home's path is long: sockets are in {home.sockets}",
                   "use a shorter --home if the temporary directory is cleaned while nodes run")


def feeds(home: Home) -> Finding:
    """Whether this node's feeder knows the price of every feed of the genesis."""
    if not home.exists():
        return ok("feeds", "no home yet")
    try:
        observed = {feed.symbol for feed in Feeder(read_settings(home)).feeds}
        genesis = plain(json.loads(home.genesis_file.read_text(encoding="utf-8"))["app_state"])
        wanted = {feed["symbol"] for feed in genesis.get("feeds", ())}
    except (SettingsError, ValueError, KeyError, TypeError) as error:
        return Finding("feeds", "warning", f"the feeder cannot run: {error}", "mend [prices] and [[feeds]]")
    if missing := ", ".join(sorted(wanted - observed)):
        return Finding("feeds", "warning", f"no source for {missing}", "give it [[feeds]]: this node votes without it")
    if unknown := ", ".join(sorted(observed - wanted)):
        return ok("feeds", f"all of the genesis; it does not have {unknown}")
    return ok("feeds", f"all {len(wanted)} of the genesis")


def secrets(home: Home) -> Finding:
    """Whether others on this machine can read what signs for this node."""
    files = [path for path in (home.validator_key_file, home.node_key_file) if path.exists()]
    if open_ones := [path.name for path in files if path.stat().st_mode & 0o077]:
        return Finding("keys", "error", f"others can read {', '.join(open_ones)}", "chmod 600 those files")
    return ok("keys", f"{len(files)} files that only their owner can read" if files else "none yet")


def logs(home: Home) -> Finding:
    """Logs are not rotated by us."""
    size = sum(path.stat().st_size for path in home.logs.glob("*.log")) if home.logs.is_dir() else 0
    text = f"{size / 1024**2:.0f} MiB"
    if size <= LOGS_MAX_BYTES:
        return ok("logs", text)
    return Finding("logs", "warning", text, "rotate them: ops/logrotate/novation")


def upkeep(home: Home) -> Finding:
    """Whether old blocks go, others can join from here, and anybody watches."""
    if not home.exists():
        return ok("upkeep", "no home yet")
    try:
        settings = read_settings(home)
    except SettingsError as error:
        return Finding("upkeep", "error", str(error), "mend the file, or make a new home with `novation init`")
    kept = settings.engine.keep_blocks
    if kept and not settings.snapshots.interval:
        return Finding("upkeep", "warning", f"{kept} blocks are kept and no snapshots: nobody can join from here alone",
                       "set interval under [snapshots]")
    if not settings.telemetry.engine:
        return Finding("upkeep", "warning", "no figures are served", "set engine under [telemetry], and watch height")
    return ok("upkeep", f"blocks {kept or 'all'}, snapshots every {settings.snapshots.interval or 'never'}, "
                        f"figures at {settings.telemetry.engine}")


def looks(home: Home) -> Iterator[Finding]:
    machine: list[Callable[[], Finding]] = [
        python_version, optimisation, packages, generated_code, cometbft, go, file_limit, clock]
    for look in machine:
        yield look()
    for look_at in (disk, ports, sockets, feeds, secrets, logs, upkeep):
        yield look_at(home)


@command()
def doctor(session: Session) -> None:
    """Check versions, ports, clock, disk and limits. Exit status 1 when something would stop a node."""
    with session.progress("looking around"):
        findings = list(looks(session.paths))
    session.emit([asdict(one) for one in findings], lambda: _table(findings))
    errors = [one.name for one in findings if one.state == "error"]
    if errors:
        fail(f"a node would not run here: see {', '.join(errors)} above")


def _table(findings: list[Finding]) -> Table:
    table = simple_table("check", "state", "found", "what to do")
    colours = {"ok": "green", "warning": "yellow", "error": "red"}
    for one in findings:
        table.add_row(one.name, f"[{colours[one.state]}]{one.state}[/]", one.text, one.next)
    return table


