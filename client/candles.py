"""Candles from trades, without any other library: open, high, low, close and volume of each stretch of time.

    candles = candles_of(await client.trades("BTC-PERP", 1_000), seconds=60, lot_size=info.units.lot_size, ...)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from client.units import Units
from novation.v1 import market_data_service_pb2 as market_data

SECOND_NS = 10**9


@dataclass(slots=True)
class Candle:
    """What was traded from `start_ns` on: prices in USD for one of the base asset, volume in it."""

    start_ns: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    trades: int = 1


def candles_of(trades: Iterable[market_data.Trade], units: Units, seconds: int = 60) -> list[Candle]:
    """Candles of `seconds` each, ascending; stretches without a trade have none. Trades come in any order of time.

    Raises ValueError for less than a second.
    """
    if seconds < 1:
        raise ValueError("a candle lasts a second at least")
    step_ns = seconds * SECOND_NS
    found: dict[int, Candle] = {}
    for trade in sorted(trades, key=lambda one: (one.time_ns, one.trade_id)):
        price, size = units.price(trade.price_quanta), units.size(trade.size_lots)
        start_ns = trade.time_ns // step_ns * step_ns
        candle = found.get(start_ns)
        if candle is None:
            found[start_ns] = Candle(start_ns, price, price, price, price, size)
            continue
        candle.high, candle.low, candle.close = max(candle.high, price), min(candle.low, price), price
        candle.volume += size
        candle.trades += 1
    return [found[start_ns] for start_ns in sorted(found)]
