"""The JSON API: each GET is a call of a gRPC service with its request's fields as parameters.

    /api/book?market=1&depth=20        GetBook(market=1, depth=20)
    /api/account?account=OWNER/0       GetAccount of account 0 of an owner (40 hexadecimal digits)
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message
from starlette.requests import Request
from starlette.responses import Response

from app.errors import REGISTRY
from node.gateway.errors import bad_argument
from node.gateway.services import Services
from node.web.candles import INTERVALS_S, Candles
from node.web.changes import Changes
from node.web.plain import compact, plain
from node.web.proofs import Prover, proof_document
from node.web.terms import terms_document
from novation.v1 import account_service_pb2 as account_service
from novation.v1 import chain_service_pb2 as chain_service
from novation.v1 import market_data_service_pb2 as market_data
from novation.v1 import oracle_service_pb2 as oracle_service
from novation.v1 import risk_service_pb2 as risk_service
from novation.v1 import trading_service_pb2 as trading
from novation.v1 import tx_pb2

SUBMIT_WAIT_SECONDS = 15.0
SHARED_SECONDS = 1.0
SHARED = {"markets", "options"}
ENVELOPE_BYTES_MAX = 65_536

# Path -> (service, method, request). The method is called inside its gRPC edge, so its errors are ours to write.
CALLS: Mapping[str, tuple[str, str, type[Message]]] = {
    "markets": ("market_data", "GetMarkets", market_data.GetMarketsRequest),
    "book": ("market_data", "GetBook", market_data.GetBookRequest),
    "trades": ("market_data", "GetTrades", market_data.GetTradesRequest),
    "options": ("market_data", "GetOptions", market_data.GetOptionsRequest),
    "account": ("account", "GetAccount", account_service.GetAccountRequest),
    "orders": ("account", "GetOrders", account_service.GetOrdersRequest),
    "fees": ("account", "GetFees", account_service.GetFeesRequest),
    "auctions": ("account", "GetAuctions", account_service.GetAuctionsRequest),
    "status": ("chain", "GetStatus", chain_service.GetStatusRequest),
    "block": ("chain", "GetBlock", chain_service.GetBlockRequest),
    "tx": ("chain", "GetTx", chain_service.GetTxRequest),
    "params": ("chain", "GetParams", chain_service.GetParamsRequest),
    "feeds": ("oracle", "GetFeeds", oracle_service.GetFeedsRequest),
    "votes": ("oracle", "GetVotes", oracle_service.GetVotesRequest),
    "reporters": ("oracle", "GetReporters", oracle_service.GetReportersRequest),
    "surface": ("oracle", "GetSurface", oracle_service.GetSurfaceRequest),
    "breakers": ("risk", "GetBreakers", risk_service.GetBreakersRequest),
    "stress": ("risk", "GetStress", risk_service.GetStressRequest),
}


def answer(message: Message) -> Response:
    """A message as JSON."""
    return document(plain(message))


def document(body: Any) -> Response:
    """What is JSON already; never kept by a cache."""
    return Response(compact(body), media_type="application/json", headers={"cache-control": "no-store"})


def account_of(text: str) -> tx_pb2.AccountId:
    """`OWNER/NUMBER`, or `OWNER` for number 0. Raises CallError."""
    owner, _, number = text.partition("/")
    try:
        return tx_pb2.AccountId(owner=bytes.fromhex(owner), number=int(number or 0))
    except (ValueError, OverflowError) as error:
        raise bad_argument("account", "OWNER/NUMBER, the owner in 40 hexadecimal digits") from error


def request_of(kind: type[Message], parameters: Mapping[str, str]) -> Message:
    """A request from query parameters: lists by commas, bytes in hexadecimal. Raises CallError."""
    request = kind()
    for name, text in parameters.items():
        field = request.DESCRIPTOR.fields_by_name.get(name)
        if field is None:
            known = ", ".join(request.DESCRIPTOR.fields_by_name) or "none"
            raise bad_argument(name, f"there is no such parameter; there are: {known}")
        if name == "account":
            request.account.CopyFrom(account_of(text))  # type: ignore[attr-defined]
            continue
        try:
            if field.type == field.TYPE_BYTES:
                setattr(request, name, bytes.fromhex(text))
            else:
                value: Any = text.split(",") if field.is_repeated else text
                json_format.ParseDict({name: value if field.type != field.TYPE_BOOL else text == "true"}, request)
        except (ValueError, json_format.ParseError) as error:
            raise bad_argument(name, f"{text[:40]!r} is not what belongs here") from error
    return request


class Api:
    """The routes' handlers. Each raises CallError for what cannot be served."""

    def __init__(self, services: Services, candles: Candles, changes: Changes, prover: Prover | None) -> None:
        self._services = services
        self._candles = candles
        self._changes = changes
        self._prover = prover

    def call(self, path: str) -> Callable[[Request], Awaitable[Response]]:
        """The handler of one of CALLS."""
        service_name, method_name, kind = CALLS[path]
        service = getattr(self._services, service_name)
        method = getattr(type(service), method_name).__wrapped__

        async def handler(request: Request) -> Response:
            return answer(await method(service, request_of(kind, request.query_params), None))

        return self._shared(handler) if path in SHARED else handler

    def _shared(self, handler: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        """What is much to tell, and every page asks again and again: one answer serves SHARED_SECONDS, or until other
        markets are listed."""
        kept: list[tuple[float, tuple[int, int], Response]] = []

        async def shared(request: Request) -> Response:
            if request.query_params:
                return await handler(request)
            now, listed = time.monotonic(), (self._services.model.generation, self._services.model.listings)
            if not kept or now - kept[0][0] > SHARED_SECONDS or kept[0][1] != listed:
                kept[:] = [(now, listed, await handler(request))]
            return kept[0][2]

        return shared

    async def risk(self, body: bytes, _peer: str) -> Response:
        """POST: what if. The body is a GetRiskRequest in JSON, but for `account`, which is OWNER/NUMBER."""
        method: Any = type(self._services.risk).GetRisk
        return answer(await method.__wrapped__(self._services.risk, risk_request(body), None))

    async def submit(self, body: bytes, peer: str) -> Response:
        """POST: the bytes of one signed envelope; answers once a block has it, or when waiting any longer is no use.

        It counts among the envelopes of its connection and address, as one by gRPC does."""
        self._services.clients.envelopes(peer, 1)
        outcomes = await self._services.submissions.submit([body], SUBMIT_WAIT_SECONDS)
        return answer(trading.SubmitEnvelopeResponse(height=self._services.model.height, outcome=outcomes[0]))

    async def proof(self, request: Request) -> Response:
        """A record with its proof and the header that this leads to."""
        return document(await proof_document(self._prover, request.query_params))

    async def terms(self, request: Request) -> Response:
        """The rules in force."""
        return document(terms_document(self._services.model))

    async def changes(self, request: Request) -> Response:
        """What changed about the chain itself."""
        return document(self._changes.document())

    async def errors(self, request: Request) -> Response:
        """What each REASON of the chain means."""
        meanings = {code.reason: code.meaning for code in REGISTRY.values()}
        return Response(compact(meanings), media_type="application/json", headers={"cache-control": "max-age=3600"})

    async def candles(self, request: Request) -> Response:
        """Candles of a market from the trades seen here: [time_s, open, high, low, close, lots], oldest first."""
        market, interval = (request.query_params.get(name, "") for name in ("market", "interval"))
        if not market.isdecimal() or len(market) > 9:
            raise bad_argument("market", "the number of a market")
        if interval not in INTERVALS_S:
            raise bad_argument("interval", f"one of {', '.join(INTERVALS_S)}")
        self._candles.catch_up()
        rows = self._candles.rows(int(market), interval)
        body = {"height": str(self._services.model.height), "market": int(market), "interval": interval,
                "candles": rows}
        return document(body)


def risk_request(body: bytes) -> risk_service.GetRiskRequest:
    """A question from its JSON. Raises CallError."""
    request = risk_service.GetRiskRequest()
    try:
        document = dict(json.loads(body))
        account = document.pop("account")
        json_format.ParseDict(document, request)
    except (ValueError, TypeError, KeyError, json_format.ParseError, RecursionError) as error:
        raise bad_argument("body", "a GetRiskRequest in JSON, with account as OWNER/NUMBER") from error
    request.account.CopyFrom(account_of(str(account)))
    return request
