"""What stands before every request: how often an address may ask, from which pages, and the headers of every answer."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from node.gateway.clients import Rates
from node.web.errors import FORBIDDEN_ORIGIN, refusal

RATE_A_SECOND = 50.0  # requests of one address, on average
BURST = 300.0
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
                               "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


class Guard:
    """The outermost layer of the app."""

    def __init__(self, app: ASGIApp, rates: Rates) -> None:
        self._app = app
        self._rates = rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve or refuse one request."""
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-cache")
            await send(message)

        if scope["type"] != "http":
            return
        client = scope["client"][0] if scope["client"] else ""
        if not self._rates.take(client, time.monotonic()):
            await refusal(429, "TOO_MANY_REQUESTS", "this address asks too often")(scope, receive, with_headers)
        elif scope["path"].startswith("/api/") and not same_origin(Headers(scope=scope)):
            await refusal(*FORBIDDEN_ORIGIN)(scope, receive, with_headers)
        else:
            await self._app(scope, receive, with_headers)


def same_origin(headers: Headers) -> bool:
    """Whether a request comes from this very site, or from no site at all. Browsers tell; other clients need not."""
    if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        return False
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")
