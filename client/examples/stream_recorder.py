"""Write every trade and every change of a book to a file, one JSON a line, and survive whatever the connection does.

    python -m client.examples.stream_recorder --gateway 127.0.0.1:26602 --market BTC-PERP --out btc.jsonl --seconds 60

A `gap` line says which blocks nobody could show any more: what is in the file is complete but for these.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable
from typing import Any, TextIO

from client import NovationClient
from client.errors import NovationError
from client.streams import Gap


async def record_trades(client: NovationClient, symbol: str, write: Callable[[dict[str, Any]], None]) -> None:
    """Trades, and gaps between them."""
    units = client.market(symbol).units
    async for item in client.watch_trades(symbol, 1):
        if isinstance(item, Gap):
            write({"kind": "gap", "from": item.from_height, "to": item.to_height})
        else:
            write({"kind": "trade", "height": item.height, "time_ns": item.time_ns, "id": item.trade_id,
                   "price": str(units.price(item.price_quanta)), "size": str(units.size(item.size_lots))})


async def record_book(client: NovationClient, symbol: str, write: Callable[[dict[str, Any]], None]) -> None:
    """The best prices after every change."""
    units = client.market(symbol).units
    async for book in client.watch_book(symbol):
        write({"kind": "best", "height": book.height, "bid": str(units.price(book.best_bid)),
               "ask": str(units.price(book.best_ask))})


async def record(arguments: argparse.Namespace, out: TextIO) -> int:
    """Record until the time is over; how many lines were written."""
    lines = 0

    def write(line: dict[str, Any]) -> None:
        nonlocal lines
        out.write(json.dumps(line) + "\n")
        out.flush()
        lines += 1

    async with NovationClient(arguments.gateway) as client:
        tasks = [asyncio.create_task(work(client, arguments.market, write)) for work in (record_trades, record_book)]
        await asyncio.wait(tasks, timeout=arguments.seconds, return_when=asyncio.FIRST_EXCEPTION)
        for task in tasks:
            if task.done():
                task.result()
            task.cancel()
    return lines


def main() -> None:
    """The command line; it needs no key."""
    parser = argparse.ArgumentParser(description="record trades and best prices of a market")
    parser.add_argument("--gateway", default="127.0.0.1:26602", help="host:port of a gateway")
    parser.add_argument("--market", default="BTC-PERP", help="symbol of the market")
    parser.add_argument("--out", required=True, help="file that lines are added to")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long")
    arguments = parser.parse_args()
    try:
        with open(arguments.out, "a", encoding="utf-8") as out:
            print(f"{asyncio.run(record(arguments, out))} lines in {arguments.out}")
    except (NovationError, OSError) as error:
        sys.exit(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
