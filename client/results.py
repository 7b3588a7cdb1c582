"""What the client gives back: markets, envelopes that were sent, orders that were placed."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from client.errors import NotCommitted, NovationError, error_from_result
from client.units import Units, usd
from novation.v1 import state_pb2, tx_pb2
from novation.v1 import trading_service_pb2 as trading


@dataclass(slots=True, frozen=True)
class MarketInfo:
    """A market and how it counts."""

    market: int
    symbol: str
    units: Units
    record: state_pb2.Market


@dataclass(slots=True, frozen=True)
class Sent:
    """What became of an envelope. `results` has one entry for each action that ran; none before it is committed."""

    hash: bytes
    envelope: bytes
    committed: bool
    height: int
    fee: Decimal
    results: tuple[tx_pb2.ActionResult, ...]

    def errors(self) -> list[NovationError | None]:
        """The error of each action, None for those that succeeded."""
        return [error_from_result(result) for result in self.results]


@dataclass(slots=True, frozen=True)
class PlacedOrder:
    """What became of an order. Before it is committed only `hash` and `client_id` mean anything."""

    hash: bytes
    committed: bool
    height: int
    order_id: int
    client_id: int
    filled_size: Decimal
    average_price: Decimal  # 0 when nothing was filled
    open_size: Decimal
    fee: Decimal  # of the envelope, without trading fees


def sent_from(outcome: trading.SubmissionOutcome, envelope: bytes, wait: str) -> Sent:
    """The outcome as a record. Raises the error it stands for, NotCommitted if a block was waited for in vain."""
    error = error_from_result(outcome.result)
    if error is not None:
        raise error
    committed = outcome.state == trading.SUBMISSION_STATE_COMMITTED
    if wait == "committed" and not committed:
        late = NotCommitted("NOT_COMMITTED", "admitted, but no block holds it yet; sending it again is safe",
                            metadata={"hash": outcome.hash.hex()})
        late.envelope = envelope
        raise late
    return Sent(outcome.hash, envelope, committed, outcome.height, usd(outcome.result.fee_quanta),
                tuple(outcome.result.actions))


def placed_from(sent: Sent, info: MarketInfo, client_id: int) -> PlacedOrder:
    """What became of the order in an envelope's first action."""
    result = sent.results[0] if sent.results else tx_pb2.ActionResult()
    filled = info.units.size(result.filled_lots)
    average = usd(result.filled_quote_quanta) / filled if result.filled_lots else Decimal(0)
    return PlacedOrder(sent.hash, sent.committed, sent.height, result.order_id, client_id, filled, average,
                       info.units.size(result.open_lots), sent.fee)
