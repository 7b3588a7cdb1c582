"""What a proposer is offered when much of what waits is no longer good, on a real chain."""

from app.errors import MEMPOOL_ACCOUNT_QUOTA
from node.mempool.limits import Limits
from node.mempool.mempool import Mempool
from tests.helpers.builders import ALICE, BOB, CAROL, ORACLE, buy, cancel_all, genesis, withdraw
from tests.helpers.driver import Driver
from tests.helpers.votes import NOBODY

MAX_BYTES = 50_000
FEE_QUANTA = 1_000  # of a gas limit of a million
LIMITS = {"gas_limit": 1_000_000, "fee_limit_quanta": 10**9}


def start(cash_quanta: int = 2_000_000) -> Driver:
    return Driver(genesis((ALICE, BOB, CAROL, ORACLE), cash_quanta=cash_quanta), voters=NOBODY)


def propose(driver: Driver, mempool: Mempool, max_bytes: int = MAX_BYTES) -> list[bytes]:
    return mempool.propose(lambda candidates: driver.chain.prepare(candidates, max_bytes))


def block(driver: Driver, mempool: Mempool, txs: list[bytes]) -> None:
    result = driver.run(txs)
    mempool.after_commit(result.height, result.time_ns, result.txs)


def leave(driver: Driver, quanta: int) -> None:
    """Carol takes out all but so much."""
    cash = driver.chain.view.accounts.get(CAROL.account()).cash_quanta
    limits = {**LIMITS, "gas_limit": 180_000}  # the highest fee is held while an envelope runs
    fee = driver.act(CAROL, withdraw(cash // 2), **limits).fee_quanta
    driver.do(CAROL, withdraw(cash - cash // 2 - 2 * fee - quanta), **limits)


def test_dead_envelopes_keep_out_no_good_ones_and_are_dropped_in_the_end() -> None:
    driver = start()
    mempool = Mempool(driver.chain, Limits(rest_blocks=2, rest_count=1))
    large = [buy(46_000_000, 1) for _ in range(250)]
    dead = [driver.envelope(CAROL, *large, gas_limit=12_000_000, fee_limit_quanta=10**9) for _ in range(40)]
    assert [one.code for one in mempool.submit(dead)] == [0] * 40
    assert sum(map(len, dead)) > 3 * MAX_BYTES
    leave(driver, 200)
    good = driver.envelope(ALICE, buy(46_000_000, 1), **LIMITS)
    mempool.check(good)
    assert propose(driver, mempool) == [good]
    for _ in range(4):
        block(driver, mempool, [])
        propose(driver, mempool)
    assert mempool.count == 1


def test_envelopes_whose_nonce_was_used_are_dropped_at_the_first_proposal() -> None:
    driver = start()
    mempool = Mempool(driver.chain)
    mempool.submit([driver.envelope(CAROL, cancel_all(), **LIMITS) for _ in range(5)])
    driver.run([driver.envelope(CAROL, cancel_all(), nonce=nonce) for nonce in range(1, 6)])
    assert propose(driver, mempool) == []
    assert mempool.count == 0


def test_envelopes_that_are_payable_one_by_one_but_not_together_rest() -> None:
    driver = start()
    mempool = Mempool(driver.chain)
    orders = [driver.envelope(CAROL, buy(46_000_000, 1), **LIMITS) for _ in range(20)]
    assert [one.code for one in mempool.submit(orders)] == [0] * 20
    leave(driver, 3 * FEE_QUANTA)
    assert len(propose(driver, mempool)) == 3
    offered: list[bytes] = []
    mempool.propose(lambda candidates: offered.extend(tx.raw for tx in candidates) or offered)
    assert len(offered) == 3, "the other 17 are not looked at in the next blocks"


def test_an_account_cannot_queue_more_fees_than_it_can_pay() -> None:
    driver = start()
    mempool = Mempool(driver.chain)
    leave(driver, 3 * FEE_QUANTA)
    orders = [driver.envelope(CAROL, buy(46_000_000, 1), **LIMITS) for _ in range(5)]
    assert [one.code for one in mempool.submit(orders)] == [0, 0, 0] + [MEMPOOL_ACCOUNT_QUOTA.code] * 2
    cancels = [driver.envelope(CAROL, cancel_all(), **LIMITS) for _ in range(3)]
    assert [one.code for one in mempool.submit(cancels)] == [0, 0, MEMPOOL_ACCOUNT_QUOTA.code]
    block(driver, mempool, [orders[0]])
    assert mempool.count == 4


def test_a_proposer_looks_at_a_bounded_number_and_for_a_bounded_time() -> None:
    driver = start()
    raws = [driver.envelope(ALICE, buy(46_000_000, 1), **LIMITS) for _ in range(5)]
    for limits, most in ((Limits(offer_count=3), 3), (Limits(offer_seconds=-1.0), 0)):
        mempool = Mempool(driver.chain, limits)
        mempool.submit(raws)
        assert len(propose(driver, mempool)) == most
        assert mempool.count == 5
