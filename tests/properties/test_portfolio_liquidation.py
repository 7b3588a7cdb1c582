"""What liquidation rests on where positions are margined together, and what its hedge leg keeps, for any book."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from app.accounts.types import Account, Position
from app.book.actions import place
from app.book.match import Taker
from app.book.types import BUY, GOOD_TIL_CANCEL, SELL
from app.context import Context
from app.errors import ChainError
from app.liquidation import rules
from app.liquidation.hedges import hedge_on_book, hedges
from app.margin.state import account_standing, portfolio_of
from app.markets.state import require_market
from app.markets.types import CALL, PUT
from app.portfolio.types import PortfolioTerms
from tests.helpers.builders import ALICE, BTC, CAROL, ETH
from tests.helpers.options import FORTNIGHT_S, MONTH_S, STRIKES, listed, number_of

SERIES = tuple(number_of(strike, right, expiry) for strike in STRIKES for right in (CALL, PUT)
               for expiry in (FORTNIGHT_S, MONTH_S))
KEY = ALICE.account()
lots = st.one_of(st.integers(-20, 20), st.integers(-5_000, 5_000)).filter(bool)
books = st.dictionaries(st.sampled_from((*SERIES, BTC, BTC, ETH)), lots, min_size=1, max_size=7)


@cache
def ground() -> Context:
    """A fork with options; every example takes back what it does to it."""
    ctx = listed()
    for feed in (1, 2):
        ctx.portfolios.put(feed, PortfolioTerms(feed))
    ctx.params.offset_cap_quanta = 10**9
    ctx.accounts.edit(CAROL.account()).cash_quanta = 10**16
    return ctx


@contextmanager
def trial(held: dict[int, int], *, portfolio: bool = True) -> Iterator[tuple[Context, Account]]:
    """ALICE holds this and nothing else, for a while."""
    ctx = ground()
    ctx.journal.savepoint()
    try:
        account = ctx.accounts.edit(KEY)
        account.positions, account.portfolio, account.cash_quanta = {}, portfolio, 10**15
        for market, size in held.items():
            account.set_position(Position(market, size))
        yield ctx, account
    finally:
        ctx.journal.rollback()


def kept(ctx: Context, held: dict[int, int], *, portfolio: bool) -> int:
    """The maintenance margin of a book."""
    account = Account(portfolio=portfolio)
    for market, size in held.items():
        account.set_position(Position(market, size))
    return account_standing(ctx, account).maintenance


@settings(max_examples=80, deadline=None)
@given(books, st.integers(1, 9), st.booleans())
def test_margins_are_proportional_but_for_caps(held: dict[int, int], tenths: int, portfolio: bool) -> None:
    """LIQ-030: what is left of a book asks for no more than its part of the margin, a cap on credits included, to a few
    quanta for each position.
    """
    with trial(held) as (ctx, _):
        ten = {market: 10 * size for market, size in held.items()}
        part = {market: tenths * size for market, size in held.items()}
        spare = 3 * len(held) + 40
        assert kept(ctx, part, portfolio=portfolio) <= kept(ctx, ten, portfolio=portfolio) * tenths // 10 + spare


@settings(max_examples=80, deadline=None)
@given(books, st.sampled_from((*SERIES, BTC, ETH)), lots, st.integers(0, 10))
def test_margins_of_portfolios_are_convex(held: dict[int, int], market: int, size: int, tenths: int) -> None:
    """LIQ-027, LIQ-029: part of an order frees at least its part of what all of it does; rows are concave."""
    with trial(held) as (ctx, account):
        asked, found = [], []
        for part in (0, tenths, 10):
            there = account.copy()
            there.set_position(Position(market, held.get(market, 0) + part * size))
            asked.append(account_standing(ctx, there).maintenance)
            found.append({one.feed: one.rows for one in portfolio_of(ctx, there).underlyings})
        assert asked[1] * 10 <= asked[0] * (10 - tenths) + asked[2] * tenths + 10 * 40
        for feed, rows in found[1].items():
            nothing = [0] * len(rows)
            ends = zip(found[0].get(feed, nothing), found[2].get(feed, nothing), rows, strict=True)
            assert all(now >= rules.row_after(one, two, tenths, 10) - 2 for one, two, now in ends)


@settings(max_examples=120, deadline=None)
@given(books, st.integers(100_000, 999_999),
       st.lists(st.tuples(st.integers(0, 7), st.integers(-30, 30).filter(bool), st.integers(1, 4_000)), max_size=12))
def test_a_hedge_leg_makes_no_row_worse(held: dict[int, int], health_ppm: int,
                                        quotes: list[tuple[int, int, int]]) -> None:
    """LIQ-028: whatever is quoted, and however little of the order fills, no row's loss is greater afterwards, the
    maintenance margin is lower, and health no worse.
    """
    with trial(held) as (ctx, _):
        for place_in, away, size in quotes:
            market = [BTC, *held][place_in % (len(held) + 1)]
            mark, terms = ctx.marks.get(market), require_market(ctx, market)
            assert mark is not None
            price = mark.price_quanta * (1_000 + away) // 1_000
            price = max(terms.tick_quanta, price - price % terms.tick_quanta)
            try:
                side = SELL if away > 0 else BUY
                place(ctx, Taker(CAROL.account(), terms, side, price, size, GOOD_TIL_CANCEL, False, 0, 0))
            except ChainError:
                continue
        account = ctx.accounts.edit(KEY)
        before = account_standing(ctx, account)
        account.cash_quanta += before.maintenance * health_ppm // 10**6 - before.equity
        before, rows = account_standing(ctx, account), portfolio_of(ctx, account).underlyings
        for one in hedges(ctx, account):
            assert one.gain_quanta > 0 and one.lots
        if not 0 < before.equity < before.maintenance:
            return
        fills = hedge_on_book(ctx, KEY, before)
        there = ctx.accounts.get(KEY)
        assert there is not None
        after = account_standing(ctx, there)
        if not fills:
            assert after == before
            return
        assert after.maintenance < before.maintenance and after.excess > before.excess
        assert after.equity * before.maintenance >= before.equity * after.maintenance
        was = {one.feed: one.rows for one in rows}
        for one in portfolio_of(ctx, there).underlyings:
            old = was.get(one.feed, [0] * len(one.rows))
            assert all(new >= min(profit, 0) for new, profit in zip(one.rows, old, strict=True))
