"""State sync over ABCI: what this node offers to others, and how it takes over a state itself.

CometBFT asks peers for snapshots, has a light client find the app hash of that height, and offers us one with it. Only
that hash is trusted: the manifest must make it, and every chunk must hold against the manifest (node/snapshots).
"""

import time
from collections.abc import Callable

import structlog
from tendermint.abci import types_pb2 as abci

from app.chain import Head
from node.committed import Store
from node.snapshots.format import CHUNK_BYTES_MAX, FORMAT, Manifest, SnapshotError
from node.snapshots.keeper import Keeper
from node.snapshots.restore import Restorer

log = structlog.get_logger("snapshots")

OFFERED_MOST = 10  # CometBFT tells peers of no more
TELL_SECONDS = 5.0
Offer = abci.ResponseOfferSnapshot
Apply = abci.ResponseApplySnapshotChunk


class SnapshotService:
    """The four methods. `taken_over` is called, with the lock of consensus not held, once a state is complete."""

    def __init__(self, keeper: Keeper, store: Store, height: Callable[[], int],
                 taken_over: Callable[[], Head]) -> None:
        self._keeper, self._store = keeper, store
        self._height, self._taken_over = height, taken_over
        self._restorer: Restorer | None = None
        self._started = self._told = 0.0

    def list_snapshots(self, _: abci.RequestListSnapshots) -> abci.ResponseListSnapshots:
        """What is on the disk, newest first."""
        response = abci.ResponseListSnapshots()
        for kept in self._keeper.newest_first()[:OFFERED_MOST]:
            manifest = kept.manifest
            response.snapshots.add(height=manifest.height, format=FORMAT, chunks=len(manifest.chunks),
                                   hash=manifest.hash, metadata=manifest.data)
        return response

    def load_snapshot_chunk(self, request: abci.RequestLoadSnapshotChunk) -> abci.ResponseLoadSnapshotChunk:
        """A chunk for a peer; nothing when it is gone."""
        kept = self._keeper.at(request.height) if request.format == FORMAT else None
        return abci.ResponseLoadSnapshotChunk(chunk=kept.chunk(request.chunk) if kept else b"")

    def offer_snapshot(self, request: abci.RequestOfferSnapshot) -> abci.ResponseOfferSnapshot:
        """Take it if its manifest makes the trusted app hash. A new offer calls off what the last one began."""
        offered = request.snapshot
        if self._height():
            return Offer(result=Offer.ABORT)
        if offered.format != FORMAT:
            return Offer(result=Offer.REJECT_FORMAT)
        try:
            manifest = Manifest(offered.metadata)
            if manifest.app_hash != request.app_hash:
                raise SnapshotError("the manifest makes another app hash than the validators signed")
            if (manifest.height, len(manifest.chunks), manifest.hash) != (offered.height, offered.chunks, offered.hash):
                raise SnapshotError("the manifest is not the one that was announced")
            self._restorer = Restorer(self._store, manifest)
        except SnapshotError as error:
            log.warning("snapshot refused", height=offered.height, reason=str(error))
            return Offer(result=Offer.REJECT)
        self._started = self._told = time.monotonic()
        log.info("restoring a snapshot", height=manifest.height, chunks=len(manifest.chunks),
                 records=manifest.message.records)
        return Offer(result=Offer.ACCEPT)

    def apply_snapshot_chunk(self, request: abci.RequestApplySnapshotChunk) -> abci.ResponseApplySnapshotChunk:
        """Write a chunk; one that does not hold is fetched again from somebody else."""
        restorer = self._restorer
        if restorer is None:
            return Apply(result=Apply.ABORT)
        try:
            if len(request.chunk) > CHUNK_BYTES_MAX:
                raise SnapshotError(f"chunk {request.index} is too large")
            restorer.apply(request.index, request.chunk)
        except SnapshotError as error:
            log.warning("chunk refused", index=request.index, sender=request.sender, reason=str(error))
            return Apply(result=Apply.RETRY, refetch_chunks=[request.index], reject_senders=[request.sender])
        self._tell(restorer)
        if restorer.complete:
            try:
                restorer.finish()
            except SnapshotError as error:
                log.warning("snapshot refused", height=restorer.manifest.height, reason=str(error))
                return Apply(result=Apply.REJECT_SNAPSHOT)
            finally:
                self._restorer = None
            head = self._taken_over()
            log.info("restored", height=head.height, app_hash=head.app_hash.hex(), records=restorer.records,
                     seconds=round(time.monotonic() - self._started, 2))
        return Apply(result=Apply.ACCEPT)

    def _tell(self, restorer: Restorer) -> None:
        now = time.monotonic()
        if now - self._told >= TELL_SECONDS:
            self._told = now
            done, total = restorer.records, restorer.manifest.message.records
            left = (now - self._started) * (total - done) / max(done, 1)
            log.info("restoring", records=done, of=total, seconds_left=round(left))
