"""Validators of our own, mostly one: a real CometBFT and a real engine on a home, under a load of signed envelopes."""

import base64
import contextlib
import json
import random
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from google.protobuf.timestamp_pb2 import Timestamp

from app.chain import Block, Chain, read_head
from app.oracle.record import split_record
from app.params import APP_VERSION
from app.store.view import DictReader
from node.comet.config import CometSettings, GenesisValidator, genesis_document, write_config, write_genesis
from node.comet.keys import CometKey, write_node_key, write_validator_key, write_validator_state
from node.comet.process import Child, Command, comet_command, kill, log_tail, spawn, stop
from node.comet.rpc import CometRpc, RpcError, RpcUnreachable
from node.home import Home
from node.settings import Settings, write_settings
from node.storage.leveldb import LevelDB
from novation.v1 import tx_pb2
from tests.helpers import builders
from tests.helpers.builders import ALICE, BOB, MARK_QUANTA, Person
from tests.helpers.votes import told

PROJECT = Path(__file__).resolve().parents[2]
SOURCES = f"{PROJECT}:{PROJECT / 'gen'}"  # PYTHONPATH: this checkout, whichever one is installed
DEADLINE_SECONDS = 180.0
POLL_SECONDS = 0.02
ENGINE = ("-m", "node.engine")


def free_ports(count: int) -> list[int]:
    """Ports of the loopback address that nobody listens on now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def wait_until(condition: Callable[[], bool], what: str, timeout_seconds: float = DEADLINE_SECONDS) -> None:
    """Poll until `condition` holds. Raises TimeoutError with `what`."""
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout_seconds} s for {what}")
        time.sleep(POLL_SECONDS)


@dataclass(slots=True)
class Node:
    """A home with two processes that may die at any time. `stop` always, in a finally."""

    home: Home
    rpc_address: str
    engine: Child | None = None
    comet: Child | None = None
    _load: threading.Thread | None = None
    _loading: threading.Event = field(default_factory=threading.Event)
    accepted: int = 0

    @property
    def rpc(self) -> CometRpc:
        return CometRpc(self.rpc_address, timeout_s=30.0)

    def start_engine(self, program: Sequence[str] = ENGINE, *arguments: str) -> None:
        """Start the engine (or a program that stands for it) and wait until it listens."""
        self.home.abci_socket.unlink(missing_ok=True)
        command = Command("engine", [sys.executable, *program, "--home", str(self.home.root), *arguments],
                          self.home.log_file("engine"), {"PYTHONPATH": SOURCES})
        self.engine = spawn(command)
        wait_until(lambda: self.home.abci_socket.exists() or not self.engine_runs, "the engine's socket")
        assert self.engine_runs, log_tail(self.home.log_file("engine"), 20)

    def start_comet(self, **environment: str) -> None:
        command = comet_command(self.home)
        self.comet = spawn(Command(command.name, command.arguments, command.log_file,
                                   {**command.environment, **environment}))

    @property
    def engine_runs(self) -> bool:
        return self.engine is not None and self.engine.exit_code is None

    @property
    def comet_runs(self) -> bool:
        return self.comet is not None and self.comet.exit_code is None

    def height(self) -> int:
        """The last committed height, 0 while CometBFT does not answer."""
        try:
            return self.rpc.status().height
        except (RpcUnreachable, RpcError):
            return 0

    def wait_height(self, height: int) -> None:
        """Wait until block `height` is committed. Fails at once when a process died."""

        def reached() -> bool:
            assert self.engine_runs, log_tail(self.home.log_file("engine"), 20)
            assert self.comet_runs, log_tail(self.home.log_file("cometbft"), 20)
            return self.height() >= height

        wait_until(reached, f"height {height}")

    def wait_comet_end(self) -> None:
        wait_until(lambda: not self.comet_runs, "CometBFT's end")

    def end_comet(self) -> None:
        """After the engine's end: CometBFT ends by itself, most times; now and then it hangs on its way out."""
        with contextlib.suppress(TimeoutError):
            wait_until(lambda: not self.comet_runs, "CometBFT's end", 3.0)
        if self.comet is not None:
            kill(self.comet)

    def wait_engine_end(self) -> None:
        wait_until(lambda: not self.engine_runs, "the engine's end")

    def kill_engine(self) -> None:
        if self.engine is not None:
            kill(self.engine)

    def start_load(self, people: Sequence[Person] = (ALICE, BOB), seed: int = 0) -> None:
        """Send signed orders by CometBFT's RPC, whoever is down, until the node stops."""
        self._loading.set()
        self._load = threading.Thread(target=self._send, args=(people, random.Random(seed)), daemon=True)
        self._load.start()

    def _send(self, people: Sequence[Person], chance: random.Random) -> None:
        rpc = self.rpc
        nonce = 0
        while self._loading.is_set():
            nonce += 1
            person = people[nonce % len(people)]
            raw = builders.envelope(person, random_actions(chance), nonce)
            try:
                reply = rpc.call("broadcast_tx_sync", tx=base64.b64encode(raw).decode())
                self.accepted += reply["code"] == 0
            except (RpcUnreachable, RpcError):
                time.sleep(POLL_SECONDS)  # the node is down, as it often is here

    def stop(self) -> None:
        """End load and processes."""
        self._loading.clear()
        if self._load is not None:
            self._load.join()
        for child in (self.comet, self.engine):
            if child is not None:
                stop(child)

    def stored_head(self) -> tuple[int, bytes]:
        """Height and app hash that the stopped engine's database holds."""
        with contextlib.closing(LevelDB(self.home.engine)) as store:
            head = read_head(store)
        return head.height, head.app_hash


def random_actions(chance: random.Random) -> list[tx_pb2.Action]:
    """A few orders around the mark, some of which cross, and now and then a cancel of everything."""
    if chance.random() < 0.05:
        return [builders.cancel_all()]
    mark = MARK_QUANTA[builders.BTC]
    return [builders.place(chance.choice([builders.BUY, builders.SELL]), mark + 500 * chance.randrange(-4, 5),
                           chance.randrange(1, 5)) for _ in range(chance.randrange(1, 4))]


def make_node(root: Path, app_state: bytes | None = None, timeout_commit_ms: int = 20) -> Node:
    """A new home of a single validator, on free ports, with the tests' genesis."""
    return make_line(root, [10], app_state, timeout_commit_ms)[0]


def make_line(root: Path, powers: Sequence[int], app_state: bytes | None = None,
              timeout_commit_ms: int = 20) -> list[Node]:
    """Validators in a line: each knows only the one before and the one after. A single one lives in `root` itself."""
    keys = [(CometKey.random(), CometKey.random()) for _ in powers]
    ports = free_ports(2 * len(powers))
    document = genesis_document(
        builders.CHAIN_ID, [GenesisValidator.of(f"n{at}", key, powers[at]) for at, (key, _) in enumerate(keys)],
        json.loads(app_state or builders.genesis()), time.time_ns(), APP_VERSION)
    nodes = []
    for at, (key, node_key) in enumerate(keys):
        home = Home.at(root / f"n{at}" if len(powers) > 1 else root)
        home.create()
        write_node_key(home.node_key_file, node_key)
        write_validator_key(home.validator_key_file, key)
        write_validator_state(home.validator_state_file)
        peers = [f"{keys[other][1].address.hex()}@127.0.0.1:{ports[2 * other + 1]}"
                 for other in (at - 1, at + 1) if 0 <= other < len(powers)]
        settings = CometSettings(f"n{at}", f"127.0.0.1:{ports[2 * at]}", f"127.0.0.1:{ports[2 * at + 1]}", peers,
                                 local_network=True, timeout_commit_ms=timeout_commit_ms, log_level="error")
        write_config(home, settings)
        write_settings(home, Settings())
        write_genesis(home.genesis_file, document)
        nodes.append(Node(home, settings.rpc_listen))
    return nodes


@dataclass(slots=True)
class Replay:
    """A chain of our own in this process, fed with the blocks that a node reports."""

    app_hashes: dict[int, str]
    txs: list[bytes]
    codes: list[int]
    records: int = 0  # blocks that began with good votes


def replay(node: Node, last_height: int) -> Replay:
    """Run blocks 1 to `last_height` again, without crashes, over a dict; app hash after each height, and all txs."""
    reader = DictReader()
    chain = Chain(reader)
    genesis = json.loads(node.home.genesis_file.read_text())
    app_state = json.dumps(genesis["app_state"]).encode()
    first = chain.init_chain(genesis["chain_id"], time_ns_of(genesis["genesis_time"]), 1, app_state, told(genesis))
    done = Replay({0: first.hex().upper()}, [], [])
    with node.rpc as rpc:
        for height in range(1, last_height + 1):
            reply = rpc.block(height)
            header = reply["block"]["header"]
            txs = [base64.b64decode(tx) for tx in reply["block"]["data"]["txs"] or []]
            block = Block(height, time_ns_of(header["time"]), txs, bytes.fromhex(reply["block_id"]["hash"]),
                          bytes.fromhex(header["proposer_address"]))
            assert header["app_hash"] == done.app_hashes[height - 1], f"block {height} states another app hash"
            result = chain.finalize(block)
            reader.write(chain.commit())
            chain.committed()
            done.app_hashes[height] = result.app_hash.hex().upper()
            done.txs += split_record(txs)[1]
            done.codes += [tx.code for tx in result.txs]
            done.records += result.record is not None and not result.record.code
    return done


def time_ns_of(text: str) -> int:
    """Nanoseconds since 1970 of an RFC 3339 time in UTC."""
    moment = Timestamp()
    moment.FromJsonString(text)
    return moment.ToNanoseconds()

