"""FUND rules: what funding is, and what a position owes. Pure functions over integers; rates are shares times 10^9."""

from collections.abc import Iterable

from app.kernel.integers import mul_div_toward_zero

E9 = 1_000_000_000
PERIOD_NS = 8 * 3600 * E9
INDEX_LIMIT_E9 = 1 << 62  # half of what a signed 64-bit field holds


def clamp(value: int, low: int, high: int) -> int:
    """`value`, or the nearer end of low..high."""
    return max(low, min(high, value))


def impact_price(orders: Iterable[tuple[int, int]], notional_quanta: int, *, up: bool) -> int:
    """FUND-004: the mean price of trading `notional_quanta` against `orders`, (price, lots) from the best on, in quote
    quanta a lot; 0 when there is less. Rounded up for asks, down for bids: towards no premium.
    """
    lots = spent = 0
    for price, size in orders:
        if spent + price * size >= notional_quanta:
            value, count = notional_quanta * price, lots * price + notional_quanta - spent
            return -(-value // count) if up else value // count
        lots += size
        spent += price * size
    return 0


def premium(impact_bid_quanta: int, impact_ask_quanta: int, index_quanta: int) -> int:
    """FUND-005: by how much the book lies above the index (negative: below), as a share of it times 10^9.

    A price of 0 stands for a side without depth, which makes no premium. Rounded towards zero, at most a whole.
    """
    above = max(0, impact_bid_quanta - index_quanta)
    below = max(0, index_quanta - impact_ask_quanta) if impact_ask_quanta else 0
    return clamp(mul_div_toward_zero(above - below, E9, index_quanta), -E9, E9)


def rate(premium_e9: int, interest_e9: int, band_e9: int, cap_e9: int) -> int:
    """FUND-006: what longs pay shorts in eight hours, as a share of the index price times 10^9.

    The premium, drawn towards the interest by at most the band, within the cap.
    """
    return clamp(premium_e9 + clamp(interest_e9 - premium_e9, -band_e9, band_e9), -cap_e9, cap_e9)


def next_index(index_e9: int, price_quanta: int, rate_e9: int, elapsed_ns: int) -> int:
    """FUND-007: the index after `elapsed_ns` at this price and rate, rounded towards where it was; it stops at the
    limit of its field.
    """
    step = mul_div_toward_zero(price_quanta * rate_e9, elapsed_ns, PERIOD_NS)
    return clamp(index_e9 + step, -INDEX_LIMIT_E9, INDEX_LIMIT_E9)


def payment(lots: int, index_now_e9: int, index_then_e9: int) -> int:
    """FUND-001: what the holder of `lots` (negative: short) owes for the way of the index, in quote quanta, rounded
    up, so that the crumb stays in the market's funding pool. Negative: what the holder gets.
    """
    return -(-lots * (index_now_e9 - index_then_e9) // E9)
