"""Keys of people at rest: one file a key, the seed sealed under a passphrase (argon2id, then XSalsa20-Poly1305)."""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nacl.exceptions import CryptoError
from nacl.pwhash import argon2id
from nacl.secret import SecretBox

from client.keys import SEED_BYTES, Key
from node.comet.keys import write_private_json
from node.keys import dev

FORMAT = "novation-key"
VERSION = 1
NAME_PATTERN = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")

# "Moderate" of libsodium: 256 MiB and about 0.7 s to unlock. A file may ask for less (tests) but not for absurdly more.
OPS_LIMIT = argon2id.OPSLIMIT_MODERATE
MEMORY_BYTES = argon2id.MEMLIMIT_MODERATE
MEMORY_BYTES_MAX = 4 * MEMORY_BYTES
OPS_LIMIT_MAX = 64


class KeystoreError(Exception):
    """A key cannot be found, read, opened or written; the message says what to run next."""


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """What can be known of a key without its passphrase."""

    name: str
    owner: str
    public_key: str
    dev: bool


@dataclass(frozen=True, slots=True)
class Keystore:
    folder: Path
    ops_limit: int = OPS_LIMIT
    memory_bytes: int = MEMORY_BYTES

    def path(self, name: str) -> Path:
        if not NAME_PATTERN.fullmatch(name):
            raise KeystoreError(f"{name!r} is not a key name: use 1 to 40 of a-z, 0-9, '-' and '_'")
        return self.folder / f"{name}.json"

    def holds(self, name: str) -> bool:
        return self.path(name).exists()

    def add(self, name: str, seed: bytes, passphrase: bytes) -> KeyEntry:
        """Seal `seed` under `passphrase`. Never overwrites; refuses names of dev keys, which would hide them."""
        if name in dev.NAMES:
            raise KeystoreError(f"{name!r} is the name of a dev key that everybody knows: choose another name")
        if len(seed) != SEED_BYTES:
            raise KeystoreError(f"a key's seed has {SEED_BYTES} bytes, not {len(seed)}")
        path = self.path(name)
        if path.exists():
            raise KeystoreError(f"there is a key {name!r} already: see it with `novation keys show {name}`")
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private_json(path, self._seal(name, seed, passphrase))
        return describe(name, Key(seed))

    def _seal(self, name: str, seed: bytes, passphrase: bytes) -> dict[str, Any]:
        salt = os.urandom(argon2id.SALTBYTES)
        box = SecretBox(_derive(passphrase, salt, self.ops_limit, self.memory_bytes))
        entry = describe(name, Key(seed))
        return {
            "format": FORMAT,
            "version": VERSION,
            "name": name,
            "key_type": "ed25519",
            "public_key": entry.public_key,
            "owner": entry.owner,
            "kdf": {
                "name": "argon2id",
                "salt": salt.hex(),
                "ops_limit": self.ops_limit,
                "memory_bytes": self.memory_bytes,
            },
            "sealed_seed": bytes(box.encrypt(seed)).hex(),
        }

    def open(self, name: str, passphrase: bytes) -> Key:
        """The key. Raises KeystoreError when the key is absent, damaged or the passphrase is wrong."""
        document = self._read(name)
        try:
            kdf = document["kdf"]
            ops_limit, memory_bytes = int(kdf["ops_limit"]), int(kdf["memory_bytes"])
            if not 1 <= ops_limit <= OPS_LIMIT_MAX or not 8192 <= memory_bytes <= MEMORY_BYTES_MAX:
                raise KeystoreError(f"{self.path(name)} asks for more work than any key needs: do not use it")
            key = _derive(passphrase, bytes.fromhex(kdf["salt"]), ops_limit, memory_bytes)
            seed = SecretBox(key).decrypt(bytes.fromhex(document["sealed_seed"]))
        except CryptoError as error:
            raise KeystoreError(f"wrong passphrase for key {name!r} (or {self.path(name)} is damaged)") from error
        except (KeyError, TypeError, ValueError) as error:
            raise KeystoreError(f"{self.path(name)} is not a key file of this version: {error}") from error
        opened = Key(seed)
        if opened.owner.hex() != document["owner"]:
            raise KeystoreError(f"{self.path(name)} names another owner than its key has: do not use it")
        return opened

    def entry(self, name: str) -> KeyEntry:
        document = self._read(name)
        try:
            return KeyEntry(name, str(document["owner"]), str(document["public_key"]), dev=False)
        except KeyError as error:
            raise KeystoreError(f"{self.path(name)} is not a key file: {error} is missing") from error

    def entries(self) -> list[KeyEntry]:
        """All keys of the folder by name; empty when there is no folder."""
        names = sorted(path.stem for path in self.folder.glob("*.json") if NAME_PATTERN.fullmatch(path.stem))
        return [self.entry(name) for name in names]

    def exported(self, name: str) -> dict[str, Any]:
        """The sealed file itself: safe to copy, useless without the passphrase."""
        return self._read(name)

    def import_sealed(self, name: str, document: dict[str, Any]) -> KeyEntry:
        """Take a file that `exported` gave. It stays under its passphrase."""
        path = self.path(name)
        if name in dev.NAMES or path.exists():
            raise KeystoreError(f"the name {name!r} is taken: choose another with `novation keys import NAME FILE`")
        if document.get("format") != FORMAT or document.get("version") != VERSION:
            raise KeystoreError("this is not an exported key: expected a file made by `novation keys export`")
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private_json(path, {**document, "name": name})
        return self.entry(name)

    def _read(self, name: str) -> dict[str, Any]:
        path = self.path(name)
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise KeystoreError(f"no key {name!r}: list them with `novation keys list`, make it with "
                                f"`novation keys add {name}`") from error
        except ValueError as error:
            raise KeystoreError(f"{path} is not a key file: {error}") from error
        if not isinstance(document, dict):
            raise KeystoreError(f"{path} is not a key file")
        return document


def _derive(passphrase: bytes, salt: bytes, ops_limit: int, memory_bytes: int) -> bytes:
    return argon2id.kdf(SecretBox.KEY_SIZE, passphrase, salt, opslimit=ops_limit, memlimit=memory_bytes)


def describe(name: str, key: Key, is_dev: bool = False) -> KeyEntry:
    return KeyEntry(name, key.owner.hex(), key.public_key.hex(), is_dev)


def dev_entries() -> list[KeyEntry]:
    return [describe(name, dev.dev_key(name), is_dev=True) for name in dev.NAMES]
