"""The gateway's figures: calls by method and status, streams, drops."""

from pathlib import Path

import grpc
import pytest

from novation.v1 import chain_service_pb2 as chain
from novation.v1 import market_data_service_pb2 as market_data
from tests.helpers.builders import BTC
from tests.helpers.gateways import network, run, until


def test_calls_and_streams_are_counted(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with network(tmp_path) as net:
            def value(name: str, **labels: str) -> float:
                return net.gateway.metrics.registry.get_sample_value(name, labels) or 0.0

            height = await net.commit()
            before = value("novation_gateway_calls_total", method="GetBlock", code="OK")
            await net.chain.GetBlock(chain.GetBlockRequest())
            with pytest.raises(grpc.aio.AioRpcError):
                await net.market_data.GetBook(market_data.GetBookRequest(market=99_999))
            assert value("novation_gateway_calls_total", method="GetBlock", code="OK") == before + 1
            assert value("novation_gateway_calls_total", method="GetBook", code="NOT_FOUND") >= 1
            assert value("novation_gateway_call_seconds_count", method="GetBlock") >= 1
            stream = net.market_data.WatchTrades(market_data.WatchTradesRequest(market=BTC))
            await until(lambda: value("novation_stream_clients") == 1)
            stream.cancel()
            await until(lambda: value("novation_stream_clients") == 0)
            assert value("novation_streams_opened_total") == 1
            assert value("novation_stream_drops_total") == 0
            assert value("novation_gateway_height") == height
            assert value("novation_gateway_live") == 1

    run(scenario())
