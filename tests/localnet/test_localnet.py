"""Four real validators that trade: they agree, one dies and comes back, the CLI works on them, nothing is left behind.

The tests share one network and run in the order of the file; the last one stops it.
"""

import asyncio
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from client.client import NovationClient
from client.errors import NovationError
from client.light import LightClient, LightError, trust_in
from client.offline import prove_risk
from client.risk import risk_request, suppose_move
from node.comet.rpc import CometRpc, RpcUnreachable
from node.keys.dev import MAKERS, TAKERS, dev_key
from node.localnet.plan import BASE_PORT_STEP, NodePlan, Plan, busy_ports, load_plan
from novation.v1 import tx_pb2
from tests.localnet.commands import DEADLINE_S, Novation, environment_of, processes_of, wait_until

pytestmark = pytest.mark.localnet

PORTS_FROM, PORTS_TO = 10_000, 26_000  # below those that a localnet chooses by itself: no other one comes in between


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("four")


@pytest.fixture(scope="module")
def novation(folder: Path) -> Iterator[Novation]:
    """A network that runs in `folder/.localnet`, replaying prices from a file."""
    prices = folder / "prices.csv"
    rows = [f"{60 * minute},{50_000 + 7 * (minute % 50)}" for minute in range(200)]
    prices.write_text("\n".join(["time,price", *rows]))
    command = Novation(folder)
    try:
        command.text("localnet", "up", "--detach", "--prices", prices, "--speed", "30", "--base-port", base_port())
        yield command
    finally:
        command.run("localnet", "down")
        for pid in processes_of(folder):
            os.kill(pid, signal.SIGKILL)


def base_port() -> int:
    """Free ports, by chance."""
    chance = random.Random()
    while busy_ports(found := chance.randrange(PORTS_FROM, PORTS_TO, BASE_PORT_STEP), 4):
        pass
    return found


@pytest.fixture
def plan(novation: Novation) -> Plan:
    return load_plan(novation.folder / ".localnet")


def heights(plan: Plan) -> list[int]:
    found = []
    for node in plan.nodes:
        with CometRpc(node.rpc) as rpc:
            found.append(rpc.status().height)
    return found


def app_hashes(plan: Plan, height: int) -> set[str]:
    found = set()
    for node in plan.nodes:
        with CometRpc(node.rpc) as rpc:
            found.add(rpc.app_hash(height))
    return found


def test_four_validators_with_two_hash_seeds_and_more(plan: Plan) -> None:
    assert len(plan.nodes) == 4
    engines = [int(node.paths.pid_file("engine").read_text()) for node in plan.nodes]
    seeds = [environment_of(pid, "PYTHONHASHSEED") for pid in engines]
    assert seeds == ["0", "1", "random", "random"]
    with CometRpc(plan.nodes[0].rpc) as rpc:
        assert len(rpc.validators()) == 4
        wait_until(lambda: rpc.peers() == 3, "the full mesh: blocks need only part of it")


def test_bots_trade_around_the_replayed_price(novation: Novation) -> None:
    trades = wait_until(lambda: novation.data("query", "trades", "BTC-PERP"), "a trade")
    assert 49_500 < float(trades[0]["price"]) < 51_000
    (market,) = novation.data("query", "market", "BTC-PERP")
    assert 49_990 < float(market["mark"]) < 50_400


def test_orders_of_people_cross(novation: Novation) -> None:
    """All or nothing, again while the makers are between two quotes."""
    order = ("tx", "order", "buy", "0.013", "BTC-PERP", "--price", "52000", "--key", "alice", "--tif", "fok")

    def filled() -> dict | None:
        result = novation.run(*order, "--output", "json")
        if result.returncode == 0:
            return json.loads(result.stdout)
        assert json.loads(result.stderr)["reason"] == "ORDER_NOT_FILLABLE"
        return None

    bought = wait_until(filled, "somebody sells")
    assert bought["committed"]
    assert bought["filled_size"] == "0.013"
    account = novation.data("query", "account", "alice")
    assert account["positions"][0]["size"] == "0.013"
    # Wherever the mark is by now:
    paid = 1_000_000 - float(account["equity_usd"]) + float(account["unrealised_pnl_usd"])
    assert 0 < paid < 10, "fees for the trade and for gas"


def test_an_order_rests_is_replaced_and_cancelled(novation: Novation) -> None:
    order = ("BTC-PERP", "--key", "bob", "--yes")
    placed = novation.data("tx", "order", "buy", "0.01", *order, "--price", "40000.5", "--client-id", "7")
    assert placed["open_size"] == "0.01"
    novation.data("tx", "replace", *order, "--client-id", "7", "--size", "0.02", "--price", "40001")
    (resting,) = novation.data("query", "orders", "bob")["orders"]
    assert (resting["price"], resting["open_size"], resting["client_id"]) == ("40001", "0.02", 7)
    assert novation.data("tx", "cancel", "--client-id", "7", "--key", "bob")["cancelled_orders"] == 1
    assert novation.data("query", "orders", "bob") == {"orders": [], "triggers": []}


def test_money_moves(novation: Novation) -> None:
    novation.data("faucet", "dave/3", "1234.5")
    assert novation.data("query", "account", "dave/3")["cash_usd"] == "1234.5"
    novation.data("tx", "transfer", "0.000001", "dave/3", "--key", "carl")
    assert novation.data("query", "account", "dave/3")["cash_usd"] == "1234.500001"
    before = float(novation.data("query", "account", "carl")["cash_usd"])
    novation.data("tx", "withdraw", "100", "some bank", "--key", "carl")
    assert before - 101 < float(novation.data("query", "account", "carl")["cash_usd"]) < before - 100


def test_the_examples_run(novation: Novation, plan: Plan) -> None:
    """With a key of one's own: the first time they name the command that funds it."""
    key_file = novation.folder / "my.key"
    key_file.write_text("5a" * 32)

    def run(name: str, *more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", f"client.examples.{name}", "--key-file", key_file, "--gateway",
             plan.nodes[1].gateway, *more], capture_output=True, text=True, timeout=DEADLINE_S)

    penniless = run("place_and_cancel")
    assert penniless.returncode == 1
    command = re.search(r"`novation (faucet [0-9a-f]{40})`", penniless.stderr)
    assert command, penniless.stderr
    novation.text(*command[1].split())
    for name, more in (("place_and_cancel", ()), ("market_maker", ("--seconds", "2")), ("taker", ("--seconds", "2")),
                       ("liquidator", ("--seconds", "2"))):
        done = run(name, *more)
        assert done.returncode == 0, done.stderr
        assert done.stdout
    owner = command[1].split()[1]
    for one, said in ((owner, "USD in cash"), ("00" * 20, "no such account")):
        command_line = [sys.executable, "-m", "client.examples.proof_check", "--rpc", plan.nodes[2].rpc, "--owner", one]
        proven = subprocess.run(command_line, capture_output=True, text=True, timeout=DEADLINE_S)
        assert proven.returncode == 0 and said in proven.stdout, proven.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("tx", "order", "buy", "0.0005", "BTC-PERP", "--price", "1", "--key", "dave"), 2, "multiple of 0.001"),
        (("tx", "order", "buy", "0.01", "BTC-PERP", "--price", "1.3", "--key", "dave"), 2, "multiple of 0.5"),
        (("tx", "order", "buy", "900", "BTC-PERP", "--price", "52000", "--key", "dave"), 1, "MARGIN_INSUFFICIENT"),
        (("tx", "order", "buy", "1", "DOGE-PERP", "--price", "1", "--key", "dave"), 2, "BTC-PERP"),
        (("tx", "cancel", "--order-id", "3", "--key", "dave"), 1, "ORDER_NOT_FOUND"),
        (("tx", "cancel", "--key", "dave"), 2, "exactly one"),
        (("tx", "cancel-all"), 2, "--key alice"),
        (("tx", "order", "buy", "1", "BTC-PERP", "--price", "1", "--key", "nobody"), 1, "novation keys add nobody"),
        (("query", "account", "faucet/77"), 1, "novation faucet faucet/77"),
        (("query", "market", "--node", "127.0.0.1:1"), 3, "novation localnet up"),
    ],
)
def test_what_is_refused_says_why_and_exits_accordingly(
    novation: Novation, arguments: tuple[str, ...], status: int, said: str
) -> None:
    result = novation.run(*arguments, "--output", "json")
    assert result.returncode == status
    assert result.stdout == ""
    error = json.loads(result.stderr)
    assert said in error["error"]
    assert error["exit_code"] == status


def test_queries_answer_in_text_and_json(novation: Novation) -> None:
    block = novation.data("query", "block")
    assert int(block["height"]) > 2
    assert len(block["app_hash"]) == 64
    book = novation.data("query", "book", "BTC-PERP")
    assert book["bids"]
    assert book["asks"]
    assert float(book["bids"][0]["price"]) < float(book["asks"][0]["price"])
    assert novation.data("query", "params")["test_network"] is True
    assert len(novation.data("query", "validators")) == 4
    for arguments in (("market",), ("book", "ETH-PERP"), ("trades", "BTC-PERP"), ("account", "alice"), ("block",)):
        assert novation.text("query", *arguments).strip()


def test_records_are_proven_against_the_header(novation: Novation) -> None:
    present = novation.data("query", "proof", "vault", "usd")
    absent = novation.data("query", "proof", "accounts", "00" * 24)
    assert present["present"]
    assert not absent["present"]
    assert present["operators"] == absent["operators"] == 2


def test_risk_is_computed_from_proofs(novation: Novation) -> None:
    """RISK-004: here, from records under an app hash that the validators signed; nobody's word is taken."""
    found = novation.data("query", "risk", "alice", "--price", "BTC-PERP=-10%", "--offline")
    proof = found["proof"]
    assert proof["header_height"] == found["height"] + 1
    assert not proof["trust_named"]
    trust = f"{proof['trusted_height']}:{proof['trusted_hash']}"
    text = novation.text("query", "risk", "alice", "--offline", "--trust", trust, "--scenarios", "BTC-PERP",
                         "--save", "alice.json")
    assert f"{trust} that you named" in text
    # From the file alone: another what-if, without a node to ask.
    alone = novation.data("query", "risk", "alice", "--inputs", "alice.json", "--deposit", "5",
                          "--scenarios", "BTC-PERP", "--node", "127.0.0.1:9")
    assert float(alone["after"]["cash_usd"]) == float(alone["before"]["cash_usd"]) + 5
    assert alone["proof"]["records"] >= 3 and len(alone["scenarios"]["at_expiry_usd"]) == 21
    assert "not the trusted one" in novation.run(
        "query", "risk", "alice", "--inputs", "alice.json", "--trust", f"0:{'00' * 32}").stderr
    assert "not the trusted one" in novation.run(
        "query", "risk", "alice", "--offline", "--trust", f"{proof['trusted_height']}:{'00' * 32}").stderr
    assert "orders of everybody" in novation.run(
        "query", "risk", "alice", "--offline", "--order", "buy 0.01 BTC-PERP 46000").stderr


async def told_and_proven(node: NodePlan, name: str) -> tuple[Any, Any] | None:
    """What a gateway says an account risks if BTC falls, and the same height's answer from proofs alone; None when the
    node let the height go before everything was proven.
    """
    client = NovationClient(node.gateway)
    await client.connect()
    try:
        account, moves = tx_pb2.AccountId(owner=dev_key(name).owner), [suppose_move("BTC-PERP", "-10%")]
        told = await client.risk(account, moves=moves)
        request = risk_request(client.market, account, moves=moves)
        async with LightClient(f"http://{node.rpc}", await trust_in(f"http://{node.rpc}")) as light:
            return told, (await prove_risk(light, request, told.height)).answer
    except LightError as error:
        assert "QUERY_HEIGHT" in str(error), error
        return None
    finally:
        await client.close()


def test_the_gateways_numbers_follow_from_proofs(novation: Novation, plan: Plan) -> None:
    """RISK-004: every number, of tails and of liquidation prices, to the quantum; a maker and a taker hold options and
    are margined as portfolios, the taker with perpetual and future against them.
    """
    maker, hedger = MAKERS[-1], TAKERS[-1]

    def holds(name: str, *others: str) -> bool:
        held = {one["market"] for one in novation.data("query", "account", name)["positions"]}
        return any(one.count("-") > 1 for one in held) and held.issuperset(others)

    wait_until(lambda: holds(maker), "a maker who holds options")
    wait_until(lambda: holds(hedger, "BTC-PERP", "BTC-FUT"), "a taker who holds perpetual and future against options")
    for name in (TAKERS[0], maker, hedger):
        told, proven = wait_until(
            lambda name=name: asyncio.run(told_and_proven(plan.nodes[1], name)), "all proofs of one height")
        assert told == proven, name
        assert name == TAKERS[0] or (told.after.portfolio and told.after.tails and told.after.sensitivities)


async def hook_events(node: NodePlan, kinds: set[str]) -> dict[str, list[Any]]:
    """Events of these kinds outside any envelope, in all blocks that the gateway still tells."""
    found: dict[str, list[Any]] = {kind: [] for kind in kinds}
    async with NovationClient(node.gateway) as client:
        height = (await client.status()).height
        while height > 0:
            try:
                block = await client.block(height, with_txs=True)
            except NovationError:
                break
            for event in block.events:
                kind = event.WhichOneof("kind")
                if kind in kinds:
                    found[kind].append(getattr(event, kind))
            height -= 1
    return found


def test_options_expire_by_rule(novation: Novation, plan: Plan) -> None:
    """OPT-010, OPT-011: an expiry got its price from the integral of the votes, whoever held a series of it was settled
    at what that says the series is worth, and the series are gone: nobody had to act.
    """
    kinds = {"expiry_fixed", "settlement_price_set", "position_settled", "series_removed"}
    found: dict[str, list[Any]] = {}

    def settled() -> bool:
        nonlocal found
        found = asyncio.run(hook_events(plan.nodes[1], kinds))
        priced, gone = ({one.market for one in found[kind]} for kind in ("settlement_price_set", "series_removed"))
        return bool({one.market for one in found["position_settled"]} & priced & gone)

    wait_until(settled, "series that end with holders", 150)
    assert found["expiry_fixed"]
    gone = {one.market for one in found["series_removed"]}
    prices = {one.market: one.price_quanta for one in found["settlement_price_set"] if one.market in gone}
    held = [one for one in found["position_settled"] if one.market in prices]
    for market in {one.market for one in held}:
        settled_here = [one for one in held if one.market == market]
        assert sum(one.lots for one in settled_here) == 0, "longs equal shorts"
        assert {one.price_quanta for one in settled_here} == {prices[market]}


def test_blocks_run_again_give_the_same_hashes(novation: Novation, plan: Plan) -> None:
    """Beside the running node, from genesis: bots, options and votes of the first blocks, in a store of their own."""
    said = novation.data("replay", "--home", plan.nodes[2].home, "--until", "40")
    assert (said["first"], said["last"]) == (1, 40) and said["txs"] > 0


def test_a_killed_validator_rejoins_and_agrees(novation: Novation, plan: Plan) -> None:
    victim = plan.nodes[3]
    before = processes_of(Path(victim.home))
    assert len(before) == 5  # supervisor, engine, CometBFT, gateway, feeder
    os.kill(victim.pid, signal.SIGKILL)
    wait_until(lambda: not set(before) & set(processes_of(Path(victim.home))), "all died with their supervisor")
    wait_until(lambda: len(processes_of(Path(victim.home))) == 5, "the localnet started it again")
    with CometRpc(plan.nodes[0].rpc) as rpc:
        target = rpc.status().height + 5

    def caught_up() -> bool:
        try:
            return min(heights(plan)) >= target
        except RpcUnreachable:
            return False

    wait_until(caught_up, f"all four at height {target}")
    assert len(app_hashes(plan, target)) == 1


def test_all_app_hashes_agree_in_every_engine(novation: Novation) -> None:
    status = wait_until(lambda: _agreed(novation), "an agreed height")
    assert status["disagreement"] == ""
    assert [node["up"] for node in status["nodes"]] == [True] * 4


def _agreed(novation: Novation) -> dict | None:
    status = novation.data("localnet", "status")
    return status if status["agreed_height"] else None


def test_no_engine_logged_an_error(novation: Novation) -> None:
    logs = novation.data("localnet", "logs", "--process", "engine", "--lines", "5000")
    for node, processes in logs.items():
        bad = [line for line in processes["engine"] if "[error" in line or "Traceback" in line]
        assert bad == [], node


def test_a_second_network_runs_beside_the_first(novation: Novation, plan: Plan) -> None:
    result = novation.run("localnet", "up", "--validators", "1", "--for", "1", "--no-traffic", "--output", "json")
    assert result.returncode == 0, result.stderr
    second = json.loads(result.stdout)
    assert second["directory"] == str(novation.folder / ".localnet" / "2")
    assert second["agreed_height"] >= 2
    assert processes_of(Path(second["directory"])) == {}
    assert plan.is_running()


def test_starting_again_where_one_runs_is_refused(novation: Novation) -> None:
    result = novation.run("localnet", "up", "--detach", "--dir", novation.folder / ".localnet")
    assert result.returncode == 1
    assert "localnet down" in result.stderr


def test_down_leaves_nothing(novation: Novation, plan: Plan) -> None:
    assert processes_of(novation.folder)
    novation.text("localnet", "down")
    assert processes_of(novation.folder) == {}
    for node in plan.nodes:
        for port in (node.p2p_port, node.rpc_port, node.gateway_port):
            with socket.socket() as probe:
                assert probe.connect_ex(("127.0.0.1", port)) != 0
        assert list(node.paths.run.glob("*.pid")) == []
    assert novation.run("localnet", "status").returncode == 3


def test_kept_state_goes_on_where_it_stopped(novation: Novation, plan: Plan) -> None:
    result = novation.run("localnet", "up", "--keep", "--for", "2", "--no-traffic", "--output", "json")
    assert result.returncode == 0, result.stderr
    summary = json.loads(result.stdout)
    assert summary["chain_id"] == plan.chain_id
    assert summary["agreed_height"] > 20
    assert processes_of(novation.folder) == {}
