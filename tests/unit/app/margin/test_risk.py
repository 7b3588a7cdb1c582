"""What is remembered of a market's risk is never stale, and whom a mark hurts is found."""

from app.margin.health import candidates
from app.margin.state import account_standing, market_risk
from tests.helpers import builders as b
from tests.helpers.builders import ALICE, BOB, BTC
from tests.helpers.driver import Driver
from tests.unit.app.supposing import supposed

P, T = b.MARK_QUANTA[BTC], b.TICK_QUANTA[BTC]


def test_a_risk_is_kept_until_its_mark_changes() -> None:
    """MARG-001: one value a market; a new mark makes another, and undoing it a third like the first."""
    driver = Driver()
    driver.run([])
    ctx = driver.chain.ctx
    first = market_risk(ctx, BTC)
    assert (first.mark_quanta, first.initial_ppm, first.maintenance_ppm) == (P, 50_000, 30_000)
    assert market_risk(ctx, BTC) is first
    driver.mark(P + T)
    driver.chain.finalize(driver.next_block([]))
    assert market_risk(ctx, BTC).mark_quanta == P + T
    driver.mark(P)
    driver.chain.finalize(driver.next_block([]))  # the first was never committed
    assert market_risk(ctx, BTC) == first
    assert account_standing(driver.chain.view, ctx.accounts.peek(ALICE.account())).initial == 0


def test_readers_of_committed_state_remember_nothing() -> None:
    """MARG-001: another thread may ask while a commit falls, so its view keeps no risk."""
    driver = Driver()
    driver.run([])
    assert market_risk(driver.chain.view, BTC).mark_quanta == P
    assert not driver.chain.view.risks
    driver.mark(P + T)
    driver.run([])
    assert market_risk(driver.chain.view, BTC).mark_quanta == P + T


def test_hlth_001_who_is_short_is_found() -> None:
    """HLTH-001: alice's 10 lots with 23 USD of margin fall short once the mark falls by more than 2 %."""
    driver = Driver(b.genesis(cash_quanta=23_500_000))
    driver.do(ALICE, b.buy(P, 10))
    driver.do(BOB, b.sell(P, 10))
    assert candidates(driver.chain.ctx) == []
    with supposed(driver.chain.ctx, P - 2_400 * T):
        assert candidates(driver.chain.ctx) == [ALICE.account()]
    driver.mark(P - 2_400 * T)
    assert [event.auction_started.account.owner for event in driver.run([]).events
            if event.HasField("auction_started")] == [ALICE.owner]
