"""Take what is offered: follow the book, and now and then buy or sell at the best price.

    python -m client.examples.taker --gateway 127.0.0.1:26602 --key-hex ... --seconds 60
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time

from client import LocalBook, NovationClient
from client.errors import InsufficientFunds, NotAvailable
from client.examples.common import arguments_of, run_example
from client.results import MarketInfo


async def follow_book(client: NovationClient, info: MarketInfo, latest: list[LocalBook]) -> None:
    """Keep the newest book in `latest`."""
    async for book in client.watch_book(info.symbol, depth=5):
        latest[:] = [book]


async def take(client: NovationClient, arguments: argparse.Namespace) -> None:
    """Trade until the time is over."""
    info = client.market(arguments.market)
    chance = random.Random(arguments.seed)
    latest: list[LocalBook] = []
    watching = asyncio.create_task(follow_book(client, info, latest))
    ends, trades = time.monotonic() + arguments.seconds, 0
    try:
        while time.monotonic() < ends:
            await asyncio.sleep(arguments.interval * chance.uniform(0.5, 1.5))
            side = chance.choice(("buy", "sell"))
            best = (latest[0].best_ask if side == "buy" else latest[0].best_bid) if latest else 0
            if not best:
                continue
            price = info.units.price(best)
            try:
                order = await client.place(info.symbol, side, arguments.size, price, time_in_force="ioc")
            except (NotAvailable, InsufficientFunds) as error:
                print(f"not this time: {error}")
                continue
            trades += bool(order.filled_size)
            print(f"block {order.height}: {side} {order.filled_size} of {arguments.size} at "
                  f"{order.average_price or price}", flush=True)
    finally:
        watching.cancel()
    account = await client.account()
    lots = sum(p.position.lots for p in account.positions if p.position.market == info.market)
    print(f"{trades} trades; position {info.units.size(lots)}, equity {account.equity_quanta / 1_000_000:.2f} USD")


def main() -> None:
    """The command line."""
    parser = arguments_of("buy and sell at the best price now and then")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long")
    parser.add_argument("--interval", type=float, default=1.0, help="mean seconds between orders")
    parser.add_argument("--size", default="0.02", help="of each order, in the base asset")
    parser.add_argument("--seed", type=int, default=1, help="of the choice of sides")
    run_example(take, parser)


if __name__ == "__main__":
    main()
