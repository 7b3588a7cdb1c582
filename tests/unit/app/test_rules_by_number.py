"""The worked numbers of the specs: pure rules, by code."""

import pytest

from app.accounts import rules as accounts
from app.accounts.types import Position
from app.book import rules as book
from app.book.types import market_of, order_id_of
from app.clearing import rules as clearing
from app.clearing.state import maker_position, taker_position
from app.collateral import rules as collateral
from app.fees import rules as fees
from app.gas import GasMeter, intrinsic_gas
from app.kernel.integers import mul_div_ceil, mul_div_floor, mul_div_toward_zero
from app.margin import rules as margin
from app.margin.state import brackets
from app.markets import rules as markets
from app.params import fee_for_gas

MARK, INITIAL, MAINTENANCE = 46_000_000, 50_000, 30_000


def test_rounding_is_what_the_name_says() -> None:
    """Each division rounds as named, for both signs."""
    assert (mul_div_floor(7, 1, 2), mul_div_floor(-7, 1, 2)) == (3, -4)
    assert (mul_div_ceil(7, 1, 2), mul_div_ceil(-7, 1, 2)) == (4, -3)
    assert (mul_div_toward_zero(7, 1, 2), mul_div_toward_zero(-7, 1, 2)) == (3, -3)


def test_acct_002_using_nonces_slides_the_window() -> None:
    """ACCT-002: highest 10 with {10, 9} used, then 13: highest 13 with {13, 10, 9} used."""
    highest, used = accounts.use_nonce(10, 0b11, 13)
    assert (highest, used) == (13, 0b11001)
    assert accounts.use_nonce(13, 0b11001, 11) == (13, 0b11101)


def test_acct_001_used_nonces_are_known() -> None:
    """ACCT-001: bit i says that highest - i was used; above the highest nothing is."""
    assert [accounts.nonce_is_used(13, 0b11001, nonce) for nonce in (14, 13, 12, 11, 10, 9)] == [
        False, True, False, False, True, True]


def test_acct_002_a_far_nonce_forgets_the_window() -> None:
    """ACCT-002: what falls out of the 256 bits is forgotten, the new highest is used."""
    assert accounts.use_nonce(5, (1 << 256) - 1, 5 + 256) == (261, 1)
    assert accounts.use_nonce(5, 1, 5 + 255) == (260, 1 | 1 << 255)


@pytest.mark.parametrize(("cash", "entry", "equity", "margin", "assets", "free"), [
    (-36_000, 46_000, 14_000, 5_000, 0, 5_000),
    (-36_000, 46_000, 9_000, 4_500, 0, 4_500),
    (-36_000, 46_000, 14_000, 5_000, 3_000, 8_000),
    (-36_000, 46_000, 14_000, 5_000, 90_000, 10_000),
    (1_000, 0, 1_000, 1_500, 0, 0),
])
def test_coll_004_free_collateral(
        cash: int, entry: int, equity: int, margin: int, assets: int, free: int) -> None:
    """COLL-004: unrealised loss counts, unrealised profit does not; assets stand for margin alone; never below 0."""
    assert collateral.withdrawable(cash, entry, equity, margin, assets) == free


def test_coll_009_a_tenth_of_the_notional_stays() -> None:
    """COLL-009: 10 lots at 46,000,000 with an initial margin of 23,000,000: 46,000,000; a larger margin counts."""
    assert collateral.transfer_margin(23_000_000, 460_000_000) == 46_000_000
    assert collateral.transfer_margin(50_000_000, 460_000_000) == 50_000_000
    assert collateral.transfer_margin(0, 11) == 2  # 1.1


BTC_SCALE = brackets([(0, 12_500), (150_000_000_000_000, 25_000)])


@pytest.mark.parametrize(("notional_usd", "margin_usd"), [
    (0, 0), (100_000_000, 1_250_000), (150_000_000, 1_875_000), (200_000_000, 3_125_000)])
def test_marg_007_brackets(notional_usd: int, margin_usd: int) -> None:
    """MARG-007: Hyperliquid's BTC: 150M at half of 1/40, beyond at half of 1/20: 200M needs 3,125,000."""
    assert margin.tiered_margin(notional_usd * 10**6, BTC_SCALE) == margin_usd * 10**6


def test_marg_007_is_rounded_once_and_never_jumps() -> None:
    """MARG-007: 100 at 1 %, beyond at 2 %: 100 → 1, 101 → 1.02 → 2, 150 → 2; brackets apart would make it 3."""
    scale = brackets([(0, 10_000), (100, 20_000)])
    assert scale == ((0, 10_000, 0), (100, 20_000, 1_000_000))
    assert [margin.tiered_margin(notional, scale) for notional in (0, 100, 101, 150)] == [0, 1, 2, 2]


def test_marg_003_paradex_worst_open_size() -> None:
    """MARG-003: Paradex: short 1, buys of 3, sells of 2, 2 % at 90,000: the worst size is 3, the margin 5,400."""
    assert margin.initial_margin(-1, 3, 270_000, 2, 180_000, 90_000, ((0, 20_000, 0),)) == 5_400


@pytest.mark.parametrize(("interest", "rate"), [
    (0, 50_000), (20, 50_000), (30, 366_667), (35, 525_000), (50, 1_000_000), (70, 1_000_000)])
def test_marg_008_initial_margin_rises_with_open_interest(interest: int, rate: int) -> None:
    """MARG-008: 5 % with bounds 20 and 50: a third of the way 36.6667 %, half of it 52.5 %, then all."""
    assert margin.open_interest_rate(50_000, interest, 20, 50) == rate
    assert margin.open_interest_rate(50_000, interest, 20, 0) == 50_000


def test_marg_009_profit_beyond_the_cap() -> None:
    """MARG-009: of a profit of 130 with a cap of 100, 30 do not count; a loss always does; a cap of 0 is none."""
    assert [margin.uncounted_profit(profit, 100) for profit in (130, 100, -50)] == [30, 0, 0]
    assert margin.uncounted_profit(130, 0) == 0


@pytest.mark.parametrize(("before", "after", "change"), [(5, -3, -5), (-3, 5, 5), (0, 4, 4), (-2, -7, 0), (9, 4, -5)])
def test_mkt_003_open_interest_counts_longs(before: int, after: int, change: int) -> None:
    """MKT-003: what one account's move adds to open interest."""
    assert markets.open_interest_change(before, after) == change


def test_fees_001_rounds_up() -> None:
    """FEES-001: 7 lots at 46,000,500."""
    assert fees.trading_fee(322_003_500, 500) == 161_002
    assert fees.trading_fee(322_003_500, 100) == 32_201
    assert fees.trading_fee(322_003_500, 0) == 0


def test_marg_001_position_margin() -> None:
    """MARG-001: rounded up, the same for long and short."""
    assert margin.position_margin(10, MARK, INITIAL) == 23_000_000
    assert margin.position_margin(-10, MARK, MAINTENANCE) == 13_800_000
    assert margin.position_margin(3, 333, INITIAL) == 50


def test_marg_002_unrealised_profit() -> None:
    """MARG-002: exact, signed."""
    assert margin.unrealised_profit(10, 450_000_000, MARK) == 10_000_000
    assert margin.unrealised_profit(-10, -450_000_000, MARK) == -10_000_000


def test_marg_003_worst_side_of_open_orders() -> None:
    """MARG-003: the worked case, and each of the three sides as the worst."""
    def required(lots: int, buys: tuple[int, int], sells: tuple[int, int]) -> int:
        return margin.initial_margin(lots, *buys, *sells, MARK, ((0, INITIAL, 0),))

    buys, sells = (5, 5 * 46_100_000), (30, 30 * MARK)
    assert required(10, buys, (0, 0)) == 35_000_000
    assert required(10, (0, 0), sells) == 46_000_000
    assert required(10, buys, sells) == 46_000_000
    assert required(10, (0, 0), (4, 4 * MARK)) == 23_000_000  # closing part asks for no more
    assert required(0, (5, 5 * 45_000_000), (0, 0)) == 11_500_000  # buying below the mark earns nothing in advance


@pytest.mark.parametrize(
    ("equity", "initial", "allowed"), [(100, 100, True), (99, 100, False), (0, 0, True), (-1, 0, False)])
def test_marg_004_taking_on(equity: int, initial: int, allowed: bool) -> None:
    """MARG-004: equity at least initial margin."""
    assert margin.may_take_on(equity, initial) is allowed


@pytest.mark.parametrize(("before", "after", "excess_before", "excess_after", "allowed"), [
    (100, 90, 5, 5, True),       # smaller, as safe as before
    (100, 101, 5, 50, False),    # initial margin grows
    (100, 90, 5, 4, False),      # pays more than the maintenance margin that it frees
    (100, 90, -10, -10, True),   # below maintenance already, not worse
    (100, 90, -10, -11, False),  # below already, worse
])
def test_marg_005_reducing(before: int, after: int, excess_before: int, excess_after: int, allowed: bool) -> None:
    """MARG-005: only what makes an account safer."""
    assert margin.may_reduce(before, after, excess_before, excess_after) is allowed


def test_clr_002_cash() -> None:
    """CLR-002: buying pays, selling receives, both pay the fee."""
    assert clearing.cash_after_fill(10_000_000, 2, 46_000, 46) == 9_907_954
    assert clearing.cash_after_fill(10_000_000, -2, 46_000, 46) == 10_091_954


@pytest.mark.parametrize(
    ("signed_lots", "price", "entry"), [(-3, 50, 322), (-10, 50, 0), (-14, 50, -200), (5, 50, 711)])
def test_clr_003_entry(signed_lots: int, price: int, entry: int) -> None:
    """CLR-003: long 10 at entry 461; the short mirrors it."""
    assert clearing.entry_after_fill(10, 461, signed_lots, price) == entry
    short = -323 if signed_lots == -3 else -entry  # rounded down, against the account, on both sides
    assert clearing.entry_after_fill(-10, -461, -signed_lots, price) == short


def test_clr_001_a_fill_is_zero_sum_and_keeps_the_right_orders() -> None:
    """CLR-001: lots and quote of maker and taker cancel; only the maker's resting lots shrink (BOOK-004)."""
    maker = Position(1, -4, -200, 7, 350, 3, 180)
    taker = Position(1, 2, 90, 1, 40, 0, 0)
    after_maker, after_taker = maker_position(maker, 5, 50), taker_position(taker, -5, 50)
    assert after_maker.lots + after_taker.lots == maker.lots + taker.lots
    assert (after_maker.open_buy_lots, after_maker.open_buy_notional_quanta, after_maker.open_sell_lots) == (2, 100, 3)
    assert (after_taker.open_buy_lots, after_taker.open_buy_notional_quanta) == (1, 40)
    paid = clearing.cash_after_fill(0, 5, 50, 3) + clearing.cash_after_fill(0, -5, 50, 2)
    assert paid == -5  # the two fees, and nothing else


def test_book_001_order_ids_name_their_market() -> None:
    """BOOK-001: market << 40 | sequence."""
    assert market_of(order_id_of(7, 123)) == 7
    assert order_id_of(1, 1) == 1_099_511_627_777


def test_book_002_crossing() -> None:
    """BOOK-002: at the limit counts."""
    assert [book.crosses(1, 100, price) for price in (99, 100, 101)] == [True, True, False]
    assert [book.crosses(2, 100, price) for price in (99, 100, 101)] == [False, True, True]


def test_book_003_reducible() -> None:
    """BOOK-003: long 5: a sell reduces 5, a buy nothing; short the other way."""
    assert [book.reducible_lots(side, lots) for side in (1, 2) for lots in (5, 0, -5)] == [0, 0, 5, 5, 0, 0]


def test_gas_001_intrinsic_gas() -> None:
    """GAS-001: 500 bytes and 20 actions."""
    assert intrinsic_gas(500, 20) == 170_000


def test_gas_002_the_meter_stops_at_its_limit() -> None:
    """GAS-002: passing the limit raises, and no more than the limit is used."""
    meter = GasMeter(100)
    meter.charge(100)
    with pytest.raises(Exception, match="TX_OUT_OF_GAS"):
        meter.charge(1)
    assert meter.used == 100


def test_gas_003_fee_rounds_up() -> None:
    """GAS-003: 170,001 gas at 1,000 quanta a million."""
    assert fee_for_gas(170_001, 1_000) == 171
    assert fee_for_gas(170_000, 1_000) == 170


def test_hlth_002_how_far_a_price_may_move() -> None:
    """HLTH-002: long 10 at 46,000,000 with 18,400,002 beyond maintenance: 3.75 % of the mark, a long's worth at 3 %."""
    assert margin.reach(32_200_002, 13_800_000, 2) == (1_150_000, 17_250_000)
    assert margin.room_e9(46_000_000, 17_250_000, 460_000_000) == 1_725_000 * 10**9
    assert margin.room(46_000_000, 17_250_000, 460_000_000) == 1_725_000
    now = margin.long_level_e9(46_000_000, 0, MAINTENANCE)
    assert now == 44_620_000 * 10**9
    assert margin.long_level_e9(44_221_649, 0, MAINTENANCE) < now - 1_725_000 * 10**9
    assert margin.long_level_e9(44_221_650, 0, MAINTENANCE) >= now - 1_725_000 * 10**9
    assert margin.short_level_e9(46_000_000, 5, MAINTENANCE) == 47_380_000 * 10**9 - 5
    assert margin.reach(5, 9, 2) == (0, -6)  # short: no reserve


def test_marg_012_entry_moves_with_its_lots() -> None:
    """MARG-012: long 10 at entry 461: of 3 moved 139, 322 are kept; a short's as well, rounded down; all: all."""
    assert margin.split_entry(10, 461, 3) == (322, 139)
    assert margin.split_entry(-10, -461, 3) == (-323, -138)
    assert margin.split_entry(10, 461, 10) == (0, 461)


def test_marg_013_parting() -> None:
    """MARG-013: free cash at least 0 afterwards, or no less than before."""
    assert [collateral.may_part(*free) for free in ((5, 0), (5, -1), (-5, -5), (-5, -6), (-5, -4))] == [
        True, False, True, False, True]
    assert collateral.free_cash(-36_000, 46_000, 14_000, 12_000, 0) == -2_000

