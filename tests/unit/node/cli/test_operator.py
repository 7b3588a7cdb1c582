"""`snapshots`, `replay`, `debug`: on homes of nodes that do not run."""

import base64
import json
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from google.protobuf.timestamp_pb2 import Timestamp

from app.block import Block
from app.chain import Chain
from app.store.view import DictReader
from node.cli.main import cli
from node.comet.config import CometSettings, edit_config, write_config
from node.comet.keys import CometKey, write_node_key, write_validator_key
from node.home import Home
from node.replay import begin, replay
from node.settings import Settings, read_settings, write_settings
from node.snapshots.writer import MANIFEST_FILE
from node.storage.leveldb import LevelDB
from novation.v1 import state_pb2
from tests.helpers.builders import ALICE, BOB, BTC, BUY, MARK_QUANTA, SELL, place
from tests.helpers.driver import GENESIS_TIME_NS, Driver


def novation(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(one) for one in arguments])


def data(*arguments: object) -> Any:
    result = novation(*arguments, "--output", "json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def home_of(root: Path, driver: Driver) -> Home:
    """A home whose engine holds the driver's state."""
    home = Home.at(root)
    home.create()
    write_config(home, CometSettings("one"))
    write_settings(home, Settings())
    write_node_key(home.node_key_file, CometKey.random())
    write_validator_key(home.validator_key_file, CometKey.random())
    home.genesis_file.write_text(json.dumps({"app_state": json.loads(driver.app_state)}))
    home.log_file("engine").write_text("a line\n")
    with closing(LevelDB(home.engine)) as store:
        store.write(dict(driver.reader))
    return home


def traded() -> Driver:
    driver = Driver()
    driver.run([driver.envelope(ALICE, place(SELL, MARK_QUANTA[BTC], 5))])
    driver.run([driver.envelope(BOB, place(BUY, MARK_QUANTA[BTC], 3))])
    return driver


@pytest.fixture
def driver() -> Driver:
    return traded()


def test_snapshots_are_made_listed_and_restored(driver: Driver, tmp_path: Path) -> None:
    home = home_of(tmp_path / "a", driver)
    assert data("snapshots", "list", "--home", home.root) == []
    made = data("snapshots", "create", "--home", home.root)
    (listed,) = data("snapshots", "list", "--home", home.root)
    assert listed["height"] == made["height"] == driver.height
    assert listed["app_hash"] == driver.app_hash.hex()
    assert "none in" in novation("snapshots", "list", "--home", home_of(tmp_path / "b", Driver()).root).stdout
    other = Home.at(tmp_path / "b")
    restore = ("snapshots", "restore", made["folder"], "--home", other.root)
    assert novation(*restore, "--app-hash", "00" * 32).exit_code == 1
    assert novation(*restore, "--app-hash", "x").exit_code == 2
    refused = novation(*restore)
    assert refused.exit_code == 2
    assert "--state-sync" in refused.stderr
    edit_config(other, {"statesync.rpc_servers": "127.0.0.1:1,127.0.0.1:1"})
    damaged = shutil.copytree(made["folder"], tmp_path / "damaged")
    chunk = damaged / "chunk-000000"
    chunk.write_bytes(chunk.read_bytes()[:-1] + b"\xff")
    refused = novation("snapshots", "restore", damaged, "--home", other.root)
    assert refused.exit_code == 1 and "fetch the snapshot again" in refused.stderr
    (other.data / "blockstore.db").mkdir()  # CometBFT had blocks
    assert data(*restore, "--app-hash", driver.app_hash.hex())["height"] == driver.height
    with closing(LevelDB(other.engine)) as store:
        assert Chain(store).head == driver.chain.head
    again = novation(*restore)
    assert again.exit_code == 1
    assert "--replace" in again.stderr
    assert Path(data(*restore, "--replace")["moved_aside"]).is_dir()


def test_a_state_is_only_given_up_for_one_that_is_whole(driver: Driver, tmp_path: Path) -> None:
    """A snapshot with a damaged chunk leaves the state that there is where it is; so does a home that lost its blocks,
    of which a restore that fails would begin anew.
    """
    home = home_of(tmp_path / "a", driver)
    made = data("snapshots", "create", "--home", home.root)
    damaged = tmp_path / "damaged"
    shutil.copytree(made["folder"], damaged)
    chunk = next(path for path in sorted(damaged.iterdir()) if path.name != MANIFEST_FILE)
    chunk.write_bytes(bytes(reversed(chunk.read_bytes())))
    restore = ("snapshots", "restore", damaged, "--home", home.root, "--replace")
    without_blocks = novation("snapshots", "restore", made["folder"], "--home", home.root)
    assert without_blocks.exit_code == 1
    assert "--replace moves it" in without_blocks.stderr
    (home.data / "blockstore.db").mkdir()
    assert novation(*restore).exit_code == 1
    assert [path.name for path in home.engine.parent.glob("engine*")] == [home.engine.name]
    with closing(LevelDB(home.engine)) as store:
        assert Chain(store).head == driver.chain.head


def test_a_home_without_a_state_has_no_snapshot(tmp_path: Path) -> None:
    home = home_of(tmp_path, Driver())
    assert "no state" in novation("snapshots", "create", "--home", home.root).stderr


def test_hashes_and_the_first_difference(driver: Driver, tmp_path: Path) -> None:
    first, second = home_of(tmp_path / "a", driver), home_of(tmp_path / "b", driver)
    found = data("debug", "hashes", "--home", first.root)
    assert (found["height"], found["app_hash"]) == (driver.height, driver.app_hash.hex())
    assert "all tables are equal" in novation("debug", "diff", first.root, second.root).stdout
    driver.run([driver.envelope(BOB, place(BUY, MARK_QUANTA[BTC] - 500, 1))])
    third = home_of(tmp_path / "c", driver)
    result = novation("debug", "diff", first.root, third.root, "--output", "json")
    assert result.exit_code == 1
    differ = json.loads(result.stdout)
    assert {"accounts", "clock", "orders"} <= set(differ["differ"])
    assert differ["records"]["clock"]["first"]["height"] == str(driver.height - 1)
    assert differ["records"]["accounts"]["key"] == BOB.account(0).hex()
    told = novation("debug", "diff", first.root, third.root).stdout
    assert f'clock.height: "{driver.height - 1}" → "{driver.height}"' in told
    assert "states of different heights differ" in told


def test_snapshots_of_one_height_are_compared(driver: Driver, tmp_path: Path) -> None:
    first, second = home_of(tmp_path / "a", driver), home_of(tmp_path / "b", driver)
    height = data("snapshots", "create", "--home", first.root)["height"]
    assert "but of none" in novation("debug", "diff", first.root, second.root, "--height", height).stderr
    data("snapshots", "create", "--home", second.root)
    assert data("debug", "diff", first.root, second.root, "--height", height)["differ"] == []
    (second.snapshots / "3").mkdir()
    listed = novation("snapshots", "list", "--home", second.root, "--output", "json")
    assert [one["height"] for one in json.loads(listed.stdout)] == [height]
    assert "left out" in listed.stderr
    refused = novation("debug", "diff", first.root, second.root, "--height", height + 1)
    assert refused.exit_code == 2
    assert f"but of {height}" in refused.stderr


def test_a_bundle_has_no_keys(driver: Driver, tmp_path: Path) -> None:
    """Neither by name nor by content."""
    home = home_of(tmp_path / "a", driver)
    file = tmp_path / "bundle.zip"
    parts = data("debug", "bundle", file, "--home", home.root)["parts"]
    wanted = {"config.toml", "novation.toml", "genesis.json", "logs/engine.log", "versions.json", "doctor.json"}
    assert wanted <= set(parts)
    secrets = [json.loads(path.read_text())["priv_key"]["value"]
               for path in (home.validator_key_file, home.node_key_file)]
    with zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            content = archive.read(name).decode()
            assert not any(secret in content for secret in secrets), name
            assert "key" not in name


def reply(block: Block, app_hash: bytes) -> dict[str, Any]:
    """What CometBFT's RPC says of a block."""
    moment = Timestamp()
    moment.FromNanoseconds(block.time_ns)
    header = {"height": str(block.height), "time": moment.ToJsonString(), "app_hash": app_hash.hex().upper(),
              "proposer_address": block.proposer.hex().upper()}
    return {"block_id": {"hash": block.hash.hex().upper()},
            "block": {"header": header, "data": {"txs": [base64.b64encode(tx).decode() for tx in block.txs]}}}


class Recorded:
    """The blocks of a driver."""

    def __init__(self, driver: Driver) -> None:
        self.replies: dict[int, dict[str, Any]] = {}
        self.driver = driver

    def run(self, *txs: bytes) -> None:
        block = self.driver.next_block(list(txs))
        self.replies[block.height] = reply(block, self.driver.app_hash)
        self.driver.run(list(txs))

    def block(self, height: int) -> dict[str, Any]:
        return self.replies[height]


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    driver = Driver()
    blocks = Recorded(driver)
    blocks.run(driver.envelope(ALICE, place(SELL, MARK_QUANTA[BTC], 5)))
    for _ in range(4):
        blocks.run(driver.envelope(BOB, place(BUY, MARK_QUANTA[BTC], 1)))
    yield blocks


def begun(driver: Driver) -> tuple[Chain, DictReader]:
    moment = Timestamp()
    moment.FromNanoseconds(GENESIS_TIME_NS)
    store = DictReader()
    chain = Chain(store)
    begin(chain, {"chain_id": driver.chain_id, "genesis_time": moment.ToJsonString(), "initial_height": "1",
                  "app_state": json.loads(driver.app_state),
                  "validators": [{"pub_key": {"value": base64.b64encode(key).decode()}, "power": str(power)}
                                 for key, power in driver.voters.genesis]})
    return chain, store


def test_a_replay_gives_the_same_app_hashes(recorded: Recorded) -> None:
    chain, store = begun(recorded.driver)
    done = list(replay(chain, store, recorded, 5))
    assert [one.height for one in done] == [1, 2, 3, 4, 5]
    assert all(one.agrees for one in done)
    assert chain.head == recorded.driver.chain.head


def test_a_replay_finds_the_block_that_differs(recorded: Recorded) -> None:
    """The chain says something else of block 3: its header 4 states another app hash."""
    recorded.replies[4]["block"]["header"]["app_hash"] = "00" * 32
    chain, store = begun(recorded.driver)
    assert [one.agrees for one in replay(chain, store, recorded, 5)] == [True, True, False, True, True]


def test_every_table_can_be_shown() -> None:
    from app.registry import TABLES
    from node.records import RECORDS

    assert RECORDS.keys() == TABLES.keys()


def test_a_state_is_exported_and_imported(driver: Driver, tmp_path: Path) -> None:
    """GEN-002: the new home has a genesis that its own chain accepts, with itself as the only validator."""
    home = home_of(tmp_path / "a", driver)
    file = tmp_path / "exported.json"
    told = data("export", "--home", home.root, "--chain-id", "anew", "--file", file)
    assert told["initial_height"] == driver.height + 1
    assert told["carried"]["accounts"] > 0
    assert told["left_behind"]["orders"] == 1
    written = file.read_bytes()
    refused = novation("export", "--home", home.root, "--chain-id", "other", "--file", file)
    assert refused.exit_code == 2 and "--file" in refused.stderr and "--force" in refused.stderr
    assert file.read_bytes() == written
    text = novation("export", "--home", home.root, "--chain-id", "anew", "--file", file, "--force").stdout
    assert "1 orders" in text
    checked = data("genesis", "validate", file)
    assert checked["carried"] and checked["markets"] == ["BTC-PERP", "ETH-PERP"]
    assert checked["accounts"] == told["carried"]["accounts"]
    new = Home.at(tmp_path / "new")
    made = data("import", file, "--home", new.root, "--sole-validator")
    genesis = json.loads(new.genesis_file.read_text())
    assert [one["address"] for one in genesis["validators"]] == [made["validator_address"]]
    assert genesis["consensus_params"]["abci"]["vote_extensions_enable_height"] == genesis["initial_height"]
    assert [feed.symbol for feed in read_settings(new).feeds] == ["BTC/USD", "ETH/USD"]
    begin(Chain(DictReader()), genesis)
    _compare_and_damage(file, tmp_path / "damaged.json")
    file.write_text(file.read_text().replace('"chain_id": "anew"', '"chain_id": "other"', 1))
    refused = novation("import", file, "--home", tmp_path / "third")
    assert refused.exit_code == 1
    assert "refused" in refused.stderr
    assert "no state" in novation("export", "--home", home_of(tmp_path / "d", Driver()).root, "--chain-id", "x").stderr


def _compare_and_damage(file: Path, other: Path) -> None:
    """`genesis diff` tells fields of carried records; `genesis validate` what is wrong with them."""
    document = json.loads(file.read_text())
    accounts = document["app_state"]["carried"]["accounts"]
    key = BOB.account(0).hex()
    account = state_pb2.Account.FromString(bytes.fromhex(accounts[key]))
    account.cash_quanta += 1
    accounts[key] = account.SerializeToString(deterministic=True).hex()
    other.write_text(json.dumps(document))
    differ = novation("genesis", "diff", file, other)
    assert differ.exit_code == 1
    assert differ.stdout.startswith(f"genesis.app_state.carried.accounts.{key}.cash_quanta: ")
    assert differ.stdout.count("→") == 1
    assert novation("genesis", "diff", file, file).exit_code == 0
    refused = novation("genesis", "validate", other)
    assert refused.exit_code == 1
    assert "INV-" in refused.stderr
    accounts[key] = "zz"
    other.write_text(json.dumps(document))
    assert "cannot be read" in novation("genesis", "diff", file, other).stderr
    assert "hex" in novation("genesis", "validate", other).stderr
    document["app_state"]["carried"].pop("params")
    other.write_text(json.dumps(document))
    assert "params" in novation("genesis", "validate", other).stderr
