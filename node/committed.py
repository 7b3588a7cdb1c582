"""Committed state for readers on other threads: the link and the query connection.

A commit is two steps, the batch on disk and the records in memory. `Committed` makes them one for whoever asks for
several things that must belong to the same height.
"""

import threading
from collections.abc import Iterator
from typing import Any, Protocol

from app.block import BlockResult
from app.chain import Chain, Head
from app.store.view import Batch, Reader
from node.storage.history import History


class Store(Reader, Protocol):
    """Where the engine keeps its state; `node.storage.leveldb.LevelDB` is one."""

    def write(self, batch: Batch) -> None:
        """Write all of `batch` or nothing; it is durable when this returns."""
        ...

    def snapshot(self) -> Any:
        """A Reader of the state as it is now; to be closed."""
        ...

    def size_bytes(self) -> int:
        """What it takes on disk."""
        ...

    def close(self) -> None:
        """Close the store."""
        ...


class Committed:
    """The chain's committed state. Only `commit` changes it, from the consensus thread."""

    def __init__(self, chain: Chain, store: Store) -> None:
        self._chain = chain
        self._store = store
        self._lock = threading.Lock()
        self.history = History(store.snapshot)
        if chain.head.height:
            self._remember()

    @property
    def head(self) -> Head:
        """The last committed block."""
        return self._chain.head

    def commit(self) -> BlockResult:
        """Make the finalized block durable, in one synced batch, and then current; its result.

        Raises what the store raises; nothing is committed then.
        """
        result = self._chain.result
        batch = self._chain.commit()
        with self._lock:
            self._store.write(batch)
            self._chain.committed()
        self._remember()
        if result is None:
            raise RuntimeError("a commit without a result")
        return result

    def take_over(self) -> Head:
        """The store holds another state: start from it; its head."""
        with self._lock:
            self.history.close()
            self._chain.reopen()
        self._remember()
        return self._chain.head

    def _remember(self) -> None:
        head = self._chain.head
        self.history.add(head.height, head.app_hash, self._chain.trees)

    def read(self, table: str, key: bytes) -> bytes | None:
        """The record of `table` under `key`, or None. Raises KeyError for an unknown table."""
        return self._chain.read(table, key)

    def read_at_head(self, table: str, key: bytes) -> tuple[Head, bytes | None]:
        """The record with the head that it belongs to. Raises KeyError for an unknown table."""
        with self._lock:
            return self._chain.head, self._chain.read(table, key)

    def snapshot(self, tables: list[str]) -> tuple[Head, Iterator[tuple[str, bytes, bytes]]]:
        """The head, and (table, key, record) of all records of `tables` at that head, however long the reading takes.

        Raises KeyError for an unknown table.
        """
        spaces = [(name, self._chain.ctx.tables[name].space) for name in tables]
        with self._lock:
            head = self._chain.head
            if not head.height:  # genesis is not in the store before the first block
                return head, iter(self._chain.snapshot(tables)[1])
            frozen = self._store.snapshot()
        return head, _rows(frozen, spaces)


def _rows(frozen: Any, spaces: list[tuple[str, bytes]]) -> Iterator[tuple[str, bytes, bytes]]:
    try:
        for name, space in spaces:
            for key, value in frozen.scan(space):
                yield name, key[len(space):], value
    finally:
        frozen.close()
