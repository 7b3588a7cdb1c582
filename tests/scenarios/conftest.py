"""In every scenario here, the events of a block must account for every change of cash in it."""

from collections.abc import Iterator

import pytest

from tests.helpers.money import followed


@pytest.fixture(autouse=True, scope="session")
def _money_is_followed() -> Iterator[None]:
    with followed():
        yield
