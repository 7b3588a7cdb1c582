"""Bid for accounts in auction once the discount is worth it, then work what was taken off on the book.

    python -m client.examples.liquidator --gateway 127.0.0.1:26602 --key-hex ... --seconds 60 --discount 10

An account that the book cannot restore is on offer for a quarter of an hour; a bid takes part of its positions at the
marks and is paid a share of the equity behind them, which grows with time. Who waits gets more, unless somebody else
bids first. A bid is an ordinary action: what the bidder could not carry is refused, and nothing is taken.
"""

from __future__ import annotations

import argparse
import asyncio
import time

from client import NovationClient
from client.envelopes import cancel_all, place
from client.errors import BadRequest, InsufficientFunds, NotAvailable
from client.examples.common import arguments_of, run_example
from client.units import usd
from novation.v1 import account_service_pb2 as account_service
from novation.v1 import tx_pb2

PPM = 1_000_000
LEAST_FRACTION_PPM = 100_000  # a tenth of an account: the chain takes no less, unless less restores it


async def bid(client: NovationClient, auction: account_service.AuctionSummary, least_discount_ppm: int) -> bool:
    """Take as much of an account as it gives and we can carry: half as much each time it is too much for us."""
    fraction_ppm = PPM
    while fraction_ppm >= LEAST_FRACTION_PPM:
        try:
            sent = await client.bid(auction.account, most_fraction_ppm=fraction_ppm,
                                    least_discount_ppm=least_discount_ppm, expected_bids=auction.bids)
        except InsufficientFunds:
            fraction_ppm //= 2
            continue
        except BadRequest as error:  # somebody was quicker, or it is safe again
            print(f"not this time: {error}", flush=True)
            return False
        print(f"block {sent.height}: took part of {auction.account.owner.hex()}/{auction.account.number} at a discount "
              f"of {auction.discount_ppm / 10_000:g}% or more", flush=True)
        return True
    print("too much for us: more cash would earn", flush=True)
    return False


async def work_off(client: NovationClient, slippage_bps: int) -> None:
    """Sell what we are long, buy what we are short, within the slippage of the mark; what does not fill waits."""
    actions: list[tx_pb2.Action] = []
    units = {info.market: info.units for info in client.markets.values()}
    for one in (await client.account()).positions:
        held, mark = one.position, units[one.position.market].price(one.mark_price_quanta)
        if not held.lots:
            continue
        away = mark * slippage_bps / 10_000
        price = (units[held.market].floor_price(mark - away) if held.lots > 0
                 else units[held.market].ceil_price(mark + away))
        actions.append(place(market=held.market, side="sell" if held.lots > 0 else "buy",
                             price_quanta=units[held.market].price_quanta(price), size_lots=abs(held.lots),
                             time_in_force="ioc", reduce_only=True))
    if actions:
        await client.send([cancel_all(), *actions])


async def liquidate(client: NovationClient, arguments: argparse.Namespace) -> None:
    """Look, bid, work off, until the time is over."""
    ends, taken = time.monotonic() + arguments.seconds, 0
    least_discount_ppm = int(arguments.discount * 10_000)
    before = await client.account()
    while time.monotonic() < ends:
        try:
            for auction in await client.auctions():
                if auction.discount_ppm >= least_discount_ppm and auction.account != client.account_id:
                    taken += await bid(client, auction, least_discount_ppm)
            await work_off(client, arguments.slippage_bps)
        except NotAvailable as error:
            print(f"not this time: {error}", flush=True)
        await asyncio.sleep(arguments.interval)
    account = await client.account()
    print(f"{taken} bids taken; equity {usd(account.equity_quanta):.2f} USD, "
          f"{usd(account.equity_quanta - before.equity_quanta):+.2f}")


def main() -> None:
    """The command line."""
    parser = arguments_of("bid for accounts in auction and work off what was taken")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long")
    parser.add_argument("--interval", type=float, default=1.0, help="seconds between looks")
    parser.add_argument("--discount", type=float, default=5.0, help="least, in percent of the equity behind it")
    parser.add_argument("--slippage-bps", type=int, default=20, help="from the mark when working off, in basis points")
    run_example(liquidate, parser)


if __name__ == "__main__":
    main()
