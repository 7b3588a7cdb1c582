"""Checks that a record is, or is not, in the state behind an app hash, from the proof operators of an ABCI query.

Nothing here trusts the node that sent the proof. A proof is accepted when it leads from the record, or from the gap
where the record would be, to the app hash that a verified header carries.

The state is a map of tables, each a tree. A record's key in its table's tree is `sha256(key)` in lower-case hex.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

SIMPLE_VALUE = "simple:v"
ICS23_SIMPLE = "ics23:simple"
EMPTY_ROOT = sha256(b"").digest()
STEPS_MAX = 128


class ProofError(Exception):
    """The proof does not prove what was asked."""


@dataclass(frozen=True, slots=True)
class Operator:
    """One step of a proof as a query returns it: type, key and encoded data."""

    kind: str
    key: bytes
    data: bytes


@dataclass(frozen=True, slots=True)
class Existence:
    """A leaf and its path: for each step, lowest first, what stands before and after the child's hash."""

    key: bytes
    value: bytes
    path: tuple[tuple[bytes, bytes], ...]

    def root(self) -> bytes:
        """The root that the path leads to."""
        current = leaf_hash(self.key, self.value)
        for before, after in self.path:
            current = sha256(before + current + after).digest()
        return current


def tree_key(key: bytes) -> bytes:
    """Under which key the tree of its table holds a record."""
    return sha256(key).hexdigest().encode()


def verify_value(app_hash: bytes, table: str, key: bytes, value: bytes, operators: list[Operator]) -> None:
    """Accept when `operators` prove that `table` holds `value` under `key`. Raises ProofError otherwise."""
    if not value:
        raise ProofError("no record is empty")
    own, above = _two(operators)
    keys = (tree_key(key), table.encode())
    if own.kind == above.kind == SIMPLE_VALUE:
        root = _run_simple(above, keys[1], _run_simple(own, keys[0], value))
    elif own.kind == above.kind == ICS23_SIMPLE:
        root = _run_exist(above, keys[1], _run_exist(own, keys[0], value))
    else:
        raise ProofError(f"unknown kinds of proof {own.kind!r}, {above.kind!r}")
    if root != app_hash:
        raise ProofError("the proof leads to another app hash")


def verify_absence(app_hash: bytes, table: str, key: bytes, operators: list[Operator]) -> None:
    """Accept when `operators` prove that `table` holds nothing under `key`. Raises ProofError otherwise."""
    if len(operators) == 1:  # a table without any records
        table_root = EMPTY_ROOT
        above = operators[0]
    else:
        own, above = _two(operators)
        if own.kind != ICS23_SIMPLE:
            raise ProofError(f"absence cannot be shown by {own.kind!r}")
        table_root = _run_absent(own, tree_key(key))
    if above.kind != ICS23_SIMPLE:
        raise ProofError(f"unknown kind of proof {above.kind!r}")
    if _run_exist(above, table.encode(), table_root) != app_hash:
        raise ProofError("the proof leads to another app hash")


def leaf_hash(key: bytes, value: bytes) -> bytes:
    """A leaf of CometBFT's simple map; keys are shorter than 128 bytes."""
    if not 0 < len(key) < 128 or not value:
        raise ProofError("a leaf needs a key of at most 127 bytes and a value")
    return sha256(b"\x00" + bytes([len(key)]) + key + b"\x20" + sha256(value).digest()).digest()


def _two(operators: list[Operator]) -> tuple[Operator, Operator]:
    if len(operators) != 2:
        raise ProofError(f"{len(operators)} proof operators instead of 2")
    return operators[0], operators[1]


def _run_simple(operator: Operator, key: bytes, value: bytes) -> bytes:
    """The root that a `simple:v` operator makes of a value."""
    if operator.key != key:
        raise ProofError("the proof is for another key")
    outer = _fields(operator.data)
    if _only(outer, 1) != key:
        raise ProofError("the proof is for another key")
    fields = _fields(_only(outer, 2))
    total, index = _number(fields, 1), _number(fields, 2)
    leaf = leaf_hash(key, value)
    if _only(fields, 3) != leaf:
        raise ProofError("the proof is for another value")
    aunts = [_bytes(aunt) for aunt in fields.get(4, [])]
    if not 0 <= index < total or len(aunts) > STEPS_MAX:
        raise ProofError("malformed proof")
    for goes_right, aunt in zip(_turns(index, total), aunts, strict=False):
        leaf = sha256(b"\x01" + aunt + leaf if goes_right else b"\x01" + leaf + aunt).digest()
    if len(aunts) != len(_turns(index, total)) or any(len(aunt) != 32 for aunt in aunts):
        raise ProofError("malformed proof")
    return leaf


def _turns(index: int, total: int) -> list[bool]:
    """For each level from the leaf up: whether leaf `index` of `total` lies right (RFC 6962)."""
    turns = []
    while total > 1:
        left = 1 << ((total - 1).bit_length() - 1)
        turns.append(index >= left)
        if index >= left:
            index, total = index - left, total - left
        else:
            total = left
    return turns[::-1]


def _run_exist(operator: Operator, key: bytes, value: bytes) -> bytes:
    """The root that an ICS-23 proof of existence makes of a value."""
    proof = _existence(_only(_fields(operator.data), 1))
    if operator.key != key or proof.key != key:
        raise ProofError("the proof is for another key")
    if proof.value != value:
        raise ProofError("the proof is for another value")
    return proof.root()


def _run_absent(operator: Operator, key: bytes) -> bytes:
    """The root in which an ICS-23 proof of non-existence shows that `key` has no leaf."""
    fields = _fields(_only(_fields(operator.data), 2))
    left = _existence(_bytes(fields[2][0])) if 2 in fields else None
    right = _existence(_bytes(fields[3][0])) if 3 in fields else None
    if (left and left.key >= key) or (right and right.key <= key):
        raise ProofError("the key does not lie between the neighbours that the proof shows")
    if left and right:
        if left.root() != right.root() or not _are_neighbours(left, right):
            raise ProofError("the leaves that the proof shows are not neighbours")
        return left.root()
    edge = left or right
    if edge is None or any(_is_right(step) != (edge is left) for step in edge.path):
        raise ProofError("the leaf that the proof shows is not the outermost")
    return edge.root()


def _are_neighbours(left: Existence, right: Existence) -> bool:
    """Whether nothing lies between two leaves: their paths part into a left and a right half, and below that the
    one keeps right and the other left.
    """
    ours, theirs = list(left.path), list(right.path)
    while ours and theirs and ours[-1] == theirs[-1]:
        ours.pop()
        theirs.pop()
    if not ours or not theirs:
        return False
    parts = not _is_right(ours.pop()) and _is_right(theirs.pop())
    return parts and all(map(_is_right, ours)) and not any(map(_is_right, theirs))


def _is_right(step: tuple[bytes, bytes]) -> bool:
    return len(step[0]) == 33


def _existence(data: bytes) -> Existence:
    """Decode an ExistenceProof and hold it to the Tendermint spec of ICS-23. Raises ProofError."""
    fields = _fields(data)
    leaf = _fields(_only(fields, 3))
    if (_number(leaf, 1), _number(leaf, 2), _number(leaf, 3), _number(leaf, 4)) != (1, 0, 1, 1) \
            or _only(leaf, 5) != b"\x00":
        raise ProofError("the leaf is not hashed as the Tendermint spec says")
    path = []
    for step in fields.get(4, []):
        inner = _fields(_bytes(step))
        before, after = _only(inner, 2), _bytes(inner.get(3, [b""])[0])
        if _number(inner, 1) != 1 or before[:1] != b"\x01" or (len(before), len(after)) not in ((33, 0), (1, 32)):
            raise ProofError("a step is not hashed as the Tendermint spec says")
        path.append((before, after))
    if len(path) > STEPS_MAX:
        raise ProofError("the path is too long")
    return Existence(_only(fields, 1), _only(fields, 2), tuple(path))


def _only(fields: dict[int, list[int | bytes]], number: int) -> bytes:
    """The bytes of a field that must be there exactly once."""
    values = fields.get(number, [])
    if len(values) != 1:
        raise ProofError("malformed proof")
    return _bytes(values[0])


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise ProofError("malformed proof")
    return value


def _number(fields: dict[int, list[int | bytes]], number: int) -> int:
    value = fields.get(number, [0])[-1]
    if not isinstance(value, int):
        raise ProofError("malformed proof")
    return value


def _fields(data: bytes) -> dict[int, list[int | bytes]]:
    """The varint and bytes fields of an encoded message, in order. Raises ProofError for anything else."""
    fields: dict[int, list[int | bytes]] = {}
    for number, value in _walk(data):
        fields.setdefault(number, []).append(value)
    return fields


def _walk(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        value, at = _varint(data, at)
        if tag & 7 == 0:
            yield tag >> 3, value
        elif tag & 7 == 2 and at + value <= len(data):
            yield tag >> 3, data[at : at + value]
            at += value
        else:
            raise ProofError("malformed proof")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while at < len(data) and shift < 70:
        byte = data[at]
        number |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return number, at
    raise ProofError("malformed proof")
