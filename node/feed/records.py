"""Committed records for any thread, straight from the database while the consensus thread goes on committing.

A block is one LevelDB batch and the head is in it, so a LevelDB snapshot is a height: every answer is read from one
snapshot and carries that snapshot's head. No lock, and no thread waits for another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from app.chain import Head, read_head
from app.registry import TABLES
from node.storage.leveldb import LevelDB, Snapshot


def table_space(table: str) -> bytes:
    """The prefix of a table's records in the store. Raises KeyError for an unknown table."""
    return b"r" + bytes([TABLES[table].prefix])


class StoredRecords:
    """What the feed server reads. Height 0 until the first block is durable."""

    def __init__(self, database: LevelDB) -> None:
        self._database = database

    @property
    def head(self) -> Head:
        """The last durable block."""
        return read_head(self._database)

    def read(self, keys: Iterable[tuple[str, bytes]]) -> tuple[Head, list[bytes | None]]:
        """Records by (table, key), all of one height. Raises KeyError for an unknown table."""
        wanted = [table_space(table) + key for table, key in keys]
        snapshot = self._database.snapshot()
        try:
            return read_head(snapshot), [snapshot.get(key) for key in wanted]
        finally:
            snapshot.close()

    def snapshot(self, tables: Iterable[str]) -> tuple[Head, Iterator[tuple[str, bytes, bytes]]]:
        """The head, and (table, key, record) of all records of the tables, read as the iterator is; all of one height.

        Raises KeyError for an unknown table.
        """
        spaces = [(table, table_space(table)) for table in tables]
        snapshot = self._database.snapshot()
        return read_head(snapshot), _rows(snapshot, spaces)


def _rows(snapshot: Snapshot, spaces: list[tuple[str, bytes]]) -> Iterator[tuple[str, bytes, bytes]]:
    try:
        for table, space in spaces:
            for key, value in snapshot.scan(space):
                yield table, key[len(space):], value
    finally:
        snapshot.close()
