"""The option chain in decimals.

    chain = await client.option_chain("BTC")
    for expiry in chain.expiries:
        for strike, call, put in expiry.rows():
            print(expiry.name, strike, call and call.mark_volatility, put and put.delta)

Prices are in USD for one of the base asset, sizes in it. Volatilities are shares of 1 a year: 0.6 is 60 %.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from client.results import MarketInfo
from client.units import Units, usd
from novation.v1 import market_data_service_pb2 as market_data
from novation.v1 import state_pb2

E9 = 10**9
DAY_NS = 86_400 * E9


@dataclass(slots=True, frozen=True)
class Greeks:
    """How the price of one of the base asset answers to small moves."""

    delta: Decimal  # what it gains of a USD that the forward gains; of puts below 0
    gamma: Decimal  # what delta gains as the forward gains a USD
    vega: Decimal  # USD that a point (1 %) of volatility adds
    theta: Decimal  # USD that a day adds


@dataclass(slots=True, frozen=True)
class OptionQuote:
    """One series; None where there is none, or nothing is known."""

    info: MarketInfo
    right: str  # "call" or "put"
    strike: Decimal
    mark: Decimal | None
    bid: Decimal | None
    ask: Decimal | None
    last: Decimal | None
    bid_size: Decimal
    ask_size: Decimal
    mark_volatility: Decimal | None
    bid_volatility: Decimal | None
    ask_volatility: Decimal | None
    greeks: Greeks | None
    open_interest: Decimal
    volume: Decimal  # of the last 24 hours, as far as the gateway holds trades

    @property
    def symbol(self) -> str:
        """As in `place`."""
        return self.info.symbol


@dataclass(slots=True, frozen=True)
class OptionExpiry:
    """All series of one underlying that expire together, ascending by strike, the call before the put."""

    underlying: str  # a feed, as in "BTC/USD"
    expiry_ns: int
    left_ns: int  # at the height of the chain
    forward: Decimal | None
    quotes: tuple[OptionQuote, ...]

    @property
    def name(self) -> str:
        """As in symbols: 27NOV26."""
        return expiry_text(self.quotes[0].info)

    @property
    def days_left(self) -> Decimal:
        """Days to expiry."""
        return Decimal(self.left_ns) / DAY_NS

    def rows(self) -> Iterator[tuple[Decimal, OptionQuote | None, OptionQuote | None]]:
        """(strike, call, put), ascending."""
        found: dict[Decimal, dict[str, OptionQuote]] = {}
        for quote in self.quotes:
            found.setdefault(quote.strike, {})[quote.right] = quote
        for strike, rights in found.items():
            yield strike, rights.get("call"), rights.get("put")


@dataclass(slots=True, frozen=True)
class OptionChain:
    """What is listed, at one height."""

    height: int
    time_ns: int
    expiries: tuple[OptionExpiry, ...]  # ascending by feed and expiry

    def quote(self, market: str | int) -> OptionQuote:
        """One series by symbol or number. Raises KeyError."""
        for expiry in self.expiries:
            for one in expiry.quotes:
                if market in (one.symbol, one.info.market):
                    return one
        raise KeyError(market)


def expiry_text(info: MarketInfo) -> str:
    """The expiry in an option's symbol: of BTC-27NOV26-46000-C it is 27NOV26."""
    return info.symbol.rsplit("-", 3)[1]


def expiry_texts(infos: Iterable[MarketInfo]) -> list[str]:
    """The expiries of all options among markets, ascending."""
    found = {info.record.expiry_ns: expiry_text(info) for info in _options(infos)}
    return [found[expiry_ns] for expiry_ns in sorted(found)]


def expiries_called(expiry: str, infos: Iterable[MarketInfo]) -> list[int]:
    """The expiries, in nanoseconds, that "27NOV26", "2026-11-27" or "2026-11-27T08:00:00" means; none for ""."""
    wanted = expiry.upper()
    return sorted({info.record.expiry_ns for info in _options(infos) if wanted and (
        expiry_text(info) == wanted or _utc_text(info.record.expiry_ns).startswith(wanted))})


def _options(infos: Iterable[MarketInfo]) -> Iterator[MarketInfo]:
    return (info for info in infos if info.record.kind == state_pb2.MARKET_KIND_OPTION)


def _utc_text(time_ns: int) -> str:
    return f"{datetime.fromtimestamp(time_ns // E9, UTC):%Y-%m-%dT%H:%M:%S}"


def chain_from(response: market_data.GetOptionsResponse) -> OptionChain:
    """The chain of a reply."""
    return OptionChain(response.height, response.time_ns, tuple(
        _expiry(one, response.time_ns) for one in response.expiries))


def _expiry(expiry: market_data.OptionExpiry, time_ns: int) -> OptionExpiry:
    quotes = tuple(_quote(one, expiry.forward_quanta) for one in expiry.options)
    return OptionExpiry(expiry.underlying, expiry.expiry_ns, max(0, expiry.expiry_ns - time_ns),
                        _known(quotes[0].info.units, expiry.forward_quanta), quotes)


def _quote(one: market_data.OptionQuote, forward_quanta: int) -> OptionQuote:
    summary = one.summary
    record = summary.market
    units = Units.of(record)
    is_call = record.right == state_pb2.OPTION_RIGHT_CALL
    return OptionQuote(
        info=MarketInfo(record.market, record.symbol, units, record), right="call" if is_call else "put",
        strike=units.price(record.strike_quanta),
        mark=_known(units, summary.mark_price_quanta), bid=_known(units, summary.best_bid_quanta),
        ask=_known(units, summary.best_ask_quanta), last=_known(units, summary.last_price_quanta),
        bid_size=units.size(one.bid_lots), ask_size=units.size(one.ask_lots),
        mark_volatility=_share(one.mark_volatility_e9), bid_volatility=_share(one.bid_volatility_e9),
        ask_volatility=_share(one.ask_volatility_e9),
        greeks=_greeks(one.greeks, units, units.price(forward_quanta)) if one.HasField("greeks") else None,
        open_interest=units.size(summary.open_interest_lots), volume=units.size(one.volume_lots))


def _greeks(one: market_data.Greeks, units: Units, forward: Decimal) -> Greeks:
    return Greeks(delta=Decimal(one.delta_e9) / E9, gamma=Decimal(one.gamma_e9) / E9 / forward,
                  vega=usd(one.vega_quanta) / units.lot_size / 100, theta=usd(one.theta_quanta) / units.lot_size)


def _known(units: Units, price_quanta: int) -> Decimal | None:
    return units.price(price_quanta) if price_quanta else None


def _share(share_e9: int) -> Decimal | None:
    return Decimal(share_e9) / E9 if share_e9 else None
