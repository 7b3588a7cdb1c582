"""Exchanges on the loopback address that speak as three real ones do, and behave as badly as they are told to."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from aiohttp import web

PAIRS = (("BTC", "USD"), ("BTC", "USDT"), ("USDT", "USD"))
SLOW_S = 30.0


@dataclass
class Exchange:
    """What one of them says: the last price of each pair, and its mood; `asked` counts requests."""

    prices: dict[str, str]
    mood: str = "good"
    asked: int = 0
    feeds: list[web.WebSocketResponse] = field(default_factory=list)

    def price(self, pair: str) -> Any:
        """The last price of a pair as this mood has it."""
        price = self.prices[pair]
        return {
            "nan": "NaN", "infinite": "Infinity", "zero": "0", "negative": f"-{price}", "words": "fifty thousand",
            "nothing": None, "nested": {"price": price}, "absurd": f"{price}00",
        }.get(self.mood, price)

    def time_s(self) -> float:
        """When that was true."""
        return {"stale": time.time() - 3_600, "ahead": time.time() + 3_600, "ancient": -1.0}.get(self.mood, time.time())


@dataclass
class Exchanges:
    """All of them, and the options that lead ccxt here."""

    bitstamp: Exchange
    kraken: Exchange
    coinbaseexchange: Exchange
    options: dict[str, dict[str, Any]] = field(default_factory=dict)


def answer(exchange: Exchange, data: Any) -> web.StreamResponse:
    """A reply in the exchange's mood."""
    text = json.dumps(data)
    if exchange.mood == "error":
        return web.Response(status=500, text="oops")
    if exchange.mood == "busy":
        return web.Response(status=429, text='{"error": "too many requests"}', content_type="application/json")
    if exchange.mood == "garbage":
        return web.Response(text="<html>\x00 maintenance", content_type="text/html")
    if exchange.mood == "truncated":
        return web.Response(text=text[:-3 - len(text) // 3], content_type="application/json")
    if exchange.mood == "empty":
        return web.Response(text="{}", content_type="application/json")
    if exchange.mood == "list":
        return web.Response(text="[[[1]]]", content_type="application/json")
    return web.Response(text=text.replace('"NaN"', "NaN"), content_type="application/json")


def route(exchange: Exchange, data: Callable[[web.Request], Any], patient: bool = True,
          ) -> Callable[[web.Request], Any]:
    """A handler. A `patient` one answers well in every mood: it lists markets, which is asked for only at the start."""
    async def handle(request: web.Request) -> web.StreamResponse:
        exchange.asked += 1
        if exchange.mood == "dead" or (exchange.mood == "hangs_up" and not patient):
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if patient:
            return web.json_response(data(request))
        if exchange.mood == "slow":
            await asyncio.sleep(SLOW_S)
        return answer(exchange, data(request))

    return handle


def bitstamp_markets(_: web.Request) -> Any:
    return [{"name": f"{base}/{quote}", "market_symbol": f"{base}{quote}".lower(), "base_currency": base,
             "counter_currency": quote, "base_decimals": 8, "counter_decimals": 2, "minimum_order_value": "10",
             "trading": "Enabled", "description": f"{base} / {quote}", "market_type": "SPOT"} for base, quote in PAIRS]


def bitstamp_tickers(exchange: Exchange) -> Any:
    return [{"pair": f"{base}/{quote}", "last": exchange.price(f"{base}/{quote}"), "bid": None, "ask": None,
             "open": "1", "vwap": "1", "volume": "1", "timestamp": str(int(exchange.time_s()))}
            for base, quote in PAIRS]


def kraken_pairs(_: web.Request) -> Any:
    return {"error": [], "result": {
        f"{base}{quote}": {"altname": f"{base}{quote}", "wsname": f"{base}/{quote}", "base": base, "quote": quote,
                           "pair_decimals": 2, "lot_decimals": 8, "status": "online"} for base, quote in PAIRS}}


def kraken_assets(_: web.Request) -> Any:
    names = sorted({name for pair in PAIRS for name in pair})
    return {"error": [], "result": {name: {"altname": name, "decimals": 8, "status": "enabled"} for name in names}}


def kraken_ticker(exchange: Exchange, request: web.Request) -> Any:
    wanted = request.query["pair"].split(",")
    found = {}
    for base, quote in PAIRS:
        if f"{base}{quote}" in wanted:
            price = exchange.price(f"{base}/{quote}")
            found[f"{base}{quote}"] = {"a": [price, "1"], "b": [price, "1"], "c": [price, "1"], "v": ["1", "1"],
                                       "p": ["1", "1"], "l": ["1", "1"], "h": ["1", "1"], "o": "1"}
    return {"error": [], "result": found}


def coinbase_products(_: web.Request) -> Any:
    return [{"id": f"{base}-{quote}", "quote_increment": "0.01", "base_increment": "0.00000001", "status": "online"}
            for base, quote in PAIRS]


def coinbase_ticker(exchange: Exchange, request: web.Request) -> Any:
    price = exchange.price(request.match_info["id"].replace("-", "/"))
    moment = time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime(exchange.time_s()))
    return {"trade_id": 1, "price": price, "size": "1", "time": moment, "bid": price, "ask": price, "volume": "1"}


async def kraken_stream(exchange: Exchange, request: web.Request) -> web.StreamResponse:
    """Tickers of the pairs that are subscribed, every 20 ms, in the exchange's mood."""
    stream = web.WebSocketResponse()
    await stream.prepare(request)
    wanted: list[str] = []
    exchange.feeds.append(stream)

    async def tell() -> None:
        while not stream.closed:
            for pair in wanted:
                await stream.send_str(stream_message(exchange, pair))
            await asyncio.sleep(0.02)

    telling = asyncio.create_task(tell())
    try:
        async for message in stream:
            request_ = json.loads(message.data)
            if request_.get("method") == "subscribe":
                wanted += request_["params"]["symbol"]
    finally:
        telling.cancel()
    return stream


def stream_message(exchange: Exchange, pair: str) -> str:
    if exchange.mood == "garbage":
        return "\x00 not json"
    price = exchange.price(pair)
    text = json.dumps({"channel": "ticker", "type": "update", "data": [{
        "symbol": pair, "bid": price, "ask": price, "last": price, "volume": 1, "vwap": 1, "change": 0}]})
    return text[:-3] if exchange.mood == "truncated" else text


def application(all_: Exchanges) -> web.Application:
    """The three, each under its name."""
    one, two, three = all_.bitstamp, all_.kraken, all_.coinbaseexchange
    app = web.Application()
    app.router.add_get("/bitstamp/v2/markets/", route(one, bitstamp_markets))
    app.router.add_get("/bitstamp/v2/ticker/", route(one, lambda _: bitstamp_tickers(one), patient=False))
    app.router.add_get("/kraken/0/public/Assets", route(two, kraken_assets))
    app.router.add_get("/kraken/0/public/AssetPairs", route(two, kraken_pairs))
    app.router.add_get("/kraken/0/public/Ticker", route(two, partial(kraken_ticker, two), patient=False))
    app.router.add_get("/kraken/ws", partial(kraken_stream, two))
    app.router.add_get("/coinbase/currencies", route(three, lambda _: []))
    app.router.add_get("/coinbase/products", route(three, coinbase_products))
    app.router.add_get("/coinbase/products/{id}/ticker",
                       route(three, partial(coinbase_ticker, three), patient=False))
    return app


@asynccontextmanager
async def standing_in() -> AsyncIterator[Exchanges]:
    """Three exchanges at 50,000, 50,010 and 50,020 USD a BTC; one USDT is 0.98, 0.98 and 0.98 USD."""
    def exchange(btc: str, btc_usdt: str) -> Exchange:
        return Exchange({"BTC/USD": btc, "BTC/USDT": btc_usdt, "USDT/USD": "0.98"})

    found = Exchanges(exchange("50000", "51020"), exchange("50010", "51030"), exchange("50020", "51040"))
    runner = web.AppRunner(application(found), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    base = f"http://{host}:{port}"
    common = {"enableRateLimit": False, "timeout": 500, "timeout_on_exit": 0, "verify": False}
    stream = {"ws": {"publicV2": f"ws://{host}:{port}/kraken/ws", "public": f"ws://{host}:{port}/kraken/ws"}}
    found.options = {
        "bitstamp": common | {"urls": {"api": {"public": f"{base}/bitstamp"}}},
        "kraken": common | {"urls": {"api": {"public": f"{base}/kraken"}}},
        "kraken+ws": common | {"urls": {"api": {"public": f"{base}/kraken"} | stream}},
        "coinbaseexchange": common | {"urls": {"api": {"public": f"{base}/coinbase"}}},
    }
    try:
        yield found
    finally:
        await runner.cleanup()
