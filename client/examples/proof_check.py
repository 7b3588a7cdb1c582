"""An account's record with its proof, checked against the validators' signatures: no trust in the node that sent it.

    python -m client.examples.proof_check --rpc 127.0.0.1:26601 --owner 40-HEX-DIGITS --trust HEIGHT:HASH

Get the trusted height and hash from several sources, once. Without --trust the node itself is asked, which shows how it
works and proves nothing about the node.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from client.light import LightClient, LightError, TrustOptions, trust_in
from client.units import usd
from novation.v1 import state_pb2


async def check(arguments: argparse.Namespace) -> None:
    """Fetch, verify, print."""
    rpc = arguments.rpc if "://" in arguments.rpc else f"http://{arguments.rpc}"
    if arguments.trust:
        height, _, digest = arguments.trust.partition(":")
        trust = TrustOptions(arguments.chain_id, height=int(height), hash=bytes.fromhex(digest))
    else:
        trust = await trust_in(rpc)
    async with LightClient(rpc, trust) as light:
        key = bytes.fromhex(arguments.owner) + arguments.account.to_bytes(4, "big")
        record = await light.record("accounts", key, form="ics23")
        if record.value is None:
            print(f"proven: at height {record.height} there is no such account")
        else:
            cash = state_pb2.Account.FromString(record.value).cash_quanta
            print(f"proven: at height {record.height} the account has {usd(cash)} USD in cash")
        print(f"app hash {record.header.app_hash.hex()}, signed by more than two thirds of the validators")


def main() -> None:
    """The command line; it needs no key."""
    parser = argparse.ArgumentParser(description="verify an account's record against the validators' signatures")
    parser.add_argument("--rpc", default="127.0.0.1:26601", help="CometBFT's RPC of any node")
    parser.add_argument("--owner", required=True, help="address of the owner, 40 hexadecimal digits")
    parser.add_argument("--account", type=int, default=0, help="number of the account")
    parser.add_argument("--chain-id", default="", help="with --trust")
    parser.add_argument("--trust", default="", help="HEIGHT:HASH of a header that you trust")
    try:
        asyncio.run(check(parser.parse_args()))
    except (LightError, ValueError, OSError) as error:
        sys.exit(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
