"""`novation keys`, as a person uses it."""

import json
from pathlib import Path

import pytest

SEED = "11" * 32


@pytest.fixture
def passphrase(tmp_path: Path) -> str:
    path = tmp_path / "passphrase"
    path.write_text("open sesame\nand a second line that does not count\n")
    return str(path)


def test_a_key_is_made_listed_and_shown(run, data, passphrase: str) -> None:
    made = data("keys", "add", "mine", "--passphrase-file", passphrase)
    assert data("keys", "list") == [made]
    assert data("keys", "show", "mine") == made
    assert made["owner"] in run("keys", "list").stdout
    assert len(made["owner"]) == 40


def test_dev_keys_are_shown_with_a_warning(run, data) -> None:
    assert "everybody knows" in run("keys", "show", "alice").stdout
    assert {"alice", "bob", "carl", "dave", "faucet"} <= {entry["name"] for entry in data("keys", "list", "--dev")}


def test_a_second_key_of_one_name_is_refused(run, passphrase: str) -> None:
    assert run("keys", "add", "mine", "--passphrase-file", passphrase).exit_code == 0
    again = run("keys", "add", "mine", "--passphrase-file", passphrase)
    assert again.exit_code == 1
    assert "novation keys show mine" in again.stderr


def test_an_empty_passphrase_is_refused(run, tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    assert run("keys", "add", "mine", "--passphrase-file", str(tmp_path / "empty")).exit_code == 2


def test_without_a_terminal_the_passphrase_must_come_from_a_file(run) -> None:
    result = run("keys", "add", "mine")
    assert result.exit_code == 2
    assert "--passphrase-file" in result.stderr


def test_a_key_travels_sealed(run, data, passphrase: str, tmp_path: Path) -> None:
    made = data("keys", "add", "mine", "--passphrase-file", passphrase)
    exported = run("keys", "export", "mine").stdout
    assert json.loads(exported)["owner"] == made["owner"]
    (tmp_path / "backup.json").write_text(exported)
    copy = data("keys", "import", "copy", tmp_path / "backup.json")
    assert copy["owner"] == made["owner"]
    assert run("keys", "export", "mine", "--file", str(tmp_path / "backup.json")).exit_code == 1


def test_a_bare_seed_is_sealed_on_import(data, passphrase: str, tmp_path: Path) -> None:
    (tmp_path / "seed").write_text(SEED + "\n")
    made = data("keys", "import", "mine", tmp_path / "seed", "--seed", "--passphrase-file", passphrase)
    assert SEED not in (tmp_path / "home" / "keys" / "mine.json").read_text()
    assert len(made["owner"]) == 40


@pytest.mark.parametrize("text", ["nonsense", "[]", '{"format": "other"}'])
def test_what_is_no_exported_key_is_refused(run, tmp_path: Path, text: str) -> None:
    (tmp_path / "bad").write_text(text)
    assert run("keys", "import", "mine", tmp_path / "bad").exit_code in (1, 2)
    assert run("keys", "import", "mine", tmp_path / "bad", "--seed").exit_code == 2
    assert run("keys", "list").stdout.count("mine") == 0
