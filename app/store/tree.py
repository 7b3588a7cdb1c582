"""What the app hash commits to: a compact binary trie per table, and the simple map over their roots.

A table's root is a binary trie over `sha256(key)`, most significant bit first. A subtree without records does not
exist, a subtree with one record is its leaf, a subtree whose records all lie on one side is that side, and any other
is `sha256(0x01 || left || right)`. So the root depends on the set of records alone, never on the order of changes.

Leaves lie in storage in *groups*, one stored value for all records whose hash starts with the same bits, and the
levels above the groups lie in memory. A group that grows splits in two. Groups are a way to store: they never change
a hash, and two nodes may group differently.

The levels in memory are immutable tuples. A change makes new ones along its path and leaves the old ones as they
are, so every earlier version of a tree stays readable by whoever holds its `TreeVersion`, without copies or undo.

Threads: `stage` and `apply` belong to one thread. `DomainTree.version` may be read from any thread at any time; a
`TreeVersion` never changes. What is read together with it must be storage as it was at that version: LevelDB takes
such a snapshot, and the caller that takes snapshot and version must see to it that no commit falls between the two.
"""

from bisect import bisect_left
from dataclasses import dataclass
from hashlib import sha256

from app.store.view import Batch, Reader

EMPTY_ROOT = sha256(b"").digest()
"""The root of a table, or of a map, without entries (RFC 6962)."""

GROUP_ROWS = 12
"""A group with more rows splits. Fewer rows cost memory, more cost hashing; the roots are the same with any number."""

HASH_BYTES = 32
ROW_BYTES = 64  # sha256(key) || leaf hash
PLACE_BITS = 32  # the leading bits of sha256(key) that place a record in a group; deeper groups do not split
NOTHING = b""  # stands for a subtree that does not exist

Node = bytes | tuple[bytes, "Node", "Node"]
"""A group's root (or NOTHING), or (hash, left, right)."""

Row = tuple[bytes, bytes]
"""(sha256(key), leaf hash)."""


class StoreDamaged(Exception):
    """Storage does not hold what the tree committed to; the node must stop and restore its data."""


@dataclass(slots=True, frozen=True)
class TreeVersion:
    """One table's tree as it was at some height: enough, with storage of that height, to prove any record."""

    prefix: int
    top: Node

    @property
    def root(self) -> bytes:
        """The root hash, 32 bytes."""
        return hash_of(self.top) or EMPTY_ROOT


@dataclass(slots=True, frozen=True)
class Staged:
    """Changes that were hashed but are not yet current. `writes` belong in the block's batch with the records."""

    root: bytes
    writes: Batch
    before: Node
    after: Node


class DomainTree:
    """The tree of one table over committed storage.

    `prefix` is the table's number (0 to 255); `reader` must at all times show what the applied changes wrote.
    Reading the groups back takes about a second a million records.
    """

    __slots__ = ("_reader", "_top", "prefix")

    def __init__(self, prefix: int, reader: Reader) -> None:
        self.prefix = prefix
        self._reader = reader
        self._top = load_top(prefix, reader)

    @property
    def root(self) -> bytes:
        """The root hash of the current records, 32 bytes."""
        return hash_of(self._top) or EMPTY_ROOT

    @property
    def version(self) -> TreeVersion:
        """The current tree, which later changes leave as it is."""
        return TreeVersion(self.prefix, self._top)

    def stage(self, changes: dict[bytes, bytes | None]) -> Staged:
        """The root and the writes that `changes` (key -> record, None deletes) would make; changes nothing.

        An empty record is an absent one: ICS-23 cannot express a present empty value, so none is ever committed.
        Raises StoreDamaged when storage does not fit the tree.
        """
        change = _Change(self.prefix, self._reader, changes)
        after = change.walk(self._top, 1, 0, 0, len(change.places))
        return Staged(hash_of(after) or EMPTY_ROOT, change.writes, self._top, after)

    def apply(self, staged: Staged) -> None:
        """Make `staged` current, once its writes are in storage. Raises ValueError when it was staged elsewhere."""
        if staged.before is not self._top:
            raise ValueError("the changes were staged on another version of the tree")
        self._top = staged.after


class _Change:
    """One set of changes on its way down the tree."""

    __slots__ = ("hashes", "keys", "leaves", "places", "prefix", "reader", "writes")

    def __init__(self, prefix: int, reader: Reader, changes: dict[bytes, bytes | None]) -> None:
        ordered = sorted((sha256(key).digest(), key, value) for key, value in changes.items())
        self.prefix = prefix
        self.reader = reader
        self.hashes = [entry[0] for entry in ordered]
        self.keys = [entry[1] for entry in ordered]
        self.leaves = [leaf_hash(hashed, value) if value else NOTHING for hashed, _, value in ordered]
        self.places = [int.from_bytes(hashed[:4]) for hashed in self.hashes]
        self.writes: Batch = {}

    def walk(self, node: Node, number: int, depth: int, low: int, high: int) -> Node:
        """`node` with the changes low..high made; `number` and `depth` are its place in the tree."""
        if isinstance(node, bytes):
            return self.change_group(node, number, depth, low, high)
        middle = bisect_left(self.places, first_place(2 * number + 1, depth + 1), low, high)
        _, left, right = node
        if middle > low:
            left = self.walk(left, 2 * number, depth + 1, low, middle)
        if high > middle:
            right = self.walk(right, 2 * number + 1, depth + 1, middle, high)
        return join(left, right)

    def change_group(self, root: bytes, number: int, depth: int, low: int, high: int) -> Node:
        """The group `number` with the changes low..high made: its new root, or a subtree when it had to split."""
        rows = dict(read_group(self.reader, self.prefix, number, root))
        for at in range(low, high):
            hashed, leaf = self.hashes[at], self.leaves[at]
            if leaf:
                if hashed not in rows:
                    self.writes[name_key(self.prefix, hashed)] = self.keys[at]
                rows[hashed] = leaf
            elif rows.pop(hashed, None) is not None:
                self.writes[name_key(self.prefix, hashed)] = None
        if root:
            self.writes[group_key(self.prefix, number)] = None
        return self.store(sorted(rows.items()), number, depth)

    def store(self, rows: list[Row], number: int, depth: int) -> Node:
        """Write `rows`, ascending, as group `number`, or as more groups below it when they are too many."""
        if not rows:
            return NOTHING
        if len(rows) > GROUP_ROWS and depth < PLACE_BITS:
            border = first_place(2 * number + 1, depth + 1).to_bytes(4)
            middle = bisect_left(rows, (border, b""))
            left = self.store(rows[:middle], 2 * number, depth + 1)
            return join(left, self.store(rows[middle:], 2 * number + 1, depth + 1))
        root = group_root(rows)
        self.writes[group_key(self.prefix, number)] = root + b"".join([hashed + leaf for hashed, leaf in rows])
        return root


def app_hash(roots: dict[str, bytes]) -> bytes:
    """The app hash: the RFC 6962 root over tables sorted by name, leaves as CometBFT's simple map encodes them."""
    return list_root([map_leaf(name.encode(), root) for name, root in sorted(roots.items())])


def list_root(leaves: list[bytes]) -> bytes:
    """The RFC 6962 root over leaf hashes: the left side takes the largest power of two below their number."""
    if len(leaves) <= 1:
        return leaves[0] if leaves else EMPTY_ROOT
    middle = split_point(len(leaves))
    return sha256(b"\x01" + list_root(leaves[:middle]) + list_root(leaves[middle:])).digest()


def split_point(count: int) -> int:
    """The largest power of two below `count`, which must be at least 2."""
    return 1 << ((count - 1).bit_length() - 1)


def map_leaf(key: bytes, value: bytes) -> bytes:
    """A leaf of CometBFT's simple map; `key` is at most 127 bytes long, so that its length is one byte."""
    return sha256(b"\x00" + bytes([len(key)]) + key + b"\x20" + sha256(value).digest()).digest()


def tree_key(hashed: bytes) -> bytes:
    """The key under which proofs show a record: `sha256(key)` in lower-case hex.

    Hex, because the stock light proxy reads a key that starts with the bytes "x:" as an escape and refuses its proof.
    """
    return hashed.hex().encode()


def leaf_hash(hashed: bytes, value: bytes) -> bytes:
    """The leaf of the record `value`, `hashed` being sha256 of its key: `map_leaf(tree_key(hashed), value)`."""
    return sha256(b"\x00\x40" + hashed.hex().encode() + b"\x20" + sha256(value).digest()).digest()


def hash_of(node: Node) -> bytes:
    """The hash of a subtree, NOTHING when it has no records."""
    return node if isinstance(node, bytes) else node[0]


def join(left: Node, right: Node) -> Node:
    """The node over two subtrees; its hash is that of the one side when the other does not exist."""
    left_hash = left if isinstance(left, bytes) else left[0]
    right_hash = right if isinstance(right, bytes) else right[0]
    if left_hash and right_hash:
        return sha256(b"\x01" + left_hash + right_hash).digest(), left, right
    return left_hash or right_hash, left, right


def group_root(rows: list[Row]) -> bytes:
    """The root over a group's rows, ascending, at least one.

    Neighbours that share more leading bits join first: the position of the highest differing bit of two neighbours
    says how high their common node stands.
    """
    waiting: list[tuple[int, bytes]] = []  # (height of the node to the right, left hash), heights falling
    before, current = int.from_bytes(rows[0][0]), rows[0][1]
    for hashed, leaf in rows[1:]:
        number = int.from_bytes(hashed)
        height = (before ^ number).bit_length()
        while waiting and waiting[-1][0] < height:
            current = sha256(b"\x01" + waiting.pop()[1] + current).digest()
        waiting.append((height, current))
        before, current = number, leaf
    while waiting:
        current = sha256(b"\x01" + waiting.pop()[1] + current).digest()
    return current


def first_place(number: int, depth: int) -> int:
    """The lowest place (leading 32 bits of sha256(key)) below the node `number` at `depth`."""
    return (number << (PLACE_BITS - depth)) - (1 << PLACE_BITS)


def group_prefix(prefix: int) -> bytes:
    """The start of the storage keys of a table's groups."""
    return b"t" + bytes([prefix]) + b"g"


def group_key(prefix: int, number: int) -> bytes:
    """The storage key of a group: `number` is a 1 followed by the leading bits that its records share."""
    return b"t" + bytes([prefix]) + b"g" + number.to_bytes(5)


def name_key(prefix: int, hashed: bytes) -> bytes:
    """Where the record key behind a hash is stored: a proof of absence shows neighbours, known by hash alone."""
    return b"t" + bytes([prefix]) + b"k" + hashed


def read_group(reader: Reader, prefix: int, number: int, root: bytes) -> list[Row]:
    """The rows of a group whose root is known, ascending. Raises StoreDamaged when storage holds another."""
    if not root:
        return []
    value = reader.get(group_key(prefix, number))
    if value is None or value[:HASH_BYTES] != root:
        raise StoreDamaged(f"table {prefix}: stored group {number} is not the one the tree commits to")
    starts = range(HASH_BYTES, len(value), ROW_BYTES)
    return [(value[at : at + HASH_BYTES], value[at + HASH_BYTES : at + ROW_BYTES]) for at in starts]


def load_top(prefix: int, reader: Reader) -> Node:
    """The levels above a table's groups, from the roots that are stored with the groups."""
    start = group_prefix(prefix)
    depths: dict[int, dict[int, Node]] = {}
    for key, value in reader.scan(start):
        number = int.from_bytes(key[len(start) :])
        depths.setdefault(number.bit_length() - 1, {})[number] = value[:HASH_BYTES]
    level: dict[int, Node] = {}
    for depth in range(max(depths, default=0), 0, -1):
        level.update(depths.get(depth, {}))
        parents = dict.fromkeys(number >> 1 for number in level)
        level = {number: join(level.get(2 * number, NOTHING), level.get(2 * number + 1, NOTHING)) for number in parents}
    level.update(depths.get(0, {}))
    return level.get(1, NOTHING)
