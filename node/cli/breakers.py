"""`novation query breakers`: what has tripped, how near the rest is, and within which prices one may trade."""

from typing import Any

import click

from client.client import NovationClient
from client.results import MarketInfo
from client.units import usd
from node.cli.chain import ask
from node.cli.oracle import query  # with the verbs of risk and prices
from node.cli.session import Session, command
from node.cli.views import E9, percent, plain, price_text, rows_table, when, word
from novation.v1 import risk_service_pb2 as risk_service
from novation.v1 import state_pb2


@command(query)
@click.option("--all", "every", is_flag=True, help="The bands of every series of options, too.")
def breakers(session: Session, every: bool) -> None:
    """Halts, bands, caps, the limiter of withdrawals, the chain's own stress test: what has tripped, and how near the
    rest is.
    """

    async def work(client: NovationClient) -> tuple[Any, dict[int, MarketInfo]]:
        return await client.breakers(), {info.market: info for info in client.markets.values()}

    reply, infos = ask(session, work)
    rows = [_row(infos, one) for one in reply.breakers]
    bands = [_band(infos[one.market], one) for one in reply.bands]
    stress = [{"all_marks": percent(one.shock_ppm), "owed_usd": plain(usd(one.shortfall_quanta))}
              for one in reply.stress]
    data = {"height": reply.height, "time": when(reply.time_ns), "breakers": rows, "bands": bands,
            "stress_test": {"done": when(reply.swept_ns) if reply.swept_ns else None, "accounts": reply.swept_accounts,
                            "insurance_usd": plain(usd(reply.insured_quanta)), "rows": stress}}

    def text() -> list[Any]:
        shown: list[Any] = [f"height {reply.height}, {when(reply.time_ns)}", rows_table(rows, "no breaker is on")]
        if alone := bands if every else [row for row in bands if row["kind"] != "option"]:
            shown.append(rows_table([{name: row[name] for name in row if name != "kind"} for row in alone], ""))
        if reply.swept_ns:
            shown += [f"stress test of {reply.swept_accounts} accounts, done {when(reply.swept_ns)}; insurance "
                      f"{plain(usd(reply.insured_quanta))} USD", rows_table(stress, "")]
        return shown

    session.emit(data, text)


def _row(infos: dict[int, MarketInfo], one: risk_service.BreakerStatus) -> dict[str, Any]:
    row, info = one.breaker, infos.get(one.market)
    return {"market": info.symbol if info else "all", "kind": word(state_pb2.BreakerKind, row.kind),
            "state": "tripped" if row.tripped else "on", "reason": word(state_pb2.BreakerReason, row.reason),
            "value": _amount(info, row, row.value), "limit": _amount(info, row, row.limit),
            "started": when(row.started_ns) if row.started_ns else "-",
            "ends": when(row.ends_ns) if row.ends_ns else "-", "extensions": row.extensions}


def _amount(info: MarketInfo | None, row: state_pb2.Breaker, amount: int) -> str:
    """A breaker's value or limit in the unit of its kind."""
    if row.reason == state_pb2.BREAKER_REASON_STANDSTILL:
        return f"{amount // E9} s"
    if row.kind == state_pb2.BREAKER_KIND_HALT and info:
        return price_text(info, amount)
    if row.kind == state_pb2.BREAKER_KIND_OPEN_INTEREST and info:
        return plain(info.units.size(amount))
    return f"{plain(usd(amount))} USD"


def _band(info: MarketInfo, one: risk_service.PriceBand) -> dict[str, Any]:
    return {"market": info.symbol, "kind": word(state_pb2.MarketKind, info.record.kind),
            "mark": price_text(info, one.mark_quanta),
            "no sell below": price_text(info, one.order_low_quanta),
            "no buy above": price_text(info, one.order_high_quanta),
            "no fill below": price_text(info, one.fill_low_quanta),
            "no fill above": price_text(info, one.fill_high_quanta)}
