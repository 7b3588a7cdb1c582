"""What state needs of storage: reading by key and by prefix. LevelDB, a dict or a witness can stand behind it."""

from collections.abc import Iterator
from typing import Protocol

Batch = dict[bytes, bytes | None]
"""Writes that become durable together; None deletes the key."""


class Reader(Protocol):
    """Committed key-value state."""

    def get(self, key: bytes) -> bytes | None:
        """The value under `key`, or None."""
        ...

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """All (key, value) whose key starts with `prefix`, ascending by key."""
        ...


class DictReader(dict[bytes, bytes]):
    """A Reader over a dict: for tests, simulations and the devchain."""

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """All (key, value) whose key starts with `prefix`, ascending by key."""
        for key in sorted(key for key in self if key.startswith(prefix)):
            yield key, self[key]

    def write(self, batch: Batch) -> None:
        """Apply `batch`."""
        for key, value in batch.items():
            if value is None:
                self.pop(key, None)
            else:
                self[key] = value


class LayeredReader:
    """A reader with writes on top that are not durable yet: genesis, until the first block commits."""

    def __init__(self, base: Reader) -> None:
        self.base = base
        self.pending: Batch = {}

    def get(self, key: bytes) -> bytes | None:
        """The pending value, or the stored one."""
        # One look-up: another thread may clear what is pending at any moment, once the base holds it.
        value = self.pending.get(key, self.base)
        return self.base.get(key) if value is self.base else value  # type: ignore[return-value]

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """All (key, value) whose key starts with `prefix`, ascending by key."""
        if not self.pending:
            yield from self.base.scan(prefix)
            return
        merged: Batch = dict(self.base.scan(prefix))
        merged.update({key: value for key, value in self.pending.items() if key.startswith(prefix)})
        for key in sorted(merged):
            value = merged[key]
            if value is not None:
                yield key, value
