"""Settings of all tests: Hypothesis measures no time, because the machine may be busy with other things."""

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["novation.testing"]  # as the users of a devchain

settings.register_profile("novation", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("soak", settings.get_profile("novation"), max_examples=1_000)
settings.load_profile("novation")


def pytest_addoption(parser: pytest.Parser) -> None:
    """How long the long runs are."""
    parser.addoption("--minutes", type=float, default=10.0, help="of all runs of `make soak` together")
