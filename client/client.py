"""The trader's client: sign, send, ask, watch.

    async with NovationClient("127.0.0.1:26602", Key.from_hex(secret)) as client:
        order = await client.place("BTC-PERP", "buy", size="0.25", price="46000.5", time_in_force="post_only")
        await client.cancel(order_id=order.order_id)
        account = await client.account()

Sizes and prices are decimals (Decimal, str or int, never float) in the units of the market; what is not exact is
refused, never rounded. Every envelope carries a fresh nonce, and is sent again as it is when the connection breaks:
the chain accepts it once. `wait="committed"` returns what the block did; `wait="admitted"` returns as soon as the node
holds the envelope.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from types import TracebackType
from typing import Any

import grpc

from client import envelopes, streams
from client.errors import BadSymbol, InvalidNonce, NotAvailable, OutcomeUnknown, error_from_call
from client.keys import Key
from client.nonces import Nonces
from client.results import MarketInfo, PlacedOrder, Sent, placed_from, sent_from
from client.risk import Supposed, risk_request
from client.units import Amount, Units, quanta
from novation.v1 import account_service_pb2 as account_service
from novation.v1 import (
    account_service_pb2_grpc,
    chain_service_pb2_grpc,
    market_data_service_pb2_grpc,
    risk_service_pb2_grpc,
    state_pb2,
    trading_service_pb2_grpc,
    tx_pb2,
)
from novation.v1 import chain_service_pb2 as chain_service
from novation.v1 import market_data_service_pb2 as market_data
from novation.v1 import risk_service_pb2 as risk_service
from novation.v1 import trading_service_pb2 as trading

WAITS = {"admitted": trading.WAIT_FOR_ADMISSION, "committed": trading.WAIT_FOR_COMMITTED}
TRIGGER_TERMS = ("source", "time_in_force", "reduce_only", "client_id", "oco_id", "expiry_time_ns")
NONCE_ATTEMPTS = 6
RETRY_SECONDS = 0.2
OPTIONS = (
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 5_000),
)


@dataclass(slots=True, frozen=True)
class SendOptions:
    """How an envelope is sent.

    `gas_limit` 0 takes an estimate that suffices unless an order makes more than ten fills. An envelope that no block
    took within `lifetime_seconds` never executes (0: no such limit); `expiry_height` limits it by height, 0 does not.
    """

    wait: str = "committed"
    timeout_seconds: float = 10.0
    gas_limit: int = 0
    expiry_height: int = 0
    lifetime_seconds: int = 600
    all_or_nothing: bool = False


class NovationClient:
    """One gateway, one account. Enter it with `async with`, or call `connect` and `close`."""

    def __init__(self, address: str, key: Key | None = None, *, account_number: int = 0,
                 options: SendOptions | None = None) -> None:
        """Without `key` the client can only ask and watch. `options` are the defaults of everything it sends."""
        self.key = key
        self.account_id = key.account(account_number) if key else tx_pb2.AccountId()
        self.options = options or SendOptions()
        self.params = state_pb2.Params()
        self.markets: dict[str, MarketInfo] = {}
        self.nonces = Nonces()
        self._channel = grpc.aio.insecure_channel(address, options=OPTIONS)
        self._trading = trading_service_pb2_grpc.TradingServiceStub(self._channel)
        self._market_data = market_data_service_pb2_grpc.MarketDataServiceStub(self._channel)
        self._accounts = account_service_pb2_grpc.AccountServiceStub(self._channel)
        self._chain = chain_service_pb2_grpc.ChainServiceStub(self._channel)
        self._risk = risk_service_pb2_grpc.RiskServiceStub(self._channel)

    async def __aenter__(self) -> NovationClient:
        await self.connect()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        trace: TracebackType | None) -> None:
        await self.close()

    async def connect(self, timeout_seconds: float = 10.0) -> None:
        """Learn the chain's parameters, the markets and where the account's nonces stand.

        Waits for a gateway that is not ready yet. Raises NotAvailable when it is not ready in time.
        """
        deadline = time.monotonic() + timeout_seconds
        while True:
            try:
                self.params = (await self._call(self._chain.GetParams, chain_service.GetParamsRequest())).params
                break
            except NotAvailable:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(RETRY_SECONDS)
        await self.refresh_markets()
        if self.key is not None:
            self.nonces.observe((await self.account()).highest_nonce)

    async def close(self) -> None:
        """Leave the gateway. Streams end."""
        await self._channel.close()

    # Sending.

    async def place(self, market: str | int, side: str, size: Amount, price: Amount, *, time_in_force: str = "gtc",
                    reduce_only: bool = False, client_id: int = 0, expiry_time_ns: int = 0, display: Amount = 0,
                    oco_id: int = 0, peg: str = "none", peg_offset_ticks: int = 0, **options: Any) -> PlacedOrder:
        """Place a limit order: `side` "buy" or "sell", `time_in_force` "gtc", "ioc", "fok" or "post_only".

        `display` is the most to be shown of an iceberg. Pegged to "index" or "mid", `price` is the worst, 0 for none.

        Raises NotExact for a size or price between two lots or ticks, InsufficientFunds, InvalidOrder and others of
        client.errors. `options` are those of SendOptions.
        """
        info = self.market(market)
        action = envelopes.place(market=info.market, side=side, price_quanta=info.units.price_quanta(price),
                                 size_lots=info.units.lots(size), time_in_force=time_in_force, reduce_only=reduce_only,
                                 client_id=client_id, expiry_time_ns=expiry_time_ns,
                                 display_lots=info.units.lots(display), oco_id=oco_id, peg=peg,
                                 peg_offset_ticks=peg_offset_ticks)
        return placed_from(await self._one(action, options), info, client_id)

    async def replace(self, market: str | int, size: Amount, price: Amount, *, order_id: int = 0, client_id: int = 0,
                      time_in_force: str = "gtc", **options: Any) -> PlacedOrder:
        """Give an open order of `market` another price and open size. It keeps its rank if only the size shrinks."""
        info = self.market(market)
        action = envelopes.replace(price_quanta=info.units.price_quanta(price), size_lots=info.units.lots(size),
                                   order_id=order_id, client_id=client_id, time_in_force=time_in_force)
        return placed_from(await self._one(action, options), info, client_id)

    async def cancel(self, *, order_id: int = 0, client_id: int = 0, **options: Any) -> Sent:
        """Cancel one open order by one of its ids. Raises OrderNotFound."""
        return await self._one(envelopes.cancel(order_id=order_id, client_id=client_id), options)

    async def cancel_all(self, market: str | int | None = None, **options: Any) -> Sent:
        """Cancel every open order, or those of one market."""
        return await self._one(envelopes.cancel_all(self.market(market).market if market is not None else 0), options)

    async def place_trigger(self, market: str | int, direction: str, side: str, size: Amount, price: Amount, *,
                            at: Amount = 0, trail: Amount = 0, **terms: Any) -> Sent:
        """An order that waits until the mark (or `source` "index", "last") stands at or "above", at or "below" `at`.

        `price` is the order's limit. With `trail` in place of `at` the level follows the best price since now at that
        distance, and the limit with it. The trigger's id is `sent.results[0].order_id`. `terms` are those of
        envelopes.place_trigger (time_in_force, reduce_only, client_id, oco_id, source, expiry_time_ns) and SendOptions.
        """
        info = self.market(market)
        own = {name: terms.pop(name) for name in TRIGGER_TERMS if name in terms}
        action = envelopes.place_trigger(
            market=info.market, direction=direction, side=side, size_lots=info.units.lots(size),
            price_quanta=info.units.price_quanta(price), trigger_quanta=info.units.price_quanta(at),
            trail_quanta=info.units.price_quanta(trail), **own)
        return await self._one(action, terms)

    async def cancel_trigger(self, *, trigger_id: int = 0, client_id: int = 0, **options: Any) -> Sent:
        """Cancel a trigger by one of its ids, or all of them when neither is given."""
        return await self._one(envelopes.cancel_trigger(trigger_id=trigger_id, client_id=client_id), options)

    async def set_dead_man(self, time_ns: int, **options: Any) -> Sent:
        """Unless set again, cancel everything but reducing triggers once block time passes `time_ns`; 0: off."""
        return await self._one(envelopes.set_dead_man(time_ns), options)

    async def set_protection(self, market: str | int, limit: Amount, *, window_ns: int = 1_000_000_000,
                             freeze_ns: int = 0, **options: Any) -> Sent:
        """Market-maker protection: `limit` filled as maker within about the window cancels the quotes in `market`, and
        refuses new ones for `freeze_ns` (0: until set anew). A limit of 0 turns it off.
        """
        info = self.market(market)
        return await self._one(envelopes.set_protection(
            info.market, limit_lots=info.units.lots(limit), window_ns=window_ns, freeze_ns=freeze_ns), options)

    async def bid(self, account: tx_pb2.AccountId, *, most_fraction_ppm: int = 1_000_000, least_discount_ppm: int = 0,
                  expected_bids: int = 0, **options: Any) -> Sent:
        """Take a fraction of an account in auction at the marks, for the discount of the block; the event
        `auction_bid_taken` says how much it was.
        """
        return await self._one(envelopes.bid_auction(
            account, most_fraction_ppm=most_fraction_ppm, least_discount_ppm=least_discount_ppm,
            expected_bids=expected_bids), options)

    async def transfer_asset(self, to: tx_pb2.AccountId, asset: int, units: int, **options: Any) -> Sent:
        """Move `units` of another asset to an account that exists. Raises InsufficientFunds."""
        return await self._one(envelopes.transfer(to, units, asset), options)

    async def withdraw_asset(self, asset: int, units: int, destination: bytes, **options: Any) -> Sent:
        """Take `units` of another asset off the chain. Raises InsufficientFunds."""
        return await self._one(envelopes.withdraw(units, destination, asset), options)

    async def transfer(self, to: tx_pb2.AccountId, amount: Amount, **options: Any) -> Sent:
        """Move USD to another account. Raises InsufficientFunds."""
        return await self._one(envelopes.transfer(to, quanta(amount)), options)

    async def withdraw(self, amount: Amount, destination: bytes, **options: Any) -> Sent:
        """Take USD off the chain. Raises InsufficientFunds."""
        return await self._one(envelopes.withdraw(quanta(amount), destination), options)

    async def faucet(self, amount: Amount, to: tx_pb2.AccountId | None = None, **options: Any) -> Sent:
        """Test networks only: mint USD for this account, or for another one, which it opens."""
        return await self._one(envelopes.faucet(to or self.account_id, quanta(amount)), options)

    async def faucet_asset(self, asset: int, units: int, to: tx_pb2.AccountId | None = None, **options: Any) -> Sent:
        """Test networks only: mint `units` of another asset for this account, or for another one that exists."""
        return await self._one(envelopes.faucet(to or self.account_id, units, asset), options)

    async def isolate(self, market: str | int, to_number: int, size: Amount = 0, cash: Amount = 0,
                      **options: Any) -> Sent:
        """Move `size` (0: all) of this account's position, what it cost, and USD to another of the owner's accounts.

        Raises InsufficientFunds when either account could not carry what it would hold.
        """
        info = self.market(market)
        lots = info.units.lots(size) if size else 0
        return await self._one(envelopes.isolate(info.market, to_number, lots, quanta(cash) if cash else 0), options)

    async def set_referrer(self, owner: bytes, **options: Any) -> Sent:
        """Name who gets a share of this owner's taker fees, once and for ever. Raises BadRequest."""
        return await self._one(envelopes.set_referrer(owner), options)

    async def send(self, actions: Sequence[tx_pb2.Action], **options: Any) -> Sent:
        """Many actions in one envelope, under one signature. `options` are those of SendOptions.

        An action that fails does not raise: see `Sent.errors()`. Raises when the envelope as a whole was refused, and
        NotCommitted when no block took it in time.
        """
        chosen = replace(self.options, **options)
        for attempt in range(NONCE_ATTEMPTS):
            raw = self.sign(actions, chosen)
            try:
                return await self.submit(raw, wait=chosen.wait, timeout_seconds=chosen.timeout_seconds)
            except InvalidNonce as error:
                # Somebody else uses this account. The envelope was refused, so signing anew cannot act twice.
                if attempt + 1 == NONCE_ATTEMPTS or error.reason == "TX_NONCE_TOO_HIGH":
                    raise
                self.nonces.observe((await self.account()).highest_nonce)
                if error.reason in ("TX_NONCE_USED", "MEMPOOL_DUPLICATE"):
                    self.nonces.skip()
        raise AssertionError("unreachable")

    def sign(self, actions: Sequence[tx_pb2.Action], options: SendOptions | None = None) -> bytes:
        """A signed envelope with a fresh nonce, not sent."""
        if self.key is None:
            raise ValueError("this client has no key: it can ask and watch, not send")
        options = options or self.options
        # To the nanosecond: so that two programs with one account never make the same bytes, which would count once.
        expiry_time_ns = time.time_ns() + options.lifetime_seconds * 10**9 if options.lifetime_seconds else 0
        body = envelopes.make_body(
            self.account_id, actions, nonce=self.nonces.next(), gas_price_e6=self.params.gas_price_e6,
            gas_limit=options.gas_limit, expiry_height=options.expiry_height, expiry_time_ns=expiry_time_ns,
            all_or_nothing=options.all_or_nothing)
        return envelopes.sign_envelope(self.key, self.params.chain_id, body)

    async def submit(self, envelope: bytes, *, wait: str = "committed", timeout_seconds: float = 10.0) -> Sent:
        """Send a signed envelope, again and again while the gateway is away; the chain takes it once.

        Raises what refused it; NotCommitted when it was admitted but no block took it in time; OutcomeUnknown when the
        connection broke after an attempt that may have gone through, and the gateway no longer knows.
        """
        if wait not in WAITS:
            raise ValueError(f"wait: {wait!r} is not one of {', '.join(WAITS)}")
        deadline, again = time.monotonic() + timeout_seconds, False
        while True:
            remaining = max(deadline - time.monotonic(), 0.05)
            request = trading.SubmitEnvelopeRequest(envelope=envelope, wait=WAITS[wait],
                                                    timeout_ms=min(int(remaining * 1000), 60_000))
            try:
                response = await self._call(self._trading.Submit, request, remaining + 1)
            except NotAvailable:
                if time.monotonic() + RETRY_SECONDS > deadline:
                    raise
                await asyncio.sleep(RETRY_SECONDS)
                again = True
                continue
            try:
                return sent_from(response.outcome, envelope, wait)
            except InvalidNonce as error:
                if again:
                    raise OutcomeUnknown("OUTCOME_UNKNOWN", "the nonce is used now, perhaps by this very envelope",
                                         metadata={"hash": response.outcome.hash.hex(), **error.metadata}) from error
                raise

    async def submit_batch(self, batch: Sequence[bytes], *, wait: str = "admitted",
                           timeout_seconds: float = 10.0) -> list[trading.SubmissionOutcome]:
        """Send many signed envelopes (at most 256, 1 MiB) in one call; the outcome of each, in order."""
        request = trading.SubmitBatchRequest(envelopes=batch, wait=WAITS[wait], timeout_ms=int(timeout_seconds * 1000))
        return list((await self._call(self._trading.SubmitBatch, request, timeout_seconds + 1)).outcomes)

    # Asking.

    def market(self, market: str | int) -> MarketInfo:
        """A market by symbol or number. Raises BadSymbol."""
        for info in self.markets.values():
            if market in (info.symbol, info.market):
                return info
        raise BadSymbol("MARKET_NOT_FOUND", f"{market!r} is not one of {', '.join(self.markets) or 'no markets'}")

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
        request = market_data.GetBookRequest(market=self.market(market).market, depth=depth)
        book: market_data.GetBookResponse = await self._call(self._market_data.GetBook, request)
        return book

    async def trades(self, market: str | int, limit: int = 100) -> list[market_data.Trade]:
        """Recent trades, newest first."""
        request = market_data.GetTradesRequest(market=self.market(market).market, limit=limit)
        return list((await self._call(self._market_data.GetTrades, request)).trades)

    async def mark_price(self, market: str | int) -> Decimal:
        """The mark price in USD a unit of base, 0 when none was set."""
        info = self.market(market)
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
                   cash: Amount = 0, trades: Sequence[Supposed] = (), orders: Sequence[Supposed] = (),
                   actions: Sequence[tx_pb2.Action] = ()) -> risk_service.GetRiskResponse:
        """How this account, or another, stands: margins, liquidation prices; now and under what is supposed.

        In this order: `prices` by market, as a mark or a change like "-10%"; `cash` in USD that comes (or, negative,
        goes); `trades` and `orders` of client.risk; other `actions`. Raises BadRequest.
        """
        request = risk_request(self.market, account or self.account_id, prices or {}, cash, trades, orders, actions)
        found: risk_service.GetRiskResponse = await self._call(self._risk.GetRisk, request)
        return found

    async def open_orders(self, market: str | int | None = None) -> list[state_pb2.Order]:
        """This account's open orders, ascending by id."""
        number = self.market(market).market if market is not None else 0
        request = account_service.GetOrdersRequest(account=self.account_id, market=number)
        return list((await self._call(self._accounts.GetOrders, request)).orders)

    async def triggers(self) -> list[state_pb2.Trigger]:
        """This account's triggers, ascending by id."""
        request = account_service.GetOrdersRequest(account=self.account_id)
        return list((await self._call(self._accounts.GetOrders, request)).triggers)

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

    def watch_orders(self, after_height: int = 0,
                     ) -> AsyncIterator[account_service.OrdersSnapshot | account_service.OrderUpdate]:
        """This account's orders: all of them, then every update."""
        return streams.orders(lambda height: self._accounts.WatchOrders(
            account_service.WatchOrdersRequest(account=self.account_id, after_height=height)), after_height)

    def watch_fills(self, after_height: int = 0) -> AsyncIterator[account_service.AccountFill | streams.Gap]:
        """This account's fills."""
        return streams.fills(lambda height: self._accounts.WatchFills(
            account_service.WatchFillsRequest(account=self.account_id, after_height=height)), after_height)

    def watch_blocks(self, after_height: int = 0, *, with_txs: bool = False,
                     ) -> AsyncIterator[chain_service.BlockSummary | streams.Gap]:
        """Every block."""
        return streams.blocks(lambda height: self._chain.WatchBlocks(
            chain_service.WatchBlocksRequest(after_height=height, with_txs=with_txs)), after_height)

    # Inside.

    async def _one(self, action: tx_pb2.Action, options: dict[str, Any]) -> Sent:
        """Send one action and raise its error."""
        sent = await self.send([action], **options)
        for error in sent.errors():
            if error is not None:
                raise error
        return sent

    async def _call(self, method: Any, request: Any, timeout_seconds: float = 10.0) -> Any:
        try:
            return await method(request, timeout=timeout_seconds)
        except grpc.aio.AioRpcError as error:
            raise error_from_call(error) from None
