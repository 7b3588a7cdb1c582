"""What the engine answers to CometBFT: the 16 methods between the socket and the chain.

InitChain, PrepareProposal, ProcessProposal, FinalizeBlock and Commit come in order on one connection and are the only
ones that run the chain. The mempool's three and the queries come on other threads at any time, in the middle of a block
too, and see committed state only.
"""

import threading
import time
from collections.abc import Callable

import structlog
from tendermint.abci import types_pb2 as abci
from tendermint.crypto import keys_pb2
from tendermint.types.validator_pb2 import BLOCK_ID_FLAG_COMMIT

from app.block import Block, BlockResult
from app.chain import Chain, Head
from app.errors import MEMPOOL_FULL, TX_TOO_LARGE, ChainError, GenesisError
from app.limits import MAX_ENVELOPE_BYTES
from app.oracle.checks import CommitVote
from app.oracle.record import MAX_RECORD_BYTES
from app.params import APP_VERSION
from node.abci.dispatch import Handlers
from node.abci.queries import QueryService
from node.abci.snapshots import SnapshotService
from node.abci.votes import vote_of
from node.committed import Committed, Store
from node.mempool.mempool import Mempool
from node.prices.observation import Observation
from node.snapshots.keeper import Keeper
from node.storage.history import KEEP_HEIGHTS
from node.telemetry.engine import EngineMetrics

log = structlog.get_logger("engine")

VERSION = "0.1.0"
HEADER_BYTES = 65_536  # of a block: its header and the last commit of as many validators as there may be


class Application:
    """The handlers over one chain, one mempool, one query service. `publish` gets every committed block; `prices` gives
    what the feeder saw last, at once.

    CometBFT is told to keep so many blocks as `keep_blocks` says, 0 for all.
    """

    def __init__(self, chain: Chain, committed: Committed, mempool: Mempool, queries: QueryService,
                 publish: Callable[[BlockResult], None], keep_blocks: int = 0,
                 prices: Callable[[], Observation | None] = lambda: None,
                 metrics: EngineMetrics | None = None, *, keeper: Keeper, store: Store) -> None:
        self._chain = chain
        self._committed = committed
        self._mempool = mempool
        self._queries = queries
        self._publish = publish
        self._keep_blocks = keep_blocks
        self._prices = prices
        self._metrics = metrics or EngineMetrics()
        self._keeper = keeper
        self._snapshots = SnapshotService(keeper, store, lambda: chain.head.height, self._take_over)
        self._consensus = threading.Lock()  # never contended by CometBFT; guards against a second client
        self._initial_height = 1
        self._finalize_seconds = 0.0

    def handlers(self) -> Handlers:
        """The functions for the dispatcher."""
        return Handlers(
            info=self.info, init_chain=self.init_chain, query=self._queries.query,
            check_tx=self.check_tx, insert_tx=self.insert_tx, reap_txs=self.reap_txs,
            prepare_proposal=self.prepare_proposal, process_proposal=self.process_proposal,
            extend_vote=self.extend_vote, verify_vote_extension=self.verify_vote_extension,
            finalize_block=self.finalize_block, commit=self.commit,
            list_snapshots=self._snapshots.list_snapshots, offer_snapshot=self._snapshots.offer_snapshot,
            load_snapshot_chunk=self._snapshots.load_snapshot_chunk,
            apply_snapshot_chunk=self._snapshots.apply_snapshot_chunk,
        )

    def info(self, _: abci.RequestInfo) -> abci.ResponseInfo:
        """The last durable height: from here CometBFT replays."""
        head = self._chain.head
        return abci.ResponseInfo(
            data="novation", version=VERSION, app_version=APP_VERSION, last_block_height=head.height,
            last_block_app_hash=head.app_hash if head.height else b"")

    def init_chain(self, request: abci.RequestInitChain) -> abci.ResponseInitChain:
        """Genesis. Comes again after a crash before the first commit. GenesisError ends the engine."""
        with self._consensus:
            self._initial_height = max(1, request.initial_height)
            app_hash = self._chain.init_chain(
                request.chain_id, request.time.ToNanoseconds(), self._initial_height, request.app_state_bytes,
                validators_of(request))
            self._metrics.begin(self._committed)
        log.info("genesis", chain_id=request.chain_id, app_hash=app_hash.hex())
        return abci.ResponseInitChain(app_hash=app_hash)

    def check_tx(self, request: abci.RequestCheckTx) -> abci.ResponseCheckTx:
        """A transaction from CometBFT's RPC: the true verdict, and it waits in the mempool if that is good."""
        try:
            if request.type == abci.RECHECK:  # only a flood mempool asks this; ours checks what waits by itself
                tx = self._chain.admit(request.tx)
            else:
                tx = self._mempool.check(request.tx)
        except ChainError as error:
            code = error.code
            return abci.ResponseCheckTx(code=code.code, codespace=code.codespace, log=str(error))
        return abci.ResponseCheckTx(gas_wanted=tx.gas_limit)

    def insert_tx(self, request: abci.RequestInsertTx) -> abci.ResponseInsertTx:
        """A transaction from a peer: queued only. The peer's votes wait behind this answer."""
        if len(request.tx) > MAX_ENVELOPE_BYTES:
            return abci.ResponseInsertTx(code=TX_TOO_LARGE.code)
        return abci.ResponseInsertTx(code=0 if self._mempool.insert(request.tx) else MEMPOOL_FULL.code)

    def reap_txs(self, request: abci.RequestReapTxs) -> abci.ResponseReapTxs:
        """What CometBFT is to tell its peers."""
        return abci.ResponseReapTxs(txs=self._mempool.reap(request.max_bytes, request.max_gas))

    def prepare_proposal(self, request: abci.RequestPrepareProposal) -> abci.ResponsePrepareProposal:
        """A block of ours, by the written order."""
        with self._consensus, self._mempool.standing_back(), self._metrics.stage("prepare"):
            last = request.local_last_commit
            commit = [CommitVote(one.validator.address, one.vote_extension, one.extension_signature)
                      for one in last.votes if one.block_id_flag == BLOCK_ID_FLAG_COMMIT]
            txs = self._mempool.propose(
                lambda candidates: self._chain.prepare(candidates, request.max_tx_bytes, commit, last.round))
            return abci.ResponsePrepareProposal(txs=txs)

    def process_proposal(self, request: abci.RequestProcessProposal) -> abci.ResponseProcessProposal:
        """Somebody's block: accepted only if a correct proposer could have made it."""
        with self._consensus, self._mempool.standing_back(), self._metrics.stage("process"):
            reason = self._chain.process(list(request.txs), request.proposed_last_commit.round)
        if not reason:
            return abci.ResponseProcessProposal(status=abci.ResponseProcessProposal.ACCEPT)
        self._metrics.rejected()
        log.warning("proposal rejected", height=request.height, reason=reason,
                    proposer=request.proposer_address.hex(), block=request.hash.hex())
        return abci.ResponseProcessProposal(status=abci.ResponseProcessProposal.REJECT)

    def extend_vote(self, _: abci.RequestExtendVote) -> abci.ResponseExtendVote:
        """ORCL-001: what this node's feeder saw last. Never waits for anybody; nothing seen, or any trouble, is the
        empty extension."""
        try:
            vote = vote_of(self._prices(), self._chain.feeds())
            return abci.ResponseExtendVote(vote_extension=self._chain.extension(vote))
        except Exception as error:  # noqa: BLE001 - prices may fail in any way; consensus goes on without them
            log.error("no prices in this vote", error=repr(error))
            return abci.ResponseExtendVote()

    def verify_vote_extension(self, request: abci.RequestVerifyVoteExtension) -> abci.ResponseVerifyVoteExtension:
        """ORCL-001: a function of the extension alone, so that no two nodes can differ."""
        response = abci.ResponseVerifyVoteExtension
        good = self._chain.accepts_extension(request.vote_extension)
        return response(status=response.ACCEPT if good else response.REJECT)

    def finalize_block(self, request: abci.RequestFinalizeBlock) -> abci.ResponseFinalizeBlock:
        """Run the decided block; nothing becomes durable. May come again for the same height after a crash."""
        with self._consensus, self._mempool.standing_back():
            expected = self._chain.head.height + 1 if self._chain.head.height else self._initial_height
            if request.height != expected:
                raise RuntimeError(f"block {request.height} was decided, but {expected} is next")
            started = time.monotonic()
            with self._metrics.stage("finalize"):
                result = self._chain.finalize(Block(
                    request.height, request.time.ToNanoseconds(), list(request.txs), request.hash,
                    request.proposer_address))
            self._finalize_seconds = time.monotonic() - started
        return _finalized(result)

    def commit(self, _: abci.RequestCommit) -> abci.ResponseCommit:
        """One synced batch; then mempool and feed are told. Their failure must not touch consensus."""
        with self._consensus, self._mempool.standing_back():
            started = time.monotonic()
            with self._metrics.stage("store"):
                result = self._committed.commit()
            stored = time.monotonic()
            with self._metrics.stage("tell"):
                self._tell(result)
        log.info("block", height=result.height, txs=len(result.txs), app_hash=result.app_hash.hex()[:16],
                 finalize_ms=round(1_000 * self._finalize_seconds, 1), commit_ms=round(1_000 * (stored - started), 1),
                 waiting=self._mempool.count)
        kept_from = retain_height(result.height, self._keep_blocks, self._keeper.oldest_height)
        return abci.ResponseCommit(retain_height=kept_from)

    def _take_over(self) -> Head:
        with self._consensus:
            head = self._committed.take_over()
            self._metrics.begin(self._committed)
        return head

    def _tell(self, result: BlockResult) -> None:
        try:
            self._mempool.after_commit(result.height, result.time_ns, result.txs)
            self._publish(result)
            self._metrics.block(result)
            self._keeper.after_commit(result.height)
        except Exception as error:  # the block is durable; a reader's trouble is not consensus's
            log.error("telling others of a block failed", height=result.height, error=repr(error), exc_info=True)


def retain_height(height: int, keep_blocks: int, snapshot_height: int = 0) -> int:
    """The lowest block that CometBFT is to keep once `height` is committed, 0 to keep all. Those that queries of old
    heights need, for the headers that prove them, are always kept, as are those that follow the oldest snapshot.
    """
    if keep_blocks <= 0:
        return 0
    lowest = max(0, height - max(keep_blocks, KEEP_HEIGHTS + 1))
    return min(lowest, snapshot_height) if snapshot_height else lowest


def validators_of(request: abci.RequestInitChain) -> list[tuple[bytes, int]]:
    """The first validators. Raises GenesisError for keys of another kind, without vote extensions from the start, or
    when a block has no room for a record of votes."""
    if any(one.pub_key.WhichOneof("sum") != "ed25519" for one in request.validators):
        raise GenesisError("validators: only Ed25519 keys")
    enabled = request.consensus_params.abci.vote_extensions_enable_height
    if request.validators and enabled != max(1, request.initial_height):
        raise GenesisError(f"consensus_params.abci.vote_extensions_enable_height: {request.initial_height}, "
                           f"not {enabled}: prices come by vote from the first block on")
    most = request.consensus_params.block.max_bytes
    least = MAX_RECORD_BYTES + request.consensus_params.evidence.max_bytes + HEADER_BYTES
    if request.validators and 0 < most < least:
        raise GenesisError(f"consensus_params.block.max_bytes: at least {least}, not {most}: the votes must fit")
    return [(one.pub_key.ed25519, one.power) for one in request.validators]


def _finalized(result: BlockResult) -> abci.ResponseFinalizeBlock:
    """Code, data and gas go into the next header. Typed events leave by the feed, so CometBFT's are empty."""
    response = abci.ResponseFinalizeBlock(app_hash=result.app_hash)
    for tx in ([result.record] if result.record else []) + result.txs:
        response.tx_results.add(
            code=tx.code, codespace=tx.codespace, data=tx.data, gas_wanted=tx.gas_wanted, gas_used=tx.gas_used,
            log=tx.result.reason)
    for public_key, power in result.validator_updates:
        response.validator_updates.add(pub_key=keys_pb2.PublicKey(ed25519=public_key), power=power)
    return response
