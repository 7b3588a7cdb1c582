"""A look at the chain as it would stand at another price, before any block brings it."""

from collections.abc import Iterator
from contextlib import contextmanager

from app.context import Context
from app.oracle.state import suppose_price
from tests.helpers.builders import BTC


@contextmanager
def supposed(ctx: Context, price_quanta: int, market: int = BTC) -> Iterator[None]:
    """Within it the market's mark and index are this price; after it they are what they were."""
    ctx.journal.savepoint()
    suppose_price(ctx, market, price_quanta)
    try:
        yield
    finally:
        ctx.journal.rollback()
