"""Sell the dear one and buy the cheap one of two markets on the same thing, both legs at once or none.

    python -m client.examples.arbitrage --gateway 127.0.0.1:26602 --key-hex ... --market BTC-PERP --other BTC-DEC

As a combo both orders fill in full or neither does, so there is never a leg without the other.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from decimal import Decimal

from client import NovationClient
from client.errors import InvalidOrder
from client.examples.common import arguments_of, run_example
from client.legs import Leg


async def edge(client: NovationClient, cheap: str, dear: str) -> tuple[Decimal, Decimal, Decimal]:
    """(what selling `dear` brings more than buying `cheap` costs, best ask of `cheap`, best bid of `dear`), a unit."""
    asks, bids = (await client.book(cheap, 1)).book.asks, (await client.book(dear, 1)).book.bids
    if not asks or not bids:
        return Decimal("-Infinity"), Decimal(0), Decimal(0)
    ask = client.market(cheap).units.price(asks[0].price_quanta)
    bid = client.market(dear).units.price(bids[0].price_quanta)
    return bid - ask, ask, bid


async def arbitrage(client: NovationClient, arguments: argparse.Namespace) -> None:
    """Until the time is over: trade both ways round whenever it brings enough."""
    ends, done = time.monotonic() + arguments.seconds, 0
    threshold = Decimal(arguments.least)
    while time.monotonic() < ends:
        for cheap, dear in ((arguments.market, arguments.other), (arguments.other, arguments.market)):
            brings, ask, bid = await edge(client, cheap, dear)
            if brings < threshold:
                continue
            size = Decimal(arguments.size)
            legs = [Leg(cheap, "buy", size, ask), Leg(dear, "sell", size, bid)]
            try:
                sent = await client.place_combo(legs, net=-threshold * size)
            except InvalidOrder as error:
                print(f"gone before we were there: {error}", flush=True)
                continue
            done += 1
            print(f"block {sent.height}: bought {size} {cheap} at {ask}, sold {dear} at {bid}: {brings * size} USD",
                  flush=True)
        await asyncio.sleep(arguments.interval)
    print(f"{done} trades of both legs")


def main() -> None:
    """The command line."""
    parser = arguments_of("buy the cheap and sell the dear one of two markets, both or none")
    parser.add_argument("--other", required=True, help="symbol of the other market")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long")
    parser.add_argument("--interval", type=float, default=0.5, help="seconds between looks")
    parser.add_argument("--least", default="10", help="USD a unit that it must bring")
    parser.add_argument("--size", default="0.05", help="of each trade, in the base asset")
    run_example(arbitrage, parser)


if __name__ == "__main__":
    main()
