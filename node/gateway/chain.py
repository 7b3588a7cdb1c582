"""ChainService: where the chain stands, its parameters, recent blocks and transactions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

from google.protobuf.message import DecodeError

from app.kernel.hashing import address_of
from node.gateway.engine import Engine
from node.gateway.errors import CallError, Code, bad_argument, block_not_held, not_ready, stream, unary
from node.gateway.model import BlockView, ReadModel
from node.gateway.streams import Quiet, Streams
from novation.v1 import chain_service_pb2 as chain_service
from novation.v1 import chain_service_pb2_grpc, feed_pb2, tx_pb2
from novation.v1 import market_data_service_pb2 as market_data

HASH_BYTES = 32


class ChainService(chain_service_pb2_grpc.ChainServiceServicer):
    """See chain_service.proto."""

    def __init__(self, model: ReadModel, streams: Streams, engine: Engine) -> None:
        self.model = model
        self.streams = streams
        self._engine = engine

    @unary
    async def GetStatus(self, request: chain_service.GetStatusRequest, context: Any) -> chain_service.GetStatusResponse:
        model = self._ready()
        engine = await self._engine.status() or feed_pb2.StatusReply()
        return chain_service.GetStatusResponse(
            height=model.height, time_ns=model.time_ns, app_hash=model.app_hash, chain_id=model.params.chain_id,
            mempool_envelopes=engine.mempool_envelopes, mempool_bytes=engine.mempool_bytes,
            oldest_block_height=model.blocks[0].height if model.blocks else 0, live=self._engine.live)

    @unary
    async def GetBlock(self, request: chain_service.GetBlockRequest, context: Any) -> chain_service.GetBlockResponse:
        model = self._ready()
        view = model.block(request.height or model.height)
        if view is None:
            raise block_not_held(request.height, model.blocks[0].height if model.blocks else 0, model.height)
        return chain_service.GetBlockResponse(height=model.height, block=summarise(view, request.with_txs))

    @unary
    async def GetTx(self, request: chain_service.GetTxRequest, context: Any) -> chain_service.GetTxResponse:
        model = self._ready()
        if len(request.hash) != HASH_BYTES:
            raise bad_argument("hash", f"{HASH_BYTES} bytes")
        if (held := model.txs.get(request.hash)) is None:
            raise CallError(Code.NOT_FOUND, "TX_NOT_HELD", "no recent block holds this transaction",
                            metadata={"hash": request.hash.hex()})
        view, index = held
        return chain_service.GetTxResponse(height=model.height, tx_height=view.height, time_ns=view.time_ns,
                                           index=index, tx=_whole(view.block.txs[index]))

    @unary
    async def GetParams(self, request: chain_service.GetParamsRequest, context: Any) -> chain_service.GetParamsResponse:
        model = self._ready()
        return chain_service.GetParamsResponse(height=model.height, time_ns=model.time_ns, params=model.params)

    @stream
    async def WatchBlocks(self, request: chain_service.WatchBlocksRequest,
                          context: Any) -> AsyncIterator[chain_service.WatchBlocksResponse]:
        async for step in self.streams.follow(request.after_height):
            if isinstance(step, BlockView):
                make = partial(_block_message, step, request.with_txs)
                yield self.model.once(step, ("block", request.with_txs), make)
            elif isinstance(step, Quiet):
                yield chain_service.WatchBlocksResponse(height=step.height, time_ns=step.time_ns,
                                                        heartbeat=market_data.Heartbeat())
            else:
                yield chain_service.WatchBlocksResponse(height=step.height, time_ns=step.time_ns, gap=step.gap)

    def _ready(self) -> ReadModel:
        if not self.model.height:
            raise not_ready()
        return self.model


def _block_message(view: BlockView, with_txs: bool) -> chain_service.WatchBlocksResponse:
    return chain_service.WatchBlocksResponse(height=view.height, time_ns=view.time_ns, block=summarise(view, with_txs))


def summarise(view: BlockView, with_txs: bool) -> chain_service.BlockSummary:
    """A block as clients see it."""
    block = view.block
    summary = chain_service.BlockSummary(
        height=view.height, time_ns=view.time_ns, app_hash=block.app_hash, txs_count=len(block.txs),
        fills_count=len(view.trades))
    for tx in block.txs:
        summary.failed_txs_count += tx.result.code != 0
        summary.actions_count += len(tx.result.actions)
        summary.failed_actions_count += sum(action.code != 0 for action in tx.result.actions)
    if with_txs:
        summary.txs.extend(_summarise_tx(tx) for tx in block.txs)
        summary.events.extend(block.events)
    return summary


def _summarise_tx(tx: feed_pb2.CommittedTx) -> chain_service.TxSummary:
    return chain_service.TxSummary(hash=tx.hash, account=tx.account, nonce=tx.nonce, result=tx.result, events=tx.events)


def _whole(tx: feed_pb2.CommittedTx) -> chain_service.TxSummary:
    """A transaction with what it asked for. Of an envelope that does not decode there is nothing to tell."""
    summary = _summarise_tx(tx)
    try:
        envelope = tx_pb2.Envelope.FromString(tx.envelope)
        summary.body.ParseFromString(envelope.body)
    except DecodeError:
        summary.ClearField("body")
        return summary
    authorization = envelope.authorization
    summary.public_key = authorization.public_key
    summary.by_agent = address_of(tx_pb2.KEY_TYPE_ED25519, authorization.public_key) != summary.body.account.owner
    return summary
