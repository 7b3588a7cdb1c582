"""One validator (CometBFT, engine, price feeder) and its gateway, each a process of its own, and the clients in two
more, all on this machine: 500 readers, of ten four follow a book, the others trades, prices, orders, fills, cash and
blocks; 200 traders send one signed order a second each and wait until it is admitted. Every client has its own
connection. The phases take turns: nothing at all (the yardstick), orders alone, orders and readers. Block milliseconds
are the distances of header times; of_quiet is their mean over that of the phases with nothing. Admission runs from when
an order was due until its client has the answer, so it counts what the clients themselves are late. Behind is how long
after the first reader of a height the others had theirs. CPU is milliseconds a second of each process, the clients'
too, which share the cores with the node; the readers' process gives way to the others.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import mean
from typing import Self

from client.client import NovationClient
from node.comet.rpc import CometRpc
from tests.bench.crowd import SENDERS, Row, spread
from tests.bench.localnet import header_time_ns
from tests.bench.network import Network, bench_state, cpu_seconds_of, start_novation
from tests.helpers.trace import crowd

EACH_A_SECOND = 1.0
SETTLE_SECONDS = 1.5


def give_way(pid: int) -> None:
    """Let a process have the cores when others leave them: what 500 readers compute they would compute elsewhere."""
    os.setpriority(os.PRIO_PROCESS, pid, 19)
    group = Path(f"/proc/{pid}/autogroup")  # Linux shares cores out by session first, where it is told to
    if group.exists():
        group.write_text("19")


class Clients:
    """A process full of clients (tests/bench/crowd.py)."""

    def __init__(self, kind: str, address: str) -> None:
        self._process = subprocess.Popen([sys.executable, "-m", "tests.bench.crowd", kind, address],
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                         start_new_session=True)
        if kind == "readers":
            give_way(self._process.pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()  # its input ends, and so does it

    @property
    def cpu_seconds(self) -> float:
        """CPU time used so far."""
        return cpu_seconds_of(self._process.pid)

    def ask(self, command: str, **arguments: object) -> Row:
        """Have it do something. Raises RuntimeError when it broke."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": command, **arguments}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("a process of clients ended; its error is above")
        answer: Row = json.loads(line)
        return answer


@dataclass
class Found:
    """What all phases of one kind showed."""

    streams: int
    seconds: float = 0.0
    blocks: list[float] = field(default_factory=list)  # seconds between blocks
    rounds: list[float] = field(default_factory=list)  # the mean of each phase
    waits: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)  # 99th percentiles of the senders themselves
    refused: set[str] = field(default_factory=set)
    messages: int = 0
    bytes: int = 0
    behind: list[dict[str, float]] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    cpu_seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    machine_load: list[float] = field(default_factory=list)

    def row(self, quiet: "Found") -> Row:
        """For the report; `quiet` is the yardstick."""
        return {
            "streams": self.streams, "orders_a_second": round(len(self.waits) / self.seconds),
            "blocks": len(self.blocks), "block_milliseconds": milliseconds(spread(self.blocks)),
            "block_milliseconds_mean": round(mean(self.blocks) * 1e3, 1),
            "block_milliseconds_mean_of_rounds": [round(one * 1e3, 1) for one in self.rounds],
            "of_quiet": round(mean(self.blocks) / mean(quiet.blocks), 3),
            "admission_milliseconds": milliseconds(spread(self.waits)),
            "senders_late_milliseconds_p99": round(max(self.late, default=0.0) * 1e3, 1),
            "not_admitted": sorted(self.refused),
            "messages_a_second": round(self.messages / self.seconds),
            "kilobytes_a_second": round(self.bytes / self.seconds / 1e3),
            "behind_milliseconds": milliseconds({name: max((one[name] for one in self.behind), default=0.0)
                                                 for name in ("p50", "p99", "max")}),
            "subscribers_dropped": len(self.ended), "dropped_with": sorted(set(self.ended)),
            "cpu_milliseconds_a_second": {kind: round(used / self.seconds * 1e3)
                                          for kind, used in self.cpu_seconds.items()},
            "machine_load": self.machine_load,
        }


class Bench:
    """A network, its clients, and the phases."""

    def __init__(self, network: Network, readers: Clients, senders: Clients, seconds: float) -> None:
        self._network, self._readers, self._senders = network, readers, senders
        self._seconds = seconds

    def phase(self, found: Found, *, orders: bool) -> None:
        """Measure one phase, and leave everything quiet."""
        if orders:
            self._senders.ask("prepare", seconds=self._seconds, each_a_second=EACH_A_SECOND,
                              chain_id=self._network.plan.chain_id)
        self._readers.ask("open", streams=found.streams)
        time.sleep(SETTLE_SECONDS)
        self._readers.ask("take")
        height, started, used = self._height(), time.monotonic(), self._cpu_seconds()
        if orders:
            sent = self._senders.ask("send", each_a_second=EACH_A_SECOND)
            found.waits += sent["admission_seconds"]
            found.late.append(sent["late_seconds"]["p99"])
            found.refused |= set(sent["not_admitted"])
        else:
            time.sleep(self._seconds)
        taken = self._readers.ask("take")
        found.seconds += time.monotonic() - started
        for kind, seconds in self._cpu_seconds().items():
            found.cpu_seconds[kind] += seconds - used[kind]
        blocks = self._blocks(height, self._height())
        found.blocks += blocks
        found.rounds.append(mean(blocks))
        found.messages += taken["messages"]
        found.bytes += taken["bytes"]
        found.behind.append(taken["behind_seconds"])
        found.ended += taken["ended"]
        found.machine_load.append(round(os.getloadavg()[0], 2))
        self._readers.ask("close")
        print(f"  {found.streams} streams, orders {orders}: {mean(blocks) * 1e3:.0f} ms a block, admission so far "
              f"{milliseconds(spread(found.waits))} ms, {taken['messages']} messages", file=sys.stderr, flush=True)

    def _cpu_seconds(self) -> dict[str, float]:
        return {**self._network.cpu_seconds(), "readers": self._readers.cpu_seconds,
                "senders": self._senders.cpu_seconds}

    def _height(self) -> int:
        with CometRpc(self._network.rpcs[0]) as rpc:
            return rpc.status().height

    def _blocks(self, first: int, last: int) -> list[float]:
        """Seconds from each block to the next, by their headers."""
        with CometRpc(self._network.rpcs[0], timeout_s=30.0) as rpc:
            times = [header_time_ns(rpc.block(height)["block"]["header"]["time"]) for height in range(first, last + 1)]
        return [(after - before) / 1e9 for before, after in pairwise(times)]


def milliseconds(seconds: dict[str, float]) -> dict[str, float]:
    """The same in milliseconds."""
    return {name: round(value * 1e3, 1) for name, value in seconds.items()}


def run(quick: bool) -> dict[str, object]:
    """All of it; about four minutes, one and a half with `quick`."""
    seconds, rounds, counts = (8.0, 2, (500,)) if quick else (12.0, 3, (50, 150, 500))
    found = {"quiet": Found(0), "orders": Found(0)} | {f"orders_and_{count}_readers": Found(count) for count in counts}
    with tempfile.TemporaryDirectory(prefix="nvb-") as folder:
        state = bench_state(tuple(trader.person for trader in crowd(SENDERS)))
        network = start_novation(Path(folder), state, gateways=True, validators=1)
        try:
            address = network.plan.nodes[0].gateway
            asyncio.run(ready(address))
            with Clients("readers", address) as readers, Clients("senders", address) as senders:
                bench = Bench(network, readers, senders, seconds)
                bench.phase(Found(max(counts)), orders=True)  # a warm-up, not counted
                for _ in range(rounds):
                    for name, kind in found.items():
                        bench.phase(kind, orders=name != "quiet")
            memory = {kind: peak_megabytes(child.pid) for child in network.children
                      if (kind := child.command.name.split()[-1])}
        finally:
            network.close()
    return {"how": " ".join((__doc__ or "").split()), "validators": 1, "senders": SENDERS,
            "orders_a_second_of_each": EACH_A_SECOND, "phase_seconds": seconds, "rounds": rounds,
            "phases": {name: kind.row(found["quiet"]) for name, kind in found.items()},
            "peak_memory_megabytes": memory}


async def ready(address: str) -> None:
    """Until the gateway serves. Raises NotAvailable."""
    async with NovationClient(address):
        pass


def peak_megabytes(pid: int) -> int:
    """The most memory that a process has had, 0 where there is no /proc."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except FileNotFoundError:
        return 0
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM")), 0)
