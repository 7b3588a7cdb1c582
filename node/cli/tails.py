"""What an account makes in every row of portfolio margin, for people and scripts."""

from decimal import Decimal
from typing import Any

from client.results import MarketInfo
from client.units import usd
from node.cli.views import percent, plain, rows_table
from novation.v1 import risk_service_pb2 as risk_service

VOLATILITIES = {risk_service.VOLATILITY_MOVE_STEADY: "", risk_service.VOLATILITY_MOVE_UP: ", volatility up",
                risk_service.VOLATILITY_MOVE_DOWN: ", volatility down"}
OTHERS = {risk_service.TAIL_ROW_KIND_SKEW: "skew", risk_service.TAIL_ROW_KIND_ABSOLUTE_SKEW: "skew on both sides",
          risk_service.TAIL_ROW_KIND_BASIS: "basis"}
WHOLE_PPM = 1_000_000
BAR = 12  # characters: with it the rows fit a terminal of 80


def modes_data(account: risk_service.AccountRisk) -> list[dict[str, Any]]:
    """Both modes of margin beside one another."""
    modes = [("standard", account.standard_margin)]
    if account.HasField("portfolio_margin"):
        modes.append(("portfolio", account.portfolio_margin))
    in_force = "portfolio" if account.portfolio else "standard"
    return [{"mode": f"{name}, in force" if name == in_force else name, "initial_usd": plain(usd(one.initial_quanta)),
             "maintenance_usd": plain(usd(one.maintenance_quanta)), "usable_usd": plain(usd(one.usable_quanta))}
            for name, one in modes]


def tail_data(tail: risk_service.Tail, infos: dict[int, MarketInfo]) -> dict[str, Any]:
    """One underlying's rows, the worst of them by position, and the mean of the worst."""
    names = {infos[part.market].record.feed: infos[part.market].symbol.partition("-")[0] for part in tail.parts}
    return {"underlying": names[tail.feed] if tail.feed else "all together",
            "worst_row": _case(tail.rows[tail.worst_row]),
            "worst_usd": plain(usd(tail.rows[tail.worst_row].weighted_quanta)),
            "shortfall_usd": plain(usd(tail.shortfall_quanta)),
            "weighted_shortfall_usd": plain(usd(tail.weighted_shortfall_quanta)),
            "parts": [{"market": infos[part.market].symbol, "adds_usd": plain(usd(part.quanta))}
                      for part in tail.parts],
            "rest_usd": plain(usd(tail.rest_quanta)),
            "rows": [{"row": _case(row), "weight": percent(row.weight_ppm),
                      "unweighted_usd": plain(usd(row.unweighted_quanta)),
                      "weighted_usd": plain(usd(row.weighted_quanta))} for row in tail.rows]}


def _case(row: risk_service.TailRow) -> str:
    return OTHERS.get(row.kind) or moved(row.price_ppm, row.volatility)


def moved(price_ppm: int, volatility: risk_service.VolatilityMove) -> str:
    """What price and volatility do in a row of the grid, for people."""
    return f"{'+' if price_ppm > 0 else ''}{percent(price_ppm)}{VOLATILITIES[volatility]}"


def tails_text(tails: list[dict[str, Any]], every: bool) -> list[Any]:
    """For people: what is worst, which position adds what to it, and the far rows, or every one."""
    shown: list[Any] = []
    if tails:
        shown.append(rows_table([{name: tail[name] for name in (
            "underlying", "worst_row", "worst_usd", "shortfall_usd", "weighted_shortfall_usd")} for tail in tails], ""))
    for tail in tails:
        parts = [*tail["parts"], {"market": "discounts and roundings", "adds_usd": tail["rest_usd"]}]
        rows = tail["rows"] if every else [row for row in tail["rows"] if row["weight"] != percent(WHOLE_PPM)]
        if len(tail["parts"]) > 1:
            shown += [f"{tail['underlying']}: to its worst row, {tail['worst_row']}", rows_table(parts, "")]
        shown += [f"{tail['underlying']}: {'every row' if every else 'far moves'}, what it makes and what counts of it",
                  rows_table([row | {"": _bar(row, rows)} for row in rows], "")]
    return shown


def _bar(row: dict[str, Any], rows: list[dict[str, Any]]) -> str:
    """How bad a row is beside the worst of those shown."""
    least = min(Decimal(one["weighted_usd"]) for one in rows)
    share = Decimal(row["weighted_usd"]) / least if least < 0 else Decimal(0)
    return "█" * round(max(Decimal(0), share) * BAR)
