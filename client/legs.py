"""Legs of trades that are one decision: combos against the books, blocks between two parties."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from client.envelopes import block_leg, combo_leg
from client.results import MarketInfo
from client.units import Amount
from novation.v1 import tx_pb2


@dataclass(slots=True, frozen=True)
class Leg:
    """So much of a market, bought or sold at `price`: of a combo the worst price, of a block trade the price."""

    market: str | int
    side: str
    size: Amount
    price: Amount
    reduce_only: bool = False

    @staticmethod
    def parse(text: str) -> Leg:
        """A leg from `buy:0.5:BTC-PERP:46000`, with `:reduce` at the end if it only reduces. Raises ValueError."""
        parts = text.split(":")
        if len(parts) not in (4, 5) or parts[4:] not in ([], ["reduce"]):
            raise ValueError(f"{text!r} is not SIDE:SIZE:MARKET:PRICE, with :reduce if it only reduces")
        side, size, market, price = parts[:4]
        return Leg(market, side, size, price, len(parts) == 5)


def combo_legs(legs: Sequence[Leg], market_of: Callable[[str | int], MarketInfo]) -> list[tx_pb2.ComboLeg]:
    """Legs in the chain's integers. Raises NotExact, BadSymbol, ValueError."""
    made = []
    for leg in legs:
        info = market_of(leg.market)
        made.append(combo_leg(market=info.market, side=leg.side, size_lots=info.units.lots(leg.size),
                              price_quanta=info.units.price_quanta(leg.price), reduce_only=leg.reduce_only))
    return made


def block_legs(legs: Sequence[Leg], market_of: Callable[[str | int], MarketInfo]) -> list[tx_pb2.BlockLeg]:
    """As `combo_legs`; no leg of a block trade only reduces."""
    made = []
    for leg in legs:
        if leg.reduce_only:
            raise ValueError("a leg of a block trade cannot be reduce-only")
        info = market_of(leg.market)
        made.append(block_leg(market=info.market, side=leg.side, size_lots=info.units.lots(leg.size),
                              price_quanta=info.units.price_quanta(leg.price)))
    return made
