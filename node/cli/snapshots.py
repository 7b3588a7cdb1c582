"""`novation snapshots`: what is in a home, making one, restoring one."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from app.chain import read_head
from app.store.tree import StoreDamaged
from node.cli.node_verbs import existing_home
from node.cli.session import EXIT_USAGE, Session, command, fail, simple_table
from node.cli.ticking import ticking
from node.home import Home
from node.snapshots.format import SnapshotError
from node.snapshots.keeper import list_kept, read_kept
from node.snapshots.restore import Restorer
from node.snapshots.writer import Writer
from node.storage.leveldb import LevelDB, StorageError

MEBIBYTE = 1 << 20


@contextmanager
def stopped_store(home: Home) -> Iterator[LevelDB]:
    """The state of a node that does not run, or the end with what to do."""
    try:
        store = LevelDB(home.engine)
    except StorageError as error:
        fail(f"{error}: stop it with `novation stop --home {home.root}`")
    try:
        yield store
    except (StorageError, StoreDamaged) as error:
        fail(f"the state at {home.engine} cannot be read: {error}; restore it: `novation snapshots restore`")
    finally:
        store.close()


@click.group()
def snapshots() -> None:
    """States of a height as files: list, create, restore. A running node makes them by `[snapshots]` of novation.toml.
    """


@command(snapshots, "list")
def list_snapshots(session: Session) -> None:
    """The snapshots of this home, newest first."""
    home = existing_home(session)
    rows = [{"height": kept.manifest.height, "app_hash": kept.manifest.app_hash.hex(),
             "records": kept.manifest.message.records, "chunks": len(kept.manifest.chunks),
             "bytes": kept.size_bytes, "folder": str(kept.folder)} for kept in list_kept(home.snapshots)]
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
    """Make the snapshot in FOLDER the state of this home; CometBFT then runs the blocks that it has beyond.

    Every chunk is checked against the manifest and the whole against the app hash. A node that has no blocks at all
    joins by `novation init --state-sync` instead.
    """
    home = existing_home(session)
    started = time.monotonic()
    try:
        kept = read_kept(Path(folder))
    except SnapshotError as error:
        fail(str(error), EXIT_USAGE)
    if app_hash and kept.manifest.app_hash != _hex(app_hash):
        fail(f"the snapshot's app hash is {kept.manifest.app_hash.hex()}, not {app_hash}: do not use it")
    with stopped_store(home) as store:
        height = read_head(store).height
    aside = home.engine.with_name(f"engine.before-{int(time.time())}")
    if height and not replace:
        fail(f"{home.root} holds the state of height {height}: --replace moves it to {aside.name}")
    if height:
        home.engine.rename(aside)
    with stopped_store(home) as store, ticking(session, "restoring", "records") as tick:
        restorer = Restorer(store, kept.manifest)
        try:
            for index in range(len(kept.manifest.chunks)):
                restorer.apply(index, kept.chunk(index))
                tick(restorer.records, kept.manifest.message.records)
            head = restorer.finish()
        except SnapshotError as error:
            fail(f"{error}; the state was not changed into it: fetch the snapshot again")
    data = {"height": head.height, "app_hash": head.app_hash.hex(), "chain_id": head.chain_id,
            "records": restorer.records, "moved_aside": str(aside) if height else "",
            "seconds": round(time.monotonic() - started, 2)}
    session.emit(data, f"height {head.height} of {head.chain_id}, app hash {head.app_hash.hex()}\n"
                       f"next: `novation start --home {home.root}`")


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        fail(f"{text!r} is no hex", EXIT_USAGE)
