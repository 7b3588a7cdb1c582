"""The state tree: roots by definition, grouping that never shows, storage that is checked, versions that stay."""

import random
from hashlib import sha256

import pytest

from app.store import tree as tree_module
from app.store.tree import EMPTY_ROOT, DomainTree, StoreDamaged, app_hash, group_root, load_top, map_leaf, tree_key
from app.store.view import DictReader
from tests.helpers.states import naive_root, records_of


def commit(tree: DomainTree, reader: DictReader, changes: dict[bytes, bytes | None]) -> bytes:
    """Stage, write, apply; the new root."""
    staged = tree.stage(changes)
    reader.write(staged.writes)
    tree.apply(staged)
    return staged.root


def test_empty_table_has_the_root_of_nothing() -> None:
    assert DomainTree(1, DictReader()).root == EMPTY_ROOT == sha256(b"").digest()


def test_one_record_is_its_leaf() -> None:
    tree, reader = DomainTree(1, DictReader()), DictReader()
    key = sha256(b"key").hexdigest().encode()
    leaf = sha256(b"\x00\x40" + key + b"\x20" + sha256(b"value").digest()).digest()
    assert commit(tree, reader, {b"key": b"value"}) == leaf == map_leaf(tree_key(sha256(b"key").digest()), b"value")


def test_root_by_hand_for_two_records() -> None:
    reader = DictReader()
    tree = DomainTree(1, reader)
    leaves = sorted((sha256(key).digest(), map_leaf(tree_key(sha256(key).digest()), b"v")) for key in (b"a", b"b"))
    assert commit(tree, reader, {b"a": b"v", b"b": b"v"}) == sha256(b"\x01" + leaves[0][1] + leaves[1][1]).digest()


@pytest.mark.parametrize("count", [1, 2, 3, 8, 9, 100, 2000])
def test_root_is_the_definition(count: int) -> None:
    reader = DictReader()
    tree = DomainTree(7, reader)
    records = records_of(count)
    assert commit(tree, reader, records) == naive_root({key: value for key, value in records.items() if value})


@pytest.mark.parametrize("rows", [1, 2, 8, 64])
def test_grouping_never_shows(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two nodes that group differently have the same root after the same changes."""
    usual, other = (DictReader(), DictReader())
    first, draw = DomainTree(7, usual), random.Random(5)
    second = DomainTree(7, other)
    for _ in range(20):
        changes = {key: (None if draw.random() < 0.3 else draw.randbytes(9)) for key in draw.sample(
            sorted(records_of(300)), 60)}
        root = commit(first, usual, changes)
        with monkeypatch.context() as patch:
            patch.setattr(tree_module, "GROUP_ROWS", rows)
            assert commit(second, other, changes) == root


def test_order_of_changes_never_shows() -> None:
    records = records_of(200)
    whole, reader = DictReader(), DictReader()
    tree = DomainTree(7, reader)
    for key in reversed(list(records)):
        commit(tree, reader, {key: b"first"})
        commit(tree, reader, {key: records[key]})
    assert tree.root == commit(DomainTree(7, whole), whole, records)


def test_stage_changes_nothing_and_may_be_repeated() -> None:
    reader = DictReader()
    tree = DomainTree(7, reader)
    commit(tree, reader, records_of(50))
    before, stored = tree.root, dict(reader)
    staged = tree.stage({b"new": b"value"})
    assert (tree.root, dict(reader)) == (before, stored)
    assert tree.stage({b"new": b"value"}).root == staged.root != before
    assert tree.stage({}).root == before


def test_apply_refuses_what_was_staged_elsewhere() -> None:
    reader = DictReader()
    tree = DomainTree(7, reader)
    stale = tree.stage({b"a": b"1"})
    commit(tree, reader, {b"b": b"2"})
    with pytest.raises(ValueError, match="another version"):
        tree.apply(stale)


def test_emptied_table_leaves_nothing_in_storage() -> None:
    reader = DictReader()
    tree = DomainTree(7, reader)
    records = records_of(100)
    commit(tree, reader, records)
    assert commit(tree, reader, dict.fromkeys(records)) == EMPTY_ROOT
    assert not reader
    assert DomainTree(7, reader).root == EMPTY_ROOT


def test_empty_record_is_an_absent_one() -> None:
    reader = DictReader()
    tree = DomainTree(7, reader)
    root = commit(tree, reader, {b"a": b"1"})
    commit(tree, reader, {b"b": b"2"})
    assert commit(tree, reader, {b"b": b"", b"c": b""}) == root


def test_restart_reads_the_same_tree() -> None:
    reader, draw = DictReader(), random.Random(3)
    tree = DomainTree(7, reader)
    for _ in range(10):
        commit(tree, reader, {key: (None if draw.random() < 0.4 else draw.randbytes(5)) for key in records_of(400)})
        again = DomainTree(7, reader)
        assert again.root == tree.root
        assert again.stage({b"x": b"y"}).root == tree.stage({b"x": b"y"}).root


def test_version_stays_while_the_tree_goes_on() -> None:
    reader = DictReader()
    tree = DomainTree(7, reader)
    root = commit(tree, reader, records_of(30))
    version = tree.version
    commit(tree, reader, {b"more": b"records"})
    assert version.root == root != tree.root


@pytest.mark.parametrize("damage", [b"", b"\x00" * 96])
def test_damaged_group_is_noticed(damage: bytes) -> None:
    reader = DictReader()
    tree = DomainTree(7, reader)
    commit(tree, reader, {b"a": b"1"})
    [group] = [key for key in reader if key.startswith(b"t\x07g")]
    reader.write({group: damage or None})
    with pytest.raises(StoreDamaged, match="not the one"):
        tree.stage({b"a": b"2"})


def test_rows_that_share_more_than_64_bits() -> None:
    """Key hashes that agree in their first 8 bytes still part where they first differ."""
    rows = [(bytes(8) + tail.to_bytes(24, "big"), sha256(bytes([tail])).digest()) for tail in (1, 2, 3)]
    one, two, three = (leaf for _, leaf in rows)
    right = sha256(b"\x01" + two + three).digest()
    assert group_root(b"".join(key + leaf for key, leaf in rows)) == sha256(b"\x01" + one + right).digest()


def test_app_hash_is_the_simple_map() -> None:
    """By hand for three tables: the left side takes the largest power of two below their number."""
    roots = {"vault": b"\x02" * 32, "accounts": b"\x01" * 32, "zebra": b"\x03" * 32}
    first, second, third = (map_leaf(name.encode(), roots[name]) for name in sorted(roots))
    left = sha256(b"\x01" + first + second).digest()
    assert app_hash(roots) == sha256(b"\x01" + left + third).digest()
    assert app_hash({}) == EMPTY_ROOT
    assert app_hash({"accounts": b"\x01" * 32}) == first


def test_load_of_nothing() -> None:
    assert load_top(3, DictReader())[1] == 0
