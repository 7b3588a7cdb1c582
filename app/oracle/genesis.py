"""First mark prices, from genesis."""

from app.context import Context
from app.limits import MAX_PRICE_QUANTA
from app.oracle.state import set_mark_price
from app.params import require_integer


def load_mark_price(ctx: Context, market: int, section: dict[str, object]) -> None:
    """Store the genesis mark of `market` from its entry of the list `markets`. Raises GenesisError."""
    set_mark_price(
        ctx, market, require_integer(section, f"markets[{market}]", "mark_price_quanta", 1, MAX_PRICE_QUANTA)
    )
