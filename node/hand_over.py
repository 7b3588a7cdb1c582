"""A snapshot in a folder becomes the beginning of a node that has no blocks: by CometBFT's own state sync, from a peer
that lives as long as that takes.

CometBFT refuses an application that is ahead of its blocks, so a state alone is of no use to a node without any. State
sync gives it what else it needs: its light client fetches headers, commits and validator sets from the servers of
`[statesync]` in config.toml and checks them, and with them the app hash of the snapshot. Only then is it let to its
peers, or it would choose one of their snapshots; and it stays up until it has a block, for without any it cannot start
again.
"""

import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack

from node.comet.config import CometSettings, persistent_peers, write_config
from node.comet.keys import CometKey, write_node_key, write_validator_key, write_validator_state
from node.comet.process import Child, Command, comet_command, log_tail, spawn, stop
from node.comet.rpc import CometRpc, RpcError, RpcUnreachable
from node.home import Home
from node.snapshots.keeper import Kept

READY_S = 60.0
TAKEN_S = 180.0
FETCHED_S = 120.0
LOOK_S = 0.2


class HandOverError(Exception):
    """CometBFT did not take the snapshot; the message holds what the logs say."""


def has_blocks(home: Home) -> bool:
    """Whether CometBFT of this home ever had a block, or a state."""
    return (home.data / "blockstore.db").exists()


def hand_over(home: Home, kept: Kept) -> None:
    """Begin the chain of `home`, which does not run and has neither blocks nor a state, with the snapshot, and fetch
    its first block.

    Raises HandOverError. Whatever stops it, also Ctrl-C, leaves a home without blocks and state, as it was.
    """
    try:
        with ExitStack() as stack:
            _hand_over(stack, home, kept)
    except BaseException:
        for path in (home.engine, *home.data.glob("*.db"), home.data / "cs.wal"):
            shutil.rmtree(path, ignore_errors=True)
        home.create()
        raise


def _hand_over(stack: ExitStack, home: Home, kept: Kept) -> None:
    giver = Home.at(stack.enter_context(tempfile.TemporaryDirectory(prefix="novation-give-")))
    giver_rpc, giver_p2p, rpc = (f"127.0.0.1:{port}" for port in _free_ports(3))
    peer = _make_giver(giver, home, kept, CometSettings("giver", giver_rpc, giver_p2p, local_network=True,
                                                        log_level="error"))
    _start_engine(stack, giver)
    _start(stack, comet_command(giver))
    _start_engine(stack, home)
    taker = _start(stack, _taker(home, peer, rpc))
    height = kept.manifest.height
    _wait(lambda: _state_height(rpc) >= height, f"take over height {height}", taker, home, TAKEN_S)
    try:
        with CometRpc(rpc) as comet:
            comet.call("dial_peers", peers=persistent_peers(home), persistent=True)
    except (RpcUnreachable, RpcError) as error:
        raise HandOverError(f"CometBFT was not let to the peers of config.toml: {error}") from error
    _wait(lambda: _block_height(rpc) > height, f"fetch block {height + 1} from the peers of config.toml", taker, home,
          FETCHED_S)


def _make_giver(giver: Home, home: Home, kept: Kept, settings: CometSettings) -> str:
    """A home of the same chain whose only content is the snapshot: how peers reach it."""
    giver.create()
    node_key = CometKey.random()
    write_node_key(giver.node_key_file, node_key)
    write_validator_key(giver.validator_key_file, CometKey.random())
    write_validator_state(giver.validator_state_file)
    giver.genesis_file.write_bytes(home.genesis_file.read_bytes())
    giver.snapshots.mkdir()
    (giver.snapshots / str(kept.manifest.height)).symlink_to(kept.folder.absolute())
    write_config(giver, settings)
    return f"{node_key.address.hex()}@{settings.p2p_listen}"


def _taker(home: Home, peer: str, rpc: str) -> Command:
    """CometBFT of the home with one peer, whatever config.toml says, and a private RPC that lets it be given others."""
    command = comet_command(home)
    settings = {"P2P_PERSISTENT_PEERS": peer, "P2P_PEX": "false", "P2P_ALLOW_DUPLICATE_IP": "true",
                "P2P_ADDR_BOOK_STRICT": "false", "RPC_LADDR": f"tcp://{rpc}", "RPC_UNSAFE": "true"}
    environment = {f"CMT_{name}": value for name, value in settings.items()}
    return Command(command.name, command.arguments, command.log_file, {**command.environment, **environment})


def _start(stack: ExitStack, command: Command) -> Child:
    """Start a process that ends with the stack."""
    child = spawn(command)
    stack.callback(stop, child)
    return child


def _start_engine(stack: ExitStack, home: Home) -> None:
    """Start an engine and wait until it listens."""
    home.abci_socket.unlink(missing_ok=True)
    arguments = [sys.executable, "-m", "node.engine", "--home", str(home.root)]
    child = _start(stack, Command("engine", arguments, home.log_file("engine")))
    _wait(home.abci_socket.exists, "start the engine", child, home, READY_S)


def _wait(condition: Callable[[], bool], what: str, child: Child, home: Home, patience_s: float) -> None:
    end_s = time.monotonic() + patience_s
    while not condition():
        if child.exit_code is not None or time.monotonic() > end_s:
            why = f"{child.command.name} ended" if child.exit_code is not None else f"not within {patience_s:.0f} s"
            lines = log_tail(home.log_file("engine"), 5) + log_tail(home.log_file("cometbft"), 5)
            raise HandOverError("\n  ".join([f"cannot {what}: {why}; its logs end with:", *lines]))
        time.sleep(LOOK_S)


def _state_height(rpc: str) -> int:
    """Of the engine, as CometBFT sees it; 0 while it does not answer."""
    try:
        with CometRpc(rpc) as comet:
            return int(comet.call("abci_info")["response"].get("last_block_height", 0))
    except (RpcUnreachable, RpcError):
        return 0


def _block_height(rpc: str) -> int:
    try:
        with CometRpc(rpc) as comet:
            return comet.status().height
    except (RpcUnreachable, RpcError):
        return 0


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
