"""What the web answers when it cannot serve: REASON, words, and what to do next."""

from __future__ import annotations

import grpc
from starlette.responses import Response

from node.gateway.errors import CallError
from node.web.plain import compact

Code = grpc.StatusCode
STATUS = {
    Code.INVALID_ARGUMENT: 400,
    Code.NOT_FOUND: 404,
    Code.FAILED_PRECONDITION: 409,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.UNAVAILABLE: 503,
}
NEXT = {
    400: "Correct what it names and send it again.",
    403: "Open this page at its own address and try there.",
    404: "Look for something else; only recent blocks are held here.",
    405: "Use the method that the documentation names.",
    409: "Wait until the market's trouble is over.",
    413: "Send less at once.",
    429: "Wait a second and try again.",
    500: "Try again; if it stays, the gateway's log has the reason.",
    503: "Wait a few seconds; the page tries again by itself.",
}
FORBIDDEN_ORIGIN = (403, "CROSS_ORIGIN", "another site may not use this page's API")


def refusal(status: int, reason: str, message: str, metadata: dict[str, str] | None = None) -> Response:
    """An error as JSON."""
    body = {"reason": reason, "message": message, "next": NEXT.get(status, NEXT[500]), "metadata": metadata or {}}
    headers = {"retry-after": "1"} if status in (429, 503) else None
    return Response(compact(body), status, headers, media_type="application/json")


def of_call(error: CallError) -> Response:
    """The same error that a gRPC client would get."""
    return refusal(STATUS.get(error.code, 500), error.reason, error.message, error.metadata)
