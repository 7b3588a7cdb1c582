"""TradingService: envelopes in."""

from __future__ import annotations

from typing import Any

from node.gateway.clients import BATCH_ENVELOPES_MAX, Clients
from node.gateway.errors import bad_argument, unary
from node.gateway.model import ReadModel
from node.gateway.submissions import Submissions
from novation.v1 import trading_service_pb2 as trading
from novation.v1 import trading_service_pb2_grpc

WAIT_MS_DEFAULT = 10_000
WAIT_MS_MAX = 60_000
DEADLINE_MARGIN_SECONDS = 0.2  # so that the answer "still pending" arrives before the caller's deadline


class TradingService(trading_service_pb2_grpc.TradingServiceServicer):
    """See trading_service.proto."""

    def __init__(self, model: ReadModel, submissions: Submissions, clients: Clients) -> None:
        self.model = model
        self._submissions = submissions
        self._clients = clients

    @unary
    async def Submit(self, request: trading.SubmitEnvelopeRequest, context: Any) -> trading.SubmitEnvelopeResponse:
        self._clients.envelopes(context.peer(), 1)
        outcomes = await self._submissions.submit([request.envelope], _wait_seconds(request, context))
        return trading.SubmitEnvelopeResponse(height=self.model.height, outcome=outcomes[0])

    @unary
    async def SubmitBatch(self, request: trading.SubmitBatchRequest, context: Any) -> trading.SubmitBatchResponse:
        if not 1 <= len(request.envelopes) <= BATCH_ENVELOPES_MAX:
            raise bad_argument("envelopes", f"1 to {BATCH_ENVELOPES_MAX} of them")
        self._clients.envelopes(context.peer(), len(request.envelopes))
        outcomes = await self._submissions.submit(request.envelopes, _wait_seconds(request, context))
        return trading.SubmitBatchResponse(height=self.model.height, outcomes=outcomes)


def _wait_seconds(request: trading.SubmitEnvelopeRequest | trading.SubmitBatchRequest, context: Any) -> float:
    """How long to wait for the block; 0 when only admission was asked for."""
    if request.wait in (trading.WAIT_FOR_UNSPECIFIED, trading.WAIT_FOR_ADMISSION):
        return 0
    if request.wait != trading.WAIT_FOR_COMMITTED:
        raise bad_argument("wait", "WAIT_FOR_ADMISSION or WAIT_FOR_COMMITTED")
    if request.timeout_ms > WAIT_MS_MAX:
        raise bad_argument("timeout_ms", f"at most {WAIT_MS_MAX}")
    seconds = (request.timeout_ms or WAIT_MS_DEFAULT) / 1000
    remaining = context.time_remaining()
    if remaining is not None:
        seconds = max(min(seconds, remaining - DEADLINE_MARGIN_SECONDS), 0.001)
    return seconds
