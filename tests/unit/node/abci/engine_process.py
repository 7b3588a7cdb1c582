"""A real engine process that the test drives in CometBFT's place."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from tendermint.abci import types_pb2 as abci

from node.comet.process import Child, Command, log_tail, spawn, stop
from node.home import Home
from tests.helpers import builders
from tests.helpers.votes import NOBODY, Voters
from tests.localnet.single import PROJECT, SOURCES, wait_until
from tests.unit.node.abci.little_network import consensus_params, timestamp, validator_updates
from tests.unit.node.abci.wire import Client

GENESIS_TIME_NS = 1_700_000_000_000_000_000
STEP_NS = 1_000_000_000
MAX_BYTES = 4_000_000


class EngineProcess:
    """An engine on its own home; `close` always. `consensus` is the connection that runs blocks."""

    def __init__(self, root: Path, *arguments: str) -> None:
        self.arguments = arguments
        self.home = Home.at(root)
        self.home.create()
        self.clients: list[Client] = []
        self.child: Child | None = None

    def start(self) -> "EngineProcess":
        program = [sys.executable, "-m", "node.engine", "--home", str(self.home.root), *self.arguments]
        command = Command("engine", program, self.home.log_file("engine"), {"PYTHONPATH": SOURCES})
        self.child = spawn(command)
        wait_until(lambda: self.home.abci_socket.exists() or self.exit_code is not None, "the engine's socket")
        assert self.exit_code is None, log_tail(self.home.log_file("engine"))
        self.consensus, self.mempool = self.client(), self.client()
        return self

    def client(self) -> Client:
        """One more connection."""
        client = Client(self.home.abci_socket)
        self.clients.append(client)
        return client

    @property
    def exit_code(self) -> int | None:
        return self.child.exit_code if self.child else None

    def log(self) -> str:
        """What the engine wrote so far."""
        return self.home.log_file("engine").read_text()

    def wait_end(self) -> int:
        wait_until(lambda: self.exit_code is not None, "the engine's end")
        assert self.exit_code is not None
        return self.exit_code

    def terminate(self) -> int:
        """SIGTERM, and the exit code."""
        assert self.child is not None
        self.child.process.send_signal(signal.SIGTERM)
        return self.wait_end()

    def close(self) -> None:
        for client in self.clients:
            client.socket.close()
        self.clients.clear()
        if self.child is not None:
            stop(self.child)

    def init_chain(self, app_state: bytes | None = None, voters: Voters = NOBODY) -> bytes:
        """Genesis; the app hash."""
        response = self.consensus.call(
            "init_chain", chain_id=builders.CHAIN_ID, time=timestamp(GENESIS_TIME_NS), initial_height=1,
            app_state_bytes=app_state or builders.genesis(), validators=validator_updates(voters),
            consensus_params=consensus_params())
        return bytes(response.app_hash)

    def head(self) -> tuple[int, bytes]:
        """Height and app hash as Info tells them."""
        info = self.consensus.call("info")
        return info.last_block_height, info.last_block_app_hash

    def prepare(self) -> list[bytes]:
        """A proposal of this engine for the next block."""
        height = self.head()[0] + 1
        return list(self.consensus.call("prepare_proposal", max_tx_bytes=MAX_BYTES, height=height).txs)

    def process(self, txs: list[bytes]) -> bool:
        """Whether this engine accepts the proposal."""
        height = self.head()[0] + 1
        status = self.consensus.call("process_proposal", txs=txs, height=height, hash=b"b" * 32).status
        assert status != abci.ResponseProcessProposal.UNKNOWN
        return bool(status == abci.ResponseProcessProposal.ACCEPT)

    def finalize(self, txs: list[bytes], height: int = 0) -> Any:
        """FinalizeBlock of the next block."""
        height = height or self.head()[0] + 1
        return self.consensus.call("finalize_block", txs=txs, height=height, hash=b"b" * 32, proposer_address=bytes(20),
                                   time=timestamp(GENESIS_TIME_NS + STEP_NS * height))

    def block(self, txs: list[bytes]) -> Any:
        """FinalizeBlock and Commit of the next block; the response of the former."""
        response = self.finalize(txs)
        self.consensus.call("commit")
        return response

    def check(self, raw: bytes) -> tuple[int, str]:
        """Code and log of CheckTx."""
        response = self.mempool.call("check_tx", tx=raw)
        return response.code, response.log


def run_engine(*arguments: str, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run an engine that is expected to end by itself."""
    return subprocess.run([sys.executable, *options, "-m", "node.engine", *arguments], cwd=PROJECT, text=True,
                          capture_output=True, timeout=60, check=False)
