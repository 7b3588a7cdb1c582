"""Typed tables: the only door to state.

A table keeps three layers. *Stored* bytes lie behind the reader. *Committed* records are decoded once and cached;
they are never changed in place, so other threads may read them (`peek`). *Working* records belong to the running
block: a record is copied before its first change inside a savepoint, and the journal remembers what stood there before.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, Protocol, Self, TypeVar

from app.store.view import Reader

RECORD_SPACE = b"r"
EMPTY_RECORD = b"\x08\x00"
"""How a record without content is stored: field 1, written out although it is 0. To the state tree an empty value is an
absent one, and the app hash must tell a fund of nothing from no fund.
"""


class Record(Protocol):
    """What a table holds: a slotted object that can copy itself. `stamp` belongs to the store."""

    stamp: int

    def copy(self) -> Self:
        """A copy that may be changed without touching this one."""
        ...


K = TypeVar("K")
R = TypeVar("R", bound=Record)


@dataclass(frozen=True, slots=True)
class Schema(Generic[K, R]):
    """How a table is named, keyed and encoded."""

    name: str
    prefix: int
    encode_key: Callable[[K], bytes]
    decode_key: Callable[[bytes], K]
    encode: Callable[[R], bytes]
    decode: Callable[[K, bytes], R]


class _Missing:
    """Stands in the journal for "no working record"."""


MISSING = _Missing()


class Journal:
    """Undo log and savepoints of one store. An entry is (function, key, old): calling it undoes one change."""

    __slots__ = ("entries", "floor", "marks", "stamp", "touches")

    def __init__(self) -> None:
        self.entries: list[tuple[Callable[[Any, Any], None], Any, Any]] = []
        self.marks: list[tuple[int, int, int]] = []
        self.touches = 0  # how often a record was asked for in order to be changed; a rollback takes its own back
        self.stamp = 1  # records decoded from storage carry 0, so they are never changed in place
        self.floor = 1  # records stamped at or above it were copied inside the innermost savepoint

    def savepoint(self) -> None:
        """Open a savepoint. Each is closed by exactly one `release` or `rollback`."""
        self.marks.append((len(self.entries), self.floor, self.touches))
        self.stamp += 1
        self.floor = self.stamp

    def release(self) -> None:
        """Close the innermost savepoint and keep its changes."""
        self.floor = self.marks.pop()[1]

    def rollback(self) -> None:
        """Close the innermost savepoint and undo its changes, newest first."""
        length, floor, self.touches = self.marks.pop()
        entries = self.entries
        while len(entries) > length:
            undo, key, old = entries.pop()
            undo(key, old)
        self.floor = floor

    def clear(self) -> None:
        """Forget everything: the block is committed or was dropped."""
        self.entries.clear()
        self.marks.clear()
        self.stamp += 1
        self.floor = self.stamp


class Table(Generic[K, R]):
    """One typed table of the state.

    `live` holds decoded records as the running block sees them. `before` holds, for each key that the block touched or
    looked for in vain, the committed record (None: absent); so what is committed can be read from any thread while the
    block runs.
    """

    def __init__(self, schema: Schema[K, R], reader: Reader, journal: Journal, cache_limit: int = 500_000) -> None:
        self.schema = schema
        self.reader = reader
        self.journal = journal
        self.cache_limit = cache_limit
        self.live: dict[K, R] = {}
        self.before: dict[K, R | None] = {}
        self.space = RECORD_SPACE + bytes([schema.prefix])

    def get(self, key: K) -> R | None:
        """The record as the running block sees it. Not to be changed: see `edit`."""
        record = self.live.get(key)
        if record is not None or key in self.before:
            return record
        record = self._load(key)
        if record is None:
            self.before[key] = None  # so that storage is asked once a block for what is not there
        else:
            self.live[key] = record
        return record

    def peek(self, key: K) -> R | None:
        """The committed record, for readers on any thread. It never fills the cache, so it cannot race a commit."""
        while True:
            record = self.live.get(key)
            committed = self.before.get(key, MISSING)  # looked at second: it is filled before `live` changes
            if not isinstance(committed, _Missing):
                return committed
            if self.live.get(key) is record:  # else a block was dropped or committed in between
                return self._load(key) if record is None else record

    def _load(self, key: K) -> R | None:
        value = self.reader.get(self.space + self.schema.encode_key(key))
        return None if value is None else self.schema.decode(key, value)

    def edit(self, key: K) -> R:
        """The record, ready to be changed in place until the innermost savepoint closes. Raises KeyError if absent."""
        self.journal.touches += 1
        found = self.live.get(key)
        if found is None:
            found = self.get(key)
            if found is None:
                raise KeyError(key)
        if found.stamp >= self.journal.floor:
            return found
        copy = found.copy()
        if key not in self.before:
            self.before[key] = found
        copy.stamp = self.journal.stamp
        self.journal.entries.append((self._restore, key, found))
        self.live[key] = copy
        return copy

    def own(self, key: K) -> R:
        """The record, copied at most once a block: for large records that change a little at a time.

        Whoever changes it puts the undo of each change into the journal. Raises KeyError if absent.
        """
        self.journal.touches += 1
        found = self.get(key)
        if found is None:
            raise KeyError(key)
        if self.before.get(key, found) is not found:
            return found
        copy = found.copy()
        self.before[key] = found
        self.journal.entries.append((self._restore, key, found))
        self.live[key] = copy
        return copy

    def put(self, key: K, record: R) -> None:
        """Insert or replace a record. The table owns `record` from here on."""
        self.journal.touches += 1
        old = self.get(key)
        self.before.setdefault(key, old)
        record.stamp = self.journal.stamp
        self.journal.entries.append((self._restore, key, old))
        self.live[key] = record

    def delete(self, key: K) -> None:
        """Remove a record; removing an absent one changes nothing that is stored."""
        self.journal.touches += 1
        old = self.get(key)
        self.before.setdefault(key, old)
        self.journal.entries.append((self._restore, key, old))
        self.live.pop(key, None)

    def _restore(self, key: K, old: R | None) -> None:
        if old is None:
            self.live.pop(key, None)
        else:
            self.live[key] = old

    def scan(self) -> Iterator[tuple[K, R]]:
        """All committed records, ascending by key. Used at start and by whole-ledger checks, never in a block."""
        for stored_key, value in self.reader.scan(self.space):
            key = self.schema.decode_key(stored_key[2:])
            yield key, self.schema.decode(key, value)

    def touched(self) -> Iterator[tuple[K, R | None, R | None]]:
        """(key, committed record, working record) of every key that the running block touched."""
        for key, before in self.before.items():
            yield key, before, self.live.get(key)

    def changes(self) -> dict[bytes, bytes | None]:
        """What the running block changed, as encoded key -> encoded value (None: deleted), ascending by key."""
        encode_key, encode = self.schema.encode_key, self.schema.encode
        encoded = [
            (encode_key(key), None if record is None else encode(record) or EMPTY_RECORD)
            for key, before, record in self.touched()
            if record is not before
        ]
        encoded.sort(key=lambda pair: pair[0])
        return dict(encoded)

    def drop(self) -> None:
        """Forget what the running block touched, after its journal was rolled back."""
        self.before.clear()

    def merge(self) -> None:
        """Make the working records the committed ones."""
        self.before.clear()
        if len(self.live) > self.cache_limit:
            self.live.clear()
