"""Sets mark prices on a test network, signed by its price authority. REMOVE with the consensus oracle."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path

import structlog

from client import envelopes
from client.client import NovationClient
from client.errors import NovationError
from client.keys import Key
from node.prices.provider import random_walk, read_bars, replay, to_tick
from node.settings import PricesSettings

log = structlog.get_logger("prices")

RETRY_S = 1.0

Work = Callable[[NovationClient], Awaitable[None]]


async def keep_working(name: str, addresses: list[str], key: Key, work: Work) -> None:
    """Do `work` with a connected client for ever: when a gateway fails, go on with the next one. Cancel it to end."""
    for address in itertools.cycle(addresses):
        try:
            async with NovationClient(address, key) as client:
                await work(client)
        except NovationError as error:
            log.warning("interrupted", who=name, gateway=address, reason=str(error))
        except Exception as error:  # noqa: BLE001 - edge of a task: one that fails must not end the others
            log.error("failed", who=name, gateway=address, reason=repr(error))
        await asyncio.sleep(RETRY_S)


async def feed(client: NovationClient, prices: Mapping[int, Iterator[Decimal]], interval_s: float) -> None:
    """Set the mark of each market to the next of its prices, rounded to the tick, every `interval_s` seconds, for ever.

    Raises NovationError when the chain refuses or no gateway answers.
    """
    units = {market: client.market(market).units for market in prices}
    while True:
        ticks = {market: to_tick(next(prices[market]), units[market].tick_size) for market in prices}
        actions = [envelopes.set_mark_price(market, units[market].price_quanta(tick)) for market, tick in ticks.items()]
        for error in (await client.send(actions, wait="committed")).errors():
            if error is not None:
                raise error
        await asyncio.sleep(interval_s)


def provider(settings: PricesSettings, start: Decimal) -> Iterator[Decimal]:
    """The prices that `settings` name; a walk begins at `start`. Raises PricesError, ValueError."""
    if settings.provider == "csv":
        return replay(read_bars(Path(settings.file)), settings.speed * settings.interval_ms / 1_000)
    if settings.provider == "walk":
        return random_walk(start, settings.seed)
    raise ValueError(f"unknown price provider {settings.provider!r}: there are csv and walk")
