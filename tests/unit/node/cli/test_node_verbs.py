"""`novation init`, `start`, `stop`, `status` where no node runs; the localnet tests run one."""

import json
import tomllib
from pathlib import Path

import pytest


def test_init_makes_a_home_that_starts_a_chain(data, tmp_path: Path) -> None:
    made = data("init", "--chain-id", "c-1", "--moniker", "me")
    home = tmp_path / "home"
    genesis = json.loads((home / "config" / "genesis.json").read_text())
    assert genesis["chain_id"] == "c-1"
    assert genesis["validators"][0]["address"] == made["validator_address"]
    assert tomllib.loads((home / "config" / "novation.toml").read_text())["gateway"]["listen"] == made["gateway"]


def test_init_never_overwrites(run, tmp_path: Path) -> None:
    assert run("init").exit_code == 0
    before = (tmp_path / "home" / "config" / "node_key.json").read_bytes()
    again = run("init")
    assert again.exit_code == 1
    assert "novation start" in again.stderr
    assert (tmp_path / "home" / "config" / "node_key.json").read_bytes() == before


def test_joining_takes_the_genesis_as_it_is(run, data, tmp_path: Path) -> None:
    data("init", "--home", str(tmp_path / "a"))
    genesis = tmp_path / "a" / "config" / "genesis.json"
    data("init", "--home", str(tmp_path / "b"), "--genesis", str(genesis), "--peers", f"{'ab' * 20}@127.0.0.1:1")
    assert (tmp_path / "b" / "config" / "genesis.json").read_bytes() == genesis.read_bytes()
    config = tomllib.loads((tmp_path / "b" / "config" / "config.toml").read_text())
    assert config["p2p"]["persistent_peers"] == f"{'ab' * 20}@127.0.0.1:1"


def test_a_failed_init_leaves_no_home_behind(run, tmp_path: Path) -> None:
    assert run("init", "--preset", "nowhere").exit_code == 2
    assert run("start").exit_code == 2
    assert run("init").exit_code == 0


@pytest.mark.parametrize("verb", ["start", "status", "stop"])
def test_without_a_home_the_next_command_is_named(run, verb: str) -> None:
    result = run(verb)
    assert result.exit_code == 2
    assert "novation init" in result.stderr


@pytest.mark.parametrize("verb", ["status", "stop"])
def test_a_node_that_does_not_run_is_unreachable(run, verb: str) -> None:
    run("init", "--rpc", "127.0.0.1:1")
    result = run(verb)
    assert result.exit_code == 3
    assert "novation start" in result.stderr


def test_version_names_what_consensus_rests_on(data) -> None:
    assert {"novation", "cometbft", "app_version", "protobuf", "PyNaCl", "plyvel", "python"} <= set(
        data("version", "--long")
    )


def test_a_peer_without_its_node_id_is_refused_before_a_home_is_made(run, tmp_path) -> None:
    result = run("init", "--peers", "127.0.0.1:26600")
    assert (result.exit_code, (tmp_path / "home").exists()) == (2, False)
    assert "NODE_ID@HOST:PORT" in result.stderr
