"""The pool against a naive model, and its bounds one by one."""

from dataclasses import dataclass

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from app.errors import MEMPOOL_ACCOUNT_QUOTA, MEMPOOL_DUPLICATE, MEMPOOL_FULL, ChainError
from app.limits import NONCE_WINDOW
from node.mempool.expiry import Expiries
from node.mempool.limits import Limits
from node.mempool.pool import Pool
from tests.unit.node.mempool.envelopes import FakeTx, fake_tx

SMALL = Limits(pool_count=10, pool_bytes=1_500, reserved_tenths=2, account_count=4, account_bytes=700,
               account_unpaid_count=1, rest_blocks=2, rest_count=1, relay_after_blocks=2, repeat_after_blocks=(2, 3),
               drop_after_blocks=4, repeat_count=3)


@dataclass(slots=True)
class Waiting:
    """One envelope of the model: `told` at that height, None while it is to be told; `rank` orders the last change.

    `place` orders a lane; it rests until `back_at` is committed, unless that is 0.
    """

    tx: FakeTx
    rank: int
    unpaid: bool = False
    place: int = 0
    rests: int = 0
    back_at: int = 0
    stage: int = 0
    told: int | None = None
    relay_at: int | None = None  # from a peer: to be told of once this height is committed


class PoolAgainstModel(RuleBasedStateMachine):
    """The model is a list that is walked for every question."""

    @initialize()
    def start(self) -> None:
        self.pool = Pool(SMALL)
        self.waiting: list[Waiting] = []
        self.height = self.time_ns = self.rank = 0

    def _next_rank(self) -> int:
        self.rank += 1
        return self.rank

    def _find(self, tx_hash: bytes) -> Waiting | None:
        return next((one for one in self.waiting if one.tx.hash == tx_hash), None)

    def _drop(self, keep: object) -> None:
        self.waiting = [one for one in self.waiting if keep(one)]  # type: ignore[operator]

    def _is_beyond_means(self, tx: FakeTx, equity: int) -> bool:
        paid = [one.tx.gas_limit for one in self.waiting if one.tx.account == tx.account and not one.unpaid]
        return sum(paid) + tx.gas_limit > equity

    def _expected_refusal(self, tx: FakeTx, equity: int) -> object:
        mine = [one.tx for one in self.waiting if one.tx.account == tx.account]
        if any(other.nonce == tx.nonce for other in mine):
            return MEMPOOL_DUPLICATE
        if len(mine) >= 4 or sum(len(other.raw) for other in mine) + len(tx.raw) > 700:
            return MEMPOOL_ACCOUNT_QUOTA
        if self._is_beyond_means(tx, equity):
            free = tx.gas_limit > equity or tx.kinds == ("cancel_all",)
            if not free or any(one.unpaid for one in self.waiting if one.tx.account == tx.account):
                return MEMPOOL_ACCOUNT_QUOTA
        most, most_bytes = (8, 1_200) if tx.lane == 2 else (10, 1_500)
        if len(self.waiting) >= most or sum(len(one.tx.raw) for one in self.waiting) + len(tx.raw) > most_bytes:
            return MEMPOOL_FULL
        return None

    @rule(account=st.integers(0, 4), nonce=st.sampled_from([1, 2, 43, 44, 45, 300]),
          size=st.sampled_from([40, 100, 400]), gas=st.integers(0, 5), variant=st.integers(0, 1),
          height=st.sampled_from([0, 0, 0, 1, 5, 20]), time_ns=st.sampled_from([0, 0, 0, 10, 50]),
          lane=st.integers(0, 2), from_peer=st.booleans(), equity=st.sampled_from([1_000, 1_000, 0, 4]),
          kind=st.sampled_from(["place_order", "cancel_all"]))
    def add(self, account: int, nonce: int, size: int, gas: int, variant: int, height: int, time_ns: int,
            lane: int, from_peer: bool, equity: int = 1_000, kind: str = "place_order") -> None:
        tx = fake_tx(account, nonce, size, gas, height, time_ns, variant, lane, kind)
        refusal = self._expected_refusal(tx, equity)
        try:
            self.pool.add(tx, tx.gas_limit, equity, from_peer)
        except ChainError as error:
            assert error.code is refusal
        else:
            assert refusal is None
            relay_at = self.height + 2 if from_peer else None
            self.waiting.append(Waiting(tx, self._next_rank(), self._is_beyond_means(tx, equity), self._next_rank(),
                                        relay_at=relay_at))

    @rule()
    def add_several(self) -> None:
        for account in range(5):
            for nonce in (3, 46):
                self.add(account, nonce, 40, 1, 0, 0, 0, nonce % 3, account == 4)
        self.reap(0, 0)

    @rule(data=st.data())
    def idle_blocks(self, data: st.DataObject) -> None:
        for _ in range(4):
            self.commit(data, 1, False, True)
            self.reap(0, 0)

    @rule(max_bytes=st.sampled_from([0, 90, 150, 600]), max_gas=st.sampled_from([0, 0, 3, 8]))
    def reap(self, max_bytes: int, max_gas: int) -> None:
        expected: list[bytes] = []
        size = gas = 0
        fresh = sorted((one for one in self.waiting if one.told is None and one.relay_at is None),
                       key=lambda one: one.rank)
        for one in fresh:
            length, cost = len(one.tx.raw), one.tx.gas_limit
            possible = (not max_bytes or length <= max_bytes) and (not max_gas or cost <= max_gas)
            if possible and ((max_bytes and size + length > max_bytes) or (max_gas and gas + cost > max_gas)):
                break
            one.told, one.rank = self.height, self._next_rank()
            if possible:
                size, gas = size + length, gas + cost
                expected.append(one.tx.raw)
        assert self.pool.reap(max_bytes, max_gas) == expected

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def discard(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from(self.waiting))
        assert self.pool.discard(one.tx.hash)
        assert not self.pool.discard(one.tx.hash)
        self.waiting.remove(one)

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def rest(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from(self.waiting))
        self.pool.rest(one.tx.hash)
        if one.back_at:
            return
        one.back_at, one.place = self.height + 2, self._next_rank()
        one.rests += 1
        if one.rests > 1:
            self.waiting.remove(one)

    @rule(data=st.data(), elapsed_ns=st.integers(1, 12), outsider=st.booleans(), answer=st.booleans())
    def commit(self, data: st.DataObject, elapsed_ns: int, outsider: bool, answer: bool) -> None:
        chosen = data.draw(st.lists(st.sampled_from(self.waiting), unique_by=id, max_size=1)) if self.waiting else []
        used = [one.tx for one in chosen]
        if outsider:  # from another node's pool: the same nonce as one of ours, or one that makes ours stale
            account, nonce = data.draw(st.integers(0, 4)), data.draw(st.sampled_from([1, 2, 300, 300]))
            used.append(fake_tx(account, nonce, variant=9))
        self.height += 1
        self.time_ns += elapsed_ns
        overdue = self.pool.after_commit(self.height, self.time_ns, used)
        self._forget_used(used)
        self._drop(lambda one: not (0 < one.tx.expiry_height <= self.height))
        self._drop(lambda one: not (0 < one.tx.expiry_time_ns <= self.time_ns))
        for one in sorted(self.waiting, key=lambda one: one.place):
            if one.back_at and one.back_at <= self.height:
                one.back_at, one.place = 0, self._next_rank()
        for one in self.waiting:
            if one.relay_at is not None and one.relay_at <= self.height:
                one.relay_at, one.rank = None, self._next_rank()
        assert overdue == [one.tx.raw for one in self._expected_overdue()]
        if answer:
            for raw in overdue:
                one = next(one for one in self.waiting if one.tx.raw == raw)
                self.pool.tell_again(one.tx.hash)
                one.stage, one.told, one.rank = min(one.stage + 1, 2), None, self._next_rank()

    def _forget_used(self, used: list[FakeTx]) -> None:
        hashes = {tx.hash for tx in used}
        nonces = {(tx.account, tx.nonce) for tx in used}
        self._drop(lambda one: one.tx.hash not in hashes and (one.tx.account, one.tx.nonce) not in nonces)
        for owner in {tx.account for tx in used}:
            floor = max(tx.nonce for tx in used if tx.account == owner) - NONCE_WINDOW
            self._drop(lambda one, owner=owner, floor=floor: one.tx.account != owner or one.tx.nonce > floor)

    def _expected_overdue(self) -> list[Waiting]:
        overdue: list[Waiting] = []
        for stage, patience in enumerate((2, 3)):
            for one in self._told_by(stage, self.height - patience)[:3 - len(overdue)]:
                one.told, one.rank = self.height, self._next_rank()
                overdue.append(one)
        dead = self._told_by(2, self.height - 4)[:3]
        self._drop(lambda one: all(one is not other for other in dead))
        return overdue

    def _told_by(self, stage: int, height: int) -> list[Waiting]:
        found = [one for one in self.waiting if one.stage == stage and one.told is not None and one.told <= height]
        return sorted(found, key=lambda one: one.rank)

    @invariant()
    def same_content(self) -> None:
        by_lane = sorted((one for one in self.waiting if not one.back_at), key=lambda one: (one.tx.lane, one.place))
        assert [one.raw for one in self.pool.candidates()] == [one.tx.raw for one in by_lane]
        totals = self.pool.totals()
        assert totals.count == len(self.waiting) <= 10
        assert totals.size_bytes == totals.weight_bytes == sum(len(one.tx.raw) for one in self.waiting) <= 1_500
        assert all(one.tx.hash in self.pool for one in self.waiting)

    @invariant()
    def bounded_memory(self) -> None:
        pool = self.pool
        held = len(pool._fresh) + len(pool._relayed) + sum(len(told) for told in pool._told)
        assert held == sum(len(lane) for lane in pool._lanes) + len(pool._resting) == len(self.waiting)
        assert sum(len(account.by_nonce) for account in pool._accounts.values()) == len(self.waiting)
        assert all(account.by_nonce for account in pool._accounts.values())
        paid = [one.tx.gas_limit for one in self.waiting if not one.unpaid]
        assert sum(account.fees_quanta for account in pool._accounts.values()) == sum(paid)


TestPoolAgainstModel = PoolAgainstModel.TestCase
TestPoolAgainstModel.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)


def test_every_envelope_is_reaped_once() -> None:
    pool = Pool(Limits())
    sent = [fake_tx(number % 7, 1 + number, size=60 + number % 50) for number in range(500)]
    for tx in sent:
        pool.add(tx)
    got: list[bytes] = []
    while part := pool.reap(1_000):
        assert sum(map(len, part)) <= 1_000
        got += part
    assert got == [tx.raw for tx in sent]
    pool.after_commit(1, 1, [])
    assert pool.reap(0) == []


def test_an_envelope_that_no_block_takes_is_told_again_rarely_and_then_dropped() -> None:
    pool = Pool(Limits(repeat_after_blocks=(16, 64), drop_after_blocks=100))
    tx = fake_tx(1, 1)
    pool.add(tx)
    told: list[int] = []
    for height in range(1, 400):
        for raw in pool.after_commit(height, height, []):
            assert raw == tx.raw
            pool.tell_again(tx.hash)
        if pool.reap(0):
            told.append(height)
    assert told == [1, 17, 81]
    assert pool.totals().count == 0


def test_heaps_of_expiries_stay_bounded_when_envelopes_commit_long_before() -> None:
    pool = Pool(Limits())
    for number in range(1, 20_001):
        tx = fake_tx(number % 100, number, height=10**6, time_ns=10**15)
        pool.add(tx)
        if number % 10 == 0:
            pool.after_commit(number, number, pool.candidates())
    assert pool.totals().count == 0
    assert len(pool._expiries) <= 2 * (1_024 + 10)


def test_expiries_compact_keeps_the_living() -> None:
    expiries = Expiries()
    txs = [fake_tx(1, number, height=1_000 + number % 3) for number in range(1, 2_001)]
    for tx in txs:
        expiries.add(tx)
    alive = {tx.hash for tx in txs[:50]}
    expiries.compact(alive)
    assert len(expiries) == 50
    assert set(expiries.pop_expired(1_002, 0)) == alive


def test_refusals_say_what_the_bounds_are() -> None:
    pool = Pool(Limits(account_count=1))
    pool.add(fake_tx(1, 1))
    with pytest.raises(ChainError) as caught:
        pool.add(fake_tx(1, 2))
    assert caught.value.code is MEMPOOL_ACCOUNT_QUOTA
    assert caught.value.metadata["most"] == "1"


def test_a_commit_drops_exactly_the_nonces_below_the_window() -> None:
    pool = Pool(Limits())
    waiting = [fake_tx(1, nonce) for nonce in (43, 44, 45, 300, 301)] + [fake_tx(2, 44)]
    for tx in waiting:
        pool.add(tx)
    pool.after_commit(1, 1, [fake_tx(1, 300, variant=1)])
    assert NONCE_WINDOW == 256
    assert [(entry.account[-1], entry.nonce) for entry in pool.candidates()] == [(1, 45), (1, 301), (2, 44)]


def test_a_flood_of_orders_keeps_out_no_cancel() -> None:
    pool = Pool(Limits(pool_count=20))
    orders = [fake_tx(number, 1, lane=2) for number in range(18)]
    for tx in orders:
        pool.add(tx)
    with pytest.raises(ChainError) as caught:
        pool.add(fake_tx(50, 1, lane=2))
    assert caught.value.code is MEMPOOL_FULL
    cancel, price = fake_tx(51, 1, lane=1), fake_tx(52, 1, lane=0)
    pool.add(cancel)
    pool.add(price)
    assert [entry.raw for entry in pool.candidates()] == [tx.raw for tx in (price, cancel, *orders)]


def test_peers_envelopes_are_told_on_only_when_they_keep_waiting() -> None:
    pool = Pool(Limits())
    soon, late, mine = fake_tx(1, 1), fake_tx(2, 1), fake_tx(3, 1)
    pool.add(soon, from_peer=True)
    pool.add(late, from_peer=True)
    pool.add(mine)
    assert pool.reap(0) == [mine.raw]
    pool.after_commit(1, 1, [soon])
    assert pool.reap(0) == []
    pool.after_commit(2, 2, [])
    assert pool.reap(0) == [late.raw]
    assert pool.reap(0) == []
