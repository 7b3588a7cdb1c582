"""LevelDB behind the reader: batches, prefixes, snapshots, restarts, and errors that surface."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from node.storage.leveldb import LevelDB, StorageError

PROJECT = Path(__file__).resolve().parents[4]


@pytest.fixture
def database(tmp_path: Path):
    opened = LevelDB(tmp_path / "db")
    yield opened
    opened.close()


def test_batch_and_reads(database: LevelDB) -> None:
    database.write({b"a1": b"1", b"a2": b"2", b"b1": b"3", b"a\xff": b"4"})
    database.write({b"a1": None, b"a2": b"two", b"gone": None})
    assert database.get(b"a1") is None
    assert database.get(b"a2") == b"two"
    assert list(database.scan(b"a")) == [(b"a2", b"two"), (b"a\xff", b"4")]
    assert [key for key, _ in database.scan(b"")] == [b"a2", b"a\xff", b"b1"]
    assert list(database.scan(b"\xff")) == []
    assert database.size_bytes() > 0


def test_scan_shows_the_moment_of_the_call(database: LevelDB) -> None:
    database.write({b"a": b"1"})
    rows = database.scan(b"a")
    database.write({b"a": b"2", b"aa": b"3"})
    assert list(rows) == [(b"a", b"1")]


def test_snapshot_stays(database: LevelDB) -> None:
    database.write({b"a": b"1"})
    frozen = database.snapshot()
    database.write({b"a": b"2", b"ab": b"3"})
    assert frozen.get(b"a") == b"1"
    assert list(frozen.scan(b"a")) == [(b"a", b"1")]
    frozen.close()


def test_what_was_written_is_there_after_a_restart(tmp_path: Path) -> None:
    first = LevelDB(tmp_path / "db")
    first.write({b"a": b"1"})
    first.close()
    second = LevelDB(tmp_path / "db")
    assert second.get(b"a") == b"1"
    second.close()


def test_killed_process_leaves_the_whole_batch(tmp_path: Path) -> None:
    """`write` returns when the batch is on the disk: a process that dies right after it loses nothing."""
    program = ("import os, sys; from node.storage.leveldb import LevelDB; d = LevelDB(sys.argv[1])\n"
               "d.write({b'%d' % i: b'x' * 1000 for i in range(500)}); os.kill(os.getpid(), 9)")
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path / "db")], cwd=PROJECT, check=False)
    assert done.returncode == -9
    database = LevelDB(tmp_path / "db")
    assert sum(1 for _ in database.scan(b"")) == 500
    database.close()


def test_second_process_is_told_who_has_it(database: LevelDB) -> None:
    with pytest.raises(StorageError, match="novation status"):
        LevelDB(database.path)


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot open"):
        LevelDB(tmp_path / "file" / "db")


def test_damaged_table_is_an_error_not_an_answer(tmp_path: Path) -> None:
    first = LevelDB(tmp_path / "db")
    first.write({b"%05d" % number: os.urandom(100) for number in range(2_000)})
    first._database.compact_range()
    first.close()
    [table] = (tmp_path / "db").glob("*.ldb")
    raw = bytearray(table.read_bytes())
    raw[1_000:5_000] = bytes(4_000)
    table.write_bytes(raw)
    second = LevelDB(tmp_path / "db")
    with pytest.raises(StorageError, match="cannot read"):
        list(second.scan(b""))
    second.close()


def test_disk_that_is_full_surfaces(tmp_path: Path) -> None:
    """A limit on the size of files stands for a full disk. Nothing of the failed batch is visible afterwards."""
    database = LevelDB(tmp_path / "db")
    database.write({b"kept": b"1"})
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    import signal
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, before[1]))
    try:
        with pytest.raises(StorageError, match="cannot write"):
            database.write({b"%d" % number: os.urandom(1_000) for number in range(1_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    database.close()
    again = LevelDB(tmp_path / "db")
    assert list(again.scan(b"")) == [(b"kept", b"1")]
    again.close()
