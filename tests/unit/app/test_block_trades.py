"""Block trades through real blocks: who must have signed what, and what both sides are asked, by rule code."""

import json
from typing import Any

import pytest

from app.clearing.rules import block_worth
from app.invariants import audit
from app.markets.types import REDUCE_ONLY
from novation.v1 import tx_pb2
from tests.helpers import builders as b
from tests.helpers import ledger
from tests.helpers.builders import ALICE, BOB, BTC, BUY, CAROL, ETH, MARK_QUANTA, ORACLE, SELL, Person
from tests.helpers.driver import GENESIS_TIME_NS, Driver

P, E = MARK_QUANTA[BTC], MARK_QUANTA[ETH]
BTC_LEG, ETH_LEG = b.block_leg(BTC, BUY, P, 300), b.block_leg(ETH, SELL, E + 100, 500)
S = 10**9


def chain(**genesis: Any) -> Driver:
    """Everybody has plenty, nothing else costs anything."""
    return Driver(b.genesis(gas_price_e6=0, **genesis))


def signed(*legs: tx_pb2.BlockLeg, sender: Person = ALICE, other: Person = BOB, nonce: int = 1000,
           **terms: int) -> tx_pb2.Action:
    """A block trade that BOB has signed."""
    return b.block(other, b.block_terms(sender, other, *legs, nonce=nonce, **terms))


def refused(driver: Driver, action: tx_pb2.Action, sender: Person = ALICE) -> str:
    """The reason why; neither side has anything less than before, not even a nonce."""
    before = [driver.chain.view.accounts.get(one.account()) for one in (ALICE, BOB)]
    reason = driver.refused(sender, action)
    for one, was in zip((ALICE, BOB), before, strict=True):
        now = driver.chain.view.accounts.get(one.account())
        assert (now.cash_quanta, now.positions) == (was.cash_quanta, was.positions)
    assert driver.chain.view.accounts.get(BOB.account()).highest_nonce == before[1].highest_nonce
    return reason


def lots(driver: Driver, person: Person) -> tuple[int, int]:
    """What a person holds of BTC and ETH."""
    account = driver.chain.view.accounts.get(person.account())
    return account.position(BTC).lots, account.position(ETH).lots


def whole(driver: Driver) -> None:
    """Every conservation law, before and after a restart."""
    audit(driver.chain.ctx)
    ledger.check(driver.reader)
    driver.restart()
    audit(driver.chain.ctx)


def test_clr_005_both_legs_settle() -> None:
    """CLR-005, CLR-009: lots and cash move as in a fill, ALICE pays as a taker, BOB as a maker; no order is met, and no
    last price is made; the event says all.
    """
    driver = chain()
    driver.do(CAROL, b.sell(P - 500, 5), b.buy(P - 1000, 5))
    cash = {one: driver.chain.view.accounts.get(one.account()).cash_quanta for one in (ALICE, BOB)}
    outcome = driver.run([driver.envelope(ALICE, signed(BTC_LEG, ETH_LEG))]).txs[0]
    assert outcome.result.actions[0].filled_lots == 800 and lots(driver, ALICE) == (300, -500)
    assert lots(driver, BOB) == (-300, 500) and lots(driver, CAROL) == (0, 0)
    moved = 500 * (E + 100) - 300 * P
    fees = {ppm: -(-300 * P * ppm // 10**6) - (-500 * (E + 100) * ppm // 10**6) for ppm in (500, 100)}
    now = {one: driver.chain.view.accounts.get(one.account()).cash_quanta for one in (ALICE, BOB)}
    assert (now[ALICE] - cash[ALICE], now[BOB] - cash[BOB]) == (moved - fees[500], -moved - fees[100])
    told = [event.block_traded for event in outcome.events if event.HasField("block_traded")]
    assert [(one.market, one.trade_id, one.lots, one.price_quanta, one.nonce) for one in told] == [
        (BTC, 1, 300, P, 1000), (ETH, 1, -500, E + 100, 1000)]
    assert {(one.sender.owner, one.counterparty.owner) for one in told} == {(ALICE.owner, BOB.owner)}
    for market in (BTC, ETH):
        assert driver.chain.view.states.get(market).last_price_quanta == 0
    driver.do(CAROL, b.cancel_all(), b.sell(P, 1))
    result = driver.run([driver.envelope(ALICE, b.buy(P, 1))])
    assert [event.fill.trade_id for tx in result.txs for event in tx.events if event.HasField("fill")] == [2]
    whole(driver)


@pytest.mark.parametrize("legs", [
    (), (BTC_LEG, BTC_LEG), tuple(b.block_leg(market, BUY, P, 300) for market in range(1, 10)),
    (b.block_leg(BTC, 0, P, 300),), (b.block_leg(BTC, BUY, 0, 300),), (b.block_leg(BTC, BUY, P, 0),),
    (b.block_leg(BTC, BUY, P, 1 << 39),), (b.block_leg(BTC, BUY, (1 << 50) + 1, 1),)])
def test_clr_005_legs(legs: tuple[tx_pb2.BlockLeg, ...]) -> None:
    """CLR-005, CLR-008: one to eight, each in another market, within the bounds of orders."""
    assert refused(chain(), signed(*legs)) == "BLOCK_LEGS"


def test_clr_005_parties() -> None:
    """CLR-005: only who the terms name sends it, and nobody trades with itself, whatever the account's number."""
    driver = chain()
    assert refused(driver, signed(BTC_LEG), sender=CAROL) == "BLOCK_PARTIES"
    assert refused(driver, signed(BTC_LEG, other=ALICE, number=3)) == "BLOCK_PARTIES"
    assert refused(driver, signed(BTC_LEG, number=3)) == "ACCOUNT_NOT_FOUND"
    assert refused(driver, signed(BTC_LEG, other=Person("nobody"))) == "ACCOUNT_NOT_FOUND"
    short = signed(BTC_LEG)
    short.block_trade.terms.counterparty.owner = b"short"
    assert refused(driver, short) == "TX_BAD_ACCOUNT"


def test_clr_006_the_consent() -> None:
    """CLR-006: another key, another chain, another number anywhere in the terms, an envelope's tag: no consent."""
    driver = chain()
    terms = b.block_terms(ALICE, BOB, BTC_LEG, ETH_LEG, nonce=1000)
    assert refused(driver, b.block(CAROL, terms)) == "BLOCK_CONSENT"
    assert refused(driver, b.block(BOB, terms, "another-chain")) == "BLOCK_CONSENT"
    for change in (lambda t: setattr(t.legs[0], "side", SELL), lambda t: setattr(t.legs[1], "size_lots", 501),
                   lambda t: setattr(t.legs[0], "price_quanta", P + 1), lambda t: setattr(t, "nonce", 1001),
                   lambda t: setattr(t, "expiry_time_ns", (1 << 62) - 1), lambda t: t.legs.pop()):
        action = b.block(BOB, terms)
        change(action.block_trade.terms)
        assert refused(driver, action) == "BLOCK_CONSENT"
    action = b.block(BOB, terms)
    body = b.sign_bytes(terms.SerializeToString(deterministic=True))
    action.block_trade.consent.signature = BOB.key.sign(body).signature
    assert refused(driver, action) == "BLOCK_CONSENT"
    action.block_trade.consent.key_type = 0
    assert refused(driver, action) == "BLOCK_CONSENT"
    driver.do(ALICE, b.block(BOB, terms))


def test_clr_007_once_and_not_for_ever() -> None:
    """CLR-007: until its time, once; an envelope of BOB's with that nonce takes it back, and the other way round; a
    trade that fails leaves the nonce.
    """
    driver = chain()
    ends = GENESIS_TIME_NS + 3 * S
    action = signed(BTC_LEG, expires=ends)
    assert refused(driver, signed(BTC_LEG, b.block_leg(9, BUY, P, 300))) == "MARKET_NOT_FOUND"
    driver.do(ALICE, action)
    assert refused(driver, action) == "BLOCK_NONCE"
    assert driver.time_ns == ends and refused(driver, signed(BTC_LEG, nonce=1001, expires=ends)) == "BLOCK_EXPIRED"
    assert driver.act(BOB, b.cancel_all(), nonce=1000).reason == "TX_NONCE_USED"
    driver.act(BOB, b.cancel_all(), nonce=1002)
    assert refused(driver, signed(BTC_LEG, nonce=1002)) == "BLOCK_NONCE"
    assert refused(driver, signed(BTC_LEG, nonce=1002 - 256)) == "BLOCK_NONCE"
    assert refused(driver, signed(BTC_LEG, nonce=0)) == "BLOCK_NONCE"
    driver.do(ALICE, signed(BTC_LEG, nonce=1002 - 255))
    assert lots(driver, ALICE) == (600, 0)
    whole(driver)


def test_clr_007_twice_in_a_block() -> None:
    """CLR-007: the same consent in two envelopes of one block, and twice in one envelope, settles once."""
    driver = chain()
    action = signed(BTC_LEG)
    result = driver.run([driver.envelope(ALICE, action, action), driver.envelope(ALICE, action)])
    assert [[one.reason for one in tx.result.actions] for tx in result.txs] == [["", "BLOCK_NONCE"], ["BLOCK_NONCE"]]
    assert lots(driver, BOB) == (-300, 0)


def test_clr_008_markets_prices_and_sizes() -> None:
    """CLR-008: only in active markets, with prices to be trusted, within the band for fills, and not too little."""
    driver = chain(terms={BTC: {"order_band_ppm": 10_000, "fill_band_ppm": 20_000}}, feeds={ETH: {"max_age_ns": 2 * S}})
    for price in (P * 98 // 100 - 500, P * 102 // 100 + 500):
        assert refused(driver, signed(b.block_leg(BTC, BUY, price, 300))) == "BLOCK_PRICE"
    assert (block_worth(217, P), block_worth(218, P)) == (9_982_000_000, 10_028_000_000)
    assert refused(driver, signed(b.block_leg(BTC, BUY, P, 217))) == "BLOCK_SMALL"
    driver.do(ALICE, signed(b.block_leg(BTC, BUY, P * 98 // 100 + 1, 218)))
    del driver.prices[ETH]
    for _ in range(4):
        driver.run([])
    assert refused(driver, signed(ETH_LEG, nonce=1001)) == "ORACLE_UNTRUSTED"
    driver = chain()
    driver.do(ORACLE, b.set_status(REDUCE_ONLY, ETH))
    assert refused(driver, signed(BTC_LEG, ETH_LEG)) == "MARKET_NOT_TRADING"


def test_clr_009_no_rebate() -> None:
    """CLR-009: the maker's rate is a rebate; BOB gets none of it."""
    document = json.loads(b.genesis(gas_price_e6=0))
    tier = {"volume_quanta": 0, "maker_ppm": -1_000_000, "taker_ppm": 1_000_000}
    document["fees"] = {"tiers": [tier], "insurance_ppm": 0, "stakers_ppm": 1_000_000}
    driver = Driver(json.dumps(document).encode())
    before = driver.chain.view.accounts.get(BOB.account()).cash_quanta
    driver.do(ALICE, signed(b.block_leg(BTC, BUY, P, 218)))
    assert driver.chain.view.accounts.get(BOB.account()).cash_quanta == before + 218 * P
    assert ledger.earned(driver.reader) == 5_014_000


def test_clr_010_both_are_asked() -> None:
    """CLR-010: position limits and caps hold for both; margin is asked of each account after all legs."""
    assert refused(chain(terms={BTC: {"max_position_lots": 299}}), signed(BTC_LEG)) == "MARGIN_POSITION_LIMIT"
    assert refused(chain(terms={BTC: {"max_open_interest_lots": 299}}), signed(BTC_LEG)) == "BREAKER_OPEN_INTEREST"
    for poor in (ALICE, BOB):
        assert refused(chain(cash={poor: 600_000_000}), signed(BTC_LEG)) == "MARGIN_INSUFFICIENT"
    driver = chain(cash={BOB: 720_000_000})
    driver.do(CAROL, b.buy(P, 300))
    driver.do(BOB, b.sell(P, 300))
    turned = b.block_leg(ETH, BUY, E, 550)
    assert refused(driver, signed(turned)) == "MARGIN_INSUFFICIENT"
    driver.do(ALICE, signed(turned, b.block_leg(BTC, SELL, P, 300)))
    assert lots(driver, BOB) == (0, -550) and lots(driver, ALICE) == (-300, 550)
    whole(driver)


def test_clr_010_a_fault_is_its_markets(monkeypatch: pytest.MonkeyPatch) -> None:
    """CLR-010, CMP-003: the rules of one leg's market break: nothing is done, and that market is quarantined."""
    from app.clearing import blocks

    driver, real = chain(), blocks.off_book

    def breaks(ctx, account, market, *rest):  # type: ignore[no-untyped-def]
        if market == ETH:
            raise ZeroDivisionError
        return real(ctx, account, market, *rest)

    monkeypatch.setattr(blocks, "off_book", breaks)
    assert driver.act(ALICE, signed(BTC_LEG, ETH_LEG)).actions[0].reason == "MARKET_FAULT"
    assert lots(driver, ALICE) == (0, 0) and driver.chain.view.markets.get(ETH).quarantined
    assert not driver.chain.view.markets.get(BTC).quarantined


def test_marg_020_each_side_has_room_for_the_markets(monkeypatch: pytest.MonkeyPatch) -> None:
    """MARG-020: two legs are two markets, for either side."""
    monkeypatch.setattr("app.clearing.state.MAX_ACCOUNT_MARKETS", 1)
    assert refused(chain(), signed(BTC_LEG, ETH_LEG)) == "MARGIN_MARKETS"
    driver = chain()
    driver.do(BOB, b.buy(E - 500, 1, market=ETH))
    assert refused(driver, signed(BTC_LEG)) == "MARGIN_MARKETS"
    driver.do(BOB, b.cancel_all())
    driver.do(ALICE, signed(BTC_LEG))
