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
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from struct import Struct

from app.store.view import Batch, Reader

EMPTY_ROOT = sha256(b"").digest()
"""The root of a table, or of a map, without entries (RFC 6962)."""

GROUP_ROWS = 8
"""A group with more rows splits. Fewer rows cost memory, more cost hashing; the roots are the same with any number."""

HASH_BYTES = 32
ROW_BYTES = 64  # sha256(key) || leaf hash
PLACE_BITS = 32  # the leading bits of sha256(key) that place a record in a group; deeper groups do not split
NOTHING = bytes(HASH_BYTES)  # holds the place of the hash of a subtree that does not exist

Entries = Callable[[bytes], Iterator[tuple[int, bytes]]]
LEADING_64_BITS: Entries = Struct(">Q24x32s").iter_unpack
"""(leading bits of sha256(key), leaf hash) of each row."""

Inner = tuple[bytes, "Child", "Child"]
"""A node above the groups: (0x01 || left hash || right hash, left, right). Its own hash stands in its parent."""

Child = Inner | int
"""A node, or one of the two below. They are falsy and truthy so that `left and right` asks for both sides."""
ABSENT = 0  # no records here
GROUP = 1  # the records here are a stored group

Subtree = tuple[bytes, Child]
"""A subtree with its hash."""

Row = tuple[bytes, bytes]
"""(sha256(key), leaf hash)."""


class StoreDamaged(Exception):
    """Storage does not hold what the tree committed to; the node must stop and restore its data."""


@dataclass(slots=True, frozen=True)
class TreeVersion:
    """One table's tree as it was at some height: enough, with storage of that height, to prove any record."""

    prefix: int
    top: Subtree

    @property
    def root(self) -> bytes:
        """The root hash, 32 bytes."""
        return root_of(self.top)


@dataclass(slots=True, frozen=True)
class Staged:
    """Changes that were hashed but are not yet current. `writes` belong in the block's batch with the records."""

    root: bytes
    writes: Batch
    before: Subtree
    after: Subtree


class DomainTree:
    """The tree of one table over committed storage.

    `prefix` is the table's number (0 to 255); `reader` must at all times show what the applied changes wrote.
    Reading the groups back takes about half a second a million records.
    """

    __slots__ = ("_reader", "_top", "prefix")

    def __init__(self, prefix: int, reader: Reader) -> None:
        self.prefix = prefix
        self._reader = reader
        self._top = load_top(prefix, reader)

    @property
    def root(self) -> bytes:
        """The root hash of the current records, 32 bytes."""
        return root_of(self._top)

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
        after = change.walk(self._top, 1, 0, len(change.places)) if changes else self._top
        return Staged(root_of(after), change.writes, self._top, after)

    def apply(self, staged: Staged) -> None:
        """Make `staged` current, once its writes are in storage. Raises ValueError when it was staged elsewhere."""
        if staged.before is not self._top:
            raise ValueError("the changes were staged on another version of the tree")
        self._top = staged.after


class _Change:
    """One set of changes on its way down the tree."""

    __slots__ = ("groups", "hashes", "keys", "leaves", "names", "places", "prefix", "reader", "writes")

    def __init__(self, prefix: int, reader: Reader, changes: dict[bytes, bytes | None]) -> None:
        ordered = sorted([(sha256(key).digest(), key, value) for key, value in changes.items()])
        self.prefix = prefix
        self.reader = reader
        self.groups = group_prefix(prefix)
        self.names = name_prefix(prefix)
        self.hashes = [entry[0] for entry in ordered]
        self.keys = [entry[1] for entry in ordered]
        self.leaves = [leaf_hash(hashed, value) if value else b"" for hashed, _, value in ordered]
        self.places = [int.from_bytes(hashed[:4], "big") for hashed in self.hashes]
        self.writes: Batch = {}

    def walk(self, subtree: Subtree, number: int, low: int, high: int) -> Subtree:
        """`subtree`, which stands at `number`, with the changes low..high made."""
        if high - low == 1:
            return self.walk_path(subtree, number, low)
        node = subtree[1]
        if isinstance(node, int):
            return self.change_group(subtree, number, low, high)
        image, left, right = node
        left_hash, right_hash = image[1:33], image[33:]
        middle = bisect_left(self.places, first_place(2 * number + 1), low, high)
        if middle > low:
            left_hash, left = self.walk((left_hash, left), 2 * number, low, middle)
        if high > middle:
            right_hash, right = self.walk((right_hash, right), 2 * number + 1, middle, high)
        return join(left_hash, left, right_hash, right)

    def walk_path(self, subtree: Subtree, number: int, at: int) -> Subtree:
        """The same for one change: down to its group and up again, without calls."""
        place, shift = self.places[at], PLACE_BITS + 1 - number.bit_length()
        steps: list[Inner] = []
        hashed, child = subtree
        while not isinstance(child, int):
            shift -= 1
            steps.append(child)
            child = child[2] if place >> shift & 1 else child[1]
        if steps:
            hashed = steps[-1][0][33:] if place >> shift & 1 else steps[-1][0][1:33]
        number = (1 << PLACE_BITS | place) >> shift
        hashed, child = self.change_group((hashed, child), number, at, at + 1)
        while steps:
            image, left, right = steps.pop()
            if place >> shift & 1:
                if child and left:
                    image = image[:33] + hashed
                    hashed, child = sha256(image).digest(), (image, left, child)
                else:
                    hashed, child = join(image[1:33], left, hashed, child)
            elif child and right:
                image = b"\x01" + hashed + image[33:]
                hashed, child = sha256(image).digest(), (image, child, right)
            else:
                hashed, child = join(hashed, child, image[33:], right)
            shift += 1
        return hashed, child

    def change_group(self, subtree: Subtree, number: int, low: int, high: int) -> Subtree:
        """The group `number` with the changes low..high made; it may have split into several."""
        key = self.groups + number.to_bytes(5, "big")
        value = read_group(self.reader, key, subtree[0]) if subtree[1] else b""
        if high - low == 1 and self.leaves[low]:
            at = value.find(self.hashes[low], HASH_BYTES)
            if at % ROW_BYTES == HASH_BYTES:  # the record is there already: only its leaf changes
                rows = value[HASH_BYTES : at + HASH_BYTES] + self.leaves[low] + value[at + ROW_BYTES :]
                root = group_root(rows)
                self.writes[key] = root + rows
                return root, GROUP
        if subtree[1]:
            self.writes[key] = None
        return self.store(self.merge(value, low, high), number)

    def merge(self, value: bytes, low: int, high: int) -> list[Row]:
        """A group's rows, ascending, with the changes low..high made; notes names that come and go."""
        rows = dict(group_rows(value))
        for hashed, leaf, key in zip(self.hashes[low:high], self.leaves[low:high], self.keys[low:high], strict=True):
            if leaf:
                if hashed not in rows:
                    self.writes[self.names + hashed] = key
                rows[hashed] = leaf
            elif rows.pop(hashed, None) is not None:
                self.writes[self.names + hashed] = None
        return sorted(rows.items())

    def store(self, rows: list[Row], number: int) -> Subtree:
        """Write `rows`, ascending, as group `number`, or as more groups below it when they are too many."""
        if not rows:
            return NOTHING, ABSENT
        if len(rows) > GROUP_ROWS and number >> PLACE_BITS == 0:
            border = first_place(2 * number + 1).to_bytes(4, "big")
            middle = bisect_left(rows, (border, b""))
            left = self.store(rows[:middle], 2 * number)
            return join(*left, *self.store(rows[middle:], 2 * number + 1))
        flat = b"".join([hashed + leaf for hashed, leaf in rows])
        root = group_root(flat)
        self.writes[self.groups + number.to_bytes(5, "big")] = root + flat
        return root, GROUP


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


def root_of(top: Subtree) -> bytes:
    """The root hash of a whole table."""
    return top[0] if top[1] else EMPTY_ROOT


def join(left_hash: bytes, left: Child, right_hash: bytes, right: Child) -> Subtree:
    """The subtree over two; its hash is that of the one side when the other does not exist."""
    if not (left or right):
        return NOTHING, ABSENT
    image = b"\x01" + left_hash + right_hash
    if left and right:
        return sha256(image).digest(), (image, left, right)
    return left_hash if left else right_hash, (image, left, right)


def group_root(rows: bytes, entries: Entries = LEADING_64_BITS) -> bytes:
    """The root over a group's rows, ascending, at least one.

    Neighbours that share more leading bits join first: the position of the highest differing bit of two neighbours
    says how high their common node stands. The leading 64 bits tell neighbours apart unless someone worked for it.
    """
    heights: list[int] = []  # of the nodes whose right side is not complete, falling
    lefts: list[bytes] = []  # 0x01 || their left hash
    rest = entries(rows)
    before, current = next(rest)
    for number, leaf in rest:
        height = (before ^ number).bit_length()
        if not height:
            return group_root(rows, whole_hashes)
        while heights and heights[-1] < height:
            heights.pop()
            current = sha256(lefts.pop() + current).digest()
        heights.append(height)
        lefts.append(b"\x01" + current)
        before, current = number, leaf
    while lefts:
        current = sha256(lefts.pop() + current).digest()
    return current


def whole_hashes(rows: bytes) -> Iterator[tuple[int, bytes]]:
    """(sha256(key) as a number, leaf hash) of each row."""
    for at in range(0, len(rows), ROW_BYTES):
        yield int.from_bytes(rows[at : at + HASH_BYTES], "big"), rows[at + HASH_BYTES : at + ROW_BYTES]


def first_place(number: int) -> int:
    """The lowest place (leading 32 bits of sha256(key)) below the node `number`."""
    return (number << (PLACE_BITS + 1 - number.bit_length())) - (1 << PLACE_BITS)


def group_prefix(prefix: int) -> bytes:
    """The storage key of a group is this and its number, 5 bytes: a 1 and the leading bits that its records share."""
    return b"t" + bytes([prefix]) + b"g"


def name_prefix(prefix: int) -> bytes:
    """Under this and sha256(key) the key itself is stored: a proof of absence shows neighbours, known by hash alone."""
    return b"t" + bytes([prefix]) + b"k"


def read_group(reader: Reader, key: bytes, root: bytes) -> bytes:
    """The stored group (root || rows) under `key`. Raises StoreDamaged when it is not the one with `root`."""
    value = reader.get(key)
    if value is None or value[:HASH_BYTES] != root:
        raise StoreDamaged(f"the stored group {key.hex()} is not the one that the tree commits to")
    return value


def group_rows(value: bytes) -> list[Row]:
    """The rows of a stored group, ascending."""
    starts = range(HASH_BYTES, len(value), ROW_BYTES)
    return [(value[at : at + HASH_BYTES], value[at + HASH_BYTES : at + ROW_BYTES]) for at in starts]


def load_top(prefix: int, reader: Reader) -> Subtree:
    """The levels above a table's groups, from the roots that are stored with the groups."""
    start = group_prefix(prefix)
    depths: dict[int, dict[int, Subtree]] = {}
    for key, value in reader.scan(start):
        number = int.from_bytes(key[len(start) :], "big")
        depths.setdefault(number.bit_length() - 1, {})[number] = (value[:HASH_BYTES], GROUP)
    nothing: Subtree = (NOTHING, ABSENT)
    level: dict[int, Subtree] = {}
    for depth in range(max(depths, default=0), 0, -1):
        level.update(depths.get(depth, {}))
        parents = dict.fromkeys(number >> 1 for number in level)
        level = {above: join(*level.get(2 * above, nothing), *level.get(2 * above + 1, nothing)) for above in parents}
    level.update(depths.get(0, {}))
    return level.get(1, nothing)
