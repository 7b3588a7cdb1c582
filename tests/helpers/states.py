"""Small states for tests of trees and proofs: tables of records over a dict, any number of heights."""

from hashlib import sha256

from app.context import Context
from app.registry import TABLES
from app.store.proofs import StateVersion
from app.store.table import RECORD_SPACE
from app.store.tree import EMPTY_ROOT, DomainTree, app_hash, map_leaf, tree_key
from app.store.view import Batch, DictReader


class States:
    """Trees and records of several tables, changed height by height as a block changes them."""

    def __init__(self, *tables: str) -> None:
        self.reader = DictReader()
        self.trees = {name: DomainTree(number, self.reader) for number, name in enumerate(tables, 1)}
        self.height = 0

    def commit(self, changes: dict[str, dict[bytes, bytes | None]]) -> StateVersion:
        """Commit a height; the version reads from a copy of storage, as a LevelDB snapshot does."""
        batch: Batch = {}
        staged = {name: self.trees[name].stage(records) for name, records in changes.items()}
        for name, records in changes.items():
            space = RECORD_SPACE + bytes([self.trees[name].prefix])
            batch.update(staged[name].writes)
            batch.update({space + key: value for key, value in records.items()})
        self.reader.write(batch)
        for name, part in staged.items():
            self.trees[name].apply(part)
        self.height += 1
        return self.version()

    def version(self) -> StateVersion:
        """The state as it is now."""
        roots = {name: tree.root for name, tree in self.trees.items()}
        versions = {name: tree.version for name, tree in self.trees.items()}
        return StateVersion(self.height, app_hash(roots), versions, DictReader(self.reader))


def records_of(count: int, salt: bytes = b"") -> dict[bytes, bytes | None]:
    """`count` records with keys of 24 bytes, as accounts have, and values of mixed lengths."""
    return {sha256(salt + number.to_bytes(4, "big")).digest()[:24]: b"record" * (number % 7 + 1)
            for number in range(count)}


def naive_root(records: dict[bytes, bytes]) -> bytes:
    """The root of a table by its definition, from nothing but its records."""
    leaves = {}
    for key, value in records.items():
        hashed = sha256(key).digest()
        leaves[f"{int.from_bytes(hashed, 'big'):0256b}"] = map_leaf(tree_key(hashed), value)
    return _naive(leaves, 0) if leaves else EMPTY_ROOT


def _naive(leaves: dict[str, bytes], bit: int) -> bytes:
    if len(leaves) == 1:
        return next(iter(leaves.values()))
    sides = [{bits: leaf for bits, leaf in leaves.items() if bits[bit] == side} for side in "01"]
    hashes = [_naive(side, bit + 1) for side in sides if side]
    return hashes[0] if len(hashes) == 1 else sha256(b"\x01" + hashes[0] + hashes[1]).digest()


def commit_changes(ctx: Context, reader: DictReader) -> None:
    """Make the working records of a context without a chain the committed ones, as a chain does."""
    for name in TABLES:
        table = ctx.tables[name]
        reader.write({table.space + key: value for key, value in table.changes().items()})
        table.merge()
    ctx.journal.clear()
