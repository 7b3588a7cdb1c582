"""The engine with a trap in its store: `--trap before:3` ends the process before the third write, `after:3` after it.

Run as `python -m tests.localnet.crashing_engine --home H --trap before:3`.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from app.store.view import Batch
from node.engine import main
from node.storage.leveldb import LevelDB

TRAPPED = 86


class TrappedStore:
    """A LevelDB whose write number `count` ends the process, before or after the batch is durable."""

    def __init__(self, path: Path, moment: str, count: int) -> None:
        self._store = LevelDB(path)
        self._moment = moment
        self._left = count

    def get(self, key: bytes) -> bytes | None:
        return self._store.get(key)

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        return self._store.scan(prefix)

    def snapshot(self) -> Any:
        return self._store.snapshot()

    def size_bytes(self) -> int:
        return self._store.size_bytes()

    def close(self) -> None:
        self._store.close()

    def write(self, batch: Batch) -> None:
        self._left -= 1
        if self._left == 0 and self._moment == "before":
            os._exit(TRAPPED)
        self._store.write(batch)
        if self._left == 0:
            os._exit(TRAPPED)


if __name__ == "__main__":
    place = sys.argv.index("--trap")
    moment, count = sys.argv[place + 1].split(":")
    del sys.argv[place:place + 2]
    main(open_store=lambda path: TrappedStore(path, moment, int(count)))
