"""The engine without CometBFT: real chain, LevelDB, mempool and feed in one process; blocks on demand or on a timer."""

import threading
from pathlib import Path

from app.chain import Block, BlockResult, Chain
from app.oracle.checks import CommitVote
from app.oracle.state import feeds
from app.oracle.types import Vote
from node.committed import Committed
from node.feed.server import FeedServer
from node.mempool.mempool import Mempool
from node.storage.leveldb import LevelDB
from tests.helpers import builders
from tests.helpers.votes import Voters, prices

GENESIS_TIME_NS = 1_700_000_000_000_000_000
BLOCK_TIME_NS = 1_000_000_000
MAX_BYTES = 4_000_000


class LittleEngine:
    """One node's engine. A second one over the same folder continues where the first stopped. All `voters` see
    `prices`, by feed; `ballots` says by place in their set who votes otherwise, None for who does not vote at all.
    """

    def __init__(self, folder: Path, *, app_state: bytes | None = None, blocks_max: int = 256,
                 socket: str = "link.sock", voters: Voters | None = None) -> None:
        self.database = LevelDB(folder / "engine")
        self.chain = Chain(self.database)
        self.voters = voters or Voters()
        self.ballots: dict[int, Vote | None] = {}
        if not self.chain.head.height:
            self.chain.init_chain(builders.CHAIN_ID, GENESIS_TIME_NS, 1, app_state or builders.genesis(),
                                  self.voters.genesis)
        self.prices = {feed.feed: feed.price for feed in feeds(self.chain.view)}
        self.mempool = Mempool(self.chain)
        self.socket = folder / socket
        self.committed = Committed(self.chain, self.database)
        self.feed = FeedServer(self.socket, self.committed, self.mempool, blocks_max=blocks_max)
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._ticking: threading.Thread | None = None
        self.feed.start()

    def commit(self) -> list[CommitVote]:
        """The commit of the last block, as CometBFT tells it to a proposer; none before block 1."""
        height, seen = self.chain.head.height, prices(self.prices)
        cast = [(place, self.ballots.get(place, seen)) for place in range(len(self.voters.order) if height else 0)]
        return self.voters.told_commit([
            self.voters.sign(place, vote, height) for place, vote in cast if vote is not None])

    def block(self) -> BlockResult:
        """Make a block of what the mempool holds, commit and publish it."""
        with self._lock:
            chain = self.chain
            commit = self.commit()
            txs = self.mempool.propose(lambda candidates: chain.prepare(candidates, MAX_BYTES, commit))
            assert chain.process(txs) == ""
            height = chain.head.height + 1
            result = chain.finalize(Block(height, GENESIS_TIME_NS + height * BLOCK_TIME_NS, txs))
            self.committed.commit()
            self.mempool.after_commit(height, chain.head.time_ns, result.txs)
            self.feed.publish(result)
            return result

    def run_with(self, *envelopes: bytes) -> BlockResult:
        """Submit envelopes, which must be admitted, and make a block."""
        for verdict in self.mempool.submit(envelopes):
            assert verdict.code == 0, verdict
        return self.block()

    def tick(self, seconds: float) -> None:
        """Make a block every so often until `close`."""
        def run() -> None:
            while not self._stopping.wait(seconds):
                self.block()

        self._ticking = threading.Thread(target=run)
        self._ticking.start()

    def close(self) -> None:
        """Stop everything; the folder keeps the state."""
        self._stopping.set()
        if self._ticking is not None:
            self._ticking.join()
        self.feed.close()
        self.mempool.stop()
        self.database.close()
