"""What only a devchain can do: blocks, time, prices, checkpoints. On a node every call raises NovationError."""

from __future__ import annotations

from decimal import Decimal

from client.reading import Reader
from novation.v1 import dev_service_pb2 as dev_service
from novation.v1 import dev_service_pb2_grpc

SECOND_NS = 10**9
MINE_SECONDS = 600.0  # for an answer: thousands of blocks take their time


class Dev:
    """The devchain behind a client."""

    def __init__(self, client: Reader) -> None:
        self._client = client
        self._dev = dev_service_pb2_grpc.DevServiceStub(client._channel)

    async def status(self) -> dev_service.DevStatus:
        """Height, time, prices, checkpoints."""
        found: dev_service.DevStatus = await self._client._call(
            self._dev.GetDevStatus, dev_service.GetDevStatusRequest())
        return found

    async def mine(self, blocks: int = 1, seconds: float | Decimal = 0) -> dev_service.DevStatus:
        """Make blocks, which take so many seconds together."""
        request = dev_service.MineRequest(blocks=blocks, elapsed_ns=int(Decimal(str(seconds)) * SECOND_NS))
        found: dev_service.DevStatus = await self._client._call(self._dev.Mine, request, MINE_SECONDS)
        return found

    async def set_price(self, symbol: str, price: Decimal | str) -> dev_service.DevStatus:
        """The price of a feed from the next block on."""
        request = dev_service.SetPriceRequest(symbol=symbol, price=str(price))
        found: dev_service.DevStatus = await self._client._call(self._dev.SetPrice, request)
        return found

    async def set_volatility(self, symbol: str, percent: Decimal | str) -> dev_service.DevStatus:
        """The volatility of options on a feed from the next block on."""
        request = dev_service.SetVolatilityRequest(symbol=symbol, percent=str(percent))
        found: dev_service.DevStatus = await self._client._call(self._dev.SetVolatility, request)
        return found

    async def checkpoint(self) -> dev_service.CheckpointResponse:
        """Remember this moment."""
        found: dev_service.CheckpointResponse = await self._client._call(
            self._dev.Checkpoint, dev_service.CheckpointRequest())
        return found

    async def revert(self, checkpoint: int) -> dev_service.DevStatus:
        """Go back to a checkpoint."""
        request = dev_service.RevertRequest(checkpoint=checkpoint)
        found: dev_service.DevStatus = await self._client._call(self._dev.Revert, request)
        return found

    async def save(self, path: str) -> dev_service.DevStatus:
        """Write everything to a file of the devchain's machine, for `novation devchain --load`."""
        found: dev_service.DevStatus = await self._client._call(self._dev.Save, dev_service.SaveRequest(path=path))
        return found
