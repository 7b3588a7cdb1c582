"""The bare ABCI server over a Unix socket: echo and a CheckTx that says yes; and the real engine's mempool calls.

The server runs in a process of its own, so that the client's work does not share its interpreter. Pipelined: requests
are written as fast as the server takes them, as CometBFT does with CheckTx. Round trips: request and flush, then wait.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import quantiles

from tendermint.abci import types_pb2 as abci

from node.abci.dispatch import Dispatcher
from node.abci.framing import encode_frame
from node.abci.server import AbciServer, listen
from tests.helpers import builders
from tests.helpers.builders import Person, buy, envelope
from tests.unit.node.abci.engine_process import EngineProcess
from tests.unit.node.abci.wire import Client, plain_handlers, request

TX_BYTES = 250
TICKS = os.sysconf("SC_CLK_TCK")


def run(quick: bool = False) -> dict[str, object]:
    """All figures; half a minute, or a few seconds when `quick`."""
    count = 20_000 if quick else 200_000
    report: dict[str, object] = {"how": __doc__.split("\n")[0]}
    with tempfile.TemporaryDirectory() as folder:
        with BareServer(Path(folder) / "bare.sock") as bare:
            report["echo"] = _pipelined(bare, request("echo", message="x" * 32), count)
            report["check_tx"] = _pipelined(bare, request("check_tx", tx=bytes(TX_BYTES)), count)
            report["round_trip"] = _round_trips(bare, request("echo", message="x" * 32), count // 10)
        report["engine"] = _engine(Path(folder) / "h", 1_000 if quick else 5_000)
    return report


class BareServer:
    """A child process that serves `plain_handlers` on `path` while the block runs."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> "BareServer":
        self.process = subprocess.Popen([sys.executable, "-m", "tests.bench.abci_server", str(self.path)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        self.process.stdout.readline()  # it listens
        return self

    def __exit__(self, *_: object) -> None:
        self.process.communicate()

    @property
    def pid(self) -> int:
        return self.process.pid


def _cpu_seconds(pid: int) -> float:
    """CPU time of a process so far, 0 where there is no /proc."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


def _pipelined(server: BareServer, one: abci.Request, count: int) -> dict[str, float]:
    with Client(server.path) as client:
        client.send(one)
        reply_bytes = len(encode_frame(client.receive(1)[0].SerializeToString()))
        chunk = encode_frame(one.SerializeToString()) * 1_000
        before, started = _cpu_seconds(server.pid), time.perf_counter()
        writer = threading.Thread(target=lambda: [client.socket.sendall(chunk) for _ in range(count // 1_000)])
        writer.start()
        left = reply_bytes * count
        while left:
            left -= len(client.socket.recv(1 << 18))
        wall = time.perf_counter() - started
        writer.join()
    cpu = _cpu_seconds(server.pid) - before
    return {"per_second": round(count / wall), "server_cpu_us": round(1e6 * cpu / count, 2)}


def _round_trips(server: BareServer, one: abci.Request, count: int) -> dict[str, float]:
    times = []
    with Client(server.path) as client:
        for _ in range(count):
            started = time.perf_counter()
            client.send(one, request("flush"))
            client.receive(2)
            times.append(1e6 * (time.perf_counter() - started))
    cuts = quantiles(times, n=100)
    return {"p50_us": round(cuts[49], 1), "p99_us": round(cuts[98], 1)}


def _engine(root: Path, count: int) -> dict[str, float]:
    """The real engine: signed envelopes of one order by CheckTx, and others by InsertTx until all are checked."""
    people = tuple(Person(f"bench {number}") for number in range(20))
    sent = [envelope(people[number % 20], [buy(45_000_000, 1)], 1 + number // 20) for number in range(2 * count)]
    engine = EngineProcess(root)
    try:
        engine.start().init_chain(builders.genesis(people))
        engine.block([])
        assert engine.child is not None
        checks, inserts = sent[:count], sent[count:]
        before, started = _cpu_seconds(engine.child.pid), time.perf_counter()
        verdicts = _many(engine.mempool, [request("check_tx", tx=raw) for raw in checks])
        wall, cpu = time.perf_counter() - started, _cpu_seconds(engine.child.pid) - before
        assert all(one.check_tx.code == 0 for one in verdicts)
        engine.block(engine.prepare())
        started = time.perf_counter()
        _many(engine.mempool, [request("insert_tx", tx=raw) for raw in inserts])
        queued = time.perf_counter() - started
        while engine.check(inserts[-1])[0] == 0 or len(engine.prepare()) < count:
            time.sleep(0.01)
        checked = time.perf_counter() - started
    finally:
        engine.close()
    return {"check_tx_per_second": round(count / wall), "check_tx_cpu_us": round(1e6 * cpu / count, 1),
            "insert_tx_per_second": round(count / queued), "inserted_and_checked_per_second": round(count / checked)}


def _many(client: Client, requests: list[abci.Request]) -> list[abci.Response]:
    writer = threading.Thread(target=client.send, args=requests)
    writer.start()
    responses = client.receive(len(requests))
    writer.join()
    return responses


def _serve(path: str) -> None:
    """The child: serve until standard input ends."""
    server = AbciServer(Dispatcher(plain_handlers()))
    server.serve(listen(f"unix://{path}"))
    print("listening", flush=True)
    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    _serve(sys.argv[1])
