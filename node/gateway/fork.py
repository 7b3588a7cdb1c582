"""The state machine's own code over what the gateway knows: a context for one question, thrown away with its changes.

Nothing here is a formula. A question gets a context over the model's committed records, at the model's height; what it
does there stays there, because the records themselves are never written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from app.context import Context
from app.registry import TABLES, open_fork
from app.store.table import RECORD_SPACE

Raw = Mapping[str, Mapping[bytes, bytes]]
"""Table -> key -> record, as they are stored."""

_NAMES = {RECORD_SPACE + bytes([schema.prefix]): name for name, schema in TABLES.items()}
_SPACE = len(RECORD_SPACE) + 1


class RawReader:
    """A Reader over records by table."""

    def __init__(self, raw: Raw) -> None:
        self.raw = raw

    def get(self, key: bytes) -> bytes | None:
        """The record under a stored key, or None."""
        return self.raw[_NAMES[key[:_SPACE]]].get(key[_SPACE:])

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """All records of the table whose space `prefix` is, ascending by key."""
        yield from ((prefix + key, value) for key, value in sorted(self.raw[_NAMES[prefix]].items()))


def fork_of(raw: Raw, height: int, time_ns: int) -> Context:
    """A context over `raw` as it was committed at a height."""
    return open_fork(RawReader(raw), height, time_ns)
