"""The feeder process of a node: `python -m node.prices --home H`. REMOVE with the consensus oracle."""

import argparse
import asyncio

from client.client import NovationClient
from node.home import Home
from node.keys.dev import PRICE_AUTHORITY, dev_key
from node.prices.feeder import feed, keep_working, provider
from node.settings import read_settings


async def run(home: Home) -> None:
    """Feed the market of the settings through this node's own gateway."""
    settings = read_settings(home)
    prices = settings.prices

    async def work(client: NovationClient) -> None:
        start = await client.mark_price(prices.market)
        await feed(client, {prices.market: provider(prices, start)}, prices.interval_ms / 1_000)

    await keep_working("feeder", [settings.gateway.listen], dev_key(PRICE_AUTHORITY), work)


def main() -> None:
    parser = argparse.ArgumentParser(description="set mark prices on a test network")
    parser.add_argument("--home", required=True)
    asyncio.run(run(Home.at(parser.parse_args().home)))


if __name__ == "__main__":
    main()
