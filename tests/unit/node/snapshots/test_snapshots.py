"""Snapshots: cut alike everywhere, checked piece by piece, taken over to the same app hash and the same blocks."""

import random
from contextlib import closing
from pathlib import Path

import pytest

from app.chain import Chain, Head, read_head
from app.registry import TABLES
from app.store.table import EMPTY_RECORD
from app.store.tree import HASH_BYTES, NOTHING
from app.store.view import DictReader
from node.snapshots.format import Manifest, SnapshotError, depth_for, root_over
from node.snapshots.keeper import list_kept, read_kept
from node.snapshots.restore import Restorer, wipe_unfinished
from node.snapshots.writer import Stopped, Writer, chunk_file
from node.storage.leveldb import LevelDB
from novation.v1 import snapshot_pb2, state_pb2
from tests.helpers.builders import ALICE, BOB, BTC, BUY, CAROL, MARK_QUANTA, SELL, faucet, place
from tests.helpers.driver import Driver


class MemoryStore(DictReader):
    """A store in memory."""

    def snapshot(self) -> "MemoryStore":
        return self

    def size_bytes(self) -> int:
        return 0

    def close(self) -> None:
        pass


def traded(blocks: int = 12, accounts: int = 40, seed: int = 1) -> Driver:
    """A chain with some state."""
    driver, chance = Driver(), random.Random(seed)
    for number in range(accounts):
        driver.run([driver.envelope(CAROL, faucet(CAROL, 1_000_000 + number, number))] if number % 4 == 0 else [])
    for _ in range(blocks):
        price = MARK_QUANTA[BTC] + 500 * chance.randrange(-3, 4)
        driver.run([driver.envelope(who, place(chance.choice((BUY, SELL)), price, chance.randrange(1, 5)))
                    for who in (ALICE, BOB, CAROL)])
    return driver


def written(driver: Driver, folder: Path, part_bytes: int = 80, chunk_bytes: int = 100) -> Manifest:
    head = driver.chain.head
    writer = Writer(driver.reader, head.height, folder / str(head.height), part_bytes=part_bytes,
                    chunk_bytes=chunk_bytes)
    return writer.write(head.app_hash)


def restored(manifest: Manifest, folder: Path, order: list[int] | None = None) -> tuple[MemoryStore, Head]:
    store = MemoryStore()
    restorer = Restorer(store, Manifest(manifest.data))
    for index in order or range(len(manifest.chunks)):
        restorer.apply(index, (folder / chunk_file(index)).read_bytes())
    return store, restorer.finish()


@pytest.fixture(scope="module")
def driver() -> Driver:
    return traded()


def test_what_is_taken_over_is_the_state(driver: Driver, tmp_path: Path) -> None:
    """Chunks in any order: the same records, the same head, and later blocks give the same app hashes."""
    manifest = written(driver, tmp_path)
    folder = tmp_path / str(driver.height)
    assert len(manifest.chunks) > 5
    assert max(table.depth for table in manifest.message.tables) > 1
    assert manifest.app_hash == driver.app_hash
    order = list(range(len(manifest.chunks)))
    random.Random(2).shuffle(order)
    store, head = restored(manifest, folder, order)
    assert head == driver.chain.head == read_head(store)
    assert {key: value for key, value in store.items() if key[:1] == b"r"} == {
        key: value for key, value in driver.reader.items() if key[:1] == b"r"}
    twin = Chain(store)
    for _ in range(3):
        block = driver.next_block([driver.envelope(ALICE, place(SELL, MARK_QUANTA[BTC], 2)),
                                   driver.envelope(BOB, place(BUY, MARK_QUANTA[BTC] + 500, 3))])
        theirs = twin.finalize(block)
        store.write(twin.commit())
        twin.committed()
        ours = driver.chain.finalize(block)
        driver.reader.write(driver.chain.commit())
        driver.chain.committed()
        driver.height, driver.time_ns, driver.app_hash = block.height, block.time_ns, ours.app_hash
        assert theirs.app_hash == ours.app_hash
        assert [tx.data for tx in theirs.txs] == [tx.data for tx in ours.txs]


def test_every_node_cuts_alike(driver: Driver, tmp_path: Path) -> None:
    """Whatever order the records came in, and however they are grouped on the disk."""
    first = written(driver, tmp_path / "a")
    store, _ = restored(first, tmp_path / "a" / str(driver.height))
    again = Writer(store, driver.height, tmp_path / "b" / "1", part_bytes=80, chunk_bytes=100).write(driver.app_hash)
    assert again.data == first.data
    for index in range(len(first.chunks)):
        assert (tmp_path / "a" / str(driver.height) / chunk_file(index)).read_bytes() == (
            tmp_path / "b" / "1" / chunk_file(index)).read_bytes()


def test_any_flipped_byte_is_found(driver: Driver, tmp_path: Path) -> None:
    """In a chunk when it comes, in the manifest before anything comes."""
    manifest = written(driver, tmp_path)
    folder, chance = tmp_path / str(driver.height), random.Random(5)
    for _ in range(60):
        index = chance.randrange(len(manifest.chunks))
        chunk = bytearray((folder / chunk_file(index)).read_bytes())
        chunk[chance.randrange(len(chunk))] ^= 1 << chance.randrange(8)
        with pytest.raises(SnapshotError):
            manifest.read(index, bytes(chunk))
    for _ in range(60):
        data = bytearray(manifest.data)
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        try:
            other = Manifest(bytes(data))
        except SnapshotError:
            continue
        same = (other.app_hash, other.height, other.message.records) == (
            manifest.app_hash, manifest.height, manifest.message.records)
        assert not same or [len(chunk) for chunk in other.chunks] != [len(chunk) for chunk in manifest.chunks]


def test_records_cannot_be_moved_added_or_left_out(driver: Driver, tmp_path: Path) -> None:
    manifest = written(driver, tmp_path)
    folder = tmp_path / str(driver.height)
    whole = snapshot_pb2.SnapshotChunk.FromString((folder / chunk_file(0)).read_bytes())
    for change in (lambda chunk: chunk.parts[0].records.pop(), lambda chunk: chunk.parts.pop(),
                   lambda chunk: chunk.parts.add(),
                   lambda chunk: chunk.parts[0].records.append(chunk.parts[0].records[0]),
                   lambda chunk: chunk.parts[0].records[0].ClearField("value"),
                   lambda chunk: chunk.parts[0].records.add(key=b"\xff" * 24, value=b"x")):
        chunk = snapshot_pb2.SnapshotChunk()
        chunk.CopyFrom(whole)
        change(chunk)
        with pytest.raises(SnapshotError):
            manifest.read(0, chunk.SerializeToString())
    with pytest.raises(SnapshotError, match="there is no chunk"):
        manifest.read(len(manifest.chunks), b"")


def test_a_restore_that_did_not_end_leaves_no_chain(driver: Driver, tmp_path: Path) -> None:
    """And is emptied at the next start; a store with a chain is never touched."""
    manifest = written(driver, tmp_path)
    store = MemoryStore()
    restorer = Restorer(store, manifest)
    restorer.apply(0, (tmp_path / str(driver.height) / chunk_file(0)).read_bytes())
    with pytest.raises(SnapshotError, match="missing"):
        restorer.finish()
    assert read_head(store).height == 0
    assert len(store) > 0
    assert wipe_unfinished(store) > 0
    assert len(store) == 0
    before = len(driver.reader)
    assert wipe_unfinished(driver.reader) == 0  # type: ignore[arg-type]
    assert len(driver.reader) == before
    with pytest.raises(SnapshotError, match="holds a chain"):
        Restorer(driver.reader, manifest)  # type: ignore[arg-type]


def test_a_state_under_another_height_is_refused(driver: Driver, tmp_path: Path) -> None:
    """BLK-007: the records themselves say which height they are of."""
    head = driver.chain.head
    manifest = Writer(driver.reader, head.height + 1, tmp_path / "1").write(head.app_hash)
    with pytest.raises(SnapshotError, match="not the state of height"):
        restored(manifest, tmp_path / "1")


def test_a_damaged_store_gives_no_snapshot(tmp_path: Path) -> None:
    driver = traded(blocks=2, accounts=4)
    space = b"r" + bytes([TABLES["accounts"].prefix])
    key = next(key for key, _ in driver.reader.scan(space))
    value = driver.reader[key]
    driver.reader[key] = value + value
    with pytest.raises(SnapshotError, match="do not make its app hash"):
        written(driver, tmp_path)
    del driver.reader[key]
    with pytest.raises(SnapshotError, match="is missing"):
        written(driver, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_writing_can_be_called_off(driver: Driver, tmp_path: Path) -> None:
    writer = Writer(driver.reader, driver.height, tmp_path / "1", part_bytes=50, stopped=lambda: True)
    with pytest.raises(Stopped):
        writer.write(driver.app_hash)
    assert list(tmp_path.iterdir()) == []


def test_snapshots_on_the_disk_are_listed_newest_first(tmp_path: Path) -> None:
    driver = traded(blocks=1, accounts=1)
    written(driver, tmp_path)
    driver.run([])
    written(driver, tmp_path)
    (tmp_path / "99").mkdir()
    (tmp_path / "99" / "manifest").write_bytes(b"\xff")
    (tmp_path / ".7").mkdir()
    assert [kept.manifest.height for kept in list_kept(tmp_path)] == [driver.height, driver.height - 1]
    assert list_kept(tmp_path)[0].size_bytes > 0
    assert list_kept(tmp_path / "nowhere") == []
    with pytest.raises(SnapshotError, match="no snapshot"):
        read_kept(tmp_path / "98")


def test_it_works_over_leveldb(tmp_path: Path) -> None:
    driver = traded(blocks=3)
    manifest = written(driver, tmp_path)
    with closing(LevelDB(tmp_path / "db")) as store:
        store.write({b"rubbish": b"of a restore that did not end"})
        restorer = Restorer(store, manifest)
        for index in range(len(manifest.chunks)):
            restorer.apply(index, (tmp_path / str(driver.height) / chunk_file(index)).read_bytes())
            restorer.apply(index, (tmp_path / str(driver.height) / chunk_file(index)).read_bytes())
        assert restorer.records == manifest.message.records
        assert restorer.finish() == driver.chain.head
        assert Chain(store).head == driver.chain.head
        assert store.get(b"rubbish") is None


def test_records_without_content_are_told_from_absent_ones(driver: Driver) -> None:
    """A fund of nothing is a record under the app hash, so it cannot be left out of a snapshot."""
    funds = dict(driver.reader.scan(b"r" + bytes([TABLES["funds"].prefix])))
    assert EMPTY_RECORD in funds.values()
    assert state_pb2.Fund.FromString(EMPTY_RECORD) == state_pb2.Fund()
    assert all(value for key, value in driver.reader.items() if key[:1] == b"r")
    names = sum(key[2:3] == b"k" for key in driver.reader if key[:1] == b"t")
    assert names == sum(key[:1] == b"r" for key in driver.reader)


def test_depths_and_roots() -> None:
    """A table of 0 bytes is one part; each doubling beyond the size halves it once more; empty subtrees add nothing."""
    assert [depth_for(size, 100) for size in (0, 100, 101, 200, 201, 400, 401)] == [0, 0, 1, 1, 2, 2, 3]
    one = bytes(range(1, HASH_BYTES + 1))
    assert root_over(NOTHING + one + NOTHING + NOTHING) == one
