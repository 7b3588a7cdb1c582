"""Four validators with a feeder each, one of which lies wildly and one says nothing: the mark follows what is true, and
without feeders the chain goes on while nobody opens anything.

The tests share one network and run in the order of the file.
"""

import asyncio
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from client.client import NovationClient
from node.comet.rpc import CometRpc
from node.localnet.network import NOISE_PPM
from node.localnet.plan import Plan, load_plan
from tests.localnet.commands import Novation, processes_of, wait_until

pytestmark = pytest.mark.localnet

START = 50_000.0
SLOPE = 10.0  # USD a second of the file
SPEED = 2.0
LAG_S = 10.0  # of a price behind the moment that it is looked at, on a busy machine
NOISE = 2 * START * NOISE_PPM / 1e6
QUOTES = START / 1_000  # how far the bots' quotes, and so the mark, may be from the index


@pytest.fixture(scope="module")
def novation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Novation]:
    """A price that climbs by 20 USD a second."""
    folder = tmp_path_factory.mktemp("oracle")
    prices = folder / "prices.csv"
    prices.write_text(f"time,price\n0,{START}\n10000,{START + 10_000 * SLOPE}\n")
    command = Novation(folder)
    try:
        command.text("localnet", "up", "--detach", "--prices", prices, "--speed", SPEED, "--liars", 1, "--silent", 1)
        yield command
    finally:
        command.run("localnet", "down")
        for pid in processes_of(folder):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def plan(novation: Novation) -> Plan:
    return load_plan(novation.folder / ".localnet")


def prices(plan: Plan) -> tuple[float, float]:
    """Index and mark, in USD."""
    async def look() -> tuple[float, float]:
        async with NovationClient(plan.nodes[0].gateway) as client:
            summary = next(one for one in await client.refresh_markets() if one.market.symbol == "BTC-PERP")
            units = client.market("BTC-PERP").units
            return float(units.price(summary.index_price_quanta)), float(units.price(summary.mark_price_quanta))

    return asyncio.run(look())


def true_price(plan: Plan, time_s: float) -> float:
    """What honest feeders see then, but for their noise."""
    return START + SLOPE * SPEED * (time_s - plan.start_ns / 1e9)


def feeders(plan: Plan) -> list[int]:
    return [int(node.paths.pid_file("feeder").read_text()) for node in plan.nodes]


def height(plan: Plan) -> int:
    with CometRpc(plan.nodes[0].rpc) as rpc:
        return rpc.status().height


def order(novation: Novation, *more: object) -> str:
    """What comes of a small order that rests: "" when it is taken, else why not."""
    result = novation.run("tx", "order", "buy", "0.01", "BTC-PERP", "--price", "40000", "--key", "alice",
                          "--output", "json", *more)
    return "" if result.returncode == 0 else str(json.loads(result.stderr)["reason"])


def test_each_node_has_a_feeder_of_its_own(plan: Plan) -> None:
    assert [node.behaviour for node in plan.nodes] == ["honest", "honest", "silent", "liar"]
    assert len(set(feeders(plan))) == 4


def test_the_mark_follows_the_replay_within_the_honest_spread(plan: Plan) -> None:
    wait_until(lambda: prices(plan)[0] > START + 50, "the price leaves its start")
    seen = []
    for _ in range(30):
        before_s = time.time()
        index, mark = prices(plan)
        low, high = true_price(plan, before_s - LAG_S) - NOISE, true_price(plan, time.time()) + NOISE
        assert low <= index <= high
        assert low - QUOTES <= mark <= high + QUOTES
        seen.append(mark)
        time.sleep(0.3)
    assert seen[-1] - seen[0] > 100, "it climbs"


def test_everybody_sees_who_lies_and_who_is_silent(novation: Novation) -> None:
    """Votes, weights, median, age and validity of each feed; each validator's price and how far off it is."""
    def shown() -> dict:
        found = novation.data("query", "oracle", "BTC/USD")
        votes = found["feeds"][0]["votes"]
        here = all(one["vote"] != "absent" for one in found["voters"])  # a commit may come without the slowest's vote
        return found if here and votes and (votes["votes"], votes["deviating"]) == (3, 1) else {}

    found = wait_until(shown, "all four vote, one of them without prices")
    (btc,) = found["feeds"]
    assert (btc["validity"], btc["bars"], btc["price"], btc["age_seconds"]) == ("fresh", [], btc["median"], "0")
    assert (btc["votes"]["share"], btc["votes"]["counted"], found["turnout"]["quorum_power"]) == ("75%", True, 27)
    assert float(btc["votes"]["highest"]) - float(btc["votes"]["lowest"]) < NOISE
    assert sorted(one["vote"] for one in found["voters"]) == ["prices"] * 3 + ["silent"]
    assert sorted(price["deviates"] for one in found["voters"] for price in one["prices"]) == [False, False, True]


def test_all_nodes_agree(novation: Novation) -> None:
    status = wait_until(lambda: (found := novation.data("localnet", "status"))["agreed_height"] and found, "a height")
    assert status["disagreement"] == ""
    assert [node["feeder"] for node in status["nodes"]] == ["honest", "honest", "silent", "liar"]


def test_orders_are_taken_while_there_are_prices(novation: Novation) -> None:
    wait_until(lambda: order(novation) == "", "an order rests")


def test_a_feeder_that_dies_comes_back(plan: Plan) -> None:
    before = feeders(plan)[0]
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: plan.nodes[0].paths.pid_file("feeder").exists() and feeders(plan)[0] != before, "a new feeder")


def test_without_feeders_blocks_go_on_but_nobody_opens_anything(novation: Novation, plan: Plan) -> None:
    """The processes stand still, as they would without a network; what was there stays, and may be cancelled."""
    for pid in feeders(plan):
        os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: order(novation).startswith("ORACLE_"), "prices are stale")
    (btc, _) = novation.data("query", "oracle")["feeds"]
    assert (btc["validity"], btc["bars"][:1]) == ("stale", ["open"]) and "liquidate" in btc["bars"]
    stood, began = prices(plan)[0], height(plan)
    wait_until(lambda: height(plan) > began + 10, "blocks go on")
    assert prices(plan)[0] == stood
    assert order(novation).startswith("ORACLE_")
    assert novation.data("tx", "cancel-all", "BTC-PERP", "--key", "alice")["committed"]


def test_with_feeders_again_trade_resumes_after_a_warm_up(novation: Novation, plan: Plan) -> None:
    stood = prices(plan)[0]
    for pid in feeders(plan):
        os.kill(pid, signal.SIGCONT)
    wait_until(lambda: prices(plan)[0] > stood, "prices come again")
    wait_until(lambda: order(novation) == "", "an order rests")
    fills = novation.data("query", "trades", "BTC-PERP")[0]
    wait_until(lambda: novation.data("query", "trades", "BTC-PERP")[0] != fills, "bots trade")


def test_nothing_went_wrong_in_any_engine(novation: Novation) -> None:
    logs = novation.data("localnet", "logs", "--process", "engine", "--lines", "5000")
    for node, processes in logs.items():
        assert [line for line in processes["engine"] if "[error" in line or "Traceback" in line] == [], node
    assert novation.data("localnet", "status")["disagreement"] == ""


def test_down_ends_the_feeders_too(novation: Novation) -> None:
    novation.text("localnet", "down")
    assert processes_of(Path(novation.folder)) == {}
