"""CometBFT's key files, made in Python: the node's network identity and the validator's signing key."""

import base64
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nacl.signing import SigningKey

PRIVATE_TYPE = "tendermint/PrivKeyEd25519"
PUBLIC_TYPE = "tendermint/PubKeyEd25519"


@dataclass(frozen=True, slots=True)
class CometKey:
    """An Ed25519 key as CometBFT writes it. `seed` is 32 secret bytes."""

    seed: bytes

    @staticmethod
    def random() -> "CometKey":
        return CometKey(os.urandom(32))

    @property
    def public_key(self) -> bytes:
        return bytes(SigningKey(self.seed).verify_key)

    @property
    def address(self) -> bytes:
        """The first 20 bytes of SHA-256 of the public key: validator address, and node id in hex."""
        return address_of(self.public_key)

    @property
    def private_json(self) -> dict[str, str]:
        return {"type": PRIVATE_TYPE, "value": _base64(self.seed + self.public_key)}

    @property
    def public_json(self) -> dict[str, str]:
        return public_json_of(self.public_key)


def address_of(public_key: bytes) -> bytes:
    """The address of a validator."""
    return hashlib.sha256(public_key).digest()[:20]


def public_json_of(public_key: bytes) -> dict[str, str]:
    """A public key as CometBFT writes it."""
    return {"type": PUBLIC_TYPE, "value": _base64(public_key)}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def write_private_json(path: Path, document: dict[str, Any]) -> None:
    """Write a file that only its owner may read, from its first byte on."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=2)
        file.write("\n")


def write_node_key(path: Path, key: CometKey) -> None:
    write_private_json(path, {"priv_key": key.private_json})


def write_validator_key(path: Path, key: CometKey) -> None:
    address = key.address.hex().upper()
    write_private_json(path, {"address": address, "pub_key": key.public_json, "priv_key": key.private_json})


def write_validator_state(path: Path) -> None:
    """The guard against signing twice starts at nothing signed. Never overwrite one that exists."""
    if not path.exists():
        write_private_json(path, {"height": "0", "round": 0, "step": 0})


def read_key(path: Path) -> CometKey:
    """The key of a node key or validator key file. Raises ValueError naming the file when it is not one."""
    try:
        private = json.loads(path.read_text(encoding="utf-8"))["priv_key"]
        secret = base64.b64decode(private["value"], validate=True)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is not a CometBFT key file") from error
    if private.get("type") != PRIVATE_TYPE or len(secret) != 64:
        raise ValueError(f"{path} does not hold an Ed25519 key")
    return CometKey(secret[:32])
