"""Figures of committed state: open interest, funds, prices, books, mempool, store; made when Prometheus asks.

The few small tables that they need are kept here as they are stored, moved on with each block, and decoded at a scrape.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from app.block import BlockResult
from app.book.index import BookSide, MarketBook
from app.collateral.types import FUNDS, insurance_fund
from novation.v1 import state_pb2

TABLES = ("markets", "totals", "marks", "funds", "feeds")
DEPTH_PPM = 10_000  # of the mark: so near is "near"
DEPTH_LEVELS = 200
MILLION = 1_000_000
QUANTA_A_USD = 1_000_000
SECOND_NS = 10**9

Rows = Iterable[tuple[str, bytes, bytes]]
Sources = Mapping[str, Callable[[], float]]


def u32(number: int) -> bytes:
    """A key of a numbered record."""
    return number.to_bytes(4, "big")


class StateFigures(Collector):
    """Collects from what `load` and `block` brought, and from the sources of `read_from`."""

    def __init__(self) -> None:
        self.height = 0
        self.time_ns = 0
        self._records: dict[str, dict[bytes, bytes]] = {name: {} for name in TABLES}
        self._symbols: dict[int, str] = {}
        self._books: Callable[[], Mapping[int, MarketBook]] = dict
        self._gauges: Sources = {}
        self._counters: Sources = {}

    def read_from(self, books: Callable[[], Mapping[int, MarketBook]], gauges: Sources, counters: Sources) -> None:
        """Where else to look at a scrape: the books, and single figures by the names of their metrics."""
        self._books, self._gauges, self._counters = books, gauges, counters

    def load(self, height: int, time_ns: int, rows: Rows) -> None:
        """Start from these records of TABLES."""
        self.height, self.time_ns = height, time_ns
        records: dict[str, dict[bytes, bytes]] = {name: {} for name in TABLES}
        for table, key, value in rows:
            records[table][key] = value
        self._records = records
        self._symbols.clear()

    def block(self, result: BlockResult) -> None:
        """Move on by a committed block."""
        self.height, self.time_ns = result.height, result.time_ns
        records = self._records
        for table, key, value in result.changes:
            if table in records:
                if value is None:
                    records[table].pop(key, None)
                else:
                    records[table][key] = value

    def symbol(self, market: int) -> str:
        """What people call a market."""
        if market not in self._symbols:
            stored = self._records["markets"].get(u32(market))
            if stored is None:
                return str(market)
            self._symbols[market] = state_pb2.Market.FromString(stored).symbol
        return self._symbols[market]

    def describe(self) -> list[Metric]:
        """Nothing before the first scrape: a registry asks for names when this is registered."""
        return []

    def collect(self) -> Iterator[Metric]:
        """All figures as they are now."""
        yield GaugeMetricFamily("novation_height", "The last committed block.", self.height)
        age = max(0.0, time.time() - self.time_ns / SECOND_NS) if self.time_ns else 0.0
        yield GaugeMetricFamily("novation_block_age_seconds", "Since the time of the last block.", age)
        for name, read in self._gauges.items():
            yield GaugeMetricFamily(name, "See docs/operator.md.", read())
        for name, read in self._counters.items():
            yield CounterMetricFamily(name, "See docs/operator.md.", read())
        yield from self._of_funds()
        yield from self._of_feeds()
        yield from self._of_markets()

    def _of_funds(self) -> Iterator[Metric]:
        funds = {key: state_pb2.Fund.FromString(value) for key, value in list(self._records["funds"].items())}
        own = GaugeMetricFamily("novation_fund_usd", "What the chain's own funds hold.", labels=["fund"])
        for name in FUNDS:
            if name in funds:
                own.add_metric([name.decode()], funds[name].balance_quanta / QUANTA_A_USD)
        insurance = GaugeMetricFamily("novation_insurance_fund_usd", "What insures a market.", labels=["market"])
        for key in list(self._records["markets"]):
            market = int.from_bytes(key, "big")
            if insurance_fund(market) in funds:
                held = funds[insurance_fund(market)].balance_quanta
                insurance.add_metric([self.symbol(market)], held / QUANTA_A_USD)
        yield own
        yield insurance

    def _of_feeds(self) -> Iterator[Metric]:
        age = GaugeMetricFamily("novation_oracle_age_seconds", "Block time since a feed's price.", labels=["feed"])
        validity = GaugeMetricFamily("novation_oracle_validity", "1 fresh; others as in state.proto.", labels=["feed"])
        for stored in list(self._records["feeds"].values()):
            feed = state_pb2.Feed.FromString(stored)
            age.add_metric([feed.symbol], max(0, self.time_ns - feed.voted_ns) / SECOND_NS if feed.voted_ns else 0.0)
            validity.add_metric([feed.symbol], feed.validity)
        yield age
        yield validity

    def _of_markets(self) -> Iterator[Metric]:
        markets = {int.from_bytes(key, "big"): state_pb2.Market.FromString(value)
                   for key, value in list(self._records["markets"].items())}
        statuses = GaugeMetricFamily("novation_markets", "Markets by status.", labels=["status"])
        for name, number in state_pb2.MarketStatus.items():
            if number:
                count = sum(one.status == number for one in markets.values())
                statuses.add_metric([name.removeprefix("MARKET_STATUS_").lower()], count)
        yield statuses
        interest = GaugeMetricFamily("novation_open_interest_lots", "Lots that longs hold.", labels=["market"])
        value = GaugeMetricFamily("novation_open_interest_usd", "The same at the mark.", labels=["market"])
        marks = GaugeMetricFamily("novation_mark_usd", "The mark price of a whole unit.", labels=["market"])
        levels = GaugeMetricFamily("novation_book_levels", "Prices with orders.", labels=["market", "side"])
        depth = GaugeMetricFamily("novation_book_depth_usd", "Orders within 1% of the mark.", labels=["market", "side"])
        books = self._books()
        for market, record in markets.items():
            if record.status == state_pb2.MARKET_STATUS_SETTLED:
                continue
            lots = state_pb2.MarketTotals.FromString(self._records["totals"].get(u32(market), b"")).open_interest_lots
            mark = state_pb2.MarkPrice.FromString(self._records["marks"].get(u32(market), b"")).price_quanta
            interest.add_metric([record.symbol], lots)
            value.add_metric([record.symbol], lots * mark / QUANTA_A_USD)
            marks.add_metric([record.symbol], mark / QUANTA_A_USD / float(Decimal(record.lot_size or 1)))
            book = books.get(market)
            for side, name in ((book.bids, "bid"), (book.asks, "ask")) if book is not None else ():
                levels.add_metric([record.symbol, name], len(side.ranks))
                depth.add_metric([record.symbol, name], near_quanta(side, mark) / QUANTA_A_USD)
        yield from (interest, value, marks, levels, depth)


def near_quanta(side: BookSide, mark_quanta: int) -> int:
    """The notional of a side's orders within DEPTH_PPM of the mark, over its best DEPTH_LEVELS prices.

    Read while blocks run: each copy is one step of the interpreter, so nothing tears, but the sum may mix two moments.
    """
    total = 0
    for rank in reversed(side.ranks[-DEPTH_LEVELS:]):
        price = side.sign * rank
        if abs(price - mark_quanta) * MILLION > mark_quanta * DEPTH_PPM:
            continue
        level = side.levels.get(price)
        if level is not None:
            total += price * sum(order.open_lots for order in list(level.orders.values()))
    return total
