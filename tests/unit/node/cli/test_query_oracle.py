"""What `novation query oracle`, `validators` and `market` say of prices and votes, with a liar and a silent one."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.oracle.types import Pillar, Vote
from app.registry import TABLES
from node.records import RECORDS
from tests.helpers import builders as b
from tests.helpers.gateways import Net, serving
from tests.helpers.votes import Voters, prices

P, E, S = b.MARK_QUANTA[b.BTC], b.MARK_QUANTA[b.ETH], 10**9
EXPIRY_S = 1_700_000_000 + 365 * 86_400
Say = Callable[..., Any]


@pytest.fixture
def net(tmp_path: Path) -> Iterator[Net]:
    """Powers 40, 30, 20, 10: the first sees BTC a cent higher, the third lies, the fourth is silent."""
    feeds: dict[int, dict[str, object]] = {b.BTC: {"max_age_ns": 5 * S, "warm_up_ns": 10**6 * S, "move_ppm": 10_000}}
    voters = Voters([f"v{place}" for place in range(4)], [40, 30, 20, 10])
    with serving(tmp_path / "chain", app_state=b.genesis(feeds=feeds), voters=voters) as running:
        seen = running.engine.prices
        running.engine.ballots |= {
            0: prices(seen | {b.BTC: P + 10}), 2: prices(seen | {b.BTC: 9 * P}), 3: Vote()}
        yield running


@pytest.fixture
def say(net: Net, run: Say) -> Say:
    """`say("oracle")`: the data of a query that must succeed; with `text`, what people see."""

    def ask(*arguments: str, text: bool = False) -> Any:
        result = run("query", *arguments, "--node", net.gateway.address, *(() if text else ("--output", "json")))
        assert result.exit_code == 0, result.stdout + result.stderr
        return result.stdout if text else json.loads(result.stdout)

    return ask


def until(say: Say, holds: Callable[[Any], Any]) -> Any:
    """What `query oracle` says once something holds of its first feed."""
    for _ in range(400):
        found = say("oracle")
        if holds(found["feeds"][0]):
            return found
        time.sleep(0.02)
    raise AssertionError(found)


def voted(feed: Any) -> bool:
    return bool(feed["votes"]) and feed["votes"]["deviating"] == 1


def test_orcl_004_feeds_and_votes_as_data(say: Say) -> None:
    """ORCL-004, ORCL-008: price, median, age, validity, weights, the spread of honest votes, each validator's price."""
    found = until(say, voted)
    assert found["turnout"] == {"validators": 4, "voters": 4, "total_power": 100, "voted_power": 100,
                                "quorum_power": 67, "voted": "100%", "refused": None}
    btc, eth = found["feeds"]
    assert (btc["symbol"], btc["price"], btc["median"], btc["validity"]) == ("BTC/USD", "46000.01", "46000.01", "fresh")
    assert btc["votes"] == {"votes": 3, "power": 90, "share": "90%", "counted": True, "deviating": 1,
                            "lowest": "46000", "highest": "46000.01", "spread": "0%"}
    assert (btc["bars"], btc["markets"], btc["most_move"]) == ([], [{"market": "BTC-PERP", "bars": []}], "1%")
    assert (eth["votes"]["deviating"], eth["votes"]["highest"]) == (0, "24000")
    assert [(one["share"], one["vote"]) for one in found["voters"]] == [
        ("40%", "prices"), ("30%", "prices"), ("20%", "prices"), ("10%", "silent")]
    liar = found["voters"][2]["prices"][0]
    assert (liar["symbol"], liar["price"], liar["deviates"]) == ("BTC/USD", "414000", True)
    assert liar["deviation_ppm"] == 7_999_998
    one = say("oracle", "BTC-PERP")
    assert [feed["symbol"] for feed in one["feeds"]] == ["BTC/USD"]
    assert [[price["symbol"] for price in voter["prices"]] for voter in one["voters"]] == [["BTC/USD"]] * 3 + [[]]


def test_orcl_004_feeds_and_votes_for_people(say: Say, net: Net) -> None:
    """ORCL-004: a line a feed; a line a validator when asked; one feed with everybody's price of it."""
    until(say, voted)
    shown = say("oracle", text=True)
    assert "votes of 4 of 4 validators, 100% of the power" in shown
    (btc,) = [line for line in shown.splitlines() if line.startswith("BTC/USD")]
    assert btc.split() == ["BTC/USD", "46000.01", "46000.01", "0", "s", "fresh", "3/4", "1", "far", "90%", "0%"]
    by_validator = say("oracle", "--votes", text=True).splitlines()
    address = net.engine.voters.order[2].address.hex().upper()[:12]
    (liar,) = [line for line in by_validator if line.startswith(address)]
    assert liar.split()[1:] == ["20%", "prices", "2", "1", "BTC/USD", "+7999998", "ppm"]
    one = say("oracle", "BTC/USD", text=True)
    (liar,) = [line for line in one.splitlines() if line.startswith(address)]
    assert liar.split()[1:] == ["20%", "prices", "414000", "+7999998", "ppm"]
    assert "silent" in one and "counted yes" in one and "max age seconds" in one


def test_orcl_011_what_stale_prices_bar(say: Say, net: Net) -> None:
    """ORCL-006, ORCL-011: by feed and market, as data and for people; votes that were no quorum are shown as such."""
    until(say, voted)
    only_eth = {b.ETH: E}
    net.engine.ballots |= {0: prices(only_eth), 1: prices(only_eth)}
    found = until(say, lambda feed: feed["validity"] == "stale")
    btc, eth = found["feeds"]
    assert btc["bars"] == ["open", "withdraw", "trigger", "liquidate", "settle"] == btc["markets"][0]["bars"]
    assert (btc["votes"]["counted"], btc["votes"]["spread"], eth["validity"], eth["bars"]) == (False, None, "fresh", [])
    assert found["voters"][2]["prices"][0]["deviation_ppm"] is None
    assert "not counted" in say("oracle", "BTC/USD", text=True)
    lines = [one for one in say("oracle", text=True).splitlines() if one.startswith("BTC/USD")]
    assert "stale" in lines[0] and lines[1] == "BTC/USD bars: open, withdraw, trigger, liquidate, settle"
    (market, other) = say("market")
    assert (market["validity"], market["feed"], market["bars"]) == ("stale", "BTC/USD", btc["bars"])
    assert (other["validity"], other["basis"], other["basis_share"]) == ("fresh", "0", "0%")
    assert "stale" in say("market", text=True) and "basis share" in say("market", "BTC-PERP", text=True)
    net.engine.ballots.clear()
    warming = until(say, lambda feed: feed["validity"] == "warming")
    assert warming["feeds"][0]["warm_at"] and warming["feeds"][0]["bars"] == ["liquidate"]


def test_orcl_012_what_is_barred_after_a_halt(say: Say, net: Net) -> None:
    """ORCL-012: in that market alone; told beside the feed."""
    for nonce, status in ((1, 3), (2, 1)):
        net.engine.run_with(b.envelope(b.ORACLE, [b.set_status(status)], nonce))
    found = until(say, lambda feed: feed["markets"][0]["bars"])
    assert (found["feeds"][0]["bars"], found["feeds"][0]["markets"][0]["bars"]) == ([], ["liquidate"])
    assert "\nBTC-PERP bars: liquidate\n" in say("oracle", text=True)
    assert "BTC-PERP: liquidate" in say("oracle", "BTC/USD", text=True)


def test_orcl_008_validators(say: Say, net: Net) -> None:
    """ORCL-008, VAL-001: the set in force, and how each took part."""
    until(say, voted)
    high, _, liar, silent = say("validators")
    assert (high["address"], high["power"], high["share"]) == (
        net.engine.voters.order[0].address.hex().upper(), 40, "40%")
    assert (high["deviations"], silent["prices"]) == (0, silent["votes"] * 2)
    assert liar["deviations"] > 0 and silent["votes"] < silent["blocks"] == high["blocks"]
    assert f"{high['address']}   40" in say("validators", text=True)


def test_orcl_009_surface(say: Say, net: Net) -> None:
    """ORCL-009: voted volatility comes with its feed; a total variance of 0.25 over about a year is about 50%."""
    pillar = Pillar(b.BTC, EXPIRY_S, 10**9, (250_000_000,) * 7)
    net.engine.ballots = dict.fromkeys(range(4), Vote((b.BTC,), (P,), (pillar,)))
    for _ in range(400):
        if (found := say("oracle", "BTC/USD"))["surfaces"]:
            break
    (one,) = found["surfaces"][0]["pillars"]
    assert one["forward_over_price"] == "1" and one["at_the_money"] == "50%"
    assert "at the money" in say("oracle", "BTC/USD", text=True)


def test_what_nobody_knows(run: Say, net: Net) -> None:
    """A feed that is none: wrong usage, with those that there are."""
    result = run("query", "oracle", "DOGE/USD", "--node", net.gateway.address)
    assert result.exit_code == 2 and "BTC/USD, ETH/USD" in result.stderr


def test_every_table_can_be_proven() -> None:
    """`query proof` knows what the records of each table are."""
    assert RECORDS.keys() == TABLES.keys()
