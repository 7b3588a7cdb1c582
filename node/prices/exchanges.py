"""Real exchanges through ccxt, which is imported only when a feed names one.

An exchange is asked over HTTP for all its pairs, once a second, or tells each pair's price over a websocket. What comes
back is believed only as far as it is a number: everything else is the aggregation's business.
"""

import asyncio
import importlib
import time
from collections.abc import Callable, Coroutine, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import structlog

from node.prices.aggregate import Quote, is_sane, median
from node.prices.reading import NoQuoteError, Read, keep_reading, within

log = structlog.get_logger("prices")

EVERY_S = 1.0  # over HTTP
REQUEST_S = 4.0
DEADLINE_S = 10.0  # of the first call, which also asks for all markets of the exchange
STREAM_EVERY_S = 0.1
STREAM_DEADLINE_S = 10.0
CLOSE_S = 2.0
STREAMS = "+ws"

Job = Coroutine[None, None, None]

# Where one call gives tickers of many pairs that are as fresh as those of single calls. Not so everywhere: some
# exchanges answer it with candles of minutes ago, which carry no time.
BULK = frozenset({
    "binance", "bitfinex", "bitstamp", "bybit", "cryptocom", "gate", "htx", "kraken", "kucoin", "mexc", "okx",
})


class ExchangeMissingError(ValueError):
    """The settings name an exchange that ccxt does not know, or ccxt is not installed."""


class Exchanges:
    """All exchanges that feeds name. `options` go to ccxt as they are, by name of the exchange."""

    def __init__(self, options: Mapping[str, Mapping[str, Any]] | None = None, *, every_s: float = EVERY_S,
                 deadline_s: float = DEADLINE_S, stream_deadline_s: float = STREAM_DEADLINE_S) -> None:
        self._options = dict(options or {})
        self._every_s = every_s
        self._deadline_s = deadline_s
        self._stream_deadline_s = stream_deadline_s
        self._pairs: dict[str, list[str]] = {}
        self._quotes: dict[str, dict[str, Quote]] = {}

    def ask(self, name: str, pair: str) -> Callable[[int], Quote | None]:
        """Note that a feed wants `pair` of the exchange; the function gives the newest quote once `run` runs."""
        self._pairs.setdefault(name, []).append(pair)
        quotes = self._quotes.setdefault(name, {})
        return lambda _: quotes.get(pair)

    async def run(self) -> None:
        """Keep all quotes fresh for ever. Cancel it to end. Raises ExchangeMissingError at once."""
        opened = {name: open_exchange(name, self._options.get(name, {})) for name in self._pairs}
        try:
            async with asyncio.TaskGroup() as group:
                for name, exchange in opened.items():
                    for job in self._jobs(name, exchange):
                        group.create_task(job)
        finally:
            await asyncio.gather(*(exchange.close() for exchange in opened.values()), return_exceptions=True)

    def _jobs(self, name: str, exchange: Any) -> list[Job]:
        pairs, quotes = self._pairs[name], self._quotes[name]
        if name.endswith(STREAMS):
            stream = Stream(name, exchange, self._stream_deadline_s)
            return [stream.watch(), *(
                keep_reading(f"{name}:{pair}", stream.read(pair), quotes, STREAM_EVERY_S, self._stream_deadline_s)
                for pair in pairs)]
        return [keep_reading(name, _poll(name, exchange, pairs), quotes, self._every_s, self._deadline_s)]


def open_exchange(name: str, options: Mapping[str, Any]) -> Any:
    """A ccxt exchange. Raises ExchangeMissingError."""
    plain = name.removesuffix(STREAMS)
    try:
        library = importlib.import_module("ccxt.pro" if name.endswith(STREAMS) else "ccxt.async_support")
    except ImportError as error:
        raise ExchangeMissingError("prices of exchanges need ccxt: pip install 'novation[exchanges]'") from error
    if plain not in library.exchanges:
        raise ExchangeMissingError(f"no exchange {plain!r} in ccxt {library.__version__}")
    own = {"timeout": int(REQUEST_S * 1000), "enableRateLimit": True, "aiohttp_trust_env": True}
    return getattr(library, plain)({**own, **options})


def _poll(name: str, exchange: Any, pairs: list[str]) -> Read:
    """How to ask for all pairs over HTTP."""
    async def read() -> dict[str, Quote]:
        markets = await exchange.load_markets()
        known = [pair for pair in pairs if pair in markets]
        if len(known) < len(pairs):
            missing = ", ".join(sorted(set(pairs) - set(known)))
            if not known:
                raise NoQuoteError(f"does not trade {missing}")
            log.debug("pairs that an exchange does not trade", exchange=name, pairs=missing)
        if name in BULK:
            tickers = await exchange.fetch_tickers(known)
        else:
            tickers = await _one_by_one(exchange, known)
        return _quotes(tickers, known)

    return read


async def _one_by_one(exchange: Any, pairs: list[str]) -> dict[str, Any]:
    """The tickers of those pairs that answer. Raises what the first one raised when none does."""
    answers = await asyncio.gather(*(exchange.fetch_ticker(pair) for pair in pairs), return_exceptions=True)
    tickers = {pair: answer for pair, answer in zip(pairs, answers, strict=True) if isinstance(answer, dict)}
    errors = [answer for answer in answers if isinstance(answer, BaseException)]
    if errors and not tickers:
        raise errors[0]
    return tickers


class Stream:
    """The websockets of one exchange. A message that ccxt cannot read ends its listening without a word, so connections
    on which nothing was heard for `deadline_s` are closed; whoever waits for a pair opens new ones.
    """

    def __init__(self, name: str, exchange: Any, deadline_s: float) -> None:
        self._name = name
        self._exchange = exchange
        self._deadline_s = deadline_s
        self._heard_s = time.monotonic()

    def read(self, pair: str) -> Read:
        """How to wait for the next ticker of a pair."""
        async def read() -> dict[str, Quote]:
            ticker = await self._exchange.watch_ticker(pair)
            self._heard_s = time.monotonic()
            return _quotes({pair: ticker}, [pair])

        return read

    async def watch(self) -> None:
        """Close what has gone dumb, for ever. Cancel it to end."""
        while True:
            await asyncio.sleep(self._deadline_s)
            if time.monotonic() - self._heard_s < self._deadline_s:
                continue
            try:
                await within(self._exchange.close_ws_clients(), CLOSE_S)
            except Exception as error:  # noqa: BLE001 - edge of a source: it must not end the others
                log.warning("a stream does not close", source=self._name, reason=repr(error)[:200])


def _quotes(tickers: Any, pairs: list[str]) -> dict[str, Quote]:
    now_ns = time.time_ns()
    found = {pair: quote_of(tickers.get(pair), now_ns) for pair in pairs}
    return {pair: quote for pair, quote in found.items() if quote is not None}


def quote_of(ticker: Any, now_ns: int) -> Quote | None:
    """What a ticker of ccxt says: its last trade, drawn to between bid and ask where these make sense. None when that
    is no price. Never raises.
    """
    if not isinstance(ticker, dict):
        return None
    bid, last, ask = (number(ticker.get(key)) for key in ("bid", "last", "ask"))
    price = last
    if bid is not None and ask is not None and bid <= ask:
        price = median([bid, ask] if last is None else [bid, last, ask])
    return None if price is None else Quote(price, min(_time_ns(ticker.get("timestamp"), now_ns), now_ns))


def number(value: Any) -> Decimal | None:
    """A sane price as a decimal: of a float the shortest text that means it. None for everything else."""
    if value is None or isinstance(value, bool):
        return None
    try:
        price = Decimal(str(value))
    except (InvalidOperation, ValueError):
        return None
    return price if is_sane(price) else None


def _time_ns(milliseconds: Any, now_ns: int) -> int:
    """When it was true; now, if the exchange does not say, and long ago if what it says is no time."""
    if milliseconds is None:
        return now_ns
    if isinstance(milliseconds, (int, float)) and 0 < milliseconds < 1e16:
        return int(milliseconds) * 1_000_000
    return 0
