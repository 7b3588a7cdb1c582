"""The last committed heights, kept readable: a LevelDB snapshot and the trees' versions for each.

A snapshot costs nothing but the old data that LevelDB cannot drop while it lives, and a tree's version shares all but
the changed paths with its successor. Both end with the process: after a restart the history starts with the stored
height and grows again to `KEEP_HEIGHTS`.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256

from app.errors import QUERY_HEIGHT, QUERY_PATH, ChainError
from app.store.proofs import ProofOperator, StateVersion, ics23_proof, simple_proof, tree_of
from app.store.table import RECORD_SPACE
from app.store.tree import DomainTree, tree_key
from app.store.view import Reader

KEEP_HEIGHTS = 100
STORE_PATH = "store"
ICS23_PATH = "ics23"


@dataclass(slots=True, frozen=True)
class Answer:
    """A record at a height: `key` is the key of its leaf (see `tree_key`), `value` empty when there is no record."""

    height: int
    key: bytes
    value: bytes
    operators: list[ProofOperator]


class History:
    """The newest `keep` committed heights.

    `add` is for the thread that commits, everything else for any thread. A height that falls out while a query
    still reads it is let go when that query ends.
    """

    def __init__(self, take_snapshot: Callable[[], Reader], keep: int = KEEP_HEIGHTS) -> None:
        """`take_snapshot` freezes the store as it is; what it returns is let go when nothing refers to it."""
        self._take_snapshot = take_snapshot
        self._keep = keep
        self._lock = threading.Lock()
        self._states: dict[int, StateVersion] = {}  # ascending by height

    def add(self, height: int, app_hash: bytes, trees: Mapping[str, DomainTree]) -> None:
        """Remember what has just been committed. To be called between the write of `height` and that of the next."""
        versions = {name: tree.version for name, tree in trees.items()}
        state = StateVersion(height, app_hash, versions, self._take_snapshot())
        with self._lock:
            self._states.pop(height, None)
            self._states[height] = state
            while len(self._states) > self._keep:
                del self._states[next(iter(self._states))]

    def at(self, height: int, *, proven: bool = False) -> StateVersion:
        """The state at `height`.

        Height 0 is the newest; when `proven`, the newest whose app hash stands in a block header already. That is
        the one before the newest, because the header of the next block carries the app hash of this one.
        Raises ChainError for a height that is not held.
        """
        with self._lock:
            if not self._states:
                raise ChainError(QUERY_HEIGHT, height=height, reason="nothing is committed yet")
            newest = next(reversed(self._states))
            if height == 0:
                height = newest - 1 if proven and newest - 1 in self._states else newest
            state = self._states.get(height)
            oldest = next(iter(self._states))
        if state is None:
            raise ChainError(QUERY_HEIGHT, height=height, oldest=oldest, newest=newest)
        return state

    def close(self) -> None:
        """Forget all heights, so that the database can be closed."""
        with self._lock:
            self._states.clear()


def read_record(state: StateVersion, table: str, key: bytes) -> bytes:
    """The record's bytes at that height, empty when there is none. Raises ChainError for an unknown table."""
    reader: Reader = state.reader
    return reader.get(RECORD_SPACE + bytes([tree_of(state, table).prefix]) + key) or b""


def query(history: History, path: str, key: bytes, height: int, prove: bool) -> Answer:
    """Answer `/store/<table>/key` (simple:v proofs, ICS-23 for absence) or `/ics23/<table>/key` (ICS-23 proofs).

    `key` is the record's own key, `height` a committed height or 0 for the newest. Raises ChainError.
    """
    form, table = parse_path(path)
    if height < 0:
        raise ChainError(QUERY_HEIGHT, height=height)
    state = history.at(height, proven=prove)
    value = read_record(state, table, key)
    operators: list[ProofOperator] = []
    if prove:
        make = simple_proof if value and form == STORE_PATH else ics23_proof
        operators = make(state, table, key)
    return Answer(state.height, tree_key(sha256(key).digest()), value, operators)


def parse_path(path: str) -> tuple[str, str]:
    """The form of proof and the table that a query path names. Raises ChainError for any other path."""
    parts = path.split("/")
    if len(parts) != 4 or parts[0] or parts[3] != "key" or parts[1] not in (STORE_PATH, ICS23_PATH):
        raise ChainError(QUERY_PATH, path=path[:200], forms="/store/<table>/key, /ics23/<table>/key")
    return parts[1], parts[2]
