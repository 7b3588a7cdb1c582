"""One browser for all tests here; each opens its own chain, at an origin of its own."""

from collections.abc import Iterator

import pytest

from novation.testing import Chain
from tests.helpers.browser import Browser, browser, missing
from tests.helpers.page import quoted


@pytest.fixture(scope="session")
def page() -> Iterator[Browser]:
    """The browser. Skipped where there is none."""
    if why := missing():
        pytest.skip(why)
    with browser() as made:
        yield made


@pytest.fixture
def chain(page: Browser) -> Iterator[Chain]:
    """A devchain with a page, and somebody who quotes."""
    made = Chain(web=True)
    try:
        quoted(made)
        page.complaints()
        yield made
    finally:
        page.open("about:blank")  # so that nobody asks for what is gone
        made.close()
