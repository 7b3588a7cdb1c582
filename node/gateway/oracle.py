"""OracleService: feeds, the votes behind them, who takes part, and prices of markets as they change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

from app.context import Context
from app.kernel.codec import u32
from app.limits import MAX_MOVE_PPM
from app.markets.types import OPTION
from app.oracle import rules
from app.oracle.checks import Voters
from app.oracle.hooks import NEVER
from app.oracle.state import barred_actions
from app.oracle.state import feeds as feeds_of
from app.oracle.types import REPORTERS_KEY, Feed
from app.validators.state import set_at
from node.gateway.errors import (
    CallError,
    Code,
    block_not_held,
    feed_not_found,
    market_not_found,
    not_ready,
    stream,
    unary,
)
from node.gateway.model import BlockView, ReadModel
from node.gateway.streams import Quiet, Rebuilt, Streams
from node.gateway.votes import BlockVotes, read_votes
from novation.v1 import oracle_service_pb2 as oracle_service
from novation.v1 import oracle_service_pb2_grpc, state_pb2

USES = (
    (rules.OPEN, state_pb2.PRICE_USE_OPEN), (rules.WITHDRAW, state_pb2.PRICE_USE_WITHDRAW),
    (rules.TRIGGER, state_pb2.PRICE_USE_TRIGGER), (rules.LIQUIDATE, state_pb2.PRICE_USE_LIQUIDATE),
    (rules.SETTLE, state_pb2.PRICE_USE_SETTLE), (rules.FUND, state_pb2.PRICE_USE_FUND),
)  # fmt: skip


def uses_of(actions: int) -> list[state_pb2.PriceUse]:
    """Actions of the matrix (ORCL-011) in the wire's form."""
    return [use for action, use in USES if actions & action]


class OracleService(oracle_service_pb2_grpc.OracleServiceServicer):
    """See oracle_service.proto."""

    def __init__(self, model: ReadModel, streams: Streams) -> None:
        self.model = model
        self.streams = streams
        self._read: tuple[BlockView, BlockVotes] | None = None  # those that were asked for last
        self._reading = asyncio.Lock()

    @unary
    async def GetFeeds(self, request: oracle_service.GetFeedsRequest, context: Any) -> oracle_service.GetFeedsResponse:
        model, state = self._ready(), self._ready().fork()
        feeds = {feed.feed: feed for feed in feeds_of(state)}
        for number in request.feeds:
            if number not in feeds:
                raise feed_not_found(number)
        response = oracle_service.GetFeedsResponse(height=model.height, time_ns=model.time_ns)
        for number in sorted(set(request.feeds)) or feeds:
            response.feeds.append(self._summary(state, feeds[number]))
        view = model.block(model.height)
        votes = await self._votes(view, state) if view is not None else None
        if votes is not None:
            response.turnout.CopyFrom(votes.turnout)
            for one in response.feeds:
                one.votes.CopyFrom(votes.feeds[one.feed.feed])
        return response

    @unary
    async def GetVotes(self, request: oracle_service.GetVotesRequest, context: Any) -> oracle_service.GetVotesResponse:
        model = self._ready()
        height = request.height or model.height
        if (view := model.block(height)) is None:
            raise block_not_held(height, model.blocks[0].height if model.blocks else 0, model.height)
        response = oracle_service.GetVotesResponse(
            height=model.height, block_height=height, block_time_ns=view.time_ns)
        votes = await self._votes(view, model.fork())
        if votes is not None:
            response.has_record, response.round = True, votes.round
            response.turnout.CopyFrom(votes.turnout)
            response.voters.extend(votes.voters)
            response.feeds.extend(votes.feeds.values())
        return response

    @unary
    async def GetReporters(self, request: oracle_service.GetReportersRequest,
                           context: Any) -> oracle_service.GetReportersResponse:
        model, state = self._ready(), self._ready().fork()
        response = oracle_service.GetReportersResponse(height=model.height, time_ns=model.time_ns)
        validators, record = set_at(state, model.height), state.reporters.get(REPORTERS_KEY)
        if validators is None:
            return response  # a chain without validators takes no prices
        response.total_power = validators.power
        for place, one in enumerate(validators.validators):
            blocks, votes, prices, deviations = record.rows.get(one.address, NEVER) if record else NEVER
            response.reporters.add(address=one.address, public_key=one.public_key, power=one.power, place=place,
                                   blocks=blocks, votes=votes, prices=prices, deviations=deviations)
        return response

    @unary
    async def GetSurface(self, request: oracle_service.GetSurfaceRequest,
                         context: Any) -> oracle_service.GetSurfaceResponse:
        model = self._ready()
        feeds = {feed.feed: feed.symbol for feed in feeds_of(model.fork())}
        if request.feed and request.feed not in feeds:
            raise feed_not_found(request.feed)
        response = oracle_service.GetSurfaceResponse(height=model.height, time_ns=model.time_ns)
        for number in [request.feed] if request.feed else feeds:
            if (record := model.record("surfaces", u32(number))) is not None:
                response.surfaces.add(feed=number, symbol=feeds[number],
                                      pillars=state_pb2.Surface.FromString(record).pillars)
        return response

    @stream
    async def WatchPrices(self, request: oracle_service.WatchPricesRequest,
                          context: Any) -> AsyncIterator[oracle_service.WatchPricesResponse]:
        for market in request.markets:
            if market not in self._ready().markets:
                raise market_not_found(market)
        wanted, shown = set(request.markets), dict[int, oracle_service.MarketPrice]()
        first = True
        async for step in self.streams.follow(0):
            message = oracle_service.WatchPricesResponse(height=step.height, time_ns=step.time_ns)
            if first or isinstance(step, Rebuilt):
                first = False
                shown = {market: price_of(market, self.model.mark(market))
                         for market in sorted(wanted or self.model.markets)}
                message.snapshot.prices.extend(shown.values())
            elif isinstance(step, Quiet):
                message.heartbeat.SetInParent()
            elif changed := _changes(self.model.once(step, "prices", partial(_prices_of, step)), wanted, shown):
                message.changed.prices.extend(changed)
            else:
                continue
            yield message

    def _ready(self) -> ReadModel:
        if not self.model.height:
            raise not_ready()
        return self.model

    async def _votes(self, view: BlockView, state: Context) -> BlockVotes | None:
        """The votes of a block, None when it has no record. Raises CallError.

        Those of a hundred validators on a hundred feeds take a while: so on another thread, and once for all who ask.
        """
        if not view.block.votes:
            return None
        validators, feeds = set_at(state, view.height - 1), list(feeds_of(state))
        if validators is None:
            raise CallError(Code.NOT_FOUND, "VOTERS_NOT_KNOWN",
                            f"the validators of height {view.height - 1} are no longer known",
                            metadata={"height": str(view.height - 1)})
        voters = Voters(state.params.chain_id, view.height - 1, validators)
        async with self._reading:
            if self._read is None or self._read[0] is not view:
                self._read = view, await asyncio.to_thread(read_votes, view.block, voters, feeds)
            return self._read[1]

    def _summary(self, state: Context, feed: Feed) -> oracle_service.FeedSummary:
        age_ns = self.model.time_ns - feed.voted_ns
        summary = oracle_service.FeedSummary(
            age_ns=age_ns, bars=uses_of(rules.BARRED[feed.validity]),
            most_move_ppm=rules.most_move_ppm(feed.move_ppm, feed.move_ppm_a_second, age_ns, MAX_MOVE_PPM))
        summary.feed.ParseFromString(self.model.record("feeds", u32(feed.feed)) or b"")
        for number, market in sorted(self.model.markets.items()):
            if market.feed == feed.feed and market.kind != OPTION:
                mark = self.model.mark(number)
                summary.markets.add(market=number, symbol=market.symbol, mark_quanta=mark.price_quanta,
                                    index_quanta=mark.index_quanta, bars=uses_of(barred_actions(state, number)))
        return summary


def price_of(market: int, mark: state_pb2.MarkPrice) -> oracle_service.MarketPrice:
    """What streams tell of a mark."""
    return oracle_service.MarketPrice(market=market, mark_quanta=mark.price_quanta, index_quanta=mark.index_quanta,
                                      validity=mark.validity)


def _prices_of(view: BlockView) -> list[oracle_service.MarketPrice]:
    return [price_of(market, mark) for market, mark in view.marks.items()]


def _changes(prices: list[oracle_service.MarketPrice], wanted: set[int],
             shown: dict[int, oracle_service.MarketPrice]) -> list[oracle_service.MarketPrice]:
    """The prices that are other ones than those shown last; they are shown then."""
    changed = [price for price in prices
               if (not wanted or price.market in wanted) and price != shown.get(price.market)]
    shown.update((price.market, price) for price in changed)
    return changed
