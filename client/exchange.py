"""The client under the names that users of ccxt know, with answers in ccxt's shapes. A convenience: whatever the chain
offers beyond them is in `NovationClient`, which is `exchange.client`.

    async with NovationClient("127.0.0.1:26602", key) as client:
        exchange = Exchange(client)
        order = await exchange.create_order("BTC-PERP", "limit", "buy", "0.1", "46000", {"postOnly": True})
        await exchange.cancel_order(order["id"])

Numbers are Decimals, never floats; times are milliseconds. Errors: `client.errors`, whose names ccxt's users know.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

from client.candles import candles_of
from client.client import NovationClient
from client.errors import BadRequest, BadSymbol
from client.options import OptionChain, OptionExpiry, OptionQuote, expiry_text
from client.streams import Gap
from client.units import Amount, usd
from novation.v1 import market_data_service_pb2 as market_data
from novation.v1 import state_pb2, tx_pb2

MILLISECOND_NS = 10**6
E9 = Decimal(10**9)
TIMEFRAMES = {"1s": 1, "1m": 60, "5m": 300, "15m": 900, "1h": 3_600, "4h": 14_400, "1d": 86_400}
SIDES = {tx_pb2.SIDE_BUY: "buy", tx_pb2.SIDE_SELL: "sell"}
TIMES_IN_FORCE = {"GTC": "gtc", "IOC": "ioc", "FOK": "fok", "PO": "post_only"}
KINDS = {state_pb2.MARKET_KIND_PERPETUAL: "swap", state_pb2.MARKET_KIND_FUTURE: "future",
         state_pb2.MARKET_KIND_OPTION: "option"}
Answer = dict[str, Any]


class Exchange:
    """ccxt's names over one client."""

    id = "novation"
    timeframes = TIMEFRAMES

    def __init__(self, client: NovationClient) -> None:
        self.client = client

    async def load_markets(self) -> dict[str, Answer]:
        """Markets by symbol: limits, steps, kind, and for options strike, right and expiry."""
        await self.client.refresh_markets()
        return {symbol: self._market(symbol) for symbol in self.client.markets}

    def _market(self, symbol: str) -> Answer:
        info = self.client.market(symbol)
        record, units = info.record, info.units
        kind = KINDS.get(record.kind, "swap")
        market: Answer = {
            "id": info.market, "symbol": symbol, "type": kind, kind: True, "contract": True, "linear": True,
            "settle": "USD", "contractSize": Decimal(1), "active": record.status == state_pb2.MARKET_STATUS_ACTIVE,
            "maker": Decimal(record.maker_fee_ppm) / 10**6, "taker": Decimal(record.taker_fee_ppm) / 10**6,
            "precision": {"amount": units.lot_size, "price": units.tick_size},
            "limits": {"amount": {"min": units.lot_size, "max": units.size(record.max_order_lots)}},
            "expiry": record.expiry_ns // MILLISECOND_NS if record.expiry_ns else None, "info": record}
        if kind == "option":
            market["strike"] = units.price(record.strike_quanta)
            market["optionType"] = "call" if record.right == state_pb2.OPTION_RIGHT_CALL else "put"
        return market

    async def fetch_ticker(self, symbol: str) -> Answer:
        """Best prices, last trade, mark and index of a market."""
        info = self.client.market(symbol)
        found = next(one for one in await self.client.refresh_markets() if one.market.market == info.market)
        price = info.units.price

        def known(quanta: int) -> Decimal | None:
            return price(quanta) if quanta else None

        return {"symbol": symbol, "bid": known(found.best_bid_quanta), "ask": known(found.best_ask_quanta),
                "last": known(found.last_price_quanta), "mark": known(found.mark_price_quanta),
                "index": known(found.index_price_quanta), "timestamp": found.mark_time_ns // MILLISECOND_NS,
                "openInterest": info.units.size(found.open_interest_lots), "info": found}

    async def fetch_order_book(self, symbol: str, limit: int = 20) -> Answer:
        """[price, size] levels, best first."""
        units, found = self.client.market(symbol).units, await self.client.book(symbol, limit)

        def levels(side: Any) -> list[list[Decimal]]:
            return [[units.price(level.price_quanta), units.size(level.size_lots)] for level in side]

        return {"symbol": symbol, "bids": levels(found.book.bids), "asks": levels(found.book.asks),
                "timestamp": found.time_ns // MILLISECOND_NS, "nonce": found.sequence}

    async def fetch_trades(self, symbol: str, limit: int = 100) -> list[Answer]:
        """The last trades, oldest first."""
        found = await self.client.trades(symbol, limit)
        return sorted((self._trade(symbol, one) for one in found), key=lambda one: int(one["id"]))

    def _trade(self, symbol: str, trade: market_data.Trade) -> Answer:
        units = self.client.market(symbol).units
        price, amount = units.price(trade.price_quanta), units.size(trade.size_lots)
        return {"id": str(trade.trade_id), "symbol": symbol, "side": SIDES.get(trade.taker_side), "price": price,
                "amount": amount, "cost": price * amount, "timestamp": trade.time_ns // MILLISECOND_NS, "info": trade}

    async def fetch_ohlcv(self, symbol: str, timeframe: str = "1m", limit: int = 1_000) -> list[list[Any]]:
        """[time, open, high, low, close, volume] of the last `limit` trades."""
        if timeframe not in TIMEFRAMES:
            raise BadRequest("TIMEFRAME", f"{timeframe!r} is not one of {', '.join(TIMEFRAMES)}")
        units = self.client.market(symbol).units
        candles = candles_of(await self.client.trades(symbol, limit), units, TIMEFRAMES[timeframe])
        return [[one.start_ns // MILLISECOND_NS, one.open, one.high, one.low, one.close, one.volume] for one in candles]

    async def fetch_funding_rate(self, symbol: str) -> Answer:
        """The rate in force, per eight hours."""
        info = self.client.market(symbol)
        found = next(one for one in await self.client.refresh_markets() if one.market.market == info.market)
        return {"symbol": symbol, "fundingRate": Decimal(found.funding.rate_e9) / E9, "interval": "8h",
                "markPrice": info.units.price(found.mark_price_quanta), "info": found.funding}

    async def fetch_option_chain(self, code: str) -> dict[str, Answer]:
        """All options on an underlying ("BTC"), by symbol: best prices, mark, implied volatility of the mark (0.6 is
        60 %), open interest, volume of a day.
        """
        chain = await self.client.option_chain(code)
        return {one.symbol: self._option(code, chain, expiry, one)
                for expiry in chain.expiries for one in expiry.quotes}

    def _option(self, code: str, chain: OptionChain, expiry: OptionExpiry, one: OptionQuote) -> Answer:
        middle = (one.bid + one.ask) / 2 if one.bid and one.ask else None
        return {"symbol": one.symbol, "currency": code, "timestamp": chain.time_ns // MILLISECOND_NS,
                "impliedVolatility": one.mark_volatility, "openInterest": one.open_interest, "bidPrice": one.bid,
                "askPrice": one.ask, "midPrice": middle, "markPrice": one.mark, "lastPrice": one.last,
                "underlyingPrice": expiry.forward, "baseVolume": one.volume, "info": one}

    async def fetch_greeks(self, symbol: str) -> Answer:
        """Greeks and implied volatilities of one option: vega in USD a point of volatility, theta in USD a day. Nothing
        is discounted, so rho is 0. Raises BadSymbol for what is no option.
        """
        record = (await self.client.find(symbol)).record
        if record.kind != state_pb2.MARKET_KIND_OPTION:
            raise BadSymbol("NOT_AN_OPTION", f"{symbol} is no option: it has no greeks")
        chain = await self.client.option_chain(expiry=expiry_text(self.client.market(symbol)))
        expiry = next(one for one in chain.expiries if one.expiry_ns == record.expiry_ns and any(
            quote.symbol == symbol for quote in one.quotes))
        one = chain.quote(symbol)
        greeks = {name: getattr(one.greeks, name, None) for name in ("delta", "gamma", "vega", "theta")}
        return {"symbol": symbol, "timestamp": chain.time_ns // MILLISECOND_NS, **greeks, "rho": Decimal(0),
                "bidSize": one.bid_size, "askSize": one.ask_size, "bidImpliedVolatility": one.bid_volatility,
                "askImpliedVolatility": one.ask_volatility, "markImpliedVolatility": one.mark_volatility,
                "bidPrice": one.bid, "askPrice": one.ask, "markPrice": one.mark, "lastPrice": one.last,
                "underlyingPrice": expiry.forward, "info": one}

    async def create_order(self, symbol: str, type: str, side: str, amount: Amount,  # noqa: A002 - ccxt's name
                           price: Amount | None = None, params: Answer | None = None) -> Answer:
        """A limit order. `params`: postOnly, reduceOnly, timeInForce (GTC, IOC, FOK, PO), clientOrderId (a number).

        Raises BadRequest for another type: the chain knows limit orders only, so that nobody trades at any price.
        """
        chosen = dict(params or {})
        if type != "limit" or price is None:
            raise BadRequest("ORDER_TYPE", "limit orders only, with a price: for a market order give a limit and IOC")
        force = TIMES_IN_FORCE.get(str(chosen.get("timeInForce", "GTC")))
        if force is None:
            raise BadRequest("ORDER_TIME_IN_FORCE", f"timeInForce is one of {', '.join(TIMES_IN_FORCE)}")
        placed = await self.client.place(
            symbol, side, amount, price, time_in_force="post_only" if chosen.get("postOnly") else force,
            reduce_only=bool(chosen.get("reduceOnly")), client_id=int(chosen.get("clientOrderId", 0)))
        status = "open" if placed.open_size else "closed" if placed.filled_size else "canceled"
        return {"id": str(placed.order_id), "clientOrderId": str(placed.client_id), "symbol": symbol, "side": side,
                "type": "limit", "price": Decimal(str(price)), "amount": Decimal(str(amount)),
                "filled": placed.filled_size, "remaining": placed.open_size, "average": placed.average_price or None,
                "status": status, "info": placed}

    async def cancel_order(self, id: str, symbol: str | None = None) -> Answer:  # noqa: A002 - ccxt's name
        """Cancel an order by its id. Raises OrderNotFound."""
        await self.client.cancel(order_id=int(id))
        return {"id": id, "symbol": symbol, "status": "canceled"}

    async def cancel_all_orders(self, symbol: str | None = None) -> Answer:
        """Cancel all orders, of one market or of all."""
        sent = await self.client.cancel_all(symbol)
        return {"info": sent}

    async def fetch_open_orders(self, symbol: str | None = None) -> list[Answer]:
        """This account's open orders."""
        symbols = {info.market: info for info in self.client.markets.values()}
        found = []
        for order in await self.client.open_orders(symbol):
            info = symbols[order.order_id >> 40]
            found.append({"id": str(order.order_id), "clientOrderId": str(order.client_id), "symbol": info.symbol,
                          "side": SIDES.get(order.side), "type": "limit", "price": info.units.price(order.price_quanta),
                          "remaining": info.units.size(order.open_lots), "status": "open", "info": order})
        return found

    async def fetch_positions(self) -> list[Answer]:
        """This account's positions, with margin and liquidation prices."""
        infos = {info.market: info for info in self.client.markets.values()}
        rows = (await self.client.risk()).after.positions
        return [self._position(infos[one.market], one) for one in rows if one.lots]

    def _position(self, info: Any, one: Any) -> Answer:
        size = info.units.size(abs(one.lots))
        return {"symbol": info.symbol, "side": "long" if one.lots > 0 else "short", "contracts": size,
                "markPrice": info.units.price(one.mark_quanta), "unrealizedPnl": usd(one.unrealised_quanta),
                "initialMargin": usd(one.initial_quanta), "maintenanceMargin": usd(one.maintenance_quanta), "info": one}

    async def fetch_balance(self) -> Answer:
        """USD: all of it, what is used, what is free to leave."""
        now = (await self.client.risk()).before
        total, free = usd(now.equity_quanta), usd(now.free_quanta)
        return {"USD": {"total": total, "free": free, "used": total - free}, "info": now}

    async def watch_trades(self, symbol: str, after_height: int = 0) -> AsyncIterator[Answer]:
        """Trades as they happen; with `after_height` first those of the blocks since then."""
        async for item in self.client.watch_trades(symbol, after_height):
            if not isinstance(item, Gap):
                yield self._trade(symbol, item)

    async def watch_order_book(self, symbol: str) -> AsyncIterator[Answer]:
        """The book after each change."""
        units = self.client.market(symbol).units
        async for book in self.client.watch_book(symbol):
            bids, asks = (
                [[units.price(price), units.size(side[price][0])] for price in sorted(side, reverse=side is book.bids)]
                for side in (book.bids, book.asks))
            yield {"symbol": symbol, "bids": bids, "asks": asks, "timestamp": book.time_ns // MILLISECOND_NS}
