"""Decimals to integers and back: exact or refused."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.errors import NotExact
from client.units import Units, quanta, usd
from novation.v1 import state_pb2

BTC = Units.of(state_pb2.Market(symbol="BTC-PERP", lot_size="0.001", tick_size="0.5", tick_quanta=500))
PEPE = Units.of(state_pb2.Market(symbol="PEPE-PERP", lot_size="100000", tick_size="0.00000001", tick_quanta=1_000))


def test_the_worked_numbers() -> None:
    """BTC at $46,000 with a lot of 0.001 is 46,000,000 a lot; a tick of $0.50 is 500."""
    assert BTC.price_quanta("46000") == 46_000_000 and BTC.price_quanta("46000.5") == 46_000_500
    assert BTC.lots("0.25") == 250 and BTC.lots(1) == 1_000 and BTC.lots(Decimal("1e1")) == 10_000
    assert PEPE.lots("2500000") == 25 and PEPE.price_quanta("0.00000713") == 713_000
    assert str(BTC.price(46_000_000)) == "46000.0" and str(BTC.size(250)) == "0.250"
    assert BTC.price(46_000_123) == Decimal("46000.123")


@given(st.integers(0, 10**12))
def test_whole_units_survive_the_way_there_and_back(count: int) -> None:
    """Any number of lots, ticks or quanta."""
    for units in (BTC, PEPE):
        assert units.lots(units.size(count)) == count
        assert units.price_quanta(str(units.price(count * units.tick_quanta))) == count * units.tick_quanta
    assert quanta(usd(count)) == quanta(str(usd(count))) == count


@given(st.decimals("0.000001", "10000000", places=9))
def test_what_lies_between_is_refused_with_its_neighbours(value: Decimal) -> None:
    """Never rounded: exact, or an error whose two suggestions are exact, adjacent and around the value."""
    for convert, unit in ((BTC.lots, BTC.lot_size), (BTC.price_quanta, BTC.tick_size), (quanta, Decimal("0.000001"))):
        if value % unit == 0:
            convert(value)
            continue
        with pytest.raises(NotExact) as caught:
            convert(value)
        error = caught.value
        assert error.below < value < error.above and error.above - error.below == unit
        assert convert(error.above) > convert(error.below)
        assert str(error.below) in str(error) and str(error.above) in str(error)


@given(st.decimals("0.000001", "10000000", places=9))
def test_rounding_is_the_callers_and_names_its_direction(value: Decimal) -> None:
    """Floor and ceiling are exact and within one unit."""
    assert 0 <= value - BTC.floor_size(value) < BTC.lot_size
    assert 0 <= value - BTC.floor_price(value) < BTC.tick_size
    assert 0 <= BTC.ceil_price(value) - value < BTC.tick_size
    BTC.lots(BTC.floor_size(value)), BTC.price_quanta(BTC.floor_price(value)), BTC.price_quanta(BTC.ceil_price(value))


@pytest.mark.parametrize("value", [0.1, True, None, b"1"])
def test_floats_and_other_kinds_are_refused(value: object) -> None:
    """With the advice to write text."""
    with pytest.raises(TypeError, match=r"write '0\.1'"):
        BTC.lots(value)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", ["", "a", "NaN", "Infinity", "1e100", "1e-100", "1_0x"])
def test_text_that_is_no_sensible_number_is_refused(value: str) -> None:
    """Rather than overflowing somewhere later."""
    with pytest.raises(ValueError, match="number"):
        BTC.price_quanta(value)


def test_a_market_must_not_contradict_itself() -> None:
    """Otherwise every price would be wrong by a factor."""
    with pytest.raises(ValueError, match="BAD"):
        Units.of(state_pb2.Market(symbol="BAD", lot_size="0.001", tick_size="0.5", tick_quanta=501))
