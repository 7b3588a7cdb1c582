"""One run of a trace in a process of its own; prints what every height came to.

`python -m tests.determinism.worker --record` writes the vectors tests/vectors/trace.json and option_trace.json anew. Do
that only with a change that is meant to be state-breaking, and say so in CHANGELOG.md.
"""

import argparse
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from app.block import Block
from app.chain import Chain
from node.storage.leveldb import LevelDB
from tests.helpers import builders, option_trace
from tests.helpers.driver import BLOCK_TIME_NS, GENESIS_TIME_NS
from tests.helpers.trace import TRACE_VOTERS, mixed_blocks, mixed_genesis, mixed_record
from tests.helpers.votes import Voters

SEED = 20_220_103
BLOCKS = 200
VECTORS = Path(__file__).resolve().parents[1] / "vectors"


class Trace(NamedTuple):
    """What runs: the genesis, what its blocks hold, and how far they lie apart."""

    vector: Path
    blocks: int
    genesis: Callable[[], bytes]
    voters: Voters
    record: Callable[[int, int], list[bytes]]
    envelopes: Callable[[int, int], Iterator[list[bytes]]]
    step_ns: int


TRACES = {
    "mixed": Trace(VECTORS / "trace.json", BLOCKS, mixed_genesis, TRACE_VOTERS, mixed_record, mixed_blocks,
                   BLOCK_TIME_NS),
    "options": Trace(VECTORS / "option_trace.json", 110, option_trace.option_genesis, option_trace.VOTERS,
                     option_trace.option_record, option_trace.option_blocks, option_trace.MINUTE_NS),
}


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


def run(folder: Path, trace: Trace, *, restart: bool, twice: bool) -> dict[str, object]:
    """Run a trace over LevelDB in `folder`. `restart` closes and opens everything after each block; `twice` finalizes
    each block a second time before it is committed, as after a crash between the two.
    """
    storage = LevelDB(folder / "engine")
    chain = Chain(storage)
    genesis_hash = chain.init_chain(builders.CHAIN_ID, GENESIS_TIME_NS, 1, trace.genesis(), trace.voters.genesis)
    heights = []
    for height, envelopes in enumerate(trace.envelopes(SEED, trace.blocks), 1):
        txs = trace.record(SEED, height) + envelopes
        block = Block(height=height, time_ns=GENESIS_TIME_NS + height * trace.step_ns, txs=txs,
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
    parser.add_argument("--trace", choices=TRACES, default="mixed")
    parser.add_argument("--restart", action="store_true")
    parser.add_argument("--twice", action="store_true")
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()

    def report(trace: Trace) -> dict[str, object]:
        with tempfile.TemporaryDirectory(prefix="novation-trace-") as folder:
            return run(Path(folder), trace, restart=options.restart, twice=options.twice)

    if options.record:
        for trace in TRACES.values():
            trace.vector.write_text(json.dumps(report(trace), indent=0) + "\n")
            print(f"recorded {trace.vector.name}: {trace.blocks} heights", file=sys.stderr)
    else:
        print(json.dumps({**report(TRACES[options.trace]), "hash_seed": os.environ.get("PYTHONHASHSEED", "random")}))


if __name__ == "__main__":
    main()
