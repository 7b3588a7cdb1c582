"""The homes of a local network: keys, one genesis for all, a full mesh of peers."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path

from app.chain import Chain
from app.errors import GenesisError
from app.options.genesis import TERMS
from app.params import APP_VERSION
from app.store.view import DictReader
from genesis.builder import AppState, build, canonical, read_preset
from node.comet.config import CometSettings, GenesisValidator, genesis_document, write_config, write_genesis
from node.comet.keys import (
    CometKey,
    read_key,
    write_node_key,
    write_validator_key,
    write_validator_state,
)
from node.home import Home
from node.keys.dev import dev_key
from node.localnet.plan import PLAN_FILE, MarketPlan, NodePlan, Plan, PlanError, load_plan
from node.settings import (
    DATES,
    FeedSettings,
    GatewaySettings,
    LogSettings,
    PricesSettings,
    Settings,
    SnapshotSettings,
    SurfaceSettings,
    TelemetrySettings,
    write_settings,
)

LOCK_FILE = "lock"
TIMEOUT_COMMIT_MS = 200
MADE_UP_VOLATILITY = "200"  # percent a year: what a price that walks (node.prices.models) moves
USUAL_DATES = {name: TERMS[name][2] for name in DATES}
SNAPSHOT_BLOCKS = 100
NOISE_PPM = 200  # of an honest feeder: so much it may differ from what is true


def dev_owner(name: str) -> str:
    """The address of a dev key in hex. Raises KeyError for other names."""
    return dev_key(name).owner.hex()


@contextmanager
def hold(directory: Path) -> Iterator[None]:
    """Keep the directory for this process alone; the kernel frees it however the process ends. Raises PlanError."""
    directory.mkdir(parents=True, exist_ok=True)
    with open(directory / LOCK_FILE, "a", encoding="ascii") as lock:
        try:
            flock(lock, LOCK_EX | LOCK_NB)
        except BlockingIOError as error:
            raise PlanError(f"a localnet runs in {directory} already: `novation localnet down --dir {directory}`, "
                            "or choose another --dir") from error
        yield


def is_held(directory: Path) -> bool:
    """Whether a process holds the directory."""
    if not (directory / LOCK_FILE).exists():
        return False
    try:
        with hold(directory):
            return False
    except PlanError:
        return True


def clear(directory: Path) -> None:
    """Remove the homes of an earlier network. Only what its plan names: nothing else in the folder is touched."""
    if not (directory / PLAN_FILE).exists():
        return
    try:
        names = [Path(node.home).name for node in load_plan(directory).nodes]
    except PlanError:
        names = [path.name for path in directory.glob("node*") if (path / "config").is_dir()]
    for name in names:
        home = Home.at(directory / name)
        shutil.rmtree(home.sockets, ignore_errors=True)  # lies elsewhere when the path is long
        shutil.rmtree(home.root, ignore_errors=True)
    (directory / PLAN_FILE).unlink()


def make_homes(plan: Plan, app_state: AppState, time_ns: int | None = None) -> None:
    """New homes for all nodes of `plan`: keys, the common genesis, settings."""
    validators = []
    for node in plan.nodes:
        home = node.paths
        home.create()
        node_key, validator_key = CometKey.random(), CometKey.random()
        write_node_key(home.node_key_file, node_key)
        write_validator_key(home.validator_key_file, validator_key)
        write_validator_state(home.validator_state_file)
        validators.append(GenesisValidator.of(node.name, validator_key))
    document = genesis_document(plan.chain_id, validators, app_state, time_ns or time.time_ns(), APP_VERSION)
    for node in plan.nodes:
        write_genesis(node.paths.genesis_file, document)
    configure(plan)


def configure(plan: Plan) -> None:
    """(Re)write the settings of all nodes: ports and peers. Keys, genesis and state stay as they are."""
    for node in plan.nodes:
        node.paths.create()
        node.node_id = read_key(node.paths.node_key_file).address.hex()
    for node in plan.nodes:
        write_config(node.paths, comet_settings(plan, node))
        write_settings(node.paths, node_settings(plan, node))


def comet_settings(plan: Plan, node: NodePlan) -> CometSettings:
    peers = [f"{peer.node_id}@127.0.0.1:{peer.p2p_port}" for peer in plan.nodes if peer is not node]
    return CometSettings(
        moniker=node.name,
        rpc_listen=node.rpc,
        p2p_listen=f"127.0.0.1:{node.p2p_port}",
        persistent_peers=peers,
        local_network=True,
        timeout_commit_ms=TIMEOUT_COMMIT_MS,
        log_level="error",
        metrics_listen=node.metrics[2],
        log_format=plan.log_format,
    )


def node_settings(plan: Plan, node: NodePlan) -> Settings:
    """Each node has a feeder of its own; all see the same prices, each with other noise."""
    prices = PricesSettings(
        start_ns=plan.start_ns,
        speed=plan.speed,
        seed=plan.seed,
        noise_ppm=NOISE_PPM,
        noise_seed=plan.nodes.index(node),
        behaviour=node.behaviour,
    )
    feeds = [FeedSettings(symbol, [source]) for symbol, source in plan.feeds.items()]
    telemetry = TelemetrySettings(*node.metrics[:2])
    surfaces = [SurfaceSettings(**one) for one in plan.surfaces]
    return Settings(gateway=GatewaySettings(node.gateway, node.web), snapshots=SnapshotSettings(SNAPSHOT_BLOCKS),
                    telemetry=telemetry, logs=LogSettings(plan.log_format), prices=prices, feeds=feeds,
                    surfaces=surfaces)


def made_up(app_state: AppState, model: str = "walk") -> dict[str, str]:
    """A source for each feed of a test network: a model of node.prices that begins at the price of genesis."""
    return {symbol: f"{model}:{price:f}" for symbol, price in first_prices(app_state).items()}


def made_up_surfaces(app_state: AppState) -> list[SurfaceSettings]:
    """What feeders of a test network say of volatility: for each class of options as much as prices made up here move,
    for just the expiries that the chain lists.
    """
    symbols = {one["feed"]: one["symbol"] for one in app_state.get("feeds", ())}
    return [SurfaceSettings(symbols[one["feed"]], MADE_UP_VOLATILITY, **{name: one.get(name, usual)
                                                                       for name, usual in USUAL_DATES.items()})
            for one in app_state.get("options", ())]


def first_prices(app_state: AppState) -> dict[str, Decimal]:
    """The price of each feed at genesis, by symbol."""
    return {one["symbol"]: Decimal(one["price"]).scaleb(-one["decimals"]) for one in app_state.get("feeds", ())}


def market_plans(app_state: AppState) -> list[MarketPlan]:
    """What the plan keeps of the markets of genesis."""
    prices = first_prices(app_state)
    symbols = {one["feed"]: one["symbol"] for one in app_state.get("feeds", ())}
    return [MarketPlan(one["market"], one["symbol"], one["lot_size"], f"{prices[symbols[one['feed']]]:f}")
            for one in app_state.get("markets", ())]


def localnet_state(preset: str, first_price: Decimal | None = None) -> AppState:
    """The first state of a local network; the price of the first feed is `first_price` where a replay begins there."""
    document = read_preset(preset)
    if first_price is not None and document.get("feeds"):
        feed = document["feeds"][0]
        feed["price"] = f"{round(first_price, feed['decimals']):f}"
    return build(document, dev_owner)


def check_app_state(app_state: AppState) -> list[str]:
    """What the chain itself says of a genesis: the very code that runs at InitChain. Empty when it accepts."""
    try:
        Chain(DictReader()).init_chain("check", 1, 1, canonical(app_state))
    except GenesisError as error:
        return [str(error)]
    return []
