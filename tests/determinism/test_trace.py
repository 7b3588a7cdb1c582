"""The same blocks give the same hashes: under any hash seed, with a restart at each height, in one and in four
processes, when blocks are run twice, and as recorded.
"""

import json
import os
import subprocess
import sys
from collections import Counter

import pytest

from app.block import Block
from app.chain import Chain
from app.errors import REGISTRY
from app.store.view import DictReader
from novation.v1 import tx_pb2
from tests.determinism import worker
from tests.helpers.builders import CHAIN_ID
from tests.helpers.driver import GENESIS_TIME_NS, Driver
from tests.helpers.option_trace import PEOPLE
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


def vector(trace: str) -> dict[str, object]:
    """The recorded hashes."""
    return json.loads(worker.TRACES[trace].vector.read_text())


@pytest.mark.parametrize(("seed", "options"), [
    ("0", []), ("1", ["--restart"]), ("random", ["--twice"]), ("random", ["--restart", "--twice"]),
], ids=["seed 0", "seed 1 with a restart at each height", "random seed, each block run twice", "all at once"])
def test_one_process(seed: str, options: list[str]) -> None:
    """Each circumstance gives the recorded hashes. After a change that is meant to be state-breaking, record them anew:
    `python -m tests.determinism.worker --record`, with an entry under STATE-BREAKING in CHANGELOG.md.
    """
    assert outcome(start(seed, *options)) == vector("mixed")


@pytest.mark.parametrize(("seed", "options"), [("0", []), ("random", ["--restart", "--twice"])],
                         ids=["seed 0", "restarts and each block run twice"])
def test_options(seed: str, options: list[str]) -> None:
    """The same for the trace of options and portfolios."""
    assert outcome(start(seed, "--trace", "options", *options)) == vector("options")


def test_four_processes() -> None:
    """Four at the same time, each with another hash seed, one of them with a restart at each height."""
    circumstances = [("0", []), ("1", []), ("42", ["--restart"]), ("random", [])]
    processes = [start(seed, *options) for seed, options in circumstances]
    for process in processes:
        assert outcome(process) == vector("mixed")


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


def test_the_trace_of_options_is_worth_repeating() -> None:
    """Series are listed, trade, expire with holders, and go; accounts change their mode and trade as portfolios."""
    trace, reader = worker.TRACES["options"], DictReader()
    chain = Chain(reader)
    chain.init_chain(CHAIN_ID, GENESIS_TIME_NS, 1, trace.genesis(), trace.voters.genesis)
    events, reasons, portfolios = Counter[str](), set(), 0
    for height, envelopes in enumerate(trace.envelopes(worker.SEED, trace.blocks), 1):
        txs = trace.record(worker.SEED, height) + envelopes
        block = Block(height, GENESIS_TIME_NS + height * trace.step_ns, txs, bytes(32), bytes(20))
        result = chain.finalize(block)
        reader.write(chain.commit())
        chain.committed()
        events.update(event.WhichOneof("kind") for event in result.events)
        for done in result.txs:
            events.update(event.WhichOneof("kind") for event in done.events)
            reasons |= {action.reason for action in done.result.actions}
        held = [chain.view.accounts.get(person.account()) for person in PEOPLE]
        portfolios = max(portfolios, sum(bool(one and one.portfolio and len(one.positions) > 2) for one in held))
    assert {"series_listed", "fill", "expiry_fixed", "settlement_price_set", "position_settled", "series_removed",
            "margin_mode_set", "block_traded", "pillar_refused", "order_cancelled"} <= set(events), events
    assert events["fill"] > 50 and events["position_settled"] > 10 and events["expiry_fixed"] > 1, events
    assert portfolios > 1
    assert {"MARGIN_MODE", "ORDER_NOT_FILLABLE", "MARGIN_INSUFFICIENT"} <= reasons, reasons
