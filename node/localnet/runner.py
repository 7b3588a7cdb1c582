"""Runs a local network in the foreground: starts it, watches it, starts again what dies, stops it without a trace."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import httpx

from node.comet.process import identify, log_tail
from node.comet.rpc import PLAIN_HTTP, AsyncCometRpc, RpcError, RpcUnreachable
from node.localnet.plan import NodePlan, Plan, save_plan
from node.localnet.watch import NetworkView, NodeView, follow
from node.supervisor import Group, Supervisor, python_command

READY_HEIGHT = 2
READY_TIMEOUT_S = 150.0
DEATHS_MAX = 4  # of a node's processes before block 2: then more patience does not help
TEND_S = 0.1
REFRESH_S = 0.5
QUOTED_TIMEOUT_S = 20.0
PATIENCE_S = 60.0  # how much longer than asked for a run may last so that there is something to judge

Say = Callable[[str], None]
Show = Callable[[NetworkView], None]


class StartError(Exception):
    """The network did not come up; the message holds what the logs say."""


@dataclass(slots=True)
class Options:
    """How to run. `run_s` None means until told to stop; otherwise it is the least: on a slow machine nothing may have
    happened by then."""

    run_s: float | None = None
    traffic: bool = True


@dataclass(slots=True)
class Display:
    """Where to talk: `say` for a line now and then, `show` for the picture, called several times a second."""

    say: Say
    show: Show
    ready: Callable[[], None] = lambda: None


async def run(plan: Plan, options: Options, display: Display) -> NetworkView:
    """Run the network until it is told to stop, or its time is over. No process is left when this returns.

    Raises StartError. Call it in the main thread: the children die with the thread that started them.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stopping.set)
    folder = Path(plan.directory) / "run"
    folder.mkdir(exist_ok=True)
    supervisor = Supervisor(folder, [_node_group(plan, node) for node in plan.nodes], display.say)
    view = NetworkView([NodeView(node.name) for node in plan.nodes])
    tasks = [asyncio.create_task(_tend(plan, supervisor))]
    try:
        _record(plan, "starting")
        await _unless(stopping, wait_ready(plan))
        if not stopping.is_set():
            if options.traffic:
                supervisor.groups.append(_traffic_group(plan))
            pairs = zip(view.nodes, plan.nodes, strict=True)
            tasks += [asyncio.create_task(follow(view, one, node)) for one, node in pairs]
            if options.traffic:
                await _unless(stopping, wait_quoted(plan.nodes[0]))
            _record(plan, "ready")
            display.ready()
            await _watch(view, display, stopping, options)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        display.say("stopping ...")
        supervisor.stop(together=True)
        _record(plan, "stopped")
    return view


def _record(plan: Plan, state: str) -> None:
    """Write down who runs the network and how far it is, for the other commands."""
    own = identify(os.getpid())
    plan.state = state
    plan.runner_pid = own.pid if own and state != "stopped" else 0
    plan.runner_start_ticks = own.start_ticks if own and state != "stopped" else 0
    save_plan(plan)


def _node_group(plan: Plan, node: NodePlan) -> Group:
    log_file = node.paths.log_file("supervisor")
    command = python_command(node.name, log_file, "node.supervisor", "--home", node.home)
    return Group(node.name, [replace(command, environment={"PYTHONHASHSEED": node.hash_seed})])


def _traffic_group(plan: Plan) -> Group:
    log_file = Path(plan.directory) / "traffic.log"
    return Group("traffic", [python_command("traffic", log_file, "node.localnet.traffic", "--dir", plan.directory)])


async def _tend(plan: Plan, supervisor: Supervisor) -> None:
    """Start what should run, again when it died, and keep the pids in the plan."""
    while True:
        supervisor.tend()
        pids = {group.name: group.children[0].pid if group.children else 0 for group in supervisor.groups}
        if any(node.pid != pids[node.name] for node in plan.nodes):
            for node in plan.nodes:
                node.pid = pids[node.name]
            save_plan(plan)
        await asyncio.sleep(TEND_S)


async def _unless(stopping: asyncio.Event, work: Awaitable[None]) -> None:
    """Wait for `work`, or until `stopping` is set."""
    working = asyncio.ensure_future(work)
    waiting = asyncio.create_task(stopping.wait())
    await asyncio.wait((working, waiting), return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if not working.done():
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working
        return
    working.result()


async def wait_ready(plan: Plan, timeout_s: float = READY_TIMEOUT_S) -> None:
    """Wait until every node has committed block 2 and every gateway listens. Raises StartError, at once when the
    processes of a node keep dying."""
    deadline_s = time.monotonic() + timeout_s
    before = {node.name: _deaths(node) for node in plan.nodes}
    for node in plan.nodes:
        while not await _is_ready(node):
            if _deaths(node) - before[node.name] >= DEATHS_MAX:
                raise StartError(_why_not_ready(node, "cannot run"))
            if time.monotonic() > deadline_s:
                late = f"has not committed block {READY_HEIGHT} within {timeout_s:.0f} s"
                raise StartError(_why_not_ready(node, late))
            await asyncio.sleep(0.1)


def _deaths(node: NodePlan) -> int:
    """How often its supervisor has said that a process ended."""
    try:
        return node.paths.log_file("supervisor").read_bytes().count(b" ended with ")
    except FileNotFoundError:
        return 0


async def _is_ready(node: NodePlan) -> bool:
    try:
        async with AsyncCometRpc(node.rpc, timeout_s=2.0) as rpc:
            status = await rpc.status()
        if status.node_id != node.node_id or status.height < READY_HEIGHT:  # another network may have taken the port
            return False
        _, writer = await asyncio.open_connection("127.0.0.1", node.gateway_port)
        writer.close()
        return True
    except (OSError, RpcError, RpcUnreachable):
        return False


async def wait_quoted(node: NodePlan, timeout_s: float = QUOTED_TIMEOUT_S) -> None:
    """Wait until bots quote both sides of the first market, so that the first order of somebody who has just started
    the network finds a book; it goes on without quotes when none come.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(timeout_s), httpx.AsyncClient(**PLAIN_HTTP) as client:
            while not await _is_quoted(client, node):
                await asyncio.sleep(0.2)


async def _is_quoted(client: httpx.AsyncClient, node: NodePlan) -> bool:
    """By the page's API: gRPC does not bear that its process starts others, as this one does."""
    try:
        answer = (await client.get(f"http://{node.web}/api/markets")).raise_for_status().json()
    except httpx.HTTPError:
        return False
    first = answer["markets"][0]
    return int(first["best_bid_quanta"]) > 0 and int(first["best_ask_quanta"]) > 0


def _why_not_ready(node: NodePlan, what: str) -> str:
    lines = [f"{node.name} {what}. The end of its logs:"]
    for process in ("supervisor", "engine", "cometbft", "gateway", "feeder"):
        path = node.paths.log_file(process)
        lines += [f"{path}:", *(f"  {line}" for line in log_tail(path, 6))]
    return "\n".join(lines)


async def _watch(view: NetworkView, display: Display, stopping: asyncio.Event, options: Options) -> None:
    start_s = time.monotonic()
    while not stopping.is_set() and not _is_over(view, options, time.monotonic() - start_s):
        view.sample()
        display.show(view)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), REFRESH_S)
    display.show(view)


def _is_over(view: NetworkView, options: Options, passed_s: float) -> bool:
    if options.run_s is None or passed_s < options.run_s:
        return False
    traded = bool(view.totals.fills) or not options.traffic
    return bool(view.disagreement) or (view.agreed_height > 0 and traded) or passed_s >= options.run_s + PATIENCE_S
