"""The snapshots of a home: one every so many blocks, the newest kept, served to whoever asks."""

import contextlib
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from app.errors import ChainError
from node.snapshots.format import Manifest, SnapshotError
from node.snapshots.writer import MANIFEST_FILE, Stopped, Writer, chunk_file
from node.storage.history import History
from node.storage.leveldb import StorageError

log = structlog.get_logger("snapshots")

KEEP_LEAST = 2  # a joining node may be reading the older one


@dataclass(frozen=True, slots=True)
class Kept:
    """A snapshot on the disk."""

    folder: Path
    manifest: Manifest

    @property
    def size_bytes(self) -> int:
        """Of all its files; less while a node that has newer ones removes it."""
        size_bytes = 0
        with contextlib.suppress(FileNotFoundError):
            for file in self.folder.iterdir():
                size_bytes += file.stat().st_size
        return size_bytes

    def chunk(self, index: int) -> bytes:
        """The bytes of a chunk, empty when there is none."""
        try:
            return (self.folder / chunk_file(index)).read_bytes()
        except FileNotFoundError:
            return b""


def read_kept(folder: Path) -> Kept:
    """The snapshot in `folder`. Raises SnapshotError."""
    try:
        return Kept(folder, Manifest((folder / MANIFEST_FILE).read_bytes()))
    except OSError as error:
        raise SnapshotError(f"{folder} is no snapshot: {error.strerror}") from error


def log_left_out(folder: Path, reason: str) -> None:
    """To the log of a node."""
    log.warning("a snapshot is left out", folder=str(folder), reason=reason)


def list_kept(folder: Path, left_out: Callable[[Path, str], None] = log_left_out) -> list[Kept]:
    """The snapshots below `folder`, newest first. What is damaged or of another version is left out, and told."""
    found = []
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name.isdecimal():
            try:
                found.append(read_kept(path))
            except SnapshotError as error:
                if path.exists():  # else the node of this home removed it just now
                    left_out(path, str(error))
    return sorted(found, key=lambda kept: -kept.manifest.height)


class Keeper:
    """Makes snapshots of committed heights on a thread of its own. `after_commit` is for the thread that commits."""

    def __init__(self, folder: Path, history: History, interval: int = 0, keep: int = KEEP_LEAST) -> None:
        self._folder, self._history = folder, history
        self._interval, self._keep = interval, max(KEEP_LEAST, keep)
        self._lock = threading.Lock()
        self._kept = {kept.manifest.height: kept for kept in list_kept(folder)}
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.last_seconds = 0.0

    def after_commit(self, height: int) -> None:
        """Begin a snapshot when it is time and none is being made."""
        if self._interval and height % self._interval == 0 and (self._thread is None or not self._thread.is_alive()):
            self._thread = threading.Thread(target=self._make, args=(height,), name="snapshot", daemon=True)
            self._thread.start()

    def _make(self, height: int) -> None:
        started = time.monotonic()
        try:
            state = self._history.at(height)
            writer = Writer(state.reader, height, self._folder / str(height), rest=1.0, stopped=self._stopping.is_set)
            manifest = writer.write(state.app_hash)
        except Stopped:
            return
        except (ChainError, SnapshotError, StorageError, OSError) as error:  # the chain goes on without
            log.error("no snapshot", height=height, reason=str(error))
            return
        self.last_seconds = time.monotonic() - started
        with self._lock:
            self._kept[height] = Kept(self._folder / str(height), manifest)
            old = sorted(self._kept)[: -self._keep]
            gone = [self._kept.pop(one) for one in old]
        for kept in gone:
            aside = kept.folder.with_name(f".{kept.folder.name}")  # at once: somebody may be listing them
            with contextlib.suppress(OSError):
                kept.folder.rename(aside)
            shutil.rmtree(aside, ignore_errors=True)
        log.info("snapshot", height=height, chunks=len(manifest.chunks), records=manifest.message.records,
                 seconds=round(self.last_seconds, 2))

    def newest_first(self) -> list[Kept]:
        """What there is."""
        with self._lock:
            return [self._kept[height] for height in sorted(self._kept, reverse=True)]

    def at(self, height: int) -> Kept | None:
        """The snapshot of a height."""
        with self._lock:
            return self._kept.get(height)

    @property
    def oldest_height(self) -> int:
        """Of what is kept, 0 for nothing. Blocks from here on are needed by who starts from it."""
        with self._lock:
            return min(self._kept, default=0)

    @property
    def newest_height(self) -> int:
        """Of what is kept, 0 for nothing."""
        with self._lock:
            return max(self._kept, default=0)

    def close(self) -> None:
        """Call off what is being made. May be called twice."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
