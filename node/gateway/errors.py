"""Errors of calls: a gRPC status with a google.rpc ErrorInfo (reason, domain, metadata); never an exception's text."""

from __future__ import annotations

import functools
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeVar

import grpc
import structlog
from google.rpc import error_details_pb2, status_pb2

from node.telemetry.gateway import count_call, count_stream

log = structlog.get_logger("gateway")

DOMAIN = "gateway"
TOO_SLOW = "STREAM_TOO_SLOW"
Code = grpc.StatusCode
Reply = TypeVar("Reply")


@dataclass(slots=True)
class CallError(Exception):
    """A call that cannot be served: raised in a service, turned into a status at its edge."""

    code: grpc.StatusCode
    reason: str
    message: str  # for people; says what to do
    domain: str = DOMAIN
    metadata: dict[str, str] = field(default_factory=dict)


def not_ready() -> CallError:
    """The gateway has no state yet."""
    return CallError(Code.UNAVAILABLE, "GATEWAY_NOT_READY", "nothing heard from the engine yet; try again soon")


def engine_down() -> CallError:
    """An envelope could not be handed over. The same bytes may be sent again: they can take effect once only."""
    return CallError(Code.UNAVAILABLE, "ENGINE_UNREACHABLE", "the engine is away; send the same bytes again soon")


def stopping() -> CallError:
    """The gateway is about to end."""
    return CallError(Code.UNAVAILABLE, "GATEWAY_STOPPING", "the gateway stops; connect again soon")


def busy(what: str, most: int) -> CallError:
    """A limit of the gateway."""
    return CallError(Code.RESOURCE_EXHAUSTED, "GATEWAY_BUSY", f"too many {what}; try again soon",
                     metadata={"limit": str(most)})


def client_limit(what: str, most: int) -> CallError:
    """A limit of one client; others are still served."""
    return CallError(Code.RESOURCE_EXHAUSTED, "CLIENT_LIMIT", f"too many {what}: at most {most}; slow down",
                     metadata={"limit": str(most), "of": what})


def bad_argument(name: str, wanted: str) -> CallError:
    """A field of the request that can never be served."""
    return CallError(Code.INVALID_ARGUMENT, "BAD_ARGUMENT", f"{name}: {wanted}",
                     metadata={"field": name, "wanted": wanted})


def market_not_found(market: int) -> CallError:
    """No such market."""
    return CallError(Code.NOT_FOUND, "MARKET_NOT_FOUND", f"there is no market {market}; GetMarkets lists them",
                     domain="markets", metadata={"market": str(market)})


def feed_not_found(feed: int) -> CallError:
    """No such feed."""
    return CallError(Code.NOT_FOUND, "FEED_NOT_FOUND", f"there is no feed {feed}; GetFeeds lists them",
                     metadata={"feed": str(feed)})


def block_not_held(height: int, oldest: int, newest: int) -> CallError:
    """A block that is not made yet, or is too old; `oldest` 0: none is held."""
    return CallError(Code.NOT_FOUND, "BLOCK_NOT_HELD",
                     f"block {height} is not made yet: the last is {newest}" if height > newest else
                     f"block {height} is not held here; ask CometBFT's RPC for old blocks",
                     metadata={"oldest": str(oldest or "none"), "newest": str(newest)})


def too_slow(last_height: int) -> CallError:
    """A stream's reader fell behind."""
    return CallError(Code.RESOURCE_EXHAUSTED, TOO_SLOW,
                     f"the stream was read too slowly; resume after height {last_height}",
                     metadata={"last_height": str(last_height)})


async def abort(context: grpc.aio.ServicerContext[Any, Any], error: CallError) -> NoReturn:
    """End the call with the error."""
    status = status_pb2.Status(code=error.code.value[0], message=error.message)
    status.details.add().Pack(error_details_pb2.ErrorInfo(
        reason=error.reason, domain=error.domain, metadata=error.metadata))
    await context.abort(error.code, error.message, (("grpc-status-details-bin", status.SerializeToString()),))
    raise AssertionError("abort returned")  # it always raises; this tells readers and type checkers so


def unary(method: Callable[..., Awaitable[Reply]]) -> Callable[..., Awaitable[Reply]]:
    """The edge of a unary method: CallError becomes a status, anything unforeseen INTERNAL without its text."""

    @functools.wraps(method)
    async def edge(self: Any, request: Any, context: Any) -> Reply:
        started, code = time.perf_counter(), Code.CANCELLED
        try:
            reply = await method(self, request, context)
            code = Code.OK
            return reply
        except CallError as error:
            code = error.code
            await abort(context, error)
        except Exception as error:  # noqa: BLE001 - edge of a call: logged here, and nobody else is told what broke
            code = Code.INTERNAL
            await abort(context, _internal(method.__name__, error))
        finally:
            count_call(method.__name__, code.name, time.perf_counter() - started)

    return edge


def stream(method: Callable[..., AsyncIterator[Reply]]) -> Callable[..., Awaitable[None]]:
    """The edge of a streaming method, which yields its messages. Each is written before the next is asked for."""

    @functools.wraps(method)
    async def edge(self: Any, request: Any, context: Any) -> None:
        code = Code.CANCELLED
        try:
            await self.streams.serve(method(self, request, context), context, context.peer())
            code = Code.OK
        except CallError as error:
            code = error.code
            await abort(context, error)
        except Exception as error:  # noqa: BLE001 - as above
            code = Code.INTERNAL
            await abort(context, _internal(method.__name__, error))
        finally:
            count_stream(method.__name__, code.name)

    return edge


def _internal(method: str, error: Exception) -> CallError:
    log.error("call failed", method=method, reason=repr(error), exc_info=error)
    return CallError(Code.INTERNAL, "INTERNAL", "the gateway failed on this call; its log has the reason")
