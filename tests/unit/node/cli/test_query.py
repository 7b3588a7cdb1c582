"""What `novation query` and `novation tx` say of markets, accounts, orders and auctions, against a real gateway."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.validators.types import SETS_KEY
from node.keys.dev import AUTHORITY, dev_key
from tests.helpers import builders as b
from tests.helpers.gateways import Net, serving

HOUR_NS = 3600 * 10**9
CASH_QUANTA = {"alice": 10**10, "bob": 10**10, "carl": 10**9, "faucet": 10**9, AUTHORITY: 10**9}
BTC_TERMS = {
    "tiers": [{"from_notional_quanta": 10**12, "initial_ppm": 100_000, "maintenance_ppm": 60_000}],
    "insurance_quanta": 5_000_000_000, "impact_notional_quanta": 46_000_000, "interest_e9": 0,
    "funding_band_e9": 500_000, "funding_cap_e9": 40_000_000,
}


def app_state() -> bytes:
    """alice and bob of the dev keys; a perpetual with brackets and a fund, and a batch market that is a future."""
    document = json.loads(b.genesis(gas_price_e6=0))
    document["params"]["authority"] = dev_key(AUTHORITY).owner.hex()
    document["markets"][0] |= BTC_TERMS
    document["markets"][1] |= {"kind": "future", "matching": "batch", "expiry_ns": 1_700_000_000 * 10**9 + HOUR_NS}
    document["assets"] = [{"asset": 1, "symbol": "BTC", "decimals": 8, "haircut_ppm": 100_000,
                           "account_cap_units": 10**8, "deposit_cap_units": 10**9, "price_market": 1}]
    for name, cash in CASH_QUANTA.items():
        document["accounts"].append({"owner": dev_key(name).owner.hex(), "number": 0, "cash_quanta": cash})
    document["accounts"].sort(key=lambda account: account["owner"])
    return json.dumps(document).encode()


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Net]:
    with serving(tmp_path / "chain", app_state=app_state()) as running:
        monkeypatch.setenv("NOVATION_NODE", running.gateway.address)
        yield running


@pytest.fixture
def say(net: Net, run: Callable[..., Any]) -> Callable[..., Any]:
    """`say("query", "market")`: the data of a command that must succeed; with `text`, what people see."""

    def ask(*arguments: Any, text: bool = False) -> Any:
        monkey_node = ("--node", net.gateway.address)
        result = run(*arguments, *monkey_node, *(() if text else ("--output", "json")))
        assert result.exit_code == 0, result.stdout + result.stderr
        return result.stdout if text else json.loads(result.stdout)

    return ask


def trade(say: Callable[..., Any], size: str = "0.1") -> None:
    """alice buys from bob at the mark."""
    say("tx", "order", "sell", size, "BTC-PERP", "--price", 46000, "--key", "bob")
    say("tx", "order", "buy", size, "BTC-PERP", "--price", 46000, "--key", "alice")


def test_a_market_says_all_there_is_to_know(say: Callable[..., Any]) -> None:
    """Kind, matching, status, prices, interest, funding, brackets, fees and fund, in words and decimals."""
    trade(say)
    say("tx", "order", "buy", "0.01", "BTC-PERP", "--price", 46023, "--key", "alice")
    btc, eth = say("query", "market")
    assert (btc["kind"], btc["matching"], btc["status"]) == ("perpetual", "continuous", "active")
    assert (btc["mark"], btc["index"], btc["bid"], btc["open_interest"]) == ("46000", "46000", "46023", "0.1")
    assert btc["tiers"] == [{"from_usd": "1000000", "initial": "10%", "maintenance": "6%"}]
    assert (btc["maker_fee"], btc["taker_fee"], btc["insurance_fund_usd"].split(".")[0]) == ("0.01%", "0.05%", "5000")
    assert btc["expires"] is btc["settlement"] is btc["losses"] is None
    assert (eth["kind"], eth["matching"], eth["funding_8h"]) == ("future", "batch", None)
    assert eth["expires"] == "2023-11-14 23:13:20"
    shown = say("query", "market", "BTC-PERP", text=True)
    for needed in ("perpetual", "from usd 1000000, initial 10%, maintenance 6%", "insurance fund usd"):
        assert needed in shown
    assert "batch" in say("query", "market", text=True)


def test_funding_is_stated_for_eight_hours_and_for_one(say: Callable[..., Any]) -> None:
    """FUND-006: a bid 0.5% above the index is a premium of 0.5%, which the band draws to 0.45%."""
    say("tx", "order", "buy", "0.01", "BTC-PERP", "--price", 46230, "--key", "alice")
    (btc,) = say("query", "market", "BTC-PERP")
    assert (btc["funding_8h"], btc["funding_hour"]) == ("0.45%", "0.05625%")


def test_orders_come_with_triggers(say: Callable[..., Any]) -> None:
    """In data and for people; of one market, or of all."""
    say("tx", "order", "buy", "0.1", "BTC-PERP", "--price", 45000, "--display", "0.02", "--oco", 7, "--key", "alice")
    say("tx", "trigger", "sell", "0.1", "BTC-PERP", "below", 44000, "--price", 43000, "--oco", 7, "--key", "alice")
    found = say("query", "orders", "alice")
    (order,), (trigger,) = found["orders"], found["triggers"]
    assert (order["open_size"], order["terms"]) == ("0.1", "shows 0.02, group 7")
    assert (trigger["fires"], trigger["side"], trigger["size"], trigger["price"], trigger["group"]) == (
        "mark below 44000", "sell", "0.1", "43000", 7)
    assert "mark below 44000" in say("query", "orders", "alice", text=True)
    assert say("query", "orders", "alice", "--market", "ETH-PERP") == {"orders": [], "triggers": []}


def test_an_account_shows_margin_funding_and_assets(say: Callable[..., Any]) -> None:
    """Each position with what it owes and must keep; other collateral with what it counts for."""
    trade(say)
    say("faucet", "alice", 10**8, "--asset", 1)
    mine = say("query", "account", "alice")
    (held,), (asset,) = mine["positions"], mine["assets"]
    assert (held["size"], held["maintenance_margin_usd"], held["initial_margin_usd"]) == ("0.1", "138", "230")
    assert "funding_owed_usd" in held and (mine["liquidatable"], mine["auction"]) == (False, None)
    assert (asset["held"], asset["collateral_usd"]) == ("1", "41400")
    assert "maintenance margin usd" in say("query", "account", "alice", text=True)


def test_an_account_in_auction_says_so(net: Net, say: Callable[..., Any]) -> None:
    """LIQ-011: an account that the book cannot restore is on offer, its discount grows, and bids are counted."""
    say("tx", "order", "sell", "0.4", "BTC-PERP", "--price", 46000, "--key", "bob")
    say("tx", "order", "buy", "0.4", "BTC-PERP", "--price", 46000, "--key", "carl")
    net.engine.prices[b.BTC] = 44_000_000
    for _ in range(400):
        if found := say("query", "auctions"):
            break
    (auction,) = found
    mine = say("query", "account", "carl")
    assert mine["liquidatable"] and mine["auction"]["owner"] == auction["owner"] == dev_key("carl").owner.hex()
    assert "in auction" in say("query", "account", "carl", text=True)
    assert float(auction["equity_usd"]) < float(auction["maintenance_margin_usd"])
    say("tx", "bid", "carl", "--key", "alice")
    assert not say("query", "account", "carl")["liquidatable"]
    assert say("query", "account", "alice")["positions"][0]["market"] == "BTC-PERP"


def test_the_authority_sets_a_validator(say: Callable[..., Any], run: Callable[..., Any], net: Net) -> None:
    """VAL-004: by the authority of a test network; by nobody else; in force two blocks later."""
    key = b.ALICE.public_key.hex()
    say("tx", "set-validator", key, 4, "--key", AUTHORITY)
    latest = net.engine.chain.view.validators.get(SETS_KEY).sets[-1]
    assert [(one.public_key.hex(), one.power) for one in latest.validators][1:] == [(key, 4)]
    refused = run("tx", "set-validator", key, 0, "--key", "alice", "--node", net.gateway.address)
    assert refused.exit_code == 1 and "VALIDATOR_NOT_AUTHORITY" in refused.stderr
    wrong = run("tx", "set-validator", "xyz", 0, "--key", AUTHORITY, "--node", net.gateway.address)
    assert wrong.exit_code == 2 and "64 hex digits" in wrong.stderr


def test_the_authority_moves_a_market(say: Callable[..., Any], run: Callable[..., Any], net: Net) -> None:
    """MKT-006: by the authority of a test network; by nobody else."""
    say("tx", "set-market-status", "BTC-PERP", "reduce-only", "--key", AUTHORITY)
    (btc,) = say("query", "market", "BTC-PERP")
    assert btc["status"] == "reduce_only"
    refused = run("tx", "set-market-status", "BTC-PERP", "active", "--key", "alice", "--node", net.gateway.address)
    assert refused.exit_code == 1 and "MARKET_NOT_AUTHORITY" in refused.stderr
