"""`novation.toml`: what a node's own processes need to know beside CometBFT's config.toml."""

import tomllib
from dataclasses import asdict, dataclass, field
from typing import Any

import tomlkit

from node.home import Home

DEFAULT_GATEWAY = "127.0.0.1:26602"
LOG_FORMATS = ("console", "json")


class SettingsError(ValueError):
    """novation.toml is missing or says something unknown; the message names the place."""


@dataclass(slots=True)
class EngineSettings:
    """`keep_blocks`: how many blocks CometBFT keeps for others and for queries, at least a hundred or so; 0 keeps
    all."""

    keep_blocks: int = 0


@dataclass(slots=True)
class GatewaySettings:
    """The gRPC server. `listen` is host:port; empty runs no gateway. `web_listen` is where the gateway serves the web
    page; empty: nowhere. Clients of one address may have so many streams, and send so many envelopes a second; behind a
    proxy all clients have its address."""

    listen: str = DEFAULT_GATEWAY
    web_listen: str = ""
    address_streams: int = 600
    address_envelopes: int = 2_000


@dataclass(slots=True)
class SnapshotSettings:
    """A snapshot for nodes that join every `interval` blocks (0: none), of which `keep` are kept, two at least."""

    interval: int = 0
    keep: int = 2


@dataclass(slots=True)
class TelemetrySettings:
    """Where Prometheus fetches figures, HOST:PORT of the loopback each; empty serves none."""

    engine: str = ""
    gateway: str = ""


@dataclass(slots=True)
class LogSettings:
    """`format` of the logs of all processes, CometBFT's too: console (for people) or json (an object a line)."""

    format: str = "console"


@dataclass(slots=True)
class PricesSettings:
    """The price feeder, which runs when there are `[[feeds]]`.

    It observes every `interval_ms`. Replays and walks of test networks begin at `start_ns` (since 1970), the same on
    all nodes, as `speed` and `seed` are; `noise_ppm` and `noise_seed` make a node differ; `behaviour` is honest, liar
    or silent.
    """

    interval_ms: int = 500
    start_ns: int = 0
    speed: float = 1.0
    seed: int = 1
    noise_ppm: int = 0
    noise_seed: int = 0
    behaviour: str = "honest"


@dataclass(slots=True)
class FeedSettings:
    """What something is worth in USD, and who knows: `walk:46000`, `static:1`, `volatile:46000`, `replay:FILE`,
    `kraken:BTC/USD`, `kraken+ws:BTC/USD` (any exchange of ccxt; where the quote is not the feed's, as in
    `binance:BTC/USDT`, there must be a feed `USDT/USD`).

    A source counts with a price no older than `max_age_s` and within `agree_ppm` of the median; `min_sources` 0 asks
    for more than half of them.
    """

    symbol: str = ""
    sources: list[str] = field(default_factory=list)
    min_sources: int = 0
    max_age_s: float = 15.0
    agree_ppm: int = 20_000


DATES = ("hour_s", "daily", "weekly", "monthly", "quarterly", "short_s", "shorts")  # as app.options.rules.schedule has


@dataclass(slots=True)
class SurfaceSettings:
    """A made-up volatility surface of a test network: about `volatility_percent` a year, for `expiries` in ISO 8601
    and for all that the chain lists by its rule (OPT-004, OPT-005), of which these are the terms.
    """

    symbol: str = ""
    volatility_percent: str = "60"
    expiries: list[str] = field(default_factory=list)
    hour_s: int = 0
    daily: int = 0
    weekly: int = 0
    monthly: int = 0
    quarterly: int = 0
    short_s: int = 0
    shorts: int = 0


@dataclass(slots=True)
class Settings:
    engine: EngineSettings = field(default_factory=EngineSettings)
    gateway: GatewaySettings = field(default_factory=GatewaySettings)
    snapshots: SnapshotSettings = field(default_factory=SnapshotSettings)
    telemetry: TelemetrySettings = field(default_factory=TelemetrySettings)
    logs: LogSettings = field(default_factory=LogSettings)
    prices: PricesSettings = field(default_factory=PricesSettings)
    feeds: list[FeedSettings] = field(default_factory=list)
    surfaces: list[SurfaceSettings] = field(default_factory=list)


SECTIONS: dict[str, type] = {"engine": EngineSettings, "gateway": GatewaySettings, "snapshots": SnapshotSettings,
                             "telemetry": TelemetrySettings, "logs": LogSettings, "prices": PricesSettings}
LISTS: dict[str, type] = {"feeds": FeedSettings, "surfaces": SurfaceSettings}


def parse_settings(text: str) -> Settings:
    """Settings from TOML. Unknown sections and keys are errors, so that a typing mistake does not pass silently."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(str(error)) from error
    unknown = sorted(set(document) - set(SECTIONS) - set(LISTS))
    if unknown:
        raise SettingsError(f"unknown section [{unknown[0]}]; known are {', '.join(sorted(SECTIONS | LISTS))}")
    sections = {name: _section(f"[{name}]", kind, document.get(name, {})) for name, kind in SECTIONS.items()}
    lists = {name: _list(name, kind, document.get(name, [])) for name, kind in LISTS.items()}
    settings = Settings(**sections, **lists)
    if settings.logs.format not in LOG_FORMATS:
        raise SettingsError(f"[logs] format must be {' or '.join(LOG_FORMATS)}, not {settings.logs.format!r}")
    return settings


def _list(name: str, kind: type, items: Any) -> list[Any]:
    if not isinstance(items, list):
        raise SettingsError(f"[{name}] is a list: write [[{name}]]")
    return [_section(f"[[{name}]]", kind, values) for values in items]


def _section(name: str, kind: type, values: Any) -> Any:
    if not isinstance(values, dict):
        raise SettingsError(f"{name} has no settings, but {values!r}")
    defaults = asdict(kind())
    for key, value in values.items():
        if key not in defaults:
            raise SettingsError(f"{name} has no setting {key!r}; it has {', '.join(defaults)}")
        wanted = type(defaults[key])
        if not isinstance(value, (int, float) if wanted is float else wanted) or isinstance(value, bool):
            raise SettingsError(f"{name} {key} must be {wanted.__name__}, not {value!r}")
        if wanted is list and not all(isinstance(item, str) for item in value):
            raise SettingsError(f"{name} {key} must be a list of texts, not {value!r}")
    return kind(**values)


def read_settings(home: Home) -> Settings:
    try:
        return parse_settings(home.settings_file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SettingsError(f"{home.settings_file} is missing: run `novation init --home {home.root}`") from error
    except SettingsError as error:
        raise SettingsError(f"{home.settings_file}: {error}") from error


def write_settings(home: Home, settings: Settings) -> None:
    document = tomlkit.document()
    document.add(tomlkit.comment("Novation's own settings of this node; CometBFT's are in config.toml."))
    for name, content in asdict(settings).items():
        if content:
            document[name] = content
    home.settings_file.write_text(tomlkit.dumps(document), encoding="utf-8")
