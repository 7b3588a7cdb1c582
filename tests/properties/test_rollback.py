"""Whatever is rolled back leaves no trace: records and book in memory are compared with what they were.

Random envelopes, half of them all or nothing, many short of gas: every savepoint takes a picture of all records and of
both sides of every book, and each rollback must bring it back. Two more chains run the same blocks, one restarted
before each block and one that forgets its cached records after each; all three must agree on all that they say.
"""

from dataclasses import fields, is_dataclass
from random import Random
from typing import Any

import pytest

from app.context import Context
from app.invariants import audit
from app.store.table import Journal
from novation.v1 import tx_pb2
from tests.helpers import builders as b
from tests.helpers import ledger
from tests.helpers.builders import BTC, ORACLE, Person
from tests.helpers.driver import BLOCK_TIME_NS, GENESIS_TIME_NS, Driver

PEOPLE = tuple(Person(f"rollback {number}") for number in range(5))
BLOCKS = 60


def content(record: Any) -> Any:
    """What a record says, as nested tuples; bookkeeping of the store and caches left out."""
    if is_dataclass(record):
        return tuple(content(getattr(record, f.name)) for f in fields(record) if f.name not in ("stamp", "wire"))
    if isinstance(record, dict):
        return tuple(sorted((key, content(value)) for key, value in record.items()))
    return record


def picture(ctx: Context) -> tuple[Any, Any]:
    """All records in memory, and all books in the order of matching."""
    records = {(name, key): content(record) for name, table in ctx.tables.items() for key, record in table.live.items()}
    books = {(market, side): [content(order) for order in book.side(side).best_first()]
             for market, book in ctx.books.items() for side in (1, 2)}
    index = ctx.trigger_index
    waiting = [{slot: list(keys) for slot, keys in part.items() if keys} for part in (index.waiting, index.following)]
    batches = [(batch.reached, list(batch.keys)) for batch in index.batches]
    sets = [list(keys) for keys in (index.expiring, index.switches, ctx.expiring_orders, ctx.clearing)]
    pegged = {market: list(keys) for market, keys in ctx.pegged.items() if keys}
    return records, (books, waiting, batches, sets, pegged, sorted(ctx.protected), list(ctx.filled_groups))


class Watcher:
    """Takes a picture at each savepoint of one journal and compares after each rollback."""

    def __init__(self, driver: Driver, patch: pytest.MonkeyPatch) -> None:
        self.rollbacks = 0
        pictures: list[tuple[Any, Any]] = []
        savepoint, rollback, release = Journal.savepoint, Journal.rollback, Journal.release

        def watched_savepoint(journal: Journal) -> None:
            if journal is driver.chain.ctx.journal:
                pictures.append(picture(driver.chain.ctx))
            savepoint(journal)

        def watched_rollback(journal: Journal) -> None:
            rollback(journal)
            if journal is driver.chain.ctx.journal:
                records, books = pictures.pop()
                now, books_now = picture(driver.chain.ctx)
                assert books_now == books
                # Records that were read meanwhile are in memory now and were not before.
                assert {key: now.get(key) for key in records} == records
                self.rollbacks += 1

        def watched_release(journal: Journal) -> None:
            release(journal)
            if journal is driver.chain.ctx.journal:
                pictures.pop()

        def watched_clear(journal: Journal, clear: Any = Journal.clear) -> None:
            clear(journal)
            if journal is driver.chain.ctx.journal:
                pictures.clear()

        patch.setattr(Journal, "savepoint", watched_savepoint)
        patch.setattr(Journal, "rollback", watched_rollback)
        patch.setattr(Journal, "release", watched_release)
        patch.setattr(Journal, "clear", watched_clear)


def random_terms(random: Random, market: int, price: int, size: int) -> tx_pb2.Action:
    """An order with terms, a protection or a switch."""
    now = GENESIS_TIME_NS + random.randint(0, BLOCKS) * BLOCK_TIME_NS
    if random.random() < 0.1:
        return b.protect(random.choice((0, 3, 9)), BLOCK_TIME_NS, random.choice((0, 3 * BLOCK_TIME_NS)), market)
    if random.random() < 0.1:
        return b.dead_man(random.choice((0, now)))
    peg = random.choice((0, 0, 1, 2))
    return b.place(random.choice((1, 2)), 0 if peg else price, size, market=market, time_in_force=4 if peg else 1,
                   peg=peg, offset=random.randint(-3, 3) if peg else 0, display=random.choice((0, 1, 3)),
                   oco_id=random.choice((0, 0, 1)), expires=random.choice((0, now)))


def random_trigger(random: Random, market: int, price: int, size: int) -> tx_pb2.Action:
    """A trigger of any kind near the mark, or the end of one."""
    if random.random() < 0.3:
        return b.cancel_trigger(client_id=random.randint(1, 3), every=random.random() < 0.2)
    trail = random.choice((0, 0, 16, 400)) * b.TICK_QUANTA[market]
    return b.trigger(random.choice((1, 2)), 0 if trail else price + random.randint(-9, 9), random.choice((1, 2)), price,
                     size, market=market, source=random.choice((1, 2, 3)), trail=trail,
                     client_id=random.choice((0, 1, 2)), reduce_only=random.random() < 0.5,
                     oco_id=random.choice((0, 0, 1)))


def random_combo(random: Random) -> tx_pb2.Action:
    """Two legs near the marks; often one of them finds too little."""
    legs = [b.leg(market, random.choice((1, 2)), b.MARK_QUANTA[market] + random.randint(-3, 3) * b.TICK_QUANTA[market],
                  random.choice((1, 1, 2, 5)), reduce_only=random.random() < 0.1)
            for market in random.sample((BTC, b.ETH), 2)]
    return b.combo(*legs, net=random.choice((0, 1 << 62)), client_id=random.choice((0, 1)), stp=random.randint(0, 3))


def random_block(random: Random) -> tx_pb2.Action:
    """A block trade that most of the time somebody else was to send."""
    sender, other = random.sample(PEOPLE, 2)
    legs = [b.block_leg(market, random.choice((1, 2)), b.MARK_QUANTA[market], random.choice((1, 420, 430)))
            for market in random.sample((BTC, b.ETH), random.choice((1, 2)))]
    return b.block(other, b.block_terms(sender, other, *legs, nonce=random.randint(1, 60)))


def random_action(random: Random) -> tx_pb2.Action:
    """Mostly orders near the mark that meet each other, with client ids that collide."""
    market = random.choice((BTC, BTC, b.ETH))
    price = b.MARK_QUANTA[market] + random.randint(-3, 3) * b.TICK_QUANTA[market] * random.choice((1, 1, 1, 1000))
    size, client_id = random.choice((1, 1, 2, 3, 5, 8, 40)), random.choice((1, 2, 3))
    kind = random.random()
    if kind < 0.1:
        return random_terms(random, market, price, size)
    if kind < 0.62:
        return b.place(random.choice((1, 2)), price, size, market=market, client_id=random.choice((0, client_id)),
                       time_in_force=random.choice((1, 1, 1, 1, 2, 3, 3, 4)), reduce_only=random.random() < 0.2,
                       stp=random.randint(0, 3))
    if kind < 0.66:
        return random_combo(random)
    if kind < 0.69:
        return random_block(random)
    if kind < 0.82:
        return b.replace(price, size, client_id=client_id, time_in_force=random.choice((1, 1, 4)))
    if kind < 0.86:
        return random_trigger(random, market, price, size)
    if kind < 0.92:
        return random.choice((b.cancel(client_id=client_id), b.cancel_all(random.choice((0, 1, 2)))))
    return random.choice((b.transfer(random.choice(PEOPLE), random.randint(1, 6_000_000), random.choice((0, 1, 7))),
                          b.withdraw(random.randint(1, 9_000_000)),
                          b.faucet(random.choice(PEOPLE), 8_000_000, random.choice((0, 1)))))


def random_envelopes(random: Random, driver: Driver) -> list[bytes]:
    """A few envelopes; some run out of gas in the middle of a match."""
    made = []
    for _ in range(random.randint(1, 6)):
        actions = [random_action(random) for _ in range(random.randint(1, 7))]
        made.append(driver.envelope(
            random.choice(PEOPLE), *actions, number=random.choice((0, 0, 0, 1)), all_or_nothing=random.random() < 0.5,
            gas_limit=random.choice((20_000_000, 20_000_000, 260_000, 200_000, 230_000))))
    return made


def random_price(random: Random, drivers: tuple[Driver, ...]) -> None:
    """Now and then the next block brings another mark, on all of them."""
    if random.random() < 0.3:
        price = b.MARK_QUANTA[BTC] * random.randint(970, 1030) // 1000
        for driver in drivers:
            driver.mark(price)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_rolled_back_means_never_done(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """BLK-005, BOOK-004: see the module."""
    random = Random(seed)
    state = b.genesis((*PEOPLE, ORACLE), cash_quanta=30_000_000, max_block_gas=10**9)
    drivers = tuple(Driver(state, verify=lambda *_: True) for _ in range(3))
    watched, restarted, forgetful = drivers
    watcher = Watcher(watched, monkeypatch)
    for table in forgetful.chain.ctx.tables.values():
        table.cache_limit = -1
    for height in range(BLOCKS):
        random_price(random, drivers)
        never_decided = watched.next_block(random_envelopes(random, watched))
        watched.chain.finalize(never_decided)
        random_price(random, drivers)
        block = random_envelopes(random, watched)
        if height:
            restarted.restart()
        results = [driver.run(block) for driver in drivers]
        said = [(r.app_hash, r.changes, [(t.code, t.data, t.gas_used, t.events) for t in r.txs]) for r in results]
        assert said[0] == said[1] == said[2]
        assert picture(watched.chain.ctx)[1] == picture(restarted.chain.ctx)[1] == picture(forgetful.chain.ctx)[1]
    assert watcher.rollbacks > 200
    audit(watched.chain.ctx)
    ledger.check(watched.reader)
