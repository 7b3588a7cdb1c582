"""What the examples share: arguments, a funded client, and an end."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable

from client import Key, NovationClient, NovationError

Run = Callable[[NovationClient, argparse.Namespace], Awaitable[None]]


def arguments_of(description: str) -> argparse.ArgumentParser:
    """The arguments of every example."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--gateway", default="127.0.0.1:26602", help="host:port of a gateway")
    parser.add_argument("--key-file", help="file with the key's seed, 64 hexadecimal digits")
    parser.add_argument("--key-hex", help="the seed itself; other users of this machine can see it: for test networks")
    parser.add_argument("--account", type=int, default=0, help="number of the account")
    parser.add_argument("--market", default="BTC-PERP", help="symbol of the market")
    return parser


def run_example(run: Run, parser: argparse.ArgumentParser) -> None:
    """Parse, connect, run; errors become one line and exit status 1."""
    arguments = parser.parse_args()
    try:
        asyncio.run(_connected(run, arguments))
    except (NovationError, ValueError, OSError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


async def _connected(run: Run, arguments: argparse.Namespace) -> None:
    if bool(arguments.key_file) == bool(arguments.key_hex):
        raise ValueError("give a key with --key-file or --key-hex, on a localnet any 64 hexadecimal digits: "
                         "`openssl rand -hex 32 > my.key`")
    key = Key.from_file(arguments.key_file) if arguments.key_file else Key.from_hex(arguments.key_hex)
    async with NovationClient(arguments.gateway, key, account_number=arguments.account) as client:
        if not (await client.account()).exists:
            raise ValueError(f"account {key.owner.hex()} is not funded: on a localnet, "
                             f"`novation faucet {key.owner.hex()}` funds it")
        await run(client, arguments)
