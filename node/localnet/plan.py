"""The plan of a local network: which nodes, where, on which ports; written down so that other commands find it."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from node.comet.process import Identity
from node.home import Home

PLAN_FILE = "localnet.json"
DEFAULT_DIRECTORY = ".localnet"
DEFAULT_BASE_PORT = 26600
PORTS_PER_NODE = 10
RESERVING_PORT = 9  # above the base port: whoever runs a network listens there, and no node does
BASE_PORT_STEP = 100
BASE_PORTS_TRIED = 40
VALIDATORS_MAX = 16

# Engines of one network run under different hash seeds, so that an order that leaks out of a dict or set shows at once.
HASH_SEEDS = ("0", "1", "random", "random")


class PlanError(Exception):
    """The network cannot be planned or found; the message says what to do."""


@dataclass(slots=True)
class NodePlan:
    name: str
    home: str
    p2p_port: int
    rpc_port: int
    gateway_port: int
    web_port: int
    hash_seed: str
    behaviour: str = "honest"  # of its feeder: honest, liar or silent
    node_id: str = ""
    pid: int = 0  # of its supervisor

    @property
    def rpc(self) -> str:
        return f"127.0.0.1:{self.rpc_port}"

    @property
    def gateway(self) -> str:
        return f"127.0.0.1:{self.gateway_port}"

    @property
    def web(self) -> str:
        return f"127.0.0.1:{self.web_port}"

    @property
    def metrics(self) -> tuple[str, str, str]:
        """Where Prometheus finds engine, gateway and CometBFT."""
        engine, gateway, comet = (f"127.0.0.1:{port}" for port in metrics_ports(self.p2p_port))
        return engine, gateway, comet

    @property
    def paths(self) -> Home:
        return Home.at(self.home)


@dataclass(slots=True)
class MarketPlan:
    """What it takes to tell a market's price to people."""

    market: int
    symbol: str
    lot_size: str
    first_price: str  # at genesis


@dataclass(slots=True)
class Plan:
    """`feeds` have a source each, by symbol; `start_ns` is when their replays and walks begin. `surfaces` are what
    feeders say of volatility, as in node.settings. `gamblers` are bots that borrow. `state` is planned, starting, ready
    or stopped.
    """

    directory: str
    chain_id: str
    base_port: int
    nodes: list[NodePlan]
    seed: int = 1
    feeds: dict[str, str] = field(default_factory=dict)
    surfaces: list[dict[str, Any]] = field(default_factory=list)
    start_ns: int = 0
    speed: float = 60.0
    gamblers: int = 0
    log_format: str = "console"
    state: str = "planned"
    runner_pid: int = 0
    runner_start_ticks: int = 0
    markets: list[MarketPlan] = field(default_factory=list)

    @property
    def runner(self) -> Identity:
        return Identity(self.runner_pid, self.runner_start_ticks)

    def is_running(self) -> bool:
        return self.runner_pid > 0 and self.runner.is_alive()

    def node(self, name: str) -> NodePlan:
        for node in self.nodes:
            if node.name == name:
                return node
        known = ", ".join(node.name for node in self.nodes)
        raise PlanError(f"no node {name!r} in {self.directory}; there are {known}")


def port_is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def node_ports(base_port: int, index: int) -> tuple[int, int, int, int]:
    """Of p2p, CometBFT's RPC, gRPC and the web page."""
    first = base_port + index * PORTS_PER_NODE
    return first, first + 1, first + 2, first + 3


def metrics_ports(first: int) -> tuple[int, int, int]:
    """Of the metrics of engine, gateway and CometBFT of the node whose first port this is."""
    return first + 4, first + 5, first + 6


def busy_ports(base_port: int, validators: int) -> list[int]:
    ports = [port for index in range(validators) for port in node_ports(base_port, index)]
    ports += [port for index in range(validators) for port in metrics_ports(node_ports(base_port, index)[0])]
    return [port for port in (*ports, base_port + RESERVING_PORT) if not port_is_free(port)]


def choose_base_port(wanted: int | None, validators: int) -> int:
    """The wanted base port, or with None the first whose ports are all free. PlanError when there is none."""
    if wanted is not None:
        busy = busy_ports(wanted, validators)
        if busy:
            taken = ", ".join(map(str, busy))
            raise PlanError(f"in use: port {taken}; choose another --base-port, or leave it out to have one chosen")
        return wanted
    for base_port in range(DEFAULT_BASE_PORT, DEFAULT_BASE_PORT + BASE_PORTS_TRIED * BASE_PORT_STEP, BASE_PORT_STEP):
        if not busy_ports(base_port, validators):
            return base_port
    raise PlanError("no free ports from 26600 on: stop other networks (`novation localnet down`) or use --base-port")


@contextmanager
def reserve_ports(wanted: int | None, validators: int) -> Iterator[int]:
    """A base port like that of `choose_base_port`, kept for this process: of two networks that start at the same moment
    each gets its own, though no node listens yet."""
    while True:
        base_port = choose_base_port(wanted, validators)
        try:
            reserving = socket.create_server(("127.0.0.1", base_port + RESERVING_PORT))
        except OSError:
            continue  # somebody was quicker, as the next look will show
        with reserving:
            yield base_port
        return


def make_plan(directory: Path, base_port: int, validators: int, seed: int, liars: int = 0, silent: int = 0) -> Plan:
    """A new network of `validators` nodes; the feeders of the last `liars` lie, those of `silent` before them say
    nothing. Pure but for making the directory absolute.
    """
    if not 1 <= validators <= VALIDATORS_MAX:
        raise PlanError(f"a localnet has 1 to {VALIDATORS_MAX} validators, not {validators}")
    if min(liars, silent) < 0 or liars + silent > validators:
        raise PlanError(f"of {validators} validators {liars} cannot lie and {silent} be silent")
    behaviours = ["honest"] * (validators - liars - silent) + ["silent"] * silent + ["liar"] * liars
    root = directory.absolute()
    nodes = []
    for index in range(validators):
        p2p, rpc, gateway, web = node_ports(base_port, index)
        hash_seed = HASH_SEEDS[index % len(HASH_SEEDS)]
        home = str(root / f"node{index}")
        nodes.append(NodePlan(f"node{index}", home, p2p, rpc, gateway, web, hash_seed, behaviours[index]))
    return Plan(str(root), f"novation-local-{base_port}", base_port, nodes, seed)


def save_plan(plan: Plan) -> None:
    """Replace the plan's file at once, so that a reader never sees half of it."""
    path = Path(plan.directory) / PLAN_FILE
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(asdict(plan), indent=2) + "\n", encoding="utf-8")
    fresh.replace(path)


def load_plan(directory: Path) -> Plan:
    """The plan in `directory`. Raises PlanError when there is none."""
    path = directory / PLAN_FILE
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        nodes = [NodePlan(**node) for node in document.pop("nodes")]
        markets = [MarketPlan(**market) for market in document.pop("markets")]
        return Plan(nodes=nodes, markets=markets, **document)
    except FileNotFoundError as error:
        raise PlanError(f"no localnet in {directory}: start one with `novation localnet up`") from error
    except (KeyError, TypeError, ValueError) as error:
        raise PlanError(f"{path} is not the plan of a localnet of this version: `novation localnet up` makes a new one"
                        ) from error


def find_running(directory: Path) -> Plan | None:
    """The plan of the network that runs in `directory`, if one does."""
    try:
        plan = load_plan(directory)
    except PlanError:
        return None
    return plan if plan.is_running() else None
