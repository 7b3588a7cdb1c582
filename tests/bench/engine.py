"""Engine in one process: decode, margin, match, fees, state root and one synced LevelDB batch a block.

The stream is that of tests/helpers/trace.py: half the accounts are makers with a ladder of about 40 orders each that
they cancel, replace and place again, knowing what the last block did to them; every fifth envelope is a taker's, whose
orders cross. Envelopes are made before the clock starts. Without signatures means that the check of Ed25519 is skipped;
everything else, decoding included, is the same. Rates are by the wall clock; cpu_ figures leave out what other programs
of the machine took.
"""

import cProfile
import gc
import pstats
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

from app.chain import Block, BlockResult, Chain
from app.kernel import signatures
from node.engine import tune_interpreter
from node.storage.leveldb import LevelDB
from novation.v1 import tx_pb2
from tests.helpers import builders
from tests.helpers.driver import Driver
from tests.helpers.trace import Flow, crowd

ACTIONS_A_BLOCK = 2_000
TRADERS = 200
TIME_NS = 1_700_000_000_000_000_000


def no_signature(_public_key: bytes, _message: bytes, _signature: bytes) -> bool:
    """Stands in for the signature check."""
    return True


@dataclass(frozen=True)
class Load:
    """What one run executes."""

    actions_an_envelope: int
    signatures: bool
    blocks: int
    warm_blocks: int = 4


def make_blocks(load: Load) -> tuple[bytes, list[list[bytes]]]:
    """The genesis and the blocks of a run, with real signatures only when they will be checked."""
    traders = crowd(TRADERS)
    genesis = builders.genesis(tuple(trader.person for trader in traders) + (builders.ORACLE,))
    flow = Flow(traders)
    rehearsal = Driver(genesis, verify=no_signature)
    blocks = []
    for _ in range(load.warm_blocks + load.blocks):
        txs, sent = [], []
        for _ in range(ACTIONS_A_BLOCK // load.actions_an_envelope):
            person, actions = flow.batch(load.actions_an_envelope)
            txs.append(envelope(person, actions, rehearsal.nonce(person.owner), load.signatures))
            sent.append((person, actions))
        blocks.append(txs)
        teach(flow, sent, rehearsal.run(txs))
    return genesis, blocks


def teach(flow: Flow, sent: list[tuple[builders.Person, list[tx_pb2.Action]]], result: BlockResult) -> None:
    """Tell the makers what a block did to their orders, refused ones included."""
    for (person, actions), outcome in zip(sent, result.txs, strict=True):
        flow.learn(outcome.events)
        refused = {action.place_order.client_id for action, done in zip(actions, outcome.result.actions, strict=True)
                   if done.code and action.HasField("place_order")}
        flow.forget(person.owner, refused)


def envelope(person: builders.Person, actions: list[tx_pb2.Action], nonce: int, signed: bool) -> bytes:
    """An envelope; an unsigned one has 64 zero bytes in the place of its signature."""
    if signed:
        return builders.envelope(person, actions, nonce)
    data = builders.body(person, actions, nonce).SerializeToString(deterministic=True)
    authorization = tx_pb2.Authorization(
        key_type=tx_pb2.KEY_TYPE_ED25519, public_key=person.public_key, signature=bytes(64))
    return tx_pb2.Envelope(body=data, authorization=authorization).SerializeToString(deterministic=True)


@dataclass
class Measured:
    """What the timed blocks took and did."""

    block_seconds: list[float]
    cpu_seconds: float = 0
    actions: int = 0
    succeeded: int = 0
    fills: int = 0
    changed_records: int = 0
    gas: int = 0
    reasons: dict[str, int] | None = None

    def count(self, result: BlockResult) -> None:
        """Add up what a block did."""
        self.reasons = {} if self.reasons is None else self.reasons
        self.changed_records += len(result.changes)
        for outcome in result.txs:
            self.gas += outcome.gas_used
            self.fills += sum(event.WhichOneof("kind") == "fill" for event in outcome.events)
            if outcome.code:
                self.reasons[outcome.result.reason] = self.reasons.get(outcome.result.reason, 0) + 1
            for action in outcome.result.actions:
                self.actions += 1
                self.succeeded += action.code == 0
                if action.code:
                    self.reasons[action.reason] = self.reasons.get(action.reason, 0) + 1


def run_load(load: Load, profile: cProfile.Profile | None = None) -> Measured:
    """Execute a load over LevelDB in a temporary folder and time each block from bytes to synced batch."""
    genesis, blocks = make_blocks(load)
    measured = Measured([])
    with tempfile.TemporaryDirectory(prefix="novation-bench-") as folder:
        storage = LevelDB(Path(folder) / "engine")
        chain = Chain(storage, verify=signatures.verify if load.signatures else no_signature)
        chain.init_chain(builders.CHAIN_ID, TIME_NS, 1, genesis)
        tune_interpreter()  # as the engine's process does
        for index, txs in enumerate(blocks):
            timed = index >= load.warm_blocks
            block = Block(height=index + 1, time_ns=TIME_NS + (index + 1) * 10**8, txs=txs,
                          hash=index.to_bytes(32, "big"), proposer=bytes(20))
            if profile and timed:
                profile.enable()
            started, started_cpu = time.perf_counter(), time.process_time()
            result = chain.finalize(block)
            storage.write(chain.commit())
            chain.committed()
            seconds, cpu = time.perf_counter() - started, time.process_time() - started_cpu
            if profile:
                profile.disable()
            if timed:
                measured.block_seconds.append(seconds)
                measured.cpu_seconds += cpu
                measured.count(result)
        gc.unfreeze()
        storage.close()
    return measured


def summary(load: Load, measured: Measured) -> dict[str, object]:
    """One row of the report."""
    seconds = sum(measured.block_seconds)
    worst = quantiles(measured.block_seconds, n=100)[98] if len(measured.block_seconds) > 1 else seconds
    return {
        "actions_an_envelope": load.actions_an_envelope,
        "signatures": load.signatures,
        "actions_per_second": round(measured.actions / seconds),
        "microseconds_an_action": round(seconds / measured.actions * 1e6, 1),
        "cpu_microseconds_an_action": round(measured.cpu_seconds / measured.actions * 1e6, 1),
        "block_milliseconds_p50": round(median(measured.block_seconds) * 1e3, 1),
        "block_milliseconds_p99": round(worst * 1e3, 1),
        "actions_a_block": measured.actions // len(measured.block_seconds),
        "blocks": len(measured.block_seconds),
        "succeeded_share": round(measured.succeeded / measured.actions, 3),
        "fills_an_action": round(measured.fills / measured.actions, 3),
        "changed_records_a_block": measured.changed_records // len(measured.block_seconds),
        "gas_an_action": measured.gas // measured.actions,
        "cpu_nanoseconds_a_gas": round(measured.cpu_seconds * 1e9 / measured.gas, 2),
        "reasons": dict(sorted((measured.reasons or {}).items())),
    }


def run(quick: bool) -> dict[str, object]:
    """The four rows of the engine section: 1 and 20 actions an envelope, without and with signatures."""
    blocks = 10 if quick else 40
    run_load(Load(20, True, 5))  # the first run of a process pays for memory that later ones have
    rows = []
    for actions in (20, 1):
        for checked in (False, True):
            load = Load(actions, checked, blocks)
            rows.append(summary(load, run_load(load)))
    return {"how": " ".join((__doc__ or "").split()), "accounts": TRADERS, "rows": rows}


def profile(quick: bool) -> None:
    """Print where the time of the blocks with 20 actions an envelope goes, without signatures."""
    profiler = cProfile.Profile()
    load = Load(20, False, 5 if quick else 15)
    row = summary(load, run_load(load, profiler))
    stats = pstats.Stats(profiler)
    stats.sort_stats("tottime").print_stats(40)
    stats.sort_stats("cumulative").print_stats(40)
    print({key: value for key, value in row.items() if key != "reasons"})
