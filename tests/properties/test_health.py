"""Nobody who is short of maintenance margin is ever missed, against a scan of all accounts; and what is looked at is
what is within reach.
"""

import json
from random import Random

import pytest

from app.accounts.types import Account, Position
from app.context import Context
from app.genesis import load_genesis
from app.kernel.codec import account_key
from app.margin.health import candidates, file_changes, rebuild
from app.margin.index import HealthIndex
from app.margin.state import account_standing
from app.markets.types import MarginTier
from app.oracle.state import suppose_price
from app.registry import open_context
from app.store.view import DictReader
from tests.helpers import builders as b
from tests.helpers.driver import Driver
from tests.helpers.states import commit_changes
from tests.helpers.trace import mixed_blocks, mixed_genesis
from tests.unit.app.supposing import supposed

MARKETS = (1, 2, 3)
TIERS = (MarginTier(2_000_000_000, 100_000, 60_000), MarginTier(9_000_000_000, 300_000, 200_000))
ASSETS = ({"asset": 1, "symbol": "BTC", "decimals": 8, "haircut_ppm": 100_000, "account_cap_units": 10**7,
           "deposit_cap_units": 10**12, "price_market": 1},
          {"asset": 2, "symbol": "EUR", "decimals": 2, "haircut_ppm": 50_000, "account_cap_units": 10**6,
           "deposit_cap_units": 10**9, "price_quanta": 1_080_000})


class World:
    """Records that change at random, block by block, some of them undone; beside them the index."""

    def __init__(self, seed: int, accounts: int) -> None:
        self.random = Random(seed)
        self.reader = DictReader()
        self.ctx = open_context(self.reader)
        document = json.loads(b.genesis())
        document["markets"].append({**document["markets"][0], "market": 3, "symbol": "BIG", "tiers": [
            tier._asdict() for tier in TIERS]})
        document["assets"] = list(ASSETS)
        load_genesis(self.ctx, "health", json.dumps(document).encode())
        self.keys = [account_key(bytes(20), number) for number in range(accounts)]
        self.commit()

    def commit(self) -> None:
        """As a chain does."""
        file_changes(self.ctx)
        commit_changes(self.ctx, self.reader)

    def short(self) -> list[bytes]:
        """Who is short, by looking at everyone."""
        everyone = ((key, self.ctx.accounts.get(key)) for key in self.keys)
        return [key for key, account in everyone if account and account_standing(self.ctx, account).excess < 0]

    def check(self) -> None:
        """HLTH-001: nobody is missing, with the index as it is and with one made anew; keys ascend."""
        found, short = candidates(self.ctx), self.short()
        assert set(short) <= set(found), "somebody is missed"
        assert found == sorted(set(found))
        kept, self.ctx.health = self.ctx.health, HealthIndex()
        if not self.ctx.accounts.before:  # what is committed is what there is
            rebuild(self.ctx)
            assert set(short) <= set(candidates(self.ctx)), "a fresh index misses somebody"
        self.ctx.health = kept

    def random_account(self) -> Account:
        """Any mixture of positions and assets, more often near its maintenance margin than far."""
        random, ctx = self.random, self.ctx
        account = Account()
        for market in random.sample(MARKETS, random.randint(0, 3)):
            lots = random.choice((-1, 1)) * random.choice((1, 3, 50, 400))
            account.set_position(Position(market, lots, lots * 46_000_000, random.randint(0, 2), 0, 0, 0,
                                          ctx.funding.get(market).index_e9 + random.randint(-10**9, 10**9)))
        account.assets = tuple((asset, random.randint(1, 3 * 10**6)) for asset in (1, 2) if random.random() < 0.3)
        now = account_standing(ctx, account)
        account.cash_quanta = -now.excess + int(now.maintenance * random.choice((0, 0.001, 0.02, 0.3, 2)))
        account.cash_quanta += random.randint(-3, 3)
        return account

    def change(self) -> None:
        """One thing of what can happen in a block."""
        random, ctx = self.random, self.ctx
        market, kind = random.choice(MARKETS), random.random()
        if kind < 0.35:
            ctx.accounts.put(random.choice(self.keys), self.random_account())
        elif kind < 0.45:
            key = random.choice(self.keys)
            if ctx.accounts.get(key) is not None:
                ctx.accounts.edit(key).cash_quanta += random.choice((-1, -500, -10**6, 10**5))
        elif kind < 0.8:
            found = ctx.marks.get(market)
            mark, index = found.price_quanta, found.index_quanta
            moved = mark * (10_000 + random.choice((-1, 1)) * random.choice((1, 10, 100, 900))) // 10_000
            suppose_price(ctx, market, max(1, moved))
            if random.random() < 0.2:  # the mark alone: what collateral is worth follows the index
                ctx.marks.edit(market).index_quanta = index
        elif kind < 0.95:
            ctx.funding.edit(market).index_e9 += random.choice((-1, 1)) * random.choice((1, 10**9, 10**14))
            ctx.forget_risk(market)
        elif kind < 0.97:
            ctx.markets.edit(market).tiers = random.choice(((), TIERS, TIERS[:1]))
            ctx.forget_risk(market)
        elif kind < 0.985:
            record = ctx.markets.edit(market)
            record.quarantine_ends_ns = 0 if record.quarantine_ends_ns else 5
            ctx.forget_risk(market)
        else:
            ctx.assets.edit(random.choice((1, 2))).haircut_ppm = random.choice((50_000, 200_000))


@pytest.mark.parametrize("seed", range(12))
def test_hlth_001_nobody_is_ever_missed(seed: int) -> None:
    """HLTH-001 to HLTH-004: over random accounts, prices, funding, terms, undone blocks and restarts."""
    world = World(seed, accounts=40)
    random = world.random
    looked = held = 0
    for _ in range(80):
        world.ctx.journal.savepoint()
        for _ in range(random.randint(0, 6)):
            world.change()
            if random.random() < 0.3:
                world.check()
        if random.random() < 0.2:
            world.ctx.journal.rollback()
            for table in world.ctx.tables.values():
                table.drop()
        else:
            world.commit()
        world.check()
        looked += len(candidates(world.ctx))
        held += len(world.ctx.health.filed)
        if random.random() < 0.05:
            rebuild(world.ctx)
            world.check()
    assert held and looked


def crowd(ctx: Context, count: int) -> None:
    """Accounts long one market, with excesses from 0.05 % to 50 % of their notional, evenly in steps."""
    mark = ctx.marks.get(1).price_quanta
    for number in range(count):
        lots = 10 + number % 90
        notional = lots * mark
        excess = notional * (5 + 4_995 * number // count) // 10_000
        account = Account(cash_quanta=excess + notional * 3 // 100 - notional)
        account.set_position(Position(1, lots, notional))
        ctx.accounts.put(account_key(bytes(20), number), account)


def test_hlth_002_work_follows_what_is_within_reach() -> None:
    """HLTH-002: a fall of 0.1 %, of 1 % and of 10 % look at those it reaches, and at few more."""
    world = World(0, accounts=0)
    crowd(world.ctx, 5_000)
    world.commit()
    assert candidates(world.ctx) == []
    mark = world.ctx.marks.get(1).price_quanta
    for per_mille, most in ((1, 20), (10, 120), (100, 1_100)):
        world.ctx.journal.savepoint()
        world.ctx.marks.edit(1).price_quanta = mark - mark * per_mille // 1_000
        world.ctx.forget_risk(1)
        found = candidates(world.ctx)
        short = [key for key, account in world.ctx.accounts.live.items()
                 if account_standing(world.ctx, account).excess < 0]
        assert set(short) <= set(found) and len(found) <= most, (per_mille, len(short), len(found))
        world.ctx.journal.rollback()
        world.commit()
    assert candidates(world.ctx) == []


def test_hlth_003_dead_levels_do_not_pile_up() -> None:
    """HLTH-003: an account that changes in every block leaves as many dead levels as there are live ones, and some."""
    world = World(0, accounts=0)
    crowd(world.ctx, 100)
    world.commit()
    key = account_key(bytes(20), 50)
    for _ in range(2_000):
        world.ctx.journal.savepoint()
        world.ctx.accounts.edit(key).cash_quanta -= 10_000_000
        world.ctx.accounts.edit(key).cash_quanta += world.random.choice((0, 20_000_000))
        world.commit()
    assert all(len(heap) <= 64 + 2 * 101 for heap in world.ctx.health.levels.values())
    assert len(world.ctx.health.filed) == 100


def test_hlth_004_new_terms_bring_everyone_near() -> None:
    """HLTH-004: without any price, another bracket can make accounts short: all of the market are looked at once."""
    world = World(0, accounts=0)
    crowd(world.ctx, 100)
    world.commit()
    world.ctx.journal.savepoint()
    world.ctx.markets.edit(1).tiers = (MarginTier(1, 400_000, 300_000),)
    world.ctx.forget_risk(1)
    assert len(candidates(world.ctx)) == 100
    world.commit()
    short = [key for key, account in world.ctx.accounts.live.items() if account_standing(world.ctx, account).excess < 0]
    assert 0 < len(short) < 100
    assert candidates(world.ctx) == sorted(short)


@pytest.mark.parametrize("seed", range(3))
def test_hlth_001_indexes_of_any_age_decide_alike(seed: int) -> None:
    """HLTH-001: one of two chains starts again at random heights and runs blocks twice; they find the same short."""
    random = Random(seed)
    genesis = mixed_genesis(traders=8, breakers=False)
    steady, restless = (Driver(genesis, verify=lambda _key, _message, _signature: True) for _ in range(2))
    marks = dict(b.MARK_QUANTA)
    found_any = False
    for height, txs in enumerate(mixed_blocks(seed, 60), 1):
        if random.random() < 0.4:
            restless.restart()
        if random.random() < 0.4:
            restless.chain.finalize(restless.next_block([]))
        assert steady.run(txs).app_hash == restless.run(txs).app_hash
        if height % 3 == 0:
            marks = {market: quanta * random.randint(500, 1_600) // 1_000 for market, quanta in b.MARK_QUANTA.items()}
        decided = []
        for driver in (steady, restless):
            for market, price in marks.items():
                driver.mark(price, market)
            ctx = driver.chain.ctx
            with supposed(ctx, marks[b.BTC]), supposed(ctx, marks[b.ETH], b.ETH):
                decided.append([key for key in candidates(ctx)
                                if account_standing(ctx, ctx.accounts.get(key)).excess < 0])
        assert decided[0] == decided[1]
        found_any = found_any or bool(decided[0])
    assert found_any
