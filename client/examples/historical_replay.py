"""Try a strategy on prices of the past: a devchain follows a file of bars, and a simple trend follower trades on it.

    novation devchain &
    python -m client.examples.historical_replay --gateway 127.0.0.1:26650 --key-hex ... --prices bars.csv --feed BTC/USD

Matching, fees, margin and funding are the chain's own, so what it says is what the chain would have made of it. The
file has a column `close`, or is a bare list of prices; `--maker-key-hex` is who stands on the other side.
"""

from __future__ import annotations

import argparse
import csv
from collections import deque
from decimal import Decimal

from client import Key, NovationClient
from client.dev import Dev
from client.examples.common import arguments_of, run_example
from client.units import usd

HALF_SPREAD = Decimal("0.0005")
SLIP = Decimal("0.01")  # how far from the price the follower goes at most
SHORT, LONG = 5, 20  # bars of the two means


def closes(path: str, most: int) -> list[Decimal]:
    """The prices of the file. Raises ValueError when there are none."""
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    place = rows[0].index("close") if rows and "close" in rows[0] else 0
    found = [Decimal(row[place]) for row in rows[1 if rows and "close" in rows[0] else 0 :] if row][:most]
    if not found:
        raise ValueError(f"{path} holds no prices")
    return found


def mean(prices: deque[Decimal], bars: int) -> Decimal:
    """Of the last so many."""
    return sum(list(prices)[-bars:], Decimal(0)) / bars


async def replay(client: NovationClient, arguments: argparse.Namespace) -> None:
    """One bar a block: the maker quotes around it, the follower is long above the slow mean and short below."""
    dev, info = Dev(client), client.market(arguments.market)
    maker = NovationClient(arguments.gateway, Key.from_hex(arguments.maker_key_hex))
    await maker.connect()
    size, held, seen = Decimal(arguments.size), Decimal(0), deque[Decimal](maxlen=LONG)
    began = (await client.account()).equity_quanta
    trades, past = 0, closes(arguments.prices, arguments.bars)
    try:
        for price in past:
            await dev.set_price(arguments.feed, price)
            await dev.mine(1, arguments.bar_seconds)
            seen.append(price)
            await maker.cancel_all(info.symbol)
            await maker.place(info.symbol, "buy", 4 * size, info.units.floor_price(price * (1 - HALF_SPREAD)))
            await maker.place(info.symbol, "sell", 4 * size, info.units.ceil_price(price * (1 + HALF_SPREAD)))
            if len(seen) < LONG:
                continue
            wanted = size if mean(seen, SHORT) > mean(seen, LONG) else -size
            if wanted != held:
                buys = wanted > held
                worst = price * (1 + SLIP if buys else 1 - SLIP)
                limit = info.units.ceil_price(worst) if buys else info.units.floor_price(worst)
                order = await client.place(info.symbol, "buy" if buys else "sell", abs(wanted - held), limit,
                                           time_in_force="ioc")
                held += order.filled_size if buys else -order.filled_size
                trades += 1
    finally:
        await maker.close()
    profit = usd((await client.account()).equity_quanta - began)
    print(f"{len(past)} bars, {trades} trades, position {held}, profit {profit} USD")


def main() -> None:
    """The command line."""
    parser = arguments_of("trade a devchain along prices of the past")
    parser.add_argument("--maker-key-hex", required=True, help="seed of who quotes on the other side")
    parser.add_argument("--prices", required=True, help="CSV file with a column `close`")
    parser.add_argument("--feed", default="BTC/USD", help="whose prices they are")
    parser.add_argument("--bars", type=int, default=500, help="most that are used")
    parser.add_argument("--bar-seconds", type=float, default=60.0, help="how long a bar is")
    parser.add_argument("--size", default="0.1", help="of the position, in the base asset")
    run_example(replay, parser)


if __name__ == "__main__":
    main()
