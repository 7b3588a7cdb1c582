"""Trade with a key that cannot take the money: an owner lets a fresh key trade for an hour, and takes it away again.

    python -m client.examples.agent_key --gateway 127.0.0.1:26602 --key-hex OWNER

Keep the owner's key where it is safe, and give the bot the agent's.
"""

from __future__ import annotations

import argparse

from client import Key, NovationClient
from client.errors import AuthenticationError, PermissionDenied
from client.examples.common import arguments_of, run_example

HOUR_SECONDS = 3_600


async def delegate(client: NovationClient, arguments: argparse.Namespace) -> None:
    """Let in, trade, try to take money, take away, try to trade."""
    agent = Key.generate()
    await client.set_agent(agent.public_key, HOUR_SECONDS)
    mark = await client.mark_price(arguments.market)
    price = client.market(arguments.market).units.floor_price(mark * 98 / 100)
    async with NovationClient(arguments.gateway, agent, owner=client.account_id.owner,
                              account_number=arguments.account) as bot:
        order = await bot.place(arguments.market, "buy", arguments.size, price, time_in_force="post_only")
        print(f"block {order.height}: the agent placed order {order.order_id}")
        try:
            await bot.transfer(bot.account_id, "1")
        except PermissionDenied as error:
            print(f"and cannot move money: {error.reason}")
        await bot.cancel(order_id=order.order_id)
        await client.set_agent(agent.public_key, 0)
        try:
            await bot.place(arguments.market, "buy", arguments.size, price)
        except AuthenticationError as error:
            print(f"taken away, it cannot trade: {error.reason}")


def main() -> None:
    """The command line."""
    parser = arguments_of("let another key trade, and take it away")
    parser.add_argument("--size", default="0.01", help="of the order, in the base asset")
    run_example(delegate, parser)


if __name__ == "__main__":
    main()
