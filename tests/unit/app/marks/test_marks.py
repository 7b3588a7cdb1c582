"""Marks, by rule code."""

import pytest

from app.errors import GenesisError
from app.invariants import audit
from app.limits import MAX_MARK_BAND_PPM, MAX_PRICE_QUANTA
from app.marks import rules
from tests.helpers import builders as b
from tests.helpers.builders import ALICE, BOB, BTC, MARK_QUANTA
from tests.helpers.driver import GENESIS_TIME_NS, Driver

P, T, S = MARK_QUANTA[BTC], 500, 10**9


def driver(**terms: object) -> Driver:
    """A market with a band of 1% and a window of 100 s, whose book counts from 46 USD on."""
    fields = {"mark_band_ppm": 10_000, "mark_window_ns": 100 * S, "impact_notional_quanta": P, **terms}
    return Driver(b.genesis(terms={BTC: fields}))


def mark(one: Driver) -> int:
    return one.chain.view.marks.get(BTC).price_quanta


def test_mark_002_smoothed() -> None:
    """MARK-002: a tenth of the window, a tenth of the way; all of it at most; rounded down both ways."""
    assert rules.smoothed(0, 600, 15 * S, 150 * S) == 60_000
    assert rules.smoothed(60_000, 600, 15 * S, 150 * S) == 114_000
    assert rules.smoothed(5, -7, 900 * S, 150 * S) == -7_000
    assert rules.smoothed(0, -1, 1, 3_000_000) == -1


@pytest.mark.parametrize(("prices", "middle"), [((100, 130, 900), 130), ((100, 103), 101), ((7,), 7), ((3, 1, 2), 2)])
def test_mark_003_middle(prices: tuple[int, ...], middle: int) -> None:
    """MARK-003: the median; of two the mean."""
    assert rules.middle(prices) == middle


def test_mark_004_banded() -> None:
    """MARK-004: within 1% of the index; never below 1."""
    assert [rules.banded(price, 50_000, 10_000) for price in (1, 49_500, 50_100, 90_000)] == [
        49_500, 49_500, 50_100, 50_500]
    assert rules.banded(9, 1, 0) == 1


def test_mark_001_to_003_the_book_leads_slowly() -> None:
    """MARK-001 to MARK-003: bid and ask 100 and 140 ticks above the index: the middle counts at once, the basis grows a
    hundredth of the way a second, and without a trade the mark is the mean of both.
    """
    one = driver()
    one.do(ALICE, b.buy(P + 100 * T, 5), b.sell(P + 140 * T, 5))
    for seconds in (1, 2, 3):
        one.run([])
        basis = one.chain.view.marks.get(BTC).basis_e3
        assert abs(basis - 120 * T * 10 * seconds) <= 120 * T * seconds
        assert mark(one) == (P + 120 * T + P + basis // 10**3) // 2
    one.do(BOB, b.buy(P + 140 * T, 1))  # a trade at the ask: the median is the middle
    one.run([])
    assert mark(one) == P + 120 * T
    audit(one.chain.ctx)


def test_mark_004_nobody_moves_the_mark_beyond_the_band() -> None:
    """MARK-004: trades and quotes at twice the index move the mark by 1%, and no farther however long they last."""
    one = driver()
    one.do(ALICE, b.sell(2 * P, 50), b.buy(2 * P - 40 * T, 50))
    for _ in range(3):
        one.do(BOB, b.buy(2 * P, 1))
        one.run([], step_ns=100 * S)
        assert mark(one) == P * 101 // 100
    one.mark(P * 3 // 2)
    one.run([])
    assert P * 3 // 2 < mark(one) <= P * 3 // 2 * 101 // 100


def test_mark_001_a_thin_book_has_no_middle() -> None:
    """MARK-001: one that cannot trade the impact notional on both sides leaves index + basis and the last trade."""
    one = driver(impact_notional_quanta=10 * P)
    one.do(ALICE, b.buy(P + 100 * T, 5), b.sell(P + 140 * T, 5))
    one.run([])
    assert mark(one) == P and one.chain.view.marks.get(BTC).basis_e3 == 0
    one.do(BOB, b.buy(P + 140 * T, 1))
    one.run([])
    assert mark(one) == P + 70 * T


def test_mark_004_quarantine_and_no_band() -> None:
    """MARK-004: with a band of 0 the mark is the index, whatever the book says."""
    one = driver(mark_band_ppm=0)
    one.do(ALICE, b.buy(P + 100 * T, 5), b.sell(P + 140 * T, 5))
    one.do(BOB, b.buy(P + 140 * T, 1))
    one.mark(P + 7)
    one.run([])
    assert mark(one) == P + 7


def test_marks_survive_a_restart() -> None:
    """A node that starts again makes the same marks: impact prices kept in memory are made anew."""
    one, other = driver(), driver()
    for step in range(12):
        actions = [b.buy(P - 3 * step * T, 2), b.sell(P + (9 + step) * T, 2)]
        for each in (one, other):
            each.do(ALICE, *actions)
            each.do(BOB, b.buy(P + (9 + step) * T, 1))
            each.mark(P + step * step)
        if step % 3 == 0:
            other.restart()
        assert one.app_hash == other.app_hash


def test_mark_002_no_order_can_break_the_basis() -> None:
    """MARK-002: an ask at the highest price there is beside a deep bid: the basis stays in the band."""
    one = driver(mark_band_ppm=29_999, mark_window_ns=S)
    one.do(BOB, b.sell((1 << 50) // T * T, 1))
    one.do(ALICE, b.buy(P - 200 * T, 1_000))
    for _ in range(9):
        one.run([])
        assert 0 < one.chain.view.marks.get(BTC).basis_e3 <= P * 30
    assert rules.smoothed(0, MAX_PRICE_QUANTA * MAX_MARK_BAND_PPM // 10**6, S, S) < 1 << 62


def test_mark_003_an_old_trade_says_nothing() -> None:
    """MARK-003: a trade at 0.9% above the index between two accounts of one person counts for the window, not for ever;
    the basis goes back to 0 without a book.
    """
    one = driver()
    one.do(ALICE, b.sell(P * 1009 // 1000 // T * T, 1))
    one.do(BOB, b.buy(P * 1009 // 1000 // T * T, 1))
    one.run([])
    assert mark(one) > P
    one.run([], step_ns=101 * S)
    assert mark(one) == P and one.chain.view.marks.get(BTC).basis_e3 == 0


def test_mark_001_an_auction_has_no_middle() -> None:
    """MARK-001: a bid at the edge of the band during an auction, cancelled before it ends, moves nothing."""
    one = driver(opens_ns=GENESIS_TIME_NS + 2 * S, auction_ns=90 * S)
    for _ in range(3):
        one.run([])
    one.do(ALICE, b.sell(P + 4 * T, 50), b.buy(P - 4 * T, 50))
    one.do(BOB, b.buy(P * 102 // 100, 500, client_id=9))
    one.run([])
    assert mark(one) == P


def test_mark_004_the_band_is_narrower_than_the_maintenance_margin() -> None:
    """MARK-004: a market whose book alone could liquidate does not begin."""
    with pytest.raises(GenesisError, match="mark_band_ppm"):
        driver(mark_band_ppm=30_000)
