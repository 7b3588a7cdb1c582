"""Quote both sides around the mark price, several levels deep, in one envelope a round.

    python -m client.examples.market_maker --gateway 127.0.0.1:26602 --key-hex ... --seconds 60

Each round cancels what rests and places anew, so one signature pays for the whole ladder. Cancelling and post-only
orders go first in a block, so a maker's update is not overtaken by takers of the same block.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from decimal import Decimal

from client import NovationClient
from client.envelopes import cancel_all, place
from client.errors import NotAvailable
from client.examples.common import arguments_of, run_example
from client.results import MarketInfo
from novation.v1 import tx_pb2


def ladder(info: MarketInfo, mark: Decimal, skew: Decimal, arguments: argparse.Namespace) -> list[tx_pb2.Action]:
    """The actions of one round: cancel all, then quotes on both sides of the mark, shifted against our position."""
    size_lots = info.units.lots(arguments.size)
    actions = [cancel_all(info.market)]
    for level in range(1, arguments.levels + 1):
        distance = mark * arguments.spread_bps * level / 20_000
        bid, ask = info.units.floor_price(mark - distance - skew), info.units.ceil_price(mark + distance - skew)
        for side, price in (("buy", bid), ("sell", ask)):
            actions.append(place(market=info.market, side=side, price_quanta=info.units.price_quanta(price),
                                 size_lots=size_lots, time_in_force="post_only"))
    return actions


async def make_market(client: NovationClient, arguments: argparse.Namespace) -> None:
    """Quote until the time is over, then cancel everything."""
    info = client.market(arguments.market)
    ends = time.monotonic() + arguments.seconds
    rounds = quotes = 0
    try:
        while time.monotonic() < ends:
            mark = await client.mark_price(info.symbol)
            account = await client.account()
            lots = sum(p.position.lots for p in account.positions if p.position.market == info.market)
            # Long: quote lower, so that selling becomes likelier. One level's distance a level's size held.
            skew = mark * arguments.spread_bps / 20_000 * info.units.size(lots) / Decimal(arguments.size)
            limit = mark * arguments.spread_bps * arguments.levels / 20_000
            try:
                sent = await client.send(ladder(info, mark, max(-limit, min(limit, skew)), arguments))
            except NotAvailable as error:
                print(f"not this time: {error}")
                continue
            rounds += 1
            quotes += sum(error is None for error in sent.errors()[1:])
            print(f"block {sent.height}: mark {mark}, position {info.units.size(lots)}, "
                  f"{sum(e is None for e in sent.errors()[1:])} quotes, fee {sent.fee} USD", flush=True)
            await asyncio.sleep(arguments.interval)
    finally:
        await client.cancel_all(info.symbol)
    print(f"{rounds} rounds, {quotes} quotes; all cancelled")


def main() -> None:
    """The command line."""
    parser = arguments_of("quote both sides around the mark price")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long")
    parser.add_argument("--interval", type=float, default=1.0, help="seconds between rounds")
    parser.add_argument("--levels", type=int, default=5, help="quotes a side")
    parser.add_argument("--spread-bps", type=int, default=10, help="distance of the first bid and ask, in basis points")
    parser.add_argument("--size", default="0.05", help="of each quote, in the base asset")
    run_example(make_market, parser)


if __name__ == "__main__":
    main()
