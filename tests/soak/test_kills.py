"""Four validators under load whose processes are killed, one after another, and now and then all at once.

At most one of four is down unless all are, so that the chain goes on; every node comes back by itself, and in the end
all have the same app hash at every height.
"""

import os
import random
import signal
from collections import Counter
from pathlib import Path

import pytest

from node.comet.rpc import CometRpc, RpcError, RpcUnreachable
from node.localnet.plan import NodePlan, Plan, load_plan
from tests.localnet.commands import Novation, processes_of, wait_until
from tests.soak.conftest import Left

pytestmark = [pytest.mark.localnet, pytest.mark.soak]

PROCESSES = ("engine", "engine", "cometbft", "cometbft", "gateway", "feeder", "supervisor")
STEP_BLOCKS = 5  # that a node must make after it came back
HEADERS_A_CALL = 20


def test_nodes_die_and_come_back(tmp_path: Path, left_s: Left) -> None:
    novation, seed = Novation(tmp_path), random.randrange(2**32)
    print(f"seed {seed}")
    chance, killed = random.Random(seed), Counter[str]()
    try:
        novation.text("localnet", "up", "--detach")
        plan = load_plan(tmp_path / ".localnet")
        while left_s() > 0 or not killed:
            everybody = chance.random() < 0.1
            process = "engine" if everybody else chance.choice(PROCESSES)
            for node in plan.nodes if everybody else [chance.choice(plan.nodes)]:
                kill(node, process)
            killed["everybody" if everybody else process] += 1
            goal = max(map(height_of, plan.nodes)) + STEP_BLOCKS
            wait_until(lambda goal=goal: min(map(height_of, plan.nodes)) >= goal, f"all beyond {goal}: seed {seed}")
        judge(novation, plan, killed)
    finally:
        novation.run("localnet", "down")
        wait_until(lambda: not processes_of(tmp_path), "everything stopped")


def kill(node: NodePlan, process: str) -> None:
    """One process of a node; what it needs is started again by its supervisor, or by the localnet."""
    try:
        pid = int(node.paths.pid_file(process).read_text())
        os.kill(pid, signal.SIGKILL)
    except (FileNotFoundError, ProcessLookupError, ValueError):
        pass  # it is just being started again


def judge(novation: Novation, plan: Plan, killed: Counter[str]) -> None:
    """The same app hash everywhere at every height; orders were filled; no engine found an error of its own."""
    last = min(map(height_of, plan.nodes))
    first, *others = [app_hashes(node, last) for node in plan.nodes]
    assert len(first) == last
    for node, found in zip(plan.nodes[1:], others, strict=True):
        differ = [height for height in found if found[height] != first[height]]
        assert differ == [], f"{node.name} differs from height {differ[0]}"
    trades = novation.data("query", "trades", "BTC-PERP", "--node", plan.nodes[0].gateway)
    assert trades
    for node in plan.nodes:
        wrong = [line for line in node.paths.log_file("engine").read_text().splitlines()
                 if "[critical" in line or "Traceback" in line]
        assert wrong == []
    print(f"{last} blocks, killed: {dict(killed)}")


def height_of(node: NodePlan) -> int:
    """0 while it is down."""
    try:
        with CometRpc(node.rpc) as rpc:
            return rpc.status().height
    except (RpcUnreachable, RpcError):
        return 0


def app_hashes(node: NodePlan, last: int) -> dict[int, str]:
    """Of every header, by height."""
    found: dict[int, str] = {}
    with CometRpc(node.rpc) as rpc:
        for lowest in range(1, last + 1, HEADERS_A_CALL):
            highest = min(lowest + HEADERS_A_CALL - 1, last)
            for meta in rpc.call("blockchain", minHeight=str(lowest), maxHeight=str(highest))["block_metas"]:
                found[int(meta["header"]["height"])] = meta["header"]["app_hash"]
    return found
