"""Generated code that no longer fits its sources is noticed, and the command says so."""

from pathlib import Path

import pytest

from node import generated
from node.cli import doctor


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of protos and the stamp of what was compiled from them."""
    folder = tmp_path / "proto"
    (folder / "v1").mkdir(parents=True)
    (folder / "v1" / "a.proto").write_text("message A {}")
    monkeypatch.setattr(generated, "SOURCES", folder)
    monkeypatch.setattr(generated, "STAMP", tmp_path / "stamp")
    generated.STAMP.write_text(generated.digest())
    return folder


def test_what_was_just_compiled_is_not_stale(sources: Path) -> None:
    assert not generated.is_stale()
    assert doctor.generated_code().state == "ok"


@pytest.mark.parametrize("change", ["edit", "add", "rename"])
def test_any_change_of_the_sources_makes_it_stale(sources: Path, change: str) -> None:
    if change == "edit":
        (sources / "v1" / "a.proto").write_text("message B {}")
    elif change == "add":
        (sources / "b.proto").write_text("")
    else:
        (sources / "v1" / "a.proto").rename(sources / "v1" / "b.proto")
    assert generated.is_stale()
    assert "make setup" in doctor.generated_code().next


def test_an_installed_package_has_nothing_to_compare(sources: Path) -> None:
    generated.STAMP.unlink()
    assert not generated.is_stale()


@pytest.mark.parametrize("verb", [("start",), ("localnet", "up")])
def test_no_node_starts_on_stale_code(run, sources: Path, verb: tuple[str, ...]) -> None:
    assert run("init").exit_code == 0
    (sources / "b.proto").write_text("")
    result = run(*verb)
    assert result.exit_code == 1
    assert "make setup" in result.stderr


def test_a_command_that_cannot_be_loaded_names_set_up(run, sources: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node.cli.main.COMMANDS", {"query": ("node.cli.nothing:nothing", "")})
    assert "No module named 'node.cli.nothing'; run `make setup`" in run("query").stderr
    (sources / "b.proto").write_text("")
    result = run("query")
    assert result.exit_code == 1
    assert "compiled from other files" in result.stderr
