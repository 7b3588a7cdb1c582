"""What the engine counts: its calls, the stages of a block, and what happened in each.

Everything is measured here, outside the state machine: by the clock around its calls, and from the results and events
of committed blocks. No label grows without bound: methods, stages, error codes and markets, never accounts.
"""

import time
from collections import Counter as Tally
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain as joined
from operator import attrgetter

from prometheus_client import CollectorRegistry, Counter, GCCollector, Histogram, ProcessCollector

from app.block import BlockResult
from app.book.types import market_of
from app.events import (
    AccountReduced,
    AuctionBidTaken,
    AuctionEnded,
    AuctionStarted,
    BreakerTripped,
    Filled,
    HolderReduced,
    MarketQuarantined,
    PositionClosed,
)
from node.committed import Committed
from node.telemetry.state import TABLES, StateFigures

CALL_SECONDS = (0.00001, 0.00005, 0.0002, 0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
STAGE_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
INTERVAL_SECONDS = (0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0)
STEPS = {PositionClosed: "close", AuctionStarted: "auction", AuctionBidTaken: "bid", AuctionEnded: "auction_end",
         AccountReduced: "reduction", HolderReduced: "holder_reduction"}
"""What liquidation did, by the event that tells of it."""
QUANTA_A_USD = 1_000_000
_REASON = attrgetter("reason")


class EngineMetrics:
    """The engine's figures, each in a registry of its own so that several engines may live in one process."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        GCCollector(registry=registry)
        self.state = StateFigures()
        registry.register(self.state)
        self._calls = Histogram("novation_abci_method_seconds", "Time to answer CometBFT.", ["method"],
                                buckets=CALL_SECONDS, registry=registry)
        self._stages = Histogram("novation_block_stage_seconds", "Time of one stage of a block.", ["stage"],
                                 buckets=STAGE_SECONDS, registry=registry)
        self._interval = Histogram("novation_block_interval_seconds", "Block time between two blocks.",
                                   buckets=INTERVAL_SECONDS, registry=registry)
        self._txs = Counter("novation_txs_total", "Envelopes in blocks, by outcome.", ["code"], registry=registry)
        self._actions = Counter("novation_actions_total", "Actions in blocks, by outcome.", ["code"], registry=registry)
        self._fills = Counter("novation_fills_total", "Fills.", ["market"], registry=registry)
        self._traded = Counter("novation_traded_usd_total", "Notional of fills.", ["market"], registry=registry)
        self._steps = Counter("novation_liquidations_total", "Steps of liquidation.", ["step"], registry=registry)
        self._insured = Counter("novation_insurance_paid_usd_total", "What insurance funds paid.", ["market"],
                                registry=registry)
        self._tripped = Counter("novation_breakers_tripped_total", "Breakers that tripped; market '' is the chain.",
                                ["market"], registry=registry)
        self._quarantined = Counter("novation_quarantines_total", "Markets that broke.", ["market"], registry=registry)
        self._votes = Counter("novation_vote_records_total", "Records of votes in blocks.", ["code"], registry=registry)
        self._refused = Counter("novation_proposals_rejected_total", "Proposals this node voted against.",
                                registry=registry)
        self._last_ns = 0
        for step in STEPS.values():
            self._steps.labels(step)

    def begin(self, committed: Committed) -> None:
        """Show what is committed: at the start, after genesis, after another state was taken over."""
        head, rows = committed.snapshot(list(TABLES))
        self.state.load(head.height, head.time_ns, rows)
        self._last_ns = 0

    def call(self, method: str, seconds: float) -> None:
        """One answer to CometBFT."""
        self._calls.labels(method).observe(seconds)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measures one stage of a block."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self._stages.labels(name).observe(time.perf_counter() - started)

    def rejected(self) -> None:
        """A proposal was rejected."""
        self._refused.inc()

    def block(self, result: BlockResult) -> None:
        """Count what a committed block did."""
        if self._last_ns:
            self._interval.observe((result.time_ns - self._last_ns) / 1e9)
        self._last_ns = result.time_ns
        self.state.block(result)
        results = [tx.result for tx in result.txs]
        for reason, count in Tally(map(_REASON, results)).items():
            self._txs.labels(reason or "OK").inc(count)
        for reason, count in Tally(map(_REASON, joined.from_iterable(one.actions for one in results))).items():
            self._actions.labels(reason or "OK").inc(count)
        if result.record is not None:
            self._votes.labels(result.record.result.reason or "OK").inc()
        self._count_events(result)

    def _count_events(self, result: BlockResult) -> None:
        fills: Tally[int] = Tally()
        traded: Tally[int] = Tally()
        for event in joined(result.occurred, *(tx.occurred for tx in result.txs)):
            kind = type(event)
            if kind is Filled:
                market = market_of(event.maker.order_id)
                fills[market] += 1
                traded[market] += event.size_lots * (event.price_quanta or event.maker.price_quanta)
            elif kind in STEPS:
                self._steps.labels(STEPS[kind]).inc()
                if kind in (PositionClosed, AccountReduced) and event.fund_paid_quanta:
                    self._insured.labels(self.state.symbol(event.market)).inc(event.fund_paid_quanta / QUANTA_A_USD)
            elif kind is BreakerTripped:
                self._tripped.labels(self.state.symbol(event.scope) if event.scope else "").inc()
            elif kind is MarketQuarantined:
                self._quarantined.labels(self.state.symbol(event.market)).inc()
        for market, count in fills.items():
            symbol = self.state.symbol(market)
            self._fills.labels(symbol).inc(count)
            self._traded.labels(symbol).inc(traded[market] / QUANTA_A_USD)
