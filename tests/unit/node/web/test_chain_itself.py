"""What the explorer and the option chain ask for beyond the services: whole transactions, proofs, terms, changes."""

import hashlib
from typing import Any

import httpx
import pytest

from client import envelopes as e
from client.keys import Key
from client.light_proofs import Operator, ProofError, verify_absence, verify_value
from client.sync import SyncClient
from node.devchain.genesis import dev_state
from node.keys.dev import dev_key
from node.records import RECORDS
from novation.testing import Chain

ALICE, BOB = dev_key("alice"), dev_key("bob")


def sent_tx(http: httpx.Client, height: int) -> dict[str, Any]:
    """The one transaction of a block, asked for by its hash."""
    found = http.get("/api/block", params={"height": height, "with_txs": "true"}).json()["block"]["txs"]
    assert len(found) == 1 and "body" not in found[0]
    tx: dict[str, Any] = http.get("/api/tx", params={"hash": found[0]["hash"]}).json()["tx"]
    return tx


def test_a_transaction_is_told_whole_with_what_failed_and_why(chain: Chain, http: httpx.Client) -> None:
    good = e.place(market=1, side="buy", price_quanta=45_000_000, size_lots=10, time_in_force="post_only", client_id=7)
    bad = e.place(market=1, side="sell", price_quanta=46_000_000, size_lots=10, reduce_only=True)
    sent = chain.client("alice").send([good, bad])
    tx = sent_tx(http, sent.height)
    body, results = tx["body"], tx["result"]["actions"]
    assert body["account"] == {"owner": ALICE.owner.hex(), "number": 0} and body["nonce"] == tx["nonce"]
    assert body["actions"][0]["place_order"]["time_in_force"] == "post_only"
    assert body["actions"][1]["place_order"]["reduce_only"] is True
    assert [one["reason"] for one in results] == ["", "ORDER_REDUCES_NOTHING"]
    assert tx["public_key"] == ALICE.public_key.hex() and tx["by_agent"] is False


def test_a_transaction_says_when_an_agent_signed(chain: Chain, http: httpx.Client) -> None:
    chain.client("alice").set_agent(BOB.public_key, 3600)
    with SyncClient(chain.address, BOB, owner=ALICE.owner) as agent:
        sent = agent.place("BTC-PERP", "buy", "0.01", "45000")
    tx = sent_tx(http, sent.height)
    assert tx["by_agent"] is True and tx["public_key"] == BOB.public_key.hex()
    assert tx["account"]["owner"] == ALICE.owner.hex()


def operators(answer: dict[str, Any]) -> list[Operator]:
    """As the SDK's checker takes them."""
    return [Operator(one["kind"], bytes.fromhex(one["key"]), bytes.fromhex(one["data"]))
            for one in answer["operators"]]


def test_a_record_comes_with_a_proof_that_holds(chain: Chain, http: httpx.Client) -> None:
    chain.mine(3)
    answer = http.get("/api/proof", params={"table": "markets", "key": "00000001"}).json()
    app_hash, value = bytes.fromhex(answer["app_hash"]), bytes.fromhex(answer["value"])
    assert answer["record"]["symbol"] == "BTC-PERP" and answer["block"] is None
    assert int(answer["height"]) == chain.chain.height - 1
    verify_value(app_hash, "markets", b"\0\0\0\1", value, operators(answer))
    with pytest.raises(ProofError):
        verify_value(app_hash, "markets", b"\0\0\0\1", value + b"\0", operators(answer))


def test_that_there_is_no_record_is_proven_too(chain: Chain, http: httpx.Client) -> None:
    chain.mine(2)
    for table, key in (("markets", "0000ffff"), ("auctions", "aa")):
        answer = http.get("/api/proof", params={"table": table, "key": key}).json()
        assert (answer["value"], answer["record"]) == ("", None)
        verify_absence(bytes.fromhex(answer["app_hash"]), table, bytes.fromhex(key), operators(answer))


@pytest.mark.parametrize("asked", [{}, {"table": "markets"}, {"table": "nothing", "key": "00"},
                                   {"table": "markets", "key": "zz"}, {"table": "markets", "key": "00" * 129}])
def test_what_is_no_record_is_refused(http: httpx.Client, asked: dict[str, str]) -> None:
    answer = http.get("/api/proof", params=asked)
    assert (answer.status_code, answer.json()["reason"]) == (400, "BAD_ARGUMENT")


def test_every_table_can_be_proven(chain: Chain, http: httpx.Client) -> None:
    chain.mine(2)
    for table in RECORDS:
        answer = http.get("/api/proof", params={"table": table, "key": hashlib.sha256(table.encode()).hexdigest()})
        assert answer.status_code == 200, answer.text


def test_terms_are_all_records_that_hold_rules(chain: Chain, http: httpx.Client) -> None:
    found = http.get("/api/terms").json()
    state = dev_state()
    assert found["params"][0]["authority"] == dev_key("authority").owner.hex()
    assert len(found["option_classes"]) == len(state["options"])
    assert found["fee_terms"][0]["tiers"] and found["portfolios"][0]["rows"] and found["assets"]
    assert found["validators"][0]["sets"][0]["validators"][0]["power"] == "10"


def test_what_the_authority_does_is_told_and_what_it_changed(chain: Chain, http: httpx.Client) -> None:
    chain.client("authority").set_market_status("BTC-PERP", "reduce_only")
    chain.client("authority").set_validator(Key(b"\x09" * 32).public_key, 5)
    refused = chain.client("alice").send([e.set_market_status(1, "active")])
    found = http.get("/api/changes").json()
    actions = found["actions"]
    assert [next(iter(one["action"])) for one in actions] == ["set_market_status", "set_validator", "set_market_status"]
    assert int(actions[0]["height"]) == refused.height and actions[0]["result"]["reason"]
    assert actions[1]["action"]["set_validator"]["power"] == "5" and not actions[1]["result"]["code"]
    status = next(one["event"]["market_status_changed"] for one in found["events"]
                  if "market_status_changed" in one["event"])
    assert (status["before"], status["after"], status["reason"]) == ("active", "reduce_only", "authority")
