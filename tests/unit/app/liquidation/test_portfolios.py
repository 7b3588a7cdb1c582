"""Liquidation where positions are margined together: spreads, portfolios, the hedge leg, auctions, reductions."""

from typing import Any

import pytest

from app.accounts.types import Account, Position
from app.book.actions import place
from app.book.match import Taker
from app.book.types import BUY, GOOD_TIL_CANCEL, SELL
from app.breakers.state import trip
from app.breakers.types import CHAIN, STRESS, SYSTEM, Breaker
from app.context import Context
from app.errors import ChainError
from app.events import AccountReduced, HolderReduced, PositionClosed
from app.limits import AUCTION_NS
from app.liquidation import hooks, rules
from app.liquidation.actions import handle_bid_auction
from app.liquidation.close import closing_of
from app.liquidation.hedges import Hedge, hedges, tradable_lots
from app.liquidation.queue import whose_time_it_is
from app.liquidation.reduction import reduce_market, within_looks
from app.liquidation.state import effort, filed_under, margin_freed, positions_by_margin
from app.liquidation.types import Auction
from app.margin.state import account_standing, portfolio_of
from app.margin.types import Standing
from app.markets.holders import holders
from app.markets.state import require_market
from app.markets.types import CALL, PUT, REDUCE_ONLY
from app.portfolio.types import PortfolioTerms
from novation.v1 import tx_pb2
from tests.helpers import builders as b
from tests.helpers.builders import ALICE, BOB, BTC, CAROL, DAVE, Person
from tests.helpers.options import holds, listed, number_of

CALL_300, CALL_460, CALL_500, CALL_600 = (number_of(strike * 1_000_000, CALL) for strike in (300, 460, 500, 600))
PUT_400 = number_of(400_000_000, PUT)


class Town:
    """A fork in which ALICE holds something, BOB the other side, and others quote."""

    def __init__(self, lots: dict[int, int], *, portfolio: bool = False, health_ppm: int = 900_000,
                 **genesis: Any) -> None:
        """ALICE has that share of her maintenance margin as equity."""
        self.ctx: Context = listed(**genesis)
        self.ctx.portfolios.put(1, PortfolioTerms(1))
        self.give(ALICE, lots, portfolio=portfolio)
        self.give(BOB, {market: -held for market, held in lots.items()}, cash=10**12)
        self.ctx.accounts.edit(CAROL.account()).cash_quanta = 10**15
        now = self.standing(ALICE)
        self.ctx.accounts.edit(ALICE.account()).cash_quanta += now.maintenance * health_ppm // 10**6 - now.equity
        self.ctx.events.clear()

    def give(self, person: Person, lots: dict[int, int], *, cash: int = 0, portfolio: bool = False) -> None:
        """A person holds these lots and no others."""
        account = self.ctx.accounts.edit(person.account())
        account.positions.clear()
        account.portfolio = portfolio
        holds(self.ctx, person.account(), lots, cash)
        for market, held in lots.items():
            self.ctx.holders.setdefault(market, {})[person.account()] = None
            if held > 0:
                self.ctx.totals.edit(market).open_interest_lots += held

    def quote(self, person: Person, side: int, price: int, lots: int, market: int) -> None:
        """An order of somebody's."""
        terms = require_market(self.ctx, market)
        place(self.ctx, Taker(person.account(), terms, side, price, lots, GOOD_TIL_CANCEL, False, 0, 0))

    def two_sided(self, market: int, lots: int = 10_000) -> None:
        """CAROL quotes around the mark, a tick away."""
        mark, tick = self.mark(market), require_market(self.ctx, market).tick_quanta
        mark -= mark % tick
        self.quote(CAROL, SELL, mark + tick, lots, market)
        self.quote(CAROL, BUY, mark - tick, lots, market)

    def mark(self, market: int) -> int:
        """The mark of a market."""
        found = self.ctx.marks.get(market)
        assert found is not None
        return found.price_quanta

    def standing(self, person: Person) -> Standing:
        """How a person stands."""
        account = self.ctx.accounts.get(person.account())
        assert account is not None
        return account_standing(self.ctx, account)

    def rows(self, person: Person = ALICE) -> list[int]:
        """The rows of a portfolio on BTC."""
        account = self.ctx.accounts.get(person.account())
        assert account is not None
        return portfolio_of(self.ctx, account).underlyings[0].rows

    def lots(self, person: Person, market: int) -> int:
        """What a person holds."""
        account = self.ctx.accounts.get(person.account())
        assert account is not None
        return account.position(market).lots

    def told(self, kind: type) -> list[Any]:
        """What happened of a kind."""
        return [event for event in self.ctx.events if isinstance(event, kind)]

    @property
    def alice(self) -> Any:
        """ALICE's record."""
        return self.ctx.accounts.get(ALICE.account())

    def money(self) -> int:
        """All cash of accounts and funds."""
        accounts = sum(one.cash_quanta for one in self.ctx.accounts.live.values())
        return accounts + sum(fund.balance_quanta for fund in self.ctx.funds.live.values())


@pytest.mark.parametrize("portfolio", [False, True])
def test_liq_027_what_hedges_frees_nothing(portfolio: bool) -> None:
    """LIQ-027: of a call spread sold, buying the short leg back frees margin, selling the long one does not: it is left
    alone, while there is equity.
    """
    town = Town({CALL_460: -10_000, CALL_500: 10_000}, portfolio=portfolio)
    ctx, key, account = town.ctx, ALICE.account(), town.alice
    short, long = account.position(CALL_460), account.position(CALL_500)
    assert margin_freed(ctx, account, short, short.lots) > 0 == margin_freed(ctx, account, long, long.lots)
    assert [held.market for held in positions_by_margin(ctx, account)] == [CALL_460, CALL_500]
    assert closing_of(ctx, key, long, long.lots, town.standing(ALICE)) is None
    for market in (CALL_460, CALL_500):
        town.two_sided(market, 10_000)
    before = town.standing(ALICE)
    hooks.close_solvent(ctx, key)
    assert town.lots(ALICE, CALL_500) == 10_000 and -10_000 < town.lots(ALICE, CALL_460) < 0
    after = town.standing(ALICE)
    assert after.equity * before.maintenance >= before.equity * after.maintenance and after.excess > before.excess


def test_liq_028_and_029_the_hedge_leg() -> None:
    """LIQ-028, LIQ-029: 100 calls deep in the money are short, nobody quotes them: the chain buys 218 of the 526
    perpetuals that would make the worst row as good as it gets (LIQ-005: 10,000 USD at once). No row's loss is greater.
    """
    town = Town({CALL_300: -100}, portfolio=True)
    town.two_sided(BTC)
    before, rows, money = town.standing(ALICE), town.rows(), town.money()
    assert list(hedges(town.ctx, town.alice)) == [Hedge(CALL_300, -100, 8_324_732_601), Hedge(BTC, -526, 4_355_280_000)]
    assert (before.equity, before.maintenance) == (6_118_007_472, 6_797_786_081)
    fills = hooks.close_solvent(town.ctx, ALICE.account())
    closed, = town.told(PositionClosed)
    assert fills == 1 and (closed.market, closed.lots, closed.hedge) == (BTC, -218, True)
    assert town.lots(ALICE, BTC) == 218 and town.lots(CAROL, BTC) == -218
    after = town.standing(ALICE)
    assert after.maintenance == 5_654_594_081 and after.equity >= after.maintenance
    assert all(rules.is_no_worse(new, old) for new, old in zip(town.rows(), rows, strict=True))
    assert town.rows()[0] == -6_519_692_601 and rows[0] == -8_324_732_601
    assert town.money() == money
    assert town.ctx.auctions.get(ALICE.account()) is None


def test_liq_029_only_what_makes_no_row_worse() -> None:
    """LIQ-029: calls at the money lose when volatility rises, whatever the price does: perpetuals bought against a rise
    would make a fall worse, so there is no such order; buying the calls back is one.
    """
    town = Town({CALL_460: -100}, portfolio=True)
    town.two_sided(BTC)
    assert [one.market for one in hedges(town.ctx, town.alice)] == [CALL_460]
    town.two_sided(CALL_460)
    hooks.close_solvent(town.ctx, ALICE.account())
    closed = town.told(PositionClosed)
    assert {one.market for one in closed} == {CALL_460} and closed[0].hedge and closed[0].lots < 0


def test_liq_028_limits() -> None:
    """LIQ-028: what opens stays within the limits on positions and open interest; a chain or market that only reduces
    lets it close alone.
    """
    town = Town({CALL_300: -100, BTC: -40}, portfolio=True)
    ctx, market = town.ctx, ctx_market(town)
    assert (tradable_lots(ctx, town.alice, market, 1), tradable_lots(ctx, town.alice, market, -1)) == (10**7 + 40,
                                                                                                       10**7 - 40)
    ctx.markets.edit(BTC).max_open_interest_lots = 50
    assert (tradable_lots(ctx, town.alice, ctx_market(town), 1), tradable_lots(ctx, town.alice, ctx_market(town), -1)
            ) == (50, 10)
    ctx.markets.edit(BTC).status = REDUCE_ONLY
    assert (tradable_lots(ctx, town.alice, ctx_market(town), 1), tradable_lots(ctx, town.alice, ctx_market(town), -1)
            ) == (40, 0)
    ctx.markets.edit(BTC).status = 1
    trip(ctx, CHAIN, Breaker(SYSTEM, STRESS, True, ctx.time_ns, 0, 1, 0))
    assert tradable_lots(ctx, town.alice, ctx_market(town), 1) == 40


def ctx_market(town: Town) -> Any:
    """The perpetual as it stands."""
    return require_market(town.ctx, BTC)


def test_liq_029_the_next_best_and_none() -> None:
    """LIQ-028, LIQ-029: an order that nobody takes within its limit leaves the next one its turn; without any the
    account goes on offer as it is.
    """
    town = Town({CALL_300: -100}, portfolio=True)
    far = town.mark(BTC) * 13 // 10
    town.quote(CAROL, SELL, far - far % 500, 1_000, BTC)
    before = town.standing(ALICE)
    assert hooks.close_solvent(town.ctx, ALICE.account()) == 0
    assert town.standing(ALICE) == before and town.ctx.auctions.get(ALICE.account()) is not None


def bid(town: Town, bidder: Person, fraction_ppm: int = 10**6) -> tx_pb2.ActionResult:
    """Half of the auction is over."""
    town.ctx.auctions.put(ALICE.account(), Auction(town.ctx.time_ns - AUCTION_NS // 2))
    return handle_bid_auction(town.ctx, bidder.account(), b.bid(ALICE, fraction_ppm).bid_auction)


def test_marg_020_a_bidder_has_room_for_the_markets(monkeypatch: pytest.MonkeyPatch) -> None:
    """MARG-020: who bids takes part of every leg, and may be in no more markets than anybody."""
    town = Town({CALL_460: -10_000, CALL_500: 10_000}, health_ppm=800_000)
    town.give(DAVE, {}, cash=10**13)
    monkeypatch.setattr("app.clearing.state.MAX_ACCOUNT_MARKETS", 1)
    with pytest.raises(ChainError) as raised:
        bid(town, DAVE)
    assert raised.value.code.reason == "MARGIN_MARKETS"


@pytest.mark.parametrize("portfolio", [False, True])
def test_liq_030_a_fraction_of_the_whole_book(portfolio: bool) -> None:
    """LIQ-030, LIQ-013: the same fraction of every leg goes to a bidder, margin falls by at least that fraction, and
    the account is restored to its target.
    """
    book = {CALL_460: -10_000, CALL_500: 10_000, BTC: 3_000, PUT_400: -5_000}
    town = Town(book, portfolio=portfolio, health_ppm=800_000)
    town.give(DAVE, {}, cash=10**13, portfolio=portfolio)
    before, money = town.standing(ALICE), town.money()
    bid(town, DAVE)
    after = town.standing(ALICE)
    fraction = rules.restoring_fraction(before.equity, before.maintenance, 500_000)
    for market, lots in book.items():
        assert town.lots(DAVE, market) == rules.lots_of_fraction(lots, fraction) == lots - town.lots(ALICE, market)
    assert before.maintenance - after.maintenance >= before.maintenance * fraction // 10**6 - 2
    assert after.equity >= rules.target(after.maintenance) - 2
    assert after.equity * before.maintenance >= before.equity * after.maintenance and town.money() == money


def test_liq_030_rounded_lots_that_free_nothing() -> None:
    """LIQ-030: a tenth of ten calls short and of those held against them, rounded up, is one of each: what is left asks
    for more. So a fifth is taken; who would not have so much is told.
    """
    town = Town({CALL_460: -10, CALL_500: 2, CALL_600: 8}, health_ppm=990_000, portfolio=True)
    town.give(DAVE, {}, cash=10**13)
    taken = {market: rules.lots_of_fraction(lots, 100_000) for market, lots in
             ((CALL_460, -10), (CALL_500, 2), (CALL_600, 8))}
    assert taken == {CALL_460: -1, CALL_500: 1, CALL_600: 1}
    before = town.standing(ALICE)
    with pytest.raises(ChainError, match="AUCTION_FRACTION") as refused:
        bid(town, DAVE, 100_000)
    assert refused.value.metadata["least_fraction_ppm"] == "200000"
    bid(town, DAVE, 200_000)
    after = town.standing(ALICE)
    assert [town.lots(DAVE, market) for market in taken] == [-2, 1, 2]
    assert before.maintenance - after.maintenance == 14_559_515 and after.excess > before.excess


def test_liq_031_a_hedged_winner_is_not_made_short() -> None:
    """LIQ-031: DAVE's futures won, and hedge the calls that he sold: he does without as many as leave half of his
    excess; the others are closed against who holds them for nothing else.
    """
    assert rules.bearable_lots(100, 60, 70) == rules.bearable_lots(100, 60, 30) == 100
    assert rules.bearable_lots(100, 60, -240) == 10 and rules.bearable_lots(100, 0, -1) == 0
    town = Town({BTC: -2_000}, health_ppm=-100_000)
    town.give(BOB, {BTC: 1_000}, cash=10**12)
    town.give(DAVE, {BTC: 1_000, CALL_300: -100}, portfolio=True)
    now = town.standing(DAVE)
    town.ctx.accounts.edit(DAVE.account()).cash_quanta += now.maintenance * 11 // 10 - now.equity
    for person in (BOB, DAVE):
        account = town.ctx.accounts.edit(person.account())
        held = account.position(BTC)
        account.set_position(Position(BTC, held.lots, held.entry_quanta - 10**9))
    assert set(holders(town.ctx, BTC, 1)) == {BOB.account(), DAVE.account()}
    reduce_market(town.ctx, BTC, {(ALICE.account(), BTC): 0})
    assert town.standing(DAVE).excess >= 0 and 0 < town.lots(DAVE, BTC) < 1_000
    reduced = town.told(AccountReduced)
    assert len(reduced) == 1 and {one.account for one in town.told(HolderReduced)} == {BOB.account(), DAVE.account()}


def test_liq_032_whoever_takes_longer_counts_more() -> None:
    """LIQ-032: looks are counted by positions; the queue is that of the largest position at the index."""
    assert [rules.looks_for(positions) for positions in (1, 4, 10, 64)] == [5, 17, 41, 257]
    town = Town({CALL_460: -10, CALL_500: 10, CALL_600: 10, BTC: 1})
    assert effort(town.alice) == 17 and filed_under(town.ctx, town.alice) == CALL_460
    now = town.standing(ALICE)
    queue = [(ALICE.account(), now), (ALICE.account(), now), (ALICE.account(), now)]
    looked, _, _ = hooks.close_queue(town.ctx, queue, (10, 100, 100), {})
    assert looked == 17
    town.give(DAVE, {BTC: 3, 2: 9})
    account = town.ctx.accounts.get(DAVE.account())
    assert account is not None and effort(account) == 1 and filed_under(town.ctx, account) == 2


def test_liq_032_only_the_largest_positions_are_closed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """LIQ-032: without equity a block closes as many of its positions as its largest are, the next block others."""
    monkeypatch.setattr("app.liquidation.hooks.WHOLE_HELD", 2)
    town = Town({CALL_460: -1_000, CALL_500: 900, CALL_600: 800}, health_ppm=-300_000)
    owed, money = -town.standing(ALICE).equity, town.money()
    for held in (1, 0):
        left: dict[tuple[bytes, int], int] = {}
        hooks.close_insolvent(town.ctx, ALICE.account(), left)
        assert len(left) == 1 + held
        hooks.reduce_all(town.ctx, left)
        assert len(town.alice.positions) == held
    assert sum(one.deficit_quanta for one in town.told(AccountReduced)) == owed and town.money() == money


def test_liq_032_holders_of_much_else_count_for_more() -> None:
    """LIQ-032: in a reduction BOB, with four positions, counts for 17 holders, DAVE, with BTC alone, for one."""
    town = Town({CALL_460: -10, CALL_500: 10, CALL_600: 10, BTC: 1})
    town.give(DAVE, {BTC: -1}, cash=10**12)
    assert reduce_market(town.ctx, BTC, {(ALICE.account(), BTC): 0}) == 18


def test_liq_019_holders_of_much_else_are_fewer_at_once() -> None:
    """LIQ-019, LIQ-032: BOB, who counts for 17, and DAVE, who counts for one, are asked together when 18 may be."""
    town = Town({CALL_460: -10, CALL_500: 10, CALL_600: 10, BTC: 1})
    town.give(DAVE, {BTC: -1}, cash=10**12)
    keys = [BOB.account(), DAVE.account()]
    asked = [within_looks(town.ctx, keys, most) for most in (1, 17, 18)]
    assert asked == [(1, 17), (1, 17), (2, 18)] and within_looks(town.ctx, [], 1) == (0, 0)


def test_liq_032_a_block_has_time_for_some_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """LIQ-032: each in a queue of its own, they share the looks of a block all the same: the worst and one in turn;
    those on offer come last, and who is margined market by market waits for nobody.
    """
    monkeypatch.setattr("app.liquidation.queue.WHOLE_LOOKS", 18)
    town = Town({CALL_460: -10, CALL_500: 10})
    others = [Person(f"other {number}") for number in range(3)]
    for person, market in zip(others, (CALL_500, CALL_600, PUT_400), strict=True):
        town.ctx.accounts.put(person.account(), Account(10**6))
        town.give(person, {market: -10, BTC: 1})
    town.give(DAVE, {BTC: 1})
    people = [ALICE, DAVE, *others]
    short = [(person.account(), Standing(1, 0, 2)) for person in people]
    seen = set()
    for _ in range(3):
        chosen = whose_time_it_is(town.ctx, short)
        assert [one for one in short if one in chosen] == chosen
        assert len(chosen) == 3 and chosen[:2] == short[:2]
        seen |= {key for key, _ in chosen}
        town.ctx.height += 1
    assert seen == {key for key, _ in short}
    town.ctx.auctions.put(ALICE.account(), Auction(town.ctx.time_ns))
    assert whose_time_it_is(town.ctx, short)[:2] == short[1:3]
    monkeypatch.setattr("app.liquidation.queue.WHOLE_LOOKS", 36)
    assert whose_time_it_is(town.ctx, short) == short


@pytest.mark.parametrize("portfolio", [False, True])
def test_liq_027_what_is_missing_is_made_up_once(portfolio: bool) -> None:
    """LIQ-027, LIQ-016: a spread without equity: its legs are closed one after the other, and their deficits are
    together what it owed.
    """
    town = Town({CALL_460: -1_000, CALL_500: 1_000}, portfolio=portfolio, health_ppm=-300_000)
    owed, money = -town.standing(ALICE).equity, town.money()
    assert owed > 0
    left: dict[tuple[bytes, int], int] = {}
    hooks.close_insolvent(town.ctx, ALICE.account(), left)
    assert set(left) == {(ALICE.account(), CALL_460), (ALICE.account(), CALL_500)}
    hooks.reduce_all(town.ctx, left)
    reduced = town.told(AccountReduced)
    assert sum(one.deficit_quanta for one in reduced) == owed and len(reduced) == 2
    assert town.alice.positions == {} and town.standing(ALICE).equity == 0 and town.money() == money
