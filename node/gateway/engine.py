"""How the gateway follows its engine: it connects, resumes where it stood, and tries again for ever."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

import structlog

from node.feed.client import LinkClient, LinkError
from node.gateway.errors import CallError, engine_down
from node.gateway.model import DOMAINS, ReadModel
from novation.v1 import feed_pb2

log = structlog.get_logger("gateway")

BACK_OFF_FIRST_SECONDS = 0.05
BACK_OFF_LAST_SECONDS = 2.0


class Engine:
    """The engine as the gateway sees it: a model that is kept up, and a way in for envelopes."""

    def __init__(self, socket_path: str | os.PathLike[str], model: ReadModel,
                 on_live: Callable[[bool], None] = lambda live: None) -> None:
        """`on_live` is told when the model starts, and stops, to keep up with the chain."""
        self.live = False
        self._path = os.fspath(socket_path)
        self._model = model
        self._on_live = on_live
        self._requests: LinkClient | None = None
        self._chain_id = ""

    async def run(self) -> None:
        """Follow until cancelled."""
        delay = BACK_OFF_FIRST_SECONDS
        while True:
            height = self._model.height
            try:
                await self._follow()
            except (ConnectionError, LinkError, ValueError) as error:
                log.warning("engine lost", reason=str(error), height=self._model.height)
            finally:
                self._set_live(False)
            if self._model.height > height:
                delay = BACK_OFF_FIRST_SECONDS
            await asyncio.sleep(delay)
            delay = min(2 * delay, BACK_OFF_LAST_SECONDS)

    async def _follow(self) -> None:
        # Two connections: replies to submissions must not queue behind blocks.
        async with await LinkClient.connect(self._path) as blocks, await LinkClient.connect(self._path) as requests:
            status = await requests.status()
            if self._chain_id and status.chain_id != self._chain_id:
                raise ValueError(f"the engine now runs chain {status.chain_id!r} instead of {self._chain_id!r}: "
                                 "restart the gateway")
            self._chain_id = status.chain_id
            self._requests = requests
            records: list[feed_pb2.RecordChange] = []
            history: list[feed_pb2.CommittedBlock] = []  # so that a new gateway knows recent trades and transactions
            self._live_from(status.height)
            async for message in blocks.subscribe(self._model.height, DOMAINS, self._model.blocks_max):
                if isinstance(message, feed_pb2.Snapshot):
                    records.extend(message.records)
                    history.extend(message.history)
                    if message.last:
                        self._model.load(message, records, history)
                        log.info("snapshot", height=message.height, records=len(records), blocks=len(history))
                        records, history = [], []
                else:
                    self._model.apply(message)
                self._live_from(status.height)

    def _live_from(self, height: int) -> None:
        """Live once there is a block and the model has caught up with the height seen when connecting."""
        if not self.live and self._model.height >= max(height, 1):
            self._set_live(True)
            log.info("following the engine", height=self._model.height)

    def _set_live(self, live: bool) -> None:
        if not live:
            self._requests = None
        if live != self.live:
            self.live = live
            self._on_live(live)

    async def submit(self, envelopes: list[bytes]) -> feed_pb2.SubmitReply:
        """Hand envelopes to the engine. Raises CallError when it is not there."""
        try:
            reply = await self._link().submit(envelopes)
        except (ConnectionError, LinkError) as error:
            raise engine_down() from error
        if len(reply.verdicts) != len(envelopes):
            raise engine_down()
        return reply

    async def status(self) -> feed_pb2.StatusReply | None:
        """Where the engine stands, None when it cannot be reached."""
        try:
            return await self._link().status()
        except (ConnectionError, LinkError, CallError):
            return None

    def _link(self) -> LinkClient:
        if self._requests is None:
            raise engine_down()
        return self._requests
