"""What CometBFT is told. That it understands it is shown by the localnet tests, which run on these very files."""

import tomllib
from pathlib import Path

import pytest

from node.comet.config import (
    CometSettings,
    GenesisValidator,
    edit_config,
    genesis_document,
    genesis_time,
    rpc_address,
    write_config,
)
from node.comet.keys import CometKey
from node.home import Home


def written(home: Home, **settings: object) -> dict:
    home.create()
    write_config(home, CometSettings(moniker="one", **settings))
    return tomllib.loads(home.comet_config_file.read_text())


def test_the_app_mempool_comes_with_what_it_needs(tmp_path: Path) -> None:
    config = written(Home.at(tmp_path))
    assert config["mempool"]["type"] == "app"
    assert config["mempool"]["reap_interval"] == "50ms"
    assert config["mempool"]["max_tx_bytes"] == 65_536
    assert config["consensus"]["create_empty_blocks"] is True
    assert config["consensus"]["peer_gossip_sleep_duration"] == "10ms"
    assert config["tx_index"]["indexer"] == "null"


def test_the_engine_is_reached_over_the_socket_of_the_home(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    assert written(home)["proxy_app"] == f"unix://{home.abci_socket}"


def test_a_local_network_allows_many_nodes_on_one_address_and_does_not_look_for_others(tmp_path: Path) -> None:
    peers = ["aa@127.0.0.1:1", "bb@127.0.0.1:2"]
    local = written(Home.at(tmp_path), local_network=True, persistent_peers=peers)["p2p"]
    assert (local["pex"], local["allow_duplicate_ip"], local["addr_book_strict"]) == (False, True, False)
    assert local["persistent_peers"] == "aa@127.0.0.1:1,bb@127.0.0.1:2"
    assert written(Home.at(tmp_path))["p2p"]["pex"] is True


def test_editing_keeps_what_it_does_not_touch(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    before = written(home)
    edit_config(home, {"p2p.persistent_peers": "cc@h:3", "statesync.enable": True})
    after = tomllib.loads(home.comet_config_file.read_text())
    assert after["p2p"].pop("persistent_peers") == "cc@h:3"
    assert after.pop("statesync") == {"enable": True}
    before["p2p"].pop("persistent_peers")
    assert after == before
    assert "must stay true" in home.comet_config_file.read_text()


def test_the_rpc_address_is_read_back(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    written(home, rpc_listen="127.0.0.1:4711")
    assert rpc_address(home) == "127.0.0.1:4711"


def test_genesis_states_version_validators_and_bounds() -> None:
    key = CometKey(bytes(range(32)))
    validators = [GenesisValidator.of("v", key, 7)]
    document = genesis_document("chain-1", validators, {"params": {}}, 1_700_000_000_000_000_001, 3)
    assert document["consensus_params"]["version"]["app"] == "3"
    assert document["consensus_params"]["block"]["max_bytes"] == "4000000"
    assert document["genesis_time"] == "2023-11-14T22:13:20.000000001Z"
    assert document["validators"][0]["power"] == "7"
    assert document["validators"][0]["address"] == key.address.hex().upper()


@pytest.mark.parametrize("chain_id", ["", "x" * 51])
def test_a_chain_id_cometbft_would_refuse_is_refused(chain_id: str) -> None:
    with pytest.raises(ValueError, match="chain id"):
        genesis_document(chain_id, [GenesisValidator.of("v", CometKey.random())], {}, 0, 1)


def test_a_genesis_without_validators_is_refused() -> None:
    with pytest.raises(ValueError, match="validator"):
        genesis_document("c", [], {}, 0, 1)


def test_genesis_time_keeps_nanoseconds() -> None:
    assert genesis_time(1_000_000_007) == "1970-01-01T00:00:01.000000007Z"
