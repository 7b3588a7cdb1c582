"""Hold the perpetual and sell calls on it, expiry after expiry: premium now for what the price gains above the strike.

    python -m client.examples.covered_call --gateway 127.0.0.1:26602 --key-hex ... --size 0.5 --delta 0.3

In portfolio mode the perpetual covers the calls, and both together ask for little more margin than the perpetual alone.
"""

from __future__ import annotations

import argparse
import asyncio
from decimal import Decimal

from client import NovationClient
from client.errors import InvalidOrder
from client.examples.common import arguments_of, run_example
from client.options import OptionQuote
from client.streams import Gap
from client.units import usd


async def held(client: NovationClient, market: str | int) -> Decimal:
    """The position in a market, in the base asset; negative: short."""
    info = await client.find(market)
    lots = [one.position.lots for one in (await client.account()).positions if one.position.market == info.market]
    return info.units.size(sum(lots))


async def buy_underlying(client: NovationClient, arguments: argparse.Namespace) -> None:
    """Until the position covers the calls: take what is offered within the slippage of the mark."""
    units = client.market(arguments.market).units
    while (missing := arguments.size - await held(client, arguments.market)) > 0:
        worst = await client.mark_price(arguments.market) * (10_000 + arguments.slippage_bps) / 10_000
        bought = await client.place(arguments.market, "buy", missing, units.ceil_price(worst), time_in_force="ioc")
        if bought.filled_size:
            print(f"block {bought.height}: bought {bought.filled_size} {arguments.market} at "
                  f"{bought.average_price:.2f}", flush=True)
        else:
            await asyncio.sleep(arguments.interval)


async def choose(client: NovationClient, arguments: argparse.Namespace) -> OptionQuote:
    """The call of the nearest expiry, if that is far enough away, whose delta is nearest to the one that is wanted."""
    for expiry in (await client.option_chain(arguments.underlying)).expiries:
        calls = [one for one in expiry.quotes if one.right == "call" and one.greeks and one.mark]
        if calls and expiry.days_left * 24 >= arguments.least_hours:
            return min(calls, key=lambda one: abs(one.greeks.delta - arguments.delta) if one.greeks else 1)
    raise ValueError(f"no calls on {arguments.underlying} are listed that live {arguments.least_hours} hours or more")


async def sell(client: NovationClient, call: OptionQuote, arguments: argparse.Namespace) -> None:
    """Until all are sold: an order a little below the mark, which moves with it."""
    while (missing := arguments.size + await held(client, call.symbol)) > 0:
        await client.cancel_all(call.symbol)
        mark = await client.mark_price(call.symbol)
        price = call.info.units.ceil_price(mark * (100 - arguments.give_percent) / 100)
        try:
            order = await client.place(call.symbol, "sell", missing, price)
        except InvalidOrder as error:  # such as a band that has moved meanwhile
            print(f"not this time: {error}", flush=True)
        else:
            print(f"block {order.height}: offered {missing} {call.symbol} at {price}, {order.filled_size} sold at once",
                  flush=True)
        await asyncio.sleep(arguments.interval)


async def expire(client: NovationClient, call: OptionQuote, after_height: int) -> Decimal:
    """Wait for the expiry; what was paid for each to its holders."""
    async for block in client.watch_blocks(after_height, with_txs=True):
        if isinstance(block, Gap):
            raise ValueError("this gateway no longer has the block of the expiry")
        for event in block.events:
            settled = event.position_settled
            if event.HasField("position_settled") and (settled.market, settled.account) == (
                    call.info.market, client.account_id):
                return call.info.units.price(settled.price_quanta)
    raise ValueError("the stream of blocks has ended")


async def covered_call(client: NovationClient, arguments: argparse.Namespace) -> None:
    """Buy, sell a call, wait, again."""
    before, settled = await client.account(), 0
    if arguments.portfolio:
        await client.set_margin_mode("portfolio")
    await buy_underlying(client, arguments)
    for _ in range(arguments.rounds):
        height, call = (await client.status()).height, await choose(client, arguments)
        await sell(client, call, arguments)
        account = await client.account()
        sold = next(one.position for one in account.positions if one.position.market == call.info.market)
        premium = usd(-sold.entry_quanta) / arguments.size
        print(f"{arguments.size} {call.symbol} sold for {premium:.2f} each; margin "
              f"{usd(account.initial_margin_quanta):.2f} of {usd(account.equity_quanta):.2f} USD", flush=True)
        paid = await expire(client, call, height)
        settled += 1
        print(f"{call.symbol} expired and paid {paid:.2f}: {(premium - paid) * arguments.size:+.2f} USD", flush=True)
    gained = usd((await client.account()).equity_quanta - before.equity_quanta)
    print(f"{settled} expiries, {await held(client, arguments.market)} {arguments.market} held; "
          f"equity {gained:+.2f} USD")


def main() -> None:
    """The command line."""
    parser = arguments_of("hold a perpetual and sell calls on it")
    parser.add_argument("--underlying", default="BTC", help="whose options")
    parser.add_argument("--size", type=Decimal, default=Decimal("0.1"), help="in the base asset, of both")
    parser.add_argument("--delta", type=Decimal, default=Decimal("0.3"), help="of the calls: more earns and caps more")
    parser.add_argument("--least-hours", type=Decimal, default=Decimal(2), help="that a call lives when it is sold")
    parser.add_argument("--rounds", type=int, default=1, help="expiries")
    parser.add_argument("--give-percent", type=Decimal, default=Decimal(2), help="how far below the mark to offer")
    parser.add_argument("--slippage-bps", type=int, default=20, help="from the mark when buying, in basis points")
    parser.add_argument("--interval", type=float, default=1.0, help="seconds between looks")
    parser.add_argument("--portfolio", action="store_true", help="margin the account as a portfolio")
    run_example(covered_call, parser)


if __name__ == "__main__":
    main()
