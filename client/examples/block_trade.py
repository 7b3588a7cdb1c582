"""Two parties agree on a trade and settle it at once, outside the book.

    python -m client.examples.block_trade --gateway 127.0.0.1:26602 --key-hex SENDER --other-key-hex COUNTERPARTY \\
        --leg buy:0.5:BTC-PERP:46000

Here one process plays both. In life the counterparty runs `sign_block` and sends the bytes by any means; the sender
checks that they say what was agreed, and settles. Either all legs settle or none.
"""

from __future__ import annotations

import argparse

from client import Key, NovationClient
from client.examples.common import arguments_of, run_example
from client.legs import Leg
from novation.v1 import tx_pb2


async def trade(client: NovationClient, arguments: argparse.Namespace) -> None:
    """Both sides, one after the other."""
    legs = [Leg.parse(text) for text in arguments.legs]
    async with NovationClient(arguments.gateway, Key.from_hex(arguments.other_key_hex)) as counterparty:
        signed = counterparty.sign_block(client.account_id, legs).SerializeToString()  # what goes over the wire
    sent = await client.block_trade(tx_pb2.BlockTrade.FromString(signed), legs)
    print(f"block {sent.height}: {', '.join(arguments.legs)} settled, gas fee {sent.fee} USD")
    for held in (await client.account()).positions:
        print(f"position in market {held.position.market}: {held.position.lots} lots")


def main() -> None:
    """The command line."""
    parser = arguments_of("settle a trade that two parties agreed on")
    parser.add_argument("--other-key-hex", required=True, help="seed of the counterparty")
    parser.add_argument("--leg", dest="legs", action="append", required=True, help="SIDE:SIZE:MARKET:PRICE")
    run_example(trade, parser)


if __name__ == "__main__":
    main()
