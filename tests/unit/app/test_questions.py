"""RISK: what anybody may ask, and that the chain then does what was answered."""

import json
from random import Random
from typing import Any

import pytest

from app.accounts.types import Position
from app.errors import ChainError
from app.margin.queries import Range, liquidation_range
from app.margin.state import account_standing
from app.margin.suppose import Move, Price
from app.oracle.state import suppose_price
from app.questions import Answer, Question, Trade, account_risk, ask
from tests.helpers import builders as b
from tests.helpers.builders import ALICE, BOB, BTC, CAROL, ETH, MARK_QUANTA
from tests.helpers.driver import Driver
from tests.helpers.forks import fork

P, E = MARK_QUANTA[BTC], MARK_QUANTA[ETH]
TICK = b.TICK_QUANTA[BTC]
PEOPLE = (ALICE, BOB, CAROL)


def chain(cash_quanta: int = 10**12, feed: dict[str, object] | None = None, **fields: Any) -> Driver:
    """A chain without gas fees; `fields` change its first market, `feed` the feed of that."""
    state = json.loads(b.genesis(cash_quanta=cash_quanta, gas_price_e6=0))
    state["markets"][0].update(fields)
    state["feeds"][0].update(feed or {})
    return Driver(json.dumps(state).encode())


def holding(mark: int, lots: int, cash: int, maintenance_ppm: int, side: int = b.BUY) -> Driver:
    """Alice holds `lots` taken at the mark, with `cash` of equity, in a market without fees."""
    driver = chain(feed={"decimals": 6, "price": mark}, lot_size="1", tick_size="0.000001", tick_quanta=1,
                   maker_fee_ppm=0, taker_fee_ppm=0, initial_margin_ppm=maintenance_ppm + 1,
                   maintenance_margin_ppm=maintenance_ppm)
    driver.do(ALICE, b.transfer(ALICE, cash, number=1))
    driver.do(BOB, b.place(3 - side, mark, lots))
    driver.do(ALICE, b.place(side, mark, lots), number=1)
    return driver


def safe(driver: Driver, number: int = 1, market: int = BTC) -> Range:
    """The liquidation prices of one of Alice's accounts."""
    ctx = fork(driver)
    return liquidation_range(ctx, ctx.accounts.get(ALICE.account(number)), [market])


def is_short(driver: Driver, price: int, number: int = 1, market: int = BTC) -> bool:
    """The exact check at a price, by nothing but the chain's own functions."""
    ctx = fork(driver)
    suppose_price(ctx, market, price)
    return account_standing(ctx, ctx.accounts.get(ALICE.account(number))).excess < 0


def test_risk_003_hyperliquids_number() -> None:
    """RISK-003: long 10 at 3,000, isolated 1,500, maintenance 2 % (25x at most): 2,908.1633."""
    driver = holding(3_000_000_000, 10, 1_500_000_000, 20_000)
    assert safe(driver) == Range(2_908_163_265, None)
    assert is_short(driver, 2_908_163_265) and not is_short(driver, 2_908_163_266)


def test_risk_003_injectives_number() -> None:
    """RISK-003: long 1 at 10, margin 2, maintenance 5 %: 8.42."""
    driver = holding(10_000_000, 1, 2_000_000, 50_000)
    assert safe(driver) == Range(8_421_052, None)


def test_risk_003_shorts_have_an_upper_price() -> None:
    """RISK-003: short 10 at 3,000 with 1,500 and 2 %: 31,500 / 10.2 = 3,088.2353."""
    driver = holding(3_000_000_000, 10, 1_500_000_000, 20_000, side=b.SELL)
    assert safe(driver) == Range(None, 3_088_235_295)
    assert is_short(driver, 3_088_235_295) and not is_short(driver, 3_088_235_294)


def test_risk_003_there_may_be_none() -> None:
    """RISK-003: more cash than a long can ever lose; and an account without positions."""
    driver = holding(3_000_000_000, 1, 5_000_000_000, 20_000)
    assert safe(driver) == Range(None, None)


def test_risk_003_of_one_that_is_short_already() -> None:
    """RISK-003: the prices at which it would be safe again."""
    driver = holding(3_000_000_000, 10, 1_500_000_000, 20_000)
    ctx = fork(driver)
    suppose_price(ctx, BTC, 2_000_000_000)
    assert liquidation_range(ctx, ctx.accounts.get(ALICE.account(1)), [BTC]) == Range(2_908_163_265, None)


def test_risk_003_both_ways_and_brackets() -> None:
    """RISK-003: a short beside collateral with the market's price, where margin rises in brackets: too low a price
    takes the collateral's worth, too high a one needs more margin than the collateral gains.
    """
    state = json.loads(b.genesis(cash_quanta=10**12, gas_price_e6=0))
    state["markets"][0]["tiers"] = [
        {"from_notional_quanta": 60_000_000, "initial_ppm": 400_000, "maintenance_ppm": 300_000}]
    state["assets"] = [{"asset": 1, "symbol": "BTC", "decimals": 5, "haircut_ppm": 0, "account_cap_units": 10**9,
                        "deposit_cap_units": 10**12, "price_market": BTC}]
    ctx = fork(Driver(json.dumps(state).encode()))
    account = ctx.accounts.get(ALICE.account())
    account.set_units(1, 105)  # worth 1.05 lots, up to five hundredths of a lot more than what is short
    account.cash_quanta = P - 46_200_000
    account.set_position(Position(BTC, -1, -P))
    found = liquidation_range(ctx, account, [BTC])
    # 0.02 p = 200,000 and 0.25 p = 16,000,000; the check rounds value and margin, so it wavers a few quanta around them
    assert abs(found.lower - 10_000_000) < 100 and abs(found.upper - 64_000_000) < 10
    for price, step in ((found.lower, 1), (found.upper, -1)):
        assert excess_at(ctx, account, BTC, price) < 0 <= excess_at(ctx, account, BTC, price + step)


def excess_at(ctx: Any, account: Any, market: int, price: int) -> int:
    """The exact excess at a price; the mark goes back to where it was."""
    ctx.journal.savepoint()
    suppose_price(ctx, market, price)
    found = account_standing(ctx, account).excess
    ctx.journal.rollback()
    return found


def asked(driver: Driver, person: b.Person = ALICE, number: int = 0, **question: Any) -> Answer:
    """A question about an account; asking changes nothing, so asking again gives the same."""
    ctx = fork(driver)
    answer = ask(ctx, person.account(number), Question(**question))
    assert ask(ctx, person.account(number), Question(**question)) == answer
    return answer


def test_risk_001_supposed_prices_cash_and_trades() -> None:
    """RISK-001: in this order, each by the chain's own rules."""
    driver = chain()
    answer = asked(driver, prices=[Price(BTC, change_ppm=-100_000), Price(ETH, 30_000_000)], cash_quanta=-10**11,
                   trades=[Trade(BTC, b.BUY, P, 10), Trade(ETH, b.SELL, 30_000_000, 5)])
    fee = -(-P * 10 * 500 // 10**6) + -(-30_000_000 * 5 * 500 // 10**6)
    assert answer.trading_fees_quanta == fee
    assert answer.before.now.equity == 10**12 and not answer.before.positions
    assert answer.after.now.equity == 10**12 - 10**11 - P - fee
    assert [(one.held.market, one.held.lots, one.mark) for one in answer.after.positions] == [
        (BTC, 10, P * 9 // 10), (ETH, -5, 30_000_000)]
    assert answer.after.now.initial == P * 9 // 20 + 7_500_000


def test_risk_002_contributions_sum_to_the_account() -> None:
    """RISK-002: values, margins and shares, with unsettled funding and orders."""
    driver = chain(interest_e9=100_000, funding_band_e9=500_000, funding_cap_e9=40_000_000)
    driver.do(BOB, b.sell(P, 40), b.buy(E, 9, market=ETH))
    driver.do(ALICE, b.buy(P, 30), b.sell(E, 7, market=ETH), b.buy(P - TICK, 3))
    driver.run([], 10**10)
    ctx = fork(driver)
    risk = account_risk(ctx, ALICE.account())
    assert risk.cash + risk.assets + sum(one.value for one in risk.positions) == risk.now.equity
    assert sum(one.initial for one in risk.positions) == risk.now.initial
    assert sum(one.maintenance for one in risk.positions) == risk.now.maintenance
    assert 999_998 <= sum(one.share_ppm for one in risk.positions) <= 1_000_000
    assert risk.positions[0].funding != 0
    assert risk.now == account_standing(ctx, ctx.accounts.get(ALICE.account()))


def test_risk_001_what_cannot_be_supposed() -> None:
    """RISK-001: each with a reason of its own, and nothing is left behind."""
    driver = chain()
    for reason, question in (
            ("QUERY_VOLATILITY", Question(moves=[Move(1, volatility_ppm=5)])),
            ("QUERY_LIMIT", Question(prices=[Price(BTC, 1)] * 65)),
            ("QUERY_PRICE", Question(prices=[Price(BTC, change_ppm=-10**6)])),
            ("QUERY_PRICE", Question(trades=[Trade(BTC, b.BUY, 0, 1)])),
            ("MARKET_NOT_FOUND", Question(prices=[Price(9, 1)])),
            ("ORDER_SIDE", Question(trades=[Trade(BTC, 3, P, 1)])),
            ("QUERY_ACTION", Question(actions=[b.set_validator(bytes(32), 5)]))):
        ctx = fork(driver)
        with pytest.raises(ChainError, match=reason):
            ask(ctx, ALICE.account(), question)
        assert not ctx.journal.marks and not ctx.journal.entries


def test_risk_001_an_account_that_does_not_exist() -> None:
    """RISK-001: zeros before; what is supposed to come in counts after."""
    answer = asked(chain(), b.Person("nobody"), cash_quanta=10**9, actions=[b.buy(P, 1)])
    assert answer.before.now == (0, 0, 0, 0)
    assert answer.results.actions[0].open_lots == 1 and answer.after.now.equity == 10**9


def test_risk_001_work_is_bounded() -> None:
    """RISK-001: actions share a gas limit, as an envelope's do."""
    driver = chain()
    for person in (BOB, CAROL):
        driver.do(person, *[b.sell(P + index * TICK, 1) for index in range(150)])
    answer = asked(driver, actions=[b.buy(P + 500 * TICK, 99)] * 20)
    assert answer.results.gas_used <= 20_000_000
    assert answer.results.actions[-1].filled_lots == 0


def random_action(random: Random) -> Any:
    """Any action that can be supposed, good or bad."""
    price = P + random.randint(-2, 2) * TICK
    return random.choice((
        lambda: b.place(random.choice((1, 2)), price, random.randint(1, 60), time_in_force=random.randint(1, 4),
                        reduce_only=random.random() < 0.2, client_id=random.choice((0, 0, 1, 2)),
                        stp=random.randint(0, 3)),
        lambda: b.place(random.choice((1, 2)), price, random.randint(1, 60)),
        lambda: b.place(random.choice((1, 2)), E + random.randint(-1, 1) * 100, random.randint(1, 90), market=ETH),
        lambda: b.replace(price, random.randint(1, 40), client_id=random.choice((1, 2))),
        lambda: b.cancel(client_id=random.choice((1, 2))), lambda: b.cancel_all(random.choice((0, BTC))),
        lambda: b.transfer(random.choice(PEOPLE), random.choice((10**6, 10**8))),
        lambda: b.withdraw(random.choice((10**6, 10**8)))))()


@pytest.mark.parametrize("seed", range(4))
def test_risk_001_the_chain_does_what_was_answered(seed: int) -> None:
    """RISK-001: for random actions of poor accounts, results, fills and the account after are those of the block."""
    random = Random(seed)
    driver = chain(cash_quanta=600_000_000)
    refused = filled = 0
    for _ in range(150):
        person = random.choice(PEOPLE)
        actions = [random_action(random) for _ in range(random.randint(1, 4))]
        answer = asked(driver, person, actions=actions)
        outcome = driver.run([driver.envelope(person, *actions)], 0).txs[0]
        wanted = [action.SerializeToString(deterministic=True) for action in outcome.result.actions]
        assert [action.SerializeToString(deterministic=True) for action in answer.results.actions] == wanted
        assert len(answer.fills) == sum(event.HasField("fill") for event in outcome.events)
        assert account_risk(fork(driver), person.account()) == answer.after
        refused += sum(action.code != 0 for action in outcome.result.actions)
        filled += len(answer.fills)
        if random.random() < 0.1:
            driver.mark(P + random.randint(-40, 40) * TICK)
            driver.run([])
    assert refused > 20 and filled > 20


@pytest.mark.parametrize("seed", range(6))
def test_risk_003_a_unit_away_the_check_flips(seed: int) -> None:
    """RISK-003: at each price found the account is short, and one unit towards the safe ones it is not."""
    random = Random(seed)
    driver = chain(cash_quanta=600_000_000)
    for _ in range(40):
        driver.run([driver.envelope(random.choice(PEOPLE), random_action(random))], 10**9)
    found = 0
    ctx = fork(driver)
    for person in PEOPLE:
        account = ctx.accounts.get(person.account())
        for risk in account_risk(ctx, person.account()).positions:
            for price, step in ((risk.safe.lower, 1), (risk.safe.upper, -1)):
                if price is not None:
                    market = risk.held.market
                    assert excess_at(ctx, account, market, price) < 0 <= excess_at(ctx, account, market, price + step)
                    found += 1
    assert found
