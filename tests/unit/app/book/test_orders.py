"""Orders through real blocks: each time in force, self-trade rule, replacement and refusal, by rule code."""

import json

import pytest

from novation.v1 import events_pb2, tx_pb2
from tests.helpers import builders as b
from tests.helpers import ledger
from tests.helpers.builders import ALICE, BOB, BTC, CAROL
from tests.helpers.driver import Driver

P = b.MARK_QUANTA[BTC]
T = b.TICK_QUANTA[BTC]


@pytest.fixture
def driver() -> Driver:
    """A chain where everybody has plenty."""
    return Driver()


def levels(driver: Driver, side: int) -> list[tuple[int, int]]:
    """(price, open lots) of the book's orders, best first."""
    return [(order.price_quanta, order.open_lots) for _, order in ledger.book(driver.reader, BTC)[side]]


def position(driver: Driver, person: b.Person) -> tuple[int, int]:
    """(lots, cash) of an account."""
    account = driver.chain.ctx.accounts.peek(person.account())
    assert account is not None
    return account.position(BTC).lots, account.cash_quanta


def reasons(driver: Driver, result: tx_pb2.EnvelopeResult) -> list[str]:
    """REASON of each action."""
    return [action.reason for action in result.actions]


def test_book_005_price_time_priority_at_makers_prices(driver: Driver) -> None:
    """BOOK-005, FEES-001, CLR-001: best price first, then the older order; both pay fees, the fund gets them."""
    driver.do(ALICE, b.sell(P + T, 5), b.sell(P, 4))
    driver.do(BOB, b.sell(P, 3))
    fund_before = ledger.earned(driver.reader)
    cash_before = position(driver, CAROL)[1]
    result = driver.run([driver.envelope(CAROL, b.buy(P + T, 9))]).txs[0]
    fills = [(e.fill.maker.owner, e.fill.price_quanta, e.fill.size_lots) for e in result.events if e.HasField("fill")]
    assert fills == [(ALICE.owner, P, 4), (BOB.owner, P, 3), (ALICE.owner, P + T, 2)]
    assert levels(driver, b.SELL) == [(P + T, 3)]
    notional = 7 * P + 2 * (P + T)
    taker_fees = sum(-(-n * 500 // 10**6) for n in (4 * P, 3 * P, 2 * (P + T)))
    maker_fees = sum(-(-n * 100 // 10**6) for n in (4 * P, 3 * P, 2 * (P + T)))
    assert position(driver, CAROL) == (9, cash_before - notional - taker_fees - result.result.fee_quanta)
    fund_after = ledger.earned(driver.reader)
    assert fund_after - fund_before == taker_fees + maker_fees + result.result.fee_quanta
    assert driver.chain.ctx.totals.peek(BTC).open_interest_lots == 9
    ledger.check(driver.reader)


def test_book_009_times_in_force(driver: Driver) -> None:
    """BOOK-009: IOC drops its rest, FOK fills all or fails, post-only never trades, GTC rests."""
    driver.do(ALICE, b.sell(P, 4))
    assert driver.refused(BOB, b.buy(P, 5, time_in_force=b.FILL_OR_KILL)) == "ORDER_NOT_FILLABLE"
    assert driver.refused(BOB, b.buy(P, 1, time_in_force=b.POST_ONLY)) == "ORDER_WOULD_CROSS"
    ioc = driver.do(BOB, b.buy(P, 3, time_in_force=b.IMMEDIATE_OR_CANCEL))[0]
    assert (ioc.filled_lots, ioc.open_lots) == (3, 0)
    ioc = driver.do(BOB, b.buy(P, 3, time_in_force=b.IMMEDIATE_OR_CANCEL))[0]
    assert (ioc.filled_lots, ioc.filled_quote_quanta, ioc.open_lots) == (1, P, 0)
    assert levels(driver, b.BUY) == levels(driver, b.SELL) == []
    driver.do(ALICE, b.sell(P, 2))
    full = driver.do(BOB, b.buy(P, 2, time_in_force=b.FILL_OR_KILL))[0]
    assert full.filled_lots == 2
    driver.do(BOB, b.buy(P - T, 2, time_in_force=b.POST_ONLY), b.buy(P, 1))
    assert levels(driver, b.BUY) == [(P, 1), (P - T, 2)]


@pytest.mark.parametrize(("rule", "filled", "own_left", "rested"), [
    (b.CANCEL_MAKER, 3, 0, 2), (b.CANCEL_TAKER, 2, 4, 0), (b.CANCEL_BOTH, 2, 0, 0)])
def test_book_013_no_trade_with_oneself(driver: Driver, rule: int, filled: int, own_left: int, rested: int) -> None:
    """BOOK-013: bob 2, then alice's own 4, then bob 1; alice buys 5 through all of them."""
    driver.do(BOB, b.sell(P, 2))
    driver.do(ALICE, b.sell(P, 4))
    driver.do(BOB, b.sell(P, 1))
    result = driver.do(ALICE, b.buy(P, 5, stp=rule))[0]
    assert (result.filled_lots, result.open_lots) == (filled, rested)
    own = [o.open_lots for account, o in ledger.book(driver.reader, BTC)[b.SELL] if account == ALICE.account()]
    assert sum(own) == own_left
    ledger.check(driver.reader)


def test_book_012_replace_keeps_priority_only_when_it_shrinks(driver: Driver) -> None:
    """BOOK-012: shrinking in place stays first; another price or a larger size goes last; the client id stays."""
    driver.do(ALICE, b.sell(P, 5, client_id=1))
    driver.do(BOB, b.sell(P, 5, client_id=1))
    shrunk = driver.do(ALICE, b.replace(P, 3, client_id=1))[0]
    assert [account for account, _ in ledger.book(driver.reader, BTC)[b.SELL]] == [ALICE.account(), BOB.account()]
    grown = driver.do(ALICE, b.replace(P, 4, client_id=1))[0]
    assert [account for account, _ in ledger.book(driver.reader, BTC)[b.SELL]] == [BOB.account(), ALICE.account()]
    assert grown.order_id != shrunk.order_id
    assert driver.do(ALICE, b.cancel(client_id=1))[0].order_id == grown.order_id
    assert driver.refused(ALICE, b.replace(P, 3, client_id=1)) == "ORDER_NOT_FOUND"


def test_book_012_a_failed_replacement_leaves_the_old_order(driver: Driver) -> None:
    """BOOK-012, BLK-005: both happen or neither."""
    driver.do(ALICE, b.sell(P + 2 * T, 5, client_id=1))
    driver.do(BOB, b.buy(P, 5))
    assert driver.refused(ALICE, b.replace(P, 9, client_id=1, time_in_force=b.POST_ONLY)) == "ORDER_WOULD_CROSS"
    assert levels(driver, b.SELL) == [(P + 2 * T, 5)]
    ledger.check(driver.reader)


def test_book_010_cancel_only_what_is_ones_own(driver: Driver) -> None:
    """BOOK-010: by order id or client id, exactly one of them; another's order is not found."""
    placed = driver.do(ALICE, b.sell(P, 5, client_id=9))[0]
    assert driver.refused(BOB, b.cancel(order_id=placed.order_id)) == "ORDER_NOT_FOUND"
    assert driver.refused(ALICE, b.cancel()) == "ORDER_REFERENCE"
    assert driver.refused(ALICE, b.cancel(order_id=placed.order_id, client_id=9)) == "ORDER_REFERENCE"
    assert driver.do(ALICE, b.cancel(order_id=placed.order_id))[0].cancelled_orders == 1


def test_book_011_cancel_all(driver: Driver) -> None:
    """BOOK-011: of one market or of all; nothing to cancel is fine."""
    eth = b.MARK_QUANTA[b.ETH]
    driver.do(ALICE, b.sell(P, 5), b.buy(P - T, 5), b.sell(eth, 1, market=b.ETH))
    assert driver.do(ALICE, b.cancel_all(BTC))[0].cancelled_orders == 2
    assert driver.do(ALICE, b.cancel_all())[0].cancelled_orders == 1
    assert driver.do(ALICE, b.cancel_all())[0].cancelled_orders == 0


def test_book_003_reduce_only_takers_are_cut_to_the_position(driver: Driver) -> None:
    """BOOK-003, BOOK-006: long 5, reduce-only sell of 8 trades 5; with nothing to reduce it fails."""
    driver.do(ALICE, b.sell(P, 5), b.buy(P - T, 20))
    driver.do(BOB, b.buy(P, 5))
    assert driver.refused(BOB, b.buy(P, 1, reduce_only=True)) == "ORDER_REDUCES_NOTHING"
    closed = driver.do(BOB, b.sell(P - T, 8, reduce_only=True))[0]
    assert (closed.filled_lots, closed.open_lots) == (5, 0)
    assert position(driver, BOB)[0] == 0


def test_book_014_reduce_only_makers_fill_up_to_their_position(driver: Driver) -> None:
    """BOOK-014: its position shrank to 2 while 5 rested: 2 fill, the rest is removed, and matching goes on."""
    driver.do(ALICE, b.sell(P, 5))
    driver.do(BOB, b.buy(P, 5))
    driver.do(BOB, b.sell(P + T, 5, reduce_only=True))
    driver.do(CAROL, b.buy(P, 3))
    driver.do(BOB, b.sell(P, 3))
    driver.do(ALICE, b.sell(P + T, 4))
    outcome = driver.run([driver.envelope(CAROL, b.buy(P + T, 6))]).txs[0]
    sizes = [e.fill.size_lots for e in outcome.events if e.HasField("fill")]
    removed = [e.order_cancelled for e in outcome.events if e.HasField("order_cancelled")]
    assert sizes == [2, 4]
    assert [(r.reason, r.cancelled_lots) for r in removed] == [(events_pb2.CANCEL_REASON_REDUCE_ONLY, 3)]
    assert position(driver, BOB)[0] == 0
    ledger.check(driver.reader)


def test_book_014_makers_that_cannot_carry_the_fill_are_removed() -> None:
    """BOOK-014, MARG-004: the mark ran away from a resting order's account; it is removed and the next maker fills."""
    driver = Driver(b.genesis(cash_quanta=30_000_000))
    driver.do(ALICE, b.sell(P, 10))  # 23,000,000 of initial margin
    driver.do(BOB, b.sell(P + 8_000 * T, 1))
    driver.mark(P + 6_000 * T)  # selling 10 at P now loses 30,000,000
    taker = b.buy(P + 8_000 * T, 10, time_in_force=b.IMMEDIATE_OR_CANCEL)
    outcome = driver.run([driver.envelope(CAROL, taker)]).txs[0]
    fills = [e.fill.maker.owner for e in outcome.events if e.HasField("fill")]
    removed = [e.order_cancelled.reason for e in outcome.events if e.HasField("order_cancelled")]
    assert removed == [events_pb2.CANCEL_REASON_MARGIN, events_pb2.CANCEL_REASON_IMMEDIATE]
    assert fills == [BOB.owner]
    ledger.check(driver.reader)


def test_book_007_and_008_terms(driver: Driver) -> None:
    """BOOK-007, BOOK-008: every malformed term has its own code and changes nothing."""
    bad = {
        "ORDER_SIDE": b.place(0, P, 1),
        "ORDER_TIME_IN_FORCE": b.buy(P, 1, time_in_force=9),
        "ORDER_SELF_TRADE": b.buy(P, 1, stp=7),
        "ORDER_SIZE": b.buy(P, 0),
        "ORDER_PRICE": b.buy(0, 1),
        "ORDER_OFF_TICK": b.buy(P + 1, 1),
        "MARKET_NOT_FOUND": b.buy(P, 1, market=99),
    }
    for reason, action in bad.items():
        assert driver.refused(ALICE, action) == reason
    assert driver.refused(ALICE, b.buy(P, 2**64 - 1)) == "ORDER_SIZE"
    assert driver.refused(ALICE, b.buy(2**64 - 2**64 % T, 1)) == "ORDER_PRICE"
    assert driver.refused(ALICE, b.buy(2**50 - 2**50 % T, 1000)) == "ORDER_NOTIONAL"
    details = driver.act(ALICE, b.buy(P + 1, 1)).actions[0].metadata
    assert {d.key: d.value for d in details}["above_quanta"] == str(P + T)
    assert levels(driver, b.BUY) == []


def test_book_006_client_ids_and_order_limit(driver: Driver) -> None:
    """BOOK-001, BOOK-006: a client id is unique among open orders; 200 open orders are the most."""
    driver.do(ALICE, b.buy(P - T, 1, client_id=5))
    assert driver.refused(ALICE, b.buy(P - T, 1, client_id=5)) == "ORDER_CLIENT_ID_USED"
    driver.do(ALICE, *[b.buy(P - T, 1)] * 199)
    assert driver.refused(ALICE, b.buy(P - T, 1)) == "ORDER_LIMIT"
    assert driver.do(ALICE, b.buy(P, 1, time_in_force=b.IMMEDIATE_OR_CANCEL))[0].open_lots == 0


def test_book_005_an_action_fills_at_most_100_makers(driver: Driver) -> None:
    """BOOK-005: the rest of the taker stops with FILL_LIMIT and does not rest on a crossed book (INV-004)."""
    for person in (ALICE, BOB):
        driver.do(person, *[b.sell(P, 1)] * 60)
    outcome = driver.run([driver.envelope(CAROL, b.buy(P, 120))]).txs[0]
    result = outcome.result.actions[0]
    assert (result.filled_lots, result.open_lots) == (100, 0)
    stopped = [e.order_cancelled for e in outcome.events if e.HasField("order_cancelled")]
    assert [(s.reason, s.cancelled_lots, s.was_resting) for s in stopped] == [
        (events_pb2.CANCEL_REASON_FILL_LIMIT, 20, False)]
    assert len(levels(driver, b.SELL)) == 20
    ledger.check(driver.reader)


def test_mkt_004_position_limit() -> None:
    """MKT-004: position and open orders of one side stay within the limit; what reduces is never refused."""
    state = json.loads(b.genesis())
    state["markets"][0]["max_position_lots"] = 10
    driver = Driver(json.dumps(state).encode())
    driver.do(ALICE, b.buy(P - T, 10))
    assert driver.refused(ALICE, b.buy(P - T, 1)) == "MARGIN_POSITION_LIMIT"
    driver.do(ALICE, b.sell(P, 10))
    driver.do(BOB, b.buy(P, 10))
    assert driver.refused(BOB, b.buy(P - 2 * T, 1)) == "MARGIN_POSITION_LIMIT"
    driver.do(BOB, b.sell(P - T, 10))


def test_mkt_002_halted_and_reduce_only_markets(driver: Driver) -> None:
    """MKT-002: reduce-only takes what reduces, halted takes nothing, cancelling always works."""
    driver.do(ALICE, b.sell(P, 5, client_id=1), b.sell(P + T, 5, client_id=2))
    driver.do(BOB, b.buy(P, 5))
    for status, refused in ((2, b.buy(P, 1)), (3, b.sell(P - T, 1, reduce_only=True))):
        market = driver.chain.ctx.markets.get(BTC).copy()
        market.status = status
        driver.chain.ctx.markets.live[BTC] = market
        assert driver.refused(BOB, refused) == "MARKET_NOT_TRADING"
        if status == 2:
            driver.do(BOB, b.sell(P - T, 1, reduce_only=True))
    driver.do(ALICE, b.cancel(client_id=2))


def test_marg_004_orders_need_initial_margin() -> None:
    """MARG-003, MARG-004: 10 lots need 23,000,000 and the fee of the envelope; one lot more is refused."""
    driver = Driver(b.genesis(cash_quanta=23_500_000))
    assert driver.refused(ALICE, b.buy(P, 11)) == "MARGIN_INSUFFICIENT"
    driver.do(ALICE, b.buy(P, 10))
    assert driver.refused(ALICE, b.buy(P, 1)) == "MARGIN_INSUFFICIENT"


def test_marg_005_a_poor_account_may_reduce() -> None:
    """MARG-005: below initial margin after a fall of the mark, buying is refused and selling at the market works."""
    driver = Driver(b.genesis(cash_quanta=30_000_000))
    driver.do(ALICE, b.buy(P, 10))
    driver.do(BOB, b.sell(P, 10))
    driver.mark(P - 2_400 * T)  # alice: equity about 18,000,000, initial margin 22,400,000
    driver.do(CAROL, b.buy(P - 2_400 * T, 5))
    assert driver.refused(ALICE, b.buy(P - 2_500 * T, 1)) == "MARGIN_INSUFFICIENT"
    assert driver.do(ALICE, b.sell(P - 2_400 * T, 5))[0].filled_lots == 5
    assert position(driver, ALICE)[0] == 5
