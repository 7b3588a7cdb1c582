"""State sync as CometBFT drives it: what is offered is taken over; a wrong chunk is refetched, its sender rejected."""

from pathlib import Path

from tendermint.abci import types_pb2 as abci

from app.chain import Head, read_head
from node.abci.snapshots import SnapshotService
from node.snapshots.keeper import Keeper
from node.snapshots.writer import Writer
from node.storage.history import History
from tests.helpers.driver import Driver
from tests.unit.node.abci.little_network import MemoryStore


def test_a_damaged_chunk_is_fetched_from_somebody_else(tmp_path: Path) -> None:
    driver = Driver()
    driver.run([])
    Writer(driver.reader, 1, tmp_path / "1", part_bytes=60, chunk_bytes=60).write(driver.app_hash)
    history = History(MemoryStore)
    giver = SnapshotService(Keeper(tmp_path, history), MemoryStore(driver.reader), lambda: 1, Head)
    (offered,) = giver.list_snapshots(abci.RequestListSnapshots()).snapshots
    store, taken = MemoryStore(), []
    taker = SnapshotService(Keeper(tmp_path / "none", history), store, lambda: 0,
                            lambda: (taken.append(1), read_head(store))[1])
    offer, apply = abci.ResponseOfferSnapshot, abci.ResponseApplySnapshotChunk
    assert taker.offer_snapshot(abci.RequestOfferSnapshot(snapshot=offered, app_hash=b"x" * 32)).result == offer.REJECT
    assert giver.offer_snapshot(abci.RequestOfferSnapshot(snapshot=offered)).result == offer.ABORT
    good = abci.RequestOfferSnapshot(snapshot=offered, app_hash=driver.app_hash)
    assert taker.offer_snapshot(good).result == offer.ACCEPT
    for index in range(offered.chunks):
        asked = abci.RequestLoadSnapshotChunk(height=1, format=offered.format, chunk=index)
        chunk = giver.load_snapshot_chunk(asked).chunk
        wrong = bytes([chunk[0] ^ 1]) + chunk[1:]
        refused = taker.apply_snapshot_chunk(
            abci.RequestApplySnapshotChunk(index=index, chunk=wrong, sender="liar"))
        assert refused.result == apply.RETRY
        assert (list(refused.refetch_chunks), list(refused.reject_senders)) == ([index], ["liar"])
        done = taker.apply_snapshot_chunk(abci.RequestApplySnapshotChunk(index=index, chunk=chunk, sender="other"))
        assert done.result == apply.ACCEPT
    assert taken == [1]
    assert read_head(store) == driver.chain.head
