"""Long runs share the time that `make soak ARGS='--minutes 30'` gives them; ten minutes otherwise."""

import time
from collections.abc import Callable

import pytest

Left = Callable[[], float]
"""Seconds that a run still has."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """None of them has a limit of its own: each ends when its share is over."""
    for item in items:
        if item.get_closest_marker("soak"):
            item.add_marker(pytest.mark.timeout(0))


@pytest.fixture
def left_s(request: pytest.FixtureRequest) -> Left:
    """How long this run may still go on: an equal share of all minutes among the long runs of this call."""
    runs = sum(item.get_closest_marker("soak") is not None for item in request.session.items)
    end_s = time.monotonic() + 60 * float(request.config.getoption("--minutes")) / runs
    return lambda: end_s - time.monotonic()
