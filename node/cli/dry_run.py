"""`--dry-run` of everything that is signed: what it would do, by the node's own code, and nothing is sent."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, NoReturn

import click

from client.client import NovationClient
from client.keys import Key
from client.results import MarketInfo
from client.units import usd
from node.cli.chain import ask
from node.cli.risk import MONEY, fill_row
from node.cli.session import Session
from node.cli.views import plain, rows_table
from novation.v1 import risk_service_pb2 as risk_service


def preview(session: Session, what: dict[str, Any], send: Callable[[NovationClient], Awaitable[Any]], key: Key,
            account_number: int) -> NoReturn:
    """What it would do, by the node's own code, and how the account would stand; then the end."""

    async def work(client: NovationClient) -> tuple[risk_service.GetRiskResponse, dict[int, MarketInfo]]:
        client.options = replace(client.options, dry_run=True)
        await send(client)
        return client.preview, {info.market: info for info in client.markets.values()}

    seen, infos = ask(session, work, key, account_number)
    fills = [fill_row(infos[one.market], one) for one in seen.fills]
    money = [{"USD": name, "now": plain(usd(getattr(seen.before, f"{name}_quanta"))),
              "afterwards": plain(usd(getattr(seen.after, f"{name}_quanta")))} for name in MONEY]
    data = {"dry_run": True, "height": seen.height, **{name: str(value) for name, value in what.items()},
            "fills": fills, "trading_fees_usd": plain(usd(seen.trading_fees_quanta)), "account": money}
    said = f"dry run at height {seen.height}: nothing was sent"
    session.emit(data, [said, rows_table(fills, "nothing would fill now"), rows_table(money, "")])
    click.get_current_context().exit()
