"""Set-up says what to do when Go or CometBFT is missing, too old, or not what was named."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from node.comet.install import BINARY, PROJECT, cometbft_binary, go_command, install


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder in which programs are found."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("COMETBFT", raising=False)
    return tmp_path


def program(folder: Path, name: str, prints: str) -> Path:
    """A program that prints one line."""
    made = folder / name
    made.write_text(f"#!/bin/sh\necho {prints}\n")
    made.chmod(0o755)
    return made


def test_no_go_says_what_to_do(path: Path) -> None:
    with pytest.raises(SystemExit, match=r"Go is not installed.*1\.25 or later.*COMETBFT=/path/to/cometbft make setup"):
        go_command()


@pytest.mark.parametrize("version", ["go1.24.9", "go1.9", "devel", ""])
def test_an_old_go_says_what_to_do(path: Path, version: str) -> None:
    program(path, "go", version)
    with pytest.raises(SystemExit, match=r"is too old.*1\.25 or later.*COMETBFT=/path/to/cometbft make setup"):
        go_command()


@pytest.mark.parametrize("version", ["go1.25", "go1.26.8", "go2.0"])
def test_a_new_go_is_taken(path: Path, version: str) -> None:
    go = program(path, "go", version)
    assert go_command() == str(go)


def test_a_binary_of_ones_own_needs_no_go(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = program(path, "mine", "0.40.0")
    monkeypatch.setenv("COMETBFT", str(own))
    assert install() == cometbft_binary() == own
    monkeypatch.setenv("COMETBFT", str(path / "nothing"))
    with pytest.raises(FileNotFoundError, match="is not an executable file"):
        install()


def test_the_binary_is_the_projects_own_otherwise(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node.comet.install.BINARY", path / "none")
    with pytest.raises(FileNotFoundError, match="make setup"):
        cometbft_binary()
    assert BINARY.parent == PROJECT / "build" / "bin"


def test_protocol_files_need_any_go(path: Path) -> None:
    """Run as set-up runs it; nothing is compiled, because the first step already ends it."""
    code = "import sys; sys.path.insert(0, 'proto'); import generate; generate.module_folder('example.org/m', 'v1')"
    run = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, env={**os.environ, "PATH": str(path)},
                         capture_output=True, text=True)
    assert run.returncode == 1
    assert "Go is not installed" in run.stderr
    assert "COMETBFT=/path/to/cometbft" in run.stderr
