"""Four validators on this machine, all processes and the load sharing its cores. Novation (engine and CometBFT a node)
at 20 and at 1 orders an envelope, and CometBFT with its builtin key-value store (transactions of 250 bytes) with the
same consensus settings, one network after the other, under the same load generator. Each step offers a fixed rate
for some seconds; sustained means that all of it is committed at most a second after the load ends; rates are
committed transactions over the time from the start of the load to the last commit. The load climbs by a factor until
two steps in a row are not sustained. CPU a transaction is the sum over the four nodes. Orders are actions in
committed envelopes; succeeded_share says how many did what they asked (the rest met an order that was filled or
gone), found by running the network's blocks again in this process, whose app hashes must equal the headers'. The
gateway row is one client a gateway that waits for each order's commitment, on a network with nothing else to do.
"""

import asyncio
import base64
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles

from app.block import Block
from app.chain import Chain
from app.store.view import DictReader
from client.client import NovationClient
from client.keys import Key
from genesis.builder import AppState, canonical
from node.comet.rpc import CometRpc
from tests.bench.engine import no_signature
from tests.bench.load import Step, offer
from tests.bench.network import VALIDATORS, Network, bench_state, start_kvstore, start_novation
from tests.helpers import builders
from tests.helpers.trace import Flow, crowd
from tests.helpers.votes import told

TRADERS = 400
KVSTORE_TX_BYTES = 250
CLIMB = 1.3
STEPS_AT_MOST = 12
Make = Callable[[int], list[list[bytes]]]
"""So many transactions, split by the node that they go to."""


class Envelopes:
    """Signed envelopes of makers and takers for a network, a node's accounts always by the same node."""

    def __init__(self, chain_id: str, actions: int) -> None:
        self.chain_id, self.actions = chain_id, actions
        self.traders = crowd(TRADERS)
        self.flow = Flow(self.traders)
        self.node_of = {trader.person.owner: index % VALIDATORS for index, trader in enumerate(self.traders)}
        self.nonces: dict[bytes, int] = {}

    def make(self, count: int) -> list[list[bytes]]:
        """The next `count` envelopes."""
        split: list[list[bytes]] = [[] for _ in range(VALIDATORS)]
        for _ in range(count):
            person, actions = self.flow.batch(self.actions)
            nonce = self.nonces[person.owner] = self.nonces.get(person.owner, 0) + 1
            split[self.node_of[person.owner]].append(builders.envelope(
                person, actions, nonce, chain_id=self.chain_id, gas_limit=200_000 + 45_000 * len(actions)))
        return split


class Pairs:
    """key=value transactions of a fixed size for the key-value store."""

    def __init__(self) -> None:
        self.count = 0

    def make(self, count: int) -> list[list[bytes]]:
        """The next `count` transactions; each is new, all write one of a thousand keys."""
        split: list[list[bytes]] = [[] for _ in range(VALIDATORS)]
        for _ in range(count):
            self.count += 1
            head = b"k%03d=%012d" % (self.count % 1000, self.count)
            split[self.count % VALIDATORS].append(head + b"x" * (KVSTORE_TX_BYTES - len(head)))
        return split


def climb(network: Network, make: Make, first_rate: float, seconds: float) -> list[Step]:
    """Offer rising rates until two in a row are too much. Leaves the network quiet between steps."""
    steps: list[Step] = []
    warm = offer(network.rpcs, make(int(first_rate * 2)), 2.0, 20.0)
    print(f"  warm-up: {warm.row()}", flush=True, file=sys.stderr)
    rate = first_rate
    for _ in range(STEPS_AT_MOST):
        txs, before = make(int(rate * seconds)), network.cpu_seconds()
        steps.append(offer(network.rpcs, txs, seconds, 30.0))
        steps[-1].cpu_seconds = {kind: used - before[kind] for kind, used in network.cpu_seconds().items()}
        print(f"  {steps[-1].row()}", flush=True, file=sys.stderr)
        if len(steps) > 1 and not steps[-1].sustained and not steps[-2].sustained:
            break
        rate *= CLIMB
        time.sleep(1.0)
    return steps


def best(steps: list[Step]) -> Step:
    """The highest sustained step, or the first when none was."""
    return max((step for step in steps if step.sustained), key=lambda step: step.offered_per_second, default=steps[0])


def replay(network: Network, state: AppState, steps: list[Step]) -> dict[str, object]:
    """Run the network's blocks again from genesis and compare every app hash. Counts what orders came to."""
    reader = DictReader()
    chain = Chain(reader, verify=no_signature)
    last = steps[-1].last_height
    actions = succeeded = fills = 0
    with CometRpc(network.rpcs[0], timeout_s=30.0) as rpc:
        genesis_time_ns = header_time_ns(rpc.block(1)["block"]["header"]["time"])
        genesis = json.loads(network.plan.nodes[0].paths.genesis_file.read_text())
        expected = chain.init_chain(network.plan.chain_id, genesis_time_ns, 1, canonical(state), told(genesis))
        for height in range(1, last + 1):
            block = rpc.block(height)["block"]
            if block["header"]["app_hash"] != expected.hex().upper():
                raise AssertionError(f"app hash before height {height} differs from the network's")
            txs = [base64.b64decode(text) for text in block["data"]["txs"] or []]
            result = chain.finalize(Block(height, header_time_ns(block["header"]["time"]), txs))
            reader.write(chain.commit())
            chain.committed()
            expected = result.app_hash
            for outcome in result.txs:
                actions += len(outcome.result.actions)
                succeeded += sum(action.code == 0 for action in outcome.result.actions)
                fills += sum(event.HasField("fill") for event in outcome.events)
    total = max(1, actions)
    return {"heights": last, "app_hashes_equal": True, "orders": actions,
            "succeeded_share": round(succeeded / total, 3), "fills_an_order": round(fills / total, 3)}


def header_time_ns(text: str) -> int:
    """Nanoseconds of a header's RFC 3339 time."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    seconds = int(time.mktime(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) - time.timezone)
    return seconds * 10**9 + int(fraction.ljust(9, "0") or 0)


def novation_rows(folder: Path, actions: int, first_rate: float, seconds: float) -> dict[str, object]:
    """Climb with so many orders an envelope."""
    state = bench_state(tuple(trader.person for trader in crowd(TRADERS)))
    network = start_novation(folder, state)
    try:
        steps = climb(network, Envelopes(network.plan.chain_id, actions).make, first_rate, seconds)
        checked = replay(network, state, steps)
    finally:
        network.close()
    top = best(steps)
    return {"orders_an_envelope": actions, "sustained_envelopes_per_second": round(top.committed_per_second),
            "sustained_orders_per_second": round(top.committed_per_second * actions),
            "peak_orders_per_second": round(max(step.committed_per_second for step in steps) * actions),
            "at_sustained": top.row(), "replay": checked, "steps": [step.row() for step in steps]}


def kvstore_rows(folder: Path, first_rate: float, seconds: float) -> dict[str, object]:
    """Climb with the builtin key-value store."""
    network = start_kvstore(folder)
    try:
        steps = climb(network, Pairs().make, first_rate, seconds)
    finally:
        network.close()
    top = best(steps)
    return {"tx_bytes": KVSTORE_TX_BYTES, "sustained_tx_per_second": round(top.committed_per_second),
            "peak_tx_per_second": round(max(step.committed_per_second for step in steps)),
            "at_sustained": top.row(), "steps": [step.row() for step in steps]}


async def wait_each(address: str, name: str, count: int) -> list[float]:
    """Seconds from sending an order to its committed result, one after the other."""
    waits = []
    async with NovationClient(address, Key(bytes(builders.Person(name).key))) as client:
        for index in range(count):
            action = builders.buy(builders.MARK_QUANTA[builders.BTC] - 500 * (100 + index % 50), 1)
            began = time.monotonic()
            await client.send([action, builders.cancel_all()])
            waits.append(time.monotonic() - began)
    return waits


def gateway_row(folder: Path, count: int) -> dict[str, object]:
    """Commit latency as a trader sees it, on a network with gateways and nothing else to do."""
    names = [f"waiter {index}" for index in range(VALIDATORS)]
    network = start_novation(folder, bench_state(tuple(builders.Person(name) for name in names)), gateways=True)

    async def all_of_them() -> list[list[float]]:
        return await asyncio.gather(*(wait_each(node.gateway, name, count)
                                      for node, name in zip(network.plan.nodes, names, strict=True)))

    try:
        waits = [wait for each in asyncio.run(all_of_them()) for wait in each]
    finally:
        network.close()
    return {"clients": VALIDATORS, "envelopes": len(waits), "latency_milliseconds_p50": round(median(waits) * 1e3),
            "latency_milliseconds_p99": round(quantiles(waits, n=100)[98] * 1e3)}


def run(quick: bool) -> dict[str, object]:
    """All of it; about six minutes, two with `quick`."""
    seconds = 4.0 if quick else 10.0
    with tempfile.TemporaryDirectory(prefix="nvb-") as folder:
        root = Path(folder)
        report: dict[str, object] = {"how": " ".join((__doc__ or "").split()), "validators": VALIDATORS,
                                     "load_seconds": seconds}
        report["kvstore"] = kvstore_rows(root / "kv", 1_500, seconds)
        report["novation_20"] = novation_rows(root / "n20", 20, 60, seconds)
        report["novation_1"] = novation_rows(root / "n1", 1, 200, seconds)
        report["gateway"] = gateway_row(root / "gw", 20 if quick else 100)
        report["ratio_orders_to_kvstore_tx"] = round(
            report["novation_20"]["sustained_orders_per_second"]  # type: ignore[index]
            / report["kvstore"]["sustained_tx_per_second"], 2)  # type: ignore[index]
        report["ratio_by_cpu"] = round(
            cpu_of(report["kvstore"]) * 20 / cpu_of(report["novation_20"]), 2)  # type: ignore[arg-type]
    return report


def cpu_of(row: dict[str, object]) -> int:
    """CPU microseconds a transaction at the sustained rate, of all nodes together: less moved by other programs."""
    return sum(row["at_sustained"]["cpu_microseconds_a_tx"].values())  # type: ignore[index]
