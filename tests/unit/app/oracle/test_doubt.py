"""What a dead price in one market does to an account elsewhere: the benefit of the doubt, and no more."""

import json

import pytest

from app.invariants import audit
from app.liquidation import rules
from app.liquidation.state import trusted_standing
from app.margin.state import account_standing
from app.markets.types import ACTIVE, AUCTION, SETTLED
from app.oracle.rules import ABSENT, STALE
from tests.helpers import builders as b
from tests.helpers.builders import ALICE, BOB, BTC, CAROL, ETH
from tests.helpers.driver import GENESIS_TIME_NS, Driver

S = 10**9
OLD = {"max_age_ns": 10 * S}
COIN = {"asset": 1, "symbol": "ETH", "decimals": 8, "haircut_ppm": 100_000, "account_cap_units": 10**12,
        "deposit_cap_units": 10**14, "price_market": ETH}


def with_coin(**fields: object) -> Driver:
    """A chain on which ETH is collateral too; CAROL has 200 USD. The feeds age."""
    document = json.loads(b.genesis(cash={CAROL: 200_000_000}, feeds={BTC: OLD, ETH: OLD}, **fields))  # type: ignore[arg-type]
    document["assets"] = [COIN]
    one = Driver(json.dumps(document).encode())
    one.run([])
    return one


def go_long(one: Driver) -> None:
    """CAROL is long 60 BTC lots."""
    one.do(ALICE, b.sell(46_000_000, 60))
    one.do(CAROL, b.buy(46_000_000, 60))


def kill_eth(one: Driver, blocks: int = 15) -> None:
    """No votes on ETH any more."""
    one.prices.pop(ETH)
    for _ in range(blocks):
        one.run([])


def lots(one: Driver) -> int:
    return one.chain.view.accounts.get(CAROL.account()).position(BTC).lots


def a_lot(one: Driver) -> None:
    one.do(ALICE, b.sell(24_000_000, 1, market=ETH))
    one.do(CAROL, b.buy(24_000_000, 1, market=ETH))


DUST = {
    "nothing": lambda one: None, "a lot": a_lot,
    "an order of a ten-thousandth of a dollar": lambda one: one.do(CAROL, b.buy(100, 1, market=ETH)),
    "a unit of a coin": lambda one: one.do(BOB, b.faucet(CAROL, 1, asset=1)),
}


@pytest.mark.parametrize("dust", DUST)
def test_liq_025_dust_of_something_dead_protects_nobody(dust: str) -> None:
    """LIQ-025: with or without a little of what has no price, the same long is closed when it is short."""
    one = with_coin()
    go_long(one)
    DUST[dust](one)
    kill_eth(one)
    assert one.chain.view.feeds.get(ETH).validity == STALE
    one.do(BOB, b.buy(43_000_000, 1_000))
    one.mark(43_000_000)
    for _ in range(60):
        one.run([])
    assert lots(one) < 60
    audit(one.chain.ctx)


def test_liq_025_worked_numbers() -> None:
    """LIQ-025: half of the value more, no maintenance for it; another account's standing is untouched."""
    assert [rules.doubt(value) for value in (0, 1, 100)] == [0, 1, 50]
    one = with_coin()
    go_long(one)
    a_lot(one)
    kill_eth(one)
    ctx = one.chain.ctx
    for person, lots_held in ((CAROL, 1), (BOB, 0)):
        account = ctx.accounts.get(person.account())
        plain, trusted = account_standing(ctx, account), trusted_standing(ctx, account)
        assert trusted.equity - plain.equity == lots_held * 12_000_000
        assert plain.maintenance - trusted.maintenance == lots_held * 720_000


def test_liq_025_the_dead_market_is_not_touched() -> None:
    """LIQ-025: who is ruined by what has no price is left alone there."""
    one = with_coin()
    one.do(ALICE, b.sell(24_000_000, 150, market=ETH))
    one.do(CAROL, b.buy(24_000_000, 150, market=ETH))
    one.mark(22_900_000, ETH)
    one.record = list  # type: ignore[method-assign]
    one.record = Driver.record.__get__(one)  # type: ignore[method-assign]
    kill_eth(one)
    for _ in range(30):
        one.run([])
    assert one.chain.view.accounts.get(CAROL.account()).position(ETH).lots == 150


def test_orcl_011_assets_ask_the_feed_also_when_the_market_has_settled() -> None:
    """ORCL-011: collateral priced by the index of a settled market opens nothing once that index has no price."""
    one = with_coin(terms={ETH: {"kind": "future", "expiry_ns": GENESIS_TIME_NS + 2_400 * S}})
    while one.chain.view.markets.get(ETH).status != SETTLED:
        one.run([], step_ns=30 * S)
    one.do(BOB, b.faucet(CAROL, 10**8, asset=1))
    assert one.act(CAROL, b.buy(500, 1)).actions[0].reason == ""
    kill_eth(one)
    assert one.refused(CAROL, b.buy(500, 1)) == "ORACLE_UNTRUSTED"
    assert one.refused(CAROL, b.withdraw(5)) == "ORACLE_UNTRUSTED"


def test_coll_012_nothing_is_seized_at_a_price_that_cannot_be_trusted() -> None:
    """COLL-012, ORCL-011: a future settles; CAROL's coin is not bought at a price of long ago: her debt stands beside
    it, and it is worth more.
    """
    one = with_coin(terms={BTC: {"kind": "future", "expiry_ns": GENESIS_TIME_NS + 1_860 * S,
                                 "insurance_quanta": 10**11}, ETH: {"insurance_quanta": 10**11}})
    one.do(BOB, b.faucet(CAROL, 10**8, asset=1))
    one.do(ALICE, b.sell(46_000_000, 10))
    one.do(CAROL, b.buy(46_000_000, 10))
    kill_eth(one)
    one.mark(20_000_000)
    while one.chain.view.markets.get(BTC).status != SETTLED:
        one.run([], step_ns=30 * S)
    account = one.chain.view.accounts.get(CAROL.account())
    assert one.chain.view.feeds.get(ETH).validity == ABSENT
    assert account.cash_quanta < 0 and account.units(1) == 10**8
    assert one.chain.equity(CAROL.account()) > 0
    audit(one.chain.ctx)


def test_orcl_011_an_auction_waits_for_a_price() -> None:
    """ORCL-011: a market that opens by auction stays in it while its feed is stale, and meets when that is back."""
    one = Driver(b.genesis(feeds={BTC: OLD}, terms={BTC: {"opens_ns": GENESIS_TIME_NS + 2 * S, "auction_ns": 20 * S}}))
    for _ in range(4):
        one.run([])
    go_long(one)
    price = one.prices.pop(BTC)
    for _ in range(60):
        one.run([])
    assert one.chain.view.markets.get(BTC).status == AUCTION and lots(one) == 0
    one.prices[BTC] = price
    for _ in range(2):
        one.run([])
    assert one.chain.view.markets.get(BTC).status != AUCTION and lots(one) == 60


def test_orcl_011_pegged_orders_stay_while_there_is_no_price() -> None:
    """ORCL-011: an order pegged to the index does not move before a price can be trusted again."""
    one = Driver(b.genesis(feeds={BTC: {"move_ppm": 10_000, "move_ppm_a_second": 0}}))
    one.run([])
    done = one.do(ALICE, b.buy(0, 1, time_in_force=b.POST_ONLY, peg=b.PEG_INDEX, offset=-100))[0]

    def price() -> int:
        return one.chain.view.orders.get(ALICE.account()).orders[done.order_id].price_quanta

    first = price()
    one.mark(46_900_000)
    one.run([])
    assert price() == first
    one.run([])
    one.run([])
    assert price() > first


def test_orcl_013_a_market_without_a_price_is_wound_up() -> None:
    """ORCL-013: after three days it takes only what reduces; it settles, and its holders have their cash again."""
    one = Driver(b.genesis(feeds={ETH: {"max_age_ns": 36 * S}}))
    one.run([])
    a_lot(one)
    one.prices.pop(ETH)
    for _ in range(72):  # an hour and a second each; absent from the first one on
        one.run([], step_ns=3_600 * S)
        assert one.refused(ALICE, b.withdraw(1_000_000)) == "ORACLE_UNTRUSTED"
        assert one.chain.view.markets.get(ETH).status == ACTIVE
    one.run([], step_ns=3_600 * S)
    assert one.refused(ALICE, b.buy(100, 1, market=ETH)) == "MARKET_NOT_TRADING"
    for _ in range(50):
        one.run([], step_ns=3_600 * S)
    assert one.chain.view.markets.get(ETH).status == SETTLED
    one.do(ALICE, b.withdraw(1_000_000))
    audit(one.chain.ctx)


def test_orcl_013_time_without_blocks_is_not_counted() -> None:
    """ORCL-013: the chain stands still for weeks, from its genesis on and later; no market is wound up for it, and
    trade goes on when there are prices again.
    """
    one = Driver(b.genesis(feeds={ETH: OLD}))
    for still_days in (30, 4, 4):
        price = one.prices.pop(ETH)
        one.run([], step_ns=still_days * 86_400 * S)
        one.run([], step_ns=500 * S)
        assert one.chain.view.markets.get(ETH).status == ACTIVE
        assert one.refused(ALICE, b.buy(100, 1, market=ETH)) == "ORACLE_UNTRUSTED"
        one.prices[ETH] = price
        one.run([])
        assert one.chain.view.feeds.get(ETH).absent_from_ns == 0
        a_lot(one)
