"""Place an order far below the market, see it in the book, cancel it.

    python -m client.examples.place_and_cancel --gateway 127.0.0.1:26602 --key-hex ...
"""

from __future__ import annotations

import argparse
from decimal import Decimal

from client import NovationClient
from client.examples.common import arguments_of, run_example


async def place_and_cancel(client: NovationClient, arguments: argparse.Namespace) -> None:
    """One order's life."""
    info = client.market(arguments.market)
    mark = await client.mark_price(info.symbol)
    price = info.units.floor_price(mark * Decimal("0.8"))  # rounding is ours to choose, and here we choose
    order = await client.place(info.symbol, "buy", arguments.size, price, time_in_force="post_only")
    print(f"block {order.height}: order {order.order_id} rests: buy {order.open_size} at {price}, fee {order.fee} USD")
    for resting in await client.open_orders(info.symbol):
        size, at = info.units.size(resting.open_lots), info.units.price(resting.price_quanta)
        print(f"open: {resting.order_id} {size} at {at}")
    sent = await client.cancel(order_id=order.order_id)
    print(f"block {sent.height}: order {order.order_id} cancelled")


def main() -> None:
    """The command line."""
    parser = arguments_of("place an order far below the market and cancel it")
    parser.add_argument("--size", default="0.01", help="in the base asset")
    run_example(place_and_cancel, parser)


if __name__ == "__main__":
    main()
