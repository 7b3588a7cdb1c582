"""Nobody with options or in portfolio margin who is short is ever missed, and who is far away is not looked at."""

from dataclasses import replace
from random import Random

import pytest

from app.accounts.types import Account, Position
from app.collateral.types import Asset
from app.kernel.codec import account_key
from app.limits import MAX_PRICE_QUANTA, SETTLEMENT_WINDOW_NS
from app.margin.health import candidates, file_changes, rebuild
from app.margin.state import account_standing
from app.markets.state import set_status
from app.markets.types import ACTIVE, CALL, PUT, SETTLING
from app.marks.state import mark_series
from app.oracle.rules import index_price
from app.oracle.state import suppose_price
from app.oracle.types import Surface
from app.portfolio.hooks import move_anchors
from app.portfolio.types import PortfolioTerms
from app.settlement.state import begin_closing
from app.settlement.types import Settlement
from app.store.view import DictReader
from app.surface.state import expiry_key
from tests.helpers.options import FORTNIGHT_S, MONTH_S, STRIKES, listed, number_of
from tests.helpers.states import commit_changes

SERIES = [number_of(strike, right, expiry) for strike in STRIKES for right in (CALL, PUT)
          for expiry in (FORTNIGHT_S, MONTH_S)]
LINEAR = (1, 2)


class World:
    """Records that change at random, as blocks change them; beside them the index."""

    def __init__(self, seed: int, accounts: int, *, anywhen: bool = False) -> None:
        self.random, self.ctx, self.reader = Random(seed), listed(), DictReader()
        self.reader.write(dict(self.ctx.reader.scan(b"")))
        for table in self.ctx.tables.values():
            table.reader = self.reader
        self.ctx.portfolios.put(1, PortfolioTerms(1))
        if self.random.random() < 0.5:
            self.ctx.portfolios.put(2, PortfolioTerms(2))
        self.ctx.params.offset_cap_quanta = self.random.choice((0, 10**8, 10**13))
        self.ctx.assets.put(1, Asset(1, "WBTC", 8, 100_000, 10**12, 10**15, price_market=1, units_a_price=100_000))
        if anywhen and self.random.random() < 0.4:  # around the settlement window of the first expiry
            self.ctx.time_ns = FORTNIGHT_S * 10**9 - self.random.choice((32, 25, 2)) * 60 * 10**9
            self.fix()
            self.move_price(1, 0)
        self.keys = [account_key(bytes(20), number) for number in range(accounts)]
        move_anchors(self.ctx)
        self.commit()

    def commit(self) -> None:
        """As a chain does."""
        file_changes(self.ctx)
        commit_changes(self.ctx, self.reader)

    def fix(self) -> None:
        """What has passed of the window, near the index, is fixed."""
        covered = min(SETTLEMENT_WINDOW_NS, self.ctx.time_ns - (FORTNIGHT_S * 10**9 - SETTLEMENT_WINDOW_NS))
        feed = self.ctx.feeds.get(1)
        if covered > 0 and feed is not None:
            weighted = covered * feed.price * self.random.randint(970, 1_030) // 1_000
            self.ctx.fixings.put(expiry_key(1, FORTNIGHT_S), Settlement(FORTNIGHT_S * 10**9, covered, weighted))

    def check(self) -> None:
        """Everybody who is short is among the candidates."""
        found = set(candidates(self.ctx))
        for key in self.keys:
            account = self.ctx.accounts.get(key)
            if account is not None and account_standing(self.ctx, account).excess < 0:
                assert key in found, "somebody is missed"

    def random_account(self) -> Account:
        """Any mixture, in either mode, more often near its maintenance margin than far."""
        random, ctx = self.random, self.ctx
        account = Account(portfolio=random.random() < 0.5)
        for market in random.sample(SERIES, random.randint(1, 4)) + random.sample(LINEAR, random.randint(0, 2)):
            lots = random.choice((-1, 1)) * random.choice((1, 3, 50))
            account.set_position(Position(market, lots, 0, random.randint(0, 2)))
        if random.random() < 0.3:
            account.set_units(1, random.choice((1, 10**6, 10**9)))
        now = account_standing(ctx, account)
        account.cash_quanta = -now.excess + int(now.maintenance * random.choice((0, 0.001, 0.02, 0.3, 2)))
        return account

    def move_price(self, feed: int, ppm: int) -> None:
        """A feed moves, and what follows it; marks of linear markets not quite as much."""
        ctx = self.ctx
        record = ctx.feeds.edit(feed)
        record.price = max(1, record.price * (10**6 + ppm) // 10**6)
        for number in [feed, *(SERIES if feed == 1 else ())]:
            market, mark = ctx.markets.get(number), ctx.marks.edit(number)
            mark.index_quanta = index_price(
                record.price, market.index_multiplier, market.index_divisor, MAX_PRICE_QUANTA)
            if number in SERIES:
                mark_series({}, ctx, number)
                ctx.forget_risk(number)
            else:
                moved = mark.price_quanta * (10**6 + ppm + self.random.randint(-500, 500)) // 10**6
                suppose_price(ctx, number, max(1, moved))

    def change(self) -> None:
        """One thing of what can happen in a block."""
        random, ctx, kind = self.random, self.ctx, self.random.random()
        if kind < 0.3:
            ctx.accounts.put(random.choice(self.keys), self.random_account())
        elif kind < 0.35:
            key = random.choice(self.keys)
            if ctx.accounts.get(key) is not None:
                ctx.accounts.edit(key).cash_quanta += random.choice((-1, -500, -10**6, 10**5))
        elif kind < 0.75:
            self.move_price(random.choice(LINEAR), random.choice((-1, 1)) * random.choice((1, 50, 800, 9_000, 60_000)))
        elif kind < 0.85:
            factor = random.choice((900, 995, 1_003, 1_200))
            surface = ctx.surfaces.get(1)
            ctx.surfaces.put(1, Surface(tuple(one._replace(variances_e9=tuple(
                part * factor // 1_000 for part in one.variances_e9)) for one in surface.pillars)))
            self.move_price(1, 0)
        elif kind < 0.95:
            near = ctx.time_ns > FORTNIGHT_S * 10**9 - 10**13
            left = max(0, FORTNIGHT_S * 10**9 - ctx.time_ns)
            ctx.time_ns += min(random.choice((10**9, 10**10, 10**11)), left) if near else random.choice((10**9, 10**13))
            self.fix()
            self.move_price(1, 0)
        elif kind < 0.955:
            number = random.choice((*SERIES, *LINEAR))
            ctx.markets.edit(number).quarantine(ctx.time_ns + 10**15, sealed=False)
            ctx.forget_risk(number)
        elif kind < 0.97:
            set_status(ctx, random.choice(SERIES), random.choice((ACTIVE, SETTLING)), 0)
        else:
            ctx.funding.edit(1).index_e9 += random.choice((-1, 1)) * random.choice((1, 10**9, 10**14))
            ctx.forget_risk(1)


@pytest.mark.parametrize("seed", range(8))
def test_hlth_005_nobody_is_ever_missed(seed: int) -> None:
    """HLTH-001, HLTH-004, HLTH-005: over prices, volatility, time, the settlement window, funding, quarantines,
    collateral, undone blocks and fresh indexes.
    """
    world = World(seed, accounts=25, anywhen=True)
    random, filed = world.random, 0
    for _ in range(50):
        world.ctx.journal.savepoint()
        for _ in range(random.randint(0, 4)):
            world.change()
        if random.random() < 0.7:
            move_anchors(world.ctx)
        world.check()
        if random.random() < 0.2:
            world.ctx.journal.rollback()
            for table in world.ctx.tables.values():
                table.drop()
        else:
            world.commit()
        world.check()
        filed += len(world.ctx.health.filed)
        if random.random() < 0.05:
            rebuild(world.ctx)
            world.check()
    assert filed


@pytest.mark.parametrize("quarantined", [False, True])
@pytest.mark.parametrize("portfolio", [False, True])
def test_hlth_004_what_settles_hedges_nothing(portfolio: bool, quarantined: bool) -> None:
    """HLTH-004, MARG-019, CMP-005: of a spread of two strikes, or of two expiries, the long leg gets its mark as its
    settlement price, or goes into quarantine: who holds it is short then, and a candidate although nothing moved.
    """
    world = World(1, accounts=1)
    ctx, key = world.ctx, world.keys[0]
    bought = number_of(460_000_000, CALL)
    sold = number_of(460_000_000, CALL, MONTH_S) if portfolio else number_of(500_000_000, CALL)
    account = Account(portfolio=portfolio)
    account.set_position(Position(bought, 10))
    account.set_position(Position(sold, -10))
    account.cash_quanta = 50_000_000 - account_standing(ctx, account).excess
    ctx.accounts.put(key, account)
    world.commit()
    assert key not in candidates(ctx)
    mark = ctx.marks.get(bought)
    assert mark is not None
    if quarantined:
        ctx.markets.edit(bought).quarantine(ctx.time_ns + 10**15, sealed=False)
        ctx.forget_risk(bought)
    else:
        ctx.settlements.put(bought, Settlement(ctx.time_ns))
        begin_closing(ctx, bought, ctx.settlements.edit(bought), mark.price_quanta)
    assert account_standing(ctx, account).excess < 0
    world.check()


def test_hlth_003_another_mode_is_filed_anew() -> None:
    """HLTH-003, MARG-018: a calendar spread asks for more in standard margin; who went back to that is met by a move
    that would not have reached the portfolio.
    """
    world = World(1, accounts=1)
    ctx, key = world.ctx, world.keys[0]
    account = Account(portfolio=True)
    account.set_position(Position(number_of(460_000_000, CALL), 10))
    account.set_position(Position(number_of(460_000_000, CALL, MONTH_S), -10))
    standard = account_standing(ctx, replace(account, portfolio=False))
    account.cash_quanta = standard.maintenance - standard.equity + 5_000
    ctx.accounts.put(key, account)
    world.commit()
    ctx.accounts.edit(key).portfolio = False
    world.commit()
    world.move_price(1, 300)
    now = ctx.accounts.get(key)
    assert now is not None and account_standing(ctx, now).excess < 0 < account_standing(
        ctx, replace(now, portfolio=True)).excess
    world.check()


def test_hlth_005_only_who_is_within_reach() -> None:
    """HLTH-005: a thousandth of the price does not reach accounts with half of their margin to spare, whether anchors
    move or not; a tenth does; and anchors that go a fivehundredth there and back often enough.
    """
    world = World(1, accounts=2)
    ctx = world.ctx
    for key, portfolio in zip(world.keys, (False, True), strict=True):
        account = Account(portfolio=portfolio)
        account.set_position(Position(number_of(460_000_000, CALL), -10))
        now = account_standing(ctx, account)
        account.cash_quanta = now.maintenance * 3 // 2 - now.equity
        ctx.accounts.put(key, account)
    world.commit()
    assert candidates(ctx) == []
    world.move_price(1, 500)
    move_anchors(ctx)
    assert candidates(ctx) == []
    world.move_price(1, 1_000)
    move_anchors(ctx)
    assert candidates(ctx) == []
    moves = 0
    while moves < 100 and world.keys[1] not in candidates(ctx):
        world.move_price(1, -2_000 if moves % 2 else 2_000)
        move_anchors(ctx)
        moves += 1
    assert 3 < moves < 100
    world.move_price(1, 100_000)
    assert candidates(ctx) == world.keys
