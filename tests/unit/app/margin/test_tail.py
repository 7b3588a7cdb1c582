"""RISK-005 to RISK-008: moves of an underlying, where an account is short, its greeks, tables of cases."""

from random import Random

import pytest

from app.context import Context
from app.errors import ChainError
from app.kernel.fixed import BITS, sqrt
from app.kernel.integers import PPM
from app.margin.queries import Range
from app.margin.scenarios import Grid, scenarios
from app.margin.sensitivities import sensitivities
from app.margin.spans import Span, short_spans, spans_of
from app.margin.state import account_standing
from app.margin.suppose import Move, Price, markets_of, suppose_feed, suppose_move
from app.markets.types import CALL, PUT
from app.pricing.rules import call, put
from app.questions import Question, Trade, ask
from tests.helpers import builders as b
from tests.helpers.builders import ALICE, BTC, MARK_QUANTA
from tests.helpers.options import FORTNIGHT_S, MONTH_S, STRIKES, holds, listed, number_of

P = MARK_QUANTA[BTC]
F = 460_000_000  # the forward, quanta a lot of 0.01
AT = number_of(F, CALL)
AT_PUT = number_of(F, PUT)
DEVIATION = sqrt((27_689_108 << BITS) // 10**9)


def mark(ctx: Context, market: int) -> int:
    found = ctx.marks.get(market)
    assert found is not None
    return found.price_quanta


def standing(ctx: Context) -> tuple[int, int]:
    now = account_standing(ctx, ctx.accounts.get(ALICE.account()))
    return now.equity, now.excess


def test_risk_005_an_underlying_moves_with_all_that_follows_it() -> None:
    """RISK-005: 10 % down and a fifth more volatility: index and perpetual 41,400; the call at 46,000, with 1.2 times
    the deviation, is worth 1,644.68 USD a BTC instead of 3,048.64; what is not named stays.
    """
    ctx = listed()
    other = mark(ctx, AT_PUT)
    assert mark(ctx, AT) == 30_486_426 == pytest.approx(call(F, F, DEVIATION) >> BITS, rel=1e-3)
    suppose_move(ctx, Move(1, -100_000, 200_000), [BTC, AT])
    moved = ctx.marks.get(AT)
    assert (mark(ctx, BTC), moved.index_quanta) == (41_400_000, 414_000_000)
    assert moved.price_quanta == pytest.approx(call(414_000_000, F, DEVIATION * 12 // 10) >> BITS, rel=1e-3)
    assert moved.price_quanta == 16_446_805
    assert mark(ctx, AT_PUT) == other


def test_risk_005_what_is_worth_nothing_does_not_keep_its_mark() -> None:
    """RISK-005, MARK-007: a call that is worth less than a quantum a lot is marked at 1, not at what it was."""
    ctx = listed()
    suppose_move(ctx, Move(1, -700_000, -500_000), [number_of(600_000_000, CALL)])
    assert mark(ctx, number_of(600_000_000, CALL)) == 1


def test_risk_005_is_taken_back() -> None:
    """RISK-005: a question leaves every record as it was, and the same question gets the same answer."""
    ctx = listed()
    holds(ctx, ALICE.account(), {BTC: 500, AT: -3, AT_PUT: 2}, 10**9)
    question = Question(moves=[Move(1, 150_000, -300_000)], prices=[Price(BTC, change_ppm=-10_000)],
                        trades=[Trade(number_of(500_000_000, CALL), b.BUY, 10_000_000, 2)],
                        grid=Grid(1, (-100_000, 0), (0, 100_000)))
    before = mark(ctx, AT), mark(ctx, BTC), ctx.surfaces.get(1), ctx.feeds.get(1).price, standing(ctx)
    first = ask(ctx, ALICE.account(), question)
    assert (mark(ctx, AT), mark(ctx, BTC), ctx.surfaces.get(1), ctx.feeds.get(1).price, standing(ctx)) == before
    assert ask(ctx, ALICE.account(), question) == first
    assert first.after.underlyings[0].price == P * 115 // 100
    assert {one.held.market: one.mark for one in first.after.positions}[BTC] == P * 115 // 100 * 99 // 100
    assert first.after.now != first.before.now


@pytest.mark.parametrize(("reason", "move"), [
    ("QUERY_PRICE", Move(9)), ("QUERY_PRICE", Move(1, -PPM)), ("QUERY_VOLATILITY", Move(1, 0, -PPM)),
    ("QUERY_VOLATILITY", Move(2, 0, 1)), ("QUERY_PRICE", Move(1, 10**9 + 1))])
def test_risk_005_what_cannot_be_supposed(reason: str, move: Move) -> None:
    """RISK-005: no such feed, no such price, no volatility to move."""
    with pytest.raises(ChainError, match=reason):
        ask(listed(), ALICE.account(), Question(moves=[move]))


def is_short(ctx: Context, price: int) -> bool:
    """The plain check at a price of the feed."""
    account = ctx.accounts.get(ALICE.account())
    ctx.journal.savepoint()
    suppose_feed(ctx, 1, price, markets_of(ctx, account))
    short = account_standing(ctx, account).excess < 0
    ctx.journal.rollback()
    return short


def spans(ctx: Context) -> tuple[Span, ...]:
    return short_spans(ctx, ctx.accounts.get(ALICE.account()), 1)


def test_risk_006_both_directions() -> None:
    """RISK-006: a short strangle is short when the price falls far and when it rises far, to the unit."""
    ctx = listed()
    holds(ctx, ALICE.account(), {number_of(400_000_000, PUT): -10, number_of(500_000_000, CALL): -10}, 1_500_000_000)
    low, high = spans(ctx)
    assert low.lower is None and high.upper is None and low.upper < P < high.lower
    assert [is_short(ctx, price) for price in (low.upper, low.upper + 1, high.lower - 1, high.lower)] == [
        True, False, False, True]


def test_risk_006_nowhere() -> None:
    """RISK-006: what is paid for cannot owe anything."""
    ctx = listed()
    holds(ctx, ALICE.account(), {AT: 10, AT_PUT: 10}, 0)
    assert spans(ctx) == ()


def test_risk_006_spans_by_hand() -> None:
    """RISK-006: short at 1..3, 7..8 and 12 of 1..12; only the prices given are looked at first."""
    short = {1, 2, 3, 7, 8, 12}
    excess = lambda price: -1 if price in short else 0  # noqa: E731
    assert spans_of(excess, list(range(1, 13))) == (Span(None, 3), Span(7, 8), Span(12, None))
    assert spans_of(excess, [1, 5, 8, 10, 12]) == (Span(None, 3), Span(7, 8), Span(12, None))
    assert spans_of(excess, [1, 5, 10, 11]) == (Span(None, 3),)
    assert spans_of(excess, []) == ()


def test_risk_006_spans_agree_with_the_plain_check() -> None:
    """RISK-006: whatever is held, each price tried lies in a span exactly if the account is short there."""
    chance = Random(6)
    numbers = [number_of(strike, right, expiry) for strike in STRIKES for right in (CALL, PUT)
               for expiry in (FORTNIGHT_S, MONTH_S)]
    several = 0
    for _ in range(12):
        ctx = listed()
        lots = {number: chance.choice((-5, -2, 3, 6)) for number in chance.sample(numbers, 3)}
        holds(ctx, ALICE.account(), {BTC: chance.randrange(-80, 80), **lots}, chance.randrange(10**8, 2 * 10**9))
        found = spans(ctx)
        several += len(found) > 1
        for part in range(50_000, 3_000_000, 50_000):
            price = P * part // PPM
            inside = any((one.lower or 0) <= price <= (one.upper or 10**18) for one in found)
            assert inside == is_short(ctx, price), (lots, price, found)
    assert several


def test_risk_007_greeks_by_expiry() -> None:
    """RISK-007: PRIC-008 times lots: a call at the money, over a fortnight, has a delta of 0.5331; ten of them are
    2,452 million quanta; the perpetual is its whole value.
    """
    ctx = listed()
    holds(ctx, ALICE.account(), {BTC: -50, AT: 10, number_of(F, PUT, MONTH_S): -4}, 10**9)
    linear, near, far = sensitivities(ctx, ctx.accounts.get(ALICE.account()))
    assert (linear.feed, linear.expiry_ns, linear.delta, linear.gamma, linear.vega) == (1, 0, -50 * P, 0, 0)
    assert near.expiry_ns == FORTNIGHT_S * 10**9 and far.expiry_ns == MONTH_S * 10**9
    assert near.delta == pytest.approx(10 * F * 0.53315, rel=1e-3)
    step = F // 1_000
    bumped = (call(F + step, F, DEVIATION) - call(F - step, F, DEVIATION) >> BITS) * F // (2 * step)
    assert near.delta == pytest.approx(10 * bumped, rel=1e-3)
    more = call(F, F, DEVIATION * 1_001 // 1_000) - call(F, F, DEVIATION) >> BITS
    assert near.vega == pytest.approx(10 * more * 1_000 / 0.84964, rel=1e-2)
    assert near.gamma > 0 > near.theta and far.gamma < 0 < far.theta and far.delta > 0 > far.vega


def test_risk_007_a_put_and_a_call_are_a_forward() -> None:
    """RISK-007: long a call and short a put of one strike: delta is the forward, all else cancels to a unit."""
    ctx = listed()
    holds(ctx, ALICE.account(), {AT: 7, AT_PUT: -7}, 10**9)
    [one] = sensitivities(ctx, ctx.accounts.get(ALICE.account()))
    assert one.delta == pytest.approx(7 * F, abs=16)
    assert max(abs(part) for part in (one.gamma, one.vega, one.theta)) <= 1


def test_risk_008_cases_and_expiry(monkeypatch: pytest.MonkeyPatch) -> None:
    """RISK-008: each case is what the same move makes of the account; at expiry options pay what they are in the money:
    the call at 46,000 pays 4,600 USD a BTC at 50,600.
    """
    ctx = listed()
    holds(ctx, ALICE.account(), {BTC: 20, AT: 10}, 10**9)
    grid = Grid(1, (-300_000, 0, 100_000), (-500_000, 0, 500_000))
    account = ctx.accounts.get(ALICE.account())
    found = scenarios(ctx, account, grid)
    for row, volatility in zip(found.cells, grid.volatilities_ppm, strict=True):
        for cell, price in zip(row, grid.prices_ppm, strict=True):
            now = ask(ctx, ALICE.account(), Question(moves=[Move(1, price, volatility)])).after.now
            assert (cell.equity, cell.excess) == (now.equity, now.excess)
    assert found.cells[1][1] == account_standing(ctx, account)
    perpetual = [20 * P * part // 10 for part in (7, 10, 11)]
    assert list(found.at_expiry) == [10**9 + value + 10 * max(0, F * part // 10 - F)
                                     for value, part in zip(perpetual, (7, 10, 11), strict=True)]
    for bad in (Grid(1), Grid(1, tuple(range(500)), (0, 1, 2))):
        with pytest.raises(ChainError, match="QUERY_LIMIT"):
            scenarios(ctx, account, bad)
    monkeypatch.setattr("app.margin.scenarios.MAX_SCENARIO_POSITIONS", 19)
    assert scenarios(ctx, account, grid) == found
    with pytest.raises(ChainError, match=r"QUERY_LIMIT.*most_scenarios=9"):
        scenarios(ctx, account, Grid(1, tuple(range(10))))


def test_risk_003_an_option_alone_has_no_price_of_its_own() -> None:
    """RISK-003: its mark follows the underlying; the perpetual beside it has its range."""
    ctx = listed()
    holds(ctx, ALICE.account(), {BTC: 100, AT: 1}, -4_000_000_000)
    answer = ask(ctx, ALICE.account(), Question())
    perpetual, option = answer.before.positions
    assert option.safe == Range() and perpetual.safe.lower is not None
    assert put(F, F, DEVIATION) == call(F, F, DEVIATION)
