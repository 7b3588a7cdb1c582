"""The real engine, driven over its socket in CometBFT's place: handshake, proposals, blocks, mempool, queries, end."""

import itertools
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tendermint.abci import types_pb2 as abci

from app.errors import (
    ACCOUNT_NOT_FOUND,
    MEMPOOL_DUPLICATE,
    QUERY_HEIGHT,
    QUERY_PATH,
    TX_BAD_SIGNATURE,
    TX_EXPIRED,
    TX_GAS_LIMIT,
    TX_MALFORMED,
    TX_NONCE_TOO_HIGH,
    TX_NONCE_USED,
    TX_TOO_LARGE,
)
from app.params import APP_VERSION
from node.abci.application import retain_height
from node.storage.history import KEEP_HEIGHTS
from novation.v1 import state_pb2, tx_pb2
from tests.helpers import builders
from tests.helpers.builders import ALICE, BOB, CAROL, DAVE, Person, buy, cancel_all, envelope, sell
from tests.helpers.driver import Driver
from tests.helpers.votes import NOBODY
from tests.unit.node.abci.engine_process import EngineProcess, run_engine
from tests.unit.node.abci.wire import METHODS, request

PRICE = 46_000_000


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[EngineProcess]:
    one = EngineProcess(tmp_path / "h")
    try:
        yield one.start()
    finally:
        one.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    """An engine at height 1 for tests that only ask, or that only add blocks."""
    one = EngineProcess(tmp_path_factory.mktemp("shared") / "h")
    try:
        one.start().init_chain()
        one.block([])
        yield one
    finally:
        one.close()


_nonces = itertools.count(1)


def order(person: Person, nonce: int = 0, **fields: object) -> bytes:
    """A bid that rests."""
    return envelope(person, [buy(PRICE - 5_000, 1)], nonce or next(_nonces), **fields)  # type: ignore[arg-type]


def wait_for_inbox(engine: EngineProcess, raw: bytes) -> None:
    """Until an inserted envelope was checked. CheckTx would tell too, but take it itself if it came first."""
    deadline = time.monotonic() + 60
    while raw not in engine.prepare():
        assert time.monotonic() < deadline


def test_handshake_genesis_blocks_restart(engine: EngineProcess) -> None:
    info = engine.consensus.call("info", version="0.40.0")
    assert (info.last_block_height, info.last_block_app_hash, info.app_version) == (0, b"", APP_VERSION)
    genesis_hash = engine.init_chain()
    assert engine.init_chain() == genesis_hash, "InitChain may be repeated"
    assert engine.head() == (0, b"")
    first = engine.block([order(ALICE)])
    assert engine.head() == (1, first.app_hash)
    second = engine.finalize([order(BOB)])
    assert engine.head() == (1, first.app_hash), "nothing is committed before Commit"
    assert engine.terminate() == 0
    engine.start()
    assert engine.head() == (1, first.app_hash)
    assert engine.block([]).app_hash != second.app_hash


def test_an_engine_that_never_committed_starts_from_genesis_again(engine: EngineProcess) -> None:
    genesis_hash = engine.init_chain()
    tx = order(ALICE, 1)
    app_hash = engine.finalize([tx]).app_hash
    assert engine.child is not None
    engine.child.process.kill()
    engine.wait_end()
    engine.home.abci_socket.unlink()
    engine.start()
    assert engine.head() == (0, b"")
    assert engine.init_chain() == genesis_hash
    assert engine.block([tx]).app_hash == app_hash


def test_blocks_are_kept_as_long_as_told_and_as_old_heights_can_be_asked_for() -> None:
    assert retain_height(10**6, 0) == 0
    assert retain_height(10**6, 5_000) == 995_000
    assert retain_height(5_000, 5_000) == 0
    assert retain_height(10**6, 1) == 10**6 - KEEP_HEIGHTS - 1


def test_commit_tells_which_blocks_to_keep(tmp_path: Path) -> None:
    engine = EngineProcess(tmp_path / "h", "--keep-blocks", "1")
    try:
        engine.start().init_chain()
        kept = []
        for _ in range(KEEP_HEIGHTS + 3):
            engine.finalize([])
            kept.append(engine.consensus.call("commit").retain_height)
        assert kept == [0] * (KEEP_HEIGHTS + 1) + [1, 2]
    finally:
        engine.close()


def test_proposals_of_a_byzantine_proposer_are_rejected(shared: EngineProcess) -> None:
    replayed = order(DAVE)
    shared.block([replayed])
    sent = [order(person) for person in (ALICE, BOB, CAROL) for _ in range(3)]
    sent += [envelope(ALICE, [cancel_all()], next(_nonces))]
    for raw in sent:
        assert shared.check(raw)[0] == 0
    right = shared.prepare()
    assert sorted(right) == sorted(sent)
    assert right[0] == sent[-1], "cancels first"
    assert shared.process(right)
    twin = envelope(ALICE, [sell(PRICE + 5_000, 1)], tx_pb2.Body.FromString(
        tx_pb2.Envelope.FromString(sent[0]).body).nonce)
    tampered = bytearray(right[3])
    tampered[-1] ^= 1
    wrong = {
        "reversed": right[::-1],
        "a duplicate": [*right, right[-1]],
        "a duplicate at once": [right[0], *right],
        "garbage": [*right, b"garbage"],
        "an empty transaction": [b"", *right],
        "a replayed nonce": sorted([*right, replayed]),
        "a nonce used twice": [right[0], right[1], sent[0], twin],
        "a foreign chain's": [order(BOB, chain_id="another")],
        "a broken signature": [bytes(tampered)],
        "trailing bytes": [right[0] + b"\x00"],
        "an unknown account": [order(Person("nobody"))],
        "too large": [bytes(70_000)],
    }
    for position in range(len(right) - 1):
        swapped = right.copy()
        swapped[position], swapped[position + 1] = swapped[position + 1], swapped[position]
        wrong[f"{position} and the next swapped"] = swapped
    accepted = [name for name, txs in wrong.items() if shared.process(txs)]
    assert accepted == []
    assert shared.process(right), "a rejected proposal leaves no trace"
    assert shared.process([])
    assert shared.process(right[3:5]), "any part in the right order is fine"
    results = shared.block(right).tx_results
    assert [one.code for one in results] == [0] * len(right)
    assert shared.prepare() == [], "what was committed is not proposed again"


def test_random_permutations_are_accepted_only_in_order(shared: EngineProcess) -> None:
    sent = [order(person) for person in (ALICE, BOB) for _ in range(2)]
    for raw in sent:
        assert shared.check(raw)[0] == 0
    right = shared.prepare()
    assert [list(txs) for txs in itertools.permutations(sent) if shared.process(list(txs))] == [right]
    shared.block(right)


def test_a_block_may_be_run_again_and_others_may_come_between(engine: EngineProcess) -> None:
    driver = Driver(voters=NOBODY)
    assert engine.init_chain() == driver.app_hash
    txs = [order(ALICE, 1), envelope(BOB, [sell(PRICE - 5_000, 1)], 1), b"garbage", order(ALICE, 1)]
    first = engine.finalize(txs)
    engine.finalize([order(CAROL, 1)])
    again = engine.finalize(txs)
    assert again.SerializeToString() == first.SerializeToString()
    engine.consensus.call("commit")
    result = driver.run(txs)
    assert again.app_hash == result.app_hash
    assert [one.code for one in again.tx_results] == [0, 0, TX_MALFORMED.code, TX_NONCE_USED.code]
    assert [one.data for one in again.tx_results] == [one.data for one in result.txs]
    assert [one.gas_used for one in again.tx_results] == [one.gas_used for one in result.txs]
    filled = tx_pb2.EnvelopeResult.FromString(again.tx_results[1].data)
    assert filled.actions[0].filled_lots == 1


def test_check_tx_tells_the_true_verdict(shared: EngineProcess) -> None:
    used = order(ALICE)
    shared.block([used])
    good = order(ALICE)
    response = shared.mempool.call("check_tx", tx=good)
    assert (response.code, response.gas_wanted) == (0, builders.GAS_LIMIT)
    verdicts = {
        MEMPOOL_DUPLICATE: good,
        TX_MALFORMED: b"\xff garbage",
        TX_TOO_LARGE: bytes(65_537),
        TX_BAD_SIGNATURE: order(ALICE, chain_id="another"),
        TX_NONCE_USED: used,
        TX_NONCE_TOO_HIGH: order(ALICE, 1 << 62),
        TX_EXPIRED: order(ALICE, expiry_height=1),
        TX_GAS_LIMIT: order(ALICE, gas_limit=1),
        ACCOUNT_NOT_FOUND: order(Person("nobody")),
    }
    for code, raw in verdicts.items():
        found, text = shared.check(raw)
        assert (found, code.reason in text) == (code.code, True), code
    assert all(code.code < 32_000 for code in verdicts), "CometBFT would offer these again and again"
    shared.block([good])


def test_peers_envelopes_are_reaped_once_and_leave_with_the_block(shared: EngineProcess) -> None:
    shared.mempool.call("reap_txs")
    mine, theirs = order(ALICE), order(BOB)
    assert shared.check(mine)[0] == 0
    assert shared.mempool.call("insert_tx", tx=theirs).code == 0
    assert shared.mempool.call("insert_tx", tx=b"garbage").code == 0, "checked later"
    assert shared.mempool.call("insert_tx", tx=bytes(65_537)).code == TX_TOO_LARGE.code
    wait_for_inbox(shared, theirs)
    assert shared.mempool.call("reap_txs", max_bytes=len(mine)).txs == [mine]
    assert shared.mempool.call("reap_txs").txs == [], "a peer's is told on only if it keeps waiting"
    assert sorted(shared.prepare()) == sorted([mine, theirs])
    shared.block([])
    shared.block([])
    assert shared.mempool.call("reap_txs").txs == [theirs]
    assert shared.mempool.call("reap_txs").txs == []
    shared.block([theirs])
    assert shared.prepare() == [mine]
    shared.block([mine])
    assert shared.check(mine)[0] == TX_NONCE_USED.code


def test_an_expired_envelope_leaves_the_mempool(shared: EngineProcess) -> None:
    height = shared.head()[0]
    raw = order(CAROL, expiry_height=height + 1)
    assert shared.check(raw)[0] == 0
    assert shared.prepare() == [raw]
    shared.block([])
    assert shared.prepare() == []
    assert shared.check(raw)[0] == TX_EXPIRED.code


def test_a_burst_on_the_mempool_connection(shared: EngineProcess) -> None:
    sent = [order(DAVE) for _ in range(200)]
    shared.mempool.send(*[request("check_tx", tx=raw) for raw in sent], request("flush"))
    assert [one.check_tx.code for one in shared.mempool.receive(201)[:200]] == [0] * 200
    block = shared.prepare()
    assert sorted(block) == sorted(sent)
    assert shared.process(block)
    assert sum(one.code == 0 for one in shared.block(block).tx_results) == 200


def test_queries(shared: EngineProcess) -> None:
    client = shared.client()
    height = shared.head()[0]
    found = client.call("query", path="/store/accounts/key", data=ALICE.account())
    assert (found.code, found.height) == (0, height)
    assert state_pb2.Account.FromString(found.value).cash_quanta > 0
    absent = client.call("query", path="/store/accounts/key", data=Person("nobody").account())
    assert (absent.code, absent.value, absent.log) == (0, b"", "absent")
    proven = client.call("query", path="/store/accounts/key", data=ALICE.account(), prove=True)
    assert (proven.code, proven.height, len(proven.proof_ops.ops) > 0) == (0, height - 1, True)
    assert client.call("query", path="/store/accounts/key", data=b"k", height=height + 1).code == QUERY_HEIGHT.code
    for path in ("", "/", "/store", "/store/accounts", "/store/nothing/key", "/store/accounts/keys", "/app/version"):
        for prove in (False, True):
            answer = client.call("query", path=path, data=b"k", prove=prove)
            assert answer.code != 0, path
    assert client.call("query", path="/store/nothing/key").code == QUERY_PATH.code
    for path in ("/p2p/filter/addr/127.0.0.1:1", "/p2p/filter/id/abc"):
        assert client.call("query", path=path).code == 0


def test_all_methods_answer(engine: EngineProcess) -> None:
    engine.init_chain()
    engine.finalize([])
    done = {"init_chain", "finalize_block"}
    for method in ("commit", *(m for m in METHODS if m not in done | {"commit"})):
        engine.consensus.call(method)
        done.add(method)
    assert done == set(METHODS)
    assert len(engine.consensus.call("list_snapshots").snapshots) == 0
    offered = engine.consensus.call("offer_snapshot", snapshot=abci.Snapshot(height=5, format=1))
    assert offered.result == abci.ResponseOfferSnapshot.ABORT
    assert engine.consensus.call("extend_vote", height=1).vote_extension == b""
    verify = abci.ResponseVerifyVoteExtension
    assert engine.consensus.call("verify_vote_extension", vote_extension=b"").status == verify.ACCEPT
    assert engine.consensus.call("verify_vote_extension", vote_extension=b"x").status == verify.REJECT


def test_garbage_transactions_never_break_anything(shared: EngineProcess) -> None:
    chance = random.Random(11)
    valid = order(CAROL)
    for _ in range(300):
        mutated = bytearray(valid)
        for _ in range(chance.randrange(1, 4)):
            action = chance.randrange(3)
            place = chance.randrange(len(mutated))
            if action == 0:
                mutated[place] = chance.randrange(256)
            elif action == 1:
                del mutated[place]
            else:
                mutated.insert(place, chance.randrange(256))
        raw = bytes(mutated)
        if raw != valid:
            assert shared.check(raw)[0] != 0
            assert shared.mempool.call("insert_tx", tx=raw).code == 0
            assert not shared.process([raw])
    assert shared.exit_code is None
    assert shared.block([valid]).tx_results[0].code == 0


def test_sigterm_with_connections_open(engine: EngineProcess) -> None:
    engine.init_chain()
    assert engine.terminate() == 0
    assert engine.consensus.is_closed()
    assert not engine.home.abci_socket.exists()
    assert not engine.home.link_socket.exists()
    assert "the engine stopped" in engine.log()


@pytest.mark.parametrize("fault", ["height", "genesis", "commit"])
def test_a_failure_in_consensus_ends_the_engine(engine: EngineProcess, fault: str) -> None:
    if fault == "genesis":
        with pytest.raises(ConnectionError):
            engine.init_chain(b'{"params": {}}')
    else:
        engine.init_chain()
        with pytest.raises(ConnectionError):
            engine.finalize([], height=7) if fault == "height" else engine.consensus.call("commit")
    assert engine.wait_end() == 70
    assert "a consensus call failed" in engine.log()


def test_two_engines_cannot_share_a_home(engine: EngineProcess) -> None:
    second = run_engine("--home", str(engine.home.root))
    assert second.returncode == 1
    assert "novation status" in second.stderr
    assert engine.consensus.call("echo", message="still here").message == "still here"


def test_optimised_python_is_refused(tmp_path: Path) -> None:
    refused = run_engine("--home", str(tmp_path / "h"), options=("-O",))
    assert refused.returncode == 1
    assert "python -O" in refused.stderr
    assert not (tmp_path / "h").exists()
