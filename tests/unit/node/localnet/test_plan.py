"""Ports, folders and the written plan of a local network."""

import json
import os
import socket
from pathlib import Path

import pytest

from node.comet.process import identify
from node.localnet import network
from node.localnet import plan as plan_module
from node.localnet.plan import (
    RESERVING_PORT,
    MarketPlan,
    PlanError,
    busy_ports,
    choose_base_port,
    find_running,
    load_plan,
    make_plan,
    reserve_ports,
    save_plan,
)
from node.settings import FeedSettings


def test_no_port_is_planned_twice(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, 26600, 7, 1)
    ports = [port for node in plan.nodes for port in (node.p2p_port, node.rpc_port, node.gateway_port, node.web_port)]
    assert len(set(ports)) == 28


def test_engines_run_under_different_hash_seeds(tmp_path: Path) -> None:
    assert {node.hash_seed for node in make_plan(tmp_path, 26600, 4, 1).nodes} == {"0", "1", "random"}


def test_a_busy_base_port_is_passed_over_unless_it_was_asked_for() -> None:
    with reserve_ports(None, 2) as base, socket.create_server(("127.0.0.1", base + 11)):
        assert busy_ports(base, 2) == [base + 11, base + RESERVING_PORT]
        assert choose_base_port(None, 2) > base
        with pytest.raises(PlanError, match=f"{base + 11}.*--base-port"):
            choose_base_port(base, 2)


def test_networks_that_start_at_the_same_moment_get_ports_of_their_own() -> None:
    """No node of the first listens when the second chooses."""
    with reserve_ports(None, 2) as first:
        with reserve_ports(None, 2) as second:
            assert second > first
        with pytest.raises(PlanError, match="--base-port"), reserve_ports(first, 2):
            pass


def test_who_chose_a_port_that_is_taken_meanwhile_chooses_again(monkeypatch: pytest.MonkeyPatch) -> None:
    choose = plan_module.choose_base_port
    with reserve_ports(None, 2) as taken:
        choices = [taken]
        monkeypatch.setattr(plan_module, "choose_base_port", lambda *_: choices.pop() if choices else choose(None, 2))
        with reserve_ports(None, 2) as other:
            assert other > taken


@pytest.mark.parametrize("validators", [0, 17, -1])
def test_absurd_numbers_of_validators_are_refused(tmp_path: Path, validators: int) -> None:
    with pytest.raises(PlanError, match="validators"):
        make_plan(tmp_path, 26600, validators, 1)


def test_the_last_feeders_lie_and_those_before_them_are_silent(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, 26600, 4, 1, liars=1, silent=2)
    assert [node.behaviour for node in plan.nodes] == ["honest", "silent", "silent", "liar"]
    for liars, silent in ((3, 2), (-1, 0), (0, -1)):
        with pytest.raises(PlanError, match="lie"):
            make_plan(tmp_path, 26600, 4, 1, liars, silent)


def test_feeders_see_the_same_with_other_noise(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, 26600, 3, 1, liars=1)
    plan.feeds, plan.start_ns = {"BTC/USD": "walk:46000"}, 5
    settings = [network.node_settings(plan, node) for node in plan.nodes]
    assert len({one.prices.noise_seed for one in settings}) == 3
    assert {(one.prices.seed, one.prices.start_ns, one.prices.speed) for one in settings} == {(1, 5, 60.0)}
    assert all(one.feeds == [FeedSettings("BTC/USD", ["walk:46000"])] for one in settings)
    assert [one.prices.behaviour for one in settings] == ["honest", "honest", "liar"]


def test_made_up_prices_begin_at_those_of_genesis() -> None:
    state = {"feeds": [{"symbol": "BTC/USD", "price": 46_000_500, "decimals": 3}]}
    assert network.made_up(state) == {"BTC/USD": "walk:46000.500"}
    assert network.made_up(state, "static") == {"BTC/USD": "static:46000.500"}
    assert network.made_up({"markets": []}) == {}


def test_the_plan_keeps_what_tells_prices_to_people() -> None:
    first, second, *_ = network.market_plans(network.localnet_state("localnet"))
    assert first == MarketPlan(1, "BTC-PERP", "0.001", "46000.000000")
    assert (second.symbol, second.first_price) == ("ETH-PERP", "3700.000000")


def test_a_plan_comes_back_as_saved_and_knows_whether_it_runs(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, 26600, 2, 5)
    plan.feeds, plan.markets = {"BTC/USD": "walk:1"}, [MarketPlan(1, "BTC-PERP", "0.001", "1")]
    save_plan(plan)
    assert load_plan(tmp_path) == plan
    assert find_running(tmp_path) is None
    own = identify(os.getpid())
    assert own is not None
    plan.runner_pid, plan.runner_start_ticks = own.pid, own.start_ticks
    save_plan(plan)
    assert find_running(tmp_path) == plan


def test_no_plan_names_the_next_command(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="novation localnet up"):
        load_plan(tmp_path)
    (tmp_path / "localnet.json").write_text("{}")
    with pytest.raises(PlanError, match="not the plan"):
        load_plan(tmp_path)


def test_a_directory_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    assert not network.is_held(tmp_path / "new")
    with network.hold(tmp_path):
        assert network.is_held(tmp_path)
        with pytest.raises(PlanError, match="localnet down"), network.hold(tmp_path):
            pass
    assert not network.is_held(tmp_path)


def test_clearing_removes_only_what_the_plan_names(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, 26600, 1, 1)
    network.make_homes(plan, network.localnet_state("localnet"))
    save_plan(plan)
    (tmp_path / "notes.txt").write_text("keep me")
    network.clear(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_folder_without_a_plan_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "node0" / "config").mkdir(parents=True)
    network.clear(tmp_path)
    assert (tmp_path / "node0" / "config").is_dir()


def test_all_nodes_share_one_genesis_and_know_each_other(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, 26600, 3, 1)
    network.make_homes(plan, network.localnet_state("localnet"), time_ns=1)
    genesis = {node.paths.genesis_file.read_bytes() for node in plan.nodes}
    assert len(genesis) == 1
    assert len(json.loads(genesis.pop())["validators"]) == 3
    for node in plan.nodes:
        peers = network.comet_settings(plan, node).persistent_peers
        assert len(peers) == 2
        assert not any(peer.startswith(node.node_id) for peer in peers)
