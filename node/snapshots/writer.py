"""Making a snapshot: two passes over the records of a height, one table after another, a chunk in memory at a time."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from app.registry import TABLES
from app.store.table import RECORD_SPACE
from app.store.tree import HASH_BYTES, leaf_hash, name_prefix
from app.store.view import Reader
from node.snapshots.format import CHUNK_BYTES, PART_BYTES, Manifest, SnapshotError, depth_for, number_of, subtree_root
from novation.v1 import snapshot_pb2

MANIFEST_FILE = "manifest"
Progress = Callable[[int, int], object]
"""Told (records done, records in all) now and then."""


class Stopped(Exception):
    """The writing was called off."""


def chunk_file(index: int) -> str:
    """The name of a chunk's file."""
    return f"chunk-{index:06d}"


class Writer:
    """Writes one snapshot of `reader`, which must not change meanwhile, into `folder`.

    The folder appears whole or not at all. Between two subtrees it rests as long as the last one took, times
    `rest`: a running node shares its interpreter with this.
    """

    def __init__(self, reader: Reader, height: int, folder: Path, *, part_bytes: int = PART_BYTES,
                 chunk_bytes: int = CHUNK_BYTES, rest: float = 0.0, stopped: Callable[[], bool] = lambda: False,
                 progress: Progress = lambda done, total: None) -> None:
        self._reader = reader
        self._folder = folder
        self._unfinished = folder.with_name(f".{folder.name}")
        self._part_bytes, self._chunk_bytes = part_bytes, chunk_bytes
        self._rest, self._stopped, self._progress = rest, stopped, progress
        self._manifest = snapshot_pb2.SnapshotManifest(height=height)
        self._chunk = snapshot_pb2.SnapshotChunk()
        self._size_bytes = 0
        self._done = 0

    def write(self, expected: bytes) -> Manifest:
        """Write it; `expected` is the app hash. Raises SnapshotError when the records do not make it, OSError when the
        disk fails, Stopped.
        """
        shutil.rmtree(self._unfinished, ignore_errors=True)
        self._unfinished.mkdir(parents=True)
        try:
            sizes = {name: self._measure(name) for name in sorted(TABLES)}
            self._manifest.records = sum(count for count, _ in sizes.values())
            for name, (_, size_bytes) in sizes.items():
                self._write_table(name, depth_for(size_bytes, self._part_bytes))
            self._close_chunk()
            manifest = Manifest(self._manifest.SerializeToString(deterministic=True))
            if manifest.app_hash != expected:
                raise SnapshotError(f"the records of height {manifest.height} do not make its app hash: the store is "
                                    "damaged; restore it from a snapshot of another node")
            self._store(MANIFEST_FILE, manifest.data)
            shutil.rmtree(self._folder, ignore_errors=True)
            self._unfinished.rename(self._folder)
            return manifest
        finally:
            shutil.rmtree(self._unfinished, ignore_errors=True)

    def _measure(self, table: str) -> tuple[int, int]:
        """How many records a table has, and how many bytes."""
        count = size_bytes = 0
        for key, value in self._reader.scan(RECORD_SPACE + bytes([TABLES[table].prefix])):
            count += 1
            size_bytes += len(key) + len(value)
            if count % 1000 == 0:
                self._yield()
        return count, size_bytes

    def _write_table(self, table: str, depth: int) -> None:
        roots = bytearray(HASH_BYTES << depth)
        for number, records in self._parts(table, depth):
            part = self._chunk.parts.add()
            rows = []
            for hashed, key, value in records:
                part.records.add(key=key, value=value)
                rows.append((hashed, leaf_hash(hashed, value)))
                self._size_bytes += len(key) + len(value)
            roots[HASH_BYTES * number : HASH_BYTES * (number + 1)] = subtree_root(rows)
            self._done += len(records)
            self._progress(self._done, self._manifest.records)
            if self._size_bytes >= self._chunk_bytes:
                self._close_chunk()
        self._manifest.tables.add(name=table, depth=depth, roots=bytes(roots))

    def _parts(self, table: str, depth: int) -> Iterator[tuple[int, list[tuple[bytes, bytes, bytes]]]]:
        """The subtrees with records: (number, [(key hash, key, record)]), ascending."""
        prefix = TABLES[table].prefix
        names, space = name_prefix(prefix), RECORD_SPACE + bytes([prefix])
        current, records = -1, []
        started = time.monotonic()
        for name, key in self._reader.scan(names):
            hashed = name[len(names):]
            number = number_of(hashed, depth)
            if number != current and records:
                yield current, records
                records = []
                self._yield()
                time.sleep(self._rest * (time.monotonic() - started))
                started = time.monotonic()
            value = self._reader.get(space + key)
            if value is None:
                raise SnapshotError(f"table {table}: the record {key.hex()} is missing; the store is damaged")
            current = number
            records.append((hashed, key, value))
        if records:
            yield current, records

    def _close_chunk(self) -> None:
        if self._chunk.parts:
            self._store(chunk_file(len(self._manifest.parts)), self._chunk.SerializeToString())
            self._manifest.parts.append(len(self._chunk.parts))
            self._chunk.Clear()
            self._size_bytes = 0

    def _store(self, name: str, data: bytes) -> None:
        with open(self._unfinished / name, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def _yield(self) -> None:
        if self._stopped():
            raise Stopped
