"""Work that goes on for ever with the SDK, whatever happens to gateways."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable

import structlog

from client.client import NovationClient
from client.errors import NovationError
from client.keys import Key

log = structlog.get_logger("localnet")

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
