"""What is supposed in a question about risk, in decimals and the chain's integers.

    await client.risk(moves=[suppose_move("BTC-PERP", "-10%", volatility="+20%")])
    await client.risk(prices={"BTC-PERP": "41000", "ETH-PERP": "-10%"}, cash="-500",
                      orders=[suppose_order("BTC-PERP", "buy", "0.1", "46000")])
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from client import envelopes
from client.units import Amount, decimal, quanta
from novation.v1 import risk_service_pb2 as risk_service
from novation.v1 import tx_pb2

if TYPE_CHECKING:
    from client.results import MarketInfo

Find = Callable[[str | int], "MarketInfo"]
Supposed = Callable[[Find], Any]
"""A supposition that learns the units of its market when the request is made."""


def suppose_order(market: str | int, side: str, size: Amount, price: Amount, **terms: Any) -> Supposed:
    """An order of the account, as `place` would send it; `terms` are those of envelopes.place."""
    def action(find: Find) -> tx_pb2.Action:
        info = find(market)
        return envelopes.place(market=info.market, side=side, price_quanta=info.units.price_quanta(price),
                               size_lots=info.units.lots(size), **terms)

    return action


def suppose_trade(market: str | int, side: str, size: Amount, price: Amount) -> Supposed:
    """A fill outside the book, as its taker."""
    def trade(find: Find) -> risk_service.SupposedTrade:
        info = find(market)
        return risk_service.SupposedTrade(market=info.market, side=envelopes.SIDES[side],
                                          price_quanta=info.units.price_quanta(price), size_lots=info.units.lots(size))

    return trade


def supposed_price(find: Find, market: str | int, price: Amount) -> risk_service.SupposedPrice:
    """A mark, or a change like "-10%"."""
    info = find(market)
    if isinstance(price, str) and price.endswith("%"):
        return risk_service.SupposedPrice(market=info.market, change_ppm=change_ppm(price))
    return risk_service.SupposedPrice(market=info.market, price_quanta=info.units.price_quanta(price))


def change_ppm(change: str) -> int:
    """A change like "-10%". Raises ValueError for what is finer than 0.0001%."""
    found = decimal(change.removesuffix("%"), "change") * 10_000
    if not change.endswith("%") or found != int(found):
        raise ValueError(f"{change!r} is not a change like -10%, or finer than 0.0001%")
    return int(found)


def suppose_move(market: str | int, price: str = "0%", volatility: str = "0%") -> Supposed:
    """The underlying of `market` moves, and with it every market on it, options included: changes like "-10%"."""
    def move(find: Find) -> risk_service.SupposedMove:
        return risk_service.SupposedMove(feed=find(market).record.feed, price_ppm=change_ppm(price),
                                         volatility_ppm=change_ppm(volatility))

    return move


def scenario_grid(market: str | int, prices_ppm: Sequence[int], volatilities_ppm: Sequence[int] = (0,)) -> Supposed:
    """A table of moves of the underlying of `market`."""
    def grid(find: Find) -> risk_service.ScenarioGrid:
        return risk_service.ScenarioGrid(feed=find(market).record.feed, prices_ppm=prices_ppm,
                                         volatilities_ppm=volatilities_ppm)

    return grid


def risk_request(find: Find, account: tx_pb2.AccountId, *, prices: Mapping[str | int, Amount] | None = None,
                 moves: Sequence[Supposed] = (), cash: Amount = 0, trades: Sequence[Supposed] = (),
                 orders: Sequence[Supposed] = (), actions: Sequence[tx_pb2.Action] = (),
                 grid: Supposed | None = None) -> risk_service.GetRiskRequest:
    """The request; `orders` come before other `actions`."""
    return risk_service.GetRiskRequest(
        account=account, prices=[supposed_price(find, market, price) for market, price in (prices or {}).items()],
        moves=[move(find) for move in moves], cash_quanta=quanta(cash), trades=[trade(find) for trade in trades],
        actions=[*(order(find) for order in orders), *actions], grid=grid(find) if grid else None)
