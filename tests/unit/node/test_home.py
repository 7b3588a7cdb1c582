"""A node's home: where things are, and what happens when the path is too long for a socket."""

import os
import stat
from pathlib import Path

import pytest

from node.home import SOCKET_PATH_BYTES_MAX, Home, default_home


def test_paths_lie_under_the_root(tmp_path: Path) -> None:
    home = Home.at(tmp_path / "n")
    home.create()
    assert home.abci_socket == tmp_path / "n" / "run" / "abci.sock" or len(str(tmp_path)) > 80
    assert home.engine.is_dir()
    assert stat.S_IMODE(home.run.stat().st_mode) == 0o700
    assert not home.exists()


def test_a_relative_path_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Home.at("here").root == tmp_path / "here"


def test_sockets_of_a_long_path_go_to_a_private_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "t"))
    (tmp_path / "t").mkdir()
    home = Home.at(tmp_path / ("x" * SOCKET_PATH_BYTES_MAX))
    home.create()
    assert home.sockets.parent == tmp_path / "t"
    assert stat.S_IMODE(home.sockets.stat().st_mode) == 0o700
    assert home.sockets == Home.at(home.root).sockets
    assert home.sockets != Home.at(tmp_path / ("y" * SOCKET_PATH_BYTES_MAX)).sockets


def test_a_socket_folder_open_to_others_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    home = Home.at(tmp_path / ("x" * SOCKET_PATH_BYTES_MAX))
    home.sockets.mkdir()
    os.chmod(home.sockets, 0o777)
    with pytest.raises(PermissionError, match="--home"):
        home.create()


def test_the_default_home_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOVATION_HOME", "/somewhere")
    assert default_home() == Path("/somewhere")
    monkeypatch.delenv("NOVATION_HOME")
    assert default_home() == Path.home() / ".novation"
