"""What a client asks and watches: markets, books, trades, accounts, blocks. Nothing here needs a key."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import grpc

from client import streams
from client.errors import BadRequest, BadSymbol, error_from_call
from client.options import OptionChain, chain_from, expiries_called, expiry_texts
from client.oracle import (
    MarketPrice,
    Oracle,
    Reporter,
    Surface,
    Votes,
    market_prices,
    oracle_from,
    reporters_from,
    surface_from,
    votes_from,
)
from client.results import MarketInfo
from client.risk import Supposed, risk_request, supposed_price
from client.units import Amount, Units
from novation.v1 import account_service_pb2 as account_service
from novation.v1 import (
    account_service_pb2_grpc,
    chain_service_pb2_grpc,
    market_data_service_pb2_grpc,
    oracle_service_pb2_grpc,
    risk_service_pb2_grpc,
    state_pb2,
    tx_pb2,
)
from novation.v1 import chain_service_pb2 as chain_service
from novation.v1 import market_data_service_pb2 as market_data
from novation.v1 import oracle_service_pb2 as oracle_service
from novation.v1 import risk_service_pb2 as risk_service

HEAVY_SECONDS = 120.0  # for questions that take a while
OPTIONS = (
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 5_000),
)


class Reader:
    """The half of a client that only asks. `account_id` is whose account the questions are about unless told."""

    def __init__(self, address: str, account_id: tx_pb2.AccountId) -> None:
        self.account_id = account_id
        self.markets: dict[str, MarketInfo] = {}
        self._channel = grpc.aio.insecure_channel(address, options=OPTIONS)
        self._market_data = market_data_service_pb2_grpc.MarketDataServiceStub(self._channel)
        self._accounts = account_service_pb2_grpc.AccountServiceStub(self._channel)
        self._chain = chain_service_pb2_grpc.ChainServiceStub(self._channel)
        self._oracle = oracle_service_pb2_grpc.OracleServiceStub(self._channel)
        self._risk = risk_service_pb2_grpc.RiskServiceStub(self._channel)

    def market(self, market: str | int) -> MarketInfo:
        """A market by symbol or number. Raises BadSymbol."""
        for info in self.markets.values():
            if market in (info.symbol, info.market):
                return info
        raise BadSymbol("MARKET_NOT_FOUND", f"{market!r} is not one of {', '.join(self.markets) or 'no markets'}")

    async def find(self, market: str | int) -> MarketInfo:
        """As `market`; one that is not known yet is asked for: series of options come and go. Raises BadSymbol."""
        try:
            return self.market(market)
        except BadSymbol:
            await self.refresh_markets()
            return self.market(market)

    async def summary(self, market: str | int) -> market_data.MarketSummary:
        """One market with its mark and best prices. Raises BadSymbol."""
        request = market_data.GetMarketsRequest(markets=[(await self.find(market)).market])
        found: market_data.MarketSummary = (await self._call(self._market_data.GetMarkets, request)).markets[0]
        return found

    async def refresh_markets(self) -> list[market_data.MarketSummary]:
        """All markets with their marks and best prices."""
        summaries = (await self._call(self._market_data.GetMarkets, market_data.GetMarketsRequest())).markets
        self.markets = {
            s.market.symbol: MarketInfo(s.market.market, s.market.symbol, Units.of(s.market), s.market)
            for s in summaries
        }
        return list(summaries)

    async def book(self, market: str | int, depth: int = 20) -> market_data.GetBookResponse:
        """The best levels of a book."""
        request = market_data.GetBookRequest(market=(await self.find(market)).market, depth=depth)
        book: market_data.GetBookResponse = await self._call(self._market_data.GetBook, request)
        return book

    async def trades(self, market: str | int, limit: int = 100) -> list[market_data.Trade]:
        """Recent trades, newest first."""
        request = market_data.GetTradesRequest(market=(await self.find(market)).market, limit=limit)
        return list((await self._call(self._market_data.GetTrades, request)).trades)

    async def option_chain(self, underlying: str = "", expiry: str = "") -> OptionChain:
        """Listed options by expiry and strike, with implied volatilities and greeks by the chain's own pricing.

        `underlying` as in "BTC/USD" or "BTC", `expiry` as in symbols ("27NOV26"), as a date ("2026-11-27") or with its
        time ("2026-11-27T08:00:00"); empty: all. Raises BadSymbol for an underlying that is no feed, or an expiry
        at which nothing is listed.
        """
        expiries_ns = expiries_called(expiry, self.markets.values())
        if expiry and not expiries_ns:  # options come and go
            await self.refresh_markets()
            expiries_ns = expiries_called(expiry, self.markets.values())
            if not expiries_ns:
                raise BadSymbol("EXPIRY_NOT_FOUND", f"no options expire at {expiry!r}; there are "
                                                    f"{', '.join(expiry_texts(self.markets.values())) or 'none'}")
        request = market_data.GetOptionsRequest(underlying=underlying, expiries_ns=expiries_ns)
        try:
            return chain_from(await self._call(self._market_data.GetOptions, request))
        except BadRequest as error:
            if error.reason != "FEED_NOT_FOUND":
                raise
            raise BadSymbol(error.reason, str(error).partition(": ")[2], metadata=error.metadata) from None

    async def mark_price(self, market: str | int) -> Decimal:
        """The mark price in USD a unit of base, 0 when none was set."""
        info = await self.find(market)
        request = market_data.GetMarkPriceRequest(market=info.market)
        return info.units.price((await self._call(self._market_data.GetMarkPrice, request)).mark_price.price_quanta)

    async def account(self, account: tx_pb2.AccountId | None = None) -> account_service.GetAccountResponse:
        """Money, positions and margin of this account, or of another."""
        request = account_service.GetAccountRequest(account=account or self.account_id)
        found: account_service.GetAccountResponse = await self._call(self._accounts.GetAccount, request)
        return found

    async def fees(self, account: tx_pb2.AccountId | None = None) -> account_service.GetFeesResponse:
        """Volume of 30 days, tier and rates of this account's owner, or of another."""
        request = account_service.GetFeesRequest(account=account or self.account_id)
        found: account_service.GetFeesResponse = await self._call(self._accounts.GetFees, request)
        return found

    async def risk(self, account: tx_pb2.AccountId | None = None, *, prices: Mapping[str | int, Amount] | None = None,
                   moves: Sequence[Supposed] = (), cash: Amount = 0, trades: Sequence[Supposed] = (),
                   orders: Sequence[Supposed] = (), actions: Sequence[tx_pb2.Action] = (),
                   grid: Supposed | None = None) -> risk_service.GetRiskResponse:
        """How this account, or another, stands: margins, liquidation prices, greeks; now and under what is supposed.

        In this order: `moves` of underlyings; `prices` by market, as a mark or a change like "-10%"; `cash` in USD that
        comes (or, negative, goes); `trades` and `orders` of client.risk; other `actions`. `grid` asks for a table of
        what then is. Raises BadRequest.
        """
        request = risk_request(self.market, account or self.account_id, prices=prices, moves=moves, cash=cash,
                               trades=trades, orders=orders, actions=actions, grid=grid)
        found: risk_service.GetRiskResponse = await self._call(self._risk.GetRisk, request, HEAVY_SECONDS)
        return found

    async def reduction(self, market: str | int, account: tx_pb2.AccountId | None = None, *,
                        prices: Mapping[str | int, Amount] | None = None,
                        everybody: bool = False) -> risk_service.GetReductionResponse:
        """What a reduction of winners in a market would take from this account, or another, at `prices` as in `risk`:
        if those of the other side were closed who have no equity left, or `everybody` there.
        """
        request = risk_service.GetReductionRequest(
            account=account or self.account_id, market=self.market(market).market, everybody=everybody,
            prices=[supposed_price(self.market, one, price) for one, price in (prices or {}).items()])
        found: risk_service.GetReductionResponse = await self._call(self._risk.GetReduction, request, HEAVY_SECONDS)
        return found

    async def breakers(self) -> risk_service.GetBreakersResponse:
        """What has tripped and how near the rest is, and between which prices orders may aim and fill."""
        request = risk_service.GetBreakersRequest()
        found: risk_service.GetBreakersResponse = await self._call(self._risk.GetBreakers, request)
        return found

    async def stress(self, shocks_ppm: Sequence[int] = (), *, grid: bool = False) -> risk_service.GetStressResponse:
        """How the whole system stands under shocks to marks, -50 % to +50 % unless told; with `grid` in each row of
        portfolio margin, and under the shocks that are named.
        """
        found: risk_service.GetStressResponse = await self._call(
            self._risk.GetStress, risk_service.GetStressRequest(shocks_ppm=shocks_ppm, grid=grid), HEAVY_SECONDS)
        return found

    async def own_orders(self, market: str | int | None = None) -> account_service.GetOrdersResponse:
        """This account's open orders and triggers, ascending by id; of all markets, or of one."""
        number = (await self.find(market)).market if market is not None else 0
        request = account_service.GetOrdersRequest(account=self.account_id, market=number)
        found: account_service.GetOrdersResponse = await self._call(self._accounts.GetOrders, request)
        return found

    async def open_orders(self, market: str | int | None = None) -> list[state_pb2.Order]:
        """This account's open orders, ascending by id."""
        return list((await self.own_orders(market)).orders)

    async def triggers(self) -> list[state_pb2.Trigger]:
        """This account's triggers, ascending by id."""
        return list((await self.own_orders()).triggers)

    async def auctions(self, limit: int = 0) -> list[account_service.AuctionSummary]:
        """Accounts in auction, those with the greatest discount first; 100 at most unless told."""
        request = account_service.GetAuctionsRequest(limit=limit)
        return list((await self._call(self._accounts.GetAuctions, request)).auctions)

    async def oracle(self) -> Oracle:
        """All feeds: price, validity, what that bars, the votes of the last block."""
        return oracle_from(await self._call(self._oracle.GetFeeds, oracle_service.GetFeedsRequest()))

    async def votes(self, height: int = 0) -> Votes:
        """Who voted what in the record of a recent block, the last for height 0. Raises BadRequest when it is gone."""
        request = oracle_service.GetVotesRequest(height=height)
        return votes_from(await self._call(self._oracle.GetVotes, request))

    async def reporters(self) -> list[Reporter]:
        """The validators in force, and how each took part in the oracle."""
        return reporters_from(
            await self._call(self._oracle.GetReporters, oracle_service.GetReportersRequest()))

    async def surfaces(self) -> list[Surface]:
        """Voted volatility of every feed that has some."""
        response = await self._call(self._oracle.GetSurface, oracle_service.GetSurfaceRequest())
        return [surface_from(one) for one in response.surfaces]

    async def status(self) -> chain_service.GetStatusResponse:
        """Where the chain and the gateway stand."""
        status: chain_service.GetStatusResponse = await self._call(
            self._chain.GetStatus, chain_service.GetStatusRequest())
        return status

    async def block(self, height: int = 0, *, with_txs: bool = False) -> chain_service.BlockSummary:
        """A recent block, the latest for height 0."""
        request = chain_service.GetBlockRequest(height=height, with_txs=with_txs)
        response: chain_service.GetBlockResponse = await self._call(self._chain.GetBlock, request)
        return response.block

    async def tx(self, tx_hash: bytes) -> chain_service.GetTxResponse:
        """A recent transaction. Raises BadRequest when no recent block holds it."""
        found: chain_service.GetTxResponse = await self._call(
            self._chain.GetTx, chain_service.GetTxRequest(hash=tx_hash))
        return found

    # Watching. See client/streams.py for what the iterators yield.

    def watch_book(self, market: str | int, depth: int = 0) -> AsyncIterator[streams.LocalBook]:
        """The book after every change; `depth` 0 is the whole book."""
        number = self.market(market).market
        request = market_data.WatchBookRequest(market=number, depth=depth)
        return streams.books(lambda: self._market_data.WatchBook(request), number)

    def watch_trades(self, market: str | int | None = None, after_height: int = 0,
                     ) -> AsyncIterator[market_data.Trade | streams.Gap]:
        """Trades of one market or of all, from the next block on or after a height."""
        number = self.market(market).market if market is not None else 0
        return streams.trades(lambda height: self._market_data.WatchTrades(
            market_data.WatchTradesRequest(market=number, after_height=height)), after_height)

    def watch_prices(self, *markets: str | int) -> AsyncIterator[MarketPrice]:
        """Mark, index and validity of these markets, or of all: as they are, then each that a block changes."""
        request = oracle_service.WatchPricesRequest(markets=[self.market(market).market for market in markets])
        return market_prices(lambda: self._oracle.WatchPrices(request), self.find)

    def watch_orders(self, after_height: int = 0,
                     ) -> AsyncIterator[account_service.OrdersSnapshot | account_service.OrderUpdate]:
        """This account's orders: all of them, then every update."""
        return streams.orders(lambda height: self._accounts.WatchOrders(
            account_service.WatchOrdersRequest(account=self.account_id, after_height=height)), after_height)

    def watch_fills(self, after_height: int = 0) -> AsyncIterator[account_service.AccountFill | streams.Gap]:
        """This account's fills."""
        return streams.fills(lambda height: self._accounts.WatchFills(
            account_service.WatchFillsRequest(account=self.account_id, after_height=height)), after_height)

    def watch_cash(self, after_height: int = 0) -> AsyncIterator[account_service.CashChange | streams.Gap]:
        """Every change of this account's cash, with its reason."""
        return streams.cash(lambda height: self._accounts.WatchCash(
            account_service.WatchCashRequest(account=self.account_id, after_height=height)), after_height)

    def watch_blocks(self, after_height: int = 0, *, with_txs: bool = False,
                     ) -> AsyncIterator[chain_service.BlockSummary | streams.Gap]:
        """Every block."""
        return streams.blocks(lambda height: self._chain.WatchBlocks(
            chain_service.WatchBlocksRequest(after_height=height, with_txs=with_txs)), after_height)

    async def _call(self, method: Any, request: Any, timeout_seconds: float = 10.0) -> Any:
        try:
            return await method(request, timeout=timeout_seconds)
        except grpc.aio.AioRpcError as error:
            raise error_from_call(error) from None
