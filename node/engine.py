"""The engine: state, mempool, ABCI server and feed of one node, in one process.

Run as `python -m node.engine --home H`. It serves CometBFT on `H/run/abci.sock`, readers on `H/run/link.sock` and the
price feeder on `H/run/prices.sock` until SIGTERM or SIGINT.
"""

import argparse
import gc
import os
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import structlog
from google.protobuf.internal import api_implementation

from app.chain import Chain
from app.errors import GenesisError
from app.store.tree import StoreDamaged
from node.abci.application import Application
from node.abci.dispatch import Dispatcher
from node.abci.queries import QueryService
from node.abci.server import AbciServer, AddressError, listen
from node.committed import Committed, Store
from node.feed.server import FeedServer
from node.home import Home
from node.interpreter import tune_collector
from node.logs import configure_logs
from node.mempool.mempool import Mempool
from node.prices.board import PriceBoard
from node.settings import LOG_FORMATS
from node.snapshots.keeper import Keeper
from node.snapshots.restore import wipe_unfinished
from node.storage.leveldb import LevelDB, StorageError
from node.telemetry.engine import EngineMetrics
from node.telemetry.server import MetricsServer

log = structlog.get_logger("engine")

SWITCH_SECONDS = 0.0005
"""How long a thread may keep the interpreter while another waits: a running block must not hold up InsertTx."""
STOP_SECONDS = 30.0
EXIT_REFUSED = 1
END_SIGNALS = {signal.SIGTERM, signal.SIGINT}

OpenStore = Callable[[Path], Store]


def tune_interpreter() -> None:
    """Short turns between threads; a collector that works often and shortly, and does not walk a million records in the
    middle of a block.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    tune_collector()


def run(home: Home, address: str, wait_for_end: Callable[[], object], *, keep_blocks: int = 0,
        open_store: OpenStore = LevelDB, metrics_listen: str = "",
        snapshots: tuple[int, int] = (0, 0)) -> None:
    """Serve until `wait_for_end` returns, then answer what was read, and close everything in order. Figures are served
    on `metrics_listen`, if it says where; `snapshots`: every so many blocks, and how many are kept.

    Raises StorageError, StoreDamaged, GenesisError or AddressError when it cannot start.
    """
    with ExitStack() as stack:
        store = open_store(home.engine)
        stack.callback(store.close)
        if removed := wipe_unfinished(store):
            log.warning("a restore that did not end was removed", entries=removed)
        chain = Chain(store)
        committed = Committed(chain, store)
        stack.callback(committed.history.close)
        keeper = Keeper(home.snapshots, committed.history, *snapshots)
        stack.callback(keeper.close)
        mempool = Mempool(chain)
        mempool.start()
        stack.callback(mempool.stop)
        feed = FeedServer(home.link_socket, committed, mempool)
        feed.start()
        stack.callback(feed.close)
        prices = PriceBoard(home.prices_socket)
        prices.start()
        stack.callback(prices.close)
        queries = QueryService(committed.read_at_head, committed.history)
        metrics = measure(chain, committed, mempool, store, keeper)
        figures = MetricsServer(metrics_listen, metrics.registry)
        stack.callback(figures.close)
        application = Application(chain, committed, mempool, queries, feed.publish, keep_blocks,
                                  prices.latest, metrics, keeper=keeper, store=store)
        server = AbciServer(Dispatcher(application.handlers(), timed=metrics.call))
        listener = listen(address)
        tune_interpreter()
        server.serve(listener)
        log.info("the engine runs", home=str(home.root), abci=address, height=chain.head.height,
                 app_hash=chain.head.app_hash.hex())
        wait_for_end()
        if not server.stop(STOP_SECONDS):
            # A handler still runs and may write: the store must not be closed under it. What is durable is whole.
            log.error("a request did not end in time; the engine stops without waiting for it")
            sys.stderr.flush()
            os._exit(EXIT_REFUSED)
    log.info("the engine stopped", height=chain.head.height)


def measure(chain: Chain, committed: Committed, mempool: Mempool, store: Store, keeper: Keeper) -> EngineMetrics:
    """The engine's figures, up to date with what is committed."""
    metrics = EngineMetrics()
    metrics.begin(committed)
    counters = mempool.counters
    metrics.state.read_from(
        lambda: chain.ctx.books,
        {"novation_mempool_envelopes": lambda: mempool.count, "novation_mempool_bytes": lambda: mempool.size_bytes,
         "novation_store_bytes": store.size_bytes, "novation_snapshot_height": lambda: keeper.newest_height,
         "novation_snapshot_seconds": lambda: keeper.last_seconds},
        {"novation_mempool_admitted_total": lambda: counters.admitted,
         "novation_mempool_refused_total": lambda: counters.refused,
         "novation_mempool_dropped_total": lambda: counters.dropped_unchecked})
    return metrics


def refuse_optimised() -> None:
    """`python -O` strips assertions; a chain must not run with other code than the one that was tested. Nor with
    another protobuf: the plain Python one refuses the same envelopes with other codes.
    """
    if sys.flags.optimize:
        sys.exit("Novation refuses to run under `python -O` or PYTHONOPTIMIZE: start it without")
    if api_implementation.Type() != "upb":
        sys.exit(f"Novation needs protobuf's upb, not {api_implementation.Type()}: unset "
                 "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION, and run `make setup`")


def main(arguments: list[str] | None = None, open_store: OpenStore = LevelDB) -> None:
    """The command line. Exits with status 1 and a reason when the engine cannot start."""
    refuse_optimised()
    parser = argparse.ArgumentParser(prog="python -m node.engine", description="the engine of one Novation node")
    parser.add_argument("--home", required=True, help="the node's home folder")
    parser.add_argument("--abci", default="", help="unix://PATH or tcp://127.0.0.1:PORT; default: run/abci.sock")
    parser.add_argument("--keep-blocks", type=int, default=0, help="blocks that CometBFT is to keep; default: all")
    parser.add_argument("--snapshot-interval", type=int, default=0, help="blocks between snapshots; 0: none")
    parser.add_argument("--snapshot-keep", type=int, default=2, help="how many snapshots are kept, at least two")
    parser.add_argument("--metrics", default="", help="127.0.0.1:PORT where Prometheus fetches figures; default: none")
    parser.add_argument("--log-level", default="info", choices=["debug", "info", "warning", "error"])
    parser.add_argument("--log-format", default="console", choices=LOG_FORMATS)
    options = parser.parse_args(arguments)
    configure_logs(options.log_level, options.log_format, "engine")
    home = Home.at(options.home)
    home.create()
    # Blocked in every thread and waited for by this one: a handler could miss its moment while this thread sleeps.
    signal.pthread_sigmask(signal.SIG_BLOCK, END_SIGNALS)
    try:
        run(home, options.abci or f"unix://{home.abci_socket}", lambda: signal.sigwait(END_SIGNALS),
            keep_blocks=options.keep_blocks, open_store=open_store, metrics_listen=options.metrics,
            snapshots=(options.snapshot_interval, options.snapshot_keep))
    except (StorageError, StoreDamaged, GenesisError, AddressError, OSError) as error:
        log.critical("the engine cannot run", reason=str(error))
        sys.exit(EXIT_REFUSED)


if __name__ == "__main__":
    main()
