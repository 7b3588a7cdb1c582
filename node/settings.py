"""`novation.toml`: what a node's own processes need to know beside CometBFT's config.toml."""

import tomllib
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import tomlkit

from node.home import Home

DEFAULT_GATEWAY = "127.0.0.1:26602"


class SettingsError(ValueError):
    """novation.toml is missing or says something unknown; the message names the place."""


@dataclass(slots=True)
class EngineSettings:
    """`keep_blocks`: how many blocks CometBFT keeps for others and for queries, at least a hundred or so; 0 keeps
    all."""

    keep_blocks: int = 0


@dataclass(slots=True)
class GatewaySettings:
    """The gRPC server. `listen` is host:port; empty runs no gateway."""

    listen: str = DEFAULT_GATEWAY


@dataclass(slots=True)
class PricesSettings:
    """The price feeder of a test network: `provider` "" (none), "walk" or "csv". REMOVE with the consensus oracle."""

    provider: str = ""
    file: str = ""
    market: int = 1
    interval_ms: int = 1_000
    speed: float = 60.0
    seed: int = 1


@dataclass(slots=True)
class Settings:
    engine: EngineSettings = field(default_factory=EngineSettings)
    gateway: GatewaySettings = field(default_factory=GatewaySettings)
    prices: PricesSettings = field(default_factory=PricesSettings)


SECTIONS: dict[str, type] = {"engine": EngineSettings, "gateway": GatewaySettings, "prices": PricesSettings}


def parse_settings(text: str) -> Settings:
    """Settings from TOML. Unknown sections and keys are errors, so that a typing mistake does not pass silently."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(str(error)) from error
    unknown = sorted(set(document) - set(SECTIONS))
    if unknown:
        raise SettingsError(f"unknown section [{unknown[0]}]; known are {', '.join(sorted(SECTIONS))}")
    return Settings(**{name: _section(name, kind, document.get(name, {})) for name, kind in SECTIONS.items()})


def _section(name: str, kind: type, values: dict[str, Any]) -> Any:
    defaults = asdict(kind())
    for key, value in values.items():
        if key not in defaults:
            raise SettingsError(f"[{name}] has no setting {key!r}; it has {', '.join(defaults)}")
        wanted = type(defaults[key])
        if not isinstance(value, (int, float) if wanted is float else wanted) or isinstance(value, bool):
            raise SettingsError(f"[{name}] {key} must be {wanted.__name__}, not {value!r}")
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
    for section in fields(settings):
        document[section.name] = asdict(getattr(settings, section.name))
    home.settings_file.write_text(tomlkit.dumps(document), encoding="utf-8")
