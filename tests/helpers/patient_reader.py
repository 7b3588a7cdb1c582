"""A client in a process of its own that follows all blocks and says what it got, for tests that stop it for a while:
`python -m tests.helpers.patient_reader ADDRESS AFTER_HEIGHT WINDOW_BYTES`. A line for each block (height, trade ids),
`gap` for a hole, and `ended REASON LAST_HEIGHT` for each end of the stream, which the SDK takes up again by itself.
"""

import asyncio
import sys

import grpc

from client import NovationClient, reading, streams
from client.errors import error_from_call
from novation.v1 import chain_service_pb2 as chain_service


def telling(error: grpc.aio.AioRpcError) -> bool:
    """As streams.worth_retrying, and says why the stream ended."""
    known = error_from_call(error)
    print("ended", known.reason, known.metadata.get("last_height", ""), flush=True)
    return worth_retrying(error)


async def read(address: str, after_height: int) -> None:
    """Until it is killed."""
    async with NovationClient(address) as client:
        async for item in client.watch_blocks(after_height, with_txs=True):
            if isinstance(item, chain_service.BlockSummary):
                trades = [event.fill.trade_id for tx in item.txs for event in tx.events if event.HasField("fill")]
                print(item.height, *trades, flush=True)
            else:
                print("gap", flush=True)


if __name__ == "__main__":
    worth_retrying, streams.worth_retrying = streams.worth_retrying, telling
    # How much a connection may bring that nobody reads: beyond what the kernel holds for it, if it is large.
    reading.OPTIONS = (*reading.OPTIONS, ("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", int(sys.argv[3])))
    asyncio.run(read(sys.argv[1], int(sys.argv[2])))
