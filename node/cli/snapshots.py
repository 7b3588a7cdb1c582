"""`novation snapshots`: what is in a home, making one, restoring one."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import click

from app.chain import Head, read_head
from app.store.tree import StoreDamaged
from node.cli.node_verbs import existing_home, read_pid
from node.cli.session import EXIT_USAGE, Session, Verbs, command, fail, simple_table
from node.cli.ticking import ticking
from node.comet.config import wants_state_sync
from node.hand_over import HandOverError, hand_over, has_blocks
from node.home import Home
from node.snapshots.format import SnapshotError
from node.snapshots.keeper import Kept, list_kept, read_kept
from node.snapshots.restore import Restorer
from node.snapshots.writer import Writer
from node.storage.leveldb import LevelDB, StorageError

MEBIBYTE = 1 << 20


@contextmanager
def stopped_store(home: Home) -> Iterator[LevelDB]:
    """The state of a node that does not run, or the end with what to do."""
    if read_pid(home, "engine"):
        fail(f"the node at {home.root} runs: stop it with `novation stop --home {home.root}` (of a localnet: "
             "`novation localnet down`)")
    try:
        store = LevelDB(home.engine)
    except StorageError as error:
        fail(str(error))
    try:
        yield store
    except (StorageError, StoreDamaged) as error:
        fail(f"the state at {home.engine} cannot be read: {error}; restore it: `novation snapshots restore`")
    finally:
        store.close()


@contextmanager
def state_of(session: Session, home: Home, height: int) -> Iterator[LevelDB]:
    """The state of a node that does not run; or, with a height, that of a snapshot, beside a node that does."""
    if not height:
        with stopped_store(home) as store:
            yield store
        return
    kept = kept_at(session, home, height)
    with tempfile.TemporaryDirectory(prefix="novation-state-") as folder, closing(LevelDB(Path(folder))) as store:
        fill(session, store, kept)
        yield store


def kept_in(session: Session, home: Home) -> list[Kept]:
    """The snapshots of a home, newest first; what is wrong with others is told."""
    return list_kept(home.snapshots, lambda _, reason: session.talk.print(f"left out: {reason}", soft_wrap=True))


def kept_at(session: Session, home: Home, height: int) -> Kept:
    """The snapshot of a height, or the end with those that there are."""
    found = kept_in(session, home)
    kept = next((one for one in found if one.manifest.height == height), None)
    if kept is None:
        there = ", ".join(str(one.manifest.height) for one in found) or "none"
        fail(f"{home.root} has no snapshot of height {height}, but of {there}", EXIT_USAGE)
    return kept


def fill(session: Session, store: LevelDB, kept: Kept) -> tuple[Head, int]:
    """Restore a snapshot into an empty store: its head, and how many records it has. Ends when it does not hold."""
    with ticking(session, "restoring", "records") as tick:
        restorer = Restorer(store, kept.manifest)
        try:
            for index in range(len(kept.manifest.chunks)):
                restorer.apply(index, kept.chunk(index))
                tick(restorer.records, kept.manifest.message.records)
            return restorer.finish(), restorer.records
        except SnapshotError as error:
            fail(f"{error}; the state was not changed into it: fetch the snapshot again")


@click.group(cls=Verbs)
def snapshots() -> None:
    """States of a height as files: list, create, restore. A running node makes them by `[snapshots]` of novation.toml.
    """


@command(snapshots, "list")
def list_snapshots(session: Session) -> None:
    """The snapshots of this home, newest first."""
    home = existing_home(session)
    rows = [{"height": kept.manifest.height, "app_hash": kept.manifest.app_hash.hex(),
             "records": kept.manifest.message.records, "chunks": len(kept.manifest.chunks),
             "bytes": kept.size_bytes, "folder": str(kept.folder)} for kept in kept_in(session, home)]
    table = simple_table("height", "app hash", "records", "chunks", "MiB", "folder")
    for row in rows:
        table.add_row(str(row["height"]), str(row["app_hash"])[:16], str(row["records"]), str(row["chunks"]),
                      f"{int(row['bytes']) / MEBIBYTE:.1f}", str(row["folder"]))
    session.emit(rows, table if rows else f"none in {home.snapshots}")


@command(snapshots)
def create(session: Session) -> None:
    """Write the state of a node that does not run as a snapshot."""
    home = existing_home(session)
    started = time.monotonic()
    with stopped_store(home) as store, ticking(session, "writing", "records") as tick:
        head = read_head(store)
        if not head.height:
            fail(f"there is no state at {home.root} yet: start it with `novation start --home {home.root}`")
        folder = home.snapshots / str(head.height)
        try:
            manifest = Writer(store, head.height, folder, progress=tick).write(head.app_hash)
        except (SnapshotError, OSError) as error:
            fail(str(error))
    data = {"height": head.height, "app_hash": head.app_hash.hex(), "records": manifest.message.records,
            "chunks": len(manifest.chunks), "folder": str(folder), "seconds": round(time.monotonic() - started, 2)}
    session.emit(data, f"{data['records']} records of height {head.height} in {folder}")


@command(snapshots)
@click.argument("folder", type=click.Path(exists=True, file_okay=False))
@click.option("--app-hash", default="", metavar="HEX", help="That of the next block's header, from a source you trust.")
@click.option("--replace", is_flag=True, help="Move the present state aside instead of refusing.")
def restore(session: Session, folder: str, app_hash: str, replace: bool) -> None:
    """Make the snapshot in FOLDER the state of this home; CometBFT then runs the blocks that there are beyond.

    Every chunk is checked against the manifest and the whole against the app hash. A home without any blocks must know
    servers to ask for headers (`novation init --state-sync`): its CometBFT is given the snapshot as by a peer.
    """
    home = existing_home(session)
    started = time.monotonic()
    try:
        kept = read_kept(Path(folder))
    except SnapshotError as error:
        fail(str(error), EXIT_USAGE)
    if app_hash and kept.manifest.app_hash != _hex(app_hash):
        fail(f"the snapshot's app hash is {kept.manifest.app_hash.hex()}, not {app_hash}: do not use it")
    aside, fresh = home.engine.with_name(f"engine.before-{int(time.time())}"), home.engine.with_name("engine.restoring")
    blocks = has_blocks(home)
    with stopped_store(home) as store:  # the old state stays where it is until the new one is whole
        height = read_head(store).height
        if height and not replace:
            fail(f"{home.root} holds the state of height {height}: --replace moves it to {aside.name}")
        if not blocks:
            _require_state_sync(home)
        head, records = _filled(session, fresh, kept)
    moved_aside = str(aside) if height else ""
    if height:
        home.engine.rename(aside)
    if blocks:
        shutil.rmtree(home.engine, ignore_errors=True)  # it held no state
        fresh.rename(home.engine)
    else:
        shutil.rmtree(fresh)  # CometBFT hands it over, and would ask for a chunk that is wrong again and again
        _begin_with(session, home, kept, moved_aside)
    _restored(session, home, head, records, moved_aside, started)


def _filled(session: Session, folder: Path, kept: Kept) -> tuple[Head, int]:
    """A snapshot as a state in a folder of its own, which is gone when it does not hold."""
    shutil.rmtree(folder, ignore_errors=True)
    try:
        with closing(LevelDB(folder)) as store:
            return fill(session, store, kept)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _require_state_sync(home: Home) -> None:
    """A home without blocks begins by state sync."""
    if not wants_state_sync(home):
        fail(f"{home.root} has no blocks, and CometBFT refuses a state that is ahead of them: make the home with "
             "`novation init --state-sync HOST:PORT,HOST:PORT ...`; headers from there tell whether the snapshot is "
             "true", EXIT_USAGE)


def _begin_with(session: Session, home: Home, kept: Kept, moved_aside: str) -> None:
    """Restore into a home that has no blocks."""
    with session.progress(f"CometBFT of {home.root} takes over {kept.manifest.message.records} records of height "
                          f"{kept.manifest.height}"):
        try:
            hand_over(home, kept)
        except HandOverError as error:
            fail(f"{error}\nthe state that was there is in {moved_aside}" if moved_aside else str(error))


def _restored(session: Session, home: Home, head: Head, records: int, moved_aside: str, started: float) -> None:
    data = {"height": head.height, "app_hash": head.app_hash.hex(), "chain_id": head.chain_id, "records": records,
            "moved_aside": moved_aside, "seconds": round(time.monotonic() - started, 2)}
    session.emit(data, f"height {head.height} of {head.chain_id}, app hash {head.app_hash.hex()}\n"
                       f"next: `novation start --home {home.root}`")


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        fail(f"{text!r} is no hex", EXIT_USAGE)
