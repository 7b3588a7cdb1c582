"""Sets mark prices on a test network, signed by its price authority. REMOVE with the consensus oracle."""

import asyncio
import time
from collections.abc import Mapping
from decimal import Decimal

from client import envelopes
from client.client import NovationClient
from node.prices.models import Model


async def set_marks(client: NovationClient, models: Mapping[int, Model], start_ns: int, interval_s: float) -> None:
    """Set the mark of each market to its model's price, rounded to the tick, every `interval_s` seconds, for ever.

    Raises NovationError when the chain refuses or no gateway answers.
    """
    units = {market: client.market(market).units for market in models}
    while True:
        elapsed_ns = time.time_ns() - start_ns
        ticks = {market: to_tick(model(elapsed_ns), units[market].tick_size) for market, model in models.items()}
        actions = [envelopes.set_mark_price(market, units[market].price_quanta(tick)) for market, tick in ticks.items()]
        for error in (await client.send(actions, wait="committed")).errors():
            if error is not None:
                raise error
        await asyncio.sleep(interval_s)


def to_tick(price: Decimal, tick: Decimal) -> Decimal:
    """The multiple of `tick` nearest to `price`, at least one tick."""
    ticks = (price / tick).to_integral_value()
    return max(ticks, Decimal(1)) * tick
