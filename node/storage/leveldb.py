"""The engine's database: LevelDB through plyvel, behind the reader that `app` knows.

Everything a block changes is written in one synced batch, so that after a crash either the whole block is there or
none of it. An error of the disk (full, read-only, damaged) is raised as StorageError and never retried here: a node
that cannot store a block must stop, and LevelDB refuses further writes after a failed one.
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import plyvel

from app.store.view import Batch

MEBIBYTE = 1 << 20
CACHE_BYTES = 64 * MEBIBYTE
# Small enough for the processor's cache: 3.5 us a written record, 5.2 with 32 MiB, at 1,000,000 records.
WRITE_BUFFER_BYTES = 8 * MEBIBYTE
BLOCK_BYTES = 4096
BLOOM_BITS = 10  # one needless disk read in a hundred for keys that are not there


class StorageError(Exception):
    """The database could not be opened, read or written; the message names the path and the reason."""


class LevelDB:
    """Key-value storage in the folder `path`, made when missing. Reads from any thread, writes from one.

    Raises StorageError when another process has it open, or when the disk fails.
    """

    def __init__(self, path: Path | str, *, cache_bytes: int = CACHE_BYTES) -> None:
        self.path = Path(path)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._database = plyvel.DB(
                str(path), create_if_missing=True, paranoid_checks=True, write_buffer_size=WRITE_BUFFER_BYTES,
                lru_cache_size=cache_bytes, block_size=BLOCK_BYTES, bloom_filter_bits=BLOOM_BITS, max_open_files=512,
                compression=None,  # hashes do not compress, and unpacking a block made a read 2.5 times as slow
            )
        except (plyvel.Error, OSError) as error:
            raise StorageError(f"cannot open the database {path}: {error}. If a node is running on it (`novation "
                               "status`), stop that one first") from error

    def get(self, key: bytes) -> bytes | None:
        """The value under `key`, or None."""
        try:
            return self._database.get(key)
        except plyvel.Error as error:
            raise StorageError(f"cannot read the database {self.path}: {error}") from error

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """All (key, value) whose key starts with `prefix`, ascending, as of the moment of the call."""
        return _scan(self._database, prefix, self.path)

    def write(self, batch: Batch) -> None:
        """Write all of `batch` or nothing of it; it is on the disk when this returns."""
        try:
            with self._database.write_batch(transaction=True, sync=True) as writes:
                put, delete = writes.put, writes.delete
                for key, value in batch.items():
                    if value is None:
                        delete(key)
                    else:
                        put(key, value)
        except plyvel.Error as error:
            raise StorageError(f"cannot write the database {self.path}: {error}. Check free space (`df -h "
                               f"{self.path}`) and the disk; the block is not stored") from error

    def snapshot(self) -> "Snapshot":
        """The database as it is now, whatever is written later. Close it: it keeps old data from being dropped."""
        return Snapshot(self._database.snapshot(), self.path)

    def settle(self) -> None:
        """Compact everything, which LevelDB otherwise does in the background when it sees fit. Takes long."""
        self._database.compact_range()

    def size_bytes(self) -> int:
        """The bytes that the database takes on disk."""
        total = 0
        for file in self.path.iterdir():
            with suppress(FileNotFoundError):  # compaction removes files meanwhile
                total += file.stat().st_size
        return total

    def close(self) -> None:
        """Close the database; further calls raise."""
        self._database.close()


class Snapshot:
    """A frozen view of a LevelDB; a reader like the database itself."""

    def __init__(self, snapshot: "plyvel.Snapshot", path: Path) -> None:
        self._snapshot = snapshot
        self._path = path

    def get(self, key: bytes) -> bytes | None:
        """The value under `key`, or None."""
        try:
            return self._snapshot.get(key)
        except plyvel.Error as error:
            raise StorageError(f"cannot read the database {self._path}: {error}") from error

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """All (key, value) whose key starts with `prefix`, ascending."""
        return _scan(self._snapshot, prefix, self._path)

    def close(self) -> None:
        """Let the database drop what only this view still needed."""
        self._snapshot.close()


def _scan(source: "plyvel.DB | plyvel.Snapshot", prefix: bytes, path: Path) -> Iterator[tuple[bytes, bytes]]:
    """All entries under `prefix`, with the database's errors made ours.

    The iterator is opened here and not at the first `next`, so that it shows the moment of the call.
    """
    try:
        entries = source.iterator(prefix=prefix) if prefix else source.iterator()
    except plyvel.Error as error:
        raise StorageError(f"cannot read the database {path}: {error}") from error
    return _entries(entries, path)


def _entries(entries: "plyvel.Iterator", path: Path) -> Iterator[tuple[bytes, bytes]]:
    try:
        with entries:
            yield from entries
    except plyvel.Error as error:
        raise StorageError(f"cannot read the database {path}: {error}") from error
