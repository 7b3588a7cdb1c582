"""MarketDataService: markets, books, trades, marks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from itertools import islice
from typing import Any

from app.context import Context
from app.kernel.codec import u32
from app.liquidation.state import fund_balance
from app.oracle.state import barred_actions, index_price
from node.gateway.books import difference
from node.gateway.errors import bad_argument, market_not_found, not_ready, stream, unary
from node.gateway.model import BlockView, ReadModel
from node.gateway.options import OptionChains
from node.gateway.oracle import uses_of
from node.gateway.questions import Questions
from node.gateway.streams import Quiet, Rebuilt, Streams
from novation.v1 import market_data_service_pb2 as market_data
from novation.v1 import market_data_service_pb2_grpc

BOOK_DEPTH_MAX = 10_000
STREAM_DEPTH_MAX = 1_000
TRADES_DEFAULT = 100
TRADES_MAX = 1_000


class MarketDataService(market_data_service_pb2_grpc.MarketDataServiceServicer):
    """See market_data_service.proto."""

    def __init__(self, model: ReadModel, streams: Streams, questions: Questions) -> None:
        self.model = model
        self.streams = streams
        self.options = OptionChains(model, questions)

    @unary
    async def GetMarkets(self, request: market_data.GetMarketsRequest, context: Any) -> market_data.GetMarketsResponse:
        model = self._ready()
        for market in request.markets:
            self._require(market)
        wanted = sorted(set(request.markets)) or sorted(model.markets)
        state = model.fork()
        return market_data.GetMarketsResponse(height=model.height, time_ns=model.time_ns,
                                              markets=[self._summary(state, market) for market in wanted])

    @unary
    async def GetBook(self, request: market_data.GetBookRequest, context: Any) -> market_data.GetBookResponse:
        model = self._require(request.market)
        if request.depth > BOOK_DEPTH_MAX:
            raise bad_argument("depth", f"at most {BOOK_DEPTH_MAX}")
        book = model.book(request.market)
        return market_data.GetBookResponse(height=model.height, time_ns=model.time_ns, market=request.market,
                                           sequence=book.sequence, book=book.view(request.depth or BOOK_DEPTH_MAX))

    @unary
    async def GetTrades(self, request: market_data.GetTradesRequest, context: Any) -> market_data.GetTradesResponse:
        model = self._require(request.market)
        if request.limit > TRADES_MAX:
            raise bad_argument("limit", f"at most {TRADES_MAX}")
        newest_first = reversed(model.trades.get(request.market, ()))
        older = (t for t in newest_first if not request.before_trade_id or t.trade_id < request.before_trade_id)
        return market_data.GetTradesResponse(height=model.height, time_ns=model.time_ns,
                                             trades=islice(older, request.limit or TRADES_DEFAULT))

    @unary
    async def GetMarkPrice(self, request: market_data.GetMarkPriceRequest,
                           context: Any) -> market_data.GetMarkPriceResponse:
        model = self._require(request.market)
        return market_data.GetMarkPriceResponse(height=model.height, time_ns=model.time_ns,
                                                mark_price=model.mark(request.market))

    @unary
    async def GetOptions(self, request: market_data.GetOptionsRequest,
                         context: Any) -> market_data.GetOptionsResponse:
        state = self._ready().fork()
        return await self.options.answer(request, lambda market: self._summary(state, market))

    @stream
    async def WatchBook(self, request: market_data.WatchBookRequest,
                        context: Any) -> AsyncIterator[market_data.WatchBookResponse]:
        self._require(request.market)
        if request.depth > STREAM_DEPTH_MAX:
            raise bad_argument("depth", f"at most {STREAM_DEPTH_MAX}; 0 for the whole book")
        watch = self._watch_top(request) if request.depth else self._watch_whole(request.market)
        async for message in watch:
            yield message

    async def _watch_whole(self, market: int) -> AsyncIterator[market_data.WatchBookResponse]:
        """The whole book: every stream sends the same deltas, made once a block."""
        first = True
        async for step in self.streams.follow(0):
            if first or isinstance(step, Rebuilt):
                book, first = self.model.book(market), False
                sequence = book.sequence
                yield self._book_message(market, sequence, snapshot=book.view(0))
            elif isinstance(step, Quiet):
                yield _quiet_book(market, sequence, step)
            elif (delta := step.book_deltas.get(market)) is not None:
                sequence = delta.sequence
                yield delta

    async def _watch_top(self, request: market_data.WatchBookRequest) -> AsyncIterator[market_data.WatchBookResponse]:
        """The best levels only: each block's change of what this stream shows."""
        market, depth, first, changed = request.market, request.depth, True, False
        async for step in self.streams.follow(0):
            if isinstance(step, BlockView):
                changed = changed or market in step.book_deltas
                if not changed or step.height < self.model.height:
                    continue  # nothing new, or a later block is already in the book: the change is sent with that one
            changed = False
            if first or isinstance(step, Rebuilt):
                first, shown = False, self.model.book(market).top(depth)
                yield self._book_message(market, shown.sequence, snapshot=shown.view(0))
            elif isinstance(step, Quiet):
                yield _quiet_book(market, shown.sequence, step)
            else:
                top = self.model.once(step, ("top", market, depth), partial(self.model.book(market).top, depth))
                delta = self.model.once(step, ("top", market, depth, shown.sequence), partial(difference, shown, top))
                if delta.bids or delta.asks:
                    yield self._book_message(market, top.sequence, previous_sequence=shown.sequence, delta=delta)
                    shown = top

    @stream
    async def WatchTrades(self, request: market_data.WatchTradesRequest,
                          context: Any) -> AsyncIterator[market_data.WatchTradesResponse]:
        if request.market:
            self._require(request.market)
        elif request.after_trade_id:
            raise bad_argument("after_trade_id", "only together with a market")
        async for step in self.streams.follow(request.after_height):
            if isinstance(step, BlockView):
                trades = self.model.once(step, ("trades", request.market), partial(_trades_of, step, request.market))
                if request.after_trade_id:
                    trades = [trade for trade in trades if trade.trade_id > request.after_trade_id]
                if trades:
                    yield market_data.WatchTradesResponse(height=step.height, time_ns=step.time_ns,
                                                          trades=market_data.TradesOfBlock(trades=trades))
            elif isinstance(step, Quiet):
                yield market_data.WatchTradesResponse(height=step.height, time_ns=step.time_ns,
                                                      heartbeat=market_data.Heartbeat())
            else:
                yield market_data.WatchTradesResponse(height=step.height, time_ns=step.time_ns, gap=step.gap)

    def _ready(self) -> ReadModel:
        if not self.model.height:
            raise not_ready()
        return self.model

    def _require(self, market: int) -> ReadModel:
        if market not in self._ready().markets:
            raise market_not_found(market)
        return self.model

    def _book_message(self, market: int, sequence: int, **kind: Any) -> market_data.WatchBookResponse:
        return market_data.WatchBookResponse(height=self.model.height, time_ns=self.model.time_ns, market=market,
                                             sequence=sequence, **kind)

    def _summary(self, state: Context, market: int) -> market_data.MarketSummary:
        model = self.model
        mark, book, counters = model.mark(market), model.book(market), model.book_state(market)
        summary = market_data.MarketSummary(
            market=model.markets[market], mark_price_quanta=mark.price_quanta, mark_height=mark.height,
            mark_time_ns=mark.time_ns, open_interest_lots=model.totals(market).open_interest_lots,
            last_price_quanta=counters.last_price_quanta, last_trade_id=max(counters.next_trade - 1, 0),
            best_bid_quanta=book.best_bid(), best_ask_quanta=book.best_ask(),
            index_price_quanta=index_price(state, market) if mark.price_quanta else 0,
            insurance_quanta=fund_balance(state, market), validity=mark.validity,
            bars=uses_of(barred_actions(state, market)))
        feed = state.feeds.get(model.markets[market].feed)
        summary.feed = feed.symbol if feed else ""
        for name, table in (("funding", "funding"), ("settlement", "settlements"), ("losses", "losses")):
            if (record := model.record(table, u32(market))) is not None:
                getattr(summary, name).ParseFromString(record)
        return summary


def _trades_of(view: BlockView, market: int) -> list[market_data.Trade]:
    return [trade for trade in view.trades if market in (0, trade.market)]


def _quiet_book(market: int, sequence: int, quiet: Quiet) -> market_data.WatchBookResponse:
    return market_data.WatchBookResponse(height=quiet.height, time_ns=quiet.time_ns, market=market, sequence=sequence,
                                         previous_sequence=sequence, heartbeat=market_data.Heartbeat())
