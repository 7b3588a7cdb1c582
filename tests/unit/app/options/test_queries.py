"""What a series says of volatility and of small moves: PRIC-008, PRIC-009 on the curve of its expiry."""

import math

import pytest

from app.context import Context
from app.errors import ChainError
from app.limits import SETTLEMENT_WINDOW_NS
from app.markets.types import CALL, PUT
from app.options.queries import OptionView, view_option
from app.pricing.state import option_price
from tests.helpers import black76
from tests.helpers.options import FLAT_E9, FORTNIGHT_S, STRIKES, S, listed, number_of

E18 = 10**18
ONE_Q80 = 1 << 80
VOLATILITY = 0.8496  # what `listed` votes, give or take a thousandth


@pytest.fixture
def ctx() -> Context:
    return listed()


def view(ctx: Context, strike: int, right: int, *prices: int) -> OptionView:
    found = view_option(ctx, number_of(strike, right), prices)
    assert found is not None
    return found


def test_mark_and_greeks_are_black_76s(ctx: Context) -> None:
    """As mpmath has them, of every strike; the put's delta is one less, and the rest the same."""
    counted_ns = FORTNIGHT_S * S - ctx.time_ns - 2 * SETTLEMENT_WINDOW_NS // 3
    for strike in STRIKES:
        call, put = view(ctx, strike, CALL), view(ctx, strike, PUT)
        assert call.volatility_e18 == put.volatility_e18 and abs(call.volatility_e18 / E18 - VOLATILITY) < 0.001
        wanted = black76.answer(black76.Point(call.forward_quanta, strike, call.volatility_e18, counted_ns))
        for name in ("delta", "gamma", "vega", "theta"):  # the last two by all of the time, of which that is 99.9 %
            exact, share = float(getattr(wanted, name)), 1e-9 if name in ("delta", "gamma") else 1e-3
            assert abs(getattr(call.greeks, f"{name}_q80") / ONE_Q80 - exact) <= share * abs(exact) + 1e-9, name
        assert put.greeks == call.greeks._replace(delta_q80=call.greeks.delta_q80 - ONE_Q80)


def test_a_price_gives_its_volatility_back(ctx: Context) -> None:
    """A mark implies what it was made with, a higher price more; where there is none it says so."""
    for strike, right in ((strike, right) for strike in STRIKES[1:4] for right in (CALL, PUT)):
        market = ctx.markets.get(number_of(strike, right))
        assert market is not None
        mark = option_price(ctx, market)
        found = view(ctx, strike, right, mark, mark + mark // 10, 0)
        assert abs(found.implied_e18[0] - found.volatility_e18) < found.volatility_e18 // 10**5
        assert found.implied_e18[1] > found.volatility_e18 and found.implied_e18[2] == 0
    forward = view(ctx, STRIKES[0], CALL).forward_quanta
    assert view(ctx, STRIKES[0], CALL, forward - STRIKES[0] - 1, forward).implied_e18 == (0, 0)


def test_averaging_is_no_lack_of_volatility(ctx: Context) -> None:
    """SURF-008: a mean varies less than its end, but what is stated is the volatility of the price; at the end there is
    none.
    """
    for left_ns in (FORTNIGHT_S * S - ctx.time_ns, SETTLEMENT_WINDOW_NS, SETTLEMENT_WINDOW_NS // 3):
        ctx.time_ns = FORTNIGHT_S * S - left_ns
        wanted = math.sqrt(FLAT_E9 / 10**9 * black76.YEAR_NS / left_ns)
        assert abs(view(ctx, STRIKES[2], CALL).volatility_e18 / E18 - wanted) < wanted / 10**6
    ctx.time_ns = FORTNIGHT_S * S
    assert view(ctx, STRIKES[2], CALL, 10**6).volatility_e18 == 0


def test_without_a_surface_nothing_is_known(ctx: Context) -> None:
    """No volatility, no view; and no market, no answer."""
    ctx.surfaces.delete(1)
    assert view_option(ctx, number_of(STRIKES[0], CALL), ()) is None
    with pytest.raises(ChainError):
        view_option(ctx, 999, ())
