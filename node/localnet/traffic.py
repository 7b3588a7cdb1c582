"""What makes a local network live: makers that quote around the mark, takers that hit them, gamblers that borrow.

Run as `python -m node.localnet.traffic --dir D`, one process for all of it. It uses nothing but the SDK.
"""

import argparse
import asyncio
import contextlib
import random
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from client.client import NovationClient
from client.errors import InsufficientFunds
from node.keys.dev import GAMBLERS, MAKERS, TAKERS, dev_key
from node.localnet import option_bots
from node.localnet.bots import (
    STAKE_QUANTA,
    BotMarket,
    gambler_actions,
    maker_actions,
    taker_actions,
    taste_of,
    through,
)
from node.localnet.plan import Plan, load_plan
from node.localnet.working import keep_working
from node.logs import configure_logs
from novation.v1 import state_pb2, tx_pb2
from novation.v1.market_data_service_pb2 import MarketSummary

MAKER_EVERY_S = 0.8
TAKER_EVERY_S = 0.5
GAMBLER_EVERY_S = 1.5
OPTION_MAKER_EVERY_S = 1.5
OPTION_TAKER_EVERY_S = 1.0
OPTION_MAKER, OPTION_TAKER = MAKERS[-1], TAKERS[-1]  # they have no market of their own
QUOTE_USD = 2_000  # of one quote at the innermost level
POSITION_USD = 200_000
MAKERS_BY_MARKET = (2, 1, 1)  # makers and takers of the first market, of the second ...; the others get none
TAKERS_BY_MARKET = (1, 1, 1)
FUTURE_SHARE = 0.5  # of what a taker of options holds against them

Act = Callable[[BotMarket, int, int, random.Random], list[tx_pb2.Action]]


async def bot(client: NovationClient, market: int, act: Act, chance: random.Random, every_s: float) -> None:
    """Look at price and position, act, wait; for ever. An envelope that fails raises and ends this client's life."""
    while True:
        summary = await client.summary(market)
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
            summary = await client.summary(market)
            fair_quanta, own = summary.index_price_quanta, await client.account()
            held_lots = next((one.position.lots for one in own.positions if one.position.market == market), 0)
            if not held_lots and own.cash_quanta < STAKE_QUANTA // 4:
                await client.faucet(STAKE_QUANTA // 10**6)
                continue
            view = sizes(market, summary.market.tick_quanta, fair_quanta)
            if actions := gambler_actions(view, fair_quanta, held_lots, own.cash_quanta, taste, chance):
                await client.send(actions)

    return gamble


async def choose_portfolio(client: NovationClient) -> None:
    """Have the account margined as a whole: who trades options against perpetuals would pay twice otherwise. It may be
    so already, or the chain has no terms for it.
    """
    with contextlib.suppress(InsufficientFunds):
        await client.set_margin_mode("portfolio")


def quoting(chance: random.Random) -> Callable[[NovationClient], object]:
    """The work of a maker of options."""

    async def quote(client: NovationClient) -> None:
        await choose_portfolio(client)
        await client.send([option_bots.cancel(0)])  # what an earlier life left
        quoted: set[int] = set()
        while True:
            summaries = await client.refresh_markets()
            held = {one.position.market: one.position.lots for one in (await client.account()).positions}
            chosen = option_bots.series_of(summaries, time.time_ns())
            listed = {one.market.market for one in summaries if one.market.status == state_pb2.MARKET_STATUS_ACTIVE}
            kept, quoted = quoted, {one.market for one in chosen}
            gone = sorted(kept & listed - quoted)
            for actions in option_bots.maker_envelopes(chosen, held, gone, chance):
                await client.send(actions)
            await asyncio.sleep(OPTION_MAKER_EVERY_S * chance.uniform(0.8, 1.2))

    return quote


def taking_options(markets: list[int], chance: random.Random) -> Callable[[NovationClient], object]:
    """The work of a taker of options, who holds the perpetual, and the future if there is one, against them; `markets`
    are these.
    """

    async def take(client: NovationClient) -> None:
        await choose_portfolio(client)
        while True:
            summaries = await client.refresh_markets()
            held = {one.position.market: one.position.lots for one in (await client.account()).positions}
            actions = option_bots.taker_actions(option_bots.series_of(summaries, time.time_ns()), held, chance)
            against = round(option_bots.hedge_lots(summaries, held) * lots_in_one(summaries, client))
            shares = (1 - FUTURE_SHARE, FUTURE_SHARE) if len(markets) > 1 else (1.0,)
            for market, share in zip(markets, shares, strict=False):
                one = next(one for one in summaries if one.market.market == market)
                view = sizes(market, one.market.tick_quanta, one.index_price_quanta or 1)
                wanted = round(against * share) - held.get(market, 0)
                if abs(wanted) >= view.quote_lots:
                    actions.append(through(view, one.index_price_quanta, wanted > 0, abs(wanted)))
            if actions:
                await client.send(actions)
            await asyncio.sleep(OPTION_TAKER_EVERY_S * chance.uniform(0.5, 1.5))

    return take


def lots_in_one(summaries: list[MarketSummary], client: NovationClient) -> float:
    """How many lots of the first perpetual are one lot of its options."""
    series = next((one.market.symbol for one in summaries if one.market.strike_quanta), None)
    first = client.market(summaries[0].market.symbol)
    return float(client.market(series).units.lot_size / first.units.lot_size) if series else 0.0


def sizes(market: int, tick_quanta: int, fair_quanta: int) -> BotMarket:
    """How much a bot trades at once and in all, in lots that are worth about the same in every market."""
    quote_lots = max(1, QUOTE_USD * 1_000_000 // fair_quanta)
    return BotMarket(market, tick_quanta, quote_lots, max(1, POSITION_USD * 1_000_000 // fair_quanta))


async def run(plan: Plan) -> None:
    """All bots of the network, spread over its gateways."""
    addresses = [node.gateway for node in plan.nodes]
    async with NovationClient(addresses[0]) as client:
        infos = [info for info in client.markets.values() if info.record.kind != state_pb2.MARKET_KIND_OPTION]
        markets = [info.market for info in infos]
        futures = [info.market for info in infos if info.record.kind == state_pb2.MARKET_KIND_FUTURE]
    work = bots(plan, markets, MAKERS, MAKERS_BY_MARKET, maker_actions, MAKER_EVERY_S)
    work += bots(plan, markets, TAKERS, TAKERS_BY_MARKET, taker_actions, TAKER_EVERY_S)
    hedges = [markets[0], *futures[:1]]
    for index, (name, act) in enumerate(((OPTION_MAKER, quoting), (OPTION_TAKER, partial(taking_options, hedges)))):
        chance = random.Random(f"novation/{plan.seed}/{name}/options")
        if plan.surfaces:
            work.append(keep_working(name, turned(addresses, index + 2), dev_key(name), act(chance)))
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
    plan = load_plan(Path(parser.parse_args().dir))
    configure_logs("info", plan.log_format, "traffic")
    asyncio.run(run(plan))


if __name__ == "__main__":
    main()
