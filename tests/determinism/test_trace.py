"""The same 200 blocks give the same hashes: under any hash seed, with a restart at each height, in one and in four
processes, when blocks are run twice, and as recorded.
"""

import json
import os
import subprocess
import sys

import pytest

from app.errors import REGISTRY
from novation.v1 import tx_pb2
from tests.determinism import worker
from tests.helpers.driver import Driver
from tests.helpers.trace import mixed_blocks, mixed_genesis
from tests.helpers.votes import NOBODY
from tests.tidy.shape import PROJECT


def start(seed: str, *options: str) -> subprocess.Popen[str]:
    """The worker in a process of its own, with this hash seed."""
    return subprocess.Popen([sys.executable, "-m", "tests.determinism.worker", *options], cwd=PROJECT, text=True,
                            stdout=subprocess.PIPE, env={**os.environ, "PYTHONHASHSEED": seed})


def outcome(process: subprocess.Popen[str]) -> dict[str, object]:
    """What a worker found, less its own circumstances."""
    text, _ = process.communicate(timeout=300)
    assert process.returncode == 0
    found = json.loads(text)
    found.pop("hash_seed")
    return found


@pytest.fixture(scope="module")
def vector() -> dict[str, object]:
    """The recorded hashes."""
    return json.loads(worker.VECTOR.read_text())


@pytest.mark.parametrize(("seed", "options"), [
    ("0", []), ("1", ["--restart"]), ("random", ["--twice"]), ("random", ["--restart", "--twice"]),
], ids=["seed 0", "seed 1 with a restart at each height", "random seed, each block run twice", "all at once"])
def test_one_process(seed: str, options: list[str], vector: dict[str, object]) -> None:
    """Each circumstance gives the recorded hashes. After a change that is meant to be state-breaking, record them anew:
    `python -m tests.determinism.worker --record`, with an entry under STATE-BREAKING in CHANGELOG.md.
    """
    assert outcome(start(seed, *options)) == vector


def test_four_processes(vector: dict[str, object]) -> None:
    """Four at the same time, each with another hash seed, one of them with a restart at each height."""
    circumstances = [("0", []), ("1", []), ("42", ["--restart"]), ("random", [])]
    processes = [start(seed, *options) for seed, options in circumstances]
    for process in processes:
        assert outcome(process) == vector


def test_the_trace_is_worth_repeating() -> None:
    """It holds every action, fills, refusals of many kinds, replays and garbage; otherwise equal hashes say little."""
    driver = Driver(mixed_genesis(), voters=NOBODY)
    kinds, reasons, events = set(), set(), set()
    for txs in mixed_blocks(worker.SEED, worker.BLOCKS):
        for raw, done in zip(txs, driver.run(txs).txs, strict=True):
            reasons |= {done.result.reason} | {action.reason for action in done.result.actions}
            events |= {event.WhichOneof("kind") for event in done.events}
            if done.account:
                body = tx_pb2.Body.FromString(tx_pb2.Envelope.FromString(raw).body)
                kinds |= {action.WhichOneof("kind") for action in body.actions}
    assert kinds == {field.name for field in tx_pb2.Action.DESCRIPTOR.fields}
    assert {"fill", "order_rested", "order_cancelled", "deposited", "withdrawn", "transferred"} <= events
    assert reasons - {""} <= {code.reason for code in REGISTRY.values()}
    assert len(reasons) > 20, sorted(reasons)
