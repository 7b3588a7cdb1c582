"""Nothing that users may do brings a figure beyond the field that stores it: that would stop every node at once."""

import json

from app import limits
from app.margin import rules
from novation.v1 import tx_pb2
from tests.helpers import builders, ledger
from tests.helpers.builders import ALICE, BOB, BTC, TICK_QUANTA
from tests.helpers.driver import Driver

HIGHEST_QUANTA = limits.MAX_PRICE_QUANTA // TICK_QUANTA[BTC] * TICK_QUANTA[BTC]
LARGEST_LOTS = limits.MAX_ORDER_NOTIONAL_QUANTA // HIGHEST_QUANTA


def send(driver: Driver, who: builders.Person, actions: list[tx_pb2.Action]) -> list[tx_pb2.ActionResult]:
    """The results of an envelope of many actions."""
    result = driver.act(who, *actions, gas_limit=1_000_000_000)
    assert not result.code
    return list(result.actions)


def test_open_notional_stays_in_its_field() -> None:
    """MARG-006: asks far above the mark need little margin; the last ones would overflow their sum and are refused."""
    driver = Driver()
    asks = [builders.sell(HIGHEST_QUANTA, LARGEST_LOTS)] * 50
    reasons = [done.reason for _ in range(4) for done in send(driver, ALICE, asks)]
    refused = reasons.index("MARGIN_INSUFFICIENT")
    assert 40 < refused < limits.MAX_OPEN_ORDERS and set(reasons[refused:]) == {"MARGIN_INSUFFICIENT"}
    account = ledger.record(driver.reader, "accounts", ALICE.account())
    notional = account.positions[0].open_sell_notional_quanta
    assert notional <= rules.FIELD_LIMIT_QUANTA < notional + HIGHEST_QUANTA * LARGEST_LOTS
    ledger.check(driver.reader)


def test_cash_stays_in_its_field() -> None:
    """MARG-006: with a mark gone mad a winner could buy without end; its buying stops before its cash overflows."""
    sellers = tuple(builders.Person(f"seller {index}") for index in range(9))
    people = (ALICE, BOB, *sellers)
    document = json.loads(builders.genesis((*people, builders.ORACLE), cash_quanta=5 * 10**15, gas_price_e6=0))
    document["markets"] = [builders.market_entry(
        BTC, "BTC-PERP", initial_margin_ppm=5_000, maintenance_margin_ppm=2_500)]
    first = (HIGHEST_QUANTA // 1_000 // TICK_QUANTA[BTC]) * TICK_QUANTA[BTC]  # a block moves it a thousandfold at most
    document["feeds"][0]["price"] = first
    driver = Driver(json.dumps(document).encode())
    for _ in range(9):
        driver.do(BOB, builders.sell(first, 80_000))
        driver.do(ALICE, builders.buy(first, 80_000))
    driver.mark(HIGHEST_QUANTA)
    filled, reasons = 0, set()
    for seller in sellers:
        for _ in range(8):
            send(driver, seller, [builders.sell(HIGHEST_QUANTA, LARGEST_LOTS)])
            bought = send(driver, ALICE, [builders.buy(HIGHEST_QUANTA, LARGEST_LOTS, time_in_force=2)])[0]
            filled += bought.filled_lots
            reasons.add(bought.reason)
    spent = filled * HIGHEST_QUANTA
    assert reasons == {"", "MARGIN_INSUFFICIENT"}
    assert spent <= rules.FIELD_LIMIT_QUANTA < spent + 2 * HIGHEST_QUANTA * LARGEST_LOTS, "the field was the limit"
    ledger.check(driver.reader)


def test_limits_fit_their_fields() -> None:
    """The sums that the limits allow, in one action and in all accounts, fit 64 bits."""
    assert limits.MAX_FILLS * limits.MAX_ORDER_NOTIONAL_QUANTA < 1 << 64, "ActionResult.filled_quote_quanta"
    assert limits.MAX_VAULT_QUANTA < 1 << 62, "Vault.held_quanta, Fund.balance_quanta"
    assert limits.MAX_PRICE_QUANTA < 1 << 63 and limits.MAX_ORDER_LOTS < 1 << 62
    assert limits.MAX_NONCE < 1 << 63
    assert rules.fits_record(1 << 62, -(1 << 62), 0, 1 << 62)
    over = 1 + (1 << 62)
    for figures in ((over, 0, 0, 0), (-over, 0, 0, 0), (0, -over, 0, 0), (0, 0, over, 0), (0, 0, 0, over)):
        assert not rules.fits_record(*figures)
