"""What makes a local network live: makers that quote around the mark, takers that hit them, gamblers that borrow.

Run as `python -m node.localnet.traffic --dir D`, one process for all of it. It uses nothing but the SDK.
"""

import argparse
import asyncio
import random
from collections.abc import Callable
from pathlib import Path

from client.client import NovationClient
from node.keys.dev import GAMBLERS, MAKERS, TAKERS, dev_key
from node.localnet.bots import STAKE_QUANTA, BotMarket, gambler_actions, maker_actions, taker_actions, taste_of
from node.localnet.plan import Plan, load_plan
from node.localnet.working import keep_working
from novation.v1 import tx_pb2

MAKER_EVERY_S = 0.8
TAKER_EVERY_S = 0.5
GAMBLER_EVERY_S = 1.5
QUOTE_USD = 2_000  # of one quote at the innermost level
POSITION_USD = 200_000
MAKERS_BY_MARKET = (2, 1)  # makers and takers of the first market, of the second; the others get none
TAKERS_BY_MARKET = (1, 1)

Act = Callable[[BotMarket, int, int, random.Random], list[tx_pb2.Action]]


async def bot(client: NovationClient, market: int, act: Act, chance: random.Random, every_s: float) -> None:
    """Look at price and position, act, wait; for ever. An envelope that fails raises and ends this client's life."""
    while True:
        summary = next(one for one in await client.refresh_markets() if one.market.market == market)
        fair_quanta = summary.index_price_quanta  # not the mark, which follows the quotes of these very bots
        positions = (await client.account()).positions
        held_lots = next((one.position.lots for one in positions if one.position.market == market), 0)
        if fair_quanta:
            view = sizes(market, summary.market.tick_quanta, fair_quanta)
            await client.send(act(view, fair_quanta, held_lots, chance))
        await asyncio.sleep(every_s * chance.uniform(0.8, 1.2))


def gambling(market: int, chance: random.Random) -> Callable[[NovationClient], object]:
    """The work of one gambler."""
    taste = taste_of(chance)

    async def gamble(client: NovationClient) -> None:
        while True:
            await asyncio.sleep(GAMBLER_EVERY_S * chance.uniform(0.5, 1.5))
            summary = next(one for one in await client.refresh_markets() if one.market.market == market)
            fair_quanta, own = summary.index_price_quanta, await client.account()
            held_lots = next((one.position.lots for one in own.positions if one.position.market == market), 0)
            if not held_lots and own.cash_quanta < STAKE_QUANTA // 4:
                await client.faucet(STAKE_QUANTA // 10**6)
                continue
            view = sizes(market, summary.market.tick_quanta, fair_quanta)
            if actions := gambler_actions(view, fair_quanta, held_lots, own.cash_quanta, taste, chance):
                await client.send(actions)

    return gamble


def sizes(market: int, tick_quanta: int, fair_quanta: int) -> BotMarket:
    """How much a bot trades at once and in all, in lots that are worth about the same in every market."""
    quote_lots = max(1, QUOTE_USD * 1_000_000 // fair_quanta)
    return BotMarket(market, tick_quanta, quote_lots, max(1, POSITION_USD * 1_000_000 // fair_quanta))


async def run(plan: Plan) -> None:
    """All bots of the network, spread over its gateways."""
    addresses = [node.gateway for node in plan.nodes]
    async with NovationClient(addresses[0]) as client:
        markets = [info.market for info in client.markets.values()]
    work = bots(plan, markets, MAKERS, MAKERS_BY_MARKET, maker_actions, MAKER_EVERY_S)
    work += bots(plan, markets, TAKERS, TAKERS_BY_MARKET, taker_actions, TAKER_EVERY_S)
    for index, name in enumerate(GAMBLERS[:plan.gamblers]):
        work.append(keep_working(name, turned(addresses, index), dev_key(name),
                                 gambling(markets[0], random.Random(f"novation/{plan.seed}/{name}"))))
    await asyncio.gather(*work)


def bots(plan: Plan, markets: list[int], names: tuple[str, ...], counts: tuple[int, ...], act: Act, every_s: float,
         ) -> list[asyncio.Future[None]]:
    """Tasks of the bots called `names`: so many for each market, each beginning at another gateway."""
    placed = [market for market, count in zip(markets, counts, strict=False) for _ in range(count)]
    tasks = []
    for index, (name, market) in enumerate(zip(names, placed, strict=False)):
        chance = random.Random(f"novation/{plan.seed}/{name}")
        addresses = turned([node.gateway for node in plan.nodes], index)
        work = _bound(market, act, chance, every_s)
        tasks.append(asyncio.ensure_future(keep_working(name, addresses, dev_key(name), work)))
    return tasks


def turned(addresses: list[str], index: int) -> list[str]:
    """The same gateways, each bot's beginning at another."""
    first = index % len(addresses)
    return addresses[first:] + addresses[:first]


def _bound(market: int, act: Act, chance: random.Random, every_s: float) -> Callable[[NovationClient], object]:
    return lambda client: bot(client, market, act, chance, every_s)


def main() -> None:
    parser = argparse.ArgumentParser(description="bots of a local network")
    parser.add_argument("--dir", required=True)
    asyncio.run(run(load_plan(Path(parser.parse_args().dir))))


if __name__ == "__main__":
    main()
