"""The page's JavaScript accepts the proofs and headers that the SDK's light client accepts, and no others."""

from dataclasses import asdict, replace
from typing import Any

import httpx

from client.light_headers import LightBlock, sign_bytes, validators_hash
from node.web.proofs import written
from novation.testing import Chain
from tests.unit.client.test_light_headers import CHAIN, block
from tests.unit.node.web.test_wire import needs_node, run

CHECK_BLOCKS = """
const { checkBlock, headerHash, validatorsHash, voteBytes } = await at("headers");
const outcome = (one) => checkBlock(one, given.chain).then(
  ({ hash, signed, total, signers }) => [hash, String(signed), String(total), signers], (error) => error.message);
const first = given.blocks[0];
const outcomes = await Promise.all(given.blocks.map(outcome));
const [hash, members] = [await headerHash(first.header), await validatorsHash(first.validators)];
console.log(JSON.stringify({ outcomes, hash, members, vote: hex(voteBytes(given.chain, first.commit,
  first.commit.signatures[0].time_ns)) }));
"""
CHECK_PROOFS = """
const { provenAppHash } = await at("proofs");
const outcome = (one) => provenAppHash(...one).catch((error) => error.message);
console.log(JSON.stringify(await Promise.all(given.map(outcome))));
"""


def forged(good: LightBlock) -> list[LightBlock]:
    """Blocks that must not be believed, each wrong in one thing."""
    places = list(good.commit.signatures)
    places[0] = replace(places[0], signature=bytes(64))
    swapped = (good.validators[1], good.validators[0], *good.validators[2:])
    return [
        replace(good, header=replace(good.header, app_hash=b"\x02" * 32)),
        replace(good, validators=swapped),
        replace(good, commit=replace(good.commit, signatures=good.commit.signatures[:-1])),
        replace(good, commit=replace(good.commit, round=1)),
        block(9, [0, 1, 2, 3], silent=[0, 1]),
        replace(good, header=replace(good.header, chain_id="another-chain")),
        replace(good, commit=replace(good.commit, signatures=(places[1], places[0], *places[2:]))),
    ]


@needs_node
def test_headers_are_believed_by_the_same_rules() -> None:
    good, most = block(9, [0, 1, 2, 3]), block(9, [0, 1, 2, 3, 4, 5, 6], silent=[3, 4])
    blocks = [written(asdict(one)) for one in (good, most, *forged(good))]
    found = run(CHECK_BLOCKS, {"chain": CHAIN, "blocks": blocks})
    assert found["outcomes"][:2] == [
        [good.header.hash().hex(), "40", "40", 4], [most.header.hash().hex(), "50", "70", 5]]
    assert found["outcomes"][2:] == [
        "the commit is for another header", "the validators are not those that the header names",
        "the commit has not one place for each validator",
        *["no more than two thirds of the voting power signed the header"] * 2,
        f"the header is of chain another-chain, not {CHAIN}", "a signature stands at another validator's place"]
    assert found["hash"] == good.header.hash().hex() and found["members"] == validators_hash(good.validators).hex()
    assert found["vote"] == sign_bytes(CHAIN, good.commit, good.commit.signatures[0].time_ns).hex()


@needs_node
def test_proofs_hold_and_what_was_changed_does_not(chain: Chain, http: httpx.Client) -> None:
    chain.client("alice").place("BTC-PERP", "buy", "0.1", "45000")
    chain.mine(2)
    asked = [("markets", "00000001"), ("markets", "0000ffff"), ("markets", "00000000"), ("auctions", "aa"),
             ("vault", b"usd".hex()), ("accounts", "00" * 24)]
    answers = [http.get("/api/proof", params={"table": table, "key": key}).json() for table, key in asked]
    good: list[Any] = [[one["table"], one["key"], one["value"], one["operators"]] for one in answers]
    assert [bool(one["value"]) for one in answers] == [True, False, False, False, True, False]
    table, key, value, operators = good[0]
    _, absent, _, gap = good[1]
    broken = operators[0]["data"][:-2] + f"{int(operators[0]['data'][-2:], 16) ^ 1:02x}"
    wrong = [[table, key, value + "00", operators], [table, "00000002", value, operators],
             ["vault", key, value, operators], [table, key, value, operators[:1]],
             [table, key, value, [{**operators[0], "kind": "simple:v"}, operators[1]]],
             [table, "00000001", "", gap], [table, absent, value, gap], [table, key, "", operators],
             [table, key, value, [{**operators[0], "data": broken}, operators[1]]]]
    found = run(CHECK_PROOFS, good + wrong)
    assert found[:len(good)] == [one["app_hash"] for one in answers]
    assert not {one["app_hash"] for one in answers} & set(found[len(good):])
