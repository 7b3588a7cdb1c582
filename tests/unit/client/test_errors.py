"""The tree of errors knows every reason of the chain."""

import pytest

from app.errors import REGISTRY
from client import errors
from client.errors import NovationError, error_from_result
from novation.v1 import tx_pb2


@pytest.mark.parametrize("code", REGISTRY.values(), ids=lambda code: code.reason)
def test_every_reason_of_the_registry_has_a_class(code) -> None:
    """And carries code, codespace, reason and metadata; a new reason is not lost in the root of the tree."""
    result = tx_pb2.ActionResult(code=code.code, codespace=code.codespace, reason=code.reason,
                                 metadata=[tx_pb2.Detail(key="limit", value="7")])
    error = error_from_result(result)
    assert type(error) is not NovationError and isinstance(error, NovationError)
    assert (error.code, error.codespace, error.reason, error.metadata) == (
        code.code, code.codespace, code.reason, {"limit": "7"})
    assert code.reason in str(error) and "limit=7" in str(error)


def test_the_reasons_that_are_named_exist() -> None:
    """No mapping for a reason that the chain does not know."""
    assert set(errors.REASONS) <= {code.reason for code in REGISTRY.values()}
    assert set(errors.CODESPACES) == {code.codespace for code in REGISTRY.values()}


@pytest.mark.parametrize(("reason", "kind"), [
    ("MARGIN_INSUFFICIENT", errors.InsufficientFunds), ("ORDER_NOT_FOUND", errors.OrderNotFound),
    ("ORDER_OFF_TICK", errors.InvalidOrder), ("TX_NONCE_TOO_LOW", errors.InvalidNonce),
    ("MEMPOOL_FULL", errors.RateLimited), ("TX_BAD_SIGNATURE", errors.AuthenticationError),
])
def test_the_branches_traders_catch(reason: str, kind: type[NovationError]) -> None:
    """As in the libraries they know."""
    code = next(code for code in REGISTRY.values() if code.reason == reason)
    result = tx_pb2.EnvelopeResult(code=code.code, codespace=code.codespace, reason=reason)
    assert type(error_from_result(result)) is kind


def test_success_is_no_error() -> None:
    """Code 0."""
    assert error_from_result(tx_pb2.ActionResult()) is None


def test_the_tree_hangs_together() -> None:
    """Branches that programs rely on, and nothing outside the tree but NotExact."""
    assert issubclass(errors.RateLimited, errors.NotAvailable)
    assert issubclass(errors.NotCommitted, errors.RequestTimeout)
    assert issubclass(errors.OrderNotFound, errors.InvalidOrder) and issubclass(errors.NotExact, ValueError)
    drawn = errors.__doc__ or ""
    for name, kind in vars(errors).items():
        if isinstance(kind, type) and issubclass(kind, Exception):
            assert name in drawn, f"{name} is missing in the drawing of the tree"
