"""One run of the 200-block trace in a process of its own; prints what every height came to.

`python -m tests.determinism.worker --record` writes the vector tests/vectors/trace.json anew. Do that only with a
change that is meant to be state-breaking, and say so in CHANGELOG.md.
"""

import argparse
import hashlib
import json
import os
import sys
import tempfile
from pathlib import Path

from app.block import Block
from app.chain import Chain
from node.storage.leveldb import LevelDB
from tests.helpers import builders
from tests.helpers.driver import BLOCK_TIME_NS, GENESIS_TIME_NS
from tests.helpers.trace import TRACE_VOTERS, mixed_blocks, mixed_genesis, mixed_record

SEED = 20_220_103
BLOCKS = 200
VECTOR = Path(__file__).resolve().parents[1] / "vectors" / "trace.json"


def digest(result) -> str:  # type: ignore[no-untyped-def]
    """A hash over all that a block answers: outcomes with their data and gas, events, changed records."""
    state = hashlib.sha256()
    for outcome in ([result.record] if result.record else []) + result.txs:
        state.update(repr((outcome.hash, outcome.account, outcome.nonce, outcome.code, outcome.codespace, outcome.data,
                           outcome.gas_wanted, outcome.gas_used)).encode())
        for event in outcome.events:
            state.update(event.SerializeToString(deterministic=True))
    for event in result.events:
        state.update(event.SerializeToString(deterministic=True))
    state.update(repr(list(result.changes)).encode())
    return state.hexdigest()


def run(folder: Path, *, blocks: int, restart: bool, twice: bool) -> dict[str, object]:
    """Run the trace over LevelDB in `folder`. `restart` closes and opens everything after each block; `twice` finalizes
    each block a second time before it is committed, as after a crash between the two.
    """
    storage = LevelDB(folder / "engine")
    chain = Chain(storage)
    genesis_hash = chain.init_chain(builders.CHAIN_ID, GENESIS_TIME_NS, 1, mixed_genesis(), TRACE_VOTERS.genesis)
    heights = []
    for height, envelopes in enumerate(mixed_blocks(SEED, blocks), 1):
        txs = mixed_record(SEED, height) + envelopes
        block = Block(height=height, time_ns=GENESIS_TIME_NS + height * BLOCK_TIME_NS, txs=txs,
                      hash=hashlib.sha256(b"".join(txs)).digest(), proposer=bytes(20))
        if twice:
            chain.finalize(block)
        result = chain.finalize(block)
        storage.write(chain.commit())
        chain.committed()
        heights.append([result.app_hash.hex(), digest(result)])
        if restart:
            storage.close()
            storage = LevelDB(folder / "engine")
            chain = Chain(storage)
    storage.close()
    return {"genesis": genesis_hash.hex(), "heights": heights}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--blocks", type=int, default=BLOCKS)
    parser.add_argument("--restart", action="store_true")
    parser.add_argument("--twice", action="store_true")
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="novation-trace-") as folder:
        report = run(Path(folder), blocks=options.blocks, restart=options.restart, twice=options.twice)
    if options.record:
        VECTOR.write_text(json.dumps(report, indent=0) + "\n")
        print(f"recorded {VECTOR.name}: {options.blocks} heights", file=sys.stderr)
    else:
        print(json.dumps({**report, "hash_seed": os.environ.get("PYTHONHASHSEED", "random")}))


if __name__ == "__main__":
    main()
