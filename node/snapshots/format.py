"""Manifest and chunks: how a snapshot is cut, and what each piece is checked against."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise

from google.protobuf.message import DecodeError

from app.registry import TABLES
from app.store.tree import ABSENT, GROUP, HASH_BYTES, NOTHING, app_hash, group_root, join, leaf_hash, root_of
from novation.v1 import snapshot_pb2

FORMAT = 1
PART_BYTES = 512 * 1024  # a subtree has about so many bytes of records, or less
CHUNK_BYTES = 2 * 1024 * 1024  # a chunk is closed once it has so many
DEPTH_MAX = 20
MANIFEST_BYTES_MAX = 4_000_000  # what CometBFT lets a snapshot be announced with
CHUNK_BYTES_MAX = 10_000_000  # and what it lets a chunk take on the wire, with room


class SnapshotError(Exception):
    """What was offered is not the state that the app hash commits to; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class Part:
    """One subtree with records: `number` of the 2^depth of a table, and its root."""

    table: str
    depth: int
    number: int
    root: bytes


class Manifest:
    """A manifest that fits together; `app_hash` follows from it. Raises SnapshotError for bytes that are none."""

    def __init__(self, data: bytes) -> None:
        try:
            self.message = snapshot_pb2.SnapshotManifest.FromString(data)
        except DecodeError as error:
            raise SnapshotError("the manifest cannot be read") from error
        self.data = data
        tables = self.message.tables
        if [table.name for table in tables] != sorted(TABLES):
            raise SnapshotError("the manifest has other tables than this version")
        for table in tables:
            if table.depth > DEPTH_MAX or len(table.roots) != HASH_BYTES << table.depth:
                raise SnapshotError(f"table {table.name}: depth {table.depth} does not fit its roots")
        self.app_hash = app_hash({table.name: root_over(table.roots) for table in tables})
        self.chunks: list[list[Part]] = []
        parts = list(parts_of(self.message))
        at = 0
        for count in self.message.parts:
            if not 0 < count <= len(parts) - at:
                raise SnapshotError("the chunks do not cover the state")
            self.chunks.append(parts[at : at + count])
            at += count
        if at != len(parts):
            raise SnapshotError("the chunks do not cover the state")

    @property
    def height(self) -> int:
        """Of the state."""
        return self.message.height

    @property
    def hash(self) -> bytes:
        """The snapshot's name."""
        return sha256(self.data).digest()

    def read(self, index: int, chunk: bytes) -> list[tuple[Part, dict[bytes, bytes]]]:
        """The records of a chunk, subtree by subtree. Raises SnapshotError unless they are exactly those that the
        manifest commits to.
        """
        if not 0 <= index < len(self.chunks):
            raise SnapshotError(f"there is no chunk {index}")
        try:
            message = snapshot_pb2.SnapshotChunk.FromString(chunk)
        except DecodeError as error:
            raise SnapshotError(f"chunk {index} cannot be read") from error
        expected = self.chunks[index]
        if len(message.parts) != len(expected):
            raise SnapshotError(f"chunk {index} has {len(message.parts)} parts instead of {len(expected)}")
        return [(part, checked(part, index, found.records))
                for part, found in zip(expected, message.parts, strict=True)]


def parts_of(message: snapshot_pb2.SnapshotManifest) -> Iterator[Part]:
    """The subtrees with records, in the order of the chunks."""
    for table in message.tables:
        for number in range(1 << table.depth):
            root = table.roots[HASH_BYTES * number : HASH_BYTES * (number + 1)]
            if root != NOTHING:
                yield Part(table.name, table.depth, number, root)


def checked(part: Part, index: int, records: object) -> dict[bytes, bytes]:
    """The records of a subtree by key. Raises SnapshotError unless they make its root."""
    rows: list[tuple[bytes, bytes]] = []
    found: dict[bytes, bytes] = {}
    for record in records:  # type: ignore[attr-defined]
        hashed = sha256(record.key).digest()
        found[record.key] = record.value
        rows.append((hashed, leaf_hash(hashed, record.value)))
    ordered = all(before[0] < after[0] for before, after in pairwise(rows))
    inside = bool(rows) and all(number_of(row[0], part.depth) == part.number for row in (rows[0], rows[-1]))
    if not ordered or not inside or not all(found.values()) or subtree_root(rows) != part.root:
        raise SnapshotError(f"chunk {index}: part {part.number} of table {part.table} is not what the app hash says")
    return found


def subtree_root(rows: list[tuple[bytes, bytes]]) -> bytes:
    """The root over rows of (key hash, leaf hash), ascending; zeros for none."""
    return group_root(b"".join([hashed + leaf for hashed, leaf in rows])) if rows else NOTHING


def number_of(hashed: bytes, depth: int) -> int:
    """Which subtree of a table a key hash falls into: its first `depth` bits."""
    return int.from_bytes(hashed[:4], "big") >> (32 - depth)


def depth_for(size_bytes: int, part_bytes: int) -> int:
    """How often a table of that size is halved until its parts are small enough."""
    depth = 0
    while depth < DEPTH_MAX and size_bytes > part_bytes << depth:
        depth += 1
    return depth


def root_over(roots: bytes) -> bytes:
    """The root of a table from those of its subtrees."""
    level = []
    for at in range(0, len(roots), HASH_BYTES):
        root = roots[at : at + HASH_BYTES]
        level.append((root, ABSENT if root == NOTHING else GROUP))
    while len(level) > 1:
        level = [join(*left, *right) for left, right in zip(level[::2], level[1::2], strict=True)]  # type: ignore[misc]
    return root_of(level[0])
