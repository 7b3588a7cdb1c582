"""The option chain: what is listed of options, with what the chain's own pricing says of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import takewhile

from app.context import Context
from app.errors import FAULTS
from app.kernel.fixed import BITS
from app.markets.types import OPTION
from app.options.queries import OptionView, view_option
from app.oracle.state import feeds
from node.gateway.errors import CallError, Code
from node.gateway.model import ReadModel
from node.gateway.questions import Questions
from novation.v1 import market_data_service_pb2 as market_data
from novation.v1 import state_pb2

DAY_NS = 86_400 * 10**9
E9 = 10**9
Summarise = Callable[[int], market_data.MarketSummary]


class OptionChains:
    """Answers to GetOptions. What an expiry's options say at a height is computed once for all who ask."""

    def __init__(self, model: ReadModel, questions: Questions) -> None:
        self._model = model
        self._questions = questions
        self._kept: tuple[tuple[int, int], dict[int, OptionView | None]] = ((0, 0), {})

    async def answer(self, request: market_data.GetOptionsRequest,
                     summarise: Summarise) -> market_data.GetOptionsResponse:
        """The expiries that are asked for, as they stand at one height. Raises CallError."""
        model = self._model
        names = {feed.feed: feed.symbol for feed in feeds(model.fork())}
        groups = listed(model.markets, feeds_called(request.underlying, names), set(request.expiries_ns))
        series = [market for group in groups.values() for market in group]
        volumes = {market.market: self._volume_lots(market.market) for market in series}
        quotes = {market.market: self._quote(summarise(market.market), volumes[market.market]) for market in series}
        response = market_data.GetOptionsResponse(height=model.height, time_ns=model.time_ns)
        views = await self._views({number: (quote.summary.best_bid_quanta, quote.summary.best_ask_quanta)
                                   for number, quote in quotes.items()})
        for (feed, expiry_ns), group in groups.items():
            expiry = response.expiries.add(feed=feed, underlying=names[feed], expiry_ns=expiry_ns)
            for market in group:
                quote, view = quotes[market.market], views[market.market]
                if view is not None:
                    expiry.forward_quanta = view.forward_quanta
                    say(quote, view)
                expiry.options.append(quote)
        return response

    def _quote(self, summary: market_data.MarketSummary, volume_lots: int) -> market_data.OptionQuote:
        best = self._model.book(summary.market.market).view(1)
        return market_data.OptionQuote(
            summary=summary, bid_lots=sum(level.size_lots for level in best.bids),
            ask_lots=sum(level.size_lots for level in best.asks), volume_lots=volume_lots)

    def _volume_lots(self, market: int) -> int:
        newest_first = reversed(self._model.trades.get(market, ()))
        since_ns = self._model.time_ns - DAY_NS
        return sum(trade.size_lots for trade in takewhile(lambda trade: trade.time_ns > since_ns, newest_first))

    async def _views(self, prices: Mapping[int, tuple[int, int]]) -> dict[int, OptionView | None]:
        """What each series says, and its bid and ask: those not yet known at this height by the worker."""
        at = self._model.generation, self._model.height
        if self._kept[0] != at:
            self._kept = at, {}
        known = self._kept[1]
        missing = {number: price for number, price in prices.items() if number not in known}

        if missing:
            known.update((await self._questions.ask(lambda ctx: view_all(ctx, missing)))[1])
        return known


def view_all(ctx: Context, prices: Mapping[int, tuple[int, int]]) -> dict[int, OptionView | None]:
    """What each series says; one whose rules raise says nothing."""
    found: dict[int, OptionView | None] = {}
    for number, best in prices.items():
        try:
            found[number] = view_option(ctx, number, best)
        except FAULTS:
            found[number] = None
    return found


def feeds_called(underlying: str, names: Mapping[int, str]) -> set[int]:
    """The feeds of that symbol, or with that before its slash; all for "". Raises CallError."""
    wanted = underlying.upper()
    found = {feed for feed, symbol in names.items() if wanted in ("", symbol.upper(), symbol.upper().split("/")[0])}
    if not found:
        raise CallError(Code.NOT_FOUND, "FEED_NOT_FOUND", f"{underlying!r} is not one of {', '.join(names.values())}",
                        metadata={"feed": underlying})
    return found


def listed(markets: Mapping[int, state_pb2.Market], wanted_feeds: set[int],
           expiries_ns: set[int]) -> dict[tuple[int, int], list[state_pb2.Market]]:
    """Series by (feed, expiry), ascending; in each by strike, the call before the put."""
    found: dict[tuple[int, int], list[state_pb2.Market]] = {}
    series = (one for one in markets.values() if one.kind == OPTION and one.feed in wanted_feeds)
    for one in sorted(series, key=lambda one: (one.feed, one.expiry_ns, one.strike_quanta, one.right)):
        if not expiries_ns or one.expiry_ns in expiries_ns:
            found.setdefault((one.feed, one.expiry_ns), []).append(one)
    return found


def say(quote: market_data.OptionQuote, view: OptionView) -> None:
    """Write what the chain's pricing says of a series into its quote."""
    quote.mark_volatility_e9, (bid, ask) = view.volatility_e18 // E9, view.implied_e18
    quote.bid_volatility_e9, quote.ask_volatility_e9 = bid // E9, ask // E9
    greeks = view.greeks
    quote.greeks.delta_e9, quote.greeks.gamma_e9 = greeks.delta_q80 * E9 >> BITS, greeks.gamma_q80 * E9 >> BITS
    quote.greeks.vega_quanta, quote.greeks.theta_quanta = greeks.vega_q80 >> BITS, greeks.theta_q80 >> BITS
