"""What anybody can send must not fill the memory of a node, neither with an account nor without one."""

import tracemalloc

import pytest

from app.errors import ACCOUNT_NOT_FOUND, MEMPOOL_ACCOUNT_QUOTA, MEMPOOL_FULL, ChainError
from node.mempool.limits import Limits
from node.mempool.mempool import Mempool
from tests.helpers.builders import Person, cancel, envelope, genesis, withdraw
from tests.helpers.driver import Driver


def test_envelopes_of_strangers_are_not_remembered() -> None:
    chain = Driver().chain
    mempool = Mempool(chain)
    stranger = Person("stranger")
    actions = [withdraw(1, b"x" * 60) for _ in range(256)]
    for nonce in range(1, 20):
        with pytest.raises(ChainError) as caught:
            mempool.check(envelope(stranger, actions, nonce))
        assert caught.value.code is ACCOUNT_NOT_FOUND
    assert chain.memo.weight_bytes == 0
    assert mempool.count == 0


def test_a_pool_full_of_small_actions_keeps_little_more_than_its_bytes() -> None:
    people = [Person(f"p{number}") for number in range(4)]
    driver = Driver(genesis(tuple(people)), verify=lambda *_: True)
    raws = [driver.envelope(person, *[cancel(order_id=1)] * 256) for person in people for _ in range(50)]
    tracemalloc.start()
    try:
        mempool = Mempool(driver.chain)
        before = tracemalloc.get_traced_memory()[0]
        for raw in raws:
            mempool.check(raw)
        driver.chain.memo.clear()
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert mempool.count == 200
    assert grown < 400_000, "about a kilobyte each: the raw bytes are the test's own"


def test_actions_weigh_in_the_bounds_of_pool_and_account() -> None:
    alice, bob = Person("alice"), Person("bob")
    driver = Driver(genesis((alice, bob)))
    raws = [driver.envelope(person, *[cancel(order_id=1)] * 256) for person in (alice, alice, alice, bob, bob)]
    weight = driver.chain.decode(raws[0]).weight_bytes
    assert weight > 10 * len(raws[0])
    limits = Limits(reserved_tenths=0, account_bytes=5 * weight // 2, pool_bytes=7 * weight // 2)
    mempool = Mempool(driver.chain, limits)
    assert [one.code for one in mempool.submit(raws)] == [0, 0, MEMPOOL_ACCOUNT_QUOTA.code, 0, MEMPOOL_FULL.code]
