"""novation.toml: strict, so that a typing mistake is heard."""

from pathlib import Path

import pytest

from node.home import Home
from node.settings import (
    FeedSettings,
    PricesSettings,
    Settings,
    SettingsError,
    SurfaceSettings,
    parse_settings,
    read_settings,
    write_settings,
)


def test_settings_come_back_as_written(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    home.create()
    settings = Settings(
        prices=PricesSettings(speed=2.5, behaviour="liar"),
        feeds=[FeedSettings("USDT/USD", ["static:1"]), FeedSettings("BTC/USD", ["kraken:BTC/USD"], 1, 3.0, 500)],
        surfaces=[SurfaceSettings("BTC/USD", "55.5", ["2027-03-26T08:00:00Z"])],
    )
    write_settings(home, settings)
    assert read_settings(home) == settings


def test_nothing_written_means_the_defaults() -> None:
    assert parse_settings("") == Settings()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[gatewy]\n", "gatewy"),
        ("[logs]\nformat = 'xml'\n", "console or json"),
        ("[gateway]\nlissen = 'x'\n", "lissen"),
        ("[gateway]\nlisten = 3\n", "listen must be str"),
        ("gateway = 3\n", r"\[gateway\] has no settings"),
        ("[prices]\nseed = true\n", "seed must be int"),
        ("[feeds]\nsymbol = 'A/USD'\n", r"write \[\[feeds\]\]"),
        ("feeds = [3]\n", r"\[\[feeds\]\] has no settings"),
        ("[[feeds]]\nsimbol = 'A/USD'\n", "simbol"),
        ("[[feeds]]\nsources = 'static:1'\n", "sources must be list"),
        ("[[feeds]]\nsources = [1]\n", "list of texts"),
        ("[[surfaces]]\nvolatility_percent = 60\n", "volatility_percent must be str"),
        ("[prices]\nspeed = 'fast'\n", "speed must be float"),
        ("gateway = ", "Invalid value"),
    ],
)
def test_mistakes_are_named(text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        parse_settings(text)


def test_a_missing_file_names_the_next_command(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="novation init"):
        read_settings(Home.at(tmp_path))
