"""A devchain with a web page, and a plain HTTP client of it."""

from collections.abc import Iterator

import httpx
import pytest

from novation.testing import Chain


@pytest.fixture
def chain() -> Iterator[Chain]:
    """A fresh chain whose gateway serves the page."""
    chain = Chain(web=True)
    try:
        yield chain
    finally:
        chain.close()


@pytest.fixture
def http(chain: Chain) -> Iterator[httpx.Client]:
    """A client of the page."""
    with httpx.Client(base_url=f"http://{chain.web_address}", timeout=20) as client:
        yield client
