"""What committing a changed record costs, and how that grows with the number of records.

A block of 1,000 changed records over a table of N: hash them into the tree, and write records and tree in one synced
LevelDB batch. Beside it, the same with a tree that keeps every node under its own LevelDB key.
"""

import gc
import multiprocessing
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from statistics import median

from app.store.proofs import StateVersion, ics23_proof, simple_proof
from app.store.table import RECORD_SPACE
from app.store.tree import DomainTree, app_hash, leaf_hash
from app.store.view import Batch
from node.engine import tune_interpreter
from node.storage.history import History
from node.storage.leveldb import LevelDB

PREFIX = 2
KEY_BYTES = 24
RECORD_BYTES = 200
CHANGED = 1_000
POPULATE = 50_000
ROUNDS, QUICK_ROUNDS = 40, 15
SIZES, QUICK_SIZES = (10_000, 100_000, 1_000_000), (10_000, 100_000)
NAIVE_SIZES = (10_000, 100_000, 1_000_000)
SPACE = RECORD_SPACE + bytes([PREFIX])


def run(quick: bool) -> dict[str, object]:
    """The section's report."""
    sizes = QUICK_SIZES if quick else SIZES
    rounds = QUICK_ROUNDS if quick else ROUNDS
    records = {str(size): measure(size, rounds) for size in sizes}
    first, last = (records[str(size)]["us_a_changed_record"] for size in (sizes[0], sizes[-1]))
    return {
        "how": f"{CHANGED} random records of {RECORD_BYTES} bytes changed a block, {rounds} blocks, medians; tree and "
               "synced LevelDB batch",
        "records": records,
        "growth": f"{last / first:.2f} times the cost at {sizes[-1] // sizes[0]} times the records",
        "a_key_for_each_node": {str(size): measure_naive(size, 5) for size in sizes if size in NAIVE_SIZES},
    }


def measure(size: int, rounds: int) -> dict[str, float]:
    """Microseconds a changed record at `size` records, and what else a node notices. The records are made in another
    process, so that this one starts as an engine does.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "db"
        began = time.perf_counter()
        maker = multiprocessing.get_context("spawn").Process(target=populate, args=(path, size))
        maker.start()
        maker.join()
        populated = time.perf_counter() - began
        database = LevelDB(path)
        began = time.perf_counter()
        tree = DomainTree(PREFIX, database)
        loaded = time.perf_counter() - began
        tune_interpreter()
        staging, writing, busy = blocks(tree, database, size, rounds)
        report = {
            "us_a_changed_record": round(median(staging) + median(writing), 1),
            "of_it_tree_us": round(median(staging), 1), "of_it_write_us": round(median(writing), 1),
            "of_it_processor_us": round(median(busy), 1),
            "worst_block_us": round(max(map(sum, zip(staging, writing, strict=True))), 1),
            "proof_us": prove(tree, database, size), "start_seconds": round(loaded, 2),
            "populate_seconds": round(populated, 1), "disk_megabytes": round(database.size_bytes() / 1e6, 1),
        }
        gc.unfreeze()
        database.close()
        return report


def populate(path: Path, size: int) -> None:
    """Make a database of `size` records with their tree, compacted."""
    database = LevelDB(path)
    tree = DomainTree(PREFIX, database)
    for changes in population(size):
        commit(tree, database, changes)
    database.settle()
    database.close()


def population(size: int) -> "Iterator[dict[bytes, bytes | None]]":
    """`size` records in batches."""
    draw = random.Random(1)
    for start in range(0, size, POPULATE):
        yield {key_of(number): draw.randbytes(RECORD_BYTES) for number in range(start, min(size, start + POPULATE))}


def key_of(number: int) -> bytes:
    """An account's key."""
    return sha256(number.to_bytes(8, "big")).digest()[:KEY_BYTES]


def changes_of(draw: random.Random, size: int) -> "dict[bytes, bytes | None]":
    """A block's changed records."""
    return {key_of(draw.randrange(size)): draw.randbytes(RECORD_BYTES) for _ in range(CHANGED)}


def commit(tree: DomainTree, database: LevelDB, changes: "dict[bytes, bytes | None]") -> tuple[float, float]:
    """One block; seconds for the tree and for the write."""
    began = time.perf_counter()
    staged = tree.stage(changes)
    hashed = time.perf_counter()
    batch: Batch = {SPACE + key: value for key, value in changes.items()}
    batch.update(staged.writes)
    database.write(batch)
    tree.apply(staged)
    return hashed - began, time.perf_counter() - hashed


def blocks(tree: DomainTree, database: LevelDB, size: int, rounds: int) -> tuple[list[float], list[float], list[float]]:
    """Microseconds a changed record of each block: for the tree, for the write, and the processor time of both (less
    than the others together when the machine is shared). The first blocks only warm up.
    """
    draw = random.Random(2)
    staging, writing, busy = [], [], []
    for _ in range(rounds + 3):
        changes = changes_of(draw, size)
        began = time.thread_time()
        parts = commit(tree, database, changes)
        scale = 1e6 / len(changes)
        busy.append(scale * (time.thread_time() - began))
        staging.append(scale * parts[0])
        writing.append(scale * parts[1])
    return staging[3:], writing[3:], busy[3:]


def prove(tree: DomainTree, database: LevelDB, size: int) -> dict[str, float]:
    """Microseconds to make a proof of each kind."""
    history = History(database.snapshot)
    history.add(1, app_hash({"accounts": tree.root}), {"accounts": tree})
    state, draw = history.at(1), random.Random(3)
    forms: dict[str, Callable[[StateVersion, str, bytes], object]] = {
        "simple": simple_proof, "ics23_presence": ics23_proof, "ics23_absence": ics23_proof}
    report = {}
    for name, make in forms.items():
        keys = [draw.randbytes(KEY_BYTES) if name == "ics23_absence" else key_of(draw.randrange(size))
                for _ in range(200)]
        began = time.perf_counter()
        for key in keys:
            make(state, "accounts", key)
        report[name] = round((time.perf_counter() - began) / len(keys) * 1e6, 1)
    history.close()
    return report


# The alternative: the same trie, every node a LevelDB value of its own under the bits of its path.


def measure_naive(size: int, rounds: int) -> dict[str, float]:
    """Microseconds a changed record when each node has a key."""
    with tempfile.TemporaryDirectory() as folder:
        database = LevelDB(Path(folder) / "db")
        nodes = populate_naive(size, database)
        draw, times = random.Random(2), []
        for _ in range(rounds):
            changes = changes_of(draw, size)
            began = time.perf_counter()
            batch: Batch = {SPACE + key: value for key, value in changes.items()}
            batch.update(stage_naive(database, changes))
            database.write(batch)
            times.append(1e6 * (time.perf_counter() - began) / len(changes))
        database.close()
        return {"us_a_changed_record": round(median(times), 1), "nodes": nodes}


def node_key(depth: int, number: int) -> bytes:
    """Where a node lies: below the leading `depth` bits of the key hash."""
    return b"n" + bytes([depth]) + number.to_bytes(32, "big")


def populate_naive(size: int, database: LevelDB) -> int:
    """Write all nodes of the trie over `size` records; their number."""
    rows = []
    for changes in population(size):
        hashes = [(sha256(key).digest(), value) for key, value in changes.items() if value]
        rows += [(hashed, leaf_hash(hashed, value)) for hashed, value in hashes]
    rows.sort()
    batch: Batch = {}

    def build(low: int, high: int, depth: int, number: int) -> bytes:
        if high - low == 1:
            batch[node_key(depth, number)] = b"L" + rows[low][0] + rows[low][1]
            return rows[low][1]
        middle = low
        while middle < high and not int.from_bytes(rows[middle][0], "big") >> (255 - depth) & 1:
            middle += 1
        sides = [build(*part) for part in ((low, middle, depth + 1, 2 * number),
                                           (middle, high, depth + 1, 2 * number + 1)) if part[0] < part[1]]
        root = sides[0] if len(sides) == 1 else sha256(b"\x01" + sides[0] + sides[1]).digest()
        batch[node_key(depth, number)] = b"N" + root
        return root

    build(0, len(rows), 0, 0)
    database.write(batch)
    return len(batch)


def stage_naive(database: LevelDB, changes: "dict[bytes, bytes | None]") -> Batch:
    """The nodes that change when records that are present get new values, each node once, from the lowest up."""
    fresh: Batch = {}
    levels: list[dict[int, bytes]] = [{} for _ in range(257)]  # depth -> place -> new hash
    for key, value in changes.items():
        hashed = sha256(key).digest()
        place = int.from_bytes(hashed, "big")
        depth = 0
        while (database.get(node_key(depth, place >> (256 - depth))) or b"L")[:1] == b"N":
            depth += 1
        levels[depth][place >> (256 - depth)] = leaf = leaf_hash(hashed, value or b"")
        fresh[node_key(depth, place >> (256 - depth))] = b"L" + hashed + leaf
    for depth in range(256, 0, -1):
        for number, current in levels[depth].items():
            above = number >> 1
            if above in levels[depth - 1]:
                continue
            beside = levels[depth].get(number ^ 1) or hash_in(database.get(node_key(depth, number ^ 1)))
            if beside:
                pair = beside + current if number & 1 else current + beside
                current = sha256(b"\x01" + pair).digest()
            levels[depth - 1][above] = current
            fresh[node_key(depth - 1, above)] = b"N" + current
    return fresh


def hash_in(node: bytes | None) -> bytes:
    """The hash that a stored node carries; empty when there is no such node."""
    return node[-32:] if node else b""
