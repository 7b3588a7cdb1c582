"""`novation genesis`: build, validate, diff."""

import json
from pathlib import Path


def test_what_is_built_is_valid_and_hashes_alike_in_both_commands(data) -> None:
    built = data("genesis", "build", "--file", "g.json")
    checked = data("genesis", "validate", "g.json")
    assert checked["sha256"] == built["sha256"]
    assert checked["markets"] == ["BTC-PERP", "ETH-PERP", "BTC-FUT"]


def test_stdout_is_the_canonical_state(run) -> None:
    text = run("genesis", "build").stdout
    assert text.rstrip("\n") == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))


def test_faults_are_listed_with_their_places(run, data) -> None:
    data("genesis", "build", "--file", "g.json")
    state = json.loads(Path("g.json").read_text())
    state["markets"][0]["tick_quanta"] = -1
    state["accounts"][2]["owner"] = "x"
    Path("bad.json").write_text(json.dumps(state))
    result = run("genesis", "validate", "bad.json")
    assert result.exit_code == 1
    assert "markets[0].tick_quanta" in result.stderr
    assert "accounts[2].owner" in result.stderr


def test_diff_names_places_and_exits_1(run, data) -> None:
    data("genesis", "build", "--file", "a.json")
    state = json.loads(Path("a.json").read_text())
    state["params"]["gas_price_e6"] += 1
    Path("b.json").write_text(json.dumps(state))
    assert run("genesis", "diff", "a.json", "a.json").exit_code == 0
    result = run("genesis", "diff", "a.json", "b.json")
    assert result.exit_code == 1
    assert "genesis.params.gas_price_e6" in result.stdout


def test_presets_of_ones_own_may_name_ones_own_keys(run, data) -> None:
    Path("pass").write_text("p\n")
    mine = data("keys", "add", "mine", "--passphrase-file", "pass")
    preset = (Path(__file__).parents[4] / "genesis" / "presets" / "localnet.toml").read_text()
    Path("own.toml").write_text(preset.replace('"alice"', '"mine"'))
    state = json.loads(run("genesis", "build", "own.toml").stdout)
    assert mine["owner"] in {account["owner"] for account in state["accounts"]}


def test_an_unknown_preset_lists_the_known(run) -> None:
    result = run("genesis", "build", "nowhere")
    assert result.exit_code == 2
    assert "localnet" in result.stderr
