"""What happened on other venues, where a halt, a band, a cap or a cool-down is what stops it here; more such stories
are in tests/scenarios.
"""

from app.margin.state import account_standing
from tests.helpers import builders as b
from tests.helpers.builders import ALICE, BOB, BTC, CAROL, ORACLE, Person
from tests.helpers.driver import Driver
from tests.unit.app.breakers.test_bands import ACTIVE, AUCTION, kinds, status, whole

E9 = 10**9
HOUR = 3_600 * E9
USD = 10**6
MARK = 46_000_000
SAFE = {"order_band_ppm": 50_000, "fill_band_ppm": 60_000, "halt_move_ppm": 100_000, "halt_window_ns": 300 * E9,
        "halt_auction_ns": 60 * E9, "halt_extensions": 3}
CLOSED = {"position_closed", "auction_started", "account_reduced"}


def equity(driver: Driver, person: Person) -> int:
    """What somebody has, at the marks."""
    view = driver.chain.view
    return account_standing(view, view.accounts.get(person.account())).equity


def quiet(driver: Driver, seconds: int) -> set[str]:
    """Blocks of a second without transactions; the kinds of events in them."""
    return {kind for _ in range(seconds) for kind in kinds(driver.run([]))}


def test_xpl_a_thin_book_is_swept_and_shorts_survive() -> None:
    """XPL, 26 August 2025: one buyer swept a thin book from 0.6 to 1.8, the mark followed the book, shorts were
    liquidated into it for 46M. Here the sweep ends at the band (BRK-004), the mark stays, and so does the short.
    """
    driver = Driver(b.genesis(terms={BTC: SAFE}, gas_price_e6=0, cash={CAROL: 100 * USD}))
    driver.do(BOB, b.buy(MARK, 20), *[b.sell(MARK * part // 10 // 500 * 500, 20) for part in range(11, 31)])
    driver.do(CAROL, b.sell(MARK, 20))
    assert driver.refused(ALICE, b.buy(3 * MARK, 400)) == "BREAKER_ORDER_BAND"
    done = driver.do(ALICE, b.buy(48_300_000, 400))[0]
    assert done.filled_lots == 0 and driver.chain.view.marks.get(BTC).price_quanta == MARK
    assert not CLOSED & quiet(driver, 3) and equity(driver, CAROL) > 0
    whole(driver)


def test_xpl_where_the_index_itself_runs_shorts_have_time() -> None:
    """XPL again, with an index that triples as well, a tenth at a time: the market is halted at the first tenth, stays
    so while it runs, as long as it may (BRK-009), and nobody is liquidated before it has met at one price.
    """
    driver = Driver(b.genesis(terms={BTC: SAFE}, gas_price_e6=0, cash={CAROL: 100 * USD}))
    driver.do(BOB, b.buy(MARK, 20))
    driver.do(CAROL, b.sell(MARK, 20))
    price, seen = MARK, set()
    for _ in range(10):
        price = price * 111 // 100
        driver.mark(price)
        seen |= quiet(driver, 20)
    assert status(driver) == AUCTION and not CLOSED & seen
    assert "breaker_extended" in seen
    driver.do(BOB, b.transfer(CAROL, 3_000 * USD))
    assert not CLOSED & quiet(driver, 200) and status(driver) == ACTIVE
    whole(driver)


def test_popcat_nineteen_wallets_open_no_more_than_the_market_bears() -> None:
    """POPCAT, 12 November 2025: 19 wallets went long for 20 to 30M against a fake wall of bids, took it away, and left
    the loss to the house. Here all of them together open what the cap allows (BRK-010), and the fall that follows
    halts the market before anybody is closed at a price that nobody chose (BRK-007).
    """
    wallets = tuple(Person(f"wallet {number}") for number in range(19))
    genesis = b.genesis((ALICE, BOB, ORACLE, *wallets), cash_quanta=3_000 * USD, gas_price_e6=0,
                        terms={BTC: {**SAFE, "max_open_interest_lots": 200}}, cash={BOB: 10**12})
    driver = Driver(genesis, verify=lambda *_: True)
    driver.do(ALICE, b.buy(45_000_000, 900))  # the wall
    driver.do(BOB, b.sell(MARK, 1_000))
    refused = [driver.act(wallet, b.buy(MARK, 30)).actions[0].reason for wallet in wallets]
    assert refused.count("") == 6 and refused.count("BREAKER_OPEN_INTEREST") == 13
    assert driver.chain.view.totals.get(BTC).open_interest_lots == 180
    driver.do(ALICE, b.cancel_all())
    driver.mark(38_000_000)
    assert not CLOSED & quiet(driver, 30) and status(driver) == AUCTION
    whole(driver)


def test_paradex_a_price_of_nothing_liquidates_nobody() -> None:
    """Paradex, 19 January 2026: BTC was worth 0 for a while after a migration; hundreds were liquidated and the chain
    was rolled back. Here the jump halts the market before anything happens at that price (BRK-007); when the price is
    back, so is the market, and everybody has what they had.
    """
    driver = Driver(b.genesis(terms={BTC: SAFE}, gas_price_e6=0, cash={ALICE: 50 * USD}))
    driver.do(BOB, b.sell(MARK, 10))
    driver.do(ALICE, b.buy(MARK, 10), b.trigger(b.BELOW, 44_000_000, b.SELL, 42_500_000, 10, reduce_only=True))
    before = {person: equity(driver, person) for person in (ALICE, BOB)}
    driver.mark(1)
    seen = quiet(driver, 20)
    assert status(driver) == AUCTION and not CLOSED & seen and "trigger_fired" not in seen
    driver.mark(MARK)
    seen = quiet(driver, 400)
    assert status(driver) == ACTIVE and not CLOSED & seen and "trigger_fired" not in seen
    assert {person: equity(driver, person) for person in (ALICE, BOB)} == before
    whole(driver)


def test_dydx_hours_of_standstill_liquidate_nobody_at_the_first_price() -> None:
    """dYdX, 10 October 2025: the chain stood still for eight hours; when it went on, prices were stale and people were
    liquidated at them. Here every market goes into an auction and nobody is liquidated before a cool-down is over
    (BRK-019, BRK-020); who deposits in it is not liquidated at all.
    """
    driver = Driver(b.genesis(terms={BTC: SAFE}, gas_price_e6=0, gap_ns=60 * E9, gap_cool_down_ns=120 * E9,
                              cash={ALICE: 50 * USD}))
    driver.do(BOB, b.sell(MARK, 10))
    driver.do(ALICE, b.buy(MARK, 10), b.buy(40_000_000, 1))
    driver.mark(42_000_000)
    driver.run([], step_ns=8 * HOUR)
    assert status(driver) == AUCTION and equity(driver, ALICE) < 15 * USD
    assert not CLOSED & quiet(driver, 60)
    driver.do(ALICE, b.cancel_all(), b.faucet(ALICE, 100 * USD))
    assert not CLOSED & quiet(driver, 120)
    assert status(driver) == ACTIVE and driver.chain.view.accounts.get(ALICE.account()).position(BTC).lots == 10
    whole(driver)
