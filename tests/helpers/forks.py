"""Forks of a driver's committed state, for questions."""

from app.book.state import rebuild
from app.context import Context
from app.registry import open_fork
from tests.helpers.driver import Driver


def fork(driver: Driver) -> Context:
    """A context over what the driver's chain has committed, with its books."""
    ctx = open_fork(driver.chain.reader, driver.height, driver.chain.head.time_ns)
    rebuild(ctx)
    return ctx
