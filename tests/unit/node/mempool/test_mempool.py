"""The three ways in: CheckTx, InsertTx and the link; and what the checking thread does with peers' envelopes."""

import threading
from collections.abc import Iterator

import pytest

from app.errors import ACCOUNT_NOT_FOUND, MEMPOOL_DUPLICATE, MEMPOOL_FULL, TX_CANNOT_PAY_FEE, TX_MALFORMED, ChainError
from node.mempool import mempool as mempool_module
from node.mempool.later import Later
from node.mempool.limits import Limits
from node.mempool.mempool import Mempool
from tests.unit.node.mempool.envelopes import FakeRules, FakeTx, fake_tx, waiting


class Gate(FakeRules):
    """Rules that can be held up."""

    def __init__(self) -> None:
        super().__init__()
        self.open = threading.Event()
        self.open.set()

    def admit(self, raw: bytes) -> FakeTx:
        assert self.open.wait(60)
        return super().admit(raw)


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def mempool(gate: Gate) -> Iterator[Mempool]:
    limits = Limits(pool_count=8, reserved_tenths=0, inbox_count=5, inbox_bytes=1_000, repeat_after_blocks=(2,))
    pool = Mempool(gate, limits)
    pool.start()
    yield pool
    gate.open.set()
    pool.stop()


def test_peers_envelopes_are_queued_then_checked(mempool: Mempool, gate: Gate) -> None:
    gate.open.clear()
    good, bad = fake_tx(1, 1), b"garbage"
    assert mempool.insert(good.raw)
    assert mempool.insert(bad)
    assert mempool.count == 0
    gate.open.set()
    assert mempool.wait_until_checked(60)
    assert waiting(mempool) == [good]
    assert (mempool.counters.admitted, mempool.counters.refused) == (1, 1)


def test_the_inbox_is_bounded_in_number_and_bytes(mempool: Mempool, gate: Gate) -> None:
    gate.open.clear()
    mempool.insert(fake_tx(1, 1).raw)
    accepted = sum(mempool.insert(fake_tx(2, nonce).raw) for nonce in range(1, 20))
    assert 4 <= accepted <= 6  # the checking thread may have taken the first already
    gate.open.set()
    assert mempool.wait_until_checked(60)
    gate.open.clear()
    assert not mempool.insert(b"x" * 1_001)
    gate.open.set()
    assert mempool.counters.dropped_unchecked == 19 - accepted + 1


def test_a_full_pool_takes_nothing_from_peers(mempool: Mempool) -> None:
    for number in range(8):
        assert mempool.insert(fake_tx(number, 1).raw)
        assert mempool.wait_until_checked(60)
    assert not mempool.insert(fake_tx(9, 1).raw), "so that CometBFT takes it when a peer repeats it"
    mempool.after_commit(1, 1, waiting(mempool)[:1])
    assert mempool.insert(fake_tx(9, 1).raw)


def test_a_peers_envelope_that_came_too_early_is_checked_again(mempool: Mempool, gate: Gate) -> None:
    early, hopeless = fake_tx(1, 1), fake_tx(2, 1)
    for tx in (early, hopeless):
        gate.refusals[tx.account] = ChainError(ACCOUNT_NOT_FOUND)
        assert mempool.insert(tx.raw)
    assert mempool.insert(b"garbage")
    assert mempool.wait_until_checked(60)
    del gate.refusals[early.account]
    checked: list[list[bytes]] = []
    for height in range(1, 12):
        gate.admitted.clear()
        mempool.after_commit(height, height, [])
        assert mempool.wait_until_checked(60)
        checked.append(gate.admitted.copy())
    assert checked == [[early.raw, hopeless.raw], [], [], [], [hopeless.raw], *[[]] * 6]
    assert waiting(mempool) == [early]


def test_what_may_pass_later_is_bounded() -> None:
    limits = Limits(later_count=3, later_bytes=250, later_after_blocks=(1, 2), later_checks=2)
    later = Later(limits)
    assert [later.add(bytes(size), 0, 10) for size in (100, 100, 100, 50, 0)] == [True, True, False, True, False]
    assert list(later.take_due(10)) == []
    assert [(len(raw), checks) for raw, checks in later.take_due(11)] == [(100, 1), (100, 1)]
    assert [(len(raw), checks) for raw, checks in later.take_due(11)] == [(50, 1)]
    assert len(later) == 0
    assert later.add(bytes(250), 1, 11)
    assert not later.add(bytes(10), 2, 11)
    assert list(later.take_due(12)) == []
    assert list(later.take_due(13)) == [(bytes(250), 2)]


def test_an_envelope_that_waits_is_not_checked_twice(mempool: Mempool, gate: Gate) -> None:
    tx = fake_tx(1, 1)
    assert mempool.check(tx.raw) == tx
    mempool.insert(tx.raw)
    assert mempool.wait_until_checked(60)
    with pytest.raises(ChainError) as caught:
        mempool.check(tx.raw)
    assert caught.value.code is MEMPOOL_DUPLICATE
    assert len(gate.admitted) == 1


def test_a_full_pool_refuses_before_any_signature_is_checked(mempool: Mempool, gate: Gate) -> None:
    for nonce in range(1, 9):
        mempool.check(fake_tx(nonce, nonce).raw)
    checked = len(gate.admitted)
    verdict, = mempool.submit([fake_tx(9, 9).raw])
    assert (verdict.code, verdict.codespace, verdict.reason) == (MEMPOOL_FULL.code, "mempool", "MEMPOOL_FULL")
    assert {detail.key: detail.value for detail in verdict.metadata}["most"] == "8"
    mempool.insert(fake_tx(10, 10).raw)
    assert mempool.wait_until_checked(60)
    assert len(gate.admitted) == checked
    mempool.after_commit(1, 1, waiting(mempool)[:1])
    assert mempool.submit([fake_tx(9, 9).raw])[0].code == 0


def test_submit_gives_one_verdict_each_in_order(mempool: Mempool) -> None:
    one, other = fake_tx(1, 1), fake_tx(1, 2)
    verdicts = mempool.submit([one.raw, b"garbage", one.raw, other.raw, fake_tx(1, 2, variant=1).raw])
    assert [verdict.code for verdict in verdicts] == [
        0, TX_MALFORMED.code, MEMPOOL_DUPLICATE.code, 0, MEMPOOL_DUPLICATE.code]
    assert waiting(mempool) == [one, other]


def test_peers_envelopes_are_told_on_once(mempool: Mempool) -> None:
    mine, theirs = fake_tx(1, 1), fake_tx(2, 1)
    mempool.check(mine.raw)
    mempool.insert(theirs.raw)
    assert mempool.wait_until_checked(60)
    assert mempool.reap(0, 0) == [mine.raw]
    mempool.after_commit(1, 1, [])
    mempool.after_commit(2, 2, [])
    assert mempool.wait_until_checked(60)
    assert mempool.reap(0, 0) == [theirs.raw, mine.raw], "mine again: the limit of this test is two blocks"
    assert mempool.reap(0, 0) == []


def test_the_overdue_are_checked_again_and_told_again_or_dropped(mempool: Mempool, gate: Gate) -> None:
    lasting, ruined = fake_tx(1, 1), fake_tx(2, 1)
    mempool.submit([lasting.raw, ruined.raw])
    assert len(mempool.reap(0, 0)) == 2
    gate.refusals[ruined.account] = ChainError(TX_CANNOT_PAY_FEE)
    mempool.after_commit(1, 1, [])
    assert mempool.wait_until_checked(60)
    assert mempool.reap(0, 0) == []
    mempool.after_commit(2, 2, [])
    assert mempool.wait_until_checked(60)
    assert waiting(mempool) == [lasting]
    assert mempool.reap(0, 0) == [lasting.raw]


def test_a_check_that_breaks_does_not_stop_the_thread() -> None:
    class Broken(FakeRules):
        def admit(self, raw: bytes) -> FakeTx:
            if raw == b"trap":
                raise RuntimeError("broken on purpose")
            return super().admit(raw)

    pool = Mempool(Broken())
    pool.start()
    try:
        pool.insert(b"trap")
        pool.insert(fake_tx(1, 1).raw)
        assert pool.wait_until_checked(60)
        assert pool.count == 1
    finally:
        pool.stop()


def test_many_threads_at_once_keep_the_bounds() -> None:
    pool = Mempool(FakeRules(), Limits(pool_count=300, account_count=20))
    pool.start()
    reaped: list[bytes] = []

    def work(account: int) -> None:
        for nonce in range(1, 41):
            pool.submit([fake_tx(account, nonce).raw])
            pool.insert(fake_tx(account, nonce, variant=1).raw)
            reaped.extend(pool.reap(0, 0))

    threads = [threading.Thread(target=work, args=(account,)) for account in range(10)]
    for thread in threads:
        thread.start()
    for height in range(1, 16):
        pool.after_commit(height, height, waiting(pool)[:5])
    for thread in threads:
        thread.join()
    assert pool.wait_until_checked(60)
    pool.stop()
    reaped += pool.reap(0, 0)
    assert len(reaped) == len(set(reaped))
    left = waiting(pool)
    assert len(left) <= 300
    assert len({(tx.account, tx.nonce) for tx in left}) == len(left)
    assert max(sum(tx.account == other.account for tx in left) for other in left) <= 20


def test_submissions_stand_back_for_a_block_and_the_mempool_connection_does_not(
        mempool: Mempool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mempool_module, "BLOCK_PATIENCE_SECONDS", 600.0)
    submitted = threading.Event()

    def submit() -> None:
        assert mempool.submit([fake_tx(1, 1).raw])[0].code == 0
        submitted.set()

    with mempool.standing_back():
        thread = threading.Thread(target=submit)
        thread.start()
        assert mempool.check(fake_tx(2, 1).raw).nonce == 1
        assert mempool.insert(fake_tx(3, 1).raw)
        assert not submitted.wait(0.05)
        assert mempool.count == 1
    assert submitted.wait(60)
    thread.join()
    assert mempool.wait_until_checked(60)
    assert mempool.count == 3


def test_a_block_that_hangs_does_not_hold_up_submissions_for_ever(
        mempool: Mempool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mempool_module, "BLOCK_PATIENCE_SECONDS", 0.01)
    with mempool.standing_back():
        assert [verdict.code for verdict in mempool.submit([fake_tx(1, 1).raw, fake_tx(1, 2).raw])] == [0, 0]
        assert mempool.insert(fake_tx(2, 1).raw)
        assert mempool.wait_until_checked(60)
        assert mempool.count == 3
