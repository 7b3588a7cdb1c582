"""What the bots of a local network do: plain functions from what they see to the actions of their next envelope.

A maker quotes a ladder on both sides of the fair price, which is the index, leaning against its position; a taker hits
it now and then; a gambler borrows as much as its taste allows, holds on, and starts again with fresh money once it is
ruined.
Prices are quote quanta a lot, sizes lots, as the chain counts them.
"""

import random
from dataclasses import dataclass

from novation.v1 import tx_pb2

LEVELS = 5
HALF_SPREAD_PPM = 150  # of the fair price: from there to the best quote
LEVEL_STEP_PPM = 800  # from one level to the next: the outer ones stand where the price has run within a second
LEAN_PPM = 300  # how far a maker at its position limit moves its quotes
TAKER_REACH_PPM = 2_000  # how far through the fair price a taker is ready to pay
LEVERAGES = (5, 8, 10, 12, 15)
LONG_SHARE = 0.65  # of the gamblers
STAKE_QUANTA = 20_000 * 10**6
LEAVE_CHANCE = 0.01  # each time a gambler looks


@dataclass(frozen=True, slots=True)
class BotMarket:
    """What a bot needs to know of a market."""

    market: int
    tick_quanta: int
    quote_lots: int  # size of a maker's quote at one level
    position_lots: int  # beyond it a bot only works its position down


@dataclass(frozen=True, slots=True)
class Taste:
    """What a gambler likes: how many times its money, and which way."""

    leverage: int
    buys: bool


def taste_of(chance: random.Random) -> Taste:
    """A taste by chance."""
    return Taste(chance.choice(LEVERAGES), chance.random() < LONG_SHARE)


def on_tick(price_quanta: int, market: BotMarket, up: bool) -> int:
    """`price_quanta` moved to a tick, upwards or downwards, at least one tick."""
    tick = market.tick_quanta
    ticks = -(-price_quanta // tick) if up else price_quanta // tick
    return max(1, ticks) * tick


def maker_actions(market: BotMarket, fair_quanta: int, held_lots: int, chance: random.Random) -> list[tx_pb2.Action]:
    """One envelope of a maker: away with the old ladder, up with the new one. What somebody offers beyond a quote is
    taken: a bid above the fair price, which post-only quotes would keep clear of, would leave the book without asks.
    """
    share = max(-1.0, min(1.0, held_lots / market.position_lots))
    centre = fair_quanta - int(fair_quanta * LEAN_PPM * share) // 1_000_000
    actions = [tx_pb2.Action(cancel_all=tx_pb2.CancelAll(market=market.market))]
    for level in range(LEVELS):
        away = centre * (HALF_SPREAD_PPM + LEVEL_STEP_PPM * level) // 1_000_000
        size = market.quote_lots * (level + 1) + chance.randrange(market.quote_lots)
        if held_lots < market.position_lots:
            price = on_tick(centre - away, market, up=False)
            actions.append(_order(market, tx_pb2.SIDE_BUY, price, size, tx_pb2.TIME_IN_FORCE_GOOD_TIL_CANCEL))
        if held_lots > -market.position_lots:
            price = on_tick(centre + away, market, up=True)
            actions.append(_order(market, tx_pb2.SIDE_SELL, price, size, tx_pb2.TIME_IN_FORCE_GOOD_TIL_CANCEL))
    return actions


def taker_actions(market: BotMarket, fair_quanta: int, held_lots: int, chance: random.Random) -> list[tx_pb2.Action]:
    """One envelope of a taker: a few orders on one side, filled at once or not at all; the side that brings it home."""
    lean = max(-0.4, min(0.4, held_lots / market.position_lots))
    buys = chance.random() > 0.5 + lean
    sizes = [1 + chance.randrange(2 * market.quote_lots) for _ in range(chance.randint(1, 3))]
    return [through(market, fair_quanta, buys, size) for size in sizes]


def gambler_actions(market: BotMarket, fair_quanta: int, held_lots: int, cash_quanta: int, taste: Taste,
                    chance: random.Random) -> list[tx_pb2.Action]:
    """What a gambler sends now: away with all of it, seldom; else what it still wants, as makers show only a little at
    once.
    """
    if held_lots and chance.random() < LEAVE_CHANCE:
        return [through(market, fair_quanta, held_lots < 0, abs(held_lots))]
    stake_quanta = STAKE_QUANTA if held_lots else min(cash_quanta, STAKE_QUANTA)
    size_lots = stake_quanta * taste.leverage // fair_quanta - abs(held_lots)
    return [through(market, fair_quanta, taste.buys, size_lots)] if size_lots > 0 else []


def through(market: BotMarket, fair_quanta: int, buys: bool, size_lots: int) -> tx_pb2.Action:
    """An order that reaches through the fair price and is filled at once as far as it can be."""
    reach = fair_quanta * TAKER_REACH_PPM // 1_000_000
    price = on_tick(fair_quanta + reach, market, up=True) if buys else on_tick(fair_quanta - reach, market, up=False)
    side = tx_pb2.SIDE_BUY if buys else tx_pb2.SIDE_SELL
    return _order(market, side, price, size_lots, tx_pb2.TIME_IN_FORCE_IMMEDIATE_OR_CANCEL)


def _order(market: BotMarket, side: int, price_quanta: int, size_lots: int, time_in_force: int) -> tx_pb2.Action:
    order = tx_pb2.PlaceOrder(
        market=market.market,
        side=side,  # type: ignore[arg-type]
        price_quanta=price_quanta,
        size_lots=size_lots,
        time_in_force=time_in_force,  # type: ignore[arg-type]
    )
    return tx_pb2.Action(place_order=order)
