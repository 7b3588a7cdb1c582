"""An open-loop load on a network's JSON-RPC, and what became of it.

Envelopes are sent by `broadcast_tx_async`, ten in an HTTP request (CometBFT's default limit), at times fixed in
advance and spread over all nodes. A watcher asks one node for its height every 20 ms. A transaction's latency runs from
the time it was due to be sent until the watcher sees its block; the blocks themselves say what was committed.
"""

import asyncio
import base64
import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles

from node.comet.rpc import AsyncCometRpc, CometRpc

BATCH = 10
POLL_SECONDS = 0.02
LATE_SECONDS = 1.0


@dataclass
class Step:
    """What one rate of load led to. Times are seconds since the load began."""

    offered: int
    offered_per_second: float
    seconds: float
    send_seconds: float = 0.0
    committed: int = 0
    latencies: list[float] = field(default_factory=list)
    blocks: int = 0
    last_commit_seconds: float = 0.0
    first_height: int = 0
    last_height: int = 0
    cpu_seconds: dict[str, float] = field(default_factory=dict)

    @property
    def committed_per_second(self) -> float:
        """Transactions committed, over the time from the start of the load to the last of them."""
        return self.committed / max(self.seconds, self.last_commit_seconds)

    @property
    def sustained(self) -> bool:
        """All but a thousandth of what was offered is committed, at most a second after the load ended."""
        return self.committed >= 0.999 * self.offered and self.last_commit_seconds <= self.seconds + LATE_SECONDS

    def row(self) -> dict[str, object]:
        """The step for the report."""
        spread = quantiles(self.latencies, n=100) if len(self.latencies) > 1 else [0.0] * 99
        return {"offered_per_second": round(self.offered_per_second),
                "committed_per_second": round(self.committed_per_second),
                "committed_share": round(self.committed / self.offered, 4), "sustained": self.sustained,
                "latency_milliseconds_p50": round(median(self.latencies or [0]) * 1e3),
                "latency_milliseconds_p99": round(spread[98] * 1e3), "blocks": self.blocks,
                "block_milliseconds_mean": round(self.last_commit_seconds / max(1, self.blocks) * 1e3),
                "cpu_microseconds_a_tx": {kind: round(used / max(1, self.committed) * 1e6)
                                          for kind, used in self.cpu_seconds.items()},
                "sender_late_seconds": round(max(0.0, self.send_seconds - self.seconds), 2)}


def request_bytes(host: str, txs: Sequence[bytes]) -> bytes:
    """One HTTP request that submits `txs`."""
    calls = [{"jsonrpc": "2.0", "id": index, "method": "broadcast_tx_async",
              "params": {"tx": base64.b64encode(tx).decode()}} for index, tx in enumerate(txs)]
    body = json.dumps(calls, separators=(",", ":")).encode()
    head = f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def read_answer(reader: asyncio.StreamReader) -> bytes:
    """The body of one HTTP answer; chunked or with a length."""
    head = await reader.readuntil(b"\r\n\r\n")
    lower = head.lower()
    if not head.startswith(b"HTTP/1.1 200"):
        raise ConnectionError(head.split(b"\r\n")[0].decode())
    if b"content-length:" in lower:
        length = int(lower.split(b"content-length:")[1].split(b"\r\n")[0])
        return await reader.readexactly(length)
    body = b""
    while size := int((await reader.readline()).strip(), 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readexactly(2)
    return body


async def send_all(address: str, due: list[tuple[float, bytes]], started: float) -> None:
    """Send prepared requests on one connection, each at its time or as soon after as the node answers."""
    host, port = address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    for at, request in due:
        delay = started + at - time.monotonic()
        if delay > 0:
            await asyncio.sleep(delay)
        writer.write(request)
        await read_answer(reader)
    writer.close()


async def watch(address: str, seen: dict[int, float], stop: asyncio.Event) -> None:
    """Note when each height is first seen."""
    async with AsyncCometRpc(address) as rpc:
        height = (await rpc.status()).height
        while not stop.is_set():
            now_height = (await rpc.status()).height
            now = time.monotonic()
            for reached in range(height + 1, now_height + 1):
                seen[reached] = now
            height = max(height, now_height)
            await asyncio.sleep(POLL_SECONDS)


def offer(rpcs: list[str], txs_by_node: list[list[bytes]], seconds: float, drain_seconds: float) -> Step:
    """Send each node its transactions evenly over `seconds`, wait until all are committed or `drain_seconds` passed."""
    return asyncio.run(_offer(rpcs, txs_by_node, seconds, drain_seconds))


async def _offer(rpcs: list[str], txs_by_node: list[list[bytes]], seconds: float, drain_seconds: float) -> Step:
    due_of: dict[bytes, float] = {}
    plans = []
    for address, txs in zip(rpcs, txs_by_node, strict=True):
        plan = []
        for first in range(0, len(txs), BATCH):
            at = (first + BATCH / 2) / max(1, len(txs)) * seconds
            plan.append((at, request_bytes(address, txs[first:first + BATCH])))
            for tx in txs[first:first + BATCH]:
                due_of[hashlib.sha256(tx).digest()] = at
        plans.append(plan)
    step = Step(len(due_of), len(due_of) / seconds, seconds)
    seen: dict[int, float] = {}
    stop = asyncio.Event()
    watcher = asyncio.create_task(watch(rpcs[0], seen, stop))
    await asyncio.sleep(0.2)
    started = time.monotonic()
    await asyncio.gather(*(send_all(address, plan, started) for address, plan in zip(rpcs, plans, strict=True)))
    step.send_seconds = time.monotonic() - started
    waiting = due_of.copy()
    counted: set[int] = set()
    deadline = started + seconds + drain_seconds
    while waiting and time.monotonic() < deadline:
        await asyncio.sleep(0.25)
        await asyncio.to_thread(count_blocks, rpcs[0], step, seen, counted, waiting, started)
    stop.set()
    await watcher
    return step


def count_blocks(address: str, step: Step, seen: dict[int, float], counted: set[int], waiting: dict[bytes, float],
                 started: float) -> None:
    """Match the transactions of newly seen blocks with those that were sent."""
    with CometRpc(address, timeout_s=30.0) as rpc:
        for height in sorted(set(seen) - counted):
            counted.add(height)
            step.first_height = step.first_height or height
            step.last_height = height
            at = seen[height] - started
            for text in rpc.block(height)["block"]["data"]["txs"] or []:
                due = waiting.pop(hashlib.sha256(base64.b64decode(text)).digest(), None)
                if due is not None:
                    step.committed += 1
                    step.latencies.append(at - due)
                    step.last_commit_seconds = max(step.last_commit_seconds, at)
            step.blocks += at >= 0
