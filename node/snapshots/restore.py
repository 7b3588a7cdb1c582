"""Taking over a snapshot: chunks in any order, each checked before it is written; the head comes last, so that a crash
halfway leaves a store without a chain, which is emptied at the next start."""

from itertools import islice

from app.chain import HEAD_KEY, Head, read_head
from app.clock import CLOCK_KEY
from app.params import PARAMS_KEY
from app.registry import TABLES
from app.store.table import RECORD_SPACE
from app.store.tree import DomainTree, app_hash
from app.store.view import Batch
from node.committed import Store
from node.snapshots.format import Manifest, SnapshotError
from novation.v1 import state_pb2

WIPE_KEYS = 10_000


def wipe(store: Store) -> int:
    """Remove everything; how many entries that was."""
    removed = 0
    entries = store.scan(b"")
    while keys := [key for key, _ in islice(entries, WIPE_KEYS)]:
        store.write(dict.fromkeys(keys))
        removed += len(keys)
    return removed


def wipe_unfinished(store: Store) -> int:
    """Remove what a restore left that did not end. Nothing is touched where a chain is."""
    return 0 if read_head(store).height else wipe(store)


class Restorer:
    """Fills an empty store with the state of `manifest`."""

    def __init__(self, store: Store, manifest: Manifest) -> None:
        """Empties the store. Raises SnapshotError when it holds a chain."""
        if read_head(store).height:
            raise SnapshotError("the store holds a chain already")
        wipe(store)
        self.manifest = manifest
        self._store = store
        self._trees = {name: DomainTree(schema.prefix, store) for name, schema in TABLES.items()}
        self.applied: set[int] = set()
        self.records = 0

    def apply(self, index: int, chunk: bytes) -> None:
        """Write one chunk. Raises SnapshotError, and writes nothing, when it is not the one that is expected."""
        parts = self.manifest.read(index, chunk)
        if index in self.applied:
            return
        for part, records in parts:
            tree = self._trees[part.table]
            space = RECORD_SPACE + bytes([tree.prefix])
            staged = tree.stage(dict(records))
            batch: Batch = {space + key: value for key, value in records.items()}
            batch.update(staged.writes)
            self._store.write(batch)
            tree.apply(staged)
            self.records += len(records)
        self.applied.add(index)

    @property
    def complete(self) -> bool:
        """Whether no chunk is missing."""
        return len(self.applied) == len(self.manifest.chunks)

    def finish(self) -> Head:
        """Check the whole and make it the state. Raises SnapshotError when a chunk is missing or the whole is wrong."""
        if not self.complete:
            raise SnapshotError(f"{len(self.manifest.chunks) - len(self.applied)} chunks are missing")
        root = app_hash({name: tree.root for name, tree in self._trees.items()})
        clock = state_pb2.Clock.FromString(self._record("clock", CLOCK_KEY))
        params = state_pb2.Params.FromString(self._record("params", PARAMS_KEY))
        if root != self.manifest.app_hash or clock.height != self.manifest.height:
            raise SnapshotError(f"the whole is not the state of height {self.manifest.height}")
        head = Head(clock.height, clock.time_ns, root, params.chain_id)
        self._store.write({HEAD_KEY: head.encode()})
        return head

    def _record(self, table: str, key: bytes) -> bytes:
        return self._store.get(RECORD_SPACE + bytes([TABLES[table].prefix]) + key) or b""
