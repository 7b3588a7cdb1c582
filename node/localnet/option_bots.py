"""What the bots of a local network do with options: plain functions from what they see to the actions of an envelope.

A maker quotes the series nearest to the money around their marks, which are prices on the voted surface; a taker hits
it and holds the perpetual against what it has. Prices are quote quanta a lot, sizes lots, as the chain counts them.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from novation.v1 import market_data_service_pb2 as market_data
from novation.v1 import state_pb2, tx_pb2

EXPIRIES = 4  # that are quoted, the nearest first,
SERIES_EACH = 6  # and so many of each, the nearest to the money
SERIES_AT_ONCE = 5  # in an envelope: what their orders may cost must fit it
LEAST_LEFT_NS = 4 * 10**9  # no quotes so near to expiry
SPREAD_PPM = 50_000  # of the mark, from there to either quote
TAKER_REACH_PPM = 150_000
QUOTE_LOTS = 10
HELD_LOTS = 200  # beyond it a bot only works its position down


@dataclass(frozen=True, slots=True)
class Series:
    """What a bot needs to know of a series."""

    market: int
    expiry_ns: int
    tick_quanta: int
    mark_quanta: int
    is_call: bool
    away_quanta: int  # of the strike from the index


def series_of(summaries: Sequence[market_data.MarketSummary], now_ns: int) -> list[Series]:
    """The series to trade: of the nearest expiries those nearest to the money."""
    by_expiry: dict[int, list[Series]] = {}
    for one in summaries:
        market = one.market
        if (market.kind == state_pb2.MARKET_KIND_OPTION and market.status == state_pb2.MARKET_STATUS_ACTIVE
                and one.mark_price_quanta > 1 and market.expiry_ns > now_ns + LEAST_LEFT_NS):
            away = abs(market.strike_quanta - one.index_price_quanta)
            is_call = market.right == state_pb2.OPTION_RIGHT_CALL
            by_expiry.setdefault(market.expiry_ns, []).append(Series(
                market.market, market.expiry_ns, market.tick_quanta, one.mark_price_quanta, is_call, away))
    chosen = []
    for expiry_ns in sorted(by_expiry)[:EXPIRIES]:
        chosen += sorted(by_expiry[expiry_ns], key=lambda one: (one.away_quanta, one.market))[:SERIES_EACH]
    return chosen


def maker_envelopes(chosen: Sequence[Series], held: Mapping[int, int], gone: Sequence[int],
                    chance: random.Random) -> list[list[tx_pb2.Action]]:
    """What a maker sends, in envelopes of SERIES_AT_ONCE: of each series its quotes away and new ones up in one and the
    same, so that no book stands empty until the next block; first, no more quotes in those `gone`. What somebody offers
    beyond a quote is taken: a bid above the mark, which post-only quotes would keep clear of, would leave the series
    without asks.
    """
    envelopes = [[cancel(market) for market in gone]] if gone else []
    for first in range(0, len(chosen), SERIES_AT_ONCE):
        envelopes.append(quotes(chosen[first : first + SERIES_AT_ONCE], held, chance))
    return envelopes


def quotes(chosen: Sequence[Series], held: Mapping[int, int], chance: random.Random) -> list[tx_pb2.Action]:
    """Two sides of each series, in place of those that were there."""
    actions = []
    for one in chosen:
        actions.append(cancel(one.market))
        lots, size = held.get(one.market, 0), QUOTE_LOTS + chance.randrange(QUOTE_LOTS)
        width = one.mark_quanta * SPREAD_PPM // 1_000_000
        bid = (one.mark_quanta - width) // one.tick_quanta * one.tick_quanta
        ask = -(-(one.mark_quanta + width) // one.tick_quanta) * one.tick_quanta
        if bid > 0 and lots < HELD_LOTS:
            actions.append(order(one.market, tx_pb2.SIDE_BUY, bid, size, tx_pb2.TIME_IN_FORCE_GOOD_TIL_CANCEL))
        if lots > -HELD_LOTS:
            actions.append(order(one.market, tx_pb2.SIDE_SELL, ask, size, tx_pb2.TIME_IN_FORCE_GOOD_TIL_CANCEL))
    return actions


def taker_actions(chosen: Sequence[Series], held: Mapping[int, int], chance: random.Random) -> list[tx_pb2.Action]:
    """An order in one series by chance, filled at once as far as it can be."""
    if not chosen:
        return []
    one = chance.choice(chosen)
    lots = held.get(one.market, 0)
    buys = lots < -HELD_LOTS or (lots <= HELD_LOTS and chance.random() < 0.5)
    reach = one.mark_quanta * TAKER_REACH_PPM // 1_000_000 + one.tick_quanta
    price = (one.mark_quanta + reach) if buys else max(one.mark_quanta - reach, one.tick_quanta)
    price = -(-price // one.tick_quanta) * one.tick_quanta
    side = tx_pb2.SIDE_BUY if buys else tx_pb2.SIDE_SELL
    return [order(one.market, side, price, 1 + chance.randrange(QUOTE_LOTS), tx_pb2.TIME_IN_FORCE_IMMEDIATE_OR_CANCEL)]


def hedge_lots(summaries: Sequence[market_data.MarketSummary], held: Mapping[int, int]) -> float:
    """How much of the underlying, in option lots, would stand against the options held, at half a delta each."""
    rights = {one.market.market: one.market.right for one in summaries}
    calls = sum(lots for market, lots in held.items() if rights.get(market) == state_pb2.OPTION_RIGHT_CALL)
    puts = sum(lots for market, lots in held.items() if rights.get(market) == state_pb2.OPTION_RIGHT_PUT)
    return (puts - calls) / 2


def cancel(market: int) -> tx_pb2.Action:
    """Cancel all orders in a market; in all markets: 0."""
    return tx_pb2.Action(cancel_all=tx_pb2.CancelAll(market=market))


def order(market: int, side: int, price_quanta: int, size_lots: int, time_in_force: int) -> tx_pb2.Action:
    """Place an order."""
    return tx_pb2.Action(place_order=tx_pb2.PlaceOrder(
        market=market, side=side, price_quanta=price_quanta, size_lots=size_lots,  # type: ignore[arg-type]
        time_in_force=time_in_force))  # type: ignore[arg-type]
