"""Funding: premium, rate and index; what positions owe, and that the pool keeps the crumbs and nothing else."""

from random import Random

import pytest

from app.accounts.types import Account, Position
from app.errors import InvariantError
from app.funding import rules
from app.funding.types import Funding
from app.invariants import audit
from app.margin.state import account_standing, equity
from tests.helpers import builders, ledger
from tests.helpers.builders import ALICE, BOB, BTC, CAROL, DAVE
from tests.helpers.driver import Driver

E9 = 10**9


@pytest.mark.parametrize(("lots", "way_e9", "owed"), [
    (3, 1_500_000_000, 5), (-3, 1_500_000_000, -4), (3, -1_500_000_000, -4), (-3, -1_500_000_000, 5),
    (0, E9, 0), (7, 0, 0),
])
def test_payment_rounds_against_the_account(lots: int, way_e9: int, owed: int) -> None:
    """FUND-001: 3 lots over 1.5 quanta owe 4.5, so 5; the other side gets 4."""
    assert rules.payment(lots, 40 + way_e9, 40) == owed


def set_index(driver: Driver, index_e9: int) -> None:
    """Write a funding index as if blocks had led there."""
    driver.chain.ctx.funding.put(BTC, Funding(index_e9))
    batch = driver.chain._stage()[2]
    driver.reader.write(batch)
    driver.chain._merge()


def test_funding_is_settled_before_a_fill_and_counts_in_equity_before_that() -> None:
    """FUND-002, FUND-003: both sides settle when they trade, the pool keeps half a quantum each."""
    driver = Driver()
    driver.do(BOB, builders.sell(46_000_000, 3))
    driver.do(ALICE, builders.buy(46_000_000, 3))
    ctx = driver.chain.ctx
    alice, bob = ALICE.account(), BOB.account()
    before = {key: equity(driver.chain.view, ctx.accounts.peek(key)) for key in (alice, bob)}
    set_index(driver, 1_500_000_000)
    assert [equity(driver.chain.view, ctx.accounts.peek(key)) - before[key] for key in (alice, bob)] == [-5, 4]
    assert account_standing(driver.chain.view, ctx.accounts.peek(alice)).equity == before[alice] - 5
    cash = {key: ctx.accounts.peek(key).cash_quanta for key in (alice, bob)}
    fees = 2 * 46_000_000 * 100 // 10**6, 2 * 46_000_000 * 500 // 10**6
    trades = [(BOB, builders.buy(46_000_000, 2)), (ALICE, builders.sell(46_000_000, 2))]
    driver.run([driver.envelope(person, action) for person, action in trades])
    gas = 2 * 30_000  # at most: the fee of an envelope is its gas
    assert ctx.accounts.peek(alice).position(BTC) == Position(BTC, 1, 46_000_000, funding_index_e9=1_500_000_000)
    assert ctx.accounts.peek(bob).position(BTC).funding_index_e9 == 1_500_000_000
    moved = ctx.accounts.peek(alice).cash_quanta - cash[alice] - 2 * 46_000_000
    assert -5 - max(fees) - gas <= moved <= -5 - min(fees)
    assert driver.chain.ctx.funds.peek(b"funding/\x00\x00\x00\x01").balance_quanta == 1
    audit(ctx)
    ledger.check(driver.reader)
    driver.restart()
    audit(driver.chain.ctx)


def test_an_account_without_lots_owes_nothing() -> None:
    """FUND-002: orders alone pay no funding, and their position takes the index when it first fills."""
    driver = Driver()
    set_index(driver, 7 * E9)
    driver.do(BOB, builders.sell(46_000_000, 3))
    assert equity(driver.chain.view, Account(5, positions={BTC: Position(BTC, open_buy_lots=2)})) == 5
    driver.do(ALICE, builders.buy(46_000_000, 3))
    assert driver.chain.ctx.accounts.peek(BOB.account()).position(BTC).funding_index_e9 == 7 * E9
    assert driver.chain.ctx.funds.peek(b"funding/\x00\x00\x00\x01").balance_quanta == 0
    audit(driver.chain.ctx)


USD = 1_000_000
LOT = 1_000  # lots a BTC


def per_lot(usd: float) -> int:
    """A price of one BTC in quanta a lot of 0.001."""
    return round(usd * USD / LOT)


BIDS = [(per_lot(9_999), 100), (per_lot(9_998), 1_000)]
ASKS = [(per_lot(10_001), 100), (per_lot(10_001.5), 100), (per_lot(10_002), 1_000)]


def test_impact_price_and_premium_are_dydx_s() -> None:
    """FUND-004, FUND-005: 5,000 USD against the book, index 9,000 or 10,003: +110,911 and -129 ppm; towards zero."""
    bid = rules.impact_price(BIDS, 5_000 * USD, up=False)
    ask = rules.impact_price(ASKS, 5_000 * USD, up=True)
    assert bid == per_lot(9_998.199)
    assert rules.premium(bid, per_lot(11_000), per_lot(9_000)) // 1_000 == 110_911
    assert -(-rules.premium(per_lot(9_000), ask, per_lot(10_003)) // 1_000) == -129
    assert rules.impact_price(BIDS, 12_000 * USD, up=False) == 0
    assert rules.premium(0, 0, per_lot(9_000)) == 0
    assert rules.premium(1 << 50, 0, 1) == E9


@pytest.mark.parametrize(("premium", "interest", "band", "rate"), [
    (10_000_000, 100_000, 500_000, 9_500_000), (800_000, 100_000, 500_000, 300_000), (0, 100_000, 500_000, 100_000),
    (200_000, 0, 250_000, 0), (1_000_000, 0, 250_000, 750_000), (-1_000_000, 0, 250_000, -750_000),
    (90_000_000, 100_000, 500_000, 40_000_000), (-90_000_000, 100_000, 500_000, -40_000_000),
])
def test_rate(premium: int, interest: int, band: int, rate: int) -> None:
    """FUND-006: Hyperliquid's 1 %, Paradex's .08 %, Deribit's dead band, and the cap of 4 %."""
    assert rules.rate(premium, interest, band, 40_000_000) == rate


def paid(lots: int, price: int, rate_e9: int, seconds: int, step: int = 1) -> int:
    """What `lots` pay over so many seconds, in blocks of `step` seconds."""
    index = 0
    for _ in range(seconds // step):
        index = rules.next_index(index, price, rate_e9, step * E9)
    return rules.payment(lots, index, 0)


def test_index_by_time() -> None:
    """FUND-007: Hyperliquid's 118.75 USD an hour, Paradex's .01875 a minute and 18 a BTC in eight hours; saturation."""
    assert paid(10 * LOT, per_lot(10_000), 9_500_000, 3_600) == 118_750_000
    assert paid(LOT // 2, per_lot(60_000), 300_000, 60, 30) == 18_750
    assert paid(LOT, per_lot(60_000), 300_000, 8 * 3600, 30) == 18 * USD
    assert rules.next_index(1 << 62, 1 << 50, E9, 30 * E9) == 1 << 62
    assert rules.next_index(-(1 << 62), 1 << 50, -E9, 30 * E9) == -(1 << 62)
    assert (rules.next_index(5, 1, 1, 1), rules.next_index(5, 1, -1, 1)) == (5, 5)


def test_derive_s_rate() -> None:
    """FUND-005 to FUND-007: v2-core's PerpAsset at 7736900d: spot 1,500, impact bid 6 above: 0.0005 an hour, 0.75 USD
    of one contract. Its premium over eight hours is ours without a band; its constant is our interest, 0 in that case.
    """
    premium = rules.premium(per_lot(1_506), per_lot(1_510), per_lot(1_500))
    rate_e9 = rules.rate(premium, 0, 0, 32_000_000)  # its cap: 0.4 % an hour
    assert (premium, rate_e9) == (4_000_000, 4_000_000)
    assert paid(LOT, per_lot(1_500), rate_e9, 3_600) == 750_000
    assert rules.rate(50_000_000, 0, 0, 32_000_000) == 32_000_000


TERMS: dict[int, dict[str, object]] = {BTC: {"funding_cap_e9": 40_000_000}}


def test_a_market_pays_by_its_book_and_the_clock() -> None:
    """FUND-004 to FUND-008: the rate of the book a block leaves runs until the next; a gap counts as 30 seconds; with
    nobody in the market, and without depth, nothing moves.
    """
    driver = Driver(builders.genesis(terms=TERMS))
    view = driver.chain.view
    driver.do(BOB, builders.sell(46_460_000, 1_000), builders.buy(46_000_000, 10))
    assert (view.funding.get(BTC).rate_e9, view.funding.get(BTC).premium_e9) == (100_000, 0)  # the bid is too small
    driver.run([])
    assert view.funding.get(BTC).index_e9 == 0  # nobody holds anything
    driver.do(CAROL, builders.buy(46_460_000, 1_000), builders.buy(46_460_000, 1_000))
    assert view.funding.get(BTC).premium_e9 == 10_000_000
    assert view.funding.get(BTC).rate_e9 == 9_500_000
    index = view.funding.get(BTC).index_e9
    step = 46_000_000 * 9_500_000 // (8 * 3600)
    driver.run([])
    assert view.funding.get(BTC).index_e9 == index + step
    driver.run([], step_ns=3600 * E9)
    assert view.funding.get(BTC).index_e9 == index + step + 46_000_000 * 9_500_000 * 30 // (8 * 3600)
    audit(driver.chain.ctx)
    driver.restart()
    audit(driver.chain.ctx)


def test_a_halted_market_stands_still() -> None:
    """FUND-008: no accrual and no rate while a market does not trade."""
    driver = Driver(builders.genesis(terms=TERMS))
    driver.do(BOB, builders.sell(46_460_000, 1_000))
    driver.do(CAROL, builders.buy(46_460_000, 1_000))
    ctx = driver.chain.ctx
    ctx.markets.get(BTC).status = 3
    index = ctx.funding.peek(BTC).index_e9
    driver.run([])
    assert (ctx.funding.peek(BTC).index_e9, ctx.funding.peek(BTC).rate_e9) == (index, 0)


@pytest.mark.parametrize("seed", range(3))
def test_funding_is_zero_sum(seed: int) -> None:
    """FUND-002, FUND-003: random trades, marks and gaps; the audit sums pool and all that is unsettled."""
    random = Random(seed)
    people = (ALICE, BOB, CAROL, DAVE)
    driver = Driver(builders.genesis(terms={BTC: {"funding_cap_e9": 40_000_000, "impact_notional_quanta": 10**9}}))
    for height in range(120):
        mark = 46_000_000 + random.randint(-400, 400) * 1_000
        if height % 3 == 0:
            driver.mark(mark)
        txs = []
        for person in random.sample(people, 2):
            side, price = random.choice((1, 2)), 46_000_000 + random.randint(-90, 90) * 5_000
            txs.append(driver.envelope(person, builders.place(side, price, random.randint(1, 60))))
        driver.run(txs, step_ns=random.choice((1, 5 * 10**8, E9, 61 * E9)))
        audit(driver.chain.ctx)
    funding = driver.chain.view.funding.get(BTC)
    assert funding.index_e9
    with pytest.raises(InvariantError):
        driver.chain.ctx.funds.get(b"funding/\x00\x00\x00\x01").balance_quanta -= 1_000  # more than all crumbs
        audit(driver.chain.ctx)


def test_the_impact_price_is_measured_anew_when_the_side_changed() -> None:
    """FUND-004: what is kept of a side is what a fresh look at it says, after places, fills, cancels and a restart."""
    random = Random(5)
    driver = Driver(builders.genesis(terms={BTC: {"funding_cap_e9": 40_000_000, "impact_notional_quanta": 10**9}}))
    for _ in range(40):
        person, side = random.choice((ALICE, BOB, CAROL)), random.choice((1, 2))
        price = 46_000_000 + (random.randint(-5, 9) if side == 2 else random.randint(-9, 5)) * 500
        order = builders.place(side, price, random.randint(1, 30))
        driver.act(person, random.choice((order, builders.cancel_all(BTC))))
        book = driver.chain.ctx.books[BTC]
        for kept, up in ((book.bids, False), (book.asks, True)):
            fresh = rules.impact_price(
                ((order.price_quanta, order.open_lots) for order in kept.best_first()), 10**9, up=up)
            assert kept.impact == (10**9, fresh)
    premium = driver.chain.view.funding.get(BTC).premium_e9
    driver.restart()
    driver.run([])
    assert driver.chain.view.funding.get(BTC).premium_e9 == premium
