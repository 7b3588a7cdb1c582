"""`novation localnet`: a network of real validators on this machine, one command up, one down."""

import asyncio
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.live import Live

from genesis.builder import PresetError
from node.cli.node_verbs import log_format_option
from node.cli.session import EXIT_UNREACHABLE, EXIT_USAGE, Session, Verbs, command, fail
from node.comet.install import cometbft_binary
from node.comet.process import log_tail, stop_by_pid
from node.generated import StaleCode, refuse_stale
from node.keys.dev import GAMBLERS
from node.localnet import network, table
from node.localnet.plan import (
    DEFAULT_DIRECTORY,
    Plan,
    PlanError,
    load_plan,
    make_plan,
    reserve_ports,
    save_plan,
)
from node.localnet.runner import Display, Options, StartError, run
from node.localnet.watch import NetworkView
from node.prices.bars import PricesError, read_bars

PLAIN_EVERY_S = 5.0
DETACH_TIMEOUT_S = 180.0
LOG_NAMES = ("engine", "cometbft", "gateway", "feeder", "supervisor")

directory_option = click.option("--dir", "directory", type=click.Path(file_okay=False), help="Where its files are.")


@click.group(cls=Verbs)
def localnet() -> None:
    """A network of several validators on this machine, each with prices of its own, bots and funded keys."""


@command(localnet)
@click.option("--validators", metavar="N", default=4, show_default=True, help="How many nodes.")
@click.option("--prices", type=click.Path(exists=True, dir_okay=False), help="Replay this CSV of time and price.")
@click.option("--speed", metavar="FACTOR", default=60.0, show_default=True, help="Seconds of the price file a second.")
@click.option("--liars", metavar="N", type=click.IntRange(0), default=0,
              help="How many feeders lie wildly about every price.")
@click.option("--silent", metavar="N", type=click.IntRange(0), default=0, help="How many feeders say nothing.")
@click.option("--gamblers", metavar="N", type=click.IntRange(0, len(GAMBLERS)), default=4, show_default=True,
              help="Bots with leverage, some of which a fall of the price ruins.")
@click.option("--seed", metavar="N", default=1, show_default=True, help="Of the random walk and the bots.")
@click.option("--base-port", metavar="PORT", type=int, help="First port; default: the first free block of ports.")
@directory_option
@click.option("--preset", metavar="NAME|FILE", default="localnet", show_default=True,
              help="Genesis preset: a name or a TOML file.")
@click.option("--for", "run_s", type=float, metavar="SECONDS",
              help="Stop after that, or later if nothing was traded yet; exit 0 if all went well, else 1.")
@click.option("--keep", is_flag=True, help="Go on from the state of the last run.")
@click.option("--detach", is_flag=True, help="Leave it running in the background.")
@click.option("--no-traffic", is_flag=True, help="No bots: a quiet network.")
@log_format_option(default="console", show_default=True)
def up(session: Session, **options: Any) -> None:
    """Start the network, wait for block 2, let it trade, show it. Ctrl-C stops everything."""
    directory = choose_directory(options["directory"])
    if options["prices"]:
        try:
            read_bars(Path(options["prices"]))
        except PricesError as error:
            fail(str(error), EXIT_USAGE)
    if options["detach"]:
        _detach(session, directory, options)
        return
    try:
        with network.hold(directory), ExitStack() as ports:
            with session.progress("making keys, genesis and settings"):
                plan = prepare(directory, options, ports)
            view = _run(session, plan, options)
    except (PlanError, PresetError) as error:
        fail(str(error), EXIT_USAGE)
    except (StartError, StaleCode, FileNotFoundError) as error:
        fail(str(error))
    _judge(session, plan, view, options)


def choose_directory(given: str | None) -> Path:
    """The folder asked for; else `.localnet`, or `.localnet/2`, `/3` ... when networks run there already."""
    if given:
        return Path(given).absolute()
    base = Path(DEFAULT_DIRECTORY).absolute()
    candidates = [base, *(base / str(number) for number in range(2, 10))]
    return next((one for one in candidates if not network.is_held(one)), base)


def prepare(directory: Path, options: dict[str, Any], ports: ExitStack) -> Plan:
    """Homes for all nodes: new ones, or with --keep the old ones on ports that are free now. `ports` keeps the ports.

    Raises PlanError, PresetError, StaleCode, FileNotFoundError (no CometBFT) before anything is touched, as far as can
    be known.
    """
    refuse_stale()
    cometbft_binary()
    if options["keep"]:
        plan = load_plan(directory)
        plan = _replan(plan, options, ports)
        _set_prices(plan, options)
        plan.log_format = options["log_format"]
        network.configure(plan)
    else:
        network.clear(directory)
        base_port = ports.enter_context(reserve_ports(options["base_port"], options["validators"]))
        plan = make_plan(directory, base_port, options["validators"], options["seed"], options["liars"],
                         options["silent"])
        bars = read_bars(Path(options["prices"])) if options["prices"] else []
        state = network.localnet_state(options["preset"], bars[0].price if bars else None)
        plan.feeds, plan.markets, plan.start_ns = network.made_up(state), network.market_plans(state), time.time_ns()
        plan.surfaces = [asdict(one) for one in network.made_up_surfaces(state)]
        _set_prices(plan, options)
        plan.log_format = options["log_format"]
        network.make_homes(plan, state)
    plan.gamblers = options["gamblers"]
    save_plan(plan)
    return plan


def _set_prices(plan: Plan, options: dict[str, Any]) -> None:
    """The first feed replays the file, if one is given, from its beginning."""
    if options["prices"] and plan.feeds:
        plan.feeds[next(iter(plan.feeds))] = f"replay:{Path(options['prices']).absolute()}"
        plan.start_ns = time.time_ns()
    plan.speed = options["speed"]


def _replan(plan: Plan, options: dict[str, Any], ports: ExitStack) -> Plan:
    """The same nodes on their old ports if these are free, else on others; feeds go on as they were."""
    base_port = options["base_port"]
    try:
        base_port = ports.enter_context(reserve_ports(base_port or plan.base_port, len(plan.nodes)))
    except PlanError:
        base_port = ports.enter_context(reserve_ports(base_port, len(plan.nodes)))
    fresh = make_plan(Path(plan.directory), base_port, len(plan.nodes), plan.seed, options["liars"], options["silent"])
    fresh.chain_id, fresh.feeds, fresh.markets, fresh.start_ns = plan.chain_id, plan.feeds, plan.markets, plan.start_ns
    fresh.surfaces = plan.surfaces
    return fresh


def _run(session: Session, plan: Plan, options: dict[str, Any]) -> NetworkView:
    live = Live(console=session.talk, auto_refresh=False) if session.talk.is_terminal and not session.json else None
    last_line_s = 0.0

    def say(text: str) -> None:
        session.talk.print(text, markup=False, soft_wrap=True)

    def show(view: NetworkView) -> None:
        nonlocal last_line_s
        if live is not None:
            live.update(table.network_table(plan, view), refresh=True)
        elif time.monotonic() - last_line_s >= PLAIN_EVERY_S:
            last_line_s = time.monotonic()
            say(table.network_line(plan, view))

    def ready() -> None:
        nonlocal last_line_s
        last_line_s = time.monotonic()
        spinner.stop()
        say(table.introduction(plan))
        if live is not None:
            live.start()

    starting = f"starting {len(plan.nodes)} validators on ports {plan.base_port} ff., waiting for block 2"
    spinner = session.talk.status(starting)
    if live is None:
        say(f"{starting} ...")
    else:
        spinner.start()
    try:
        run_options = Options(options["run_s"], traffic=not options["no_traffic"])
        return asyncio.run(run(plan, run_options, Display(say, show, ready)))
    finally:
        spinner.stop()
        if live is not None:
            live.stop()


def _judge(session: Session, plan: Plan, view: NetworkView, options: dict[str, Any]) -> None:
    """Sum up; after --for, an exit status that a script can trust."""
    wrong = []
    if view.disagreement:
        wrong.append(f"app hashes differ: {view.disagreement}")
    if options["run_s"] is not None:
        if not view.agreed_height:
            wrong.append("no height was seen on all nodes")
        if not view.totals.fills and not options["no_traffic"]:
            wrong.append("no order was filled")
    data = table.summary(plan, view) | {"problems": wrong}
    totals = view.totals
    text = (f"stopped at height {view.counted_height}: {totals.orders} orders, {totals.fills} fills, "
            f"{totals.option_fills} of them in options, {totals.expiries} expiries settled by rule, "
            f"{len(plan.nodes)} app hashes equal up to height {view.agreed_height}")
    session.emit(data, text if view.counted_height else "stopped before it was ready")
    if wrong:
        fail("; ".join(wrong) + f"; the logs are in {plan.directory}")


def _detach(session: Session, directory: Path, options: dict[str, Any]) -> None:
    """Run the same command in the background, and wait until it says that it is ready."""
    if network.is_held(directory):
        fail(f"a localnet runs in {directory} already: `novation localnet down --dir {directory}`")
    directory.mkdir(parents=True, exist_ok=True)
    log_file = directory / "localnet.log"
    with open(log_file, "wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "node.cli.main", "localnet", "up", *_repeat(directory, options)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    with session.progress(f"starting {options['validators']} validators, waiting for block 2"):
        plan = _await_ready(child, directory)
    if plan is None:
        stop_by_pid(child.pid)
        fail("the localnet did not start:\n" + "\n".join(log_tail(log_file, 20)))
    session.emit({"directory": plan.directory, "pid": child.pid, "grpc": [node.gateway for node in plan.nodes],
                  "rpc": [node.rpc for node in plan.nodes], "chain_id": plan.chain_id}, table.introduction(plan))


def _repeat(directory: Path, options: dict[str, Any]) -> list[str]:
    """The arguments of `up` again, without --detach."""
    arguments = ["--dir", str(directory), "--validators", str(options["validators"]), "--speed", str(options["speed"]),
                 "--seed", str(options["seed"]), "--preset", options["preset"], "--gamblers", str(options["gamblers"]),
                 "--liars", str(options["liars"]), "--silent", str(options["silent"]),
                 "--log-format", options["log_format"]]
    for name, flag in (("prices", "--prices"), ("base_port", "--base-port"), ("run_s", "--for")):
        if options[name] is not None:
            arguments += [flag, str(options[name])]
    return arguments + [flag for name, flag in (("keep", "--keep"), ("no_traffic", "--no-traffic")) if options[name]]


def _await_ready(child: "subprocess.Popen[bytes]", directory: Path) -> Plan | None:
    deadline_s = time.monotonic() + DETACH_TIMEOUT_S
    while time.monotonic() < deadline_s and child.poll() is None:
        try:
            plan = load_plan(directory)
        except PlanError:
            plan = None
        if plan is not None and plan.state == "ready" and plan.runner_pid == child.pid:
            return plan
        time.sleep(0.1)
    return None


def running_plan(directory: str | None) -> Plan:
    """The plan of the network that runs in `directory`, or the end with what to do."""
    try:
        plan = load_plan(Path(directory or DEFAULT_DIRECTORY))
    except PlanError as error:
        fail(str(error), EXIT_UNREACHABLE)
    if not plan.is_running():
        fail(f"the localnet in {plan.directory} does not run: start it with `novation localnet up`", EXIT_UNREACHABLE)
    return plan


@command(localnet)
@directory_option
def down(session: Session, directory: str | None) -> None:
    """Stop the network and wait until all its processes are gone."""
    plan = running_plan(directory)
    with session.progress("stopping"):
        stop_by_pid(plan.runner_pid, patience_s=60.0)
    session.emit({"stopped": plan.directory}, f"stopped the localnet in {plan.directory}")


@command(localnet)
@directory_option
def status(session: Session, directory: str | None) -> None:
    """Heights and app hashes of the running network, over one second."""
    plan = running_plan(directory)
    view = asyncio.run(_glance(plan))
    session.emit(table.summary(plan, view) | {"state": plan.state}, table.network_table(plan, view))


async def _glance(plan: Plan) -> NetworkView:
    """Follow the network until every node that is up has shown a block, at most three seconds."""
    from node.localnet.watch import NodeView, follow

    view = NetworkView([NodeView(node.name) for node in plan.nodes])
    tasks = [asyncio.create_task(follow(view, one, node)) for one, node in zip(view.nodes, plan.nodes, strict=True)]
    deadline_s = time.monotonic() + 3.0
    while time.monotonic() < deadline_s and not (view.agreed_height and all(node.block_ms for node in view.nodes)):
        view.sample()
        await asyncio.sleep(0.1)
    view.sample()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return view


@command(localnet)
@directory_option
@click.argument("name", metavar="[NODE]", default="")
@click.option("--process", type=click.Choice(LOG_NAMES), help="Only this process.")
@click.option("--lines", metavar="N", default=20, show_default=True, help="How many of each.")
def logs(session: Session, directory: str | None, name: str, process: str | None, lines: int) -> None:
    """The end of the logs of NODE (node0, node1, ...), or of all nodes."""
    try:
        plan = load_plan(Path(directory or DEFAULT_DIRECTORY))
        nodes = [plan.node(name)] if name else plan.nodes
    except PlanError as error:
        fail(str(error), EXIT_USAGE)
    wanted = [process] if process else list(LOG_NAMES)
    data = {one.name: {which: log_tail(one.paths.log_file(which), lines) for which in wanted} for one in nodes}
    text = [line for one, logs_of in data.items() for which, tail in logs_of.items()
            for line in (f"== {one} {which}", *tail)]
    session.emit(data, "\n".join(text))
