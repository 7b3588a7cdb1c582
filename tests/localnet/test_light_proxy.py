"""Proofs end to end, on a real node: an unmodified `cometbft light` proxy and the client's own light client accept what
is true and refuse what is not. Both stand behind a proxy that alters the node's answers when told to.
"""

import asyncio
import base64
import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest

from client.light import LightClient, LightError, ProofError, TrustOptions, trust_in
from client.light_headers import check_block, sign_bytes, verify_step
from client.offline import prove_risk
from node.comet.install import cometbft_binary
from node.comet.process import Command, log_tail, spawn, stop
from node.storage.history import KEEP_HEIGHTS
from node.web.proofs import CometProver, proof_document
from novation.v1 import risk_service_pb2 as risk_service
from novation.v1 import state_pb2, tx_pb2
from tests.helpers import builders
from tests.localnet.single import Node, free_ports, make_node, wait_until
from tests.localnet.tampering import TamperingProxy
from tests.unit.node.web.test_wire import needs_node
from tests.unit.node.web.test_wire import run as run_script

pytestmark = pytest.mark.localnet

ALICE = builders.ALICE.account()
NOBODY = b"\x07" * 24
TRUSTED_HEIGHT = 2


@dataclass
class Scene:
    """A node with a load, the tampering proxy before it, and the address of the stock light proxy before that."""

    node: Node
    tampering: TamperingProxy
    trust: TrustOptions
    stock: str

    def rpc(self, method: str, **parameters: str) -> Any:
        """The result of a call to the node itself."""
        return httpx.get(f"{self.node.rpc.url}/{method}", params=parameters, timeout=60).json()["result"]

    @contextlib.contextmanager
    def lying(self, alter: Callable[[str, Any], None]) -> Iterator[None]:
        """Alter the node's answers for a while."""
        self.tampering.alter = alter
        try:
            yield
        finally:
            self.tampering.alter = None


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with contextlib.ExitStack() as stack:
        node = make_node(tmp_path_factory.mktemp("light"), timeout_commit_ms=100)
        stack.callback(node.stop)
        node.start_engine()
        node.start_comet()
        node.wait_height(TRUSTED_HEIGHT + 2)
        node.start_load()
        tampering = TamperingProxy(node.rpc.url)
        stack.callback(tampering.close)
        signed = httpx.get(f"{node.rpc.url}/commit", params={"height": f'"{TRUSTED_HEIGHT}"'}, timeout=60).json()
        signed = signed["result"]
        found = bytes.fromhex(signed["signed_header"]["commit"]["block_id"]["hash"])
        trust = TrustOptions(builders.CHAIN_ID, TRUSTED_HEIGHT, found)
        stock = start_stock_proxy(stack, tampering.address, trust, tmp_path_factory.mktemp("stock"))
        yield Scene(node, tampering, trust, stock)


def start_stock_proxy(stack: contextlib.ExitStack, address: str, trust: TrustOptions, folder: Path) -> str:
    """Run `cometbft light` before `address`; where it listens."""
    [port] = free_ports(1)
    log = folder / "light.log"
    child = spawn(Command("light", [
        str(cometbft_binary()), "light", trust.chain_id, "--primary", address, "--witnesses", address,
        "--height", str(trust.height), "--hash", trust.hash.hex().upper(), "--home-dir", str(folder / "home"),
        "--laddr", f"tcp://127.0.0.1:{port}"], log))
    stack.callback(stop, child)
    stock = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        assert child.exit_code is None, log_tail(log, 20)
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"{stock}/status", timeout=60).status_code == 200
        return False

    wait_until(answers, "the light proxy")
    return stock


def ask_stock(scene: Scene, table: str, key: bytes, height: int = 0) -> Any:
    """`abci_query` through the stock light proxy: the whole JSON-RPC answer."""
    return httpx.get(f"{scene.stock}/abci_query", timeout=60, params={
        "path": f'"/store/{table}/key"', "data": f"0x{key.hex()}", "height": f'"{height}"', "prove": "true"}).json()


def light(scene: Scene, **changes: Any) -> LightClient:
    return LightClient(scene.tampering.address, replace(scene.trust, **changes))


def run(scene: Scene, table: str, key: bytes, height: int = 0, form: str = "store", **changes: Any) -> Any:
    """One question to the client's light client."""

    async def ask() -> Any:
        async with light(scene, **changes) as client:
            return await client.record(table, key, height, form=form)

    return asyncio.run(ask())


# what a lying node may change in the answer to a query


def other_value(method: str, result: Any) -> None:
    if method == "abci_query":
        account = state_pb2.Account.FromString(base64.b64decode(result["response"]["value"]))
        account.cash_quanta += 1
        result["response"]["value"] = base64.b64encode(account.SerializeToString()).decode()


def other_key(method: str, result: Any) -> None:
    if method == "abci_query":
        result["response"]["key"] = base64.b64encode(sha256(b"other").hexdigest().encode()).decode()


def other_proof(method: str, result: Any) -> None:
    if method == "abci_query":
        step = result["response"]["proofOps"]["ops"][0]
        data = bytearray(base64.b64decode(step["data"]))
        data[-1] ^= 1
        step["data"] = base64.b64encode(data).decode()


def other_height(method: str, result: Any) -> None:
    if method == "abci_query":
        result["response"]["height"] = str(int(result["response"]["height"]) - 1)


def no_value(method: str, result: Any) -> None:
    if method == "abci_query":
        result["response"]["value"] = None


LIES = [other_value, other_key, other_proof, other_height, no_value]


def test_stock_proxy_accepts_what_is_true(scene: Scene) -> None:
    for table, key in (("accounts", ALICE), ("vault", b"usd"), ("markets", (1).to_bytes(4, "big"))):
        answer = ask_stock(scene, table, key)
        assert "result" in answer, answer
        response = answer["result"]["response"]
        direct = scene.rpc("abci_query", path=f'"/store/{table}/key"', data=f"0x{key.hex()}",
                           height=f'"{response["height"]}"')["response"]
        assert response["value"] == direct["value"]
        assert base64.b64decode(response["key"]) == sha256(key).hexdigest().encode()


@pytest.mark.parametrize("alter", LIES)
def test_stock_proxy_refuses_a_lie(scene: Scene, alter: Callable[[str, Any], None]) -> None:
    with scene.lying(alter):
        answer = ask_stock(scene, "accounts", ALICE)
    assert "result" not in answer
    assert answer["error"]
    assert "result" in ask_stock(scene, "accounts", ALICE)  # the same question, answered honestly


@pytest.mark.parametrize("form", ["store", "ics23"])
def test_client_accepts_what_is_true(scene: Scene, form: str) -> None:
    record = run(scene, "accounts", ALICE, form=form)
    direct = scene.rpc("abci_query", path='"/store/accounts/key"', data=f"0x{ALICE.hex()}",
                       height=f'"{record.height}"')["response"]
    assert record.value == base64.b64decode(direct["value"])
    assert record.header.height == record.height + 1
    assert state_pb2.Account.FromString(record.value).cash_quanta > 0


@pytest.mark.parametrize("table", ["accounts", "funds", "orders"])
def test_client_accepts_absence(scene: Scene, table: str) -> None:
    assert run(scene, table, NOBODY).value is None


@pytest.mark.parametrize("form", ["store", "ics23"])
@pytest.mark.parametrize("alter", [lie for lie in LIES if lie is not other_key])
def test_client_refuses_a_lie(scene: Scene, alter: Callable[[str, Any], None], form: str) -> None:
    """`key` is not among them: the client asks for a key and never looks at the one in the answer."""
    with scene.lying(alter), pytest.raises((ProofError, LightError)):
        run(scene, "accounts", ALICE, form=form)


def test_client_refuses_another_trusted_hash_chain_or_an_old_one(scene: Scene) -> None:
    with pytest.raises(LightError, match="not the trusted one"):
        run(scene, "accounts", ALICE, hash=bytes(32))
    with pytest.raises(LightError, match="of chain"):
        run(scene, "accounts", ALICE, chain_id="elsewhere")
    with pytest.raises(LightError, match="trusting period"):
        run(scene, "accounts", ALICE, period_seconds=0)


def altered_commit(name: str) -> Callable[[str, Any], None]:
    """A lie about the headers above the trusted one."""

    def alter(method: str, result: Any) -> None:
        if method == "validators" and name == "validator" and int(result["block_height"]) > TRUSTED_HEIGHT:
            result["validators"][0]["voting_power"] = "11"
        if method != "commit" or int(result["signed_header"]["header"]["height"]) <= TRUSTED_HEIGHT:
            return
        signed = result["signed_header"]
        place = signed["commit"]["signatures"][0]
        if name == "app_hash":
            signed["header"]["app_hash"] = "00" * 32
        elif name == "signature":
            place["signature"] = base64.b64encode(bytes(64)).decode()
        elif name == "unsigned":
            place.update({"block_id_flag": 1, "validator_address": "", "signature": None})
        elif name == "time":
            place["timestamp"] = "2026-01-01T00:00:00Z"

    return alter


@pytest.mark.parametrize("name", ["app_hash", "signature", "unsigned", "time", "validator"])
def test_client_refuses_an_altered_header(scene: Scene, name: str) -> None:
    with scene.lying(altered_commit(name)), pytest.raises(LightError):
        run(scene, "accounts", ALICE)


def test_header_hash_and_sign_bytes_are_cometbfts(scene: Scene) -> None:
    """Real headers hash to the id that the next block names, and real signatures are over our sign bytes."""

    async def blocks() -> list[Any]:
        async with light(scene) as client:
            return [await client._fetch(scene.node.rpc.url, height) for height in (1, 2, 3)]

    first, second, third = asyncio.run(blocks())
    assert [first.header.hash(), second.header.hash()] == [second.header.last_block.hash, third.header.last_block.hash]
    for block in (first, second, third):
        check_block(block, builders.CHAIN_ID)
    assert sign_bytes(builders.CHAIN_ID, third.commit, 1)[-len(builders.CHAIN_ID):] == builders.CHAIN_ID.encode()
    verify_step(second, third, 10**15, time.time_ns(), 10**9)
    with pytest.raises(LightError, match="not after"):
        verify_step(third, second, 10**15, time.time_ns(), 10**9)


def proven_at_age(scene: Scene, age: int) -> bool:
    """False when the chain was quicker: the height was let go between choosing it and asking for it."""
    height = max(1, scene.node.height() - 1 - age)
    try:
        assert run(scene, "accounts", ALICE, height).height == height
        return True
    except LightError:
        if scene.node.height() - height < KEEP_HEIGHTS:
            raise
        return False


def test_every_height_that_is_kept_can_be_proven(scene: Scene) -> None:
    """Heights that are not made yet have a code."""
    scene.node.wait_height(8)
    for age in range(0, KEEP_HEIGHTS, 10):
        wait_until(partial(proven_at_age, scene, age), f"a proof {age} blocks old")
    with pytest.raises(LightError, match="QUERY_HEIGHT"):
        run(scene, "accounts", ALICE, scene.node.height() + 1_000)


def test_client_goes_backwards_from_the_trusted_header(scene: Scene) -> None:
    async def both() -> tuple[Any, Any]:
        async with light(scene) as client:
            return await client.header(1), await client.header(TRUSTED_HEIGHT)

    first, trusted = asyncio.run(both())
    assert first.hash() == trusted.last_block.hash


def test_witness_that_disagrees_is_noticed(scene: Scene) -> None:
    async def ask() -> None:
        async with LightClient(scene.node.rpc.url, scene.trust, witnesses=[scene.tampering.address]) as client:
            await client.header(TRUSTED_HEIGHT + 1)

    asyncio.run(ask())
    with scene.lying(altered_commit("app_hash")), pytest.raises(LightError, match="different headers"):
        asyncio.run(ask())


def risk_from_proofs(scene: Scene, number: int = 0) -> Any:
    """What one of Bob's accounts risks, from nothing but what the validators signed."""

    async def ask() -> Any:
        async with light(scene) as client:
            return await prove_risk(client, risk_service.GetRiskRequest(
                account=tx_pb2.AccountId(owner=builders.BOB.owner, number=number),
                prices=[risk_service.SupposedPrice(market=builders.BTC, change_ppm=-200_000)]))

    return asyncio.run(ask())


def test_risk_from_proofs_is_what_the_state_says(scene: Scene) -> None:
    """RISK-004: the offline answer rests on the account as it is at that height, and on a header that was signed."""
    found = risk_from_proofs(scene)
    account = state_pb2.Account.FromString(found.records["accounts", builders.BOB.account()])
    before, after = found.answer.before, found.answer.after
    assert before.cash_quanta == account.cash_quanta
    assert {one.market: one.lots for one in before.positions} == {one.market: one.lots for one in account.positions}
    assert after.equity_quanta - before.equity_quanta == sum(
        one.lots * (after.positions[at].mark_quanta - one.mark_quanta) for at, one in enumerate(before.positions))
    signed = scene.rpc("commit", height=f'"{found.height + 1}"')["signed_header"]
    assert (found.header.hash(), found.header.app_hash) == (
        bytes.fromhex(signed["commit"]["block_id"]["hash"]), bytes.fromhex(signed["header"]["app_hash"]))
    nobody = risk_from_proofs(scene, number=9)
    assert nobody.records["accounts", builders.BOB.account(9)] is None and not nobody.answer.before.cash_quanta


def richer(method: str, result: Any) -> None:
    """A lie about one of the records that an answer rests on."""
    leaf = base64.b64encode(sha256(builders.BOB.account()).hexdigest().encode()).decode()
    if method == "abci_query" and result["response"]["key"] == leaf:
        other_value(method, result)


@pytest.mark.parametrize("alter", [richer, other_proof, other_height, no_value])
def test_risk_from_proofs_refuses_a_lie(scene: Scene, alter: Callable[[str, Any], None]) -> None:
    with scene.lying(alter), pytest.raises((ProofError, LightError)):
        risk_from_proofs(scene)


def test_trust_can_be_taken_from_the_node(scene: Scene) -> None:
    """Chain id and hash of the newest header, or of one that is named; a named hash that is not there is refused."""
    newest = asyncio.run(trust_in(scene.tampering.address))
    assert newest.chain_id == builders.CHAIN_ID and newest.height > TRUSTED_HEIGHT
    assert asyncio.run(trust_in(scene.tampering.address, TRUSTED_HEIGHT)).hash == scene.trust.hash
    wrong = asyncio.run(trust_in(scene.tampering.address, TRUSTED_HEIGHT, bytes(32)))
    with pytest.raises(LightError, match="not the trusted one"):
        run(scene, "accounts", ALICE, hash=wrong.hash)


CHECK = """
const { provenAppHash } = await at("proofs"), { checkBlock } = await at("headers");
const { table, key, value, operators, block } = given.proof;
const { hash, signers } = await checkBlock(block, given.chain);
console.log(JSON.stringify([await provenAppHash(table, key, value, operators), hash, signers]));
"""


@needs_node
def test_the_page_is_given_what_it_needs_to_check_a_real_block(scene: Scene) -> None:
    """The gateway's prover and the page's JavaScript, on what an unmodified CometBFT answers."""
    async def fetched(table: str, key: bytes) -> Any:
        prover = CometProver(scene.node.rpc.url.removeprefix("http://"))
        try:
            return await proof_document(prover, {"table": table, "key": key.hex()})
        finally:
            await prover.close()

    for table, key, present in (("params", b"params", True), ("accounts", NOBODY, False)):
        proof = asyncio.run(fetched(table, key))
        app_hash, block_hash, signers = run_script(CHECK, {"proof": proof, "chain": builders.CHAIN_ID})
        signed = scene.rpc("commit", height=f'"{proof["block"]["header"]["height"]}"')["signed_header"]
        assert bool(proof["record"]) == present and int(proof["height"]) + 1 == int(signed["header"]["height"])
        assert app_hash == proof["app_hash"] == signed["header"]["app_hash"].lower()
        assert (block_hash, signers) == (signed["commit"]["block_id"]["hash"].lower(), 1)
