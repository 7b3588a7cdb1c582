"""RISK-010 to RISK-012: what an account makes in every row of portfolio margin, beside what margin counts of it."""

from random import Random

import pytest

from app.context import Context
from app.kernel.integers import PPM
from app.margin.spans import short_spans
from app.margin.state import account_standing, portfolio_of
from app.margin.suppose import Move, markets_of, suppose_move
from app.margin.tails import ABSOLUTE_SKEW, BASIS, GRID, SKEW, Tail, shortfall, tails
from app.markets.types import CALL, PUT
from app.portfolio.hooks import move_anchors
from app.portfolio.rules import STEADY
from app.portfolio.types import DEFAULT, PortfolioTerms
from app.questions import Question, account_risk, ask
from novation.v1 import tx_pb2
from tests.helpers.builders import ALICE, BTC, ETH
from tests.helpers.options import FORTNIGHT_S, MONTH_S, STRIKES, holds, listed, number_of

KEY = ALICE.account()
NUMBERS = [number_of(strike, right, expiry) for strike in STRIKES for right in (CALL, PUT)
           for expiry in (FORTNIGHT_S, MONTH_S)]


def chain(terms: bool = True) -> Context:
    """A fork with options; both underlyings have terms of portfolio margin, or none has."""
    ctx = listed()
    for feed in (1, 2) if terms else ():
        ctx.portfolios.put(feed, PortfolioTerms(feed))
    move_anchors(ctx)
    return ctx


def of(ctx: Context) -> list[Tail]:
    account = ctx.accounts.get(KEY)
    assert account is not None
    return tails(ctx, account)


def test_risk_010_worked_numbers() -> None:
    """RISK-010, RISK-011: 50 lots of the perpetual sold at 46,000, with terms or without."""
    for terms in (True, False):
        ctx = chain(terms)
        holds(ctx, KEY, {BTC: -50}, 10**10)
        [tail] = of(ctx)
        worst, far = tail.rows[tail.worst_row], tail.rows[30]
        assert (tail.feed, len(tail.rows), worst.price_ppm, worst.weighted) == (1, 34, 180_000, -414_000_000)
        assert (far.price_ppm, far.weight_ppm, far.unweighted, far.weighted) == (
            5 * PPM, 27_720, -11_500_000_000, -318_780_000)
        assert (tail.parts, tail.rest) == ([(BTC, -414_000_000)], 0)
        assert (tail.shortfall, tail.weighted_shortfall) == (-4_546_812_500, -329_647_500)
        assert [row.kind for row in tail.rows[30:]] == [GRID, SKEW, ABSOLUTE_SKEW, BASIS]


def test_risk_011_the_worst_quarter() -> None:
    """RISK-011: of five rows two, of four one; rounded down."""
    assert [shortfall(rows) for rows in ([5, -3, 0, -4, 9], [5, -3, 0, 1], [7])] == [-4, -3, 7]


@pytest.mark.parametrize("seed", range(6))
def test_risk_010_rows_are_the_margins(seed: int) -> None:
    """RISK-010: what margin counts is what margin is made of; parts with the rest are the row, whichever is worst."""
    chance, ctx = Random(seed), chain()
    lots = {number: chance.choice((-9, -4, 2, 5)) for number in chance.sample(NUMBERS, 5)}
    holds(ctx, KEY, {BTC: chance.randrange(-300, 300), ETH: chance.randrange(-300, 300), **lots}, 10**10)
    together, *each = of(ctx)
    report = portfolio_of(ctx, ctx.accounts.get(KEY))
    assert [[row.weighted for row in tail.rows] for tail in each] == [one.rows for one in report.underlyings]
    assert [row.weighted for row in together.rows] == [
        sum(rows) for rows in zip(*(one.rows for one in report.underlyings), strict=True)]
    for tail in (together, *each):
        worst = tail.rows[tail.worst_row]
        assert worst.weighted == min(row.weighted for row in tail.rows)
        assert worst.weighted == sum(part for _, part in tail.parts) + tail.rest
        assert tail.shortfall <= sum(row.unweighted for row in tail.rows[:31]) // 31
    assert sorted(market for market, _ in together.parts) == sorted([BTC, ETH, *lots])


@pytest.mark.parametrize(("lots", "kind"), [
    ({number_of(STRIKES[0], PUT): 200, number_of(STRIKES[4], CALL): -200}, SKEW),
    ({number_of(STRIKES[2], CALL): -10, number_of(STRIKES[2], CALL, MONTH_S): 10}, BASIS)])
def test_risk_010_parts_of_skew_and_basis(lots: dict[int, int], kind: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """RISK-010: with a grid of one quiet row the skew, or the basis, is worst; its parts add up to it."""
    ctx = chain()
    quiet = DEFAULT._replace(rows=tuple(row._replace(weight_ppm=PPM if row.spot_ppm == 0 else 0) for row in DEFAULT.rows
                                        if row.volatility == STEADY), long_ppm=PPM, long_year_ppm=0)
    if kind == SKEW:
        quiet = quiet._replace(basis_ppm=0, basis_year_ppm=0)
    ctx.portfolios.put(1, PortfolioTerms(1, quiet))
    holds(ctx, KEY, lots, 10**10)
    [tail] = of(ctx)
    worst = tail.rows[tail.worst_row]
    assert worst.kind == kind and worst.weighted < 0
    assert worst.unweighted == worst.weighted == sum(part for _, part in tail.parts) + tail.rest
    assert abs(tail.rest) <= 2 * len(lots)


def test_risk_010_steady_rows_are_moves() -> None:
    """RISK-010: a row in which volatility stays makes what the same move of the underlying makes (RISK-005), up to the
    rounding of marks.
    """
    ctx = chain()
    lots = {NUMBERS[2]: 7, NUMBERS[5]: -4, NUMBERS[9]: 3, NUMBERS[14]: -6}
    holds(ctx, KEY, {BTC: 90, **lots}, 10**10)
    before, [tail] = account_standing(ctx, ctx.accounts.get(KEY)).equity, of(ctx)
    steady = [row for row in tail.rows if row.kind == GRID and row.volatility == STEADY]
    assert len(steady) == 7
    for row in steady:
        ctx.journal.savepoint()
        suppose_move(ctx, Move(1, row.price_ppm), markets_of(ctx, ctx.accounts.get(KEY)))
        made = account_standing(ctx, ctx.accounts.get(KEY)).equity - before
        ctx.journal.rollback()
        assert row.unweighted == pytest.approx(made, abs=120)


def test_risk_005_anchors_follow() -> None:
    """RISK-005: after a move a portfolio is margined on the curves of then: moving anchors on changes nothing more."""
    ctx = chain()
    holds(ctx, KEY, {BTC: 200, NUMBERS[2]: -5, NUMBERS[9]: 4}, 10**10)
    ctx.accounts.edit(KEY).portfolio = True
    before = account_standing(ctx, ctx.accounts.get(KEY))
    suppose_move(ctx, Move(1, 120_000, 250_000), markets_of(ctx, ctx.accounts.get(KEY)))
    moved = account_standing(ctx, ctx.accounts.get(KEY))
    move_anchors(ctx)
    assert moved == account_standing(ctx, ctx.accounts.get(KEY)) != before


def test_risk_006_short_in_the_middle() -> None:
    """RISK-006: a straddle held on credit, in portfolio margin, is short around its strike and nowhere else."""
    ctx = chain()
    strike = STRIKES[2]
    straddle = {number_of(strike, CALL, MONTH_S): 10, number_of(strike, PUT, MONTH_S): 10}
    holds(ctx, KEY, straddle, -700_000_000)
    ctx.accounts.edit(KEY).portfolio = True
    [middle] = short_spans(ctx, ctx.accounts.get(KEY), 1)
    assert middle.lower is not None and middle.upper is not None and middle.lower < strike // 10 < middle.upper
    for price, short in ((middle.lower - 1, False), (middle.lower, True), (middle.upper, True),
                         (middle.upper + 1, False)):
        ctx.journal.savepoint()
        ctx.feeds.edit(1).price = price
        for market in straddle:
            suppose_move(ctx, Move(1), [market])
        assert (account_standing(ctx, ctx.accounts.get(KEY)).excess < 0) == short
        ctx.journal.rollback()


def test_risk_012_both_modes() -> None:
    """RISK-012: side by side; without terms there is no portfolio margin; a mode may be supposed."""
    ctx = chain()
    holds(ctx, KEY, {BTC: 100, NUMBERS[9]: 5}, 10**10)
    risk = account_risk(ctx, KEY)
    assert not risk.is_portfolio and risk.modes[0] == risk.now
    report = portfolio_of(ctx, ctx.accounts.get(KEY))
    assert (risk.modes[1].initial, risk.modes[1].maintenance) == (report.initial, report.maintenance)
    mode = tx_pb2.Action(set_margin_mode=tx_pb2.SetMarginMode(mode=tx_pb2.MARGIN_MODE_PORTFOLIO))
    supposed = ask(ctx, KEY, Question(actions=[mode]))
    assert supposed.results.actions[0].reason == "" and supposed.after.is_portfolio
    assert supposed.after.now == risk.modes[1] and supposed.after.modes == risk.modes
    holds(ctx := chain(terms=False), KEY, {BTC: 100}, 10**10)
    assert account_risk(ctx, KEY).modes[1] is None
