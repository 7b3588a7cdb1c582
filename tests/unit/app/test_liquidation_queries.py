"""LIQ-023: what reductions would take and how the system stands under shocks, against what the chain then does."""

from random import Random
from typing import Any

import pytest

from app.breakers.rules import STRESS_ROWS
from app.collateral.state import assets_value
from app.collateral.types import Asset
from app.context import Context
from app.errors import ChainError
from app.liquidation.queries import DEFAULT_SHOCKS_PPM, GridRow, Reduction, StressRow, reduction_of, stress
from app.liquidation.stress import shortfalls
from app.margin import state
from app.margin.state import account_standing
from app.margin.suppose import Move, Price, suppose_move
from app.margin.tails import GRID, tails
from app.markets.holders import rebuild
from app.markets.types import CALL, PUT
from app.oracle.state import suppose_price
from app.portfolio.rules import UP
from app.portfolio.types import DEFAULT
from tests.helpers import builders as b
from tests.helpers.builders import ALICE, BOB, BTC, CAROL, DAVE, ETH, MARK_QUANTA
from tests.helpers.driver import Driver
from tests.helpers.forks import fork
from tests.helpers.options import holds, listed, number_of
from tests.unit.app.test_questions import PEOPLE, chain, random_action

P, TICK = MARK_QUANTA[BTC], b.TICK_QUANTA[BTC]


def held_fork(driver: Driver) -> Context:
    """A fork that knows who holds what."""
    ctx = fork(driver)
    rebuild(ctx)
    return ctx


def without_fees(insurance: int) -> Driver:
    """A chain without fees, whose first market has so much insurance."""
    return chain(maker_fee_ppm=0, taker_fee_ppm=0, insurance_quanta=insurance)


def crowded(insurance: int = 0) -> Driver:
    """Bob is short 30 lots with little; Alice and Carol are long 20 and 10."""
    driver = without_fees(insurance)
    driver.do(BOB, b.transfer(BOB, 100_000_000, number=1))
    driver.do(BOB, b.sell(P, 30), number=1)
    driver.do(ALICE, b.buy(P, 20))
    driver.do(CAROL, b.buy(P, 10))
    return driver


def asked(driver: Driver, person: b.Person, *prices: Price, everybody: bool = False) -> Reduction:
    """A question about a reduction; it changes nothing."""
    ctx = held_fork(driver)
    found = reduction_of(ctx, person.account(), BTC, prices, everybody=everybody)
    assert reduction_of(ctx, person.account(), BTC, prices, everybody=everybody) == found
    assert not ctx.journal.marks and not ctx.journal.entries
    return found


def test_liq_023_nothing_is_taken_while_everybody_can_pay() -> None:
    """LIQ-023: at present marks nobody fails; were all closed, each would lose its lots and give up nothing."""
    driver = crowded()
    assert asked(driver, ALICE) == Reduction(mark=P, held_lots=20, others=1)
    everybody = asked(driver, ALICE, everybody=True)
    assert (everybody.taken_lots, everybody.given_up, everybody.losers, everybody.deficit) == (20, 0, 1, 0)
    assert asked(driver, DAVE).held_lots == 0


@pytest.mark.parametrize("insurance", [0, 13_000_000])
def test_liq_023_the_chain_then_takes_what_was_answered(insurance: int) -> None:
    """LIQ-023: no book and no bidder, so the price alone leads to the reduction that was answered, to the unit."""
    driver = crowded(insurance)
    price = P * 110 // 100
    answers = {person: asked(driver, person, Price(BTC, price)) for person in (ALICE, CAROL)}
    assert answers[ALICE].deficit == 30 * (price - P) - 100_000_000
    assert answers[ALICE].fund_paid == min(insurance, answers[ALICE].deficit)
    driver.mark(price)
    result = driver.run([])
    reduced = {event.holder_reduced.account.owner: event.holder_reduced for event in result.events
               if event.HasField("holder_reduced")}
    for person, answer in answers.items():
        seen = reduced[person.owner]
        assert (abs(seen.lots), seen.given_up_quanta, seen.net_profit_quanta) == (
            answer.taken_lots, answer.given_up, answer.net_profit)
    assert sum(answer.given_up for answer in answers.values()) == answers[ALICE].deficit - answers[ALICE].fund_paid


def test_risk_009_who_would_be_asked_for_less() -> None:
    """RISK-009: net profits of 10, 4 and 0 on one side: 100 %, 50 % and 0 of the others have less."""
    driver = without_fees(0)
    for person, below in ((ALICE, 10), (CAROL, 4), (DAVE, 0)):
        driver.do(BOB, b.sell(P - below * TICK, 1))
        driver.do(person, b.buy(P - below * TICK, 1))
    found = {person: asked(driver, person) for person in (ALICE, CAROL, DAVE, BOB)}
    assert [(found[one].others, found[one].behind_ppm) for one in (ALICE, CAROL, DAVE, BOB)] == [
        (2, 10**6), (2, 500_000), (2, 0), (0, 0)]


def test_liq_023_options_move_with_their_underlying() -> None:
    """LIQ-023: Alice is short 100 puts at 40,000 with 1,000 USD: 30 % down she owes what they are then worth."""
    ctx = listed()
    short = number_of(400_000_000, PUT)
    holds(ctx, ALICE.account(), {short: -100}, 10**9)
    keys = [(key, account) for key, account in ctx.accounts.scan()]
    ctx.accounts.scan = lambda: iter([(key, ctx.accounts.get(key)) for key, _ in keys])  # type: ignore[method-assign]
    found = stress(ctx, [-300_000, 0, 300_000])
    assert [(row.feed, row.shock_ppm, row.below_zero > 0) for row in found.rows] == [
        (feed, shock, shock == -300_000) for feed in (0, 1) for shock in (-300_000, 0, 300_000)]
    suppose_move(ctx, Move(1, -300_000), [short])
    owed = -account_standing(ctx, ctx.accounts.get(ALICE.account())).equity
    assert found.rows[0].shortfall == owed > 100 * (400_000_000 - 322_000_000) - 10**9
    assert found.funds == {BTC: 0}


def test_brk_021_with_options_the_rows_between_are_looked_at() -> None:
    """BRK-021: who owes for a straddle has something left at both ends, and owes in between."""
    ctx = listed()
    ctx.params.stress_ppm = 300_000
    straddle = {number_of(460_000_000, right): 10 for right in (CALL, PUT)}
    holds(ctx, ALICE.account(), straddle, -900_000_000)
    found = dict(zip(STRESS_ROWS, shortfalls(ctx, [ctx.accounts.get(ALICE.account())], (0,) * 8), strict=True))
    assert found[-4] == found[4] == 0 and found[1] > 0 < found[-1]
    suppose_move(ctx, Move(1, 75_000), list(straddle))
    assert found[1] == -account_standing(ctx, ctx.accounts.get(ALICE.account())).equity


def test_liq_023_a_long_that_owes() -> None:
    """LIQ-023: long 10 with 50,000,000 left, 20 % down: it owes 42,000,000, of which the fund pays what it has."""
    driver = without_fees(12_000_000)
    driver.do(ALICE, b.transfer(ALICE, 50_000_000, number=1))
    driver.do(BOB, b.sell(P, 10))
    driver.do(ALICE, b.buy(P, 10), number=1)
    found = stress(fork(driver), [-200_000, 0, -50_000])
    assert found.accounts == 2 and found.funds == {BTC: 12_000_000}
    owes = {"short": 1, "below_zero": 1, "shortfall": 42_000_000, "fund_pays": 12_000_000}
    assert found.rows == [
        StressRow(0, -200_000, **owes), StressRow(0, 0), StressRow(0, -50_000),
        StressRow(BTC, -200_000, **owes), StressRow(BTC, 0), StressRow(BTC, -50_000)]
    assert found.rows[0].left == 30_000_000


def busy(seed: int) -> Driver:
    """Poor accounts that traded at random in two markets."""
    random = Random(seed)
    driver = chain(cash_quanta=400_000_000)
    for _ in range(60):
        driver.run([driver.envelope(random.choice(PEOPLE), *[random_action(random) for _ in range(3)])], 0)
    return driver


@pytest.mark.parametrize("seed", range(3))
def test_liq_023_stress_is_a_full_look_at_everybody(seed: int) -> None:
    """LIQ-023: each row is what one sees who really sets those marks and looks at all accounts, one by one."""
    driver = busy(seed)
    found = stress(fork(driver), ())
    seen = 0
    for row in found.rows:
        ctx = fork(driver)
        for market in (BTC, ETH):
            if row.feed in (0, market):
                suppose_price(ctx, market, MARK_QUANTA[market] * (10**6 + row.shock_ppm) // 10**6)
        now = [account_standing(ctx, account) for _, account in ctx.accounts.scan() if account.positions]
        assert row.short == sum(one.excess < 0 for one in now)
        assert row.below_zero == sum(one.equity < 0 for one in now)
        assert row.shortfall == -sum(min(0, one.equity) for one in now)
        assert row.not_valued == 0 and row.left == row.shortfall - row.fund_pays >= 0
        seen += row.short
    assert seen and {row.shock_ppm for row in found.rows} == set(DEFAULT_SHOCKS_PPM)


def test_liq_023_shocks_are_bounded() -> None:
    """LIQ-023: neither too many nor down to nothing."""
    ctx = fork(chain())
    for shocks in ([1] * 33, [-1_000_000], [10_000_001]):
        with pytest.raises(ChainError, match="QUERY_LIMIT"):
            stress(ctx, shocks)


def test_liq_023_a_broken_market_is_counted_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """LIQ-023: accounts that cannot be valued are said to be so; the others are counted all the same."""
    driver = crowded()
    driver.do(DAVE, b.sell(MARK_QUANTA[ETH], 2, market=ETH))
    driver.do(ALICE, b.buy(MARK_QUANTA[ETH], 2, market=ETH))
    real: Any = state.lots_maintenance

    def broken(risk: Any, lots: int) -> int:
        return real(risk, lots) // (0 if risk.market == ETH else 1)

    monkeypatch.setattr(state, "lots_maintenance", broken)
    row = stress(fork(driver), [0]).rows[0]
    assert (row.not_valued, row.short) == (2, 0)


def grid_rows(ctx: Context) -> dict[tuple[int, int, int], GridRow]:
    """The rows of the grid of the whole system, by feed, move and volatility; no shocks beside them."""
    found = stress(ctx, [], grid=True)
    assert not found.rows and len(found.grid) == len({(row.feed, row.price_ppm, row.volatility) for row in found.grid})
    return {(row.feed, row.price_ppm, row.volatility): row for row in found.grid}


def test_liq_033_a_long_that_owes() -> None:
    """LIQ-033: long 10 with 50,000,000 left: what it owes at -18 % and at -66 %, of which the fund pays what it has."""
    driver = without_fees(12_000_000)
    driver.do(ALICE, b.transfer(ALICE, 50_000_000, number=1))
    driver.do(BOB, b.sell(P, 10))
    driver.do(ALICE, b.buy(P, 10), number=1)
    found = grid_rows(fork(driver))
    assert len(found) == 2 * len(DEFAULT.rows)
    for feed in (0, BTC):
        for move, owed in ((-180_000, 32_800_000), (-660_000, 253_600_000), (180_000, 0)):
            row = found[feed, move, UP]
            assert (row.shortfall, row.fund_pays, row.below_zero) == (owed, min(owed, 12_000_000), int(owed > 0))
            assert row.left == max(0, owed - 12_000_000)
    assert stress(fork(driver), [-200_000], grid=True).rows == stress(fork(driver), [-200_000]).rows


def test_liq_033_rows_are_those_of_the_accounts() -> None:
    """LIQ-033: with options on one underlying, another and a second asset: the sums of what each account is told."""
    ctx = listed()
    call, put = number_of(500_000_000, CALL), number_of(400_000_000, PUT)
    holds(ctx, ALICE.account(), {call: -100, put: -30, ETH: 700}, 4 * 10**9)
    holds(ctx, BOB.account(), {call: 100, BTC: -40}, 10**9)
    holds(ctx, CAROL.account(), {put: 30, ETH: -700}, -10**9)
    keys = [ALICE.account(), BOB.account(), CAROL.account()]
    ctx.accounts.scan = lambda: iter([(key, ctx.accounts.get(key)) for key in keys])  # type: ignore[method-assign]
    accounts = [ctx.accounts.get(key) for key in keys]
    equities = [account_standing(ctx, account).equity for account in accounts]
    told = [{tail.feed: tail.rows for tail in tails(ctx, account)} for account in accounts]
    sums = {(feed, row.price_ppm, row.volatility): 0 for feed in (0, 1, 2) for row in told[0][1] if row.kind == GRID}
    for equity, mine in zip(equities, told, strict=True):
        for (feed, move, volatility), _ in sums.items():
            whole = mine if len(mine) > 1 else {0: next(iter(mine.values()))} | mine
            made = [row.unweighted for row in whole.get(feed, ())
                    if (row.kind, row.price_ppm, row.volatility) == (GRID, move, volatility)]
            sums[feed, move, volatility] += max(0, -equity - sum(made))
    found = grid_rows(ctx)
    assert {place: row.shortfall for place, row in found.items()} == sums
    assert found[0, 5_000_000, UP].shortfall > found[1, 180_000, UP].shortfall > 0


def test_liq_033_assets_move_with_their_price() -> None:
    """LIQ-033: what stands behind a debt as another asset falls with it."""
    ctx = listed()
    holds(ctx, ALICE.account(), {BTC: 1}, -(10**10))
    account = ctx.accounts.edit(ALICE.account())
    ctx.assets.put(1, Asset(1, price_market=BTC, units_a_price=1, account_cap_units=10**9))
    account.set_units(1, 30)
    ctx.accounts.scan = lambda: iter([(ALICE.account(), ctx.accounts.get(ALICE.account()))])  # type: ignore[method-assign]
    equity = account_standing(ctx, account).equity
    row = grid_rows(ctx)[1, -660_000, UP]
    behind = assets_value(ctx, account)
    assert behind > 0 and row.shortfall == -equity + (behind + 46_000_000) * 66 // 100
