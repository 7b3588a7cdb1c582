"""What one client may take of a gateway, by connection and by address, over real connections."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from client.errors import RateLimited, error_from_call
from node.gateway.clients import ClientLimits
from node.gateway.server import Limits
from novation.v1 import chain_service_pb2 as chain_service
from novation.v1 import chain_service_pb2_grpc, trading_service_pb2_grpc
from novation.v1 import trading_service_pb2 as trading
from tests.helpers import builders as b
from tests.helpers.gateways import Net, network, run, until


@asynccontextmanager
async def connection(net: Net) -> AsyncIterator[grpc.aio.Channel]:
    """One more, that no other client of this process shares."""
    async with grpc.aio.insecure_channel(net.gateway.address,
                                         options=(("grpc.use_local_subchannel_pool", 1),)) as channel:
        yield channel


def watch(channel: grpc.aio.Channel) -> Any:
    return chain_service_pb2_grpc.ChainServiceStub(channel).WatchBlocks(chain_service.WatchBlocksRequest())


async def refusal(call: Any) -> RateLimited:
    """The error of a call that is too much."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    error = error_from_call(caught.value)
    assert isinstance(error, RateLimited) and error.reason == "CLIENT_LIMIT"
    return error


def test_streams_of_a_connection_and_of_an_address(tmp_path: Path) -> None:
    """Each has its limit; a stream that ends makes room."""
    async def work() -> None:
        limits = Limits(clients=ClientLimits(connection_streams=2, address_streams=3))
        async with network(tmp_path, limits) as net, connection(net) as one, connection(net) as two:
            streams = [watch(one), watch(one)]
            for stream in streams:
                await stream.read()
            error = await refusal(watch(one).read())
            assert error.metadata == {"limit": "2", "of": "streams of this connection"}
            streams.append(watch(two))
            await streams[-1].read()
            error = await refusal(watch(two).read())
            assert error.metadata == {"limit": "3", "of": "streams of this address"}
            streams[0].cancel()
            await until(lambda: net.gateway._streams.open == 2)
            assert (await watch(two).read()).HasField("heartbeat")
            for stream in streams:
                stream.cancel()
        assert not net.gateway._streams.clients._streams, "nothing is remembered of those who left"

    run(work())


def test_envelopes_of_a_connection_and_of_an_address(tmp_path: Path) -> None:
    """Beyond them nothing reaches the engine; what was sent before is not touched."""
    async def work() -> None:
        limits = Limits(clients=ClientLimits(connection_envelopes=1, address_envelopes=2))
        raws = [b.envelope(b.ALICE, [b.buy(45_000_000, 1)], nonce) for nonce in range(1, 11)]
        async with (network(tmp_path, limits) as net, connection(net) as one, connection(net) as two,
                    connection(net) as three):
            clients = net.gateway._streams.clients
            assert clients._connections.burst == 256, "a whole batch at once, whatever the rate"
            clients._connections.burst, clients._addresses.burst = 4, 8
            clients._connections.rate = clients._addresses.rate = 0  # time changes nothing
            for channel, batch in ((one, raws[:4]), (two, raws[4:8])):
                sender = trading_service_pb2_grpc.TradingServiceStub(channel)
                outcomes = (await sender.SubmitBatch(trading.SubmitBatchRequest(envelopes=batch))).outcomes
                assert {outcome.state for outcome in outcomes} == {trading.SUBMISSION_STATE_PENDING}
            for channel, of in ((one, "envelopes a second on this connection"),
                                (three, "envelopes a second from this address")):
                sender = trading_service_pb2_grpc.TradingServiceStub(channel)
                error = await refusal(sender.Submit(trading.SubmitEnvelopeRequest(envelope=raws[8])))
                assert error.metadata["of"] == of
            assert net.engine.mempool.count == 8

    run(work())
