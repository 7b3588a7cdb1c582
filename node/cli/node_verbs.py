"""`novation init`, `start`, `status` and `version`: one node and its life."""

import json
import platform
import re
import shutil
import sys
import time
from datetime import datetime
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Any

import click
from google.protobuf.internal import api_implementation

from app.params import APP_VERSION
from genesis.builder import PresetError, build, read_preset
from node.cli.heights import HeightReporter, comet_look
from node.cli.keys import find
from node.cli.session import EXIT_UNREACHABLE, EXIT_USAGE, Session, command, fail
from node.comet import config, keys
from node.comet.process import identify, stop_by_pid
from node.comet.rpc import CometRpc, CometStatus, RpcError, RpcUnreachable
from node.comet.statesync import StateSync, TrustError, trusted_by
from node.comet.version import COMETBFT_VERSION
from node.export import plain, with_sole_validator
from node.generated import StaleCode, refuse_stale
from node.home import Home
from node.keys.keystore import KeystoreError
from node.localnet.network import check_app_state, made_up, made_up_surfaces
from node.settings import (
    LOG_FORMATS,
    FeedSettings,
    GatewaySettings,
    LogSettings,
    PricesSettings,
    Settings,
    SettingsError,
    TelemetrySettings,
    read_settings,
    write_settings,
)
from node.supervisor import reporter, run_node

PEER = re.compile(r"[0-9a-f]{40}@[^@/\s]+:\d+")  # as CometBFT wants it
PACKAGES = ("novation", "protobuf", "PyNaCl", "plyvel", "grpcio")


def log_format_option(**more: Any) -> Any:
    """`--log-format`, the same wherever it is."""
    return click.option("--log-format", type=click.Choice(LOG_FORMATS), envvar="NOVATION_LOG_FORMAT", **more,
                        help="Of all processes, CometBFT too: lines for people, or a JSON object a line.")


PLACES = (
    click.option("--moniker", metavar="NAME", default=platform.node() or "node", help="What peers call this node."),
    click.option("--peers", metavar="ID@HOST:PORT,...", default="",
                 help="Join: node-id@host:port of nodes to connect to, separated by commas."),
    click.option("--p2p", metavar="HOST:PORT", default="127.0.0.1:26600", show_default=True,
                 help="Where other validators reach this node."),
    click.option("--rpc", metavar="HOST:PORT", default="127.0.0.1:26601", show_default=True, help="CometBFT's RPC."),
    click.option("--gateway", metavar="HOST:PORT", default="127.0.0.1:26602", show_default=True,
                 help="gRPC for traders."),
    click.option("--web", metavar="HOST:PORT", default="127.0.0.1:26603", show_default=True,
                 help="The web page; '' for none."),
    click.option("--metrics-port", metavar="PORT", default=26604, show_default=True,
                 help="First of three ports of 127.0.0.1 for Prometheus: engine, gateway, CometBFT. 0: none."),
    log_format_option(default="console", show_default=True),
)  # fmt: skip


def places(function: Any) -> Any:
    """Adds what every new home asks for: its name, its peers, its ports."""
    for option in reversed(PLACES):
        function = option(function)
    return function


@command()
@click.option("--chain-id", metavar="NAME", default="novation-test", show_default=True,
              help="Name of the chain, in every signature.")
@click.option("--preset", metavar="NAME|FILE", default="localnet", show_default=True,
              help="Genesis preset: a name or a TOML file.")
@click.option("--genesis", "genesis_file", type=click.Path(exists=True, dir_okay=False), help="Genesis to join.")
@click.option("--state-sync", default="", metavar="HOST:PORT,HOST:PORT",
              help="Join from a snapshot: CometBFT's RPC of two nodes or more, of different people.")
@click.option("--trust", default="", metavar="HEIGHT:HASH",
              help="With --state-sync: the block to start from, from a source you trust; else the newest block.")
@places
def init(session: Session, **options: Any) -> None:
    """Make a home: keys, genesis and settings. With --genesis it joins a chain, else it begins one of its own."""
    make_home(session, options)


def make_home(session: Session, options: dict[str, Any]) -> None:
    """Write keys, genesis and settings of a new home; `sole_validator` has it begin an imported genesis alone."""
    home = session.paths
    wrong = [peer for peer in options["peers"].split(",") if peer and not PEER.fullmatch(peer)]
    if wrong:
        fail(f"{wrong[0]!r} is no peer: write NODE_ID@HOST:PORT, with the node id that `novation status` shows there",
             EXIT_USAGE)
    state_sync = _state_sync(options)
    if home.exists():
        fail(f"{home.root} is a home already: run it with `novation start --home {home.root}`, or give another --home")
    try:
        home.create()
    except OSError as error:
        fail(f"cannot make {home.root}: {error}", EXIT_USAGE)
    node_key, validator_key = keys.CometKey.random(), keys.CometKey.random()
    if options.get("sole_validator"):
        document = json.loads(Path(options["genesis_file"]).read_text(encoding="utf-8"))
        validator = config.GenesisValidator.of(options["moniker"], validator_key)
        config.write_genesis(home.genesis_file, with_sole_validator(document, validator))
    elif options["genesis_file"]:
        shutil.copyfile(options["genesis_file"], home.genesis_file)
    else:
        config.write_genesis(home.genesis_file, _new_genesis(session, options, validator_key))
    keys.write_node_key(home.node_key_file, node_key)
    keys.write_validator_key(home.validator_key_file, validator_key)
    keys.write_validator_state(home.validator_state_file)
    try:
        settings = _first_settings(json.loads(home.genesis_file.read_text(encoding="utf-8")))
    except (KeyError, TypeError, ValueError) as error:
        fail(f"{options['genesis_file']} is no genesis: {error!r}", EXIT_USAGE)
    settings.gateway = GatewaySettings(options["gateway"], options["web"])
    settings.telemetry = TelemetrySettings(*_metrics(options)[:2])
    settings.logs = LogSettings(options["log_format"])
    write_settings(home, settings)
    config.write_config(home, _comet_settings(options, state_sync))
    data = {
        "home": str(home.root),
        "node_id": node_key.address.hex(),
        "validator_address": validator_key.address.hex().upper(),
        "gateway": options["gateway"],
        "web": options["web"],
        "trust": f"{state_sync.trust_height}:{state_sync.trust_hash}" if state_sync.servers else "",
    }
    session.emit(data, f"home {home.root}\nnode id {data['node_id']}\nnext: `novation start --home {home.root}`")


def _first_settings(genesis: dict[str, Any]) -> Settings:
    """On a test network every feed walks from its price of genesis, on all nodes alike. Elsewhere its validators choose
    their sources.
    """
    app_state = plain(genesis["app_state"])
    if not app_state["params"].get("test_network"):
        return Settings()
    start = datetime.fromisoformat(genesis["genesis_time"])
    feeds = [FeedSettings(symbol, [source]) for symbol, source in made_up(app_state).items()]
    prices = PricesSettings(start_ns=int(start.timestamp()) * 10**9)
    return Settings(prices=prices, feeds=feeds, surfaces=made_up_surfaces(app_state))


def _metrics(options: dict[str, Any]) -> tuple[str, str, str]:
    """Where engine, gateway and CometBFT serve figures; empty: nowhere."""
    first = options["metrics_port"]
    engine, gateway, comet = (f"127.0.0.1:{first + at}" if first else "" for at in range(3))
    return engine, gateway, comet


def _state_sync(options: dict[str, Any]) -> StateSync:
    """What is trusted of a chain that is joined from a snapshot, or the end with what is wrong."""
    servers = [server for server in options["state_sync"].split(",") if server]
    if not servers:
        return StateSync()
    if not (options["genesis_file"] and options["peers"]):
        fail("--state-sync joins a chain: it needs --genesis and --peers too", EXIT_USAGE)
    try:
        return trusted_by(servers, options["trust"])
    except TrustError as error:
        fail(f"nothing to trust: {error}", EXIT_UNREACHABLE)


def _comet_settings(options: dict[str, Any], state_sync: StateSync) -> config.CometSettings:
    return config.CometSettings(
        state_sync=state_sync,
        metrics_listen=_metrics(options)[2],
        moniker=options["moniker"],
        rpc_listen=options["rpc"],
        p2p_listen=options["p2p"],
        persistent_peers=[peer for peer in options["peers"].split(",") if peer],
        log_level="error",
        log_format=options["log_format"],
    )


def _new_genesis(session: Session, options: dict[str, Any], validator_key: keys.CometKey) -> dict[str, Any]:
    """A chain of one validator. The home stays unusable when this fails: without a genesis it is none."""

    def resolve(name: str) -> str:
        try:
            return find(session, name).owner
        except KeystoreError as error:
            raise KeyError(name) from error

    try:
        app_state = build(read_preset(options["preset"]), resolve)
        wrong = check_app_state(app_state)
        if wrong:
            fail("\n".join(wrong))
        validator = config.GenesisValidator.of(options["moniker"], validator_key)
        return config.genesis_document(options["chain_id"], [validator], app_state, time.time_ns(), APP_VERSION)
    except (PresetError, ValueError) as error:
        fail(str(error), EXIT_USAGE)


@command()
@log_format_option(default=None)
def start(session: Session, log_format: str | None) -> None:
    """Run the node of this home until Ctrl-C or SIGTERM; restart what dies. --log-format wins over novation.toml."""
    home = existing_home(session)
    try:
        refuse_stale()
        settings = read_settings(home)
    except (StaleCode, SettingsError) as error:
        fail(str(error))
    settings.logs.format = log_format or settings.logs.format
    say = reporter(settings.logs.format, lambda line: session.talk.print(line, markup=False, soft_wrap=True))
    say(f"node at {home.root}; logs in {home.logs}; Ctrl-C stops it")
    try:
        run_node(home, settings, say, HeightReporter(comet_look(config.rpc_address(home)), say))
    except (BlockingIOError, FileNotFoundError, ValueError) as error:
        fail(str(error))


@command()
@click.option("--timeout", metavar="SECONDS", default=20.0, show_default=True, help="Seconds to wait for it to end.")
def stop(session: Session, timeout: float) -> None:
    """Stop the node of this home, wherever `novation start` runs it."""
    home = existing_home(session)
    pid = read_pid(home, "supervisor")
    if pid is None or not stop_by_pid(pid, timeout):
        fail(f"no node runs at {home.root}: start it with `novation start --home {home.root}`", EXIT_UNREACHABLE)
    session.emit({"stopped": str(home.root)}, f"stopped the node at {home.root}")


def existing_home(session: Session) -> Home:
    """The home, or the end with what to do when there is none."""
    home = session.paths
    if not home.exists():
        fail(f"no node at {home.root}: make one with `novation init --home {home.root}`, or a network with "
             "`novation localnet up`", EXIT_USAGE)
    return home


def read_pid(home: Home, process: str) -> int | None:
    """The pid that `process` of this home had when it was last seen, if it is alive."""
    try:
        pid = int(home.pid_file(process).read_text(encoding="ascii"))
    except (FileNotFoundError, ValueError):
        return None
    return pid if identify(pid) else None


@command()
def status(session: Session) -> None:
    """Where the node of this home stands, by its consensus and by its engine."""
    home = existing_home(session)
    address = config.rpc_address(home)
    try:
        with CometRpc(address) as rpc:
            comet, peers = rpc.status(), rpc.peers()
    except (RpcUnreachable, RpcError) as error:
        fail(f"{error}; start the node with `novation start --home {home.root}`", EXIT_UNREACHABLE)
    data = status_data(comet, peers)
    names = ("supervisor", "engine", "cometbft", "gateway", *(("feeder",) if read_settings(home).feeds else ()))
    data["processes"] = {name: read_pid(home, name) for name in names}
    texts = data | {"processes": ", ".join(f"{name} {pid or 'down'}" for name, pid in data["processes"].items())}
    session.emit(data, "\n".join(f"{name:<18} {value}" for name, value in texts.items()))


def status_data(comet: CometStatus, peers: int) -> dict[str, Any]:
    return {
        "chain_id": comet.chain_id,
        "moniker": comet.moniker,
        "height": comet.height,
        "earliest_height": comet.earliest_height,
        "app_hash": comet.app_hash,
        "block_time": comet.block_time,
        "catching_up": comet.catching_up,
        "peers": peers,
        "voting_power": comet.voting_power,
        "node_id": comet.node_id,
    }


@command()
@click.option("--long", is_flag=True, help="Also the packages whose versions consensus depends on.")
def version(session: Session, long: bool) -> None:
    """Versions: the program, its protocol, CometBFT, and with --long what else consensus rests on."""
    own = package_version("novation")
    data: dict[str, Any] = {"novation": own, "app_version": APP_VERSION, "cometbft": COMETBFT_VERSION}
    if long:
        data |= {name: package_version(name) for name in PACKAGES if name != "novation"}
        data["protobuf_implementation"] = api_implementation.Type()
        data["python"] = platform.python_version()
        data["platform"] = f"{sys.platform} {platform.machine()}"
    session.emit(data, "\n".join(f"{name:<24}{value}" for name, value in data.items()))

