"""What `novation query risk` shows of an account with options: for people and for scripts."""

from io import StringIO
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table

from app.margin.suppose import Move
from app.markets.types import CALL, PUT
from app.portfolio.hooks import move_anchors
from app.portfolio.types import PortfolioTerms
from app.question_messages import answer_message
from app.questions import Question, ask
from app.registry import TABLES
from client.offline import market_of
from client.results import MarketInfo
from node.cli.risk import account_data, risk_text, span_text
from node.cli.session import narrowed, simple_table
from node.cli.views import rows_table
from novation.v1 import risk_service_pb2 as risk_service
from tests.helpers.builders import ALICE, BTC, ETH
from tests.helpers.options import MONTH_S, holds, listed, number_of

LOTS = {BTC: 60, ETH: -30, number_of(500_000_000, CALL): -20, number_of(400_000_000, PUT, MONTH_S): -10}


@pytest.fixture(scope="module")
def answered() -> tuple[risk_service.GetRiskResponse, dict[int, MarketInfo]]:
    """Alice's account under a move of BTC."""
    ctx = listed()
    for feed in (1, 2):
        ctx.portfolios.put(feed, PortfolioTerms(feed))
    move_anchors(ctx)
    holds(ctx, ALICE.account(), LOTS, 2_000_000_000)
    reply = answer_message(7, 1, ask(ctx, ALICE.account(), Question(moves=[Move(1, -100_000, 200_000)])))
    encode = TABLES["markets"].encode
    return reply, {market: market_of(encode(ctx.markets.get(market))) for market in LOTS}


def test_the_data_for_scripts(answered: Any) -> None:
    """Tails, greeks, modes and spans as plain data; parts and rest are the worst row."""
    reply, infos = answered
    data = account_data(reply.after, infos)
    together, btc, eth = data["tails"]
    assert [tail["underlying"] for tail in (together, btc, eth)] == ["all together", "BTC", "ETH"]
    assert [one["market"] for one in together["parts"]] == [
        "BTC-PERP", infos[number_of(500_000_000, CALL)].symbol, infos[number_of(400_000_000, PUT, MONTH_S)].symbol,
        "ETH-PERP"]
    total = sum(float(one["adds_usd"]) for one in together["parts"]) + float(together["rest_usd"])
    assert total == pytest.approx(float(together["worst_usd"]))
    assert len(btc["rows"]) == 34 and btc["rows"][30]["row"] == "+500%, volatility up"
    assert data["greeks"][0]["expiry"] == "-" and len(data["greeks"]) == 4
    assert [one["mode"] for one in data["modes"]] == ["standard, in force", "portfolio"]
    assert data["underlyings"][0]["price"] == "41400" and data["underlyings"][0]["short"]


def test_the_page_for_people(answered: Any) -> None:
    """All of it in tables; options have no bar of their own."""
    reply, infos = answered
    data = {"before": account_data(reply.before, infos), "after": account_data(reply.after, infos), "results": []}
    console = Console(file=StringIO(), width=200)
    for part in risk_text("alice", data, reply, infos, True, False):
        console.print(part)
    page = console.file.getvalue()
    for said in ("all together: to its worst row", "BTC: far moves", "+500%, volatility up", "theta day usd",
                 "portfolio", "discounts and roundings", "x liquidates"):
        assert said in page, page
    assert "skew" not in page


def test_a_narrow_page_loses_no_figure() -> None:
    """A table wider than the page becomes several, each with its first column; one that fits, or has halves, stays."""
    wide = rows_table([{"market": "BTC-25DEC26-40000-P", **{f"figure_{number}_usd": f"{number}.123456"
                                                            for number in range(9)}} for _ in range(2)], "")
    assert isinstance(wide, Table)
    page = Console(width=60, record=True, file=StringIO())
    parts = narrowed(wide, page)
    for part in parts:
        page.print(part)
    shown = page.export_text()
    assert "…" not in shown and all(shown.count(f"{number}.123456") == 2 for number in range(9))
    assert len(parts) > 1 and shown.count("BTC-25DEC26-40000-P") == 2 * len(parts)
    assert narrowed(wide, Console(width=400)) == [wide]
    halves = simple_table("bid", "a long name of a strike in the middle of the table", "bid")
    assert narrowed(halves, Console(width=20)) == [halves]


def test_spans_in_words() -> None:
    """Where an account is short, with open ends."""
    assert [span_text(*span) for span in (("5", "9"), ("-", "9"), ("5", "-"), ("-", "-"))] == [
        "5 to 9", "9 and below", "5 and above", "at all prices"]
