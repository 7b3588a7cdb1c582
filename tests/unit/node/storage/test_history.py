"""The last committed heights: what is held, what is proven from it, and what is refused with a code."""

import threading
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest
from tendermint.abci import types_pb2 as abci

from app.chain import Head
from app.errors import ChainError
from app.store.table import RECORD_SPACE
from app.store.tree import DomainTree, app_hash
from app.store.view import Batch
from client.light_proofs import Operator, verify_absence, verify_value
from node.abci.queries import QueryService
from node.storage.history import Answer, History, query
from node.storage.leveldb import LevelDB
from tests.helpers.states import records_of


class Store:
    """One table over LevelDB with its history, committed height by height."""

    def __init__(self, path: Path, keep: int) -> None:
        self.database = LevelDB(path)
        self.trees = {"accounts": DomainTree(2, self.database), "orders": DomainTree(9, self.database)}
        self.history = History(self.database.snapshot, keep)
        self.height = 0

    def commit(self, changes: dict[bytes, bytes | None]) -> bytes:
        """Commit a height with changes of accounts; its app hash."""
        staged = self.trees["accounts"].stage(changes)
        batch: Batch = {RECORD_SPACE + b"\x02" + key: value for key, value in changes.items()}
        self.database.write({**batch, **staged.writes})
        self.trees["accounts"].apply(staged)
        self.height += 1
        root = app_hash({name: tree.root for name, tree in self.trees.items()})
        self.history.add(self.height, root, self.trees)
        return root


@pytest.fixture
def store(tmp_path: Path):
    opened = Store(tmp_path / "db", keep=5)
    yield opened
    opened.history.close()
    opened.database.close()


def check(answer: Answer, root: bytes, key: bytes) -> None:
    """Verify an answer as a client does."""
    operators = [Operator(step.kind, step.key, step.data) for step in answer.operators]
    if answer.value:
        verify_value(root, "accounts", key, answer.value, operators)
    else:
        verify_absence(root, "accounts", key, operators)


def test_every_height_that_is_held_proves_its_own_state(store: Store) -> None:
    key = b"somebody"
    roots = {}
    for height in range(1, 10):
        roots[height] = store.commit({key: None if height % 3 == 0 else b"value %d" % height, b"%d" % height: b"x"})
    for height in range(5, 10):
        for path in ("/store/accounts/key", "/ics23/accounts/key"):
            answer = query(store.history, path, key, height, True)
            assert answer.value == (b"" if height % 3 == 0 else b"value %d" % height)
            assert answer.key == sha256(key).hexdigest().encode()
            check(answer, roots[height], key)
            assert query(store.history, path, key, height, False).operators == []


def test_heights_that_are_not_held_have_a_code(store: Store) -> None:
    with pytest.raises(ChainError, match="nothing is committed"):
        store.history.at(0)
    for _ in range(7):
        store.commit({b"a": b"1"})
    for height in (1, 2, 8, 10**18, -1):
        with pytest.raises(ChainError, match="QUERY_HEIGHT"):
            query(store.history, "/store/accounts/key", b"a", height, True)
    with pytest.raises(ChainError, match=r"oldest=3, newest=7"):
        store.history.at(2)


def test_newest_height_and_newest_that_a_header_vouches_for(store: Store) -> None:
    store.commit({b"a": b"1"})
    assert store.history.at(0).height == store.history.at(0, proven=True).height == 1
    store.commit({b"a": b"2"})
    assert (store.history.at(0).height, store.history.at(0, proven=True).height) == (2, 1)


@pytest.mark.parametrize("path", ["", "/", "/store", "/store/accounts", "/store/accounts/keys", "store/accounts/key",
                                  "/store/nothing/key", "/other/accounts/key", "/store/accounts/key/x", "/store//key"])
def test_unknown_paths_have_a_code(store: Store, path: str) -> None:
    store.commit({b"a": b"1"})
    with pytest.raises(ChainError, match="QUERY_PATH"):
        query(store.history, path, b"a", 1, True)


def test_history_begins_again_after_a_restart(tmp_path: Path) -> None:
    first = Store(tmp_path / "db", keep=5)
    first.commit(records_of(100))
    root = first.commit({b"a": b"1"})
    first.history.close()
    first.database.close()
    second = Store(tmp_path / "db", keep=5)
    second.history.add(2, root, second.trees)
    check(query(second.history, "/store/accounts/key", b"a", 0, True), root, b"a")
    second.history.close()
    second.database.close()


def test_queries_beside_commits(store: Store) -> None:
    """A reader that holds a height may go on with it after the height has fallen out of the history."""
    records = records_of(300)
    roots = {1: store.commit(records)}
    key = next(iter(records))
    stop = threading.Event()
    answers: list[Answer] = []

    def read() -> None:
        while not stop.is_set():
            answers.append(query(store.history, "/store/accounts/key", key, 0, True))

    with ThreadPoolExecutor() as pool:
        reading = pool.submit(read)
        try:
            for number in range(10_000):
                root = store.commit({key: b"value %d" % number, b"new %d" % number: b"x"})
                roots[store.height] = root
                if number >= 200 and len({answer.height for answer in list(answers)}) > 5:
                    break
        finally:
            stop.set()
        reading.result()
    assert len({answer.height for answer in answers}) > 5
    for answer in answers[:: max(1, len(answers) // 100)]:
        check(answer, roots[answer.height], key)


def test_database_may_close_while_a_height_is_held(tmp_path: Path) -> None:
    store = Store(tmp_path / "db", keep=3)
    store.commit({b"a": b"1"})
    held = store.history.at(1)
    store.history.close()
    store.database.close()
    del held  # lets go of a snapshot of a closed database
    again = LevelDB(tmp_path / "db")
    assert again.get(b"r\x02a") == b"1"
    again.close()


def test_abci_answers(store: Store) -> None:
    """The same through ABCI: proofs as CometBFT's messages, errors as codes, peers always welcome."""
    roots = [store.commit({b"a": b"1"}), store.commit({b"a": b"2"})]
    service = QueryService(lambda table, key: (Head(2, 0, roots[1], ""), {b"a": b"2"}[key]), store.history)
    answer = service.query(abci.RequestQuery(path="/store/accounts/key", data=b"a", prove=True))
    assert (answer.code, answer.height, answer.value) == (0, 1, b"1")
    verify_value(roots[0], "accounts", b"a", b"1", [Operator(op.type, op.key, op.data) for op in answer.proof_ops.ops])
    plain = service.query(abci.RequestQuery(path="/store/accounts/key", data=b"a"))
    assert (plain.height, plain.value, len(plain.proof_ops.ops)) == (2, b"2", 0)
    assert service.query(abci.RequestQuery(path="/store/accounts/key", data=b"a", height=9)).code == 802
    assert service.query(abci.RequestQuery(path="/store/nothing/key", data=b"a", prove=True)).code == 801
    assert service.query(abci.RequestQuery(path="/nowhere", data=b"a")).code == 801
    assert service.query(abci.RequestQuery(path="/p2p/filter/addr/1.2.3.4:5")).code == 0
