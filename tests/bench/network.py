"""Two networks of four validators on one machine, alike but for the application: Novation's engine beside CometBFT, and
CometBFT with its own builtin key-value store. Consensus settings, block size and number of peers are the same; the
key-value store uses CometBFT's flood mempool, tuned, because that is the one it was made for.
"""

import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path

from genesis.builder import AppState, build, read_preset
from node.comet.config import edit_config, write_config
from node.comet.process import Child, comet_command, request_stop, spawn, wait
from node.comet.rpc import CometRpc, RpcError, RpcUnreachable
from node.localnet.network import comet_settings, dev_owner, made_up, make_homes
from node.localnet.plan import Plan, choose_base_port, make_plan
from node.supervisor import python_command
from tests.helpers import builders

VALIDATORS = 4
READY_SECONDS = 60.0
FLOOD_MEMPOOL = {"mempool.size": 200_000, "mempool.cache_size": 400_000, "mempool.recheck": False,
                 "mempool.max_txs_bytes": 256 * 1024 * 1024}


@dataclass
class Network:
    """A running network. `close` stops every process of it."""

    plan: Plan
    children: list[Child] = field(default_factory=list)

    @property
    def rpcs(self) -> list[str]:
        """host:port of each node's JSON-RPC."""
        return [node.rpc for node in self.plan.nodes]

    def close(self) -> None:
        """Stop all processes, consensus first."""
        for child in reversed(self.children):
            request_stop(child)
        for child in reversed(self.children):
            wait(child)

    def cpu_seconds(self) -> dict[str, float]:
        """CPU time used so far, by kind of process; zeros where there is no /proc."""
        used: dict[str, float] = {}
        for child in self.children:
            kind = child.command.name.split()[-1]
            used[kind] = used.get(kind, 0.0) + cpu_seconds_of(child.pid)
        return used

    def wait_height(self, height: int) -> None:
        """Until every node has committed `height`. Raises TimeoutError with the end of what died."""
        deadline = time.monotonic() + READY_SECONDS
        for node in self.plan.nodes:
            while True:
                try:
                    with CometRpc(node.rpc) as rpc:
                        if rpc.status().height >= height:
                            break
                except (RpcUnreachable, RpcError):
                    pass
                dead = [child.command.name for child in self.children if child.exit_code is not None]
                if dead or time.monotonic() > deadline:
                    raise TimeoutError(f"{node.name} has not committed block {height}; ended: {dead}; logs in "
                                       f"{self.plan.directory}")
                time.sleep(0.1)


def cpu_seconds_of(pid: int) -> float:
    """CPU time that a process has used so far, 0 where there is no /proc."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except FileNotFoundError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def bench_state(people: tuple[builders.Person, ...]) -> AppState:
    """The localnet's own markets and limits, with `people` funded and no fee to run out of."""
    state = build(read_preset("localnet"), dev_owner)
    mine = json.loads(builders.genesis(people, cash_quanta=100_000_000_000))
    return {"params": {**state["params"], "gas_price_e6": 1_000}, "feeds": mine["feeds"], "markets": mine["markets"],
            "accounts": sorted(mine["accounts"], key=lambda account: account["owner"])}


def start_novation(folder: Path, state: AppState, *, gateways: bool = False,
                   validators: int = VALIDATORS) -> Network:
    """Four nodes, or so many: engine, CometBFT and price feeder each, and a gateway each if asked. Returns once block 2
    is committed.
    """
    network = Network(make_plan(folder, choose_base_port(None, validators), validators, seed=1))
    network.plan.feeds = made_up(state, "static")
    make_homes(network.plan, state)
    try:
        for node in network.plan.nodes:
            home = node.paths
            network.children.append(spawn(python_command(
                f"{node.name} engine", home.log_file("engine"), "node.engine", "--home", str(home.root))))
            wait_for_file(home.abci_socket)
        network.children += [spawn(comet_command(node.paths)) for node in network.plan.nodes]
        network.children += [spawn(python_command(
            f"{node.name} feeder", node.paths.log_file("feeder"), "node.prices", "--home", node.home))
            for node in network.plan.nodes if network.plan.feeds]
        if gateways:
            for node in network.plan.nodes:
                network.children.append(spawn(python_command(
                    f"{node.name} gateway", node.paths.log_file("gateway"), "node.gateway", "--home", node.home,
                    "--listen", node.gateway)))
        network.wait_height(2)
    except BaseException:
        network.close()
        raise
    return network


def start_kvstore(folder: Path) -> Network:
    """Four CometBFT nodes with the builtin key-value store. Returns once block 2 is committed."""
    network = Network(make_plan(folder, choose_base_port(None, VALIDATORS), VALIDATORS, seed=1))
    make_homes(network.plan, {})
    for node in network.plan.nodes:
        settings = comet_settings(network.plan, node)
        settings.proxy_app, settings.mempool = "kvstore", "flood"
        write_config(node.paths, settings)
        edit_config(node.paths, FLOOD_MEMPOOL)
    for node in network.plan.nodes:  # the store names no app version
        document = json.loads(node.paths.genesis_file.read_text())
        document["consensus_params"]["version"] = {"app": "1"}
        document["app_state"] = {}
        node.paths.genesis_file.write_text(json.dumps(document))
    try:
        network.children += [spawn(comet_command(node.paths)) for node in network.plan.nodes]
        network.wait_height(2)
    except BaseException:
        network.close()
        raise
    return network


def wait_for_file(path: Path) -> None:
    """Until `path` exists. Raises TimeoutError."""
    deadline = time.monotonic() + READY_SECONDS
    while not path.exists():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{path} did not appear")
        time.sleep(0.05)
