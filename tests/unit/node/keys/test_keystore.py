"""Keys at rest: sealed, hard to lose by mistake, and clear about what is wrong."""

import json
import stat
from pathlib import Path

import pytest
from nacl.pwhash import argon2id

from client.keys import Key
from node.keys import dev
from node.keys.keystore import Keystore, KeystoreError, dev_entries

SEED = bytes(range(32))
OWNER = Key(SEED).owner.hex()


@pytest.fixture
def store(tmp_path: Path) -> Keystore:
    return Keystore(tmp_path / "keys", argon2id.OPSLIMIT_MIN, argon2id.MEMLIMIT_MIN)


def edit(store: Keystore, name: str, **changes: object) -> None:
    path = store.path(name)
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_sealed_key_opens_with_its_passphrase_only(store: Keystore) -> None:
    entry = store.add("mine", SEED, b"right")
    assert store.open("mine", b"right") == Key(SEED)
    assert entry.owner == OWNER
    with pytest.raises(KeystoreError, match="wrong passphrase"):
        store.open("mine", b"wrong")


def test_the_file_holds_no_secret_and_is_private(store: Keystore) -> None:
    store.add("mine", SEED, b"right")
    assert SEED.hex() not in store.path("mine").read_text()
    assert stat.S_IMODE(store.path("mine").stat().st_mode) == 0o600
    assert stat.S_IMODE(store.folder.stat().st_mode) == 0o700


def test_two_files_of_one_key_do_not_look_alike(store: Keystore) -> None:
    store.add("one", SEED, b"p")
    store.add("two", SEED, b"p")
    assert store.exported("one")["sealed_seed"] != store.exported("two")["sealed_seed"]


def test_a_key_is_never_overwritten(store: Keystore) -> None:
    store.add("mine", SEED, b"p")
    with pytest.raises(KeystoreError, match="already"):
        store.add("mine", bytes(32), b"p")
    assert store.open("mine", b"p") == Key(SEED)


@pytest.mark.parametrize("name", ["", "../up", "A", "a b", "x" * 41, ".hidden", "a/b"])
def test_names_that_could_leave_the_folder_are_refused(store: Keystore, name: str) -> None:
    with pytest.raises(KeystoreError, match="not a key name"):
        store.add(name, SEED, b"p")


def test_a_dev_key_cannot_be_hidden(store: Keystore) -> None:
    with pytest.raises(KeystoreError, match="dev key"):
        store.add("alice", SEED, b"p")


def test_an_exported_key_can_be_imported_and_still_needs_its_passphrase(store: Keystore) -> None:
    store.add("mine", SEED, b"p")
    entry = store.import_sealed("copy", store.exported("mine"))
    assert (entry.name, entry.owner) == ("copy", OWNER)
    assert store.open("copy", b"p") == Key(SEED)
    assert [one.name for one in store.entries()] == ["copy", "mine"]


def test_a_file_that_lies_about_its_owner_is_refused(store: Keystore) -> None:
    store.add("mine", SEED, b"p")
    edit(store, "mine", owner="00" * 20)
    with pytest.raises(KeystoreError, match="another owner"):
        store.open("mine", b"p")


def test_a_file_that_asks_for_absurd_work_is_refused_before_any_is_done(store: Keystore) -> None:
    store.add("mine", SEED, b"p")
    edit(store, "mine", kdf={**store.exported("mine")["kdf"], "memory_bytes": 2**40})
    with pytest.raises(KeystoreError, match="more work"):
        store.open("mine", b"p")


@pytest.mark.parametrize("change", [{"kdf": None}, {"sealed_seed": "zz"}, {"kdf": {"ops_limit": "x"}}])
def test_a_damaged_file_is_named(store: Keystore, change: dict) -> None:
    store.add("mine", SEED, b"p")
    edit(store, "mine", **change)
    with pytest.raises(KeystoreError, match=r"mine\.json"):
        store.open("mine", b"p")


def test_a_missing_key_names_the_next_command(store: Keystore) -> None:
    with pytest.raises(KeystoreError, match="novation keys list"):
        store.open("none", b"p")
    assert store.entries() == []


def test_dev_keys_are_fixed_and_distinct() -> None:
    entries = dev_entries()
    assert len({entry.owner for entry in entries}) == len(dev.NAMES)
    assert all(entry.dev for entry in entries)
    assert dev.dev_key("alice").owner.hex() == "8ff409a0d8bf975c1334719f11697f70422a6cc5"
    with pytest.raises(KeyError, match="mallory"):
        dev.dev_key("mallory")
