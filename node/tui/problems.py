"""What went wrong, in one line: REASON, code, what it means, about what, and what to do next."""

from __future__ import annotations

from app.errors import REGISTRY
from client.errors import NotAvailable, NotCommitted, NovationError, OutcomeUnknown, RateLimited

MEANINGS = {code.reason: code.meaning for code in REGISTRY.values()}
NEXT = {
    "ACCOUNT_NOT_FOUND": "Fund it first: `novation faucet NAME 1000` on a test network.",
    "MARGIN_INSUFFICIENT": "Order less, close something, or add collateral.",
    "COLLATERAL_INSUFFICIENT": "Order less, or add collateral.",
    "TX_CANNOT_PAY_FEE": "Add collateral: every envelope costs gas.",
    "TX_WRONG_KEY": "Start again with --key of this account, or with --owner and a key that is its agent.",
    "TX_BAD_SIGNATURE": "Start again: the gateway may serve another chain now.",
    "TX_OUT_OF_GAS": "Order less at once: this order would meet too many others.",
    "ORDER_WOULD_CROSS": "Take a price on your side of the book, or another type of order.",
    "ORDER_NOT_FILLABLE": "Order less, or take a worse price.",
    "ORDER_REDUCES_NOTHING": "Switch “reduce only” off: there is no position on the other side.",
    "ORDER_NOT_FOUND": "It was filled or cancelled meanwhile: look at the list.",
    "TRIGGER_NOT_FOUND": "It fired or was cancelled meanwhile: look at the list.",
    "ORDER_SELF_TRADE": "Cancel your own order on the other side first.",
    "ORDER_LIMIT": "Cancel some orders first.",
    "BREAKER_ORDER_BAND": "Take a price nearer to the mark.",
    "BREAKER_OPEN_INTEREST": "Only what makes positions smaller trades in this market now.",
    "BREAKER_REDUCE_ONLY": "Only reduce: the whole chain takes nothing new now.",
    "ORACLE_UNTRUSTED": "Wait until the price is fresh; reducing and cancelling work meanwhile.",
    "MARKET_NOT_TRADING": "Wait until the market trades again, or choose another (m).",
    "MARKET_NOT_FOUND": "Choose another market (m).",
}


def problem_text(error: Exception) -> str:
    """One line for the screen. A `NovationError` carries REASON and code; anything else (a decimal that is none, or
    between two ticks or lots) says what is wrong by itself.
    """
    if not isinstance(error, NovationError):
        return f"{error}. Correct it and try again."
    code = f" ({error.codespace} {error.code})" if error.code and error.codespace else ""
    details = ", ".join(f"{key}={value}" for key, value in error.metadata.items())
    meaning = MEANINGS.get(error.reason)
    said = f"{meaning} ({details})" if meaning and details else meaning or _words(error)
    return f"{error.reason}{code}: {said.rstrip('.')}. {next_step(error)}"


def _words(error: NovationError) -> str:
    """What the gateway said beyond the REASON."""
    return str(error).removeprefix(error.reason).removeprefix(": ") or "refused"


def next_step(error: NovationError) -> str:
    """What to do about it."""
    if isinstance(error, (NotCommitted, OutcomeUnknown)):
        return "It may still take effect: look at your orders and positions before you send it again."
    if isinstance(error, RateLimited):
        return "Wait a second and try again."
    if isinstance(error, NotAvailable):
        return "Is the node running? `novation status`; this screen tries again by itself."
    return NEXT.get(error.reason, "Change it and try again.")
