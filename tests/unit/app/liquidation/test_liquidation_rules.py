"""The worked numbers of liquidation, by code; those of other venues where the rule is the same."""

import pytest

from app.liquidation import rules

USD = 1_000_000


def test_liq_001_equal_is_safe() -> None:
    """LIQ-001: short is below, not at, maintenance margin (dYdX: equality is safe)."""
    assert [rules.is_short(equity, 300) for equity in (299, 300, 301, -1)] == [True, False, False, True]
    assert not rules.is_short(0, 0)


def test_liq_002_order_of_health() -> None:
    """LIQ-002: cross-multiplied, without division (dYdX): 1/3 is worse than 1/2, -2/3 than -1/3, equal are equal."""
    assert rules.worse_health(1, 3, 1, 2) < 0
    assert rules.worse_health(-2, 3, -1, 3) < 0
    assert rules.worse_health(2, 6, 1, 3) == 0


def test_liq_003_target() -> None:
    """LIQ-003: 110%, rounded up."""
    assert (rules.target(300), rules.target(1)) == (330, 2)


@pytest.mark.parametrize(("fees", "lots"), [(0, 1_000_000), (10, 1_111_112), (20, 1_250_000)])
def test_liq_004_lots_that_restore(fees: int, lots: int) -> None:
    """LIQ-004: Drift's vectors: price 100, margin 10%, short of 10, ten bases in millionths; fee 0, 1%, 1% + 1%."""
    assert rules.restoring_lots(10_000_000, 100 - fees, 10) == lots


def test_liq_004_all_when_that_is_not_enough() -> None:
    """LIQ-004: closing all frees less than the shortage, or costs more than it frees: all."""
    assert rules.restoring_lots(7, 10, 10) == rules.restoring_lots(7, -3, 10) == 7


def test_liq_005_at_once() -> None:
    """LIQ-005: a quarter, or ten thousand USD if that is more, never more than there is."""
    assert rules.lots_at_once(4_001, 46_000_000, 4, 10_000 * USD) == 1_001
    assert rules.lots_at_once(400, 46_000_000, 4, 10_000 * USD) == 218
    assert rules.lots_at_once(100, 46_000_000, 4, 10_000 * USD) == 100


def test_liq_006_bankruptcy_quote() -> None:
    """LIQ-006: dYdX's long 0.1 BTC at 50,000 with quote -4,501: bankrupt at 4,501; half of it at half; a short
    likewise, rounded so that the fund pays nothing; below zero equity the price is beyond the mark.
    """
    assert rules.bankruptcy_quote(5_000 * USD, 500 * USD, 499 * USD, 500 * USD) == 4_501 * USD
    assert rules.bankruptcy_quote(2_500 * USD, 250 * USD, 499 * USD, 500 * USD) == 2_500 * USD - 249_500_000
    assert rules.bankruptcy_quote(-5_000 * USD, 500 * USD, 499 * USD, 500 * USD) == -5_499 * USD
    assert rules.bankruptcy_quote(100, 1, 2, 3) == 100
    assert rules.bankruptcy_quote(5_000 * USD, 500 * USD, -1 * USD, 500 * USD) == 5_001 * USD


@pytest.mark.parametrize(("equity", "aggression", "price"), [
    (499, 1_000_000, 49_999), (499, 2_000_000, 49_998), (-1, 1_000_000, 49_500), (500, 1_000_000, 50_000)])
def test_liq_007_fillable_price(equity: int, aggression: int, price: int) -> None:
    """LIQ-007: dYdX's vectors: long 0.1 BTC at 50,000, maintenance 10%, spread 10%."""
    quote = rules.fillable_quote(5_000 * USD, 500 * USD, equity * USD, 500 * USD, aggression, 100_000)
    assert quote == price * USD // 10


def test_liq_008_limit_price() -> None:
    """LIQ-008: 4,950,000 for 100 lots, 500 ppm, tick 100: 49,600 after the fee for a sale; a purchase rounds down."""
    assert rules.limit_price(4_950_000, 100, 500, 100) == 49_600
    assert rules.limit_price(-4_950_000, -100, 500, 100) == 49_400
    assert rules.limit_price(-50, -100, 0, 100) == 0
    assert rules.limit_price(-1, 100, 0, 100) == 100


def test_liq_009_fee() -> None:
    """LIQ-009: within the rate, and within what was received above the bankruptcy quote; never below 0."""
    assert rules.liquidation_fee(49_800, 49_700, 49_800, 5_000) == 100
    assert rules.liquidation_fee(49_800, 40_000, 49_800, 5_000) == 249
    assert rules.liquidation_fee(49_600, 49_700, 49_600, 5_000) == 0


def test_liq_010_share_of_the_fund() -> None:
    """LIQ-010: up to the cap; a fund above it takes nothing."""
    assert [rules.fund_share(100, balance, 1_000) for balance in (0, 950, 1_000, 2_000)] == [100, 50, 0, 0]


def test_liq_012_discount() -> None:
    """LIQ-012: even in time, from nothing to all."""
    assert [rules.discount(elapsed, 900) for elapsed in (0, 450, 900, 5_000)] == [0, 500_000, 1_000_000, 1_000_000]


def test_liq_013_fraction() -> None:
    """LIQ-013: 130/230, rounded up; at no discount the plain shortfall over the target; lots rounded up, signed."""
    assert rules.restoring_fraction(200, 300, 500_000) == 565_218
    assert rules.restoring_fraction(200, 300, 0) == 393_940
    assert rules.restoring_fraction(200, 300, 1_000_000) == 1_000_000
    assert (rules.lots_of_fraction(7, 500_000), rules.lots_of_fraction(-7, 500_000)) == (4, -4)


def test_liq_014_what_a_bidder_is_paid() -> None:
    """LIQ-014: half of the book at half of the discount: a quarter of the equity; rounded down."""
    assert rules.discount_paid(200, 150, 300, 500_000) == 50
    assert rules.discount_paid(1, 150, 300, 999_999) == 0


def test_liq_012_the_least_fraction() -> None:
    """LIQ-012: a tenth, or what restores if that is less."""
    assert (rules.least_fraction(565_218), rules.least_fraction(40_000)) == (100_000, 40_000)


def test_liq_016_how_far_the_fund_helps() -> None:
    """LIQ-016: value 4,360, bankrupt at 4,473, fee 3: 116; with equity left the fee alone, or nothing."""
    assert rules.fund_reach(4_473, 4_360, 3) == 116
    assert (rules.fund_reach(4_360, 4_360, 3), rules.fund_reach(4_359, 4_360, 3), rules.fund_reach(4_300, 4_360, 3)
            ) == (3, 2, 0)


def test_liq_016_the_fund_is_bounded() -> None:
    """LIQ-016: missing 113 of a fund of 20: 20; within its limit; nothing from an empty one, or for no deficit."""
    assert rules.fund_pays(113, 20, 1_000) == 20
    assert rules.fund_pays(113, 200, 50) == 50
    assert rules.fund_pays(113, 0, 50) == rules.fund_pays(-5, 10, 10) == rules.fund_pays(5, 10, -1) == 0


def test_liq_018_hedges_come_last() -> None:
    """LIQ-018: profit 10 less 8 lost elsewhere: 2; a full hedge has none."""
    assert (rules.net_profit(10, 8), rules.net_profit(10, 10), rules.net_profit(10, 30)) == (2, 0, 0)


def test_liq_019_within_means() -> None:
    """LIQ-019: a holder with room for 10 of a deficit of 100 on 50 lots closes 5; without a deficit all its lots."""
    assert rules.payable_lots(40, 10, 100, 50) == 5
    assert rules.payable_lots(40, 0, 0, 50) == 40
    assert [rules.portion(10, 1, 3, 9), rules.portion(7, 1, 2, 9), rules.portion(4, 1, 1, 9)] == [3, 3, 4]


def test_liq_020_ten_equal_winners() -> None:
    """LIQ-020: Injective's vector: 100 missing, ten equal winners: 10 each; an odd deficit sums all the same."""
    assert [rules.given_up(100, 10, place, 1) for place in range(10)] == [10] * 10
    assert sum(rules.given_up(101, 7, place, 1) for place in range(7)) == 101
