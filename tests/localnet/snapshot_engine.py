"""An engine with small chunks, so that a little state has many; with LIAR set, each chunk that it gives away is wrong.

Run as `python tests/localnet/snapshot_engine.py --home H ...`.
"""

import os
from functools import partial

from node import engine
from node.snapshots import keeper
from node.snapshots.writer import Writer


def damaged(kept: keeper.Kept, index: int) -> bytes:
    """A chunk with one bit wrong."""
    chunk = bytearray(honest(kept, index))
    chunk[len(chunk) // 2] ^= 1
    return bytes(chunk)


honest = keeper.Kept.chunk
keeper.Writer = partial(Writer, part_bytes=60, chunk_bytes=60)  # type: ignore[misc, assignment]
if os.environ.get("LIAR"):
    keeper.Kept.chunk = damaged  # type: ignore[method-assign]

if __name__ == "__main__":
    engine.main()
