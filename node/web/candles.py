"""Candles of the markets that trade, made from the trades that were seen. Bounded in markets and in length."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable
from typing import TYPE_CHECKING

from novation.v1 import market_data_service_pb2 as market_data

if TYPE_CHECKING:
    from node.gateway.model import ReadModel

INTERVALS_S = {"10s": 10, "1m": 60, "15m": 900, "1h": 3600}
CANDLES_MAX = 300  # of each interval
MARKETS_MAX = 256  # those that traded last
SECOND_NS = 10**9

Candle = list[int]
"""[begin in seconds, open, high, low, close, lots]: prices in quote quanta a lot."""


class CandleRows:
    """Candles of the markets that traded last, by number of the market."""

    def __init__(self) -> None:
        self._markets: OrderedDict[int, dict[str, deque[Candle]]] = OrderedDict()  # that traded last: at the end

    def add(self, trades: Iterable[market_data.Trade]) -> None:
        """Later trades than those before."""
        for trade in trades:
            if trade.market not in self._markets:
                self._markets[trade.market] = {name: deque(maxlen=CANDLES_MAX) for name in INTERVALS_S}
                if len(self._markets) > MARKETS_MAX:
                    self._markets.popitem(last=False)
            self._markets.move_to_end(trade.market)
            for name, rows in self._markets[trade.market].items():
                begin_s = trade.time_ns // SECOND_NS // INTERVALS_S[name] * INTERVALS_S[name]
                _add(rows, begin_s, trade.price_quanta, trade.size_lots)

    def forget(self, market: int) -> None:
        """The trades of a market come again, from an earlier one on."""
        self._markets.pop(market, None)

    def rows(self, market: int, interval: str) -> list[Candle]:
        """The candles of a market, oldest first. Periods without a trade have none."""
        return list(self._markets.get(market, {}).get(interval, ()))


class Candles(CandleRows):
    """Candles of all that the gateway sees. `catch_up` takes in the blocks that came since."""

    def __init__(self, model: ReadModel) -> None:
        super().__init__()
        self._model = model
        self._generation = -1
        self._height = 0

    def catch_up(self) -> None:
        """Take in what the model has learnt. Called with every block, so that nothing leaves the model unseen."""
        model = self._model
        if self._generation != model.generation:
            self._generation, self._height = model.generation, model.height
            self._markets.clear()
            for trades in model.trades.values():
                self.add(trades)
        while self._height < model.height:
            self._height += 1
            if (view := model.block(self._height)) is not None:
                self.add(view.trades)


def _add(rows: deque[Candle], begin_s: int, price: int, lots: int) -> None:
    if not rows or rows[-1][0] < begin_s:
        rows.append([begin_s, price, price, price, price, lots])
        return
    candle = rows[-1]
    candle[2], candle[3] = max(candle[2], price), min(candle[3], price)
    candle[4], candle[5] = price, candle[5] + lots
