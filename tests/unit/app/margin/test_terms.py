"""Brackets, open interest, profit caps and what must stay behind, through real blocks."""

import json

import pytest

from app.chain import Chain
from app.errors import GenesisError
from app.invariants import audit
from app.margin.state import account_standing, market_risk
from app.store.view import DictReader
from tests.helpers import builders as b
from tests.helpers import ledger
from tests.helpers.builders import ALICE, BOB, BTC, CAROL
from tests.helpers.driver import Driver

P, T = b.MARK_QUANTA[BTC], b.TICK_QUANTA[BTC]
TIERS = [{"from_notional_quanta": 10 * P, "initial_ppm": 100_000, "maintenance_ppm": 60_000},
         {"from_notional_quanta": 20 * P, "initial_ppm": 500_000, "maintenance_ppm": 400_000}]


def with_terms(cash_quanta: int = 100_000_000, **terms: object) -> bytes:
    """A genesis whose first market has these further terms."""
    state = json.loads(b.genesis(cash_quanta=cash_quanta, gas_price_e6=0))
    state["markets"][0].update(maker_fee_ppm=0, taker_fee_ppm=0, **terms)
    return json.dumps(state).encode()


def test_marg_007_large_positions_need_more() -> None:
    """MARG-007: 25 lots: 10 at 5 %, 10 at 10 %, 5 at 50 %; the same with orders and after a restart."""
    driver = Driver(with_terms(tiers=TIERS))
    assert driver.refused(ALICE, b.buy(P, 22)) == "MARGIN_INSUFFICIENT"  # 23 + 46 + 46 USD
    driver.do(ALICE, b.buy(P, 21))  # 23 + 46 + 23 = 92
    driver.do(BOB, b.sell(P, 21))
    driver.restart()
    ctx = driver.chain.ctx
    for person in (ALICE, BOB):
        now = account_standing(ctx, ctx.accounts.peek(person.account()))
        assert (now.equity, now.initial) == (100_000_000, 92_000_000)
        assert now.maintenance == (10 * P * 3 + 10 * P * 6 + P * 40) // 100
    audit(ctx)
    ledger.check(driver.reader)


def test_marg_008_open_interest_raises_initial_margin_alone() -> None:
    """MARG-008: bounds at 10 and 30 lots: with 20 lots open, 5 % becomes 52.5 %; maintenance stays."""
    driver = Driver(with_terms(open_interest_lower_quanta=10 * P, open_interest_upper_quanta=30 * P))
    ctx = driver.chain.ctx
    driver.do(ALICE, b.buy(P, 20))
    assert market_risk(ctx, BTC).initial_ppm == 50_000
    driver.do(BOB, b.sell(P, 20))
    assert (market_risk(ctx, BTC).initial_ppm, market_risk(ctx, BTC).maintenance_ppm) == (525_000, 30_000)
    assert driver.refused(CAROL, b.buy(P, 5)) == "MARGIN_INSUFFICIENT"  # 120.75 USD
    driver.do(CAROL, b.buy(P - T, 4))  # 96.6 USD
    assert driver.refused(ALICE, b.buy(P - T, 1)) == "MARGIN_INSUFFICIENT"
    driver.do(ALICE, b.sell(P - T, 4))  # to carol: what closes is always allowed, and open interest stays
    assert market_risk(ctx, BTC).initial_ppm == 525_000
    driver.do(ALICE, b.sell(P, 6, reduce_only=True))
    driver.do(BOB, b.buy(P, 6, reduce_only=True))
    assert ctx.totals.peek(BTC).open_interest_lots == 14
    assert market_risk(ctx, BTC).initial_ppm == 50_000 + 190_000
    driver.restart()
    assert market_risk(driver.chain.ctx, BTC).initial_ppm == 240_000
    audit(driver.chain.ctx)


def test_marg_009_profit_beyond_the_cap_carries_nothing_new() -> None:
    """MARG-009: a profit of 60 USD with a cap of 10 counts as 10 for what is taken on, in full against a fall."""
    driver = Driver(with_terms(profit_cap_quanta=10_000_000))
    driver.do(ALICE, b.buy(P, 20))
    driver.do(BOB, b.sell(P, 20))
    driver.mark(P + 3_000_000)
    driver.run([])
    ctx = driver.chain.ctx
    now = account_standing(ctx, ctx.accounts.peek(ALICE.account()))
    assert (now.equity, now.usable, now.uncounted) == (160_000_000, 110_000_000, 50_000_000)
    assert now.excess == 160_000_000 - 20 * (P + 3_000_000) * 3 // 100
    assert driver.refused(ALICE, b.buy(P + 3_000_000, 25)) == "MARGIN_INSUFFICIENT"  # 45 lots: 110.25 USD
    driver.do(ALICE, b.buy(P + 3_000_000, 24))  # 44 lots: 107.8 USD
    audit(ctx)


def test_coll_009_a_tenth_of_what_is_held_stays() -> None:
    """COLL-009: 10 lots at 5 % need 23 USD, but 46 must stay when money leaves, by transfer or withdrawal."""
    driver = Driver(with_terms())
    driver.do(ALICE, b.buy(P, 10))
    driver.do(BOB, b.sell(P, 10))
    assert driver.refused(ALICE, b.withdraw(54_000_001)) == "COLLATERAL_INSUFFICIENT"
    assert driver.refused(ALICE, b.transfer(BOB, 54_000_001)) == "COLLATERAL_INSUFFICIENT"
    driver.do(ALICE, b.transfer(BOB, 4_000_000), b.withdraw(50_000_000))
    ledger.check(driver.reader)


@pytest.mark.parametrize(("terms", "message"), [
    ({"tiers": 5}, "tiers"),
    ({"tiers": [TIERS[0]] * 8}, "at most 7"),
    ({"tiers": [{"from_notional_quanta": 1}]}, r"tiers\[0\]"),
    ({"tiers": [{**TIERS[0], "from_notional_quanta": 0}]}, "from_notional_quanta"),
    ({"tiers": list(reversed(TIERS))}, "from_notional_quanta"),
    ({"tiers": [{**TIERS[0], "initial_ppm": 40_000}]}, "initial_ppm"),
    ({"tiers": [{**TIERS[0], "maintenance_ppm": 20_000}]}, "maintenance_ppm"),
    ({"tiers": [{**TIERS[0], "maintenance_ppm": 100_000}]}, "must be below"),
    ({"open_interest_upper_quanta": 5}, "open_interest_lower_quanta"),
    ({"open_interest_lower_quanta": 5, "open_interest_upper_quanta": 5}, "open_interest_upper_quanta"),
    ({"profit_cap_quanta": -1}, "profit_cap_quanta"),
])
def test_marg_010_terms_that_make_no_sense_are_refused(terms: dict[str, object], message: str) -> None:
    """MARG-010: each fault names its field."""
    with pytest.raises(GenesisError, match=message):
        Chain(DictReader()).init_chain("test", 1, 1, with_terms(**terms))
