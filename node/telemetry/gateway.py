"""What the gateway tells of itself: calls, streams, and how far it is behind its engine."""

import time
from collections.abc import Iterator
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, GCCollector, Histogram, Metric, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

CALL_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
SECOND_NS = 10**9

# One process runs one gateway; calls are counted where all of them pass, in the decorators of node.gateway.errors.
CALLS = Counter("novation_gateway_calls_total", "Calls, by method and status.", ["method", "code"], registry=None)
SECONDS = Histogram("novation_gateway_call_seconds", "Time to answer; waiting for a block counts.", ["method"],
                    buckets=CALL_SECONDS, registry=None)


class Model(Protocol):
    """What is read of the gateway's model."""

    height: int
    time_ns: int


class Live(Protocol):
    """What is read of its engine link."""

    live: bool


class Readers(Protocol):
    """What is read of its streams."""

    opened: int
    dropped: int

    @property
    def open(self) -> int:
        """Streams that are read now."""


def count_call(method: str, code: str, seconds: float) -> None:
    """A unary call has ended."""
    CALLS.labels(method, code).inc()
    SECONDS.labels(method).observe(seconds)


def count_stream(method: str, code: str) -> None:
    """A stream has ended: its seconds say nothing."""
    CALLS.labels(method, code).inc()


class GatewayMetrics(Collector):
    """The figures of one gateway in a registry of its own."""

    def __init__(self, model: Model, engine: Live, streams: Readers) -> None:
        self._model, self._engine, self._streams = model, engine, streams
        self.registry = CollectorRegistry()
        for one in (CALLS, SECONDS, self):
            self.registry.register(one)
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    def describe(self) -> list[Metric]:
        """Nothing before the first scrape."""
        return []

    def collect(self) -> Iterator[Metric]:
        """All figures as they are now."""
        streams, model = self._streams, self._model
        age = max(0.0, time.time() - model.time_ns / SECOND_NS) if model.time_ns else 0.0
        yield GaugeMetricFamily("novation_gateway_height", "The block that readers see.", model.height)
        yield GaugeMetricFamily("novation_gateway_block_age_seconds", "Since the time of that block.", age)
        yield GaugeMetricFamily("novation_gateway_live", "1: the engine's blocks arrive.", int(self._engine.live))
        yield GaugeMetricFamily("novation_stream_clients", "Streams that are read now.", streams.open)
        yield CounterMetricFamily("novation_streams_opened_total", "Streams since the start.", streams.opened)
        yield CounterMetricFamily("novation_stream_drops_total", "Readers dropped as too slow.", streams.dropped)
