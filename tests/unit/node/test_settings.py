"""novation.toml: strict, so that a typing mistake is heard."""

from pathlib import Path

import pytest

from node.home import Home
from node.settings import PricesSettings, Settings, SettingsError, parse_settings, read_settings, write_settings


def test_settings_come_back_as_written(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    home.create()
    settings = Settings(prices=PricesSettings(provider="csv", file="p.csv", speed=2.5))
    write_settings(home, settings)
    assert read_settings(home) == settings


def test_nothing_written_means_the_defaults() -> None:
    assert parse_settings("") == Settings()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[gatewy]\n", "gatewy"),
        ("[gateway]\nlissen = 'x'\n", "lissen"),
        ("[gateway]\nlisten = 3\n", "listen must be str"),
        ("[prices]\nmarket = true\n", "market must be int"),
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
