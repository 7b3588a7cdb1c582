"""A way to run the command as a person would, without a process."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from node.cli.main import cli

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`run("keys", "list")`: the command in an empty folder, with a home of its own and cheap key sealing."""
    for name in ("NOVATION_NODE", "NOVATION_OUTPUT", "NOVATION_PASSPHRASE_FILE", "NOVATION_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NOVATION_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("node.cli.keys.KEYSTORE_COST", {"ops_limit": 1, "memory_bytes": 8192})

    def invoke(*arguments: str, **options: Any) -> Result:
        return CliRunner().invoke(cli, [str(argument) for argument in arguments], **options)

    return invoke


@pytest.fixture
def data(run: Run) -> Callable[..., Any]:
    """The JSON a command prints; it must succeed."""

    def read(*arguments: str) -> Any:
        result = run(*arguments, "--output", "json")
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)

    return read
