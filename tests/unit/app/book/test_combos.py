"""Combos through real blocks: all legs or nothing, by rule code."""

import pytest

from app.invariants import audit
from app.markets.types import AUCTION, REDUCE_ONLY
from novation.v1 import tx_pb2
from tests.helpers import builders as b
from tests.helpers import ledger
from tests.helpers.builders import ALICE, BOB, BTC, BUY, CAROL, DAVE, ETH, MARK_QUANTA, ORACLE, SELL
from tests.helpers.driver import Driver
from tests.helpers.listed import listed, series

P, E = MARK_QUANTA[BTC], MARK_QUANTA[ETH]
T = b.TICK_QUANTA[BTC]
BUY_BTC, SELL_ETH = b.leg(BTC, BUY, P, 2), b.leg(ETH, SELL, E, 3)


def quoted(**genesis: object) -> Driver:
    """BOB asks 5 BTC and CAROL bids for 5 ETH, both at the mark, and DAVE stands behind both."""
    driver = Driver(b.genesis(gas_price_e6=0, **genesis), verify=lambda *_: True)  # type: ignore[arg-type]
    driver.do(BOB, b.sell(P, 5))
    driver.do(CAROL, b.buy(E, 5, market=ETH))
    driver.do(DAVE, b.sell(P + T, 50), b.buy(E - 100, 50, market=ETH))
    return driver


def refusal(driver: Driver, action: tx_pb2.Action, person: b.Person = ALICE) -> tuple[str, dict[str, str]]:
    """REASON and metadata of a combo that must fail; records and books stand as a failed cancel leaves them."""
    book = {market: ledger.book(driver.reader, market) for market in (BTC, ETH)}
    result = driver.run([driver.envelope(person, action)])
    assert {name for name, _, _ in result.changes} <= {"accounts", "clock", "feeds", "marks", "reporters", "params"}
    assert {market: ledger.book(driver.reader, market) for market in (BTC, ETH)} == book
    done = result.txs[0].result.actions[0]
    assert done.reason and not done.legs
    return done.reason, {one.key: one.value for one in done.metadata}


def lots(driver: Driver, person: b.Person) -> tuple[int, int]:
    """What a person holds of BTC and ETH."""
    account = driver.chain.view.accounts.get(person.account())
    return account.position(BTC).lots, account.position(ETH).lots


def test_comb_001_to_003_all_legs_fill() -> None:
    """COMB-001, COMB-002, COMB-003: both legs fill across levels, the result and an event say what they cost, and the
    fills are those of orders.
    """
    driver = quoted()
    action = b.combo(b.leg(BTC, BUY, P + T, 7), b.leg(ETH, SELL, E, 4), client_id=9)
    outcome = driver.run([driver.envelope(ALICE, action)]).txs[0]
    done = outcome.result.actions[0]
    assert [(leg.filled_lots, leg.filled_quote_quanta) for leg in done.legs] == [(7, 7 * P + 2 * T), (4, 4 * E)]
    assert lots(driver, ALICE) == (7, -4) and lots(driver, BOB) == (-5, 0) and lots(driver, DAVE) == (-2, 0)
    told = [event.combo_filled for event in outcome.events if event.HasField("combo_filled")]
    assert [(one.client_id, one.net_quanta, list(one.order_ids)) for one in told] == [
        (9, 7 * P + 2 * T - 4 * E, [leg.order_id for leg in done.legs])]
    fills = [event.fill for event in outcome.events if event.HasField("fill")]
    assert [(one.market, one.size_lots) for one in fills] == [(BTC, 5), (BTC, 2), (ETH, 4)]
    assert {one.taker_client_id for one in fills} == {9}
    audit(driver.chain.ctx)
    ledger.check(driver.reader)


def test_comb_001_nothing_unless_all() -> None:
    """COMB-001: the second leg finds too little at its limit: the makers of the first are as they were."""
    driver = quoted()
    reason, why = refusal(driver, b.combo(BUY_BTC, b.leg(ETH, SELL, E, 6)))
    assert (reason, why["leg"], why["fillable_lots"]) == ("ORDER_NOT_FILLABLE", "1", "5")
    assert lots(driver, BOB) == lots(driver, ALICE) == (0, 0)


@pytest.mark.parametrize("legs", [(), (BUY_BTC,), (BUY_BTC, BUY_BTC), (BUY_BTC,) * 9])
def test_comb_001_legs(legs: tuple[tx_pb2.ComboLeg, ...]) -> None:
    """COMB-001: two to eight, each in another market."""
    assert refusal(quoted(), b.combo(*legs))[0] == "COMBO_LEGS"


@pytest.mark.parametrize(("leg", "reason"), [
    (b.leg(9, BUY, P, 1), "MARKET_NOT_FOUND"), (b.leg(ETH, 0, E, 1), "ORDER_SIDE"),
    (b.leg(ETH, BUY, E, 0), "ORDER_SIZE"),
    (b.leg(ETH, BUY, E + 1, 1), "ORDER_OFF_TICK"), (b.leg(ETH, BUY, E, 1, reduce_only=True), "COMBO_REDUCES"),
    (b.leg(ETH, BUY, E, 1), "ORDER_NOT_FILLABLE")])
def test_comb_002_a_leg_is_an_order(leg: tx_pb2.ComboLeg, reason: str) -> None:
    """COMB-002: what is wrong with an order is wrong with a leg."""
    assert refusal(quoted(), b.combo(BUY_BTC, leg))[0] == reason


def test_comb_002_client_ids_and_own_orders() -> None:
    """COMB-002: a client id in use is refused; an own order that a leg meets goes with it, by the self-trade rule, and
    stays when the combo does not happen.
    """
    driver = quoted()
    driver.do(ALICE, b.sell(P - T, 4, client_id=3))
    assert refusal(driver, b.combo(BUY_BTC, SELL_ETH, client_id=3))[0] == "ORDER_CLIENT_ID_USED"
    assert refusal(driver, b.combo(BUY_BTC, SELL_ETH, stp=2))[0] == "ORDER_NOT_FILLABLE"
    assert refusal(driver, b.combo(BUY_BTC, SELL_ETH, stp=4))[0] == "ORDER_SELF_TRADE"
    assert refusal(driver, b.combo(BUY_BTC, b.leg(ETH, SELL, E, 6)))[0] == "ORDER_NOT_FILLABLE"
    driver.do(ALICE, b.combo(BUY_BTC, SELL_ETH))
    assert lots(driver, ALICE) == (2, -3)
    assert [who for who, _ in ledger.book(driver.reader, BTC)[SELL]] == [BOB.account(), DAVE.account()]


def test_comb_002_where_orders_are_collected() -> None:
    """COMB-002: neither a batch market nor an auction fills at once."""
    driver = Driver(b.genesis(terms={ETH: {"matching": "batch"}}), verify=lambda *_: True)
    assert driver.refused(ALICE, b.combo(BUY_BTC, SELL_ETH)) == "MARKET_COLLECTS"
    driver = quoted()
    auction = driver.envelope(ORACLE, b.set_status(AUCTION, ETH))
    outcome = driver.run([auction, driver.envelope(ALICE, b.combo(BUY_BTC, SELL_ETH))]).txs[1]
    assert outcome.result.actions[0].reason == "MARKET_COLLECTS"


def test_comb_002_reduce_only_legs() -> None:
    """COMB-002: a roll out of a market that only reduces; not by more than is held, nor without saying so."""
    driver = quoted()
    driver.do(ALICE, b.buy(P, 2))
    driver.do(ORACLE, b.set_status(REDUCE_ONLY, BTC))
    driver.do(BOB, b.cancel_all())
    driver.do(DAVE, b.cancel_all(BTC), b.buy(E - 100, 9, market=ETH))
    assert refusal(driver, b.combo(b.leg(BTC, SELL, P - T, 2), SELL_ETH))[0] == "MARKET_NOT_TRADING"
    assert refusal(driver, b.combo(b.leg(BTC, SELL, P, 3, reduce_only=True), SELL_ETH))[0] == "COMBO_REDUCES"
    driver.do(BOB, b.buy(P, 2, reduce_only=True))
    driver.do(ALICE, b.combo(b.leg(BTC, SELL, P, 2, reduce_only=True), SELL_ETH))
    assert lots(driver, ALICE) == (0, -3) and lots(driver, BOB) == (0, 0)


def test_comb_002_limits_of_markets() -> None:
    """COMB-002: bands, caps on open interest and position limits hold for each leg."""
    band = {ETH: {"order_band_ppm": 10_000, "fill_band_ppm": 20_000}}
    far = b.leg(ETH, SELL, E // 2 // 100 * 100, 3)
    assert refusal(quoted(terms=band), b.combo(BUY_BTC, far))[0] == "BREAKER_ORDER_BAND"
    cap = {ETH: {"max_open_interest_lots": 2}}
    assert refusal(quoted(terms=cap), b.combo(BUY_BTC, SELL_ETH))[0] == "BREAKER_OPEN_INTEREST"
    limit = {ETH: {"max_position_lots": 50}}
    driver = quoted(terms=limit)
    assert refusal(driver, b.combo(BUY_BTC, b.leg(ETH, SELL, E - 100, 51)))[0] == "MARGIN_POSITION_LIMIT"
    driver.do(ALICE, b.combo(BUY_BTC, b.leg(ETH, SELL, E - 100, 50)))


def test_comb_002_prices_that_cannot_be_trusted() -> None:
    """COMB-002, ORCL-011: no leg opens at a stale price."""
    driver = quoted(feeds={ETH: {"max_age_ns": 2 * 10**9}})
    del driver.prices[ETH]
    for _ in range(4):
        driver.run([])
    assert refusal(driver, b.combo(BUY_BTC, SELL_ETH))[0] == "ORACLE_UNTRUSTED"


def test_comb_003_the_net_limit() -> None:
    """COMB-003: bought less sold, to the unit, either sign."""
    driver = quoted()
    cost = 2 * P - 3 * E
    assert cost == 20_000_000
    reason, why = refusal(driver, b.combo(BUY_BTC, SELL_ETH, net=cost - 1))
    assert (reason, why) == ("COMBO_NET", {"net_quanta": str(cost), "limit_quanta": str(cost - 1)})
    driver.do(ALICE, b.combo(BUY_BTC, SELL_ETH, net=cost))
    driver = quoted()
    driver.do(BOB, b.cancel_all(), b.buy(P, 5))
    driver.do(CAROL, b.cancel_all(), b.sell(E, 5, market=ETH))
    back = (b.leg(BTC, SELL, P, 2), b.leg(ETH, BUY, E, 3))
    assert refusal(driver, b.combo(*back, net=-cost - 1))[0] == "COMBO_NET"
    driver.do(ALICE, b.combo(*back, net=-cost))


def test_comb_004_margin_is_asked_once() -> None:
    """COMB-004: ALICE, long 10 BTC lots, has too little to buy 190 ETH lots beside; as one decision with the sale it is
    allowed, in whichever order, and of what she cannot carry even then nothing happens.
    """
    for turn in (1, -1):
        driver = quoted(cash={ALICE: 240_000_000})
        driver.do(BOB, b.sell(P, 100))
        driver.do(ALICE, b.buy(P, 100))
        driver.do(BOB, b.cancel_all())
        driver.do(DAVE, b.cancel_all(), b.buy(P, 100), b.sell(E, 500, market=ETH))
        driver.do(CAROL, b.cancel_all())
        eth, btc = b.leg(ETH, BUY, E, 190), b.leg(BTC, SELL, P, 100)
        assert driver.refused(ALICE, b.buy(E, 190, market=ETH)) == "MARGIN_INSUFFICIENT"
        assert refusal(driver, b.combo(*(b.leg(ETH, BUY, E, 210), btc)[::turn]))[0] == "MARGIN_INSUFFICIENT"
        driver.do(ALICE, b.combo(*(eth, btc)[::turn]))
        assert lots(driver, ALICE) == (0, 190)
        audit(driver.chain.ctx)


@pytest.mark.parametrize("portfolio", [False, True])
def test_comb_004_a_spread_gets_its_credit(portfolio: bool) -> None:
    """COMB-004, MARG-016: whoever can carry what a spread can lose sells it as one decision; its short leg alone is
    refused. CAROL, who quotes both, is asked leg by leg.
    """
    state = b.genesis(cash={ALICE: 600_000_000}, gas_price_e6=0, portfolios=(1,))
    driver = listed(20, genesis=state, daily=1, weekly=0, monthly=0, quarterly=0, strikes=3)
    numbers = series(driver)
    low, high = (numbers[f"BTC-15NOV23-{strike}-C"] for strike in (45_800, 46_200))
    marks = {market: driver.chain.view.marks.get(market).price_quanta for market in (low, high)}
    bid, ask = marks[low] // 10_000 * 10_000, -(-marks[high] // 10_000) * 10_000
    driver.do(CAROL, b.buy(bid, 50, market=low), b.sell(ask, 50, market=high))
    if portfolio:
        driver.do(ALICE, b.margin_mode(2))
    assert driver.refused(ALICE, b.sell(bid, 50, market=low, time_in_force=b.FILL_OR_KILL)) == "MARGIN_INSUFFICIENT"
    legs = b.leg(low, SELL, bid, 50), b.leg(high, BUY, ask, 50)
    assert driver.refused(ALICE, b.combo(*legs, net=50 * (ask - bid) - 1)) == "COMBO_NET"
    driver.do(ALICE, b.combo(*legs, net=50 * (ask - bid)))
    account = driver.chain.view.accounts.get(ALICE.account())
    assert (account.position(low).lots, account.position(high).lots) == (-50, 50)
    audit(driver.chain.ctx)
    ledger.check(driver.reader)


def test_comb_004_makers_are_asked_as_always() -> None:
    """COMB-004, BOOK-014: BOB, who stands in both books, can carry one fill: after the first leg his order in the
    second market is removed, and DAVE's is met, within the limit.
    """
    driver = quoted(cash={BOB: 23_500_000})
    driver.do(CAROL, b.cancel_all())
    driver.do(BOB, b.cancel_all())
    driver.do(BOB, b.sell(P, 5), b.buy(E, 4, market=ETH))
    driver.mark(P * 115 // 100)
    driver.run([])
    action = b.combo(b.leg(BTC, BUY, P, 2), b.leg(ETH, SELL, E - 100, 4))
    outcome = driver.run([driver.envelope(ALICE, action)]).txs[0]
    made = [(event.fill.market, event.fill.maker.owner) for event in outcome.events if event.HasField("fill")]
    assert [market for market, _ in made] == [BTC, ETH] and made[1][1] == DAVE.owner


def test_comb_001_a_fault_in_a_leg_is_its_markets(monkeypatch: pytest.MonkeyPatch) -> None:
    """COMB-001, CMP-003: the rules of one leg's market break in the middle: nothing is done, and that market is
    quarantined.
    """
    from app.book import combos

    driver, real = quoted(), combos.plan_order

    def breaks(ctx, taker, account):  # type: ignore[no-untyped-def]
        if taker.market.market == ETH:
            raise ZeroDivisionError
        return real(ctx, taker, account)

    monkeypatch.setattr(combos, "plan_order", breaks)
    assert driver.act(ALICE, b.combo(BUY_BTC, SELL_ETH)).actions[0].reason == "MARKET_FAULT"
    assert lots(driver, ALICE) == (0, 0)
    markets = driver.chain.view.markets
    assert markets.get(ETH).quarantined and not markets.get(BTC).quarantined
    ledger.check(driver.reader)
