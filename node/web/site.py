"""The app: static files, the JSON API, the stream."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from node.gateway.clients import Rates, peer_of
from node.gateway.errors import CallError, bad_argument
from node.gateway.services import Services
from node.gateway.streams import Streams
from node.web.api import CALLS, ENVELOPE_BYTES_MAX, Api, account_of
from node.web.errors import of_call, refusal
from node.web.guard import Guard
from node.web.live import Frames, Live, Wanted, frame
from node.web.plain import compact

log = structlog.get_logger("web")

STATIC = Path(__file__).parent / "static"
QUESTION_BYTES_MAX = 131_072
Abort = Callable[[Any], None]
"""Abort(client): close a reader's connection at once."""


def make_app(services: Services, streams: Streams, api: Api, rates: Rates, abort: Abort) -> Guard:
    """The whole site. `abort` closes the connection of a reader who takes nothing."""
    live = Live(services, streams)

    async def stream(request: Request) -> Response:
        return EventStream(live, streams, wanted_of(request), abort)

    routes = [Route(f"/{path}", api.call(path), methods=["GET"]) for path in CALLS]
    routes += [
        *(Route(f"/{name}", getattr(api, name), methods=["GET"])
          for name in ("candles", "changes", "errors", "proof", "terms")),
        Route("/stream", stream, methods=["GET"]),
        Route("/risk", bounded(api.risk, QUESTION_BYTES_MAX), methods=["POST"]),
        Route("/submit", bounded(api.submit, ENVELOPE_BYTES_MAX), methods=["POST"]),
    ]
    site = [Mount("/api", routes=routes), Mount("/", StaticFiles(directory=STATIC, html=True))]
    app = Starlette(routes=site, exception_handlers={
        CallError: _call_error, HTTPException: _http_error, Exception: _internal})
    return Guard(app, rates)


def bounded(handler: Callable[[bytes, str], Awaitable[Response]],
            most: int) -> Callable[[Request], Awaitable[Response]]:
    """The route of a handler of bodies, of at most `most` bytes, and of who sent them, as gRPC would name it."""
    async def edge(request: Request) -> Response:
        parts, size = [], 0
        try:
            async for part in request.stream():
                size += len(part)
                if size > most:
                    return refusal(413, "BODY_TOO_LARGE", f"at most {most} bytes", {"limit": str(most)})
                parts.append(part)
        except ClientDisconnect:
            return refusal(400, "BODY_INCOMPLETE", "the connection ended before the body")
        return await handler(b"".join(parts), peer_of(*request.scope["client"]))

    return edge


def wanted_of(request: Request) -> Wanted:
    """What a reader asks for: `market`, `account`, `after`; a browser that comes back says Last-Event-ID. Raises
    CallError."""
    given = request.query_params
    for name in ("market", "after"):
        if not given.get(name, "0").isdecimal() or len(given.get(name, "")) > 18:
            raise bad_argument(name, "a number")
    last = request.headers.get("last-event-id", "")
    after = last if last.isdecimal() and len(last) <= 18 else given.get("after", "0")
    account = account_of(given["account"]) if given.get("account") else None
    return Wanted(int(given.get("market", 0)), account, int(after))


class EventStream(Response):
    """A response that goes on until the reader leaves, or is too slow."""

    def __init__(self, live: Live, streams: Streams, wanted: Wanted, abort: Abort) -> None:
        super().__init__(media_type="text/event-stream")
        self._live, self._streams, self._wanted, self._abort = live, streams, wanted, abort
        self._begun = False
        self._pending = False  # something is being written

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one reader."""
        self._send = send
        peer = peer_of(*scope["client"])
        serving = asyncio.create_task(self._streams.serve(self._live.follow(self._wanted), self, peer))
        leaving = asyncio.create_task(_left(receive))
        try:
            await asyncio.wait((serving, leaving), return_when=asyncio.FIRST_COMPLETED)
            if serving.done():
                await self._end(serving.exception(), scope, receive)
        finally:
            for task in (serving, leaving):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, CallError):
                    await task

    async def write(self, message: Frames) -> None:
        """As a gRPC context's: returns when the reader may have more."""
        self._pending = True
        if not self._begun:
            self._begun = True
            headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store"),
                       (b"x-accel-buffering", b"no")]
            await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        await self._send({"type": "http.response.body", "body": message.data, "more_body": True})
        self._pending = False

    async def _end(self, error: BaseException | None, scope: Scope, receive: Receive) -> None:
        """Tell why, if the reader still listens."""
        if not isinstance(error, CallError):
            raise error or AssertionError("a stream has no end of its own")
        if not self._begun:
            await of_call(error)(scope, receive, self._send)
        elif self._pending:
            self._abort(scope["client"])  # it takes nothing: neither would it take a reason
        else:
            height = int(error.metadata.get("last_height", 0))
            body = {"reason": error.reason, "message": error.message, "last_height": str(height)}
            data = frame("end", body, height) if height else b"event: end\ndata: %s\n\n" % compact(body)
            await self._send({"type": "http.response.body", "body": data, "more_body": False})


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _call_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, CallError)
    return of_call(error)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return refusal(error.status_code, {404: "NOT_FOUND", 405: "METHOD"}.get(error.status_code, "HTTP"), error.detail)


async def _internal(request: Request, error: Exception) -> Response:
    log.error("request failed", path=request.url.path, reason=repr(error), exc_info=error)
    return refusal(500, "INTERNAL", "the gateway failed on this request; its log has the reason")
