"""FEES: tiers, rebates, referrers, holidays and who gets what, by rule code."""

import json
from typing import Any

import pytest

from app.errors import GenesisError
from app.fees import rules
from app.fees.state import rates
from app.fees.types import DEFAULT_TIERS
from app.invariants import audit
from tests.helpers import builders as b
from tests.helpers import ledger
from tests.helpers.builders import ALICE, BOB, BTC, CAROL, MARK_QUANTA
from tests.helpers.driver import GENESIS_TIME_NS, Driver

P = MARK_QUANTA[BTC]
NOTIONAL = 322_003_500
DAY = rules.DAY_NS
RICH = 10**16
EVERYBODY_MAKES = [{"volume_quanta": 0, "maker_ppm": -1_000_000, "taker_ppm": 1_000_000}]


def chain(fees: dict[str, Any] | None = None, **market: int) -> Driver:
    """A chain whose gas is free, with these fee terms and fields of the first market."""
    state = json.loads(b.genesis(cash_quanta=RICH, gas_price_e6=0))
    if fees is not None:
        state["fees"] = fees
    state["markets"][0].update(market)
    return Driver(json.dumps(state).encode())


def trade(driver: Driver, lots: int, maker: b.Person = ALICE, taker: b.Person = BOB) -> None:
    """One fill at the mark."""
    driver.do(maker, b.sell(P, lots))
    driver.do(taker, b.buy(P, lots, time_in_force=b.IMMEDIATE_OR_CANCEL))
    ledger.check(driver.reader)


def fund(driver: Driver, name: bytes) -> int:
    return ledger.record(driver.reader, "funds", name).balance_quanta


def cash(driver: Driver, person: b.Person) -> int:
    return ledger.record(driver.reader, "accounts", person.account()).cash_quanta


def rates_of(driver: Driver, person: b.Person) -> tuple[int, int]:
    """The rates of a person's account in the next block."""
    ctx = driver.chain.ctx
    ctx.fees.rates.clear()
    return rates(ctx, person.account(), ctx.markets.get(BTC))


INSURANCE = b"insurance/" + BTC.to_bytes(4, "big")


def test_fees_002_rebates_round_down_and_are_paid_by_the_taker() -> None:
    """FEES-002: the README's numbers."""
    assert rules.maker_fee(NOTIONAL, 100, 161_002) == 32_201
    assert rules.maker_fee(NOTIONAL, -110, 161_002) == -35_420
    assert rules.maker_fee(NOTIONAL, -110, 30_000) == -30_000
    assert rules.maker_fee(NOTIONAL, -110, 0) == 0


def test_fees_003_tiers() -> None:
    """FEES-003: thresholds count from themselves on; rates round up, rebates down."""
    thresholds = tuple(tier.volume_quanta for tier in DEFAULT_TIERS)
    assert [rules.tier_of(volume, thresholds) for volume in (0, 10**12 - 1, 10**12, 10**14, 10**17)] == [0, 0, 1, 4, 5]
    both = [(rules.rate(100, tier.maker_ppm, 10**6), rules.rate(500, tier.taker_ppm, 10**6)) for tier in DEFAULT_TIERS]
    assert both == [(100, 500), (80, 450), (60, 400), (30, 350), (0, 300), (-50, 250)]
    assert (rules.rate(33, 800_000, 10**6), rules.rate(33, -500_000, 10**6)) == (27, -16)


def test_fees_003_numbers_of_dydx() -> None:
    """FEES-003: the last of the nine tiers of dYdX v4's genesis (taker 250 ppm, maker -110 ppm), in our terms."""
    assert (rules.rate(110, -1_000_000, 10**6), rules.rate(500, 500_000, 10**6)) == (-110, 250)
    assert rules.maker_fee(10**9, -110, 250_000) == -110_000


def test_fees_001_numbers_of_vega() -> None:
    """FEES-001: one part of Vega's fee walk-through, 4 per mille of 2 lots at 1,002; and ours for the sum of parts."""
    assert [rules.trading_fee(2_004, ppm) for ppm in (4_000, 3_000, 2_000, 2_000, 1_000)] == [9, 7, 5, 5, 3]
    assert rules.trading_fee(2_004, 12_000) == 25


def test_fees_004_thirty_days() -> None:
    """FEES-004: 100 on day 0 and 50 on day 29, seen from later days."""
    volumes = rules.with_volume(rules.volumes_on(rules.with_volume((), 100), 29), 50)
    assert [sum(rules.volumes_on(volumes, day)) for day in (0, 1, 28, 29, 30, 400)] == [150, 50, 50, 50, 0, 0]
    assert len(rules.volumes_on(volumes, 3)) == 30
    assert rules.with_volume((rules.MAX_DAY_QUANTA - 1, 7), 9) == (rules.MAX_DAY_QUANTA, 7)


def test_fees_005_a_holiday_scales_rates() -> None:
    """FEES-005: the README's numbers, and a holiday for free."""
    assert rules.rate(500, 900_000, 250_000) == 113
    assert rules.rate(500, 900_000, 0) == 0


def test_fees_006_a_referrers_share() -> None:
    """FEES-006: of what rebates leave, rounded down."""
    left = rules.shareable(161_002, -35_420) + rules.shareable(2_000, 700)
    assert (left, rules.referral(left, 100_000)) == (127_582, 12_758)


def test_fees_007_the_split_is_exact() -> None:
    """FEES-007: crumbs to the treasury, nothing beyond the fund's cap."""
    assert rules.split(1_001, 300_000, 400_000, 0, 10**12) == (300, 400, 301)
    assert rules.split(1_001, 300_000, 400_000, 880, 1_000) == (120, 400, 481)
    assert rules.split(1_001, 300_000, 400_000, 2_000, 1_000) == (0, 400, 601)


def test_fees_004_volume_counts_from_the_next_block() -> None:
    """FEES-003, FEES-004: 20 orders in one block pay one rate and change one record; the next block has the tier."""
    driver = chain()
    lots = 10**12 // P // 20 + 1
    driver.do(ALICE, b.sell(P, 40 * lots))
    orders = [b.buy(P, lots, time_in_force=b.IMMEDIATE_OR_CANCEL)] * 20
    result = driver.run([driver.envelope(BOB, *orders)])
    fees = {event.fill.taker_fee_quanta for event in result.txs[0].events if event.HasField("fill")}
    assert fees == {rules.trading_fee(lots * P, 500)}
    assert [key for table, key, _ in result.changes if table == "traders"] == sorted([ALICE.owner, BOB.owner])
    assert rates_of(driver, BOB) == (80, 450) == rates_of(driver, ALICE)
    assert rates_of(driver, CAROL) == (100, 500)
    event = driver.run([driver.envelope(BOB, orders[0])]).txs[0].events[0].fill
    assert (event.taker_fee_quanta, event.maker_fee_quanta) == (
        rules.trading_fee(lots * P, 450), rules.trading_fee(lots * P, 80))
    audit(driver.chain.ctx)


def test_fees_004_volume_is_forgotten_after_thirty_days() -> None:
    """FEES-004: also without a trade in between, and after a restart."""
    driver = chain()
    trade(driver, 10**12 // P + 1)
    assert rates_of(driver, ALICE) == (80, 450)
    driver.restart()
    assert rates_of(driver, ALICE) == (80, 450)
    driver.run([], 29 * DAY)
    assert rates_of(driver, ALICE) == (80, 450)
    driver.run([], DAY)
    assert rates_of(driver, ALICE) == (100, 500)
    trade(driver, 1)
    record = ledger.record(driver.reader, "traders", ALICE.owner)
    assert (record.volume_quanta, record.day) == (P, driver.time_ns // DAY)


def test_fees_004_trades_with_oneself_count_for_nothing() -> None:
    """FEES-004: two accounts of one owner pay their fees, and have no volume of it."""
    driver = chain()
    driver.do(ALICE, b.transfer(ALICE, 10**12, number=1))
    driver.do(ALICE, b.sell(P, 5))
    driver.do(ALICE, b.buy(P, 5), number=1)
    assert ledger.record(driver.reader, "traders", ALICE.owner) is None
    assert ledger.earned(driver.reader) == rules.trading_fee(5 * P, 500) + rules.trading_fee(5 * P, 100)


def test_fees_002_a_rebate_comes_from_the_takers_fee() -> None:
    """FEES-002: a maker's rate above the taker's gives the maker all that the taker pays, and the chain nothing."""
    driver = chain({"tiers": EVERYBODY_MAKES}, maker_fee_ppm=900)
    driver.run([])
    before = cash(driver, ALICE)
    trade(driver, 7)
    assert cash(driver, ALICE) - before == 7 * P + rules.trading_fee(7 * P, 500)
    assert ledger.earned(driver.reader) == 0
    audit(driver.chain.ctx)


def test_fees_005_a_holiday_ends_by_itself() -> None:
    """FEES-005: no fees until its time, all fees from then on."""
    driver = chain(fee_charge_ppm=0, fee_charge_until_ns=GENESIS_TIME_NS + DAY)
    trade(driver, 7)
    assert ledger.earned(driver.reader) == 0 and rates_of(driver, BOB) == (0, 0)
    driver.run([], DAY)
    assert rates_of(driver, BOB) == (100, 500)


def test_fees_006_referrer_is_paid_at_the_end_of_the_block() -> None:
    """FEES-006: one payment a block for all fills of the taker, to the referrer's account 0."""
    driver = chain()
    driver.do(BOB, b.set_referrer(CAROL))
    driver.do(ALICE, b.sell(P, 9))
    before = cash(driver, CAROL)
    result = driver.run([driver.envelope(BOB, b.buy(P, 4), b.buy(P, 5))])
    due = rules.referral(rules.trading_fee(4 * P, 500) + rules.trading_fee(5 * P, 500), 100_000)
    assert cash(driver, CAROL) - before == due
    paid, shared = (event for event in result.events if event.WhichOneof("kind") in ("referral_paid", "fees_shared"))
    assert (paid.referral_paid.amount_quanta, paid.referral_paid.referrer, paid.referral_paid.owner) == (
        due, CAROL.owner, BOB.owner)
    assert shared.fees_shared.referrals_quanta == due
    audit(driver.chain.ctx)


def test_fees_006_who_can_be_a_referrer() -> None:
    """FEES-006: somebody else with an account 0, once, and not in a circle of two."""
    driver = chain()
    stranger = b.Person("nobody yet")
    assert driver.refused(BOB, b.set_referrer(BOB)) == "FEES_REFERRER"
    assert driver.refused(BOB, b.set_referrer(stranger)) == "FEES_REFERRER_UNKNOWN"
    short = b.set_referrer(CAROL)
    short.set_referrer.referrer = b"short"
    assert driver.refused(BOB, short) == "TX_BAD_ACCOUNT"
    driver.do(BOB, b.set_referrer(CAROL))
    assert driver.refused(BOB, b.set_referrer(ALICE)) == "FEES_REFERRER_SET"
    assert driver.refused(CAROL, b.set_referrer(BOB)) == "FEES_REFERRER"
    driver.do(BOB, b.transfer(BOB, 10**9, number=3))
    assert driver.refused(BOB, b.set_referrer(ALICE), number=3) == "FEES_REFERRER_SET"


def test_fees_006_a_full_account_leaves_its_share_to_the_chain() -> None:
    """FEES-006: what the referrer's account could not hold is split like the rest; the sum is what it was."""
    driver = chain()
    driver.do(BOB, b.set_referrer(CAROL))
    account = driver.chain.ctx.accounts.get(CAROL.account())
    account.cash_quanta += 1 << 62  # as no block can leave it
    trade(driver, 7)
    assert fund(driver, INSURANCE) + fund(driver, b"stakers") + fund(driver, b"treasury") == (
        rules.trading_fee(7 * P, 500) + rules.trading_fee(7 * P, 100))


def test_fees_007_where_the_fees_go() -> None:
    """FEES-007: insurance until its cap, stakers, treasury; nothing of them stays in the fee fund, gas does."""
    state = json.loads(b.genesis(cash_quanta=RICH))
    state["markets"][0]["insurance_cap_quanta"] = 60_000
    driver = Driver(json.dumps(state).encode())
    trade(driver, 7)
    one = rules.trading_fee(7 * P, 500) + rules.trading_fee(7 * P, 100)
    gas = fund(driver, b"fees")
    assert one == 193_200 and gas == 10_000
    assert (fund(driver, INSURANCE), fund(driver, b"stakers"), fund(driver, b"treasury")) == (57_960, 77_280, 57_960)
    trade(driver, 7)
    assert (fund(driver, INSURANCE), fund(driver, b"stakers"), fund(driver, b"treasury")) == (60_000, 154_560, 171_840)
    assert fund(driver, b"fees") == 2 * gas
    audit(driver.chain.ctx)


def test_fees_007_what_is_undone_is_not_collected() -> None:
    """FEES-007: an envelope that is undone leaves neither fees nor volume nor referrals; nor does a first run of a
    block that is run twice.
    """
    driver = chain()
    driver.do(BOB, b.set_referrer(CAROL))
    driver.do(ALICE, b.sell(P, 9))
    undone = driver.envelope(BOB, b.buy(P, 4), b.cancel(order_id=1), all_or_nothing=True)
    driver.run([undone])
    assert ledger.earned(driver.reader) == 0
    assert ledger.record(driver.reader, "traders", BOB.owner).volume_quanta == 0
    block = driver.next_block([driver.envelope(BOB, b.buy(P, 4))])
    first = driver.chain.finalize(block)
    assert driver.chain.finalize(block).app_hash == first.app_hash
    assert ledger.earned(driver.reader) == 0


@pytest.mark.parametrize(("fees", "words"), [
    ({"nonsense": 1}, "unknown"),
    ({"tiers": []}, "fees.tiers"),
    ({"tiers": EVERYBODY_MAKES * 2}, "fees.tiers\\[1\\].volume_quanta"),
    ({"tiers": [{"volume_quanta": 5, "maker_ppm": 0, "taker_ppm": 0}]}, "fees.tiers\\[0\\].volume_quanta"),
    ({"tiers": [{"volume_quanta": 0, "maker_ppm": -1_000_001, "taker_ppm": 0}]}, "maker_ppm"),
    ({"tiers": [{"volume_quanta": 0}]}, "an object with"),
    ({"referral_ppm": 500_001}, "fees.referral_ppm"),
    ({"insurance_ppm": 600_000, "stakers_ppm": 400_001}, "stakers_ppm"),
])
def test_fees_008_terms_are_checked(fees: dict[str, Any], words: str) -> None:
    """FEES-008: the node does not start on terms that could give away more than there is."""
    with pytest.raises(GenesisError, match=words):
        chain(fees)
