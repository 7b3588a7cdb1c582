"""Proofs that a record is, or is not, in the state that an app hash commits to.

Two forms. `simple_proof` gives the `simple:v` operators that CometBFT's own tools check, an unmodified `cometbft light`
proxy among them; they can only show presence. `ics23_proof` gives ICS-23 commitment proofs under that standard's
Tendermint spec, for presence and absence.

Both have two steps: the record under `tree_key(sha256(key))` in its table's root, and the table's root under its
name in the app hash. Absence shows the two neighbours of the missing key. A table without any records has none to
show: its proof is the second step alone, with the root `EMPTY_ROOT`. A verifier that finds that value under the
table's name knows that every key of the table is absent.
"""

from bisect import bisect_left
from dataclasses import dataclass
from hashlib import sha256

from app.errors import QUERY_PATH, QUERY_PROOF, ChainError
from app.store.table import RECORD_SPACE
from app.store.tree import (
    ABSENT,
    PLACE_BITS,
    Row,
    StoreDamaged,
    Subtree,
    TreeVersion,
    group_prefix,
    group_root,
    group_rows,
    list_root,
    map_leaf,
    name_prefix,
    read_group,
    split_point,
    tree_key,
)
from app.store.view import Reader
from app.store.wire import bytes_field, message_field, number_field

SIMPLE_VALUE = "simple:v"
ICS23_SIMPLE = "ics23:simple"
SIMPLE_DEPTH = 62  # a path of d steps is shown as one leaf of 2^d, a signed 64-bit number
ICS23_DEPTH = 128  # what the Tendermint spec allows
LEAF_OPERATOR = number_field(1, 1) + number_field(3, 1) + number_field(4, 1) + bytes_field(5, b"\x00")
"""LeafOp: SHA-256 over 0x00, the length-prefixed key and the length-prefixed SHA-256 of the value."""


@dataclass(slots=True, frozen=True)
class StateVersion:
    """The whole state at one committed height: its trees and storage as it was then."""

    height: int
    app_hash: bytes
    trees: dict[str, TreeVersion]
    reader: Reader


@dataclass(slots=True, frozen=True)
class ProofOperator:
    """One step of a proof, from the record upwards: the fields of CometBFT's ProofOp."""

    kind: str
    key: bytes
    data: bytes


@dataclass(slots=True, frozen=True)
class Step:
    """One level of a path: the other side's hash, and whether it stands left."""

    sibling: bytes
    on_left: bool


@dataclass(slots=True, frozen=True)
class Place:
    """Where a key hash belongs: the rows of its group, the steps from there to the root (lowest first), and the
    nearest subtrees with records before and after that group, each with its number.
    """

    rows: list[Row]
    path: list[Step]
    before: tuple[Subtree, int] | None
    after: tuple[Subtree, int] | None


@dataclass(slots=True, frozen=True)
class Leaf:
    """A leaf with its path to the root, lowest step first. `index` and `total` count leaves as RFC 6962 does."""

    key: bytes
    value: bytes
    hashed: bytes
    path: list[Step]
    index: int
    total: int


def simple_proof(state: StateVersion, table: str, key: bytes) -> list[ProofOperator]:
    """The `simple:v` operators for a present record.

    Raises ChainError when the record is absent, the table unknown, or the path deeper than this form can express.
    """
    leaf = record_leaf(tree_of(state, table), state.reader, sha256(key).digest())
    if leaf is None:
        raise ChainError(QUERY_PROOF, form=SIMPLE_VALUE, reason="this form cannot show absence; ask for ics23")
    if len(leaf.path) > SIMPLE_DEPTH:
        raise ChainError(QUERY_PROOF, form=SIMPLE_VALUE, depth=len(leaf.path), limit=SIMPLE_DEPTH)
    leaves = [leaf, table_leaf(state, table)]
    return [ProofOperator(SIMPLE_VALUE, leaf.key, value_operator(leaf)) for leaf in leaves]


def ics23_proof(state: StateVersion, table: str, key: bytes) -> list[ProofOperator]:
    """ICS-23 proofs that the record is present, or that it is absent.

    Raises ChainError when the table is unknown, or the path deeper than ICS-23 allows.
    """
    tree, hashed = tree_of(state, table), sha256(key).digest()
    above = ProofOperator(ICS23_SIMPLE, table.encode(), message_field(1, existence(table_leaf(state, table))))
    if tree.top[1] == ABSENT:
        return [above]
    leaf = record_leaf(tree, state.reader, hashed)
    if leaf is not None:
        return [ProofOperator(ICS23_SIMPLE, leaf.key, message_field(1, existence(leaf))), above]
    missing = tree_key(hashed)
    parts = bytes_field(1, missing)
    for field, on_left in ((2, True), (3, False)):
        near = neighbour(tree, state.reader, hashed, on_left)
        if near is not None:
            found = record_leaf(tree, state.reader, near)
            if found is None:
                raise StoreDamaged(f"table {table}: the neighbour {near.hex()} has no path")
            parts += message_field(field, existence(found))
    return [ProofOperator(ICS23_SIMPLE, missing, message_field(2, parts)), above]


def tree_of(state: StateVersion, table: str) -> TreeVersion:
    """The table's tree. Raises ChainError for a table that does not exist."""
    tree = state.trees.get(table)
    if tree is None:
        raise ChainError(QUERY_PATH, table=table, known=", ".join(sorted(state.trees)))
    return tree


def record_leaf(tree: TreeVersion, reader: Reader, hashed: bytes) -> Leaf | None:
    """The leaf of the record whose key has the hash `hashed`, or None when there is no such record."""
    place = descend(tree, reader, hashed)
    rows = place.rows
    at = bisect_left(rows, (hashed, b""))
    if at == len(rows) or rows[at][0] != hashed:
        return None
    steps = group_path(rows, at) + place.path
    key = reader.get(name_prefix(tree.prefix) + hashed)
    value = None if key is None else reader.get(RECORD_SPACE + bytes([tree.prefix]) + key)
    if not value or climb(map_leaf(tree_key(hashed), value), steps) != tree.root:
        raise StoreDamaged(f"table {tree.prefix}: the record behind {hashed.hex()} is not the one committed to")
    index = sum(1 << height for height, step in enumerate(steps) if step.on_left)
    return Leaf(tree_key(hashed), value, rows[at][1], steps, index, 1 << len(steps))


def climb(hashed: bytes, steps: list[Step]) -> bytes:
    """The root that a path leads to."""
    for step in steps:
        pair = step.sibling + hashed if step.on_left else hashed + step.sibling
        hashed = sha256(b"\x01" + pair).digest()
    return hashed


def descend(tree: TreeVersion, reader: Reader, hashed: bytes) -> Place:
    """Where in the tree `hashed` stands, or would stand."""
    place, shift, number = int.from_bytes(hashed[:4], "big"), PLACE_BITS, 1
    here = tree.top
    steps: list[Step] = []
    before = after = None
    while not isinstance(here[1], int):
        image, left, right = here[1]
        sides = (image[1:33], left), (image[33:], right)
        shift -= 1
        goes_right = place >> shift & 1
        here, other = sides[goes_right], sides[1 - goes_right]
        if other[1]:
            if here[1]:
                steps.append(Step(other[0], bool(goes_right)))
            if goes_right:
                before = other, 2 * number
            else:
                after = other, 2 * number + 1
        number = 2 * number + goes_right
    steps.reverse()
    return Place(rows_of(tree, reader, here, number), steps, before, after)


def rows_of(tree: TreeVersion, reader: Reader, group: Subtree, number: int) -> list[Row]:
    """The rows of group `number`, none when it is absent."""
    if group[1] == ABSENT:
        return []
    return group_rows(read_group(reader, group_prefix(tree.prefix) + number.to_bytes(5, "big"), group[0]))


def group_path(rows: list[Row], at: int) -> list[Step]:
    """The steps from row `at` to the root of its group, lowest first."""
    steps = []
    while len(rows) > 1:
        middle = border(rows)
        if at < middle:
            rows, other = rows[:middle], rows[middle:]
        else:
            rows, other = rows[middle:], rows[:middle]
        steps.append(Step(group_root(b"".join([hashed + leaf for hashed, leaf in other])), at >= middle))
        at -= middle if at >= middle else 0
    steps.reverse()
    return steps


def border(rows: list[Row]) -> int:
    """Where the rows part at the highest bit in which they differ: the first row of the right side."""
    first, last = int.from_bytes(rows[0][0], "big"), int.from_bytes(rows[-1][0], "big")
    height = (first ^ last).bit_length() - 1
    return bisect_left(rows, ((last >> height << height).to_bytes(32, "big"), b""))


def neighbour(tree: TreeVersion, reader: Reader, hashed: bytes, on_left: bool) -> bytes | None:
    """The key hash nearest to an absent `hashed` on one side, or None when there is none on that side."""
    place = descend(tree, reader, hashed)
    at = bisect_left(place.rows, (hashed, b""))
    rows = place.rows[:at] if on_left else place.rows[at:]
    beyond = place.before if on_left else place.after
    if not rows and beyond is not None:
        rows = outermost_rows(tree, reader, *beyond, last=on_left)
    return rows[-1 if on_left else 0][0] if rows else None


def outermost_rows(tree: TreeVersion, reader: Reader, here: Subtree, number: int, *, last: bool) -> list[Row]:
    """The rows of the last or the first group below a subtree that has records."""
    while not isinstance(here[1], int):
        image, left, right = here[1]
        goes_right = bool(right) if last else not left
        here = (image[33:], right) if goes_right else (image[1:33], left)
        number = 2 * number + goes_right
    return rows_of(tree, reader, here, number)


def table_leaf(state: StateVersion, table: str) -> Leaf:
    """The leaf of a table's root in the app hash."""
    names = sorted(state.trees)
    leaves = [map_leaf(name.encode(), state.trees[name].root) for name in names]
    at = names.index(table)
    return Leaf(table.encode(), state.trees[table].root, leaves[at], list_path(leaves, at), at, len(leaves))


def list_path(leaves: list[bytes], at: int) -> list[Step]:
    """The RFC 6962 path of leaf `at`, lowest first."""
    if len(leaves) <= 1:
        return []
    middle = split_point(len(leaves))
    if at < middle:
        return [*list_path(leaves[:middle], at), Step(list_root(leaves[middle:]), False)]
    return [*list_path(leaves[middle:], at - middle), Step(list_root(leaves[:middle]), True)]


def value_operator(leaf: Leaf) -> bytes:
    """CometBFT's ValueOp: key, and a Proof of total, index, leaf hash and aunts."""
    proof = number_field(1, leaf.total) + number_field(2, leaf.index) + bytes_field(3, leaf.hashed)
    proof += b"".join([message_field(4, step.sibling) for step in leaf.path])
    return bytes_field(1, leaf.key) + message_field(2, proof)


def existence(leaf: Leaf) -> bytes:
    """ICS-23's ExistenceProof: key, value, leaf operator and path. Raises ChainError when the path is too deep."""
    if len(leaf.path) > ICS23_DEPTH:
        raise ChainError(QUERY_PROOF, form=ICS23_SIMPLE, depth=len(leaf.path), limit=ICS23_DEPTH)
    path = b"".join([message_field(4, inner_operator(step)) for step in leaf.path])
    return bytes_field(1, leaf.key) + bytes_field(2, leaf.value) + message_field(3, LEAF_OPERATOR) + path


def inner_operator(step: Step) -> bytes:
    """ICS-23's InnerOp: what stands before and after the child's hash."""
    if step.on_left:
        return number_field(1, 1) + bytes_field(2, b"\x01" + step.sibling)
    return number_field(1, 1) + bytes_field(2, b"\x01") + bytes_field(3, step.sibling)
