"""From words in novation.toml to sources: `walk:46000`, `static:1`, `volatile:46000`, `replay:bars.csv`,
`kraken:BTC/USD` over HTTP, `kraken+ws:BTC/USD` over a websocket.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from node.prices import models
from node.prices.aggregate import JumpGuard, Quote, Terms, agreed, is_fresh, is_sane
from node.prices.bars import read_bars
from node.prices.exchanges import Exchanges
from node.prices.observation import FEEDS_MAX, SYMBOL
from node.settings import FeedSettings, PricesSettings

QuoteAt = Callable[[int], Quote | None]
Job = Coroutine[None, None, None]

MODELS = ("replay", "static", "volatile", "walk")


class SourceError(ValueError):
    """The settings name a source or feed that cannot be; the message names the place."""


@dataclass(slots=True)
class Source:
    """One place that knows the price of a feed. `rate` is the feed that its prices are multiplied by, "" for none."""

    name: str
    quote: QuoteAt
    rate: str = ""
    guard: JumpGuard = field(default_factory=JumpGuard)

    def price(self, now_ns: int, max_age_ns: int) -> Decimal | None:
        """What it says now, if that can be used."""
        quote = self.quote(now_ns)
        if quote is None or not is_sane(quote.price) or not is_fresh(quote, now_ns, max_age_ns):
            return None
        return quote.price if self.guard.believed(quote, now_ns) else None


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed and where its price comes from."""

    symbol: str
    sources: list[Source]
    terms: Terms


def prices_of(feeds: list[Feed], now_ns: int) -> dict[str, Decimal]:
    """The price of every feed that has one. In `feeds`, rates come before those that need them."""
    prices: dict[str, Decimal] = {}
    for feed in feeds:
        said = [_in_quote(source, prices, now_ns, feed.terms.max_age_ns) for source in feed.sources]
        price = agreed([one for one in said if one is not None], feed.terms).price
        if price is not None:
            prices[feed.symbol] = price
    return prices


def _in_quote(source: Source, prices: dict[str, Decimal], now_ns: int, max_age_ns: int) -> Decimal | None:
    price = source.price(now_ns, max_age_ns)
    if price is None or not source.rate:
        return price
    rate = prices.get(source.rate)
    return None if rate is None else price * rate


def build_feeds(settings: PricesSettings, feeds: list[FeedSettings], exchanges: Exchanges) -> list[Feed]:
    """The feeds of the settings, rates first; the exchanges that they name are asked for their pairs in `exchanges`.

    Raises SourceError, and PricesError for a file.
    """
    if len(feeds) > FEEDS_MAX:
        raise SourceError(f"{len(feeds)} feeds, more than {FEEDS_MAX}")
    symbols = [feed.symbol for feed in feeds]
    for symbol in symbols:
        if not SYMBOL.fullmatch(symbol) or symbols.count(symbol) > 1:
            raise SourceError(f"[[feeds]] symbol {symbol!r} must be like BTC/USD, and each only once")
    built = {feed.symbol: _feed(settings, feed, symbols, exchanges) for feed in feeds}
    needs = {symbol: {source.rate for source in feed.sources if source.rate} for symbol, feed in built.items()}
    try:
        return [built[symbol] for symbol in TopologicalSorter(needs).static_order()]
    except CycleError as error:
        raise SourceError(f"feeds that need one another's price: {', '.join(error.args[1])}") from error


def _feed(settings: PricesSettings, feed: FeedSettings, symbols: list[str], exchanges: Exchanges) -> Feed:
    where = f"[[feeds]] {feed.symbol}"
    if not feed.sources:
        raise SourceError(f"{where} has no sources")
    if not 0 <= feed.min_sources <= len(feed.sources) or feed.max_age_s <= 0 or feed.agree_ppm <= 0:
        raise SourceError(f"{where}: min_sources within 0..{len(feed.sources)}, max_age_s and agree_ppm above 0")
    least = feed.min_sources or len(feed.sources) // 2 + 1
    sources = [_source(settings, feed.symbol, text, symbols, exchanges) for text in feed.sources]
    return Feed(feed.symbol, sources, Terms(least, int(feed.max_age_s * 10**9), feed.agree_ppm))


def _source(settings: PricesSettings, symbol: str, text: str, symbols: list[str], exchanges: Exchanges) -> Source:
    kind, _, rest = text.partition(":")
    if kind in MODELS:
        return Source(text, _of_model(model_of(settings, symbol, kind, rest), settings.start_ns))
    base, _, quote = rest.partition(":")[0].partition("/")
    feed_base, feed_quote = symbol.split("/")
    if base != feed_base or not quote:
        raise SourceError(f"[[feeds]] {symbol}: source {text!r} is not like kraken:{symbol}, nor one of "
                          f"{', '.join(f'{model}:...' for model in MODELS)}")
    rate = "" if quote == feed_quote else f"{quote}/{feed_quote}"
    if rate and rate not in symbols:
        raise SourceError(f"[[feeds]] {symbol}: source {text!r} needs a feed {rate}")
    return Source(text, exchanges.ask(kind, rest), rate)


def _of_model(model: models.Model, start_ns: int) -> QuoteAt:
    return lambda now_ns: Quote(model(now_ns - start_ns), now_ns)


def model_of(settings: PricesSettings, symbol: str, kind: str, rest: str) -> models.Model:
    """The model called `kind`; `rest` is its price or file. Raises SourceError, PricesError."""
    if kind == "replay":
        return models.replay(read_bars(Path(rest)), settings.speed)
    try:
        price = Decimal(rest)
    except InvalidOperation as error:
        raise SourceError(f"[[feeds]] {symbol}: {kind}:{rest} has no price") from error
    if not is_sane(price):
        raise SourceError(f"[[feeds]] {symbol}: {kind}:{rest} has no sensible price")
    if kind == "static":
        return models.static(price)
    return models.volatile(price) if kind == "volatile" else models.walk(price, f"{settings.seed}/{symbol}")
