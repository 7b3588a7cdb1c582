"""What an account owes, where it is liquidated, and what moves of its underlyings would do to it.

    python -m client.examples.risk_report --gateway 127.0.0.1:26602 --key-hex ...
"""

from __future__ import annotations

import argparse

from client import NovationClient
from client.examples.common import arguments_of, run_example
from client.risk import suppose_move
from client.units import usd

MOVES = ("-30%", "-20%", "-10%", "0%", "10%", "20%", "30%")


async def report(client: NovationClient, arguments: argparse.Namespace) -> None:
    """Print it."""
    now = (await client.risk()).before
    infos = {info.market: info for info in client.markets.values()}
    print(f"equity {usd(now.equity_quanta)} USD, initial margin {usd(now.initial_quanta)}, "
          f"maintenance {usd(now.maintenance_quanta)}, free {usd(now.free_quanta)}")
    for held in now.positions:
        info = infos[held.market]
        ends = held.safe.lower_quanta, held.safe.upper_quanta
        lower, upper = (info.units.price(end) if end else "never" for end in ends)
        print(f"{info.symbol}: {info.units.size(held.lots)} at {info.units.price(held.mark_quanta)}, "
              f"profit {usd(held.unrealised_quanta)} USD, liquidated at {lower} below, {upper} above")
    print(f"if the underlying of {arguments.market} moves:")
    for move in MOVES:
        after = (await client.risk(moves=[suppose_move(arguments.market, move)])).after
        state = "liquidated" if after.excess_quanta < 0 else "safe"
        print(f"  {move:>5}: equity {usd(after.equity_quanta):>20} USD, {state}")


def main() -> None:
    """The command line."""
    run_example(report, arguments_of("margins, liquidation prices and scenarios of an account"))


if __name__ == "__main__":
    main()
