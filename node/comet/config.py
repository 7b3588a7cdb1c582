"""CometBFT's config.toml and genesis.json, written by us: only what differs from its defaults, each with its reason."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import tomlkit

from node.comet.keys import CometKey
from node.comet.statesync import StateSync
from node.home import Home

MAX_ENVELOPE_BYTES = 65_536
MAX_BLOCK_BYTES = 4_000_000
COMET_LOG_FORMATS = {"console": "plain", "json": "json"}  # by what novation.toml calls it


@dataclass(slots=True)
class CometSettings:
    """What differs between nodes. Addresses are `host:port`; peers are `node id@host:port`."""

    moniker: str
    rpc_listen: str = "127.0.0.1:26601"
    p2p_listen: str = "127.0.0.1:26600"
    persistent_peers: list[str] = field(default_factory=list)
    proxy_app: str = ""  # empty: the engine's socket in the home
    mempool: str = "app"
    local_network: bool = False  # several nodes on one address that find each other by persistent peers alone
    timeout_commit_ms: int = 200
    timeout_propose_ms: int = 2_000
    log_level: str = "info"
    log_format: str = "console"  # or json, as the logs of our own processes
    state_sync: StateSync = field(default_factory=StateSync)
    metrics_listen: str = ""  # where Prometheus finds CometBFT's own figures; empty: nowhere


@dataclass(frozen=True, slots=True)
class GenesisValidator:
    name: str
    key: dict[str, str]  # the public key as CometBFT writes it
    address: str
    power: int = 10

    @staticmethod
    def of(name: str, key: CometKey, power: int = 10) -> "GenesisValidator":
        return GenesisValidator(name, key.public_json, key.address.hex().upper(), power)


def config_document(settings: CometSettings, home: Home) -> tomlkit.TOMLDocument:
    """The config.toml for `settings`. A key that is absent has CometBFT's default."""
    document = tomlkit.document()
    document.add(tomlkit.comment("CometBFT's settings for a Novation node; what is not here has CometBFT's default."))
    document["proxy_app"] = settings.proxy_app or f"unix://{home.abci_socket}"
    document["moniker"] = settings.moniker
    document["log_level"] = settings.log_level
    document["log_format"] = COMET_LOG_FORMATS[settings.log_format]
    document["rpc"] = _table(laddr=f"tcp://{settings.rpc_listen}", unsafe=False, max_body_bytes=1_000_000)
    document["p2p"] = _table(
        laddr=f"tcp://{settings.p2p_listen}",
        persistent_peers=",".join(settings.persistent_peers),
        persistent_peers_max_dial_period="1s",
        pex=not settings.local_network,
        allow_duplicate_ip=settings.local_network,
        addr_book_strict=not settings.local_network,
    )
    document["mempool"] = _mempool(settings.mempool)
    document["consensus"] = _consensus(settings)
    if settings.state_sync.servers:
        document["statesync"] = _state_sync(settings.state_sync)
    document["tx_index"] = _table(indexer="null")
    _why(document["tx_index"], "indexer", "the gateway keeps what traders look up; a validator indexes nothing")
    document["instrumentation"] = _table(prometheus=bool(settings.metrics_listen))
    if settings.metrics_listen:
        document["instrumentation"]["prometheus_listen_addr"] = settings.metrics_listen  # type: ignore[index]
    return document


def _state_sync(wanted: StateSync) -> Any:
    table = _table(
        enable=True,
        rpc_servers=",".join(wanted.servers),
        trust_height=wanted.trust_height,
        trust_hash=wanted.trust_hash,
        trust_period="168h0m0s",
        discovery_time="5s",
        chunk_fetchers="4",
    )
    _why(table, "enable", "takes effect while there is no state; later starts go on from what is there")
    return table


def _mempool(kind: str) -> Any:
    if kind != "app":
        return _table(type=kind)
    table = _table(
        type="app",
        max_tx_bytes=MAX_ENVELOPE_BYTES,
        max_batch_bytes=4 * MAX_ENVELOPE_BYTES,
        seen_cache_size=200_000,
        reap_interval="50ms",
        check_tx_retry_delay="1s",
    )
    _why(table, "max_batch_bytes", "bounds the burst of insertions one message of a peer can cause")
    return table


def _consensus(settings: CometSettings) -> Any:
    table = _table(
        timeout_propose=f"{settings.timeout_propose_ms}ms",
        timeout_commit=f"{settings.timeout_commit_ms}ms",
        create_empty_blocks=True,
        peer_gossip_sleep_duration="10ms",
    )
    _why(table, "timeout_commit", "lets late precommits in and keeps an idle chain from spinning")
    _why(table, "create_empty_blocks", "must stay true: with the app mempool nothing would ever start a block")
    return table


def _why(table: Any, key: str, reason: str) -> None:
    item = tomlkit.item(table[key])
    item.comment(reason)
    table[key] = item


def _table(**values: Any) -> Any:
    table = tomlkit.table()
    for key, value in values.items():
        table[key] = value
    return table


def write_config(home: Home, settings: CometSettings) -> None:
    home.comet_config_file.write_text(tomlkit.dumps(config_document(settings, home)), encoding="utf-8")


def edit_config(home: Home, changes: dict[str, Any]) -> None:
    """Set dotted keys (`"p2p.persistent_peers"`) in an existing config.toml and keep everything else as it stands."""
    document = tomlkit.parse(home.comet_config_file.read_text(encoding="utf-8"))
    for dotted, value in changes.items():
        *sections, key = dotted.split(".")
        table: Any = document
        for section in sections:
            table = table.setdefault(section, tomlkit.table())
        table[key] = value
    home.comet_config_file.write_text(tomlkit.dumps(document), encoding="utf-8")


def genesis_document(
    chain_id: str, validators: list[GenesisValidator], app_state: dict[str, Any], time_ns: int, app_version: int
) -> dict[str, Any]:
    """CometBFT's genesis.json. `version.app` must equal what Info answers, else state sync fails at its very end."""
    if not 1 <= len(chain_id) <= 50:
        raise ValueError(f"chain id {chain_id!r} must have 1 to 50 characters")
    if not validators:
        raise ValueError("a genesis needs at least one validator")
    return {
        "genesis_time": genesis_time(time_ns),
        "chain_id": chain_id,
        "initial_height": "1",
        "consensus_params": {
            "block": {"max_bytes": str(MAX_BLOCK_BYTES), "max_gas": "-1"},
            "evidence": {"max_age_num_blocks": "100000", "max_age_duration": "172800000000000", "max_bytes": "1048576"},
            "validator": {"pub_key_types": ["ed25519"]},
            "version": {"app": str(app_version)},
            "abci": {"vote_extensions_enable_height": "1"},
        },
        "validators": [
            {"address": one.address, "pub_key": one.key, "power": str(one.power), "name": one.name}
            for one in validators
        ],
        "app_hash": "",
        "app_state": app_state,
    }


def genesis_time(time_ns: int) -> str:
    """RFC 3339 with nanoseconds, in UTC."""
    seconds, nanoseconds = divmod(time_ns, 1_000_000_000)
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{nanoseconds:09d}Z"


def write_genesis(path: Path, document: dict[str, Any]) -> None:
    """Whole or not at all: who is interrupted leaves what was there."""
    beside = path.with_name(path.name + ".new")
    beside.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    beside.replace(path)


def rpc_address(home: Home) -> str:
    """host:port of CometBFT's RPC as config.toml says. Raises ValueError when it does not."""
    document = tomlkit.parse(home.comet_config_file.read_text(encoding="utf-8"))
    try:
        return str(document["rpc"]["laddr"]).removeprefix("tcp://")  # type: ignore[index]
    except KeyError as error:
        raise ValueError(f"{home.comet_config_file} has no rpc.laddr") from error


def listen_addresses(home: Home) -> list[str]:
    """host:port of CometBFT's peers, RPC and figures as config.toml says. Raises ValueError when one is missing."""
    document = tomlkit.parse(home.comet_config_file.read_text(encoding="utf-8"))
    try:
        p2p = str(document["p2p"]["laddr"]).removeprefix("tcp://")  # type: ignore[index]
    except KeyError as error:
        raise ValueError(f"{home.comet_config_file} has no p2p.laddr") from error
    figures = document.get("instrumentation", {})
    return [p2p, rpc_address(home), str(figures["prometheus_listen_addr"]) if figures.get("prometheus") else ""]


def wants_state_sync(home: Home) -> bool:
    """Whether config.toml names servers for state sync."""
    document = tomlkit.parse(home.comet_config_file.read_text(encoding="utf-8"))
    return bool(document.get("statesync", {}).get("rpc_servers"))


def persistent_peers(home: Home) -> list[str]:
    """The peers that config.toml names."""
    document = tomlkit.parse(home.comet_config_file.read_text(encoding="utf-8"))
    return [peer for peer in str(document.get("p2p", {}).get("persistent_peers", "")).split(",") if peer]
