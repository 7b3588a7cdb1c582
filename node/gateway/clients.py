"""What one client may take of a gateway: so many streams, so many envelopes a second; by connection and by address.

A client is known by its peer as gRPC names it, `ipv4:127.0.0.1:40122`: that is a connection, and without the port an
address. Behind a proxy all clients have its address: raise the limits of addresses there.
"""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from node.gateway.errors import client_limit

BATCH_ENVELOPES_MAX = 256  # in a call: a client may always send one such
BURST_SECONDS = 4  # so many seconds' envelopes at once
KNOWN_MAX = 4096  # connections, and addresses, whose rates are remembered


@dataclass
class ClientLimits:
    """The defaults leave room for others beside the greediest address."""

    connection_streams: int = 256
    address_streams: int = 600
    connection_envelopes: int = 500  # a second
    address_envelopes: int = 2_000


class Rates:
    """A bucket for each name, refilled steadily; of the names that asked last."""

    def __init__(self, rate: float, burst: float, known_max: int = KNOWN_MAX) -> None:
        self.rate, self.burst = rate, burst
        self._known_max = known_max
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # name -> left, at that second

    def take(self, name: str, now: float, count: int = 1) -> bool:
        """Whether `count` more of a name may be served."""
        left, since = self._buckets.get(name, (self.burst, now))
        left = min(self.burst, left + (now - since) * self.rate)
        self._buckets[name] = (left - count if left >= count else left, now)
        self._buckets.move_to_end(name)
        if len(self._buckets) > self._known_max:
            self._buckets.popitem(last=False)
        return left >= count


class Clients:
    """Who has how many streams, and who sends how fast."""

    def __init__(self, limits: ClientLimits | None = None) -> None:
        self.limits = limits or ClientLimits()
        self._streams: Counter[str] = Counter()  # by connection and by address
        self._connections, self._addresses = (
            Rates(rate, max(BURST_SECONDS * rate, BATCH_ENVELOPES_MAX))
            for rate in (self.limits.connection_envelopes, self.limits.address_envelopes))

    @contextmanager
    def stream(self, peer: str) -> Iterator[None]:
        """Count a stream while it is open. Raises CallError when its client has too many."""
        address, limits = address_of(peer), self.limits
        if self._streams[peer] >= limits.connection_streams:
            raise client_limit("streams of this connection", limits.connection_streams)
        if self._streams[address] >= limits.address_streams:
            raise client_limit("streams of this address", limits.address_streams)
        self._streams.update((peer, address))
        try:
            yield
        finally:
            self._streams.subtract((peer, address))
            for name in (peer, address):
                if not self._streams[name]:
                    del self._streams[name]

    def envelopes(self, peer: str, count: int) -> None:
        """Count envelopes that a client sends. Raises CallError when it sends too many a second."""
        now = time.monotonic()
        if not self._connections.take(peer, now, count):
            raise client_limit("envelopes a second on this connection", self.limits.connection_envelopes)
        if not self._addresses.take(address_of(peer), now, count):
            raise client_limit("envelopes a second from this address", self.limits.address_envelopes)


def peer_of(host: str, port: int) -> str:
    """What gRPC would call who comes from there: so one address is one, by whatever door."""
    return f"ipv6:%5B{host}%5D:{port}" if ":" in host else f"ipv4:{host}:{port}"


def address_of(peer: str) -> str:
    """A peer without its port."""
    return peer.rpartition(":")[0]
