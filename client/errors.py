"""Everything that can go wrong, as a tree to catch by branch. The names follow what users of trading libraries know.

    NovationError
    ├── NotAvailable            the gateway or its engine is away, or not ready: try again
    │   ├── RequestTimeout      no answer in time
    │   │   └── NotCommitted    admitted, but no block holds the envelope yet; it may still commit (see `.envelope`)
    │   └── RateLimited         pool full, quota reached, too many calls, reading too slowly
    ├── BadRequest              the call was wrong: it will not work later either
    │   └── BadSymbol           no such market
    ├── NotProven               an answer without trust needs what no proof shows
    ├── AuthenticationError     wrong key or signature
    ├── InvalidEnvelope         malformed, too large, no actions …
    ├── InvalidNonce            used, too low or too high; `.lowest` and `.highest` say what is accepted
    ├── OutcomeUnknown          sent again after the connection broke; the first attempt may have worked: look
    ├── Expired                 the expiry passed before a block took it
    ├── InsufficientGas         gas or fee limit too low
    ├── InsufficientFunds       margin, collateral or fee not covered
    ├── AccountNotFound         fund it first
    ├── MarketClosed            the market takes no such orders now
    ├── PermissionDenied        not the authority, no faucet here
    ├── ActionsUndone           all-or-nothing: one action failed, so none was done
    └── InvalidOrder            price, size, terms
        ├── OrderNotFound
        ├── DuplicateOrderId    an open order has this client id
        ├── TooManyOrders
        ├── OrderImmediatelyFillable   post-only would have traded
        └── OrderNotFillable    fill-or-kill could not be filled, or nothing to reduce
    NotExact (ValueError)       an amount that is no whole number of lots, ticks or quanta; names the nearest that are
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import grpc
from google.rpc import error_details_pb2, status_pb2

from novation.v1 import tx_pb2


class NovationError(Exception):
    """The chain or the gateway said no. `reason` is stable and for programs, `metadata` says what about what."""

    def __init__(self, reason: str, message: str = "", *, code: int = 0, codespace: str = "",
                 metadata: Mapping[str, str] | None = None) -> None:
        self.reason = reason
        self.code = code
        self.codespace = codespace
        self.metadata = dict(metadata or {})
        details = ", ".join(f"{key}={value}" for key, value in self.metadata.items())
        super().__init__(": ".join(part for part in (reason, message or details) if part))


class NotAvailable(NovationError):
    """Try again: nothing is wrong with the request."""


class RequestTimeout(NotAvailable):
    """No answer in time."""


class NotCommitted(RequestTimeout):
    """Admitted, but in no block yet. Sending `envelope` again is safe: it takes effect at most once."""

    envelope: bytes = b""


class RateLimited(NotAvailable):
    """A limit was reached; slow down and try again."""


class BadRequest(NovationError):
    """The call can never be served."""


class BadSymbol(BadRequest):
    """There is no such market, underlying or expiry."""


class NotProven(NovationError):
    """A record that was not proven was needed: nothing is ever assumed in its place."""


class AuthenticationError(NovationError):
    """Wrong key or signature."""


class InvalidEnvelope(NovationError):
    """The envelope is not well formed."""


class InvalidNonce(NovationError):
    """Used, or outside the window."""

    @property
    def lowest(self) -> int:
        """The lowest nonce that may be accepted, 0 when not said."""
        return int(self.metadata.get("lowest", 0))

    @property
    def highest(self) -> int:
        """The highest nonce that would be accepted, 0 when not said."""
        return int(self.metadata.get("highest", 0))


class OutcomeUnknown(NovationError):
    """The connection broke after an attempt that may have gone through. Look at the account before acting again."""


class Expired(NovationError):
    """The expiry height or time has passed."""


class InsufficientGas(NovationError):
    """The gas or fee limit is too low."""


class InsufficientFunds(NovationError):
    """Margin, collateral or fee not covered."""


class AccountNotFound(NovationError):
    """The account does not exist; fund it first."""


class MarketClosed(NovationError):
    """The market takes no such orders now."""


class PermissionDenied(NovationError):
    """Not allowed to this account, or on this network."""


class ActionsUndone(NovationError):
    """All-or-nothing: an action failed, so none was done."""


class InvalidOrder(NovationError):
    """Price, size or terms."""


class OrderNotFound(InvalidOrder):
    """The account has no such open order."""


class DuplicateOrderId(InvalidOrder):
    """An open order of the account has this client id."""


class TooManyOrders(InvalidOrder):
    """The account has as many open orders as it may."""


class OrderImmediatelyFillable(InvalidOrder):
    """A post-only order would have traded."""


class OrderNotFillable(InvalidOrder):
    """Fill-or-kill could not be filled in full, or a reduce-only order has nothing to reduce."""


class NotExact(ValueError):
    """An amount is not a whole number of units. `below` and `above` are the nearest that are, in the caller's unit."""

    def __init__(self, what: str, value: Decimal, below: Decimal, above: Decimal, unit: str) -> None:
        self.value, self.below, self.above = value, below, above
        super().__init__(f"{what} {value} is not a multiple of {unit}: use {below} or {above}")


# Reason -> class. What is missing falls back to its codespace, then to NovationError.
REASONS: dict[str, type[NovationError]] = {
    "TX_KEY_TYPE": AuthenticationError, "TX_WRONG_KEY": AuthenticationError, "TX_BAD_SIGNATURE": AuthenticationError,
    "TX_AGENT_ACTION": PermissionDenied,
    "TX_NONCE_USED": InvalidNonce, "TX_NONCE_TOO_LOW": InvalidNonce, "TX_NONCE_TOO_HIGH": InvalidNonce,
    "MEMPOOL_DUPLICATE": InvalidNonce,
    "TX_EXPIRED": Expired,
    "TX_GAS_LIMIT": InsufficientGas, "TX_FEE_LIMIT": InsufficientGas, "TX_OUT_OF_GAS": InsufficientGas,
    "TX_CANNOT_PAY_FEE": InsufficientFunds, "TX_ACTION_FAILED": ActionsUndone,
    "ACCOUNT_NOT_FOUND": AccountNotFound,
    "COLLATERAL_INSUFFICIENT": InsufficientFunds, "COLLATERAL_NEW_ACCOUNT": InsufficientFunds,
    "COLLATERAL_FAUCET_OFF": PermissionDenied, "VALIDATOR_NOT_AUTHORITY": PermissionDenied,
    "MARKET_NOT_AUTHORITY": PermissionDenied, "MARKET_NOT_FOUND": BadSymbol,
    "MARKET_NOT_TRADING": MarketClosed, "MARKET_FAULT": MarketClosed,
    "MARGIN_INSUFFICIENT": InsufficientFunds, "MARGIN_POSITION_LIMIT": InvalidOrder, "MARGIN_MARKETS": InvalidOrder,
    "TRIGGER_NOT_FOUND": OrderNotFound, "TRIGGER_CLIENT_ID_USED": DuplicateOrderId,
    "TRIGGER_LIMIT": TooManyOrders, "TRIGGER_REACHED": OrderImmediatelyFillable,
    "ORDER_NOT_FOUND": OrderNotFound, "ORDER_CLIENT_ID_USED": DuplicateOrderId, "ORDER_LIMIT": TooManyOrders,
    "ORDER_WOULD_CROSS": OrderImmediatelyFillable, "ORDER_NOT_FILLABLE": OrderNotFillable,
    "ORDER_REDUCES_NOTHING": OrderNotFillable, "COMBO_NET": OrderNotFillable, "COMBO_REDUCES": OrderNotFillable,
    "BLOCK_CONSENT": AuthenticationError, "BLOCK_EXPIRED": Expired, "BLOCK_NONCE": InvalidNonce,
    "BREAKER_ORDER_BAND": InvalidOrder, "BREAKER_WITHDRAWALS": RateLimited,
}
CODESPACES: dict[str, type[NovationError]] = {
    "tx": InvalidEnvelope, "accounts": BadRequest, "collateral": BadRequest, "markets": BadRequest,
    "margin": InsufficientFunds, "book": InvalidOrder,
    "triggers": InvalidOrder, "oracle": BadRequest, "query": BadRequest,
    "mempool": RateLimited, "fees": BadRequest, "compartments": MarketClosed, "liquidation": BadRequest,
    "breakers": MarketClosed, "combos": InvalidOrder, "blocks": InvalidOrder, "validators": BadRequest,
}
STATUSES: dict[grpc.StatusCode, type[NovationError]] = {
    grpc.StatusCode.UNAVAILABLE: NotAvailable,
    grpc.StatusCode.CANCELLED: NotAvailable,  # by a server that stops
    grpc.StatusCode.UNKNOWN: NotAvailable,  # a connection that broke in the middle
    grpc.StatusCode.DEADLINE_EXCEEDED: RequestTimeout,
    grpc.StatusCode.RESOURCE_EXHAUSTED: RateLimited,
    grpc.StatusCode.INVALID_ARGUMENT: BadRequest,
    grpc.StatusCode.NOT_FOUND: BadRequest,
    grpc.StatusCode.UNIMPLEMENTED: BadRequest,
    grpc.StatusCode.FAILED_PRECONDITION: BadRequest,
    grpc.StatusCode.PERMISSION_DENIED: PermissionDenied,
}
STATUS_KEY = "grpc-status-details-bin"


def error_from_result(result: tx_pb2.EnvelopeResult | tx_pb2.ActionResult) -> NovationError | None:
    """The error that a result stands for, None for success."""
    if not result.code:
        return None
    kind = REASONS.get(result.reason) or CODESPACES.get(result.codespace, NovationError)
    return kind(result.reason, code=result.code, codespace=result.codespace,
                metadata={detail.key: detail.value for detail in result.metadata})


def error_from_call(error: grpc.aio.AioRpcError) -> NovationError:
    """The error of a call that failed, from its ErrorInfo if the gateway sent one."""
    for key, value in error.trailing_metadata() or ():
        if key == STATUS_KEY and isinstance(value, bytes):
            found = _from_status(status_pb2.Status.FromString(value), error.code())
            if found is not None:
                return found
    kind = STATUSES.get(error.code(), NovationError)
    return kind(error.code().name, error.details() or "")


def _from_status(status: status_pb2.Status, code: grpc.StatusCode) -> NovationError | None:
    info = error_details_pb2.ErrorInfo()
    for detail in status.details:
        if detail.Unpack(info):
            kind = REASONS.get(info.reason) or STATUSES.get(code) or CODESPACES.get(info.domain, NovationError)
            return kind(info.reason, status.message, code=status.code, codespace=info.domain, metadata=info.metadata)
    return None
