"""GEN-002: a chain that begins with the records of another has its balances, and trades on."""

import json
from typing import Any

import pytest

from app.chain import Chain
from app.errors import GenesisError
from app.invariants import audit
from app.markets.types import ACTIVE
from app.store.view import DictReader
from node.export import export_genesis
from node.replay import begin
from tests.helpers import ledger
from tests.helpers.builders import (
    ALICE,
    BOB,
    BTC,
    BUY,
    CAROL,
    ETH,
    MARK_QUANTA,
    SELL,
    dead_man,
    genesis,
    place,
    protect,
    trigger,
)
from tests.helpers.driver import GENESIS_TIME_NS, Driver

P = MARK_QUANTA[BTC]
NAME = "novation-anew"


def old_chain() -> Driver:
    """Positions, resting orders, a trigger, a switch, a protection."""
    driver = Driver()
    driver.do(ALICE, place(SELL, P, 7))
    driver.do(BOB, place(BUY, P, 5), place(BUY, P - 1_000, 2))
    driver.do(CAROL, protect(5), place(BUY, P - 500, 1))
    driver.do(BOB, trigger(1, P + 5_000, SELL, P - 5_000, 2), dead_man(driver.time_ns + 600_000_000_000))
    return driver


def exported(driver: Driver) -> tuple[dict[str, Any], dict[str, int]]:
    document, _, left = export_genesis(driver.reader, NAME, GENESIS_TIME_NS)
    return document, left


def new_chain(document: dict[str, Any], old: Driver) -> Driver:
    """A driver of the chain that begins with `document`."""
    driver = Driver.__new__(Driver)
    driver.__dict__.update(old.__dict__)
    driver.reader = DictReader()
    driver.chain = Chain(driver.reader)
    driver.chain_id = NAME
    document["validators"] = []
    begin(driver.chain, document)
    return driver


def test_gen_002_balances_are_equal_and_orders_are_gone() -> None:
    """GEN-002: cash, lots, funds and open interest as they were; what is left behind is counted."""
    old = old_chain()
    document, left = exported(old)
    assert left == {"orders": 3, "triggers": 1, "switches": 1, "protections": 1, "auctions": 0}
    chain = Chain(DictReader())
    begin(chain, document)
    audit(chain.ctx)
    for person in (ALICE, BOB, CAROL):
        before, after = (one.view.accounts.get(person.account(0)) for one in (old.chain, chain))
        assert before is not None and after is not None
        assert (after.cash_quanta, after.highest_nonce, after.position(BTC).lots, after.position(BTC).entry_quanta) == (
            before.cash_quanta, before.highest_nonce, before.position(BTC).lots, before.position(BTC).entry_quanta)
        assert after.position(BTC).open_buy_lots == 0
        assert chain.view.orders.get(person.account(0)) is None
    for table in ("funds", "vault", "totals", "markets", "funding", "feeds"):
        assert dict(chain.snapshot([table])[1][at][1:] for at in range(len(chain.snapshot([table])[1]))) == dict(
            old.chain.snapshot([table])[1][at][1:] for at in range(len(old.chain.snapshot([table])[1])))


def test_gen_002_the_new_chain_trades_on() -> None:
    """GEN-002: heights go on, old orders do not fill, signatures of the old chain are refused."""
    old = old_chain()
    stale = old.envelope(ALICE, place(SELL, P - 5_000, 1))
    document, _ = exported(old)
    height = int(document["initial_height"])
    assert height == old.height + 1
    driver = new_chain(document, old)
    driver.height = height - 1
    driver.voters = type(driver.voters)((), ())  # no votes in the first block, and nobody votes here afterwards
    block = driver.next_block([stale])
    result = driver.chain.finalize(block)
    driver.reader.write(driver.chain.commit())
    driver.chain.committed()
    driver.height, driver.time_ns = block.height, block.time_ns
    assert result.txs[0].result.reason == "TX_BAD_SIGNATURE"
    assert result.height == height
    driver.do(ALICE, place(SELL, P, 2))
    driver.do(BOB, place(BUY, P, 2))
    account = driver.chain.view.accounts.get(BOB.account(0))
    assert account is not None
    assert account.position(BTC).lots == 7
    ledger.check(driver.reader)
    audit(driver.chain.ctx)
    driver.chain = Chain(driver.reader)
    audit(driver.chain.ctx)
    assert driver.chain.head.height == height + 2


def test_orcl_013_the_time_between_two_chains_is_not_counted() -> None:
    """ORCL-013: a feed is absent when the chain ends; the next one begins a month later, and winds nothing up."""
    old = Driver(genesis(feeds={ETH: {"max_age_ns": 10**10}}))
    old.run([])
    old.prices.pop(ETH)
    for _ in range(3):
        old.run([], step_ns=5 * 10**11)
    assert old.chain.view.feeds.get(ETH).absent_from_ns
    month_later_ns = old.time_ns + 30 * 86_400 * 10**9
    document, _, _ = export_genesis(old.reader, NAME, month_later_ns)
    driver = new_chain(document, old)
    driver.voters = type(driver.voters)((), ())
    driver.height, driver.time_ns = int(document["initial_height"]) - 1, month_later_ns
    driver.chain.finalize(driver.next_block([]))
    driver.reader.write(driver.chain.commit())
    driver.chain.committed()
    assert driver.chain.view.markets.get(ETH).status == ACTIVE
    assert driver.chain.view.feeds.get(ETH).absent_from_ns == month_later_ns


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda carried: carried.__setitem__("orders", {}), "and no others"),
        (lambda carried: carried.__setitem__("accounts", []), "an object"),
        (lambda carried: carried["accounts"].__setitem__("zz", "00"), "hex"),
        (lambda carried: carried["accounts"].__setitem__("00", 3), "hex"),
        (lambda carried: carried["vault"].__setitem__(next(iter(carried["vault"])), "ff"), "no record"),
        (lambda carried: carried["vault"].__setitem__(next(iter(carried["vault"])), "0801"), "INV-001"),
        (lambda carried: carried["vault"].__setitem__(next(iter(carried["vault"])), ""), "not written as"),
        (lambda carried: carried.pop("params"), "params"),
        (lambda carried: carried.pop("totals"), "carried"),
        (lambda carried: carried["accounts"].pop(ALICE.account(0).hex()), "INV-00"),
    ],
)
def test_gen_002_what_does_not_fit_is_refused(change: Any, said: str) -> None:
    """GEN-002: unknown tables, bytes that are no record, and a ledger that does not add up."""
    document, _ = exported(old_chain())
    change(document["app_state"]["carried"])
    with pytest.raises(GenesisError, match=said):
        begin(Chain(DictReader()), document)


def test_gen_002_another_name_is_refused() -> None:
    """GEN-002: the parameters name the chain whose signatures count."""
    document, _ = exported(old_chain())
    document["chain_id"] = "other"
    with pytest.raises(GenesisError, match="other"):
        begin(Chain(DictReader()), document)
    assert json.dumps(document)
