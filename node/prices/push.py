"""The feeder's side of the hand-over: the newest observation to the engine, or to nobody when it does not run."""

import asyncio
import os

import structlog

from node.prices.observation import Observation, encode

log = structlog.get_logger("prices")

PUSH_S = 1.0


class Pusher:
    """One connection to the engine, made again whenever it broke. Nothing is kept for an engine that is away."""

    def __init__(self, socket_path: str | os.PathLike[str]) -> None:
        self._path = os.fspath(socket_path)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._told = ""  # what was last said about the connection

    async def push(self, observation: Observation) -> bool:
        """Hand it over. False when the engine is not there, or does not read."""
        try:
            async with asyncio.timeout(PUSH_S):
                writer = await self._connected()
                writer.write(encode(observation))
                await writer.drain()
        except (OSError, TimeoutError) as error:
            self.close()
            self._tell(f"the engine does not take prices: {error or type(error).__name__}")
            return False
        self._tell("the engine takes prices")
        return True

    async def _connected(self) -> asyncio.StreamWriter:
        if self._streams is not None:
            reader, writer = self._streams
            if not reader.at_eof() and not writer.is_closing():  # the engine never says anything: what comes is its end
                return writer
            self.close()
        self._streams = await asyncio.open_unix_connection(self._path)
        return self._streams[1]

    def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None

    def _tell(self, text: str) -> None:
        if text != self._told:
            self._told = text
            log.info(text)
